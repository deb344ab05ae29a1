"""The cortical microcircuit of Potjans & Diesmann 2014, doi:10.1093/cercor/bhs358, at full scale."""

from __future__ import annotations

import math
from typing import Any

POPULATIONS = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
SIZES = (20_683, 5_834, 21_915, 5_479, 4_850, 1_065, 14_395, 2_948)
#: probability that a pair of cells is connected at least once, [target][source]
PROBABILITY = (
    (0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0),
    (0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0),
    (0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0.0),
    (0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0),
    (0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0),
    (0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0.0),
    (0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252),
    (0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443),
)
EXTERNAL = (1_600, 1_500, 2_100, 1_900, 2_000, 1_900, 2_900, 2_100)  # synapses a cell, 8 Hz each
V_MEAN = (-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43)  # mV at time 0
V_STD = (5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48)
#: mean rates in Hz of the published network (NEST's reference simulation)
RATES = dict(zip(POPULATIONS, (0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829)))
C_M, TAU_M, TAU_SYN, PSP = 250.0, 10.0, 0.5, 0.15  # pF, ms, ms, mV


def microcircuit(scale: float) -> dict[str, Any]:
    """Eight populations of lif_exp cells, 299 million synapses with weights and delays of their own, Poisson drive.

    `scale` changes the number of cells; the synapses of a cell stay as many.
    """
    params = {
        "tau_m": TAU_M, "C_m": C_M, "E_L": -65.0, "V_th": -50.0, "V_reset": -65.0, "t_ref": 2.0,
        "tau_syn_ex": TAU_SYN, "tau_syn_in": TAU_SYN,
    }  # fmt: skip
    weight = current(PSP)
    return {
        "populations": [
            {"name": name, "size": max(round(n * scale), 2), "model": "lif_exp", "params": params,
             "V_m": {"normal": [mean, std, -50.0]}}
            for name, n, mean, std in zip(POPULATIONS, SIZES, V_MEAN, V_STD)
        ],
        "projections": [
            projection for i in range(8) for j in range(8) if (projection := _projection(i, j, weight, scale))["total"]
        ],
        "drive": [
            {"target": name, "rate": 8.0 * k, "weight": weight, "delay": 1.5} for name, k in zip(POPULATIONS, EXTERNAL)
        ],
    }  # fmt: skip


def _projection(i: int, j: int, weight: float, scale: float) -> dict[str, Any]:
    """From population j to population i: the weight of L4E onto L23E is doubled, inhibition is four times as strong."""
    inhibitory = j % 2 == 1
    mean = -4.0 * weight if inhibitory else 2.0 * weight if (i, j) == (0, 2) else weight
    delay = 0.75 if inhibitory else 1.5
    return {
        "source": POPULATIONS[j], "target": POPULATIONS[i], "total": round(total(i, j) * scale),
        "weight": {"normal": [mean, 0.1 * abs(mean)]}, "delay": {"normal": [delay, 0.5 * delay, 0.1]},
    }  # fmt: skip


def total(i: int, j: int) -> int:
    """Synapses from population j to i, drawn with replacement, that connect a pair with the stated probability."""
    pairs = SIZES[i] * SIZES[j]
    return round(math.log(1.0 - PROBABILITY[i][j]) / math.log((pairs - 1.0) / pairs))


def current(psp: float) -> float:
    """Amplitude (pA) of an exponential current whose potential rises by `psp` (mV) at its peak."""
    b = 1.0 / (TAU_SYN - TAU_M)
    ratio = (TAU_M / TAU_SYN) ** b
    return psp / (TAU_M * TAU_SYN / C_M * b * (ratio**TAU_M - ratio**TAU_SYN))

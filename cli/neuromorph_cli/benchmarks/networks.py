"""The networks of the cases as plain data, from which every simulator builds the same: ours, NEST, Brian2.

A network is a dict that survives JSON:
populations : [{name, size, model (lif_delta, lif_exp), params, V_m}], V_m a number, {uniform: [low, high]} or
    {normal: [mean, std, high]} (mV)
projections : [{source, target, indegree or total, weight, delay}], targets and sources drawn with replacement; weight a
    number or {normal: [mean, std]} on its side of zero; delay (ms) a number or {normal: [mean, std, low]}; with `stdp`
    {tau, a_plus, a_minus, w_max} additive pair STDP
drive : [{target, rate, weight, delay}], an independent Poisson process of `rate` (Hz) for each cell
kick : {target, count, time, weight, delay}, one spike at `time` to the first `count` cells, or absent
"""

from __future__ import annotations

from typing import Any


def size(full: int, scale: float, least: int = 5) -> int:
    """`full` cells or synapses scaled, at least `least`."""
    return max(round(full * scale), least)


def brunel(scale: float) -> dict[str, Any]:
    """Excitatory and inhibitory lif_delta cells in the asynchronous irregular state (g = 5, eta = 2).

    Brunel 2000, doi:10.1023/A:1008925309027. In-degrees go with `scale` and weights with its inverse, so that the mean
    input stays.
    """
    return balanced(size(10_000, scale), size(2_500, scale), size(1_000, scale), size(250, scale))


def stdp(scale: float) -> dict[str, Any]:
    """Brunel's network of 10,000 cells whose excitatory synapses onto excitatory cells learn by additive pair STDP."""
    network = balanced(size(8_000, scale), size(2_000, scale), size(800, scale), size(200, scale))
    weight = network["projections"][0]["weight"]
    step = 0.01 * 2 * weight
    network["projections"][0]["stdp"] = {
        "tau": 20.0, "a_plus": step, "a_minus": 1.05 * step, "w_max": 2 * weight,
    }  # fmt: skip
    return network


def balanced(n_e: int, n_i: int, in_e: int, in_i: int) -> dict[str, Any]:
    """J = 0.1 mV at 1,000 excitatory synapses a cell; the drive alone would hold the mean potential at eta V_th."""
    weight, g, eta, tau, threshold, delay = 0.1 * 1_000 / in_e, 5.0, 2.0, 20.0, 20.0, 1.5
    params = {"tau_m": tau, "C_m": 1.0, "E_L": 0.0, "V_th": threshold, "V_reset": 10.0, "t_ref": 2.0}
    start = {"uniform": [0.0, 20.0]}
    rate = 1e3 * eta * threshold / (weight * tau)
    kinds = {"E": (in_e, weight), "I": (in_i, -g * weight)}
    return {
        "populations": [
            {"name": name, "size": n, "model": "lif_delta", "params": params, "V_m": start}
            for name, n in (("E", n_e), ("I", n_i))
        ],
        "projections": [
            {"source": a, "target": b, "indegree": indegree, "weight": w, "delay": delay}
            for a, (indegree, w) in kinds.items()
            for b in kinds
        ],
        "drive": [{"target": name, "rate": rate, "weight": weight, "delay": delay} for name in kinds],
    }  # fmt: skip


def cuba(scale: float) -> dict[str, Any]:
    """4,000 lif_exp cells that keep firing without input: benchmark 2 of Brette et al. 2007, in-degree 64 E and 16 I.

    doi:10.1007/s10827-007-0038-6. C_m = tau_m in number, so that a weight in pA is the paper's in mV.
    """
    params = {
        "tau_m": 20.0, "C_m": 20.0, "E_L": -49.0, "V_th": -50.0, "V_reset": -60.0, "t_ref": 5.0,
        "tau_syn_ex": 5.0, "tau_syn_in": 10.0,
    }  # fmt: skip
    kinds = {"E": (64, 1.62), "I": (16, -9.0)}
    return {
        "populations": [
            {"name": name, "size": size(n, scale), "model": "lif_exp", "params": params, "V_m": {"uniform": [-60, -50]}}
            for name, n in (("E", 3_200), ("I", 800))
        ],
        "projections": [
            {"source": a, "target": b, "indegree": indegree, "weight": w, "delay": 0.1}
            for a, (indegree, w) in kinds.items()
            for b in kinds
        ],
        "drive": [],
    }


def sparse(scale: float) -> dict[str, Any]:
    """100,000 lif_delta cells with 100 synapses each, fired one by one at 0.4 Hz by strong Poisson events."""
    params = {"tau_m": 20.0, "C_m": 20.0, "E_L": 0.0, "V_th": 20.0, "V_reset": 0.0, "t_ref": 2.0}
    return {
        "populations": [
            {"name": "cells", "size": size(100_000, scale), "model": "lif_delta", "params": params, "V_m": 0.0}
        ],
        "projections": [{"source": "cells", "target": "cells", "indegree": 100, "weight": 0.1, "delay": 1.5}],
        "drive": [{"target": "cells", "rate": 0.4, "weight": 25.0, "delay": 1.5}],
    }


def relay(scale: float) -> dict[str, Any]:
    """1,000 lif_delta cells with 100 synapses each, all of which are above threshold: the densest traffic there is."""
    n = size(1_000, scale, 20)
    params = {"tau_m": 20.0, "C_m": 20.0, "E_L": 0.0, "V_th": 20.0, "V_reset": 0.0, "t_ref": 0.5}
    return {
        "populations": [{"name": "cells", "size": n, "model": "lif_delta", "params": params, "V_m": 0.0}],
        "projections": [{"source": "cells", "target": "cells", "indegree": 100, "weight": 25.0, "delay": 1.0}],
        "drive": [],
        "kick": {"target": "cells", "count": n // 10, "time": 0.5, "weight": 25.0, "delay": 1.0},
    }


def cells(network: dict[str, Any]) -> dict[str, int]:
    """Cells of each population."""
    return {p["name"]: p["size"] for p in network["populations"]}


def synapses(network: dict[str, Any]) -> dict[str, float]:
    """Synapses that leave each population; the drive is not among them."""
    sizes = cells(network)
    out = dict.fromkeys(sizes, 0.0)
    for p in network["projections"]:
        out[p["source"]] += p["total"] if "total" in p else p["indegree"] * sizes[p["target"]]
    return out

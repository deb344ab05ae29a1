"""Spike-frequency adaptation by a threshold that moves, a neuron model in two equations.

    python examples/moving_threshold.py

Each spike raises the threshold by b, from which it decays. The model is linear, so that its spike times are exact.
Under a constant current intervals grow to one that can be computed: where the membrane meets the threshold that jumps
of b at that interval have raised. Prints first and last intervals and that one (ms), by current.
"""

from __future__ import annotations

import math

import numpy as np

from neuromorph import Model, Network, Simulation
from neuromorph.models.registry import registry

Adapting = Model(
    """
    dv/dt = (E_L - v + R*I_stim)/tau_m : mV          # membrane potential
    dtheta/dt = (theta_0 - theta)/tau_theta : mV     # threshold
    I_stim : pA                                      # injected current
    """,
    threshold="v > theta",
    reset="v = V_r; theta += b",
    refractory="t_ref",
    parameters={
        "E_L": "-70 mV  # resting potential",
        "R": "100 MOhm  # membrane resistance",
        "tau_m": "10 ms  # membrane time constant",
        "theta_0": "-55 mV  # threshold at rest",
        "tau_theta": "80 ms  # decay of the threshold",
        "V_r": "-70 mV  # potential after a spike",
        "b": "4 mV  # jump of the threshold at a spike",
        "t_ref": "2 ms  # refractory period",
    },
    receptors={"current": "I_stim += w (explicit)"},
    initial={"theta": "theta_0"},
    name="adapting",
    source="Chacron, Pakdaman & Longtin 2003, doi:10.1162/089976603762552915",
)  # fmt: skip


def intervals(currents: list[float], duration: float = 2000.0) -> list[np.ndarray]:
    """Interspike intervals (ms) of a cell for each constant current (pA)."""
    with registry.override({Adapting.name: Adapting}):
        network = Network("moving_threshold")
        network.add_population("cells", "adapting", len(currents))
        network.add_input("injected", "dc_current", len(currents), {"amplitude": currents})
        network.connect("injected", "cells", "one_to_one")
        simulation = Simulation(network, resolution="exact")
        simulation.run(duration)
    times, cells = simulation.spikes("cells")
    return [np.diff(np.array(times)[np.array(cells) == k]) for k in range(len(currents))]


def adapted_interval(current: float) -> float:
    """Where (ms) the membrane meets the threshold of a cell that has fired at this interval for ever."""
    p = {name: param.default for name, param in Adapting.parameters().items()}
    rest = p["E_L"] + p["R"] * current

    def gap(t: float) -> float:
        left = math.exp(-t / p["tau_theta"])
        threshold = p["theta_0"] + p["b"] * left / (1.0 - left)
        return rest + (p["V_r"] - rest) * math.exp(-(t - p["t_ref"]) / p["tau_m"]) - threshold

    low, high = p["t_ref"] + 1e-9, 1e4
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if gap(middle) >= 0.0 else (middle, high)
    return high


def main() -> list[tuple[float, float, float, float]]:
    """Run, print the table and return its rows."""
    currents = [160.0, 200.0, 300.0, 400.0, 600.0]
    rows = []
    print("current (pA)  first (ms)  last (ms)  computed (ms)")
    for current, found in zip(currents, intervals(currents)):
        rows.append((current, float(found[0]), float(found[-1]), adapted_interval(current)))
        print("{:12.0f} {:11.3f} {:10.6f} {:14.6f}".format(*rows[-1]))
    return rows


if __name__ == "__main__":
    main()

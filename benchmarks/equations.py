"""Models by equations beside those written by hand: ns per cell and tick on the grid, ns per arrival in exact mode.

    python benchmarks/equations.py [--cells 4000] [--duration 500] [--model lif_exp]

Prints one line of JSON a model. The texts are those of tests/equations/models.py; both models of a pair run the same
network in this process, one after the other, three times, and the fastest counts.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from neuromorph import Model, Network, Simulation
from neuromorph.models.registry import registry

sys.path[0] = str(Path(__file__).parents[1] / "tests")  # not this folder, whose `equations` is this file
from equations.models import by_equations  # noqa: E402

#: weights by receptor that leave cells below threshold most of the time
WEIGHTS = {
    "lif_delta": {"delta": 0.7}, "lif_exp": {"excitatory": 100.0, "inhibitory": -45.0},
    "lif_alpha": {"excitatory": 38.0, "inhibitory": -18.0}, "lif_cond_exp": {}, "izhikevich": {}, "adex": {},
}  # fmt: skip
#: no twin by hand: a moving threshold, whose crossings are found by isolating roots
ADAPTIVE = {
    "equations": """
        dv/dt = (E_L - v)/tau_m + (I_ex + I_in)/C_m : mV
        dtheta/dt = (V_th - theta)/tau_theta : mV
        dI_ex/dt = -I_ex/tau_ex : pA
        dI_in/dt = -I_in/tau_in : pA
    """,
    "threshold": "v > theta",
    "reset": "v = V_r; theta += 2*mV",
    "refractory": "2 ms",
    "parameters": {
        "E_L": "-70 mV", "tau_m": "10 ms", "C_m": "250 pF", "V_th": "-55 mV", "tau_theta": "50 ms", "tau_ex": "2 ms",
        "tau_in": "3 ms", "V_r": "-70 mV",
    },
    "receptors": {"excitatory": "I_ex += w (positive)", "inhibitory": "I_in += w (negative)"},
    "initial": {"theta": "V_th"},
    "name": "adaptive",
}  # fmt: skip


def network(model: str, weights: dict[str, float], cells: int) -> Network:
    """Cells under Poisson input of 100 sources of 20 Hz each, at every receptor that has a weight."""
    net = Network("equations")
    net.add_population("cells", model, cells)
    if not weights:
        return net
    net.add_input("noise", "poisson", cells, {"rate": 20.0})
    for k, (receptor, weight) in enumerate(weights.items()):
        net.connect(
            "noise", "cells", "fixed_indegree", indegree=100, weight=weight, delay=1.0, receptor=receptor, name=f"p{k}"
        )
    return net


def seconds(model: str, weights: dict[str, float], cells: int, resolution: Any, duration: float) -> tuple[float, Any]:
    """CPU seconds of `duration` ms after 50 ms untimed, the fastest of three, and the simulation."""
    simulation = Simulation(network(model, weights, cells), resolution=resolution, seed=1)
    simulation.run(50.0)
    found = []
    for _ in range(3):
        begin = time.process_time()
        simulation.run(duration)
        found.append(time.process_time() - begin)
    return min(found), simulation


def measure(name: str, cells: int, duration: float) -> dict[str, Any]:
    """One model: on the grid of 0.1 ms without input, and in exact mode per arrival."""
    cls = Model(**ADAPTIVE) if name == "adaptive" else by_equations(name)  # type: ignore[arg-type]
    weights = WEIGHTS.get(name, WEIGHTS["lif_exp"])
    row: dict[str, Any] = {"model": name}
    with registry.override({cls.name: cls}):
        pair = [cls.name] if name == "adaptive" else [name, cls.name]
        for label, model in zip(("equations",) if name == "adaptive" else ("by_hand", "equations"), pair):
            spent, _ = seconds(model, {}, cells, 0.1, duration)
            row[f"{label}_ns_per_cell_and_tick"] = round(1e9 * spent / (cells * duration / 0.1), 2)
            if "exact" in cls.resolutions:
                spent, simulation = seconds(model, weights, cells, "exact", duration)
                arrivals = len(weights) * cells * 100 * 20e-3 * duration
                row[f"{label}_ns_per_arrival"] = round(1e9 * spent / arrivals, 1)
                row[f"{label}_spikes"] = simulation.spike_counts["cells"]
    return row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=4000)
    parser.add_argument("--duration", type=float, default=500.0)
    parser.add_argument("--model", choices=[*WEIGHTS, "adaptive"])
    arguments = parser.parse_args()
    for name in [arguments.model] if arguments.model else [*WEIGHTS, "adaptive"]:
        print(json.dumps(measure(name, arguments.cells, arguments.duration)), flush=True)


if __name__ == "__main__":
    main()

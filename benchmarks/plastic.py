"""Pair STDP, 10,000 cells (8,000 E, 2,000 I), 1,000 E synapses a cell: ns per plastic synaptic event, grid of 0.1 ms.

    python benchmarks/plastic.py [--scale 1] [--duration 300]

Prints one line of JSON. Only E to E learns (additive, bounded). `plastic_ns` is the time inside the visits of
plastic rows alone (called window by window from Python), `s_per_simulated_s` that of the whole run.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from neuromorph.graph.network import Network
from neuromorph.kernels import driver
from neuromorph.simulate import Simulation


def network(scale: float) -> Network:
    """Brunel's network with plastic E to E synapses; external Poisson input at twice the threshold rate."""
    n_e, n_i = int(8000 * scale), int(2000 * scale)
    c_e = n_e // 8
    j, g, eta, tau, theta = 0.1 * 1000.0 / c_e, 5.0, 2.0, 20.0, 20.0
    net = Network("stdp")
    cell = {"tau_m": tau, "t_ref": 2.0, "E_L": 0.0, "V_reset": 10.0, "V_th": theta}
    start = {"V_m": {"distribution": "uniform", "low": 0.0, "high": 19.99}}
    for name, size in (("E", n_e), ("I", n_i)):
        net.add_population(name, "lif_delta", size, cell, initial=start)
        net.add_input(f"noise_{name}", "poisson", size, {"rate": 1000.0 * eta * theta / (j * tau)})
        net.connect(f"noise_{name}", name, "one_to_one", weight=j, delay=1.5)
    rule = {"rule": "pair_stdp", "w_min": 0.0, "w_max": 2 * j}
    rule["params"] = {"a_plus": 0.01 * 2 * j, "a_minus": 0.0105 * 2 * j}
    net.connect("E", "E", "fixed_indegree", indegree=c_e, weight=j, delay=1.5, plasticity=rule, name="EE")
    net.connect("E", "I", "fixed_indegree", indegree=c_e, weight=j, delay=1.5)
    for name in ("E", "I"):
        net.connect("I", name, "fixed_indegree", indegree=c_e // 4, weight=-g * j, delay=1.5)
    return net


def measure(scale: float, duration: float) -> dict[str, Any]:
    """Build, run 100 ms untimed, then `duration` ms."""
    began = time.perf_counter()
    simulation = Simulation(network(scale), resolution=0.1, seed=1)
    built = time.perf_counter() - began
    simulation.run(100.0)
    spikes, events, begin = simulation.spike_counts["E"], simulation.synaptic_events, time.process_time()
    simulation.run(duration)
    spent = time.process_time() - begin
    part = simulation.plastic["EE"][0]
    n = part.weight.size
    plastic = (simulation.spike_counts["E"] - spikes) * n / part.n_pre
    held = sum(a.nbytes for a in (part.weight, part.rows.target, part.rows.slot, part.rows.origin))
    return {
        "case": "plastic", "scale": scale, "synapses": n, "build_s": round(built, 2),
        "s_per_simulated_s": round(spent / duration * 1e3, 3), "plastic_events": int(plastic),
        "events": simulation.synaptic_events - events,
        "plastic_ns": round(_visits(simulation), 2), "bytes_per_synapse": round(held / n, 2),
        "rate_hz": round((simulation.spike_counts["E"] - spikes) / part.n_pre / duration * 1e3, 2),
    }  # fmt: skip


def _visits(simulation: Simulation, windows: int = 100) -> float:
    """Nanoseconds per plastic synaptic event: the visits of each window, run once more from Python in place of it.

    The second visit finds nothing to replay, so both are timed by leaving the compiled loop's own out.
    """
    part, loop, spent, events = simulation.plastic["EE"][0], simulation.windows, 0.0, 0
    simulation.run(simulation.window * simulation.clock.unit)
    steps = list(loop._steps)
    loop._steps[5] = steps[5][:0]  # the loop itself visits nothing
    calendar = simulation.calendar
    visiting = part.visiting(calendar, loop.ring)
    for _ in range(windows):
        first = calendar.closed
        simulation.run(simulation.window * simulation.clock.unit)
        begin = time.process_time()
        events += driver.run_step(*visiting.pair, min(first, calendar.closed), calendar.closed, 0)
        spent += time.process_time() - begin
    loop._steps = steps
    return 1e9 * spent / max(events, 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--duration", type=float, default=300.0)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.scale, arguments.duration)))


if __name__ == "__main__":
    main()

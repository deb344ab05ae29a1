"""Exact mode alone: seconds per simulated second and nanoseconds per synaptic event, one JSON line a case.

    python benchmarks/exact.py [brunel] [cuba] [sparse] [--scale S] [--warm MS] [--time MS]

Process CPU time of one core; compare ratios of alternating runs, not single figures.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import time
from typing import Any

from neuromorph import Network, Simulation

CUBA = pathlib.Path(__file__).parent.parent / "examples" / "cuba.toml"


def brunel(scale: float) -> Network:
    """Brunel 2000, model A: 12,500 lif_delta cells, a tenth connected, 20 kHz of Poisson input each."""
    net, n = Network("brunel"), {"E": int(10000 * scale), "I": int(2500 * scale)}
    params = {"tau_m": 20.0, "C_m": 1.0, "E_L": 0.0, "V_th": 20.0, "V_reset": 10.0, "t_ref": 2.0}
    for name, size in n.items():
        net.add_population(
            name, "lif_delta", size, params, {"V_m": {"distribution": "uniform", "low": 0.0, "high": 19.99}}
        )
        net.add_input(f"noise_{name}", "poisson", size, {"rate": 20e3})
        net.connect(f"noise_{name}", name, "one_to_one", 0.1, 1.5)
    for source, weight in (("E", 0.1), ("I", -0.5)):
        for target in n:
            net.connect(source, target, "fixed_indegree", weight, 1.5, indegree=n[source] // 10)
    return net


def cuba(scale: float) -> Network:
    """Brette et al. 2007, benchmark 2: 4,000 lif_exp cells, delay 0.1 ms."""
    return Network.load(CUBA)


def sparse(scale: float) -> Network:
    """100,000 lif_delta cells x 100 synapses at 0.4 Hz: nearly nothing happens."""
    net, n = Network("sparse"), int(100_000 * scale)
    params = {"tau_m": 20.0, "C_m": 20.0, "E_L": 0.0, "V_th": 20.0, "V_reset": 0.0, "t_ref": 2.0}
    net.add_population("A", "lif_delta", n, params)
    net.add_input("noise", "poisson", n, {"rate": 0.4})
    net.connect("noise", "A", "one_to_one", 25.0, 1.5)
    net.connect("A", "A", "fixed_indegree", 0.1, 1.5, indegree=100)
    return net


CASES = {"brunel": brunel, "cuba": cuba, "sparse": sparse}


def measure(case: str, scale: float, warm: float, duration: float) -> dict[str, Any]:
    """Build, warm up, run."""
    started = time.perf_counter()
    simulation = Simulation(CASES[case](scale), resolution="exact", seed=1)
    build = time.perf_counter() - started
    simulation.run(warm)
    events, spikes = simulation.synaptic_events, _spikes(simulation)
    cpu = time.process_time()
    simulation.run(duration)
    cpu = time.process_time() - cpu
    events = simulation.synaptic_events - events
    cells = sum(c.neurons.size for c in simulation.cells.values())
    return {
        "case": case,
        "scale": scale,
        "build_s": round(build, 2),
        "s_per_simulated_s": round(1e3 * cpu / duration, 4),
        "ns_per_event": round(1e9 * cpu / max(events, 1), 1),
        "events": events,
        "rate_hz": round(1e3 * (_spikes(simulation) - spikes) / duration / max(cells, 1), 3),
    }


def _spikes(simulation: Simulation) -> int:
    return sum(simulation.spike_counts[name] for name in simulation.cells)


def main() -> None:
    """Run the cases that are named, all where none is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", nargs="*")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--warm", type=float, default=20.0)
    parser.add_argument("--time", type=float, default=200.0)
    options = parser.parse_args()
    for case in options.case or CASES:
        print(json.dumps(measure(case, options.scale, options.warm, options.time)), flush=True)


if __name__ == "__main__":
    main()

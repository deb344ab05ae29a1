"""How long lowering takes and what it needs: one JSON line a case.

    python benchmarks/build.py brunel microcircuit edges --threads 1 --scale 1.0

brunel: 12,500 neurons, 15.6 M synapses, fixed_indegree, one weight and delay; drawn: the same with drawn weights and
delays; sparse: 100,000 neurons with 100 synapses each; microcircuit: Potjans & Diesmann 2014,
doi:10.1093/cercor/bhs358, 299 M synapses, fixed_total with multapses, drawn weights and delays; edges: a plain graph of
a million edges, whose description is timed apart.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
import tracemalloc
from typing import Any

import networkx as nx
import numpy as np

from neuromorph import Network
from neuromorph.graph.check import describe
from neuromorph.lowered.compile import compile_network

# layers 2/3, 4, 5, 6, excitatory and inhibitory each; connection probabilities from column to row
SIZES = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
NAMES = [f"{layer}{kind}" for layer in ("L23", "L4", "L5", "L6") for kind in "EI"]
PROBABILITY = np.array([
    [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
    [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
    [0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0.0],
    [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
    [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
    [0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0.0],
    [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
    [0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443],
])  # fmt: skip


def microcircuit(scale: float = 1.0) -> Network:
    """All populations and projections among them, without input; the number of neurons goes with the scale."""
    network = Network("microcircuit")
    sizes = np.rint(SIZES * scale).astype(int)
    for name, size in zip(NAMES, sizes):
        network.add_population(name, "lif_exp", int(size))
    for target, into in enumerate(PROBABILITY):
        for source, p in enumerate(into):
            pairs = float(sizes[source]) * float(sizes[target])
            total = round(np.log1p(-p) / np.log1p(-1.0 / pairs)) if pairs else 0
            mean = 87.8 if source % 2 == 0 else -4.0 * 87.8
            if (source, target) == (2, 0):
                mean *= 2.0
            bound = {"low": 0.0} if mean > 0 else {"high": 0.0}
            delay = 1.5 if source % 2 == 0 else 0.75
            network.connect(
                NAMES[source], NAMES[target], "fixed_total", total=total, multapses=True, autapses=True,
                weight={"distribution": "normal", "mean": mean, "std": abs(mean) * 0.1, **bound},
                delay={"distribution": "normal", "mean": delay, "std": delay / 2, "low": 0.1},
            )  # fmt: skip
    return network


def brunel(scale: float = 1.0, weight: Any = 0.1, delay: Any = 1.5) -> Network:
    """10,000 excitatory and 2,500 inhibitory neurons with 1,000 and 250 synapses from them onto each."""
    network = Network("brunel")
    for name, size in (("E", 10_000), ("I", 2_500)):
        network.add_population(name, "lif_delta", round(size * scale))
    for source, indegree in (("E", 1_000), ("I", 250)):
        for target in "EI":
            strength = weight if source == "E" or not isinstance(weight, float) else -5.0 * weight
            network.connect(source, target, "fixed_indegree", indegree=round(indegree * scale), multapses=True,
                            weight=strength, delay=delay)  # fmt: skip
    return network


def drawn(scale: float = 1.0) -> Network:
    """`brunel` with drawn weights and delays."""
    weight = {"distribution": "normal", "mean": 0.1, "std": 0.01, "low": 0.0}
    return brunel(scale, weight, {"distribution": "normal", "mean": 1.5, "std": 0.5, "low": 0.1})


def sparse(scale: float = 1.0) -> Network:
    """100,000 neurons with 100 synapses onto each."""
    network = Network("sparse")
    network.add_population("E", "lif_delta", round(100_000 * scale))
    network.connect("E", "E", "fixed_indegree", indegree=100, weight=0.1, delay=1.5)
    return network


def edges(scale: float = 1.0) -> Network:
    """A plain graph of a million edges between 100,000 nodes, with weights and delays of their own."""
    random = np.random.default_rng(1)
    n, m = round(100_000 * scale), round(1_000_000 * scale)
    graph = nx.DiGraph()
    graph.add_nodes_from(range(n), model="lif_delta")
    ends, weight, delay = random.integers(0, n, (m, 2)), random.random(m), random.integers(1, 50, m) / 10.0
    graph.add_edges_from(
        (a, b, {"weight": w, "delay": d})
        for (a, b), w, d in zip(ends.tolist(), weight.tolist(), delay.tolist())
    )  # fmt: skip
    return Network.from_networkx(graph)


CASES = {"brunel": brunel, "drawn": drawn, "sparse": sparse, "microcircuit": microcircuit, "edges": edges}


def measure(
    name: str, scale: float, threads: int, resolution: float | None, parts: int, traced: bool
) -> dict[str, Any]:
    """Build a case once with warm kernels."""
    shown = "exact" if resolution is None else resolution
    compile_network(describe(CASES[name](0.02), resolution=shown), resolution, 1, parts, threads=threads)
    network = CASES[name](scale)
    start = time.perf_counter()
    description = describe(network, resolution=shown)
    described = time.perf_counter() - start
    before = resource.getrusage(resource.RUSAGE_SELF)
    resident = _resident()
    if traced:
        tracemalloc.start()
    start = time.perf_counter()
    compiled = compile_network(description, resolution, 1, parts, threads=threads)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    synapses = sum(rows.synapse.size for rows in compiled.static)
    size = sum(rows.nbytes for rows in compiled.static)
    peak = tracemalloc.get_traced_memory()[1] if traced else after.ru_maxrss * 1024 - resident
    return {
        "case": name, "resolution": shown, "threads": threads, "parts": parts, "synapses": synapses,
        "describe_s": round(described, 3), "build_s": round(seconds, 3),
        "cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 3),
        "synapses_per_s": round(synapses / seconds), "bytes_per_synapse": round(size / max(synapses, 1), 3),
        "slices": sum(rows.slice_end.size for rows in compiled.static),
        "peak_over_final": round(peak / max(size, 1), 3),
    }  # fmt: skip


def _resident() -> int:
    """Bytes of this process in memory now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def main() -> None:
    """Measure the cases that are named, all by default."""
    parser = argparse.ArgumentParser(description="Time and memory of lowering.")
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--exact", action="store_true", help="exact mode instead of a grid of 0.1 ms")
    parser.add_argument("--traced", action="store_true", help="peak by tracemalloc instead of resident memory")
    given = parser.parse_args()
    if len(given.cases) > 1:  # a process each: what one has freed is not the next one's peak
        options = [word for word in sys.argv[1:] if word not in given.cases]
        for name in given.cases:
            subprocess.run([sys.executable, __file__, name, *options], check=True)
        return
    for name in given.cases:
        resolution = None if given.exact else 0.1
        print(json.dumps(measure(name, given.scale, given.threads, resolution, given.parts, given.traced)), flush=True)


if __name__ == "__main__":
    main()

"""How fast events are delivered as a network grows: one JSON line a size, in a process of its own.

    python benchmarks/size.py [--synapses 1e6 1e7 ...] [--threads 1] [--repeats 3]

Brunel's network with the same 1,250 synapses onto each cell at every size (weights, rates and drive as in the case
`brunel`), so that only the number of cells differs. `events_per_s` counts recurrent and driven events, median of the
repetitions; docs/benchmarks.md has the curve.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from neuromorph_cli.benchmarks.networks import balanced

#: synapses onto a cell, excitatory and inhibitory
INDEGREE = (1_000, 250)
#: simulated in total, in ms and events, so that every size is timed for about as long
EVENTS = 1e9


def measured(synapses: float, threads: int) -> dict[str, Any]:
    """One run at one size, in a new process."""
    cells = round(synapses / sum(INDEGREE))
    duration = min(max(EVENTS / (synapses * 60.0) * 1e3, 50.0), 5_000.0)  # about 60 events a synapse and second
    with tempfile.TemporaryDirectory() as folder:
        request = {
            "module": "measure", "network": balanced(cells - cells // 5, cells // 5, *INDEGREE), "resolution": 0.1,
            "seed": 1, "threads": threads, "warm_ms": 50.0, "duration_ms": round(duration, 1),
            "spikes": str(Path(folder) / "spikes.npz"),
        }  # fmt: skip
        command = [sys.executable, "-m", "neuromorph_cli.benchmarks.measure"]
        done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {
        "synapses": cells * sum(INDEGREE), "cells": cells, "threads": threads,
        "events_per_s": answer["all_events"] / answer["wall_s"], "build_s": answer["build_s"],
        "s_per_simulated_s": answer["wall_s"] / request["duration_ms"] * 1e3, "peak_mb": answer["peak_mb"],
        "bytes_per_synapse": answer["synapse_bytes"] / (cells * sum(INDEGREE)),
    }  # fmt: skip


def main() -> None:
    """Measure every size, in turns, and print the median of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--synapses", type=float, nargs="+", default=[1e6, 3e6, 1e7, 3e7, 1e8, 3e8])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    turns = [[measured(s, chosen.threads) for s in chosen.synapses] for _ in range(chosen.repeats)]
    for runs in zip(*turns):
        row = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        print(json.dumps({key: float(f"{value:.4g}") for key, value in row.items()}), flush=True)


if __name__ == "__main__":
    main()

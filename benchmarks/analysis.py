"""What `neuromorph analyze` and `neuromorph compare` take for a long trace: one JSON line a command.

    python benchmarks/analysis.py [--spikes 1e8] [--cells 10000] [--folder /tmp]

Writes a trace of Poisson spikes of 10 Hz through the TraceWriter, 16 bytes a spike, into a temporary folder that is
removed afterwards; times and peak memory are those of the commands, each in a process of its own, interpreter and
imports included. `compare` is given a second trace whose last spike is of another cell.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

from neuromorph.engine.sink import RunDescription
from neuromorph.traces import TraceWriter

RATE_HZ, TICK_MS, BLOCK = 10.0, 0.1, 1 << 20


def write(path: Path, spikes: int, cells: int) -> None:
    """Write a trace of so many spikes, each of a cell drawn at random, in order of time."""
    rng = np.random.default_rng(1)
    ticks = round(spikes / (cells * RATE_HZ) * 1000.0 / TICK_MS)
    writer = TraceWriter(path)
    writer.open(RunDescription(TICK_MS, TICK_MS, {"E": cells}))
    for first in range(0, spikes, BLOCK):
        many = min(BLOCK, spikes - first)
        low, high = (int(ticks * share / spikes) for share in (first, first + many))
        base = np.sort(rng.integers(low, max(high, low + 1), many)) + 1
        index = rng.integers(0, cells, many)
        order = np.lexsort((index, base))
        writer.spikes("E", base[order], np.zeros(many), index[order])
    writer.close({"status": "complete", "simulated_ms": (ticks + 1) * TICK_MS})


def measure(*command: str) -> dict[str, float]:
    """Wall seconds and peak memory (MB) of a command line of neuromorph."""
    start = time.perf_counter()
    program = [sys.executable, "-m", "neuromorph_cli", *command]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL) as process:
        usage = os.wait4(process.pid, 0)[2]
    return {
        "wall_s": time.perf_counter() - start,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1e3,
    }


def main() -> None:
    """Write the trace, measure each command, print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spikes", type=float, default=1e8)
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="Where there is room for twice the trace.")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        one, other = Path(folder) / "a.h5", Path(folder) / "b.h5"
        write(one, int(chosen.spikes), chosen.cells)
        shutil.copy(one, other)
        with h5py.File(other, "r+") as file:
            ids = file["spikes/E/node_ids"]
            ids[-1] = (int(ids[-1]) + 1) % chosen.cells
        commands = (["analyze", str(one)], ["analyze", str(one), "--json"], ["compare", str(one), str(one)],
                    ["compare", str(one), str(other)])  # fmt: skip
        for command in commands:
            found = measure(*command)
            shown = {key: float(f"{value:.4g}") for key, value in found.items()}
            name = " ".join(part.replace(folder + "/", "") for part in command)
            rate = float(f"{chosen.spikes / found['wall_s']:.3g}")
            print(
                json.dumps({"command": name, "spikes": int(chosen.spikes), **shown, "spikes_per_s": rate}), flush=True
            )


if __name__ == "__main__":
    main()

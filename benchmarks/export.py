"""What it takes to export a trace: seconds, memory and size of each format, each in a process of its own.

    python benchmarks/export.py [--spikes 1e7] [--cells 10000] [--formats csv parquet npz nwb neo] [--read]

A trace of random spikes is made (16 bytes each), exported, and with --read read back. `peak_mb` is the most that the
process had, 110 MB of which are Python and its libraries; one JSON line a format. docs/export.md has figures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from neuromorph.engine.sink import RunDescription
from neuromorph.export.writing import SUFFIXES
from neuromorph.traces import TraceWriter

MEASURE = """\
import json, os, re, sys, time
from neuromorph import Trace
from neuromorph.export import export, read_spikes
trace, path, reading = sys.argv[1:]
started = time.perf_counter()
with Trace(trace) as opened:
    rows = sum(map(len, (s.times for s in read_spikes(path).values()))) if reading else export(opened, path).rows
peak = re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())
print(json.dumps({
    "what": "read" if reading else "written", "rows": rows, "s": round(time.perf_counter() - started, 2),
    "cpu_s": round(time.process_time(), 2), "peak_mb": int(peak[1]) // 1000,
    "file_mb": os.path.getsize(path) // 10**6,
}))
"""


def make(path: Path, spikes: int, cells: int) -> None:
    """A trace of so many random spikes on a grid of 0.1 ms, 10 Hz a cell."""
    rng, block = np.random.default_rng(1), 1_000_000
    ticks = int(spikes / cells / 10 * 10_000)
    writer = TraceWriter(path)
    writer.open(RunDescription(0.1, 0.1, {"E": cells}))
    for first in range(0, spikes, block):
        count = min(block, spikes - first)
        base = np.sort(rng.integers(ticks * first // spikes, ticks * (first + count) // spikes, count))
        writer.spikes("E", base, np.zeros(count), rng.integers(0, cells, count))
    writer.close({"status": "complete", "simulated_ms": ticks / 10})


def main() -> None:
    """Measure every format and print a line of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spikes", type=float, default=1e7)
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--formats", nargs="+", choices=list(SUFFIXES), default=list(SUFFIXES))
    parser.add_argument("--read", action="store_true", help="also read back")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "x.h5"
        make(trace, int(chosen.spikes), chosen.cells)
        for name in chosen.formats:
            path = trace.with_suffix(SUFFIXES[name])
            for reading in ["", "yes"] if chosen.read else [""]:
                command = [sys.executable, "-c", MEASURE, str(trace), str(path), reading]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                print(json.dumps({"format": name, **json.loads(done.stdout)}), flush=True)
            path.unlink()


if __name__ == "__main__":
    main()

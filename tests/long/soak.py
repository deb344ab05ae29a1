"""A long run: does memory stay flat, does the file grow as predicted, do rates stay what they were?

    python -m long.soak --events 1e11        (in tests/)

The Brunel network of examples/ (12,500 cells, 15.6 million synapses) on the grid with all spikes recorded, saved after
each tenth of the run. Prints a line of JSON for each tenth and one for all; the exit code is 1 where resident memory
grows by more than 1 % from the second tenth to the last, the file differs from 16 bytes a spike by more than 1 %, or
the rate of any tenth but the first from that of all by more than 2 %.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from neuromorph import Network, Simulation

NETWORK = Path(__file__).parents[2] / "examples" / "brunel.toml"
TENTHS = 10


def resident() -> int:
    """Bytes of memory that the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=float, default=1e11, help="synaptic events, at least")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    held, rates = [], []
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "soak.h5"
        with Simulation(Network.load(NETWORK), trace=trace, parts=given.threads) as simulation:
            began = time.perf_counter()
            simulation.run(200.0)
            duration = 1.05 * 200.0 * given.events / simulation.synaptic_events / TENTHS
            for tenth in range(TENTHS):
                before = simulation.spike_counts["E"]
                simulation.run(duration)
                simulation.save(Path(folder) / "soak.checkpoint.npz")
                held.append(resident())
                spikes = simulation.spike_counts["E"] - before
                rates.append(spikes / simulation.cells["E"].neurons.size / duration * 1e3)
                line = {"tenth": tenth + 1, "simulated_ms": simulation.time, "resident_MB": held[-1] / 1e6}
                print(json.dumps(line | {"rate_hz": rates[-1], "events": simulation.synaptic_events}), flush=True)
            events, spikes = simulation.synaptic_events, sum(simulation.spike_counts[name] for name in simulation.cells)
            wall = time.perf_counter() - began
        size = trace.stat().st_size
    growth = held[-1] / held[1] - 1.0
    file = size / (16.0 * spikes) - 1.0
    mean = sum(rates) / TENTHS
    drift = max(abs(rate / mean - 1.0) for rate in rates[1:])
    found = {
        "events": events,
        "wall_s": wall,
        "memory_grows_by": growth,
        "file_beside_16_bytes_a_spike": file,
        "rates_within": drift,
    }
    print(json.dumps(found))
    return int(events < given.events or growth > 0.01 or abs(file) > 0.01 or drift > 0.02)


if __name__ == "__main__":
    sys.exit(main())

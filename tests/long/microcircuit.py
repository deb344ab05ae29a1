"""A checkpoint of the microcircuit at full scale: seconds to write it, to read it and to put it back.

    python -m long.microcircuit [--scale 1.0] [--threads 2]        (in tests/)

Static synapses are not in a checkpoint: they are drawn again when the network is built, which `build_s` says. Both
simulations run on for 50 ms and must fire the same spikes. Prints a line of JSON; the exit code is 1 where they differ.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from neuromorph import Simulation
from neuromorph_cli.benchmarks.measure import described
from neuromorph_cli.benchmarks.microcircuit import microcircuit


def seconds(action: Any) -> tuple[float, Any]:
    """Wall time of a call, and what it returns."""
    began = time.perf_counter()
    result = action()
    return time.perf_counter() - began, result


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()

    def made() -> Simulation:
        return Simulation(described(microcircuit(given.scale)), 0.1, 1, parts=given.threads)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "micro.npz"
        first = made()
        first.run(100.0)
        save, _ = seconds(partial(first.save, path))
        first.run(50.0)
        kept = {name: tuple(a[first.spikes(name)[0] > 100.0] for a in first.spikes(name)) for name in first.cells}
        size = path.stat().st_size / 1e6
        synapses = sum(p.connections.n for p in first.network.projections)
        del first  # two of them take twice the memory
        build, second = seconds(made)
        restore, _ = seconds(lambda: second.restore(path))
        second.run_until(150.0)
    same = all(np.array_equal(a, b) for name in kept for a, b in zip(kept[name], second.spikes(name)))
    found = {"synapses": synapses, "save_s": save, "restore_s": restore, "build_s": build, "MB": size, "same": same}
    print(json.dumps(found | {"spikes": sum(times.size for times, _ in kept.values())}))
    return int(not same)


if __name__ == "__main__":
    sys.exit(main())

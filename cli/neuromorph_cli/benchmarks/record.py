"""Ten million spikes to disk: what recording costs beside the run that makes them."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

CELLS, RATE = 100_000, 100.0  # 10 M spikes in a second


def measure(request: dict[str, Any]) -> dict[str, Any]:
    """Run Poisson cells with and without a trace; record_s is the difference, the trace's final form included."""
    from neuromorph import __version__
    from neuromorph_cli.benchmarks import measure as common

    folder = Path(request["spikes"]).parent
    run(request, None, 20.0)  # kernels are loaded
    plain_s, plain_cpu, _ = run(request, None, request["duration_ms"])
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        trace = Path(inside) / "trace.h5"
        wall, cpu, spikes = run(request, trace, request["duration_ms"])
        size = trace.stat().st_size
    return {
        "version": f"neuromorph {__version__}", "spikes": spikes, "plain_s": plain_s, "traced_s": wall,
        "record_s": wall - plain_s, "record_cpu_s": cpu - plain_cpu, "file_mb": size / 2**20,
        "peak_mb": common.peak_mb(),
    }  # fmt: skip


def run(request: dict[str, Any], trace: Path | None, duration: float) -> tuple[float, float, int]:
    """Wall and processor time (s) of running and closing, and the spikes that the cells sent."""
    from neuromorph.graph.network import Network
    from neuromorph_cli.benchmarks import measure as common

    network = Network("record")
    network.add_input("cells", "poisson", max(round(CELLS * request["scale"]), 10), {"rate": RATE})
    if trace is not None:
        network.record("cells", "spikes")
    simulation = common.simulate(network, request, trace=trace)
    wall, cpu = time.perf_counter(), time.process_time()
    simulation.run(duration)
    summary = simulation.close()
    return time.perf_counter() - wall, time.process_time() - cpu, summary["input_spikes"]

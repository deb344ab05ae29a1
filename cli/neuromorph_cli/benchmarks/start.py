"""How soon something happens: help, and the first spike of cuba, without compiled kernels and with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

HELPS = 5  # times that help is asked for: the median is of so many

FIRST_SPIKE = """
import json, sys
from neuromorph_cli.benchmarks import measure, networks
request = json.loads(sys.argv[1])
simulation = measure.simulate(measure.described(networks.cuba(request["scale"])), request)
simulation.run(100.0, lambda engine: engine.stop() if any(engine.spike_counts.values()) else None)
print(sum(simulation.spike_counts.values()))
"""


def measure(request: dict[str, Any]) -> dict[str, Any]:
    """Wall time in s of `neuromorph --help` and of a process until cuba's first spike, its start included."""
    from statistics import median

    from neuromorph import __version__

    if request["rehearsal"]:
        return {"version": __version__}
    helped = median(took([sys.executable, "-m", "neuromorph_cli", "--help"])[0] for _ in range(HELPS))
    told = json.dumps({key: request[key] for key in ("resolution", "seed", "threads", "scale")})
    command = [sys.executable, "-c", FIRST_SPIKE, told]
    with tempfile.TemporaryDirectory(prefix="neuromorph-cold-") as empty:
        cold, spikes = took(command, NEUROMORPH_CACHE_DIR=empty)
        warm = median(took(command, NEUROMORPH_CACHE_DIR=empty)[0] for _ in range(3))
    return {
        "version": f"neuromorph {__version__}", "help_s": helped, "cold_s": cold, "warm_s": warm, "spikes": int(spikes),
    }  # fmt: skip


def took(command: list[str], **environment: str) -> tuple[float, str]:
    """Wall time in s of a process, and the last line that it prints."""
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **environment})
    return time.perf_counter() - began, done.stdout.strip().splitlines()[-1]

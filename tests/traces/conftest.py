"""Runs small enough to be compared number for number, and processes to be killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neuromorph
from neuromorph.engine.sink import RunDescription, StateChannel, WeightChannel
from neuromorph.traces import TraceWriter

ROOT = str(Path(neuromorph.__file__).parents[1])


@pytest.fixture
def describe() -> Callable[..., RunDescription]:
    """A run on a grid of 0.1 ms (or an exact one) with one of everything."""

    def make(exact: bool = False, **changes: Any) -> RunDescription:
        values: dict[str, Any] = {
            "resolution_ms": None if exact else 0.1,
            "window_ms": 0.1,
            "populations": {"E": 100, "quiet": 5, "layer 2/3": 3},
            "states": [
                StateChannel("E", "V_m", "mV", np.array([0, 3]), 0.5),
                StateChannel("E", "I_ex", "pA", np.array([7]), 0.5),
            ],
            "weights": [WeightChannel("E_E", "E", "E", "mV", np.array([0, 1]), np.array([2, 3]), 1.0)],
            "signals": ["reward"],
            "network": {"network": {"name": "tiny"}, "populations": {"E": {"size": 100}}},
            "provenance": {"seed": 2**64 - 1, "command": "neuromorph run tiny.toml", "versions": {"numpy": "2"}},
        }
        return RunDescription(**(values | changes))

    return make


@pytest.fixture
def record() -> Callable[[TraceWriter, RunDescription], None]:
    """Fill a writer with a little of everything, without closing it."""

    def fill(writer: TraceWriter, run: RunDescription) -> None:
        writer.open(run)
        exact = run.resolution_ms is None
        writer.spikes("E", np.array([1, 1, 5]), np.array([0.01, 0.02, 0.03]) * exact, np.array([3, 4, 99]))
        writer.spikes("layer 2/3", np.array([2]), np.array([0.01]) * exact, np.array([2]))
        for k in range(7):
            writer.state(0, k * 0.5, np.array([k, -k / 3]))
            writer.state(1, k * 0.5, np.array([k * 2.5]))
        writer.weight(0, 0.0, np.array([0.1, 0.2], dtype=np.float32))
        writer.weight(0, 1.0, np.array([0.3, 0.4], dtype=np.float32))
        writer.signal("reward", 2.0, -1.0)
        writer.learning("error", 0.5, "1")
        writer.learning("error", [0.25, 0.125], "1")
        writer.learning("per class", [[1.0, 2.0]], "Hz")
        writer.learning("per class", [[3.0, float("nan")]], "Hz")

    return fill


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a Python process with neuromorph on its path; killed when the test ends."""
    processes = []

    def run(script: str, *arguments: object) -> subprocess.Popen[str]:
        code = f"import sys; sys.path.insert(0, {ROOT!r})\n{script}"
        command = [sys.executable, "-c", code, *map(str, arguments)]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return processes[-1]

    yield run
    for process in processes:
        process.kill()
        process.communicate()

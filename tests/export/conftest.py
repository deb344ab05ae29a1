"""Traces with a little of everything, of a grid and exact."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromorph.engine.sink import RunDescription, StateChannel, WeightChannel
from neuromorph.traces import TraceWriter

WINDOW = 0.1


def write_trace(path: Path, exact: bool, **summary: Any) -> Path:
    """500 spikes of E, none of `quiet`, a few of a population whose name has a slash; states, weights, a signal."""
    run = RunDescription(
        None if exact else WINDOW,
        WINDOW,
        {"E": 12, "quiet": 3, "layer 2/3": 5},
        states=[StateChannel("E", "V_m", "mV", np.array([0, 3]), 0.5)],
        weights=[WeightChannel("E_E", "E", "E", "pA", np.array([0, 1, 2]), np.array([2, 3, 0]), 1.0)],
        signals=["reward"],
        network={"network": {"name": "tiny"}, "populations": {"E": {"size": 12, "model": "lif_exp"}}},
        provenance={"seed": 7, "command": "neuromorph run tiny.toml"},
    )
    rng = np.random.default_rng(3)
    writer = TraceWriter(path)
    writer.open(run)
    for name, count, size in (("E", 500, 12), ("layer 2/3", 20, 5)):
        base, ids = np.sort(rng.integers(0, 1000, count)), rng.integers(0, size, count)
        offset = np.sort(rng.random(count)) * WINDOW * exact
        writer.spikes(name, base, offset, ids)
    for k in range(7):
        writer.state(0, 0.5 * k, np.array([-65.0 + k, -k / 3]))
    for time in (0.0, 1.0, 5.0):
        writer.weight(0, time, np.array([0.1, 0.2, 0.3 + time], dtype=np.float32))
    for time, value in ((2.0, -1.0), (3.0, 1 / 3)):
        writer.signal("reward", time, value)
    writer.learning("error", 0.5, "1")
    writer.learning("error", 0.25, "1")
    writer.close({"status": "complete", "simulated_ms": 100.0} | summary)
    return path


@pytest.fixture(params=[False, True], ids=["grid", "exact"])
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A finished trace, of a grid and exact."""
    return write_trace(tmp_path / "a.h5", request.param)


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., Path]:
    """Write a trace of a grid whose run ended in another way."""
    return lambda **summary: write_trace(tmp_path / "a.h5", False, **summary)

"""Traces small enough to be counted by hand, and a network that has recorded everything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromorph.engine.sink import RunDescription, StateChannel, WeightChannel
from neuromorph.traces import TraceWriter


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a trace of given spikes: population -> (times in ms, ids), on a grid of 0.1 ms unless `exact`."""

    def make(
        name: str = "a.h5",
        spikes: dict[str, tuple[Any, Any]] | None = None,
        sizes: dict[str, int] | None = None,
        simulated_ms: float = 2000.0,
        status: str = "complete",
        exact: bool = False,
        fill: Callable[[TraceWriter], None] = lambda writer: None,
        **channels: Any,
    ) -> Path:
        spikes = spikes or {}
        sizes = sizes or {key: 20 for key in spikes}
        writer = TraceWriter(tmp_path / name)
        writer.open(RunDescription(None if exact else 0.1, 0.1, sizes, **channels))
        for population, (times, ids) in spikes.items():
            times, ids = np.asarray(times, float), np.asarray(ids, np.int64)
            base = np.floor(times / 0.1) if exact else np.rint(times / 0.1)
            offset = times - base * 0.1 if exact else np.zeros(len(times))
            order = np.lexsort((ids, offset, base))
            writer.spikes(population, base[order].astype(np.int64), offset[order], ids[order])
        fill(writer)
        writer.close({"status": status, "simulated_ms": simulated_ms})
        return tmp_path / name

    return make


@pytest.fixture
def recorded(write: Callable[..., Path]) -> Callable[..., Path]:
    """A trace with a state, weights, a signal and learning curves; each can be bent a little."""

    def make(name: str = "r.h5", state: float = 0.0, weight: float = 0.0, curve: float = 0.0, reward: float = 0.0):
        def fill(writer: TraceWriter) -> None:
            for k in range(400):
                writer.state(0, k * 0.5, np.array([k % 7, -k + state * (k == 300)], float))
            for k in range(5):
                writer.weight(0, 50.0 * k, np.array([0.5, 0.5 + 0.1 * k, 1.0 + weight * (k == 4)], np.float32))
            writer.signal("reward", 20.0, 1.0 + reward)
            writer.learning("error", np.linspace(1.0, 0.1, 50) + curve * (np.arange(50) == 49), "1")
            writer.learning("classes", [[1.0, 2.0], [0.5, np.nan]], "Hz")

        return write(
            name,
            {"E": ([20.0, 50.0, 80.5, 199.9], [0, 3, 3, 5])},
            {"E": 6},
            200.0,
            fill=fill,
            states=[StateChannel("E", "V_m", "mV", np.array([0, 3]), 0.5)],
            weights=[WeightChannel("E_E", "E", "E", "mV", np.array([0, 1, 2]), np.array([3, 4, 5]), 50.0)],
            signals=["reward"],
        )

    return make

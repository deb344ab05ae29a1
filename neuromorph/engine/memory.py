"""A recorder that keeps everything in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.engine.sink import RunDescription


class MemorySink:
    """Keeps the blocks of a run and hands them out as arrays."""

    def __init__(self) -> None:
        self.run: RunDescription | None = None
        self.summary: dict[str, Any] = {}
        self._spikes: dict[str, list[Any]] = {}
        self._states: list[list[Any]] = []
        self._weights: list[list[Any]] = []
        self._signals: dict[str, list[tuple[float, float]]] = {}

    def open(self, run: RunDescription) -> None:
        """Called once, before the first block."""
        self.run = run
        self._spikes = {name: [] for name in run.populations}
        self._states = [[] for _ in run.states]
        self._weights = [[] for _ in run.weights]
        self._signals = {name: [] for name in run.signals}

    def spikes(self, population: str, base: Any, offset_ms: Any, index: Any) -> None:
        """Keep a block of spikes."""
        self._spikes[population].append((base, offset_ms, index))

    def state(self, channel: int, time_ms: float, values: NDArray[np.float64]) -> None:
        """Keep a reading of a state variable."""
        self._states[channel].append((time_ms, values))

    def weight(self, channel: int, time_ms: float, values: NDArray[np.float32]) -> None:
        """Keep a reading of weights."""
        self._weights[channel].append((time_ms, values))

    def rewired(self, projection: str, time_ms: float, ordinals: NDArray[np.int64], sources: NDArray[np.int64]) -> None:
        """Synapses that have grown anew: they are not kept here."""

    def signal(self, name: str, time_ms: float, value: float) -> None:
        """Keep an event of a signal."""
        self._signals[name].append((time_ms, value))

    def flush(self) -> None:
        """Nothing to do in memory."""

    def close(self, summary: dict[str, Any]) -> None:
        """Keep the summary."""
        self.summary = summary

    def instants(self, population: str) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Spikes of a population as (base, offset in ms, index)."""
        blocks = self._spikes[population]
        empty = np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64)
        columns = [[b[k] for b in blocks] + [empty[k]] for k in range(3)]
        return tuple(np.concatenate(c) for c in columns)  # type: ignore[return-value]

    def spike_times(self, population: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Spikes of a population as (times in ms, indices), ordered by time."""
        assert self.run is not None
        base, offset, index = self.instants(population)
        return base * self.run.window_ms + offset, index

    def states(self, channel: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(times in ms, float64[times, cells]) of a recorded state variable."""
        return _stack(self._states[channel])

    def weights(self, channel: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(times in ms, float32[times, synapses]) of recorded weights."""
        return _stack(self._weights[channel])

    def signals(self, name: str) -> list[tuple[float, float]]:
        """(time in ms, value) of every event of a signal."""
        return list(self._signals[name])


class Unheard(MemorySink):
    """A recorder for runs of which nobody wants the record."""

    def spikes(self, population: str, base: Any, offset_ms: Any, index: Any) -> None:
        """Keep nothing."""

    def state(self, channel: int, time_ms: float, values: NDArray[np.float64]) -> None:
        """Keep nothing."""

    def weight(self, channel: int, time_ms: float, values: NDArray[np.float32]) -> None:
        """Keep nothing."""

    def signal(self, name: str, time_ms: float, value: float) -> None:
        """Keep nothing."""


def _stack(readings: list[Any]) -> tuple[NDArray[np.float64], Any]:
    times = np.array([r[0] for r in readings])
    return times, np.array([r[1] for r in readings])

"""What the engine writes to: a recorder implements this, in memory or in a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class StateChannel:
    """A recorded state variable: which population, variable, unit, cells (ascending indices) and interval (ms)."""

    population: str
    variable: str
    unit: str
    indices: NDArray[np.int64]
    interval_ms: float


@dataclass(frozen=True)
class WeightChannel:
    """Recorded weights: which projection, its synapses' endpoints (population indices) and the interval (ms)."""

    projection: str
    source_population: str
    target_population: str
    unit: str
    source_index: NDArray[np.int64]
    target_index: NDArray[np.int64]
    interval_ms: float


@dataclass(frozen=True)
class RunDescription:
    """What a recorder knows before the first spike.

    `populations` maps each population that emits spikes to its size; `network` is the description as a
    JSON-able dict (the same as a network file's), `provenance` holds seed, resolution, versions, command line.
    """

    resolution_ms: float | None  # None: exact
    window_ms: float  # length of one base step: an instant is base * window_ms + offset
    populations: dict[str, int]
    states: list[StateChannel] = field(default_factory=list)
    weights: list[WeightChannel] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)
    network: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)


class SpikeSink(Protocol):
    """Receives a run in blocks, in order of time."""

    def open(self, run: RunDescription) -> None:
        """Called once, before the first block."""

    def spikes(
        self, population: str, base: NDArray[np.int64], offset_ms: NDArray[np.float64], index: NDArray[np.int64]
    ) -> None:
        """Spikes of one population, ordered by (base, offset, index); a count of n comes as n rows."""

    def state(self, channel: int, time_ms: float, values: NDArray[np.float64]) -> None:
        """Values of `states[channel]` at one instant."""

    def weight(self, channel: int, time_ms: float, values: NDArray[np.float32]) -> None:
        """Weights of `weights[channel]` at one instant."""

    def signal(self, name: str, time_ms: float, value: float) -> None:
        """A third-factor event at its arrival."""

    def rewired(self, projection: str, time_ms: float, ordinals: NDArray[np.int64], sources: NDArray[np.int64]) -> None:
        """Synapses of a projection that have grown anew, and from where."""

    def flush(self) -> None:
        """Make everything so far safe against the end of the process."""

    def close(self, summary: dict[str, Any]) -> None:
        """Called once; `summary`: status (complete, interrupted or failed), simulated_ms, spikes, synaptic_events."""

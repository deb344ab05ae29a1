"""How many spikes in each strip of cells and bin of time: what is drawn where there are too many to draw one by one.

The bins are as many as a raster has columns and more; a run that grows doubles their length and adds neighbours up, so
that memory stays the same however long it goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: spikes that are read at once
CHUNK = 2_000_000


class Density:
    """Counts of the spikes of one population.

    counts : uint32[rows, bins], row k for the cells [k unit, (k + 1) unit), bin j for [j bin_ms, (j + 1) bin_ms)
    """

    def __init__(self, size: int, unit: int, bin_ms: float, bins: int = 4096, start_ms: float = 0.0) -> None:
        self.unit, self.bin_ms, self.start_ms = unit, bin_ms, start_ms
        self.counts = np.zeros((-(-size // unit), bins), np.uint32)

    def add(self, times: NDArray[np.float64], ids: NDArray[np.int64]) -> None:
        """Count some spikes, in order of time; bins become longer until the last fits in."""
        rows, bins = self.counts.shape
        while len(times) and times[-1] - self.start_ms >= bins * self.bin_ms:
            self._coarser()
        column = np.clip((times - self.start_ms) / self.bin_ms, 0, bins - 1).astype(np.int64)
        self.counts += (
            np.bincount(ids // self.unit * bins + column, minlength=rows * bins).reshape(rows, bins).astype(np.uint32)
        )

    def _coarser(self) -> None:
        pairs = self.counts.reshape(len(self.counts), -1, 2).sum(axis=2, dtype=np.uint32)
        self.counts = np.concatenate([pairs, np.zeros_like(pairs)], axis=1)
        self.bin_ms *= 2.0


def stretches(
    trace: Trace, population: str, start_ms: float, stop_ms: float | None, most: int = CHUNK
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """The spikes of an interval bit by bit, some `most` at once; the last stretch has no end where stop_ms is None."""
    end = trace.simulated_ms if stop_ms is None else stop_ms
    parts = max(1, -(-trace.counts[population] // most))
    edges: list[float | None] = [*np.linspace(start_ms, end, parts + 1)]
    edges[-1] = stop_ms
    for begin, stop in zip(edges[:-1], edges[1:], strict=True):
        yield trace.spikes(population, begin, stop)

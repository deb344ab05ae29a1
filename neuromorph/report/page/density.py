"""How many spikes in each strip of cells and bin of time: what is drawn where there are too many to draw one by one.

The bins are as many as a raster has columns and more; a run that grows doubles their length and adds neighbours up, so
that memory stays the same however long it goes on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: spikes that are read at once
CHUNK = 2_000_000
#: bins of a pixel, at least, where they are added up: each goes to one pixel as a whole
FINE = 6


class Density:
    """Counts of the spikes of one population.

    counts : uint32[rows, bins], row k for the cells [k unit, (k + 1) unit), bin j for [j bin_ms, (j + 1) bin_ms)
    """

    def __init__(self, size: int, unit: int, bin_ms: float, bins: int = 4096, start_ms: float = 0.0) -> None:
        self.unit, self.bin_ms, self.start_ms = unit, bin_ms, start_ms
        self.counts = np.zeros((-(-size // unit), bins), np.uint32)
        self._kept: dict[int, NDArray[np.uint32]] = {}

    def add(self, times: NDArray[np.float64], ids: NDArray[np.int64]) -> None:
        """Count some spikes, in order of time; bins become longer until the last fits in."""
        rows, bins = self.counts.shape
        self._kept.clear()
        while len(times) and times[-1] - self.start_ms >= bins * self.bin_ms:
            self._coarser()
        column = np.clip((times - self.start_ms) / self.bin_ms, 0, bins - 1).astype(np.int64)
        self.counts += (
            np.bincount(ids // self.unit * bins + column, minlength=rows * bins).reshape(rows, bins).astype(np.uint32)
        )

    def between(self, start_ms: float, stop_ms: float) -> float:
        """About how many spikes there are between two times."""
        first, last = self._bins(start_ms, stop_ms)
        part = (stop_ms - start_ms) / ((last - first) * self.bin_ms) if last > first else 0.0
        return float(self.counts[:, first:last].sum()) * min(part, 1.0)

    def totals(
        self, start_ms: float, stop_ms: float, most: int = 1024
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return (edges in ms, spikes of all cells) of the bins between two times, some joined where they are many."""
        first, last = self._bins(start_ms, stop_ms)
        per = max(1, -(-(last - first) // most))
        first, last = first // per * per, min(-(-last // per) * per, self.counts.shape[1])
        counts = self.counts[:, first:last].sum(axis=0, dtype=np.int64)
        counts = np.add.reduceat(counts, np.arange(0, len(counts), per)) if len(counts) else counts
        return self.start_ms + self.bin_ms * np.minimum(first + per * np.arange(len(counts) + 1), last), counts

    def window(
        self, start_ms: float, stop_ms: float, low: int, high: int, width: int, height: int
    ) -> tuple[NDArray[np.uint32], int, int, float]:
        """Return (counts[rows, width], low, high, ms of a bin) of a window onto the cells low <= id < high.

        Bins that are shorter than a pixel are added up; of longer ones a pixel shows the one in which it lies.
        """
        bottom, top = low // self.unit, -(-high // self.unit)
        first, last = self._bins(start_ms, stop_ms)
        pixel_ms = (stop_ms - start_ms) / width
        per = min(2 ** int(np.log2(max(pixel_ms / self.bin_ms / FINE, 1.0))), self.counts.shape[1])
        part = self._joined(per)[bottom:top, first // per : -(-last // per)]
        rows = max(1, min(height, top - bottom))
        index = ((2 * (top - np.arange(bottom, top)) - 1) * rows) // (2 * (top - bottom))  # the topmost row is the last
        part = np.add.reduceat(part[::-1], np.searchsorted(index[::-1], np.arange(rows)), axis=0)
        image = self._columns(part, first // per * per, per, start_ms, pixel_ms, width)
        return image, bottom * self.unit, top * self.unit, per * self.bin_ms

    def _joined(self, per: int) -> NDArray[np.uint32]:
        """The counts of `per` bins together, a power of two; kept until more spikes are counted."""
        if per == 1:
            return self.counts
        if per not in self._kept:
            half = self._joined(per // 2)
            self._kept[per] = half[:, ::2] + half[:, 1::2]
        return self._kept[per]

    def _columns(
        self, part: NDArray[np.uint32], first: int, per: int, start_ms: float, pixel_ms: float, width: int
    ) -> NDArray[np.uint32]:
        bin_ms, begin = self.bin_ms * per, self.start_ms + first * self.bin_ms
        image = np.zeros((len(part), width), np.uint32)
        if bin_ms <= pixel_ms:
            pixel = np.floor((begin + (np.arange(part.shape[1]) + 0.5) * bin_ms - start_ms) / pixel_ms).astype(np.int64)
            inside = np.flatnonzero((pixel >= 0) & (pixel < width))
            if len(inside):
                held, begins = np.unique(pixel[inside], return_index=True)
                image[:, held] = np.add.reduceat(part[:, inside], begins, axis=1)
            return image
        column = np.floor((start_ms + (np.arange(width) + 0.5) * pixel_ms - begin) / bin_ms).astype(np.int64)
        inside = np.flatnonzero((column >= 0) & (column < part.shape[1]))
        image[:, inside] = part[:, column[inside]]
        return image

    def _bins(self, start_ms: float, stop_ms: float) -> tuple[int, int]:
        """The bins that have a share in an interval, from the first to before the second."""
        bins = self.counts.shape[1]
        edges = np.array([start_ms - self.start_ms, stop_ms - self.start_ms]) / self.bin_ms
        first, last = np.floor(edges[0] + 1e-9), np.ceil(edges[1] - 1e-9)
        return int(np.clip(first, 0, bins)), int(np.clip(last, 0, bins))

    def _coarser(self) -> None:
        pairs = self.counts.reshape(len(self.counts), -1, 2).sum(axis=2, dtype=np.uint32)
        self.counts = np.concatenate([pairs, np.zeros_like(pairs)], axis=1)
        self.bin_ms *= 2.0

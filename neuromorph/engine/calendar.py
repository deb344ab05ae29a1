"""The spike calendar: what was emitted within the largest delay, ordered, with one bucket per base step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.lowered.clock import Clock

_COLUMNS = ("base", "offset", "source", "count")


class Calendar:
    """Spikes (base, offset, source id, count) in order of (instant, source id).

    Entries before `closed` are ordered; `taken` says how far the recorder has read. Old entries are dropped when room
    is needed, after `before_drop` was called.
    """

    def __init__(self, clock: Clock, horizon: int, longest_window: int, capacity: int = 1 << 16) -> None:
        self.clock = clock
        self.horizon = horizon
        self.base = np.zeros(capacity, np.int64)
        self.offset = np.zeros(capacity)
        self.source = np.zeros(capacity, np.int64)
        self.count = np.zeros(capacity, np.int64)
        self.bucket_start = np.zeros(horizon + longest_window + 2, np.int64)
        self.bucket_end = np.zeros_like(self.bucket_start)
        self.closed = 0
        self.end = 0
        self.taken = 0
        self.before_drop: Any = None
        self._oldest = 0  # base of the oldest bucket that may still be delivered
        self._bucket = -1  # base of the last bucket begun (exact mode)

    def reached(self, tick: int, closed: int, end: int) -> None:
        """What kernels/driver.py came to: `closed` spikes up to a tick, `end` with those that are not ordered yet."""
        self.closed, self.end = closed, end
        self._oldest = max(0, tick + 1 - self.horizon)

    def clear(self) -> None:
        """Forget every spike in flight."""
        self.bucket_start[:] = self.end
        self.bucket_end[:] = self.end

    def saved(self) -> dict[str, NDArray[Any]]:
        """The spikes that may still be delivered, where each bucket's are, and the oldest and last bucket."""
        keep = self._kept_from()
        columns = {name: getattr(self, name)[keep : self.end].copy() for name in _COLUMNS}
        buckets = {name: np.maximum(getattr(self, name) - keep, 0) for name in ("bucket_start", "bucket_end")}
        return columns | buckets | {"place": np.array([self._oldest, self._bucket])}

    def put_back(self, columns: dict[str, Any], starts: Any, ends: Any, place: Any) -> None:
        """Hold what `saved` gave, all of it ordered and read by the recorder."""
        n = columns["base"].size
        for name in _COLUMNS:
            old = getattr(self, name)
            new = np.zeros(max(old.size, 2 * n), old.dtype)
            new[:n] = columns[name]
            setattr(self, name, new)
        self.bucket_start[:], self.bucket_end[:] = starts, ends
        self._oldest, self._bucket = map(int, place)
        self.end = self.closed = self.taken = n

    def _kept_from(self) -> int:
        """First spike that may still be delivered."""
        return min(int(self.bucket_start[self._oldest % self.bucket_start.size]), self.closed)

    def make_plain_room(self, n: int) -> None:
        """Have room for n more where nothing is delivered from here: what the recorder has read is dropped."""
        if self.base.size - self.end >= n:
            return
        self.before_drop()
        self.end = self.closed = self.taken = 0
        if self.base.size < n:
            self.base, self.source, self.count = (np.zeros(2 * n, np.int64) for _ in range(3))
            self.offset = np.zeros(2 * n)

    def make_room(self, n: int) -> None:
        """Drop what can neither be delivered nor recorded any more; grow where that is not enough."""
        if self.before_drop is not None:
            self.before_drop()
        keep = self._kept_from()
        live = slice(keep, self.end)
        size = self.end - keep
        capacity = self.base.size
        while size + n > capacity // 2:
            capacity *= 2
        for name in _COLUMNS:
            old = getattr(self, name)
            new = np.zeros(capacity, old.dtype) if capacity > old.size else old
            new[:size] = old[live].copy()
            setattr(self, name, new)
        self.bucket_start -= keep
        self.bucket_end -= keep
        np.maximum(self.bucket_start, 0, out=self.bucket_start)
        np.maximum(self.bucket_end, 0, out=self.bucket_end)
        self.end -= keep
        self.closed -= keep
        self.taken = max(0, self.taken - keep)

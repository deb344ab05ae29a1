"""Spikes in blocks, in order of time: what every accumulator of this room takes.

An accumulator is made for so many neurons, is given blocks by `add`, and keeps arrays as long as there are neurons (or
bins, or lags), never as many as there are spikes. A function of arrays gives its accumulator one block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
#: ids up to here are counted in an array; beyond, sorted
DENSE = 1 << 24


class Block:
    """Some spikes: `times` (ms), float64[n], in order, after the block before; `ids`, int64[n]."""

    def __init__(self, times: Floats, ids: Ints) -> None:
        self.times, self.ids = np.asarray(times, np.float64), np.asarray(ids, np.int64)

    @classmethod
    def of(cls, times: Floats, ids: Ints) -> Block:
        """A block of spikes in any order."""
        times, ids = np.asarray(times, np.float64), np.asarray(ids, np.int64)
        order = np.argsort(times, kind="stable")
        return cls(times[order], ids[order])

    @cached_property
    def grouped(self) -> Grouped:
        """The same spikes by neuron, then time; sorted once for all accumulators that ask."""
        order = stable_order(self.ids)
        ids = self.ids[order]
        begins = np.ones(len(ids), bool)
        begins[1:] = ids[1:] != ids[:-1]
        return Grouped(self.times[order], ids, begins)


class Grouped(NamedTuple):
    """Spikes by neuron, then time; `begins` is true at the first of each neuron."""

    times: Floats
    ids: Ints
    begins: Flags

    def before(self, last: Floats) -> Floats:
        """Time (ms) of the spike before each one, of the same neuron; `last`: of each neuron before this block."""
        before = np.empty_like(self.times)
        before[1:] = self.times[:-1]
        before[self.begins] = last[self.ids[self.begins]]
        return before


def stable_order(ids: Ints) -> Ints:
    """Return the order that sorts ids below 2^32 and keeps ties as they are; radix sort, 16 bits at a time."""
    order = np.argsort(ids.astype(np.uint16), kind="stable")
    if ids.size and ids.max() >= 1 << 16:
        order = order[np.argsort((ids[order] >> 16).astype(np.uint16), kind="stable")]
    return order


class OpenRuns:
    """Lengths of runs, such as spikes of a neuron in one bin, which may go on in the next block.

    One run of each neuron is open; `add` takes the runs of a block by neuron and time, and returns those that are over.
    """

    def __init__(self, size: int) -> None:
        self.length = np.zeros(size, np.int64)

    def add(self, owner: Ints, length: Ints, first: Flags, goes_on: Flags) -> tuple[Ints, Ints]:
        """Return (owner, length) of the runs that have ended.

        owner, length: of each run. first: whether it is the first of its neuron in this block. goes_on: whether that
        is the open run of the block before.
        """
        length = length.copy()
        came, joined = owner[first], goes_on[first]
        before = self.length[came]
        length[first] += np.where(joined, before, 0)
        over = ~joined & (before > 0)
        last = np.ones(len(owner), bool)
        last[:-1] = first[1:]
        self.length[owner[last]] = length[last]
        return np.concatenate([came[over], owner[~last]]), np.concatenate([before[over], length[~last]])

    def rest(self) -> tuple[Ints, Ints]:
        """Return (owner, length) of the runs that are still open."""
        owner = np.flatnonzero(self.length)
        return owner, self.length[owner]


class Active:
    """The neurons that spiked: `ids`, ascending, and how often, `counts`.

    Everything else is done by rank among them, so that a file that claims 2^31 cells costs no more than its spikes.
    """

    def __init__(self) -> None:
        self.ids: Ints = np.empty(0, np.int64)
        self.counts: Ints = np.empty(0, np.int64)
        self._dense: Ints = np.zeros(0, np.int64)
        self._table: NDArray[np.int32] | None = None

    @classmethod
    def of(cls, blocks: Iterable[tuple[Floats, Ints]]) -> Active:
        """Count the spikes of all blocks."""
        found = cls()
        for _, ids in blocks:
            found.add(ids)
        found._settle()
        return found

    def add(self, ids: Ints) -> None:
        """Count some spikes."""
        if not ids.size:
            return
        if ids.max() < DENSE:
            more = np.bincount(ids, minlength=len(self._dense))
            more[: len(self._dense)] += self._dense
            self._dense = more
        else:
            self._merge(*np.unique(ids, return_counts=True))

    def _settle(self) -> None:
        ids = np.flatnonzero(self._dense)
        self._merge(ids, self._dense[ids])
        self._dense = np.zeros(0, np.int64)
        if len(self.ids) and self.ids[-1] < DENSE:
            self._table = np.zeros(self.ids[-1] + 1, np.int32)
            self._table[self.ids] = np.arange(len(self.ids), dtype=np.int32)

    def _merge(self, ids: Ints, counts: Ints) -> None:
        both, place = np.unique(np.concatenate([self.ids, ids]), return_inverse=True)
        total = np.zeros(len(both), np.int64)
        np.add.at(total, place, np.concatenate([self.counts, counts]))
        self.ids, self.counts = both, total

    def ranks(self, ids: Ints) -> Ints:
        """Return the rank of each id, which must be one of those that were counted."""
        if self._table is not None:
            return self._table[ids].astype(np.int64)
        return np.searchsorted(self.ids, ids).astype(np.int64)

    def blocks(self, stream: Iterable[tuple[Floats, Ints]]) -> Iterator[Block]:
        """Yield the blocks of a stream with ranks for ids."""
        for times, ids in stream:
            yield Block(times, self.ranks(ids))


@dataclass(frozen=True)
class Bins:
    """`count` bins of `width_ms` from `start_ms` on; what is left over after the last whole one is in none."""

    start_ms: float
    width_ms: float
    count: int
    whole: bool  # nothing is left over: a spike at the very end belongs to the last

    def of(self, times: Floats) -> tuple[Ints, Flags]:
        """Return the bin of each time, and whether there is one."""
        slack = (
            1e-9  # times are multiples of a tick and so are bins: without it 0.3 ms fell into the bin before 0.1 * 3
        )
        place = (np.asarray(times) - self.start_ms) / self.width_ms + slack
        index = np.floor(place).astype(np.int64)
        if self.whole:
            index[(index == self.count) & (place <= self.count + 2 * slack)] = self.count - 1
        return index, (index >= 0) & (index < self.count)

    def centres(self) -> Floats:
        """Return the middle of each bin (ms)."""
        return np.asarray(self.start_ms + (np.arange(self.count) + 0.5) * self.width_ms, np.float64)

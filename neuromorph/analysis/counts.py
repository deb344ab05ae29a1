"""Spikes counted in bins: Fano factors, synchrony, and rates around events (PSTH).

times : float64[n], instant of each spike (ms), in any order
ids : int64[n], which neuron emitted it, 0 <= id < size
bins : `make_bins(start_ms, stop_ms, bin_ms)`
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.analysis.blocks import Bins, Block, Floats, Ints, OpenRuns
from neuromorph.analysis.spikes import _bins, _ratio
from neuromorph.errors import InputError, Problem

#: pairs of a spike and an event that are held at a time
PAIRS = 1 << 20


def make_bins(start_ms: float, stop_ms: float, bin_ms: float) -> Bins:
    """Return the whole bins of `bin_ms` between two times.

    Raises InputError if `bin_ms` is not above 0 or longer than the interval.
    """
    duration = stop_ms - start_ms
    count = _bins(duration, bin_ms)
    return Bins(start_ms, bin_ms, count, count >= duration / bin_ms - 1e-9)


def fano_across(counts: ArrayLike, axis: int = -1) -> Floats | np.float64:
    """Return the Fano factor of counts, such as those of trials; nan where all are 0.

    F = var(count) / mean(count) along `axis`, with the variance of the population (`fano_factor` has the unbiased).

    Fano 1947, Phys. Rev. 72:26, doi:10.1103/PhysRev.72.26.
    """
    counts = np.asarray(counts)
    found = _ratio(counts.var(axis=axis), counts.mean(axis=axis))
    return found if found.ndim else np.float64(found)


class NeuronCounts:
    """Accumulates how the count of each neuron varies from bin to bin."""

    def __init__(self, size: int, bins: Bins) -> None:
        self.bins = bins
        self.total: Ints = np.zeros(size, np.int64)
        self._squares, self._size = np.zeros(size), size
        self._runs, self._bin = OpenRuns(size), np.full(size, -1)

    def add(self, block: Block) -> NeuronCounts:
        """Take the next spikes."""
        times, ids, _ = block.grouped
        place, inside = self.bins.of(times)
        place, ids = place[inside], ids[inside]
        if not ids.size:
            return self
        self.total += np.bincount(ids, minlength=self._size)
        starts = np.ones(len(ids), bool)
        starts[1:] = (ids[1:] != ids[:-1]) | (place[1:] != place[:-1])
        at = np.flatnonzero(starts)
        owner, where, length = ids[at], place[at], np.diff(np.append(at, len(ids)))
        first = np.append(True, owner[1:] != owner[:-1])
        over, counts = self._runs.add(owner, length, first, where == self._bin[owner])
        last = np.append(first[1:], True)
        self._bin[owner[last]] = where[last]
        self._squares += np.bincount(over, counts.astype(np.float64) ** 2, self._size)
        return self

    def variance(self) -> Floats:
        """Return the unbiased variance of the count of each neuron over bins; nan with fewer than two bins."""
        if self.bins.count < 2:
            return np.full(self._size, np.nan)
        owner, counts = self._runs.rest()
        squares = self._squares + np.bincount(owner, counts.astype(np.float64) ** 2, self._size)
        total = self.total.astype(np.float64)
        return np.asarray((squares - total**2 / self.bins.count) / (self.bins.count - 1), np.float64)

    def fano(self) -> Floats:
        """Return the Fano factor of each neuron, as `spikes.fano_factor`; nan where it is silent."""
        return _ratio(self.variance(), self.total / self.bins.count)


class PopulationCounts:
    """Accumulates how the count of all neurons together varies from bin to bin; keeps no bins."""

    def __init__(self, bins: Bins) -> None:
        self.bins, self.total = bins, 0
        self._squares, self._open, self._count = 0.0, -1, 0

    def add(self, block: Block) -> PopulationCounts:
        """Take the next spikes."""
        where, counts = occupied(self.bins, block.times)
        if not where.size:
            return self
        self.total += int(counts.sum())
        if where[0] == self._open:
            counts[0] += self._count
        else:
            self._squares += float(self._count) ** 2
        self._squares += float(np.square(counts[:-1].astype(np.float64)).sum())
        self._open, self._count = int(where[-1]), int(counts[-1])
        return self

    def synchrony(self) -> float:
        """Return var(count) / mean(count) over bins, as `spikes.synchrony`; nan without spikes or with one bin."""
        bins = self.bins.count
        if bins < 2 or not self.total:
            return float("nan")
        squares = self._squares + float(self._count) ** 2
        return (squares - self.total * (self.total / bins)) / (bins - 1) / (self.total / bins)


class TimeHistogram:
    """Accumulates the number of spikes in each bin, `counts`, int64[bins]; memory goes with the bins."""

    def __init__(self, bins: Bins) -> None:
        self.bins = bins
        self.counts: Ints = np.zeros(bins.count, np.int64)

    def add(self, block: Block) -> TimeHistogram:
        """Take the next spikes."""
        where, counts = occupied(self.bins, block.times)
        self.counts[where] += counts
        return self

    def rate_hz(self, size: int) -> Floats:
        """Return 1000 count / (size bin_ms), the mean rate of a neuron in each bin (Hz)."""
        return np.asarray(1000.0 * self.counts / (size * self.bins.width_ms), np.float64)


def occupied(bins: Bins, times: Floats) -> tuple[Ints, Ints]:
    """Return (bins that have spikes, ascending, how many), for times in order."""
    place, inside = bins.of(times)
    place = place[inside]
    if not place.size:
        return place, place
    at = np.flatnonzero(np.append(True, place[1:] != place[:-1]))
    return place[at], np.diff(np.append(at, len(place)))


def psth(
    times: Floats, events_ms: ArrayLike, size: int, before_ms: float, after_ms: float, bin_ms: float
) -> tuple[Floats, Floats]:
    """Return (centres of the bins in ms from the event, rate in Hz): the peri-stimulus time histogram.

    A(t) = 1000 count(t) / (events size bin_ms), over all events, with bins from -before_ms to after_ms. Where windows
    overlap a spike counts for each. nan without events. Raises InputError as `EventHistogram`.

    Gerstein & Kiang 1960, Biophys. J. 1:15, doi:10.1016/S0006-3495(60)86872-5.
    """
    found = EventHistogram(events_ms, before_ms, after_ms, bin_ms).add(Block.of(times, np.zeros(len(times), np.int64)))
    return found.bins.centres(), found.rate_hz(size)


class EventHistogram:
    """Accumulates the number of spikes in bins around events: `counts`, int64[bins].

    Raises InputError for an event that is no finite time, and for bins that are not above 0 or longer than the window.
    """

    def __init__(self, events_ms: ArrayLike, before_ms: float, after_ms: float, bin_ms: float) -> None:
        self.events_ms = np.sort(finite("events_ms", events_ms))
        self.bins = make_bins(-before_ms, after_ms, bin_ms)
        self.counts: Ints = np.zeros(self.bins.count, np.int64)

    def add(self, block: Block) -> EventHistogram:
        """Take the next spikes."""
        low = np.searchsorted(block.times, self.events_ms + self.bins.start_ms - self.bins.width_ms)
        stop = self.bins.start_ms + (self.bins.count + 1) * self.bins.width_ms
        many = np.searchsorted(block.times, self.events_ms + stop) - low
        for part in _parts(many):
            event, spike = expand(low[part], many[part])
            place, inside = self.bins.of(block.times[spike] - self.events_ms[part][event])
            self.counts += np.bincount(place[inside], minlength=self.bins.count)
        return self

    def rate_hz(self, size: int) -> Floats:
        """Return the mean rate of a neuron in each bin (Hz); nan without events or neurons."""
        scale = len(self.events_ms) * size * self.bins.width_ms
        return _ratio(1000.0 * self.counts, np.full(self.bins.count, scale))


def expand(low: Ints, many: Ints) -> tuple[Ints, Ints]:
    """Return (k, low[k] + 0 ... many[k] - 1) for every k, one after the other."""
    owner = np.repeat(np.arange(len(many)), many)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(many) - many, many)
    return owner, low[owner] + within


def finite(name: str, values: ArrayLike) -> Floats:
    """Return values as float64[n]; raises InputError where one is no finite number."""
    found = np.asarray(values, np.float64).ravel()
    bad: NDArray[np.int64] = np.flatnonzero(~np.isfinite(found))
    if bad.size:
        raise InputError(Problem("not a finite number", f"{name}[{bad[0]}]", float(found[bad[0]]), "a time in ms"))
    return found


def _parts(many: Ints) -> list[slice]:
    """Cut a list into pieces that come to some PAIRS each."""
    piece = np.cumsum(many) // PAIRS
    cuts = np.flatnonzero(np.diff(piece)) + 1
    edges = [0, *cuts.tolist(), len(many)]
    return [slice(a, b) for a, b in zip(edges[:-1], edges[1:]) if b > a]

"""Bursts of a neuron (many spikes at short intervals) and of a population (many neurons at once).

times : float64[n], instant of each spike (ms), in any order
ids : int64[n], which neuron emitted it, 0 <= id < size
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuromorph.analysis.blocks import Bins, Block, Floats, Ints, OpenRuns
from neuromorph.analysis.counts import occupied
from neuromorph.analysis.spikes import _ratio
from neuromorph.errors import InputError, Problem

#: network bursts that are kept one by one
KEPT = 100_000


def neuron_bursts(
    times: Floats, ids: Ints, size: int, max_interval_ms: float = 10.0, min_spikes: int = 3
) -> tuple[Ints, Floats]:
    """Return (number of bursts, share of the spikes that are in one) of each neuron, int64[size] and float64[size].

    A burst is a longest stretch of at least `min_spikes` spikes with intervals of at most `max_interval_ms`. The share
    is nan where a neuron is silent. Raises InputError as `NeuronBursts`.

    The maximum interval method: Cotterill, Charlesworth, Thomas, Paulsen & Eglen 2016, J. Neurophysiol. 116:306,
    doi:10.1152/jn.00093.2016.
    """
    found = NeuronBursts(size, max_interval_ms, min_spikes).add(Block.of(times, ids))
    return found.number(), found.share()


class NeuronBursts:
    """Accumulates the bursts of each neuron. Raises InputError for a limit below 0 or bursts of fewer than 2 spikes."""

    def __init__(self, size: int, max_interval_ms: float = 10.0, min_spikes: int = 3) -> None:
        if not max_interval_ms >= 0:
            raise InputError(Problem("value out of range", "max_interval_ms", max_interval_ms, "0 ms or above"))
        if min_spikes < 2:
            raise InputError(Problem("value out of range", "min_spikes", min_spikes, "2 or above"))
        self.size, self.max_interval_ms, self.min_spikes = size, max_interval_ms, min_spikes
        self.total: Ints = np.zeros(size, np.int64)
        self._number, self._within = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self._last, self._runs = np.full(size, -np.inf), OpenRuns(size)

    def add(self, block: Block) -> NeuronBursts:
        """Take the next spikes."""
        times, ids, begins = block.grouped
        if not times.size:
            return self
        before = block.grouped.before(self._last)
        short = times - before <= self.max_interval_ms * (1 + 1e-12)  # intervals are multiples of a tick
        self._last[ids[np.append(begins[1:], True)]] = times[np.append(begins[1:], True)]
        at = np.flatnonzero(begins | ~short)
        owner, length = ids[at], np.diff(np.append(at, len(ids)))
        self._take(*self._runs.add(owner, length, begins[at], short[at]))
        self.total += np.bincount(ids, minlength=self.size)
        return self

    def _take(self, owner: Ints, length: Ints) -> None:
        number, within = self._tally(owner, length)
        self._number += number
        self._within += within

    def _tally(self, owner: Ints, length: Ints) -> tuple[Ints, Ints]:
        long = length >= self.min_spikes
        within = np.bincount(owner[long], length[long], self.size).astype(np.int64)
        return np.bincount(owner[long], minlength=self.size).astype(np.int64), within

    def number(self) -> Ints:
        """Return the number of bursts of each neuron."""
        return self._number + self._tally(*self._runs.rest())[0]

    def share(self) -> Floats:
        """Return the share of the spikes of each neuron that are in a burst; nan where it is silent."""
        return _ratio(self._within + self._tally(*self._runs.rest())[1], self.total)


class Bursts(NamedTuple):
    """Network bursts: from `start_ms` to `stop_ms` (ms), with `spikes` spikes of all neurons; an entry each."""

    start_ms: Floats
    stop_ms: Floats
    spikes: Ints


def network_bursts(times: Floats, bins: Bins, deviations: float = 5.0) -> Bursts:
    """Return the network bursts: stretches of bins with more spikes than independent neurons would have.

    A bin belongs to one where count > m + deviations sqrt(m), with m the mean count of a bin: so many standard
    deviations above what Poisson neurons of constant rate would do. At least two spikes are needed.

    After Chiappalone et al. 2005, Neurocomputing 65:653, doi:10.1016/j.neucom.2004.10.094.
    """
    times = np.sort(np.asarray(times, np.float64))
    mean = int(bins.of(times)[1].sum()) / bins.count
    return NetworkBursts(bins, mean, deviations).add(Block(times, np.zeros(len(times), np.int64))).result()


class NetworkBursts:
    """Accumulates network bursts, given the mean count of a bin; of more than KEPT only the number is right."""

    def __init__(self, bins: Bins, mean: float, deviations: float = 5.0) -> None:
        self.bins, self.threshold = bins, max(mean + deviations * mean**0.5, 1.0)
        self.number, self.spikes = 0, 0
        self._found: list[tuple[int, int, int]] = []
        self._open, self._bin = (-1, -1, 0), (-1, 0)

    def add(self, block: Block) -> NetworkBursts:
        """Take the next spikes."""
        where, counts = occupied(self.bins, block.times)
        if not where.size:
            return self
        if where[0] == self._bin[0]:  # the last bin of the block before goes on
            counts[0] += self._bin[1]
        else:
            self._take(np.array([self._bin[0]]), np.array([self._bin[1]]))
        self._take(where[:-1], counts[:-1])
        self._bin = (int(where[-1]), int(counts[-1]))
        return self

    def _take(self, where: Ints, counts: Ints) -> None:
        above = counts > self.threshold
        where, counts = where[above], counts[above]
        if not where.size:
            return
        cuts = np.append(0, np.flatnonzero(np.diff(where) > 1) + 1)
        spikes = np.add.reduceat(counts, cuts)
        lasts = np.append(where[cuts[1:] - 1], where[-1])
        for first, last, many in zip(where[cuts].tolist(), lasts.tolist(), spikes.tolist()):
            if self._open[2] and first == self._open[1] + 1:
                self._open = (self._open[0], last, self._open[2] + many)
                continue
            self._end()
            self._open = (first, last, many)

    def _end(self) -> None:
        if self._open[2]:
            self.number += 1
            self.spikes += self._open[2]
            if len(self._found) < KEPT:
                self._found.append(self._open)
        self._open = (-1, -1, 0)

    def result(self) -> Bursts:
        """Return what was found; takes no more blocks after."""
        self._take(np.array([self._bin[0]]), np.array([self._bin[1]]))
        self._end()
        self._bin = (-1, 0)
        rows = np.array(self._found, np.int64).reshape(-1, 3)
        start, stop = (
            np.asarray(self.bins.start_ms + of * self.bins.width_ms, np.float64) for of in (rows[:, 0], rows[:, 1] + 1)
        )
        return Bursts(start, stop, rows[:, 2])

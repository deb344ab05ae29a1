"""Neurons beside each other: covariance of binned counts, dimensionality, cross-correlograms.

times : float64[n], instant of each spike (ms), in any order
ids : int64[n], which neuron emitted it, 0 <= id < size
bins : `counts.make_bins(start_ms, stop_ms, bin_ms)`
"""

from __future__ import annotations

import numpy as np

from neuromorph.analysis.blocks import Bins, Block, Floats, Ints, stable_order
from neuromorph.analysis.counts import make_bins, occupied
from neuromorph.errors import InputError, Problem

#: bins that are held at a time, for every neuron
ROWS = 1 << 12


def count_covariance(times: Floats, ids: Ints, size: int, bins: Bins) -> Floats:
    """Return the unbiased covariance of the neurons' counts over bins, float64[size, size]; nan with one bin.

    C_ij = sum_b (n_ib - mean_i) (n_jb - mean_j) / (B - 1).
    """
    return CountCovariance(size, bins).add(Block.of(times, ids)).covariance()


def count_correlation(times: Floats, ids: Ints, size: int, bins: Bins) -> Floats:
    """Return Pearson's correlation of the neurons' counts over bins, float64[size, size].

    r_ij = C_ij / sqrt(C_ii C_jj); nan for a neuron whose count never changes.

    Cohen & Kohn 2011, Nat. Neurosci. 14:811, doi:10.1038/nn.2842.
    """
    return CountCovariance(size, bins).add(Block.of(times, ids)).correlation()


def participation_ratio(covariance: Floats) -> float:
    """Return the dimensionality of activity, 1 to n: how many directions its variance is spread over.

    PR = (sum_k lambda_k)^2 / sum_k lambda_k^2 = tr(C)^2 / tr(C^2), of the eigenvalues of a covariance: n for n
    independent neurons of equal variance, 1 for neurons that do the same. nan without variance. With B bins it is at
    most B - 1, so take more bins than neurons.

    Mazzucato, Fontanini & La Camera 2016, Front. Syst. Neurosci. 10:11, doi:10.3389/fnsys.2016.00011.
    """
    trace, squares = float(np.trace(covariance)), float(np.square(covariance).sum())
    return trace**2 / squares if squares > 0 else float("nan")


class CountCovariance:
    """Accumulates the covariance of the counts of `size` neurons; memory goes with size^2, so give it a sample."""

    def __init__(self, size: int, bins: Bins) -> None:
        self.size, self.bins = size, bins
        self.total = np.zeros(size)
        self._products = np.zeros((size, size))
        self._open, self._row = -1, np.zeros(size)

    def add(self, block: Block) -> CountCovariance:
        """Take the next spikes; those of ids below 0 are left out."""
        place, inside = self.bins.of(block.times)
        mine = inside & (block.ids >= 0)
        place, ids = place[mine], block.ids[mine]
        if not ids.size:
            return self
        new = np.append(place[0] != self._open, place[1:] != place[:-1])
        row, used = np.cumsum(new), np.append(self._open, place[new])  # row 0 is the open one
        for first in range(0, len(used), ROWS):
            part = (row >= first) & (row < first + ROWS)
            rows = min(ROWS, len(used) - first)
            flat = np.bincount((row[part] - first) * self.size + ids[part], minlength=rows * self.size)
            counts = flat.reshape(rows, self.size).astype(np.float64)
            counts[0] += self._row
            self._add_rows(counts[:-1])
            self._row = counts[-1]
            if first + ROWS < len(used):
                self._add_rows(counts[-1:])
                self._row = np.zeros(self.size)
        self._open = int(used[-1])
        return self

    def _add_rows(self, counts: Floats) -> None:
        self.total += counts.sum(axis=0)
        self._products += counts.T @ counts

    def covariance(self) -> Floats:
        """Return the unbiased covariance over bins, float64[size, size]; nan with fewer than two bins."""
        if self.bins.count < 2:
            return np.full((self.size, self.size), np.nan)
        total = self.total + self._row
        products = self._products + np.outer(self._row, self._row)
        return np.asarray((products - np.outer(total, total) / self.bins.count) / (self.bins.count - 1), np.float64)

    def correlation(self) -> Floats:
        """Return Pearson's correlation, float64[size, size]; nan for a neuron whose count never changes."""
        covariance = self.covariance()
        sigma = np.sqrt(np.diag(covariance))
        sigma[sigma == 0] = np.nan
        found = covariance / np.outer(sigma, sigma)
        return np.clip(found, -1.0, 1.0)


def cross_correlogram(
    times: Floats, others: Floats, start_ms: float, stop_ms: float, bin_ms: float, lag_ms: float
) -> tuple[Floats, Ints]:
    """Return (lags in ms, pairs): how many spikes of `others` come so much later than one of `times`.

    C(k) = sum_b n_b m_(b+k), of counts in bins of bin_ms, for whole lags k from -lag_ms to lag_ms. A train beside
    itself counts each spike as a pair at lag 0. Raises InputError for a bin or a lag out of range.

    Perkel, Gerstein & Moore 1967, Biophys. J. 7:419, doi:10.1016/S0006-3495(67)86597-4.
    """
    found = Correlogram(make_bins(start_ms, stop_ms, bin_ms), lag_ms)
    one, other = np.sort(np.asarray(times, np.float64)), np.sort(np.asarray(others, np.float64))
    found.add(*occupied(found.bins, one), *occupied(found.bins, other))
    return found.lags_ms(), found.pairs


class Correlogram:
    """Accumulates the pairs of two trains of counts by their lag: `pairs`, int64[2 lags + 1].

    Raises InputError for a lag that is not between 0 and the length of the interval.
    """

    def __init__(self, bins: Bins, lag_ms: float) -> None:
        length = bins.count * bins.width_ms
        if not 0 <= lag_ms <= length:
            raise InputError(Problem("value out of range", "lag_ms", lag_ms, f"0 to {length:g} ms"))
        self.bins, self.lags = bins, int(np.floor(lag_ms / bins.width_ms + 1e-9))
        self.pairs: Ints = np.zeros(2 * self.lags + 1, np.int64)
        self._tails: list[tuple[Ints, Ints]] = [(np.empty(0, np.int64), np.empty(0, np.int64))] * 2

    def add(self, one: Ints, counts: Ints, other: Ints, others: Ints, both_until: int | None = None) -> Correlogram:
        """Take the next occupied bins of both trains, ascending, with their counts.

        both_until: the bin up to which both trains have been given by then; by default the last of these.
        """
        news = [(one, counts), (other, others)]
        olds = self._tails
        self._count(news[0], _joined(olds[1], news[1]))
        self._count(olds[0], news[1])
        if both_until is None:
            both_until = max((int(new[0][-1]) for new in news if new[0].size), default=-1)
        self._tails = [_recent(_joined(old, new), both_until - self.lags) for old, new in zip(olds, news)]
        return self

    def _count(self, one: tuple[Ints, Ints], other: tuple[Ints, Ints]) -> None:
        self.pairs += lagged_pairs(*one, *other, self.lags)

    def lags_ms(self) -> Floats:
        """Return the lag of each entry of `pairs` (ms)."""
        return np.asarray(np.arange(-self.lags, self.lags + 1) * self.bins.width_ms, np.float64)


class PairCorrelogram:
    """Accumulates the cross-correlogram of all pairs of different neurons of a sample: `pairs()`, int64[lags + 1].

    Of the sum of all trains minus each train by itself. It is the same for both signs of the lag.
    """

    def __init__(self, size: int, bins: Bins, lag_ms: float) -> None:
        self._all, self._same = Correlogram(bins, lag_ms), Correlogram(bins, lag_ms)
        self.bins, self.size, self.total = bins, size, np.zeros(size, np.int64)
        self._stride = bins.count + self._all.lags + 1  # neurons end to end, too far from each other to pair

    def add(self, block: Block) -> PairCorrelogram:
        """Take the next spikes; those of ids below 0 are left out."""
        place, inside = self.bins.of(block.times)
        mine = inside & (block.ids >= 0)
        place, ids = place[mine], block.ids[mine]
        self.total += np.bincount(ids, minlength=self.size)
        found = _tally(place)
        self._all.add(*found, *found)
        self._add_same(place, ids)
        return self

    def _add_same(self, place: Ints, ids: Ints) -> None:
        """Each neuron beside itself: the tail of every neuron is kept by its bin, not by the newest key."""
        same, old = self._same, self._same._tails[0]
        order = stable_order(ids)
        new = _tally(ids[order] * self._stride + place[order])
        joined = _joined(old, new)
        same._count(new, joined)
        same._count(old, new)
        newest = int(place[-1]) if place.size else 0
        keep = joined[0] % self._stride >= newest - same.lags
        same._tails = [(joined[0][keep], joined[1][keep])] * 2

    def pairs(self) -> Ints:
        """Return the number of pairs at lags 0, bin_ms ... lag_ms; ordered pairs (i, j) of different neurons."""
        return (self._all.pairs - self._same.pairs)[self._all.lags :]

    def expected(self) -> float:
        """Return how many pairs there would be at each lag were the trains independent and stationary."""
        total = self.total.astype(np.float64)
        return float((total.sum() ** 2 - np.square(total).sum()) / self.bins.count)


def lagged_pairs(one: Ints, counts: Ints, other: Ints, others: Ints, lags: int) -> Ints:
    """Return sum over bins of counts(b) others(b + k) for k = -lags ... lags; bins ascending, each there once."""
    found = np.zeros(2 * lags + 1, np.int64)
    if one.size and other.size:
        for k in range(-lags, lags + 1):
            place = np.minimum(np.searchsorted(other, one + k), len(other) - 1)
            hit = other[place] == one + k
            found[k + lags] = counts[hit] @ others[place[hit]]
    return found


def _tally(keys: Ints) -> tuple[Ints, Ints]:
    """Ascending keys, each once, and how often each is there."""
    at = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if keys.size else np.empty(0, np.int64)
    return keys[at], np.diff(np.append(at, len(keys)))


def _joined(old: tuple[Ints, Ints], new: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    if not old[0].size or not new[0].size:
        return new if new[0].size else old
    keys, place = np.unique(np.concatenate([old[0], new[0]]), return_inverse=True)
    counts = np.zeros(len(keys), np.int64)
    np.add.at(counts, place, np.concatenate([old[1], new[1]]))
    return keys, counts


def _recent(train: tuple[Ints, Ints], oldest: int) -> tuple[Ints, Ints]:
    first = int(np.searchsorted(train[0], oldest))
    return train[0][first:], train[1][first:]

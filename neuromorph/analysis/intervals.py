"""Intervals between spikes of the same neuron: CV, CV2, LV and their distribution.

times : float64[n], instant of each spike (ms), in any order
ids : int64[n], which neuron emitted it, 0 <= id < size
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuromorph.analysis.blocks import Block, Floats, Ints
from neuromorph.analysis.spikes import _mean, _ratio

#: edges of the histogram of intervals: 50 a decade from 0.1 us to 1e9 ms; the first bin holds what is shorter
EDGES_MS = np.concatenate([[0.0], np.logspace(-4, 9, 651)])


def cv2_isi(times: Floats, ids: Ints, size: int) -> Floats:
    """Return the local coefficient of variation of each neuron, float64[size]; nan below three spikes.

    CV2 = mean over k of 2 |I_k+1 - I_k| / (I_k+1 + I_k): 0 for a clock, 1 for a long Poisson train; slow changes of
    the rate matter less than for CV. Pairs of intervals of length 0 are left out.

    Holt, Softky, Koch & Douglas 1996, J. Neurophysiol. 75:1806, doi:10.1152/jn.1996.75.5.1806.
    """
    return Intervals(size).add(Block.of(times, ids)).cv2()


def lv_isi(times: Floats, ids: Ints, size: int) -> Floats:
    """Return the local variation of each neuron's intervals, float64[size]; nan below three spikes.

    LV = 3 / (n - 1) sum over k of ((I_k - I_k+1) / (I_k + I_k+1))^2: 0 for a clock, 1 for a long Poisson train.
    Pairs of intervals of length 0 are left out.

    Shinomoto, Shima & Tanji 2003, Neural Comput. 15:2823, doi:10.1162/089976603322518759.
    """
    return Intervals(size).add(Block.of(times, ids)).lv()


def isi_histogram(times: Floats, ids: Ints, size: int, edges_ms: Floats = EDGES_MS) -> Ints:
    """Return how many interspike intervals fall between the edges (ms, ascending), int64[len(edges_ms) - 1].

    What is outside of all is in none. The edges by default are 50 a decade.
    """
    return Intervals(size, edges_ms).add(Block.of(times, ids)).histogram


class Intervals:
    """Accumulates the intervals of each neuron: mean, variance, CV2, LV and the histogram of all.

    Means and variances of blocks are joined as Chan, Golub & LeVeque do, without the cancellation of sums of squares
    (1983, Am. Stat. 37:242, doi:10.1080/00031305.1983.10483115).
    """

    def __init__(self, size: int, edges_ms: Floats = EDGES_MS) -> None:
        self.size, self.edges_ms = size, np.asarray(edges_ms, np.float64)
        self.histogram: Ints = np.zeros(len(edges_ms) - 1, np.int64)
        self.count, self.pairs = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self.mean_ms, self._squares = np.zeros(size), np.zeros(size)
        self._cv2, self._lv = np.zeros(size), np.zeros(size)
        self._last, self._interval = np.full(size, np.nan), np.full(size, np.nan)

    def add(self, block: Block) -> Intervals:
        """Take the next spikes."""
        times, ids, begins = block.grouped
        if not times.size:
            return self
        before = block.grouped.before(self._last)
        intervals = times - before  # nan at the first spike of a neuron
        previous = np.empty_like(intervals)
        previous[1:] = intervals[:-1]
        previous[begins] = self._interval[ids[begins]]
        last = np.append(begins[1:], True)
        self._last[ids[last]], self._interval[ids[last]] = times[last], intervals[last]
        self._moments(intervals, ids)
        self._local(intervals, previous, ids)
        return self

    def _moments(self, intervals: Floats, ids: Ints) -> None:
        known = ~np.isnan(intervals)
        intervals, ids = intervals[known], ids[known]
        place = np.searchsorted(self.edges_ms, intervals, side="right") - 1
        inside = (place >= 0) & (place < len(self.histogram))
        self.histogram += np.bincount(place[inside], minlength=len(self.histogram))
        count = np.bincount(ids, minlength=self.size)
        mean = np.nan_to_num(_ratio(np.bincount(ids, intervals, self.size), count))
        squares = np.bincount(ids, (intervals - mean[ids]) ** 2, self.size)
        total = self.count + count
        apart = mean - self.mean_ms
        share = np.nan_to_num(_ratio(count, total))
        self._squares += squares + apart**2 * self.count * share
        self.mean_ms += apart * share
        self.count = total

    def _local(self, intervals: Floats, previous: Floats, ids: Ints) -> None:
        both = intervals + previous
        known = both > 0  # nan is not
        contrast = (intervals[known] - previous[known]) / both[known]
        self.pairs += np.bincount(ids[known], minlength=self.size)
        self._cv2 += np.bincount(ids[known], 2.0 * np.abs(contrast), self.size)
        self._lv += np.bincount(ids[known], 3.0 * contrast**2, self.size)

    def cv(self, min_spikes: int = 3) -> Floats:
        """Return sigma(ISI) / mean(ISI) of each neuron, as `spikes.cv_isi` does."""
        found = _ratio(np.sqrt(_ratio(self._squares, self.count)), self.mean_ms)
        return np.where(self.count >= max(min_spikes - 1, 1), found, np.nan)

    def mean_cv(self, min_spikes: int = 3) -> float:
        """Return the mean of `cv` over the neurons of at least `min_spikes` spikes."""
        cv = self.cv(min_spikes)
        return _mean(cv[~np.isnan(cv)])

    def cv2(self) -> Floats:
        """Return CV2 of each neuron, as `cv2_isi`."""
        return _ratio(self._cv2, self.pairs)

    def lv(self) -> Floats:
        """Return LV of each neuron, as `lv_isi`."""
        return _ratio(self._lv, self.pairs)

    def median_ms(self) -> float:
        """Return the median of all intervals (ms), to the width of a bin of the histogram; nan without any."""
        return histogram_quantile(self.histogram, self.edges_ms, 0.5)


def histogram_quantile(counts: NDArray[np.integer], edges: Floats, share: float) -> float:
    """Return where `share` (0 to 1) of the counts lie below, linear within a bin; nan without counts."""
    total = np.concatenate([[0.0], np.cumsum(counts, dtype=np.float64)])
    return float(np.interp(share * total[-1], total, edges)) if total[-1] > 0 else float("nan")

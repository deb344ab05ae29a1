"""Statistics of spike trains, as functions of arrays.

The arguments have the same meaning everywhere:

times : float64[n], instant of each spike (ms), in any order unless stated
ids : int64[n], which neuron emitted it, 0 <= id < size
size : how many neurons there are, silent ones included
duration_ms : length of the interval that was observed (ms); it begins at `start_ms`

Bins are [start_ms + k bin_ms, start_ms + (k + 1) bin_ms). What is left over after the last whole bin is left out; if
nothing is, a spike at the very end belongs to the last bin. A statistic without data is nan.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import InputError, Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def spike_counts(ids: Ints, size: int) -> Ints:
    """Return the number of spikes of each neuron, int64[size]."""
    return np.bincount(ids, minlength=size).astype(np.int64)


def firing_rates(ids: Ints, size: int, duration_ms: float) -> Floats:
    """Return the rate of each neuron, 1000 count / duration_ms, in Hz, float64[size]."""
    return _ratio(1000.0 * spike_counts(ids, size), np.full(size, duration_ms))


def mean_rate(ids: Ints, size: int, duration_ms: float) -> float:
    """Return the mean rate over all neurons, silent ones included, in Hz."""
    return _mean(firing_rates(ids, size, duration_ms))


def active_fraction(ids: Ints, size: int) -> float:
    """Return the share of neurons that spiked at all, 0 to 1."""
    return _mean(spike_counts(ids, size) > 0)


def interspike_intervals(times: Floats, ids: Ints) -> tuple[Floats, Ints]:
    """Return (intervals in ms, ids): the gaps between consecutive spikes of the same neuron, by neuron and time."""
    order = np.lexsort((times, ids))
    times, ids = times[order], ids[order]
    same = ids[1:] == ids[:-1]
    return np.diff(times)[same], ids[1:][same]


def cv_isi(times: Floats, ids: Ints, size: int, min_spikes: int = 3) -> Floats:
    """Return the coefficient of variation of each neuron's interspike intervals, float64[size].

    CV = sigma(ISI) / mean(ISI) with the population sigma: 0 for a clock, 1 for a long Poisson train. A train of n
    intervals scatters by 1/sqrt(n) about 1 if it is Poisson. Neurons of fewer than `min_spikes` spikes give nan.

    Softky & Koch 1993, J. Neurosci. 13:334, doi:10.1523/JNEUROSCI.13-01-00334.1993.
    """
    intervals, owner = interspike_intervals(times, ids)
    count = np.bincount(owner, minlength=size)
    mean = _ratio(np.bincount(owner, intervals, size), count)
    variance = _ratio(np.bincount(owner, (intervals - mean[owner]) ** 2, size), count)
    enough = count >= max(min_spikes - 1, 1)
    return np.where(enough, _ratio(np.sqrt(variance), mean), np.nan)


def mean_cv_isi(times: Floats, ids: Ints, size: int, min_spikes: int = 3) -> float:
    """Return the mean of `cv_isi` over the neurons of at least `min_spikes` spikes."""
    cv = cv_isi(times, ids, size, min_spikes)
    return _mean(cv[~np.isnan(cv)])


def binned_counts(
    times: Floats, ids: Ints, size: int, duration_ms: float, bin_ms: float, start_ms: float = 0.0
) -> Ints:
    """Return the number of spikes of each neuron in each bin, int64[size, bins].

    Raises InputError if `bin_ms` is not above 0 or longer than the interval.
    """
    bins = _bins(duration_ms, bin_ms)
    place, inside = _bin_of(times, duration_ms, bin_ms, start_ms)
    return np.bincount(ids[inside] * bins + place[inside], minlength=size * bins).reshape(size, bins).astype(np.int64)


def population_counts(times: Floats, duration_ms: float, bin_ms: float, start_ms: float = 0.0) -> Ints:
    """Return the number of spikes of all neurons in each bin, int64[bins]. Raises as `binned_counts`."""
    bins = _bins(duration_ms, bin_ms)
    place, inside = _bin_of(times, duration_ms, bin_ms, start_ms)
    return np.bincount(place[inside], minlength=bins).astype(np.int64)


def population_rate(
    times: Floats, size: int, duration_ms: float, bin_ms: float, start_ms: float = 0.0
) -> tuple[Floats, Floats]:
    """Return (centres of the bins in ms, rate in Hz): A = 1000 count / (size bin_ms). Raises as `binned_counts`.

    Gerstner, Kistler, Naud & Paninski 2014, Neuronal Dynamics, section 7.2, doi:10.1017/CBO9781107447615.
    """
    counts = population_counts(times, duration_ms, bin_ms, start_ms)
    centres = start_ms + (np.arange(len(counts)) + 0.5) * bin_ms
    return np.asarray(centres, np.float64), _ratio(1000.0 * counts, np.full(len(counts), size * bin_ms))


def fano_factor(
    times: Floats, ids: Ints, size: int, duration_ms: float, bin_ms: float = 100.0, start_ms: float = 0.0
) -> Floats:
    """Return the Fano factor of each neuron's spike counts, float64[size]; nan where it is silent.

    F = var(count) / mean(count) over bins, with the unbiased variance: 1 for a Poisson train. Raises as
    `binned_counts`.

    Fano 1947, Phys. Rev. 72:26, doi:10.1103/PhysRev.72.26.
    """
    counts = binned_counts(times, ids, size, duration_ms, bin_ms, start_ms)
    if counts.shape[1] < 2:
        return np.full(size, np.nan)
    return _ratio(counts.var(axis=1, ddof=1), counts.mean(axis=1))


def synchrony(times: Floats, duration_ms: float, bin_ms: float = 3.0, start_ms: float = 0.0) -> float:
    """Return the Fano factor of the population's spike count, with bins of 3 ms by default.

    S = var(count of all) / mean(count of all): 1 for independent Poisson neurons, n for n neurons that always fire
    together and are Poisson as one. Raises as `binned_counts`.

    Potjans & Diesmann 2014, Cereb. Cortex 24:785, doi:10.1093/cercor/bhs358.
    """
    bins = _bins(duration_ms, bin_ms)
    place, inside = _bin_of(times, duration_ms, bin_ms, start_ms)
    counts = np.unique(place[inside], return_counts=True)[1].astype(float)  # most bins of a long run may be empty
    if bins < 2 or not counts.size:
        return float("nan")
    mean = counts.sum() / bins
    squares = np.square(counts - mean).sum() + (bins - counts.size) * mean**2
    return float(squares / (bins - 1) / mean)


def correlations(
    times: Floats,
    ids: Ints,
    size: int,
    duration_ms: float,
    bin_ms: float = 5.0,
    start_ms: float = 0.0,
    sample: int = 200,
    seed: int = 0,
) -> Floats:
    """Return Pearson's correlation of binned counts for every pair among `sample` neurons, float64[pairs].

    r_ij = cov(n_i, n_j) / (sigma_i sigma_j) over bins. The sample is drawn with `seed` from the neurons that spiked;
    those whose count never changes are left out. Raises as `binned_counts`.

    Cohen & Kohn 2011, Nat. Neurosci. 14:811, doi:10.1038/nn.2842.
    """
    active = np.flatnonzero(spike_counts(ids, size))
    chosen = np.sort(np.random.default_rng(seed).permutation(active)[:sample])
    rank = np.full(size, -1)
    rank[chosen] = np.arange(len(chosen))
    mine = rank[ids] >= 0
    counts = binned_counts(times[mine], rank[ids[mine]], len(chosen), duration_ms, bin_ms, start_ms)
    counts = counts[np.ptp(counts, axis=1) > 0]
    if len(counts) < 2:
        return np.empty(0)
    return np.asarray(np.corrcoef(counts)[np.triu_indices(len(counts), 1)], np.float64)


def _bins(duration_ms: float, bin_ms: float) -> int:
    if not 0 < bin_ms <= duration_ms:
        allowed = f"above 0 and at most {duration_ms:g} ms, the length of the interval"
        raise InputError(Problem("value out of range", "bin_ms", bin_ms, allowed))
    return int(np.floor(duration_ms / bin_ms * (1 + 1e-12)))


def _bin_of(times: Floats, duration_ms: float, bin_ms: float, start_ms: float) -> tuple[Ints, NDArray[np.bool_]]:
    """The bin of each spike, and whether there is one."""
    bins, slack = _bins(duration_ms, bin_ms), 1e-9
    # Times are multiples of a tick and so are the bins: without the slack, 0.3 ms fell into the bin before 0.1 * 3.
    place = (np.asarray(times) - start_ms) / bin_ms + slack
    index = np.floor(place).astype(np.int64)
    if bins >= duration_ms / bin_ms - slack:
        index[(index == bins) & (place <= bins + 2 * slack)] = bins - 1
    return index, (index >= 0) & (index < bins)


def _ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> Floats:
    """Element by element; nan where the denominator is 0."""
    result = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=np.asarray(denominator) > 0)
    return result


def _mean(values: NDArray[Any]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")

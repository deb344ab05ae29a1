"""How far apart two spike trains, or two distributions, are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from neuromorph.analysis.blocks import Floats
from neuromorph.errors import InputError, Problem

#: pairs of spikes that are held at a time
PAIRS = 1 << 20


def ks_distance(
    values: ArrayLike, others: ArrayLike, counts: ArrayLike | None = None, other_counts: ArrayLike | None = None
) -> float:
    """Return Kolmogorov and Smirnov's distance of two samples, 0 to 1; nan where either is empty.

    D = max over x of |F(x) - G(x)|, of their empirical distribution functions.

    Parameters
    ----------
    values, others: float64[n], float64[m], the samples in any order.
    counts, other_counts: how often each value is there; by default once.

    Smirnov 1948, Ann. Math. Stat. 19:279, doi:10.1214/aoms/1177730256.
    """
    both = [np.asarray(values, np.float64).ravel(), np.asarray(others, np.float64).ravel()]
    given = zip(both, (counts, other_counts))
    weights = [np.ones(len(of)) if many is None else np.asarray(many, np.float64).ravel() for of, many in given]
    if not (weights[0].sum() > 0 and weights[1].sum() > 0):
        return float("nan")
    at = np.unique(np.concatenate(both))
    functions = []
    for of, many in zip(both, weights):
        below = np.cumsum(np.bincount(np.searchsorted(at, of), many, len(at)))
        functions.append(below / below[-1])
    return float(np.abs(functions[0] - functions[1]).max())


def van_rossum(times: ArrayLike, others: ArrayLike, tau_ms: float = 10.0) -> float:
    """Return van Rossum's distance of two spike trains: 0 if they are the same, sqrt(n + m) if no spikes are near.

    D^2 = 2 / tau integral (f - g)^2 dt with f(t) = sum over spikes of exp(-(t - t_i) / tau) for t >= t_i, which is
    sum_ij k(t_i, t_j) + sum_ij k(u_i, u_j) - 2 sum_ij k(t_i, u_j) with k(t, u) = exp(-|t - u| / tau). Without the 2 in
    front (van Rossum's own norm) a single spike would be 1 / sqrt(2) from none. tau_ms: above 0 (ms), else InputError.

    van Rossum 2001, Neural Comput. 13:751, doi:10.1162/089976601300014321.
    """
    if not tau_ms > 0:
        raise InputError(Problem("value out of range", "tau_ms", tau_ms, "above 0 ms"))
    one, other = (np.sort(np.asarray(of, np.float64).ravel()) for of in (times, others))
    squared = _kernel(one, one, tau_ms) + _kernel(other, other, tau_ms) - 2.0 * _kernel(one, other, tau_ms)
    return float(np.sqrt(max(squared, 0.0)))


def _kernel(one: Floats, other: Floats, tau_ms: float) -> float:
    step = max(PAIRS // max(len(other), 1), 1)
    parts = [one[k : k + step] for k in range(0, len(one), step)]
    return float(sum(np.exp(-np.abs(np.subtract.outer(part, other)) / tau_ms).sum() for part in parts))


def victor_purpura(times: ArrayLike, others: ArrayLike, cost_per_ms: float = 0.1) -> float:
    """Return Victor and Purpura's distance of two spike trains: what it costs to turn one into the other.

    To add or remove a spike costs 1, to move it by dt costs `cost_per_ms` |dt|: 0 if they are the same, at most n + m.
    Takes time n m. cost_per_ms: 0 or above (1/ms), else InputError.

    Victor & Purpura 1996, J. Neurophysiol. 76:1310, doi:10.1152/jn.1996.76.2.1310.
    """
    if not cost_per_ms >= 0:
        raise InputError(Problem("value out of range", "cost_per_ms", cost_per_ms, "0 per ms or above"))
    one, other = (np.sort(np.asarray(of, np.float64).ravel()) for of in (times, others))
    place = np.arange(len(other) + 1)
    cost = place.astype(np.float64)
    for k, time in enumerate(one):
        moved = cost[:-1] + cost_per_ms * np.abs(other - time)
        cost[1:] = np.minimum(cost[1:] + 1.0, moved)
        cost[0] = k + 1.0
        cost = np.asarray(
            place + np.minimum.accumulate(cost - place), np.float64
        )  # spikes of the other added, one at a time
    return float(cost[-1])

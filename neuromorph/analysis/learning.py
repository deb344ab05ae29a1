"""Learning curves in numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuromorph.analysis.blocks import Floats


def smoothed(values: ArrayLike, width: int) -> Floats:
    """Return the mean of each value and the width - 1 before it (fewer at the beginning), float64[n].

    Values that are no numbers are left out of the means.
    """
    values = np.asarray(values, np.float64)
    known = np.isfinite(values)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    count = np.concatenate([[0.0], np.cumsum(known)])
    low = np.maximum(np.arange(len(values)) - width + 1, 0)
    high = np.arange(len(values)) + 1
    many = count[high] - count[low]
    found = np.full(len(values), np.nan)
    np.divide(total[high] - total[low], many, out=found, where=many > 0)
    return found


def curve_summary(values: ArrayLike) -> dict[str, Any]:
    """Return what a learning curve comes to.

    first, last: float, its ends. min, max: float. tail: float, the mean of its last tenth. points: int.
    half: int, the first point by which half of the way from the first value to the tail was covered, by the mean of
    the tenth of the curve that ends there; None where it went nowhere. None for what cannot be told.

    Parameters
    ----------
    values: float64[n], in the order in which they were measured; what is no number is left out of all but `points`.
    """
    every = np.asarray(values, np.float64).ravel()
    where = np.flatnonzero(np.isfinite(every))
    if not where.size:
        return {"points": len(every), **dict.fromkeys(["first", "last", "min", "max", "tail", "half"])}
    known = every[where]
    width = max(len(known) // 10, 1)
    tail, first = float(known[-width:].mean()), float(known[0])
    way = smoothed(known, width) - first
    covered = np.flatnonzero(way * np.sign(tail - first) >= abs(tail - first) / 2)
    half = int(where[covered[0]]) if tail != first and covered.size else None
    return {
        "points": len(every), "first": first, "last": float(known[-1]),
        "min": float(known.min()), "max": float(known.max()), "tail": tail, "half": half,
    }  # fmt: skip

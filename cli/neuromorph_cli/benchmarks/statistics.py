"""Rate, irregularity and their errors from recorded spikes; whether two simulators agree."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCKS = 10  # parts of the measured stretch, whose spread tells how far the rate of a stretch may be off
ERRORS = 4.0  # standard errors that two rates may differ by
PUBLISHED = 0.05  # fraction that a published rate may be missed by


def rates(
    times: NDArray[np.float64], cells: NDArray[np.int64], sizes: Mapping[str, int], start: float, duration: float
) -> dict[str, dict[str, float]]:
    """By population: spikes, rate_hz and its standard error error_hz over (start, start + duration] ms.

    The error is the greater of that from the spread of the cells' counts and that from the spread of `BLOCKS` blocks of
    time, which knows of what the cells do together.
    """
    found = {}
    first = 0
    block = np.minimum(((times - start) / duration * BLOCKS).astype(np.int64), BLOCKS - 1)
    for name, size in sizes.items():
        mine = (cells >= first) & (cells < first + size)
        of_cells = np.bincount(cells[mine] - first, minlength=size)
        of_blocks = np.bincount(block[mine], minlength=BLOCKS)
        unit = 1e3 / duration / size
        error = max(math.sqrt(size * of_cells.var()), math.sqrt(BLOCKS * of_blocks.var()))
        spikes = int(of_cells.sum())
        # a count of zero says no more than that fewer than about three were expected
        found[name] = {"spikes": spikes, "rate_hz": spikes * unit, "error_hz": max(error, 1.0) * unit}
        first += size
    return found


def irregularity(times: NDArray[np.float64], cells: NDArray[np.int64]) -> float | None:
    """Mean coefficient of variation of the intervals between spikes, over cells with three spikes or more.

    CV = std(ISI) / mean(ISI); None where no cell has so many.
    """
    order = np.lexsort((times, cells))
    cell, time = cells[order], times[order]
    same = cell[1:] == cell[:-1]
    interval, owner = np.diff(time)[same], cell[1:][same]
    if not owner.size:
        return None
    n = np.bincount(owner)
    total, square = np.bincount(owner, interval), np.bincount(owner, interval**2)
    enough = (n >= 2) & (total > 0)
    if not enough.any():
        return None
    mean = total[enough] / n[enough]
    return float(np.mean(np.sqrt(np.maximum(square[enough] / n[enough] - mean**2, 0.0)) / mean))


def disagreements(ours: Mapping[str, Any], theirs: Mapping[str, Any], allowance: float) -> list[str]:
    """Populations whose rates differ by more than `ERRORS` standard errors and the fraction `allowance`, in words."""
    found = []
    for name, mine in ours.items():
        other = theirs[name]
        error = ERRORS * math.hypot(mine["error_hz"], other["error_hz"])
        tolerance = error + allowance * max(mine["rate_hz"], other["rate_hz"])
        if abs(mine["rate_hz"] - other["rate_hz"]) > tolerance:
            found.append(f"{name} {mine['rate_hz']:.3f} against {other['rate_hz']:.3f} Hz (tolerance {tolerance:.3f})")
    return found


def unpublished(measured: Mapping[str, Any], published: Mapping[str, float]) -> list[str]:
    """Populations that miss their published rates by more than `PUBLISHED` and `ERRORS` standard errors, in words."""
    found = []
    for name, rate in published.items():
        mine = measured[name]
        tolerance = max(PUBLISHED * rate, ERRORS * mine["error_hz"])
        if abs(mine["rate_hz"] - rate) > tolerance:
            found.append(f"{name} {mine['rate_hz']:.3f} against {rate:.3f} Hz published (tolerance {tolerance:.3f})")
    return found

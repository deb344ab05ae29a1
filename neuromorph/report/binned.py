"""Spikes in bins, for figures: read piece by piece, so that memory does not go with their number."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from neuromorph.analysis.spikes import Ints, population_counts
from neuromorph.traces.stream import Spikes


def counts_in_bins(chunks: Iterable[Spikes], start_ms: float, stop_ms: float, bin_ms: float) -> Ints:
    """Return the number of spikes in each whole bin, int64[bins]; of bins of no length none."""
    if bin_ms <= 0:
        return np.zeros(0, np.int64)
    counts = population_counts(np.zeros(0), stop_ms - start_ms, bin_ms, start_ms)
    for chunk in chunks:
        counts += population_counts(chunk.times, stop_ms - start_ms, bin_ms, start_ms)
    return counts


def round_bin(duration_ms: float, spikes: int, tick_ms: float | None = None) -> float:
    """The smallest of 1, 2, 5 times a power of ten that leaves some ten spikes to a bin, within 60 to 500 bins.

    On a grid it is made of whole ticks: others would hold now more of them and now fewer.
    """
    if duration_ms <= 0:
        return 0.0
    bins = min(max(spikes / 10, 60), 500)
    power = 10.0 ** np.floor(np.log10(duration_ms / bins))
    found = float(next(n * power for n in (1, 2, 5, 10) if n * power * bins >= duration_ms * (1 - 1e-12)))
    whole = found if tick_ms is None else np.ceil(found / tick_ms - 1e-9) * tick_ms
    return float(min(whole, duration_ms))

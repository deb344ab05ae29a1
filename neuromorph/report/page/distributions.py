"""How rates, intervals and their irregularity are spread over the cells of each population."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuromorph.analysis.spikes import Floats, Ints, cv_isi, firing_rates, interspike_intervals
from neuromorph.report.page import figures
from neuromorph.report.page.bands import Band
from neuromorph.report.page.panels import RATES, Panel

BINS = 40
NONE = "No cell fired."
NO_TWO = "No cell fired twice, so there are no intervals."
NO_CV = "No cell fired three times, so there is no CV."
ZERO = "Spikes of one cell at one instant are left out here."


class Sample(NamedTuple):
    """Numbers of one population.

    rates : of each cell that fired (Hz); `silent` is how many did not
    intervals : between a cell's spikes (ms), of all cells
    cv : of the intervals of each cell that has enough of them
    """

    rates: Floats
    silent: int
    intervals: Floats
    cv: Floats


def sample(times: Floats, ids: Ints, size: int, duration_ms: float) -> Sample:
    """The numbers of one population from its spikes; memory goes with the spikes, whatever size a file claims."""
    short = np.uint16 if size <= 2**16 else np.int64  # numpy sorts short ones by their digits, five times as fast
    active, place = np.unique(ids.astype(short), return_inverse=True)
    place = place.astype(short)
    cv = cv_isi(times, place, len(active))
    rates = firing_rates(place, len(active), duration_ms)
    return Sample(rates, size - len(active), interspike_intervals(times, place)[0], cv[~np.isnan(cv)])


def distributions(bands: list[Band], samples: list[Sample]) -> list[Panel]:
    """Histograms over cells of the rate and of the CV, over spikes of the interval."""
    share, silent = "cells (%)", [s.silent for s in samples]
    rates = _panel("Firing rates", "rate (Hz)", share, bands, [s.rates for s in samples], NONE, silent)
    gaps = [s.intervals[s.intervals > 0] for s in samples]
    intervals = _panel("Inter-spike intervals", "interval (ms)", "intervals (%)", bands, gaps, NO_TWO, log=True)
    if intervals.figure is not None and sum(map(len, gaps)) < sum(len(s.intervals) for s in samples):
        intervals = intervals._replace(note=ZERO)
    cv = _panel("Irregularity", "CV of intervals (0 clock, 1 Poisson)", share, bands, [s.cv for s in samples], NO_CV)
    return [rates, intervals, cv]


def legend(bands: list[Band]) -> tuple[tuple[int, str], ...]:
    """Which colour is whose, in all histograms."""
    return tuple((band.colour, band.name) for band in bands) if len(bands) <= RATES else ((0, "all populations"),)


def _panel(
    title: str, x: str, y: str, bands: list[Band], values: list[Floats], empty: str,
    zeros: list[int] | None = None, log: bool = False,
) -> Panel:  # fmt: skip
    """Histograms of the values of each band, and of so many zeros; all bands as one where they are many."""
    zeros = zeros or [0] * len(values)
    merged = np.concatenate(values) if values else np.zeros(0)
    if not len(merged):
        return Panel(title, None, empty)
    if len(bands) > RATES:
        bands, values, zeros = [Band("all populations", 1, 0, 0.0, 1.0)], [merged], [sum(zeros)]
    made = figures.chart(x, y, height=240, log=log)
    edges = _edges(merged, log)
    for band, value, nothing in zip(bands, values, zeros, strict=True):
        counts = np.histogram(value, edges)[0]
        counts[0] += nothing
        if counts.any():
            figures.add_steps(made, edges, 100.0 * counts / counts.sum(), band.colour)
    made.y_range.start = 0
    return Panel(title, made)


def _edges(values: Floats, log: bool) -> Floats:
    low, high = float(values.min()), float(values.max())
    if log:
        return np.asarray(np.geomspace(low * 0.98, high * 1.02, BINS + 1))
    return np.linspace(min(low, 0.0), high if high > 0 else 1.0, BINS + 1)

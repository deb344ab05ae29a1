"""How rates, intervals and their irregularity are spread over the cells of each population."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromorph.analysis.spikes import cv_isi, firing_rates, interspike_intervals
from neuromorph.report.page import figures
from neuromorph.report.page.bands import Band
from neuromorph.report.page.panels import RATES, Panel

BINS = 40
NONE = "No cell fired."
NO_TWO = "No cell fired twice, so there are no intervals."
NO_CV = "No cell fired three times, so there is no CV."
ZERO = "Spikes of one cell at one instant are left out here."


class Sample(NamedTuple):
    """Numbers of one population: rate of each cell (Hz), intervals (ms), CV of each cell that has enough of them."""

    rates: NDArray[np.float64]
    intervals: NDArray[np.float64]
    cv: NDArray[np.float64]


def sample(times: NDArray[np.float64], ids: NDArray[np.int64], size: int, duration_ms: float) -> Sample:
    """The numbers of one population from its spikes; memory goes with the spikes, and silent cells have rate 0."""
    active, place = np.unique(ids, return_inverse=True)
    rates = firing_rates(place, len(active), duration_ms)
    silent = np.zeros(min(size - len(active), 1_000_000))
    cv = cv_isi(times, place, len(active))
    return Sample(np.concatenate([silent, rates]), interspike_intervals(times, place)[0], cv[~np.isnan(cv)])


def distributions(bands: list[Band], samples: list[Sample]) -> list[Panel]:
    """Histograms over cells of the rate and of the CV, over spikes of the interval."""
    zero = any((s.intervals <= 0).any() for s in samples)
    rates = _panel("Firing rates", "rate (Hz)", "cells (%)", bands, [s.rates for s in samples], NONE)
    intervals = _panel(
        "Inter-spike intervals",
        "interval (ms)",
        "intervals (%)",
        bands,
        [s.intervals for s in samples],
        NO_TWO,
        log=True,
    )
    cv = _panel(
        "Irregularity", "CV of intervals (0 clock, 1 Poisson)", "cells (%)", bands, [s.cv for s in samples], NO_CV
    )
    return [rates, intervals._replace(note=ZERO if zero and intervals.figure is not None else intervals.note), cv]


def legend(bands: list[Band]) -> tuple[tuple[int, str], ...]:
    """Which colour is whose, in all histograms."""
    return tuple((band.colour, band.name) for band in bands) if len(bands) <= RATES else ((0, "all populations"),)


def _panel(
    title: str, x: str, y: str, bands: list[Band], values: list[NDArray[np.float64]], empty: str, log: bool = False
) -> Panel:
    merged = np.concatenate([v[v > 0] if log else v for v in values]) if values else np.zeros(0)
    if not len(merged) or not merged.any():
        return Panel(title, None, empty)
    made = figures.chart(x, y, height=240, log=log)
    if len(bands) > RATES:
        bands, values = [Band("all populations", 1, 0, 0.0, 1.0)], [merged]
    edges = _edges(merged, log)
    for band, value in zip(bands, values, strict=True):
        if len(value):
            heights = 100.0 * np.histogram(value, edges)[0] / len(value)
            figures.add_steps(made, edges, heights, band.colour)
    made.y_range.start = 0
    return Panel(title, made)


def _edges(values: NDArray[np.float64], log: bool) -> NDArray[np.float64]:
    low, high = float(values.min()), float(values.max())
    if log:
        return np.asarray(np.geomspace(low * 0.98, high * 1.02, BINS + 1))
    return np.linspace(min(low, 0.0), high if high > 0 else 1.0, BINS + 1)

"""One reading of the spikes of a trace, bit by bit: what a page shows of each population."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromorph.analysis.spikes import population_counts
from neuromorph.report.page.bands import Band
from neuromorph.report.page.coding import Packed, pack
from neuromorph.report.page.density import CHUNK, Density
from neuromorph.report.page.distributions import Sample, sample
from neuromorph.traces.stream import SpikeStream

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: spikes that a page carries one by one; of more it carries how dense they are
MOST = 30_000_000


class Gathered(NamedTuple):
    """Of one population: how many spikes, in bins, and either all of them packed or their density; a sample.

    extent : times of the first and the last spike (ms); None without any
    sample_ms : the length of the part that the sample is taken from, the whole interval where all are packed
    """

    spikes: int
    extent: tuple[float, float] | None
    counts: NDArray[np.int64]
    packed: Packed | None
    density: Density | None
    sample: Sample
    sample_ms: float
    row: dict[str, Any]


def gather(
    trace: Trace,
    band: Band,
    time: tuple[float, float],
    stop_ms: float | None,
    bin_ms: float,
    tick: float,
    dense: bool,
) -> Gathered:
    """Read the spikes of a population from time[0] on, up to `stop_ms` or the end; `dense`: do not keep each one."""
    start, duration = time[0], max(time[1] - time[0], 1e-9)
    counts = np.zeros(int(duration / bin_ms * (1 + 1e-12)) if bin_ms else 0, np.int64)
    density = Density(band.size, band.unit, duration * (1 + 1e-9) / 4096, start_ms=start) if dense else None
    kept: list[tuple[NDArray[np.float64], NDArray[np.int64]]] = []
    extent: tuple[float, float] | None = None
    total, sampled = 0, duration
    for times, ids in SpikeStream(trace, band.name, start, stop_ms, CHUNK):
        total += len(times)
        if len(times):
            extent = (extent[0] if extent else float(times[0]), float(times[-1]))
        if bin_ms:
            counts += population_counts(times, duration, bin_ms, start)
        if density is not None:
            density.add(times, ids)
            if kept:
                continue
            sampled = min(max(float(times[-1]) - start, 1e-9), duration) if len(times) else duration
        kept.append((times, ids))
    times = np.concatenate([part[0] for part in kept]) if kept else np.zeros(0)
    ids = np.concatenate([part[1] for part in kept]) if kept else np.zeros(0, np.int64)
    packed = None if dense else pack(times, ids, start, tick)
    found = sample(times, ids, band.size, sampled)
    return Gathered(total, extent, counts, packed, density, found, sampled, _row(band, total, duration, found))


def _row(band: Band, spikes: int, duration_ms: float, found: Sample) -> dict[str, Any]:
    """What the table of populations says; None where it cannot be told from so few spikes."""
    return {
        "population": band.name,
        "cells": band.size,
        "spikes": spikes,
        "rate (Hz)": 1000.0 * spikes / (band.size * duration_ms),
        "active (%)": 100.0 * len(found.rates) / band.size,
        "median interval (ms)": float(np.median(found.intervals)) if len(found.intervals) else None,
        "CV of intervals": float(np.mean(found.cv)) if len(found.cv) else None,
    }

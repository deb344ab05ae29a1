"""One row of numbers for each population of a trace."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.analysis.blocks import Active
from neuromorph.analysis.counts import PopulationCounts, make_bins
from neuromorph.analysis.intervals import Intervals
from neuromorph.errors import InputError, Problem

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace
    from neuromorph.traces.stream import SpikeStream


def summarize(trace: Trace, start_ms: float | None = None, stop_ms: float | None = None) -> list[dict[str, Any]]:
    """Return rows of population, size, spikes, mean_rate_hz, active_fraction, cv_isi and synchrony.

    Only spikes with start_ms <= time < stop_ms count; by default all. They are read block by block, twice. What cannot
    be told from so few spikes is None. Raises InputError if the interval is empty.
    """
    from neuromorph.traces.stream import SpikeStream

    start, stop = interval(trace, start_ms, stop_ms)
    rows = []
    for population in trace.populations:
        stream = SpikeStream(trace, population, start_ms, stop_ms)
        rows.append({"population": population, **_row(stream, start, stop)})
    return rows


def interval(trace: Trace, start_ms: float | None, stop_ms: float | None) -> tuple[float, float]:
    """Return (start, stop) in ms of what was simulated between the two, by default from 0 to the end of the run.

    Raises InputError if that is nothing.
    """
    end = trace.simulated_ms
    start = 0.0 if start_ms is None else float(start_ms)
    stop = end if stop_ms is None else float(stop_ms)
    if trace.status != "unknown":  # of a foreign recording only the last spike is known
        stop = min(stop, end)
    if start < stop or (start_ms is None and stop_ms is None):
        return start, stop
    what = "the end of the run" if stop == end else "the stop"
    raise InputError(Problem("the interval is empty", "start", start, f"below {stop:g} ms, {what}"))


def _row(stream: SpikeStream, start: float, stop: float) -> dict[str, Any]:
    """Memory goes with the neurons that spiked, whatever size and duration a file claims."""
    active, duration, size = Active.of(stream), stop - start, stream.size
    intervals = Intervals(len(active.ids), edges_ms=np.zeros(1))  # without a histogram
    counts = PopulationCounts(make_bins(start, stop, min(3.0, duration))) if duration > 0 else None
    for block in active.blocks(stream):
        intervals.add(block)
        if counts is not None:
            counts.add(block)
    numbers = {
        "mean_rate_hz": 1000.0 * len(stream) / (size * duration) if size and duration else np.nan,
        "active_fraction": len(active.ids) / size if size else np.nan,
        "cv_isi": intervals.mean_cv(),
        "synchrony": counts.synchrony() if counts is not None else np.nan,
    }
    return {
        "size": size,
        "spikes": len(stream),
        **{name: None if math.isnan(value) else value for name, value in numbers.items()},
    }

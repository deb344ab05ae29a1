"""Panels that share the raster's window of time: rates, recorded states and signals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromorph.report.page import figures
from neuromorph.report.page.bands import Band

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

Floats = NDArray[np.float64]
#: populations that have a rate of their own; more are shown as one
RATES = 12
#: of a state, in a panel; and stretches of time in which its least and greatest value are kept
CELLS, STRETCHES = 8, 2000
STATES = 12
#: of a file that is read at once, and the most parts
PART_BYTES, PARTS = 2**26, 32


class Panel(NamedTuple):
    """A figure and what is said above and below it; without a figure, why there is none.

    legend : (colour, name) of what is drawn
    """

    title: str
    figure: figures.Figure | None
    note: str = ""
    legend: tuple[tuple[int, str], ...] = ()


def bin_of(duration_ms: float, spikes: int, most: int = 1000, step_ms: float | None = None) -> float:
    """The smallest of 1, 2, 5 times a power of ten ms that leaves some ten spikes to a bin, within 60 to `most` bins.

    Never shorter than a step of the grid, in which all spikes of a step would stand beside empty bins.
    """
    if duration_ms <= 0:
        return 0.0
    bins = min(max(spikes / 10, 60), most)
    power = 10.0 ** np.floor(np.log10(duration_ms / bins))
    found = next(n * power for n in (1, 2, 5, 10) if n * power * bins >= duration_ms * (1 - 1e-12))
    return float(max(found, step_ms or 0.0))


def rates(bands: list[Band], counts: list[NDArray[np.int64]], bin_ms: float, time: tuple[float, float]) -> Panel:
    """The rate of each population, 1000 count / (size bin_ms) in Hz; `counts` are the spikes of each in each bin."""
    made = figures.chart("time (ms)", "rate (Hz)", time)
    figures.plain_axis(made)
    shown = [(band.name, band.size, count, band.colour) for band, count in zip(bands, counts, strict=True)]
    if len(bands) > RATES:
        shown = [("all populations", sum(band.size for band in bands), np.sum(counts, axis=0), 0)]
    for _, size, count, colour in shown:
        edges = time[0] + np.arange(len(count) + 1) * bin_ms
        figures.add_steps(made, edges, 1000.0 * count / (size * bin_ms), colour)
    made.y_range.start = 0
    return Panel("Population rates", made, f"Bins of {bin_ms:g} ms.", tuple((row[3], row[0]) for row in shown))


def states(trace: Trace, bands: list[Band], time: tuple[float, float]) -> Iterator[Panel]:
    """A panel for each recorded state: some of its cells, in each of 2,000 stretches the least and greatest value."""
    for population, variable in trace.states[:STATES]:
        times, values, indices, unit, _ = envelope(trace, population, variable, *time, parts=parts_of(trace))
        if not len(times):
            yield Panel(f"{variable} of {population}", None, "Nothing was recorded in this interval.")
            continue
        made = figures.chart("time (ms)", f"{variable} ({unit})", time)
        figures.plain_axis(made)
        for k in range(values.shape[1]):
            figures.add_line(made, times, values[:, k], k)
        legend = tuple((k, f"cell {index}") for k, index in enumerate(indices[:CELLS]))
        more = f"The first {CELLS} of {len(indices)} recorded cells." if len(indices) > CELLS else ""
        yield Panel(f"{variable} of {population}", made, more, legend)
    if len(trace.states) > STATES:
        yield Panel("More states", None, f"{len(trace.states) - STATES} more recorded states are not shown.")


def parts_of(trace: Trace) -> int:
    """In how many parts recorded states and weights are read, so that none takes much memory."""
    return int(np.clip(trace.path.stat().st_size // PART_BYTES, 1, PARTS))


def envelope(
    trace: Trace,
    population: str,
    variable: str,
    start: float,
    stop: float,
    stretches: int = STRETCHES,
    parts: int = 1,
) -> tuple[Floats, Floats, NDArray[np.int64], str, int]:
    """Return (times, values[t, cells], indices, unit, readings): all readings, or the extremes of each stretch of them.

    Read in `parts`: memory goes with one part of the readings.
    """
    edges = [*np.linspace(start, stop, parts + 1)[:-1], np.nextafter(stop, np.inf)]
    times, values, read = [], [], 0
    for begin, end in zip(edges[:-1], edges[1:], strict=True):
        part = trace.state(population, variable, begin, end)
        at, of = extremes(part.times, part.values[:, :CELLS], -(-stretches // parts))
        read += len(part.times)
        times.append(at)
        values.append(of)
    return np.concatenate(times), np.concatenate(values), part.indices, part.unit, read


def extremes(times: Floats, values: Floats, stretches: int) -> tuple[Floats, Floats]:
    """The least and the greatest value of each stretch, in this order; the readings as they are where they are few."""
    per = -(-len(times) // stretches)
    if per <= 2:
        return times, values
    whole = len(times) // per * per
    grouped = values[:whole].reshape(-1, per, values.shape[1])
    kept = np.stack([grouped.min(axis=1), grouped.max(axis=1)], axis=1).reshape(-1, values.shape[1])
    at = times[:whole].reshape(-1, per)
    when = np.stack([at[:, 0], at[:, per // 2]], axis=1).ravel()
    return np.concatenate([when, times[whole:]]), np.concatenate([kept, values[whole:]])


def signals(trace: Trace, time: tuple[float, float]) -> Panel | None:
    """Every event of every signal, as a point; None where there are none."""
    found = {name: events for name, events in trace.signals.items() if len(events[0])}
    if not found:
        return None
    made = figures.chart("time (ms)", "value", time, height=170)
    figures.plain_axis(made)
    for colour, (times, values) in enumerate(list(found.values())[:RATES]):
        step = -(-len(times) // 20_000)
        figures.add_points(made, times[::step], values[::step], colour, size=4)
    return Panel("Signals", made, "", tuple(enumerate(list(found)[:RATES])))

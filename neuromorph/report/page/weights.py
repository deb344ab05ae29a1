"""Weights before and after, as a histogram, as matrices and over time; learning curves and alignment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromorph.report.page import figures
from neuromorph.report.page.panels import Panel
from neuromorph.traces.stream import weight_rows

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

BINS = 60
PROJECTIONS = 12
#: rows and columns of a matrix in the page, at most; larger ones show the mean of neighbours
SIDE = 128
CURVES = 10
#: the curves of `neuromorph learn` that are cosines
COSINES = ("alignment_", "pseudo_inverse_")


class Course(NamedTuple):
    """The first and the last reading of a projection's weights, and mean and deviation at each."""

    times: NDArray[np.float64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    first: NDArray[np.float64]
    last: NDArray[np.float64]
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    unit: str


def course(trace: Trace, projection: str) -> Course | None:
    """The course of recorded weights, read block by block; None where there is no reading."""
    times, mean, deviation, first, last = [], [], [], None, None
    for rows in weight_rows(trace, projection):
        values = rows.values.astype(np.float64)
        if not values.size:
            continue
        times.append(rows.times)
        mean.append(values.mean(axis=1))
        deviation.append(values.std(axis=1))
        first = values[0] if first is None else first
        last = values[-1]
    if first is None or last is None:
        return None
    ends = trace.weights(projection, stop_ms=-np.inf)  # of the synapses, without their weights
    at, means, deviations = (np.concatenate(part) for part in (times, mean, deviation))
    return Course(at, means, deviations, first, last, ends.source, ends.target, ends.unit)


def weights(trace: Trace) -> Iterator[tuple[str, list[Panel]]]:
    """(projection, panels) for each projection whose weights were recorded."""
    for projection in trace.projections[:PROJECTIONS]:
        found = course(trace, projection)
        if found is None:
            yield projection, [Panel("Weights", None, "No reading of these weights was recorded.")]
        elif not (np.isfinite(found.first).all() and np.isfinite(found.last).all()):
            yield projection, [Panel("Weights", None, "Some of these weights are no finite numbers; none is drawn.")]
        else:
            yield projection, [_histogram(found), *_over_time(found), *_matrices(found)]
    if len(trace.projections) > PROJECTIONS:
        text = f"{len(trace.projections) - PROJECTIONS} more recorded projections are not shown."
        yield "more", [Panel("More projections", None, text)]


def _histogram(found: Course) -> Panel:
    merged = np.concatenate([found.first, found.last])
    low, high = float(merged.min()), float(merged.max())
    edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
    made = figures.chart(f"weight ({figures.plain(found.unit)})", "synapses", height=260)
    same = len(found.times) == 1
    figures.add_steps(made, edges, np.histogram(found.first, edges)[0], 6)
    if not same:
        figures.add_steps(made, edges, np.histogram(found.last, edges)[0], 0)
    made.y_range.start = 0
    legend = ((6, f"at {found.times[0]:,.6g} ms"), (0, f"at {found.times[-1]:,.6g} ms"))[: 1 if same else 2]
    note = "Recorded once: no change can be shown." if same else ""
    return Panel("Weights" if same else "Weights before and after", made, note, legend)


def _over_time(found: Course) -> list[Panel]:
    if len(found.times) < 3:
        return []
    made = figures.chart("time (ms)", f"weight ({found.unit})", height=260)
    figures.plain_axis(made)
    band = made.varea(found.times, found.mean - found.deviation, found.mean + found.deviation, fill_alpha=0.2)
    figures.tint(band.glyph, 0)
    figures.add_line(made, found.times, found.mean, 0)
    return [Panel("Mean weight over time", made, "Shaded: one standard deviation of the synapses.")]


def _matrices(found: Course) -> list[Panel]:
    sources, targets = int(found.source.max()) + 1, int(found.target.max()) + 1
    if min(sources, targets) < 2:
        return []
    limit = float(np.abs([found.first, found.last]).max()) or 1.0
    at = ["before", "after"] if len(found.times) > 1 else [f"at {found.times[0]:g} ms"]
    panels = []
    for name, values in zip(at, (found.first, found.last)):
        drawn, extent = binned(found.source, found.target, values, sources, targets)
        made = figures.matrix(drawn, "source cell", "target cell", limit, extent)
        panels.append(Panel(f"Matrix {name} ({figures.plain(found.unit)})", made))
    shown = "" if max(sources, targets) <= SIDE else "The mean of neighbouring synapses is shown."
    return [*panels[:-1], panels[-1]._replace(note=shown)]


def binned(
    source: NDArray[np.int64], target: NDArray[np.int64], values: NDArray[np.float64], sources: int, targets: int
) -> tuple[NDArray[np.float64], tuple[float, float, float, float]]:
    """The matrix of targets (rows) and sources as means over squares of cells, nan where there is no synapse."""
    across, down = -(-sources // SIDE), -(-targets // SIDE)
    columns, rows = -(-sources // across), -(-targets // down)
    place = target // down * columns + source // across
    total = np.bincount(place, values, rows * columns)
    count = np.bincount(place, minlength=rows * columns)
    mean = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return mean.reshape(rows, columns), (-0.5, -0.5, columns * across, rows * down)


def learning(trace: Trace) -> list[Panel]:
    """A panel for each learning curve; those that are cosines together in one."""
    units = trace.learning_units
    curves = {name: values for name, values in trace.learning.items() if len(values)}
    cosines = {name: values for name, values in curves.items() if name.startswith(COSINES) and values.ndim == 1}
    panels = [
        _curve(name, values, units[name]) for name, values in curves.items() if name not in cosines and values.ndim <= 2
    ]
    if cosines:
        made = figures.chart("reading", "cosine", height=240)
        for colour, values in enumerate(list(cosines.values())[:CURVES]):
            _points(made, values, colour)
        legend = tuple((k, name.replace("_", " ")) for k, name in enumerate(list(cosines)[:CURVES]))
        panels.append(Panel("Alignment of top-down weights", made, "1: the same direction.", legend))
    return panels


def _curve(name: str, values: NDArray[np.float64], unit: str) -> Panel:
    words = name.replace("_", " ")
    made = figures.chart("reading", words if unit == "1" else f"{words} ({unit})", height=240)
    columns = values.reshape(len(values), -1)
    for k in range(min(columns.shape[1], CURVES)):
        _points(made, columns[:, k], k)
    legend = tuple((k, f"column {k}") for k in range(min(columns.shape[1], CURVES))) if values.ndim == 2 else ()
    note = f"The first {CURVES} of {columns.shape[1]} columns." if columns.shape[1] > CURVES else ""
    return Panel(words, made, note, legend)


def _points(made: figures.Figure, values: NDArray[np.float64], colour: int) -> None:
    made.xaxis.ticker.min_interval = 1
    x = np.arange(1, len(values) + 1)
    figures.add_line(made, x, values, colour)
    if len(values) <= 60:
        figures.add_points(made, x, values, colour)

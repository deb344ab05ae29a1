"""Draw recorded weights: distributions before and after, single synapses over time, or the matrix."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import InputError, Problem, TraceError, suggestion
from neuromorph.report.files import new_file, save
from neuromorph.report.style import COLOURS, INK, PALE, RULE, new_figure, plain, plain_text, write_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neuromorph.traces.reader import Trace, Weights

KINDS = ("distribution", "trajectories", "matrix")
#: synapses whose weights are drawn over time
SYNAPSES = 60
#: rows or columns of a matrix, and the share of its places that must hold synapses
LARGEST, DENSE = 4_000, 0.5
#: inches; in a figure of less, panels of a projection stand below each other
BESIDE = 5.0
#: projections that a page holds
MOST = 12


class Recorded(NamedTuple):
    """Weights of one projection as they are drawn: those that are numbers."""

    name: str
    weights: Weights

    @property
    def axis(self) -> str:
        """How an axis of weights is called."""
        unit = self.weights.unit
        return "weight" if unit in ("1", "") else f"weight ({unit})"


def weights(
    trace: Trace,
    path: str | os.PathLike[str],
    projections: Sequence[str] | None = None,
    start_ms: float | None = None,
    stop_ms: float | None = None,
    *,
    kinds: Sequence[str] | None = None,
    force: bool = False,
    width: float = 7.0,
    dpi: int = 160,
) -> Path:
    """Write a figure of recorded weights, a row for each projection, and return its path.

    Parameters
    ----------
    trace: an open trace.
    path: the figure to write; its suffix says which format (png, pdf, svg ...).
    projections: which ones; by default all that were recorded.
    start_ms, stop_ms: readings of this interval alone (ms); by default all.
    kinds: what is drawn from left to right: "distribution" (of the first and the last reading), "trajectories" (up to
        60 synapses over time, and the mean of all), "matrix" (the last reading, targets by sources); by default the
        distribution and, where there are readings in between, trajectories, else the matrix where it is dense.
    force: overwrite an existing file.
    width: of the figure, in inches.
    dpi: dots per inch.

    Raises
    ------
    InputError where matplotlib is missing, the file exists or cannot be written, its format or size is wrong, a kind is
    unknown, or weights cannot be drawn so; TraceError where none were recorded.
    """
    target = new_file(Path(path), force, width, dpi)
    for kind in kinds or ():
        if kind not in KINDS:
            raise InputError(Problem(f"unknown kind of figure '{kind}'", "kinds", fix=suggestion(kind, KINDS)))
    rows = [_read(trace, name, start_ms, stop_ms) for name in _names(trace, projections)]
    columns = len(kinds) if kinds else 2
    down = len(rows) * (1 if width >= BESIDE else columns)
    figure = new_figure(width, 0.5 + 2.2 * down)
    grid = figure.subplots(down, len(rows) * columns // down, squeeze=False).reshape(len(rows), columns)
    draw = {"distribution": _distribution, "trajectories": _trajectories, "matrix": _matrix}
    for places, row in zip(grid, rows):
        for axes, kind in zip(places, kinds or ("distribution", _second(row))):
            draw[kind](axes, row)
        places[0].text(0.0, 1.02, plain_text(row.name), transform=places[0].transAxes, fontsize=8.5, color=INK)
    write_title(figure, trace)
    save(figure, target, dpi)
    return target


def _names(trace: Trace, given: Sequence[str] | None) -> list[str]:
    known, where = trace.projections, str(trace.path)
    if not known:
        fix = 'Run it again with [[record]] projection = "E_E", or with --record E_E.weight@100.'
        raise TraceError(Problem("no weights were recorded", where, fix=fix))
    names = known if given is None else list(dict.fromkeys(given))
    if len(names) > MOST:
        fix = f"Name some with projections=[...] (--projection): {', '.join(names[:MOST])} ..."
        raise InputError(Problem("too many projections for a figure", where, len(names), f"at most {MOST}", fix))
    return names


def _read(trace: Trace, name: str, start: float | None, stop: float | None) -> Recorded:
    found = trace.weights(name, start, stop)
    if not len(found.times):
        fix = "Choose an interval with readings in it, or none."
        raise InputError(Problem(f"weights of {name} were not read in this interval", str(trace.path), fix=fix))
    if not found.values.size:
        fix = "Name other projections."
        raise InputError(Problem(f"the projection {name} has no synapses", str(trace.path), fix=fix))
    return Recorded(name, found)


def _second(row: Recorded) -> str:
    return "matrix" if len(row.weights.times) <= 2 and _is_dense(row) else "trajectories"


def _is_dense(row: Recorded) -> bool:
    shape = _shape(row.weights)
    return min(shape) > 1 and max(shape) <= LARGEST and row.weights.values.shape[1] >= DENSE * shape[0] * shape[1]


def _shape(found: Weights) -> tuple[int, int]:
    """Targets by sources."""
    return int(found.target.max()) + 1, int(found.source.max()) + 1


def _distribution(axes: Axes, row: Recorded) -> None:
    found, times = row.weights, row.weights.times
    first, last = (values[np.isfinite(values)].astype(float) for values in (found.values[0], found.values[-1]))
    both = np.concatenate([first, last])
    low, high = (float(both.min()), float(both.max())) if both.size else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5 * max(abs(low), 1.0), high + 0.5 * max(abs(high), 1.0)
    edges = np.linspace(low, high, int(np.clip(2 * len(first) ** (1 / 3), 10, 100)) + 1)
    readings = [(first, times[0], "#777777", True)] if len(times) > 1 else []
    for values, time, shade, filled in [*readings, (last, times[-1], COLOURS[0], False)]:
        counts = np.histogram(values, edges)[0]
        label = f"at {time:,.10g} ms"
        axes.stairs(counts, edges, fill=filled, color=shade, alpha=0.35 if filled else 1.0, linewidth=1.3, label=label)
    lost = found.values.shape[1] - len(last)
    if lost:
        axes.text(0.5, 0.9, f"{lost:,} not finite", transform=axes.transAxes, ha="center", color=INK, fontsize=8)
    axes.set(xlabel=row.axis, ylabel="synapses", ylim=(0, None))
    axes.legend(frameon=False, fontsize=7.5)
    axes.locator_params(axis="x", nbins=5)
    plain(axes, grid=True)


def _trajectories(axes: Axes, row: Recorded) -> None:
    found = row.weights
    count = found.values.shape[1]
    chosen = np.unique(np.linspace(0, count - 1, SYNAPSES).astype(int))
    seconds = found.times[-1] > 10_000
    times = found.times / (1000.0 if seconds else 1.0)
    mark = "o" if len(times) < 3 else ""
    axes.plot(times, found.values[:, chosen], color=COLOURS[0], alpha=0.35, linewidth=0.7, marker=mark, markersize=2)
    axes.plot(times, _means(found.values), color=COLOURS[1], linewidth=1.6, marker=mark, markersize=3)
    said = "all synapses" if len(chosen) == count else f"{len(chosen)} of {count:,} synapses"
    axes.set_title(f"{said}; mean of all in orange", fontsize=7.5, color=PALE, loc="left")
    axes.set(xlabel=f"time ({'s' if seconds else 'ms'})", ylabel=row.axis)
    plain(axes, grid=True)


def _means(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean of each reading over the weights that are numbers; nan where there are none."""
    finite = np.isfinite(values)
    total, number = np.where(finite, values, 0.0).sum(axis=1, dtype=float), finite.sum(axis=1)
    return np.divide(total, number, out=np.full(len(total), np.nan), where=number > 0)


def _matrix(axes: Axes, row: Recorded) -> None:
    found = row.weights
    shape = _shape(found)
    if max(shape) > LARGEST or min(found.source.min(), found.target.min()) < 0:
        allowed = f"at most {LARGEST:,} sources and targets"
        what = f"the matrix of {row.name} is too large to be drawn"
        raise InputError(Problem(what, "weights", f"{shape[0]} x {shape[1]}", allowed, "Draw distributions."))
    image = np.full(shape, np.nan)
    place = (found.target, found.source)
    image[place] = 0.0
    np.add.at(image, place, found.values[-1].astype(float))  # several synapses of a pair act as their sum
    strength = np.abs(image[np.isfinite(image)])
    most = (float(np.quantile(strength, 0.995)) or float(strength.max()) or 1.0) if strength.size else 1.0
    sharp = "nearest" if max(shape) < 500 else "antialiased"
    beyond = "both" if (strength > most).any() else "neither"
    drawn = axes.imshow(image, cmap="PuOr", vmin=-most, vmax=most, aspect="auto", interpolation=sharp)
    figure = axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(drawn, ax=axes, extend=beyond)
    bar.set_label(row.axis, color=INK, fontsize=8.5)
    axes.tick_params(labelsize=8, color=RULE, labelcolor=INK)
    bar.ax.tick_params(labelsize=8, color=RULE, labelcolor=INK)
    axes.set(xlabel="source", ylabel="target")
    axes.set_title(f"at {found.times[-1]:,.10g} ms", fontsize=7.5, color=PALE, loc="left")
    for text in (axes.xaxis.label, axes.yaxis.label):
        text.set(color=INK, fontsize=9.5)

"""Draw recorded states of single cells over time, with their spikes and the threshold."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from neuromorph.analysis.spikes import Floats
from neuromorph.analysis.table import interval
from neuromorph.errors import InputError, Problem, TraceError, suggestion
from neuromorph.report.files import new_file, save
from neuromorph.report.style import INK, PALE, RULE, colour, new_figure, plain, plain_text, write_title
from neuromorph.units import quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neuromorph.traces.reader import Trace

#: cells of each variable that are drawn where none are named
CELLS = 4
#: rows that a page holds
MOST = 40
#: points of a line; of more, the lowest and the highest of each stretch are drawn
POINTS = 8_000


class Line(NamedTuple):
    """One row: a variable of a cell, where it spiked, and its threshold (nan where that is not known)."""

    population: str
    variable: str
    cell: int
    unit: str
    times: Floats
    values: Floats
    spikes: Floats
    threshold: float


def membrane(
    trace: Trace,
    path: str | os.PathLike[str],
    populations: Sequence[str] | None = None,
    start_ms: float | None = None,
    stop_ms: float | None = None,
    *,
    variables: Sequence[str] | None = None,
    cells: Sequence[int] | None = None,
    force: bool = False,
    width: float = 7.0,
    dpi: int = 160,
) -> Path:
    """Write a figure of recorded states, a row for each cell and variable, and return its path.

    Spikes are marked: in rows of V_m as lines up from the threshold, else as ticks at the top. The threshold is drawn
    where the description of the network gives one number for the population (V_th, else V_peak).

    Parameters
    ----------
    trace: an open trace.
    path: the figure to write; its suffix says which format (png, pdf, svg ...).
    populations: which ones; by default all of which states were recorded.
    start_ms, stop_ms: the interval drawn (ms); by default the whole run.
    variables: which ones; by default V_m of the populations that have it, else all.
    cells: indices in the population; by default the first four that were recorded.
    force: overwrite an existing file.
    width: of the figure, in inches.
    dpi: dots per inch.

    Raises
    ------
    InputError where matplotlib is missing, the file exists or cannot be written, its format or size is wrong, the
    interval is empty, or there are more rows than a page holds; TraceError for what was not recorded.
    """
    target = new_file(Path(path), force, width, dpi)
    start, stop = interval(trace, start_ms, stop_ms)
    chosen = _chosen(trace, populations, variables)
    lines = [line for one in chosen for line in _lines(trace, *one, cells, start, stop)]
    if len(lines) > MOST:
        raise InputError(Problem("too many rows for a figure", str(path), len(lines), f"at most {MOST}", "Name cells."))
    figure = new_figure(width, 0.8 + max(1.0, min(1.3, 9.0 / len(lines))) * len(lines))
    rows = figure.subplots(len(lines), 1, sharex=True, squeeze=False)[:, 0]
    known = list(dict.fromkeys((line.population, line.cell) for line in lines))
    for axes, line in zip(rows, lines):
        _draw(axes, line, colour(known.index((line.population, line.cell))))
    if stop > start:
        rows[-1].set_xlim(start, stop)
    rows[-1].set_xlabel("time (ms)")
    plain(rows[-1])
    figure.align_ylabels()
    write_title(figure, trace)
    save(figure, target, dpi)
    return target


def _chosen(trace: Trace, populations: Sequence[str] | None, variables: Sequence[str] | None) -> list[tuple[str, str]]:
    """(population, variable) to draw."""
    recorded, where = trace.states, str(trace.path)
    if not recorded:
        fix = 'Run it again with [[record]] population = "E", variable = "V_m", or with --record E.V_m@0.1.'
        raise TraceError(Problem("no states were recorded", where, fix=fix))
    for given, known, kind in ((populations, [p for p, _ in recorded], "population"),
                               (variables, [v for _, v in recorded], "variable")):  # fmt: skip
        for name in given or ():
            if name not in known:
                what = f"no state of {kind} '{name}' was recorded"
                raise TraceError(Problem(what, where, fix=suggestion(name, set(known))))
    found = [one for one in recorded if populations is None or one[0] in populations]
    if variables is None:
        potentials = {population for population, variable in found if variable == "V_m"}
        return [(p, v) for p, v in found if v == "V_m" or p not in potentials]
    found = sorted((one for one in found if one[1] in variables), key=lambda one: variables.index(one[1]))
    if not found:
        known = [f"{p}.{v}" for p, v in recorded]
        fix = f"Recorded were {', '.join(known)}."
        raise TraceError(Problem("none of these variables was recorded of these populations", where, fix=fix))
    return found


def _lines(
    trace: Trace, population: str, variable: str, cells: Sequence[int] | None, start: float, stop: float
) -> list[Line]:
    end = np.nextafter(stop, np.inf) if stop == trace.simulated_ms else stop  # the last row is at the end itself
    state = trace.state(population, variable, start, end)
    if not len(state.times):
        fix = "Choose a longer interval."
        raise InputError(Problem(f"{population}.{variable} was not read in this interval", str(trace.path), fix=fix))
    known = state.indices.tolist()
    for cell in cells or ():
        if cell not in known:
            few = ", ".join(map(str, known[:20])) + (" ..." if len(known) > 20 else "")
            what = f"{variable} of this cell of {population} was not recorded"
            raise TraceError(Problem(what, str(trace.path), cell, few))
    spikes, ids = trace.spikes(population, start, end) if population in trace.populations else (None, None)
    level = threshold(trace.network, population) if variable == "V_m" else np.nan
    lines = []
    for cell in known[:CELLS] if cells is None else dict.fromkeys(cells):
        mine = np.zeros(0) if spikes is None else spikes[ids == cell]
        values = state.values[:, known.index(cell)]
        lines.append(Line(population, variable, cell, state.unit, state.times, values, mine, level))
    return lines


def threshold(network: dict[str, Any], population: str) -> float:
    """The V_th (else V_peak) in mV that the description gives a whole population; nan where it gives none."""
    params = network.get("populations", {}).get(population, {}).get("params", {})
    value = params.get("V_th", params.get("V_peak"))
    try:
        return quantity(value, "mV", "V_th") if isinstance(value, int | float | str) else np.nan
    except InputError:
        return np.nan


def _draw(axes: Axes, line: Line, shade: str) -> None:
    axes.plot(*thinned(line.times, line.values), color=shade, linewidth=0.9)
    finite = line.values[np.isfinite(line.values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if finite.size < len(line.values):
        text = f"{len(line.values) - finite.size:,} of {len(line.values):,} not finite"
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", color=INK, fontsize=8)
    if np.isfinite(line.threshold):
        axes.axhline(line.threshold, color=PALE, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        high = max(high, line.threshold)
    room = 0.35 * ((high - low) or 1.0)
    if len(line.spikes):
        bottom = line.threshold if np.isfinite(line.threshold) else high + 0.3 * room
        axes.vlines(line.spikes, bottom, high + room, color=shade, linewidth=0.9)
    axes.set_ylim(low - 0.4 * room, high + (1.2 if len(line.spikes) else 0.4) * room)
    unit = "" if line.unit == "1" else f" ({line.unit})"
    axes.set_ylabel(f"{line.variable}{unit}")
    plain(axes)
    axes.tick_params(labelsize=8, color=RULE)
    axes.text(1.0, 1.0, f"{plain_text(line.population)}/{line.cell}", transform=axes.transAxes,
              ha="right", va="bottom", fontsize=8, color=shade)  # fmt: skip


def thinned(times: Floats, values: Floats, points: int = POINTS) -> tuple[Floats, Floats]:
    """A line that looks the same with few points: the lowest and the highest of each stretch, in their order."""
    if len(times) <= points:
        return times, values
    length = -(-len(times) // (points // 2))
    whole = len(times) // length * length
    parts = values[:whole].reshape(-1, length)
    ends = np.sort(np.stack([parts.argmin(axis=1), parts.argmax(axis=1)], axis=1), axis=1)
    kept = (np.arange(len(parts))[:, None] * length + ends).ravel()
    rest = values[whole:]
    last = sorted({whole + int(rest.argmin()), whole + int(rest.argmax())}) if len(rest) else []
    kept = np.concatenate([kept, np.asarray(last, np.int64)])
    return times[kept], values[kept]

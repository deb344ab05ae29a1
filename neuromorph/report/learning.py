"""Draw learning curves: errors, alignment, spikes and whatever else a training run has noted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neuromorph.analysis.spikes import Floats
from neuromorph.errors import InputError, Problem, TraceError, suggestion
from neuromorph.report.files import new_file, save
from neuromorph.report.style import INK, SCALE, colour, new_figure, plain, plain_text, say, write_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from neuromorph.traces.reader import Trace

#: lines of one panel; a curve of more columns is drawn as a map
LINES = 10
#: panels that a page holds
MOST = 30


def learning(
    trace: Trace,
    path: str | os.PathLike[str],
    curves: Sequence[str] | None = None,
    *,
    force: bool = False,
    width: float = 7.0,
    dpi: int = 160,
) -> Path:
    """Write a figure of the learning curves and return its path: a panel for each measure.

    Parameters
    ----------
    trace: an open trace.
    path: the figure to write; its suffix says which format (png, pdf, svg ...).
    curves: which ones; by default all.
    force: overwrite an existing file.
    width: of the figure, in inches.
    dpi: dots per inch.

    Raises
    ------
    InputError where matplotlib is missing, the file exists or cannot be written, its format or size is wrong, or there
    are more panels than a page holds; TraceError where there are no curves, or not these.
    """
    target = new_file(Path(path), force, width, dpi)
    found, units = trace.learning, trace.learning_units
    groups = _groups(_names(trace, list(found), curves), trace.projections)
    if len(groups) > MOST:
        fix = "Name some with curves=[...] (--curve)."
        raise InputError(Problem("too many curves for a figure", str(trace.path), len(groups), f"at most {MOST}", fix))
    across = min(len(groups), 3 if width >= 6 else 2 if width >= 4.5 else 1)
    down = -(-len(groups) // across)
    figure = new_figure(width, 0.6 + 2.1 * down)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes, (title, members) in zip(panels, groups.items()):
        _draw(axes, title, {label: found[name] for label, name in members.items()}, units[next(iter(members.values()))])
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    write_title(figure, trace)
    save(figure, target, dpi)
    return target


def _names(trace: Trace, known: list[str], given: Sequence[str] | None) -> list[str]:
    where = str(trace.path)
    if not known:
        fix = "`neuromorph learn` writes them; so does TraceWriter.learning."
        raise TraceError(Problem("no learning curves were recorded", where, fix=fix))
    for name in given or ():
        if name not in known:
            raise TraceError(Problem(f"no learning curve '{name}' in this trace", where, fix=suggestion(name, known)))
    return sorted(known) if given is None else list(dict.fromkeys(given))


def _groups(names: Sequence[str], projections: Sequence[str]) -> dict[str, dict[str, str]]:
    """Title of a panel -> label of a line -> curve: MEASURE_PROJECTION of several projections share a panel."""
    groups: dict[str, dict[str, str]] = {}
    for name in names:
        of = max((p for p in projections if name.endswith(f"_{p}")), key=len, default="")
        title = name.removesuffix(f"_{of}") if of else name
        groups.setdefault(title, {})[of or name] = name
    return {
        part: members if len(groups[title]) <= LINES else {label: name}
        for title, members in groups.items()
        for label, name in (list(members.items())[:1] if len(members) <= LINES else members.items())
        for part in [title if len(members) <= LINES else name]
    }


def _draw(axes: Axes, title: str, curves: dict[str, Floats], unit: str) -> None:
    first, known = next(iter(curves.values())), any(np.isfinite(values).any() for values in curves.values())
    name = plain_text(title.replace("_", " ") + ("" if unit in ("1", "") else f" ({unit})"))
    axes.set(xlabel="entry", ylabel=name)
    if not known:
        say(axes, "no finite numbers" if any(values.size for values in curves.values()) else "empty")
    elif first.ndim == 2 and first.shape[1] > LINES:
        _draw_map(axes, first, name)
    else:
        columns = {str(column): first[:, column] for column in range(first.shape[1])} if first.ndim == 2 else curves
        drawn = [_draw_line(axes, values, colour(number)) for number, values in enumerate(columns.values())]
        if len(columns) > 1:
            axes.legend(drawn, [plain_text(label) for label in columns], frameon=False, fontsize=6.5)
    plain(axes, grid=True)
    for text in (axes.xaxis.label, axes.yaxis.label):
        text.set(fontsize=8)
    axes.tick_params(labelsize=7)


def _draw_line(axes: Axes, values: Floats, shade: str) -> Line2D:
    mark = "o" if len(values) <= 30 else ""
    entries = np.arange(1, len(values) + 1)
    return axes.plot(entries, values, color=shade, marker=mark, markersize=2.5, linewidth=1.2)[0]


def _draw_map(axes: Axes, values: Floats, name: str) -> None:
    """Entries from left to right, the columns of the curve from the bottom up."""
    extent = (0.5, len(values) + 0.5, -0.5, values.shape[1] - 0.5)
    image = axes.imshow(values.T, aspect="auto", cmap=SCALE, interpolation="none", origin="lower", extent=extent)
    figure = axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(image, ax=axes)
    bar.set_label(name, fontsize=8, color=INK)
    bar.ax.tick_params(labelsize=7)
    axes.set_ylabel("column")

"""Draw the rates of populations over time: a line each, or a map where there are many."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neuromorph.analysis.spikes import Floats
from neuromorph.analysis.table import interval
from neuromorph.errors import InputError, Problem
from neuromorph.report.binned import counts_in_bins, round_bin
from neuromorph.report.files import new_file, save
from neuromorph.report.style import INK, PALE, SCALE, colour, new_figure, plain, plain_text, say, write_title
from neuromorph.traces.stream import SpikeStream

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neuromorph.traces.reader import Trace

#: so many lines can be told apart; more populations are drawn as rows of a map
LINES = 8
#: bins of a figure; more are finer than any print
BINS = 100_000


def rates(
    trace: Trace,
    path: str | os.PathLike[str],
    populations: Sequence[str] | None = None,
    start_ms: float | None = None,
    stop_ms: float | None = None,
    *,
    bin_ms: float | None = None,
    force: bool = False,
    width: float = 7.0,
    dpi: int = 160,
) -> Path:
    """Write a figure of population rates, A = 1000 count / (size bin_ms) in Hz, and return its path.

    Spikes are read piece by piece, so that memory does not go with their number.

    Parameters
    ----------
    trace: an open trace.
    path: the figure to write; its suffix says which format (png, pdf, svg ...).
    populations: which ones; by default all.
    start_ms, stop_ms: the interval drawn (ms); by default the whole run.
    bin_ms: length of a bin (ms); by default a round one that has some ten spikes.
    force: overwrite an existing file.
    width: of the figure, in inches.
    dpi: dots per inch.

    Raises
    ------
    InputError where matplotlib is missing, the file exists or cannot be written, its format or size is wrong, the
    interval is empty, or a bin is longer than it; TraceError for a population that is not in the trace.
    """
    target = new_file(Path(path), force, width, dpi)
    start, stop = interval(trace, start_ms, stop_ms)
    names = list(trace.populations) if populations is None else list(dict.fromkeys(populations))
    streams = {name: SpikeStream(trace, name, start_ms, stop_ms) for name in names}
    spikes = sum(map(len, streams.values()))
    bin_ms = round_bin(stop - start, spikes, trace.resolution_ms) if bin_ms is None else _checked(bin_ms, stop - start)
    counts = {name: counts_in_bins(stream.pieces(), start, stop, bin_ms) for name, stream in streams.items()}
    hertz = {name: 1000.0 / (max(trace.populations[name], 1) * (bin_ms or 1.0)) for name in names}  # of one spike
    found = {name: np.asarray(hertz[name] * count, np.float64) for name, count in counts.items()}
    lines = len(names) <= LINES
    figure = new_figure(width, 3.0 if lines else 1.4 + 0.2 * min(len(names), 60))
    axes = figure.subplots()
    bins = max(map(len, found.values()), default=0)
    edges = np.asarray(start + np.arange(bins + 1) * bin_ms, np.float64)
    draw = _draw_lines if lines else _draw_map
    draw(axes, found, edges)
    seen = int(sum(count.sum() for count in counts.values()))
    late = [f"{spikes - seen:,} of them after the last whole bin"] if spikes > seen else []
    if not seen:
        say(axes, "no spike in a whole bin: draw a shorter interval" if spikes else "no spikes")
    if stop > start:
        axes.set_xlim(start, stop)
    axes.set_xlabel("time (ms)")
    plain(axes, grid=lines)
    write_title(figure, trace, [f"{spikes:,} spikes", *late, f"bins of {bin_ms:g} ms"])
    save(figure, target, dpi)
    return target


def _checked(bin_ms: float, duration_ms: float) -> float:
    """A length that somebody has given; InputError where there would be too many bins, or none."""
    least = duration_ms / BINS
    if not least <= bin_ms <= duration_ms:
        allowed = f"{least:g} to {duration_ms:g} ms, the length of the interval"
        raise InputError(Problem("a bin of this length cannot be drawn", "bin_ms", bin_ms, allowed))
    return float(bin_ms)


def _draw_lines(axes: Axes, found: dict[str, Floats], edges: Floats) -> None:
    drawn = [
        axes.stairs(rate, edges[: len(rate) + 1], color=colour(number), linewidth=1.1, baseline=None)
        for number, rate in enumerate(found.values())
    ]
    axes.set_ylim(0, None if any(rate.any() for rate in found.values()) else 1)
    axes.set_ylabel("rate (Hz)")
    if len(found) > 1:
        names = [plain_text(name) for name in found]
        axes.legend(drawn, names, frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    elif found:
        axes.set_ylabel(f"rate of {plain_text(next(iter(found)))} (Hz)")


def _draw_map(axes: Axes, found: dict[str, Floats], edges: Floats) -> None:
    """A row for each population, from the top down."""
    image = np.array(list(found.values()))
    figure = axes.get_figure()
    assert figure is not None
    if image.size:
        drawn = axes.imshow(
            image, extent=(float(edges[0]), float(edges[-1]), len(found), 0), aspect="auto", cmap=SCALE, vmin=0,
            interpolation="none",
        )  # fmt: skip
        bar = figure.colorbar(drawn, ax=axes, pad=0.01)
        bar.set_label("rate (Hz)", color=INK, fontsize=9.5)
        bar.outline.set_visible(False)  # type: ignore[operator]
    axes.set_yticks(np.arange(len(found)) + 0.5, [plain_text(name) for name in found])
    axes.tick_params(axis="y", length=0, labelsize=float(np.clip(600 / max(len(found), 1), 3, 8)), labelcolor=INK)
    axes.tick_params(axis="x", color=PALE, labelcolor=INK)

"""Draw what a learning rule did to one synapse: its weight over time, and the spikes and signals below."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from neuromorph.report.files import new_file, save
from neuromorph.report.style import COLOURS, INK, PALE, RULE, new_figure


def rule_trace(
    path: str | os.PathLike[str],
    times: Sequence[float],
    weights: Sequence[float],
    events: Mapping[str, Sequence[float]],
    title: str = "",
    *,
    force: bool = False,
    width: float = 7.0,
    dpi: int = 160,
) -> Path:
    """Write a figure of a weight that changes at events, and return its path.

    Parameters
    ----------
    path: the figure to write; its suffix says which format (png, pdf, svg ...).
    times, weights: the weight from each time (ms) on, until the next; in order.
    events: times (ms) of each kind of event, by name: a row of marks each, from the top down.
    title: of the figure.
    force: overwrite an existing file.
    width: of the figure, in inches.
    dpi: dots per inch.

    Raises
    ------
    InputError where matplotlib is missing, the file exists or cannot be written, or the format is unknown.
    """
    target = new_file(Path(path), force, width, dpi)
    figure = new_figure(width, 3.4)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    above.step(times, weights, where="post", color=COLOURS[0], linewidth=1.4)
    above.set_ylabel("weight", color=INK)
    above.set_title(title, color=INK, fontsize=10, loc="left")
    for row, (colour, at) in enumerate(zip(COLOURS[1:], events.values())):
        below.vlines(at, -row - 0.4, -row + 0.4, color=colour, linewidth=1.4)
        for time in at:
            above.axvline(time, color=RULE, linewidth=0.6, zorder=0)
    below.set_yticks([-row for row in range(len(events))], list(events))
    below.set_ylim(-len(events) + 0.4, 0.6)
    below.set_xlabel("time at the synapse (ms)", color=INK)
    for axes in (above, below):
        axes.tick_params(colors=PALE, labelcolor=INK)
        axes.spines[["top", "right"]].set_visible(False)
    save(figure, target, dpi)
    return target

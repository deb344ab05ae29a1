"""Draw why a neuron fired: its membrane up to the spike, and what each arrival did."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.report.files import new_file, save
from neuromorph.report.raster import INK, PALE, RULE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EXCITED, INHIBITED = "#D55E00", "#0072B2"  # Okabe & Ito's vermilion and blue
#: causes that are named, and how far apart, as a share of the time that is drawn
NAMED, ROOM = 5, 0.06


def draw_cause(
    cause: Any, path: str | os.PathLike[str], *, force: bool = False, width: float = 9.0, dpi: int = 160
) -> Path:
    """Write a figure of a spike's causes and return its path.

    Parameters
    ----------
    cause: what `neuromorph.why.spike.why_spike` returned.
    path: the figure to write; its suffix says which format (png, pdf, svg ...).
    force: overwrite an existing file.
    width: of the figure, in inches; dpi: dots per inch.

    Raises
    ------
    InputError where matplotlib is missing, the file exists or cannot be written, or the format is unknown.
    """
    target = new_file(Path(path), force, width, dpi)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 0.55 * width), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    _membrane(above, cause)
    _arrivals(below, cause)
    figure.align_ylabels()
    save(figure, target, dpi)
    return target


def _membrane(axes: Axes, cause: Any) -> None:
    axes.plot(cause.at_ms, cause.V_m, color=INK, linewidth=1.4)
    if np.isfinite(cause.threshold_mV):
        axes.axhline(cause.threshold_mV, color=PALE, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.annotate(
            "V_th",
            (0.005, cause.threshold_mV),
            xycoords=("axes fraction", "data"),
            va="bottom",
            color=PALE,
            fontsize=8.5,
        )
    axes.axvline(cause.time_ms, color=INK, linewidth=0.9)
    title = f"{cause.name} fired at {cause.time_ms:.6g} ms"
    axes.set_title(title.replace("$", r"\$"), loc="left", fontsize=11, fontweight="bold", color=INK)
    n = len(cause.decisive)
    facts = f"{len(cause.causes):,} arrivals, {n:,} decisive"
    axes.set_title(facts, loc="right", fontsize=8.5, color=PALE)
    axes.set_ylabel("membrane (mV)")
    _plain(axes)


def _arrivals(axes: Axes, cause: Any) -> None:
    raised = [(c, c.contribution_mV if np.isfinite(c.contribution_mV) else c.weight) for c in cause.causes]
    for sign, colour, label in ((1, EXCITED, "raised"), (-1, INHIBITED, "lowered")):
        for decisive in (False, True):
            mine = [(c.arrived_ms, value) for c, value in raised if sign * value > 0 and c.decisive == decisive]
            if mine:
                times, values = np.array(mine).T
                face, note = (colour, ", decisive") if decisive else ("white", "")
                axes.vlines(times, 0.0, values, color=colour, linewidth=1.2)
                axes.plot(
                    times, values, "o", color=colour, markerfacecolor=face, markersize=4.0,
                    label=f"{label} the membrane{note}",
                )  # fmt: skip
    for c, value in _named(raised, cause.time_ms - cause.begins_ms):
        where = (2, 4 if value >= 0 else -10)
        name = c.name.replace("$", r"\$")
        axes.annotate(name, (c.arrived_ms, value), xytext=where, textcoords="offset points", fontsize=7.5, color=INK)
    axes.axhline(0.0, color=RULE, linewidth=0.8)
    measured = all(np.isfinite(c.contribution_mV) for c in cause.causes)
    axes.set(xlabel="time (ms)", ylabel="raised by (mV)" if measured else "weight")
    if raised:
        axes.legend(loc="upper left", fontsize=8, frameon=False)
    else:
        axes.text(0.5, 0.5, "nothing arrived", transform=axes.transAxes, ha="center", va="center", color=INK)
    _plain(axes)


def _named(raised: list[Any], span: float) -> list[Any]:
    """The most important causes, as many as have room for their names."""
    chosen: list[Any] = []
    for c, value in raised[: 4 * NAMED]:
        apart = all(abs(c.arrived_ms - other.arrived_ms) > ROOM * span for other, _ in chosen)
        chosen += [(c, value)] if apart and len(chosen) < NAMED else []
    return chosen


def _plain(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9, color=RULE)
    for text in (axes.xaxis.label, axes.yaxis.label):
        text.set(color=INK, fontsize=9.5)

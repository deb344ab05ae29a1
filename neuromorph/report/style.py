"""How figures look: colours that colour-blind readers tell apart, plain axes, a heading that says how the run ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neuromorph.errors import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from neuromorph.traces.reader import Trace

#: Okabe & Ito's colours, which colour-blind readers tell apart (but yellow, too light for dots), then some of Tol's.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#555555", "#882255", "#117733", "#332288")
INK, PALE, RULE, ALARM = "#222222", "#777777", "#D9D9D9", "#C00000"
#: a map of colours that is as ordered in grey, and to colour-blind readers
SCALE = "cividis"


def colour(number: int) -> str:
    """The colour of the line, cell or population of this number; they come again after ten."""
    return COLOURS[number % len(COLOURS)]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches; on any machine, since it needs neither pyplot nor a window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def write_title(figure: Figure, trace: Trace, more: Sequence[str] = ()) -> None:
    """At the top: the name of the trace, how long it ran and how it ended (in red where early), and more facts."""
    status, length, step = trace.status, f"{trace.simulated_ms:,.15g} ms", trace.resolution_ms
    early = status not in ("complete", "unknown")
    facts = [f"{status} at {length}"] if early else [length, "complete"] if status == "complete" else [length]
    if trace.window_ms is not None:
        facts.append("exact times" if step is None else f"steps of {step:g} ms")
    name, text = plain_text(trace.path.name), " \u00b7 ".join([*facts, *more])
    narrow = 6.5 * len(name) + 4.5 * len(text) > 72 * figure.get_figwidth()  # points of a letter, roughly
    point = 1 / (72 * figure.get_figheight())
    top = 1 - 5 * point
    figure.text(0.01, top, name, va="top", fontsize=10.5, fontweight="bold", color=INK)
    x, y, side = (0.01, top - 16 * point, "left") if narrow else (0.99, top - 1.5 * point, "right")
    size = min(7.0, 110 * figure.get_figwidth() / len(text)) if narrow else 8.5
    figure.text(x, y, text, ha=side, va="top", fontsize=size, color=ALARM if early else PALE)
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.set(rect=(0, 0, 1, 1 - (32 if narrow else 22) * point))  # type: ignore[call-arg]


def plain_text(name: str) -> str:
    """A name as it is: no formula of matplotlib's, no control characters."""
    return printable(name).replace("$", r"\$").replace("\n", "\\n")


def plain(axes: Axes, grid: bool = False) -> None:
    """Axes with no frame but the line below and, with `grid`, pale lines across."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    for text in (axes.xaxis.label, axes.yaxis.label):
        text.set(color=INK, fontsize=9.5)
    if grid:
        axes.tick_params(colors=INK, labelsize=9, color=RULE)
        axes.yaxis.grid(True, color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)


def say(axes: Axes, text: str) -> None:
    """Text in the middle of axes that have nothing else to show."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=INK)

"""Lines, steps, points and matrices as bokeh draws them; colours and the window of time are the page's script's.

What is drawn in the colour of population k carries the tag {"colour": k}; the axis of time that panels share is a range
with the tag "time".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuromorph.errors import InputError, Problem, printable

#: a figure of bokeh, which may not be installed
Figure = Any
LONGEST_NAME = 28


def need_bokeh() -> None:
    """Raise InputError where bokeh, which draws what is no raster, is not installed."""
    try:
        import bokeh.plotting  # noqa: F401
    except ImportError:
        fix = "pip install 'neuromorph[report]'"
        raise InputError(Problem("a page needs the package bokeh", "report", fix=fix)) from None


def script() -> str:
    """The JavaScript of bokeh as its Python package carries it."""
    from bokeh.resources import Resources

    found: str = Resources(mode="inline", components=["bokeh"]).js_raw[0]
    return found


def as_json(figure: Figure) -> dict[str, Any]:
    """A figure as the page's script embeds it."""
    from bokeh.embed import json_item

    item: dict[str, Any] = dict(json_item(figure))
    return item


def plain(text: str, longest: int = LONGEST_NAME) -> str:
    """A text that bokeh takes as it is: no formula, no control characters, not too long."""
    for mark in ("$$", "\\[", "\\("):
        text = text.replace(mark, " ".join(mark))
    text = printable(text).replace("\n", " ")
    return text if len(text) <= longest else text[: longest - 1] + "\u2026"


def chart(
    x_label: str, y_label: str, time: tuple[float, float] | None = None, height: int = 220, log: bool = False
) -> Figure:
    """An empty chart; `time` (start, stop in ms) makes it share the window of the raster."""
    from bokeh.models import LogTicker, Range1d
    from bokeh.plotting import figure

    options: dict[str, Any] = {"x_axis_type": "log"} if log else {}
    if time is not None:
        start, stop = time[0], max(time[1], time[0] + 1e-3)
        options["x_range"] = Range1d(start=start, end=stop, bounds=(start, stop), min_interval=1e-3, tags=["time"])
    made = figure(
        height=height, sizing_mode="stretch_width", x_axis_label=x_label, y_axis_label=plain(y_label),
        tools="xpan,xwheel_zoom,reset" if time is not None else "pan,box_zoom,wheel_zoom,reset,save",
        active_scroll="xwheel_zoom" if time is not None else None,
        toolbar_location=None if time is not None else "right",
        min_border_left=108 if time is not None else 60, min_border_right=30 if time is not None else 10,
        outline_line_color=None, background_fill_alpha=0, border_fill_alpha=0, **options,
    )  # fmt: skip
    made.toolbar.logo = None
    made.toolbar.autohide = True
    if log:
        made.xaxis.ticker = LogTicker(mantissas=[1, 2, 5], desired_num_ticks=6)
        plain_axis(made)
    for axis in made.axis:
        axis.minor_tick_line_color = None
        axis.axis_label_text_font_style = "normal"
    made.xgrid.grid_line_color = None
    return made


def plain_axis(figure: Figure, axis: str = "xaxis") -> None:
    """Numbers written out with thousands separated, as the raster's are."""
    from bokeh.models import NumeralTickFormatter

    getattr(figure, axis).formatter = NumeralTickFormatter(format="0,0.[000]")


def add_line(figure: Figure, x: ArrayLike, y: ArrayLike, colour: int) -> None:
    """Add a line in the colour of population `colour`."""
    drawn = figure.line(np.asarray(x, float), np.asarray(y, float), line_width=1.4)
    drawn.data_source.tags = [f"line {colour}"]
    tint(drawn.glyph, colour)


def add_steps(figure: Figure, edges: ArrayLike, heights: ArrayLike, colour: int) -> None:
    """Add the outline of a histogram: `heights` between `edges`, from and to zero at its ends."""
    heights = np.concatenate([[0.0], np.repeat(np.asarray(heights, float), 2), [0.0]])
    add_line(figure, np.repeat(np.asarray(edges, float), 2), heights, colour)


def add_points(figure: Figure, x: ArrayLike, y: ArrayLike, colour: int, size: float = 5) -> None:
    """Add points."""
    drawn = figure.scatter(np.asarray(x, float), np.asarray(y, float), size=size, line_color=None)
    tint(drawn.glyph, colour)


def tint(glyph: Any, colour: int) -> None:
    """Let the page's theme say which colour this is."""
    glyph.tags = [{"colour": int(colour)}]


def matrix(values: Any, x_label: str, y_label: str, limit: float, extent: Sequence[float]) -> Figure:
    """A matrix, row 0 at the bottom, in the page's colours from -limit (orange) over the paper to limit (blue)."""
    from bokeh.models import LinearColorMapper
    from bokeh.models.annotations import ColorBar

    made = chart(x_label, y_label, height=280)
    colours = LinearColorMapper(palette=["#ffffff"], low=-limit, high=limit, nan_color="rgba(0,0,0,0)")
    tint(colours, 0)
    x, y, width, height = extent
    made.image(image=[np.asarray(values, np.float32)], x=x, y=y, dw=width, dh=height, color_mapper=colours)
    made.add_layout(ColorBar(color_mapper=colours, width=10, background_fill_alpha=0), "right")
    made.x_range.range_padding = made.y_range.range_padding = 0
    return made

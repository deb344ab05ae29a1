"""The file of a figure: looked at before anything is drawn, and never left half written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuromorph import limits
from neuromorph.errors import InputError, Problem
from neuromorph.new_files import check_new, written_aside

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: text stays text in svg and pdf, and the same figure gives the same bytes
_TEXT: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "neuromorph", "pdf.fonttype": 42}
#: inches and dots per inch that a figure may have
WIDTHS, DOTS_PER_INCH = (1.0, 40.0), (10, 1200)


def new_file(path: Path, force: bool, width: float = 9.0, dpi: int = 160) -> Path:
    """The path of a figure to write; InputError for everything that can be wrong with it, or with its size."""
    if not WIDTHS[0] <= width <= WIDTHS[1]:
        allowed = f"{WIDTHS[0]:g} to {WIDTHS[1]:g} inches"
        raise InputError(Problem("width of a figure out of range", "width", width, allowed))
    if not DOTS_PER_INCH[0] <= dpi <= DOTS_PER_INCH[1]:
        allowed = f"{DOTS_PER_INCH[0]} to {DOTS_PER_INCH[1]}"
        raise InputError(Problem("dots per inch out of range", "dpi", dpi, allowed))
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
    except ImportError:
        fix = "pip install 'neuromorph[plot]'"
        raise InputError(Problem("drawing needs the package matplotlib", str(path), fix=fix)) from None
    known = sorted(FigureCanvasAgg.get_supported_filetypes())
    if path.suffix[1:].lower() not in known:
        raise InputError(Problem("unknown format of a figure", str(path), path.suffix, ", ".join(known)))
    check_new(path, force)
    return path


def save(figure: Figure, path: Path, dpi: int) -> None:
    """Write a figure; InputError where that fails."""
    from matplotlib import rc_context

    pixels = float(figure.get_figwidth() * figure.get_figheight()) * dpi**2
    limits.need(int(8 * pixels), "a figure of this size takes", str(path), "Draw it smaller, or with a smaller dpi.")
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
    with written_aside(path) as aside, rc_context(_TEXT):
        figure.savefig(aside, dpi=dpi, metadata=undated)

"""The file of a figure: looked at before anything is drawn, and never left half written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuromorph.errors import InputError, Problem

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_file(path: Path, force: bool) -> Path:
    """The path of a figure to write; InputError for everything that can be wrong with it."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
    except ImportError:
        fix = "pip install 'neuromorph[plot]'"
        raise InputError(Problem("drawing needs the package matplotlib", str(path), fix=fix)) from None
    known = sorted(FigureCanvasAgg.get_supported_filetypes())
    if path.suffix[1:].lower() not in known:
        raise InputError(Problem("unknown format of a figure", str(path), path.suffix, ", ".join(known)))
    if path.exists() and not force:
        fix = "Choose another name, or overwrite it with force=True (--force)."
        raise InputError(Problem("the file exists already", str(path), fix=fix))
    if not path.parent.is_dir():
        raise InputError(Problem(f"{path.parent} is no folder", str(path), fix="Choose a folder that exists."))
    return path


def save(figure: Figure, path: Path, dpi: int) -> None:
    """Write a figure; InputError where that fails."""
    temporary: Any = path.with_name(f".{path.stem}.drawing{path.suffix}")
    try:
        figure.savefig(temporary, dpi=dpi)
        os.replace(temporary, path)
    except OSError as error:
        fix = "Choose a folder that you may write to."
        raise InputError(Problem(f"cannot be written: {error.strerror or error}", str(path), fix=fix)) from None
    finally:
        temporary.unlink(missing_ok=True)

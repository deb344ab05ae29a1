"""Files that a network file names: in its folder or below, whatever the name says and wherever links lead."""

from __future__ import annotations

import difflib
from pathlib import Path

from neuromorph.errors import InputError, Problem


def beside(folder: Path | None, name: str, where: str) -> Path:
    """The file called `name`, counted from the folder of the network file.

    folder : None where no file names it, but a program: then any file will do
    Raises InputError where that lies outside of the folder.
    """
    try:
        path = Path(name) if folder is None else folder / name
        inside = folder is None or is_inside(path, folder)
    except (ValueError, OSError, RuntimeError):  # a null byte, a name too long, links in a circle
        raise InputError(Problem("not the name of a file", where, name)) from None
    if not inside:
        fix = "Copy it there: a network file reaches nothing outside of its folder."
        raise InputError(Problem("a file outside the folder of the network file", where, name, f"in {folder}", fix))
    return path


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a file lies in a folder or below, once all links are followed."""
    return path.resolve().is_relative_to(folder.resolve())


def similar(path: Path) -> str:
    """Which network file may have been meant."""
    folder = path.parent
    if not folder.is_dir():
        return f"{folder} is no folder." if folder.exists() else f"The folder {folder} does not exist."
    near = difflib.get_close_matches(path.name, [p.name for p in folder.iterdir() if p.suffix == path.suffix], n=1)
    return f"Did you mean '{folder / near[0]}'?" if near else ""

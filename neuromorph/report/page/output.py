"""The file of a page: looked at before anything is read, and never left half written."""

from __future__ import annotations

import os
from pathlib import Path

from neuromorph.errors import InputError, Problem


def new_page(path: Path, force: bool) -> Path:
    """The path of a page to write; InputError for everything that can be wrong with it."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(Problem("a page is a file of HTML", str(path), path.suffix, ".html"))
    if path.is_dir():
        raise InputError(Problem("this is a folder", str(path), fix="Say which file in it shall be written."))
    if path.exists() and not force:
        fix = "Choose another name, or overwrite it with force=True (--force)."
        raise InputError(Problem("the page exists already", str(path), fix=fix))
    if not path.parent.is_dir():
        raise InputError(Problem(f"{path.parent} is no folder", str(path), fix="Choose a folder that exists."))
    return path


def save(path: Path, text: str) -> None:
    """Write a page; InputError where that fails."""
    temporary = path.with_name(f".{path.stem}.writing{path.suffix}")
    try:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
        os.replace(temporary, path)
    except OSError as error:
        fix = "Choose a folder that you may write to."
        raise InputError(Problem(f"cannot be written: {error.strerror or error}", str(path), fix=fix)) from None
    finally:
        temporary.unlink(missing_ok=True)

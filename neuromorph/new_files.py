"""A file that is to be written: looked at before any work, and never left half written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuromorph.errors import InputError, Problem


def check_new(path: Path, force: bool) -> None:
    """InputError where a file exists (without `force`), is a folder, or would lie in none."""
    if path.is_dir():
        raise InputError(Problem("this is a folder", str(path), fix="Say which file in it shall be written."))
    if path.exists() and not force:
        fix = "Choose another name, or overwrite it with force=True (--force)."
        raise InputError(Problem("the file exists already", str(path), fix=fix))
    if not path.parent.is_dir():
        raise InputError(Problem(f"{path.parent} is no folder", str(path), fix="Choose a folder that exists."))


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a path to write to, which takes the place of `path` if all goes well; InputError where it cannot."""
    aside = path.with_name(f".{path.stem}.{os.getpid()}.writing{path.suffix}")
    try:
        yield aside
        os.replace(aside, path)
    except OSError as error:
        fix = "Make room, or choose a folder that you may write to."
        raise InputError(Problem(f"cannot be written: {error.strerror or error}", str(path), fix=fix)) from None
    finally:
        aside.unlink(missing_ok=True)

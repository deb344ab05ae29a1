"""Checkpoint files: a head of text and arrays beside it, written aside, flushed to the disk, renamed; two are kept.

A file is a .npz archive, stored as it is, with a checksum of every array. Arrays are those of engine/resume.py.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from neuromorph._version import __version__
from neuromorph.errors import InputError, Problem
from neuromorph.numpy_files import ArrayFile, NotArrays

#: raised where the arrays of a run come to mean something else; an older one is refused, since a run cannot go on with
#: other arithmetic than it began with
SCHEMA = 1
_HEAD = "checkpoint"


def beside(trace: str | Path) -> Path:
    """The file of a trace's newest checkpoint."""
    return Path(trace).with_suffix(".checkpoint.npz")


def previous(path: Path) -> Path:
    """The file of the checkpoint before that."""
    return path.with_name(path.name.removesuffix(".npz") + ".previous.npz")


def write(path: Path, head: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Put a checkpoint in place; raises as `put` does."""
    import numpy as np

    text = json.dumps({"schema": SCHEMA, "neuromorph": __version__, **head})
    put(path, {_HEAD: np.array(text), **arrays})


def put(path: Path, arrays: Mapping[str, Any]) -> None:
    """Put a file of arrays in place whole, and keep the one before; InputError where the disk does not take it."""
    import numpy as np

    aside = path.with_name(path.name + ".part")
    try:
        with aside.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            path.replace(previous(path))
        aside.replace(path)
        _settle(path.parent)
    except OSError as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        fix = "Make room, or write the trace elsewhere; the checkpoint before is kept."
        raise InputError(Problem(f"cannot save a checkpoint: {error.strerror}", str(path), fix=fix)) from None


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Head and arrays of a checkpoint; raises InputError for a file that `write` did not write, or that is damaged."""
    try:
        arrays: dict[str, Any] = ArrayFile(path).read()
        head = json.loads(str(arrays.pop(_HEAD)))
        schema = head["schema"]
    except OSError as error:
        raise InputError(Problem("cannot be read", str(path), error.strerror or str(error))) from None
    except (ValueError, LookupError, TypeError, NotArrays) as error:
        what = f"is no whole checkpoint of a run: {error}"
        fix = "`neuromorph run --checkpoint-every` leaves them; `neuromorph learn --resume` takes its own."
        raise InputError(Problem(what, str(path), fix=fix)) from None
    if schema != SCHEMA:
        fix = f"Go on with neuromorph {head.get('neuromorph')}, which wrote it, or run again from the beginning."
        raise InputError(Problem("the checkpoint is of another schema", str(path), schema, str(SCHEMA), fix))
    return head, arrays


def newest(
    trace: str | Path, usable: Callable[[dict[str, Any]], object] = lambda head: None
) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    """The newest whole checkpoint of a trace: file, head, arrays; InputError where there is none.

    usable : raises InputError for the head of one from which the run cannot go on, so that the one before is tried
    """
    found: list[Problem] = []
    for path in (beside(trace), previous(beside(trace))):
        if path.exists():
            try:
                head, arrays = read(path)
                usable(head)
                return path, head, arrays
            except InputError as error:
                found += error.problems
    if not found:
        fix = "A run leaves them with --checkpoint-every, and at SIGTERM or SIGUSR1."
        found = [Problem("has no checkpoint beside it", str(trace), fix=fix)]
    raise InputError(*found)


def _settle(folder: Path) -> None:
    """Wait until the disk has the names in a folder."""
    with suppress(OSError):  # not every file system can
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

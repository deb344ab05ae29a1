"""The file of an export, looked at before anything is written and never left half written; packages it needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuromorph.errors import InputError, Problem
from neuromorph.new_files import check_new, written_aside

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: of the layout of exported files, where they can say so
VERSION = 1


def package(name: str, what: str) -> Any:
    """Import a package of the extra `export`; InputError where it is missing."""
    try:
        return import_module(name)
    except ImportError:
        missing = name.partition(".")[0]
        fix = "pip install 'neuromorph[export]'"
        raise InputError(Problem(f"{what} needs the package {missing}", fix=fix)) from None


@contextmanager
def new_file(path: Path, force: bool) -> Iterator[Path]:
    """Give a path to write to, which takes the place of `path` if all goes well.

    Raises InputError where `path` exists (without `force`) or cannot be written.
    """
    check_new(path, force)
    with written_aside(path) as aside:
        yield aside


def about(trace: Trace) -> dict[str, Any]:
    """What an exported file says of its trace, in text and numbers that go into JSON."""
    return {
        "format": "neuromorph export",
        "version": VERSION,
        "trace": trace.path.name,
        "status": trace.status,
        "simulated_ms": trace.simulated_ms,
        "resolution_ms": trace.resolution_ms,
        "window_ms": trace.window_ms,
        "populations": trace.populations,
        "provenance": trace.provenance,
    }


def read_about(text: str, path: Path) -> dict[str, Any]:
    """Undo JSON of `about`; InputError where it is that of a newer neuromorph, or none."""
    found = json.loads(text)
    if not isinstance(found, dict) or found.get("format") != "neuromorph export":
        raise ValueError("it was not exported by neuromorph")
    if found.get("version") != VERSION:
        fix = "Read it with the neuromorph that wrote it, or a newer one."
        what = "unknown version of an exported file"
        raise InputError(Problem(what, str(path), found.get("version"), str(VERSION), fix))
    return found

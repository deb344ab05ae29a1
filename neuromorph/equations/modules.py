"""Modules that are written, not typed: their place on disk, under names that are the same in every process."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import pathlib
import sys
import tempfile
import threading
from collections.abc import Callable
from types import ModuleType

_STEM = "neuromorph_equations_"
_LOADING = threading.Lock()


def written_module(spec: str, write: Callable[[], str]) -> ModuleType:
    """The module that `write` makes of what somebody wrote, or that it made of the same before.

    It lies in the folder of compiled kernels, named by its text: numba finds cached functions by the name of a module,
    and what is written alike need not be compiled again. A small file beside it says which module a `spec` became.
    """
    from neuromorph.kernels.jit import cache_directory

    folder = cache_directory()
    index = folder / f"{_STEM}{_digest(_generator() + spec)}.txt"
    with _LOADING:
        name = _read(index).strip()
        if not _intact(folder, name):
            text = write()
            name = _STEM + _digest(text)
            _write(folder / f"{name}.py", text)
            _write(index, name)
        if name not in sys.modules:
            sys.modules[name] = _imported(name, folder / f"{name}.py")
        return sys.modules[name]


def _intact(folder: pathlib.Path, name: str) -> bool:
    return name.startswith(_STEM) and _STEM + _digest(_read(folder / f"{name}.py")) == name


def _imported(name: str, path: pathlib.Path) -> ModuleType:
    found = importlib.util.spec_from_file_location(name, path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    try:
        found.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _read(path: pathlib.Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _write(path: pathlib.Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


@functools.cache
def _generator() -> str:
    """Hash of all that decides what is written: this room, units and declarations."""
    digest = hashlib.sha256()
    here = pathlib.Path(__file__).parent
    for file in [*sorted(here.glob("*.py")), here.parent / "units.py", here.parent / "parameters.py"]:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()

"""Modules that lie beside a plugin file, which it imports by their names."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from neuromorph.errors import PluginError, Problem

_MARK = "__neuromorph_digest__"


def unchanged(folder: Path) -> bool:
    """Whether the modules that plugin files of a folder have imported from it are as they were then."""
    return all(vars(module)[_MARK] == _digest(module) for module in _ours(folder).values())


@contextmanager
def beside(file: Path) -> Iterator[None]:
    """Modules beside the file can be imported inside the block, each as its text is now.

    Raises PluginError where a module of another folder has a name that the file's neighbour has, and is loaded
    already: the file would get that one.
    """
    folder = file.parent
    _refuse_another(file)
    if not unchanged(folder):
        for name in _ours(folder):
            del sys.modules[name]
    before = set(sys.modules)
    importlib.invalidate_caches()
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # numbers of seconds tell two edits not apart
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = written
        for name in set(sys.modules) - before:
            module = sys.modules[name]
            if _file(module).parent == folder and name == _file(module).stem:
                vars(module)[_MARK] = _digest(module)


def _ours(folder: Path) -> dict[str, ModuleType]:
    """Modules beside plugin files that these have imported; those of the program itself are its own business."""
    modules = list(sys.modules.items())
    return {
        name: m
        for name, m in modules
        if _MARK in getattr(m, "__dict__", {}) and _file(m).parent == folder and name == _file(m).stem
    }


def _file(module: ModuleType) -> Path:
    return Path(getattr(module, "__file__", None) or "/")


def _digest(module: ModuleType) -> str:
    file = _file(module)
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else ""


def _refuse_another(file: Path) -> None:
    text = file.read_text(errors="replace")
    for neighbour in sorted(file.parent.glob("*.py")):
        name, other = neighbour.stem, sys.modules.get(neighbour.stem)
        if other is None or neighbour == file or f"import {name}" not in text and f"from {name} " not in text:
            continue
        place = getattr(other, "__file__", None)
        if place and Path(place).resolve() != neighbour:
            what = f"it would import {name} from {place}, not {neighbour.name} beside it"
            raise PluginError(Problem(what, str(file), fix=f"Rename {neighbour.name}."))

"""Models and rules from a file of one's own: `--plugin ./my_rule.py`."""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import sys
import traceback
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from neuromorph import neighbours
from neuromorph.errors import PluginError, Problem
from neuromorph.learning import registry as rules
from neuromorph.learning.contract import LearningRule
from neuromorph.loading import LoadingError, TooLong, load
from neuromorph.models import registry as models
from neuromorph.models.contract import CurrentModel, InputModel, NeuronModel
from neuromorph.registration import Registry, registered_name


@dataclass(frozen=True)
class PluginFile:
    """What a file registered, by name."""

    path: Path
    rules: dict[str, type[LearningRule]] = field(default_factory=dict)
    models: dict[str, type] = field(default_factory=dict)


def load_file(path: str | Path) -> PluginFile:
    """Import a Python file and register the models and rules that it defines.

    A class is registered under its `name`, else its class name in snake_case; the class name itself is known too.
    Classes that start with an underscore are left alone.

    Raises PluginError for a file that is missing, cannot be imported, defines neither a rule nor a model, or defines
    one that does not keep its contract.
    """
    module = load_module(path)
    found = PluginFile(
        Path(path),
        _own(module, path, LearningRule),
        {
            name: cls
            for base in (NeuronModel, InputModel, CurrentModel)
            for name, cls in _own(module, path, base).items()
        },
    )
    if not found.rules and not found.models:
        fix = "Derive a class from LearningRule or NeuronModel."
        raise PluginError(Problem("no learning rule and no model in this file", str(path), fix=fix))
    parts: tuple[tuple[Registry, dict[str, type]], ...] = (
        (rules.registry, {**found.rules}),
        (models.registry, {**found.models}),
    )
    problems = [p for registry, classes in parts for p in registry.problems(classes, str(path))]
    if problems:
        raise PluginError(*problems)
    for registry, classes in parts:
        registry.add({**{cls.__name__: cls for cls in classes.values()}, **classes}, str(path))
    return found


def _own(module: ModuleType, path: str | Path, base: Any) -> dict[str, type]:
    """Classes that the module itself defines, by registered name."""
    found: dict[str, type] = {}
    for cls in vars(module).values():
        if not (isinstance(cls, type) and issubclass(cls, base) and cls.__module__ == module.__name__):
            continue
        if cls.__name__.startswith("_"):
            continue
        name = registered_name(cls)
        if found.setdefault(name, cls) is not cls:
            both = f"{found[name].__name__} and {cls.__name__}"
            raise PluginError(Problem(f"{both} share the name '{name}'", str(path), fix="Give one another `name`."))
    return found


def load_module(path: str | Path) -> ModuleType:
    """Import a file under a name that depends on its path alone, since numba's cache finds functions by module name.

    It may import modules that lie beside it. A file that was imported before is not run again unless it, or one of
    those, has changed since.
    """
    file = Path(path).resolve()
    try:
        source = file.read_bytes()
    except OSError as error:
        raise PluginError(Problem(f"cannot read the plugin file: {error.strerror}", str(path))) from error
    name = f"neuromorph_user_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    digest = hashlib.sha256(source).hexdigest()
    known = sys.modules.get(name)
    if (
        known is not None
        and getattr(known, "__neuromorph_digest__", "") == digest
        and neighbours.unchanged(file.parent)
    ):
        return known
    spec = importlib.util.spec_from_file_location(name, file, loader=_SourceLoader(name, str(file)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with neighbours.beside(file):
            load(partial(spec.loader.exec_module, module))
    except BaseException as error:
        if known is None:
            del sys.modules[name]
        else:
            sys.modules[name] = known
        if not isinstance(error, LoadingError):
            raise
        where = f"{path}:{_line(error.cause, file)}"
        fix = "Give it longer, such as NEUROMORPH_PLUGIN_TIMEOUT=60." if isinstance(error.cause, TooLong) else ""
        raise PluginError(Problem(f"cannot be imported: {error.reason}", where, fix=fix)) from error
    vars(module)["__neuromorph_digest__"] = digest
    return module


class _SourceLoader(importlib.machinery.SourceFileLoader):
    """Reads the source each time: a file edited twice within a second must not come back from its .pyc."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def _line(error: BaseException, file: Path) -> int:
    if isinstance(error, SyntaxError) and error.lineno:
        return error.lineno
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
    return (frames[-1].lineno or 1) if frames else 1

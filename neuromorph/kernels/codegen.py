"""Generated kernel modules: a template with the hooks of a model or rule inlined, compiled once per content.

A module is keyed by a fingerprint of our own (hook bytecode and everything it refers to, the template's text, all of
kernels/, versions), since numba's cache notices neither a changed helper nor a changed constant.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import importlib.util
import os
import pathlib
import sys
import tempfile
import threading
import types
import warnings
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from neuromorph.kernels.jit import cache_directory, fingerprint, inlined
from neuromorph.kernels.watch import Watcher, plain, watcher

_VERSIONED = {"math", "numpy", "numba", "builtins", "neuromorph"}
#: modules are made by one thread at a time
_LOADING = threading.Lock()
_SCALARS = (bool, int, float, complex, str, bytes, type(None))


class Unfingerprintable(Exception):
    """A hook refers to something whose content cannot be hashed."""


def load(template: str, hooks: dict[str, Callable[..., Any]], label: str) -> types.ModuleType:
    """Return the module of `template` with `hooks` injected as inlined globals; compiled lazily, cached on disk.

    Modules are registered in sys.modules under a stable name, which numba's cache needs to load them again.
    In a debug run the module is plain Python, made anew each time, and its hooks are watched (kernels/watch.py).
    """
    if (who := watcher()) is not None:
        return _plain(template, hooks, label, who)
    try:
        key = _key(template, hooks)
        cached = True
    except Unfingerprintable as reason:
        warnings.warn(f"kernels of {label} are compiled anew in each process: {reason}", stacklevel=2)
        key, cached = hashlib.sha256(os.urandom(16)).hexdigest()[:24], False
    with _LOADING:
        return _loaded(f"neuromorph_kernel_{key}", template, hooks, label, cached)


def _loaded(
    name: str, template: str, hooks: dict[str, Callable[..., Any]], label: str, cached: bool
) -> types.ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    text = f'"""Generated kernels of {label}. Do not edit."""\n{template}'
    if not cached:
        text = text.replace("import kernel\n", "import uncached as kernel\n")
    path = _write(cache_directory() / f"{name}.py", text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    vars(module).update({hook: inlined(function) for hook, function in hooks.items()})
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:  # a step is compiled at once, and may not be: who asks again shall hear why again
        del sys.modules[name]
        raise
    return module


def _plain(template: str, hooks: dict[str, Callable[..., Any]], label: str, who: Watcher) -> types.ModuleType:
    text = f'"""Generated kernels of {label}, not compiled. Do not edit."""\n{template}'
    text = text.replace("import kernel\n", "import uncompiled as kernel\n")
    name = f"neuromorph_debug_{hashlib.sha256(text.encode()).hexdigest()[:24]}"
    path = _write(cache_directory() / f"{name}.py", text)  # for a debugger to show
    module = types.ModuleType(name)
    module.__file__ = str(path)
    vars(module)["float"] = np.float64  # Python's own times float32 is a float32; compiled, as here, a float64
    vars(module).update({hook: who.wrapped(hook, plain(function)) for hook, function in hooks.items()})
    exec(compile(text, path, "exec"), vars(module))
    return module


def _write(path: pathlib.Path, text: str) -> pathlib.Path:
    if not path.exists() or path.read_text() != text:  # a damaged file is mended
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".py.tmp")
        with os.fdopen(handle, "w") as file:
            file.write(text)
        os.replace(temporary, path)
    return path


def _key(template: str, hooks: dict[str, Callable[..., Any]]) -> str:
    digest = hashlib.sha256(fingerprint().encode() + template.encode())
    for name, function in sorted(hooks.items()):
        digest.update(name.encode())
        _hash_function(digest, function, set())
    return digest.hexdigest()[:24]


def _hash_function(digest: Any, function: Any, seen: set[int]) -> None:
    # how a helper is compiled counts too, such as fastmath
    digest.update(repr(sorted(getattr(function, "targetoptions", {}).items())).encode())
    function = getattr(function, "py_func", function)
    if id(function) in seen:
        return
    seen.add(id(function))
    if function.__module__.startswith("neuromorph.kernels."):
        digest.update(f"{function.__module__}.{function.__qualname__}".encode())  # its source is in fingerprint()
        return
    _hash_code(digest, function.__code__)
    # numba's cache re-imports the module of an inlined function by name
    digest.update(repr((function.__module__, function.__defaults__, function.__kwdefaults__)).encode())
    for name, paths in sorted(_globals(function.__code__).items()):
        if name in function.__globals__:
            digest.update(name.encode())
            _hash_value(digest, function.__globals__[name], seen, paths)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        digest.update(name.encode())
        _hash_value(digest, cell.cell_contents, seen)


@functools.cache
def _globals(code: types.CodeType) -> dict[str, set[tuple[str, ...]]]:
    """Global names that the code reads, each with the attributes that it takes of it: `a.b.c` as a: (b, c)."""
    found: dict[str, set[tuple[str, ...]]] = {}
    name: str = ""
    path: tuple[str, ...] = ()
    for step in dis.get_instructions(code):
        if name and step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            found[name].discard(path)
            path = (*path, step.argval)
        else:
            name, path = (step.argval, ()) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") else ("", ())
        if name:
            found.setdefault(name, set()).add(path)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            for inner, paths in _globals(constant).items():
                found.setdefault(inner, set()).update(paths)
    return found


def _hash_code(digest: Any, code: types.CodeType) -> None:
    digest.update(repr((code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_argcount)).encode())
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _hash_code(digest, constant)
        else:
            digest.update(repr(constant).encode())


def _hash_value(digest: Any, value: Any, seen: set[int], paths: Collection[tuple[str, ...]] = ()) -> None:
    if isinstance(value, types.FunctionType) or hasattr(value, "py_func"):
        _hash_function(digest, value, seen)
    elif isinstance(value, types.ModuleType):
        digest.update(value.__name__.encode())
        if value.__name__.split(".")[0] not in _VERSIONED:
            if not value.__file__:
                raise Unfingerprintable(f"module {value.__name__} has no source file")
            digest.update(pathlib.Path(value.__file__).read_bytes())
            for path in sorted(path for path in paths if path and hasattr(value, path[0])):
                digest.update(path[0].encode())  # it may come from another file
                _hash_value(digest, getattr(value, path[0]), seen, [path[1:]])
    elif isinstance(value, _SCALARS):
        digest.update(repr((type(value).__name__, value)).encode())
    elif isinstance(value, tuple):
        digest.update(f"tuple {len(value)}".encode())
        for item in value:
            _hash_value(digest, item, seen)
    elif isinstance(value, np.ndarray | np.generic):
        digest.update(repr((value.dtype, np.shape(value))).encode() + np.ascontiguousarray(value).tobytes())
    elif isinstance(value, types.BuiltinFunctionType | np.ufunc | type):
        digest.update(repr((getattr(value, "__module__", ""), value.__name__)).encode())
    elif type(value).__module__.startswith("numba.core.types"):
        digest.update(repr(value).encode())
    else:
        raise Unfingerprintable(f"cannot hash {value!r}")


def render(template: str, values: dict[str, object]) -> str:
    """Fill `{name}`; a list becomes one line each, indented as its placeholder is."""
    out: list[str] = []
    for line in template.split("\n"):
        stripped = line.strip()
        block = values.get(stripped[1:-1]) if stripped.startswith("{") and stripped.endswith("}") else None
        if isinstance(block, list):
            indent = line[: len(line) - len(line.lstrip())]
            out.extend(indent + item for item in block)
        else:
            for name, value in values.items():
                line = line.replace("{" + name + "!r}", repr(value)).replace("{" + name + "}", str(value))
            out.append(line)
    return "\n".join(out)

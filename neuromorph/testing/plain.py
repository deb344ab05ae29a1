"""The same runs without the compiler, in a process of its own: `python -m neuromorph.testing.plain` answers requests.

Numba is told once, when it is imported, not to compile, so that one process cannot do both. The process is started
when it is first needed, and serves as long as this one lives.
"""

from __future__ import annotations

import base64
import functools
import importlib
import inspect
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

from neuromorph.testing.report import Failed, NotApplicable

Address = tuple[str, str, str]


def address(cls: type) -> Address:
    """Module, file and qualified name by which another process finds a class; raises NotApplicable where none can."""
    try:
        file = inspect.getsourcefile(cls) or ""
    except (OSError, TypeError):
        file = ""
    if "<locals>" in cls.__qualname__ or not file:
        raise NotApplicable("a class made inside a function or without a file: another process cannot import it")
    return cls.__module__, str(Path(file).resolve()), cls.__qualname__


def find(module: str, file: str, name: str) -> Any:
    """The class at an address: by its module's name where that leads to its file, else from the file."""
    from neuromorph.plugin_files import load_module

    try:
        found = importlib.import_module(module)
        if Path(str(found.__file__)).resolve() != Path(file):
            found = load_module(file)
    except ImportError:
        found = load_module(file)
    value: Any = found
    for part in name.split("."):
        value = getattr(value, part)
    return value


def uncompiled(what: str, cls: type, *arguments: Any) -> Any:
    """What the function `what` (module:name) makes of the class without a compiler; it returns what can be pickled."""
    request = pickle.dumps((what, address(cls), arguments))
    process = _process()
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(base64.b64encode(request) + b"\n")
        process.stdin.flush()
        answer = process.stdout.readline()
    except BrokenPipeError:  # somebody ended it before
        answer = b""
    if not answer:
        _process.cache_clear()
        raise Failed("the process that runs it without a compiler ended")
    done, value = pickle.loads(base64.b64decode(answer))
    if not done:
        raise Failed(f"without the compiler (NUMBA_DISABLE_JIT=1) it fails: {value}")
    return value


@functools.cache
def _process() -> subprocess.Popen[bytes]:
    path = os.pathsep.join(dict.fromkeys([str(Path(__file__).parents[2]), *filter(None, sys.path)]))
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "neuromorph.testing.plain"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def _serve() -> None:
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # what a rule prints is no answer
    for line in sys.stdin.buffer:
        what, where, arguments = pickle.loads(base64.b64decode(line))
        module, name = what.split(":")
        try:
            answer = True, getattr(importlib.import_module(module), name)(find(*where), *arguments)
        except Exception as error:
            answer = False, f"{type(error).__name__}: {error}"
        answers.write(base64.b64encode(pickle.dumps(answer)) + b"\n")
        answers.flush()


if __name__ == "__main__":
    _serve()

"""Generated kernels that run as plain Python, their hooks watched: for debug runs (neuromorph/debugging.py).

Within `watching(watcher)` kernels/codegen.py makes modules that are not compiled, with hooks that the watcher has
wrapped; all other kernels stay compiled. Ways to learn many synapses or visit many cells at once, which call hooks on
numbers that are then thrown away, are not taken: they change no result.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import CodeType, FunctionType
from typing import Any, Protocol


class Watcher(Protocol):
    """Who is told of the calls of hooks."""

    def wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function that a module gets instead of the hook that its template calls `name`."""

    def keep(self, error: BaseException) -> None:
        """Take an error that compiled code cannot pass on."""

    @property
    def failed(self) -> bool:
        """Whether there was one: nothing more shall be called."""


_WATCHER: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


def watcher() -> Watcher | None:
    """Who watches the kernels that are made now; None in an ordinary run."""
    return _WATCHER.get()


@contextmanager
def watching(who: Watcher | None) -> Iterator[None]:
    """Have `who` watch the kernels that are made within the block."""
    token = _WATCHER.set(who)
    try:
        yield
    finally:
        _WATCHER.reset(token)


def plain(function: Callable[..., Any], known: dict[int, Any] | None = None) -> Callable[..., Any]:
    """The Python function behind one that is compiled, and so for all functions of its author's that it calls.

    Then `breakpoint()` works in a helper too, and an index beyond an array is an IndexError instead of somebody else's
    memory. Functions of neuromorph.kernels stay compiled.
    """
    known = {} if known is None else known
    inner = getattr(function, "py_func", function)
    if id(inner) in known or not isinstance(inner, FunctionType) or _is_ours(inner):
        return known.get(id(inner), function)
    seen = _names(inner.__code__)
    mine = dict(inner.__globals__)
    copy = FunctionType(inner.__code__, mine, inner.__name__, inner.__defaults__, inner.__closure__)
    copy.__kwdefaults__, copy.__module__, copy.__qualname__ = inner.__kwdefaults__, inner.__module__, inner.__qualname__
    known[id(inner)] = copy
    for name in seen & mine.keys():
        if hasattr(mine[name], "py_func") or isinstance(mine[name], FunctionType):
            mine[name] = plain(mine[name], known)
    return copy


def _is_ours(function: Callable[..., Any]) -> bool:
    return function.__module__.startswith("neuromorph.kernels.")


def _names(code: CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _names(constant)
    return found


_STEP = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 4)


def called_back(function: Callable[[int, int, int], int], who: Watcher) -> tuple[int, Any]:
    """Address at which compiled code can call int64 function(a, b, c), and what must be kept alive for it.

    An exception is kept by the watcher; that and all later calls then return c, which stops nothing and moves nothing.
    """

    def run(_table: int, a: int, b: int, c: int) -> int:
        if who.failed:
            return c
        try:
            return int(function(a, b, c))
        except BaseException as error:
            who.keep(error)
            return c

    held = _STEP(run)
    return ctypes.cast(held, ctypes.c_void_p).value or 0, held

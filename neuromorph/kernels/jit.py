"""The one decorator for kernels, and where compiled code is kept.

numba's own disk cache stamps only the file that defines a kernel: after a change of a helper in another file it
silently returns the old machine code. Ours lives in a folder named by a fingerprint of every kernel file and of the
versions involved, and a damaged entry counts as absent.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import llvmlite
import llvmlite.binding
import numba
import numpy
from numba import types
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator
from numba.core.ccallback import CFunc

from neuromorph.kernels.compiler import InnerCompiler, compare_flags_at_once, resolve_once, uncollected
from neuromorph.private import private_folder

FLAGS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "boundscheck": False}
# LLVM gives up vectorising a loop over more than a few arrays (eight comparisons), for it must check that none overlap;
# a cell's update reads and writes ten or more (lif_cond_exp 18 -> 7.5, adex 98 -> 50 ns per cell and tick)
compare_flags_at_once()
resolve_once()
llvmlite.binding.set_option("neuromorph", "--vectorize-memory-check-threshold=1000")


@functools.cache
def fingerprint() -> str:
    """Hash of all kernel sources and of the versions that compile them."""
    digest = hashlib.sha256(repr((numba.__version__, llvmlite.__version__, numpy.__version__, sys.version)).encode())
    for file in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


@functools.cache
def cache_directory() -> pathlib.Path:
    """The folder of compiled kernels: $NEUROMORPH_CACHE_DIR, $XDG_CACHE_HOME/neuromorph or ~/.cache/neuromorph.

    Raises InputError where others may write there: who does can run code as this user.
    """
    base = os.environ.get("NEUROMORPH_CACHE_DIR")
    root = pathlib.Path(base) if base else pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "neuromorph"
    folder = root.expanduser() / f"kernels-{fingerprint()}"
    try:
        tempfile.TemporaryFile(dir=private_folder(folder)).close()
    except OSError:  # a read-only home: kernels are compiled anew in each process
        folder = pathlib.Path(tempfile.mkdtemp(prefix="neuromorph-kernels-"))
    return folder


@functools.cache
def _stamp(file: str) -> str:
    """What the machine code of a kernel of a file is valid for: all kernels, and that file where it is none of them."""
    path = pathlib.Path(file)
    if path.parent == pathlib.Path(__file__).parent or not path.exists():
        return fingerprint()
    return fingerprint() + hashlib.sha256(path.read_bytes()).hexdigest()[:16]


class _Locator(_CacheLocator):
    def __init__(self, py_func: Callable[..., Any], py_file: str) -> None:
        self._line = py_func.__code__.co_firstlineno
        self._stamp = _stamp(py_file)

    def get_cache_path(self) -> str:
        return str(cache_directory())

    def get_source_stamp(self) -> str:
        return self._stamp

    def get_disambiguator(self) -> str:
        return str(self._line)

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> _Locator:
        return cls(py_func, py_file)


class _Impl(CompileResultCacheImpl):
    _locator_classes = [_Locator]


class _KernelCache(FunctionCache):
    _impl_class = _Impl

    def _load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super()._load_overload(sig, target_context)
        except Exception:  # truncated, foreign or unreadable entry of any kind: compile again and overwrite it
            return None

    def _save_overload(self, sig: Any, data: Any) -> None:
        try:
            super()._save_overload(sig, data)
        except Exception:  # a damaged index: start it anew; on a full disk it is compiled again the next time
            with suppress(OSError):
                self.flush()
                super()._save_overload(sig, data)


def kernel(
    function: Callable[..., Any] | None = None,
    *,
    forceinline: bool = False,
    disjoint: bool = False,
    counted: bool = True,
    fused: bool = False,
    inner: bool = False,
) -> Any:
    """Compile a function of arrays and scalars lazily, without fastmath, and cache it under our fingerprint.

    disjoint : promises that no two of its arrays share memory, so that LLVM need not look
    counted : False where it makes and returns no arrays: references are not counted. With arrays in structs numba
    counts at every call, which cost more than the work itself in the visits of pair STDP
    fused : a product may go into the sum that it is added to without being rounded first: for products that are exact
    anyway (a float32 times a count), so that no result changes
    inner : called by other kernels alone, never from Python: it needs no wrapper and no place in the cache
    """
    if function is None:
        return functools.partial(
            kernel, forceinline=forceinline, disjoint=disjoint, counted=counted, fused=fused, inner=inner
        )
    fast = {"contract"} if fused else False
    compiled = numba.njit(forceinline=forceinline, fastmath=fast, **_pipeline(inner), **FLAGS)(function)
    if hasattr(compiled, "py_func"):  # plain functions under NUMBA_DISABLE_JIT
        if not inner:
            compiled._cache = _KernelCache(function)
        _customise(compiled, disjoint, counted, inner)
    return compiled


def uncached(
    function: Callable[..., Any] | None = None,
    *,
    forceinline: bool = False,
    disjoint: bool = False,
    counted: bool = True,
    inner: bool = False,
) -> Any:
    """Like `kernel`, without the disk cache: for hooks whose content cannot be fingerprinted."""
    if function is None:
        return functools.partial(uncached, forceinline=forceinline, disjoint=disjoint, counted=counted, inner=inner)
    compiled = numba.njit(forceinline=forceinline, **_pipeline(inner), **FLAGS)(function)
    if hasattr(compiled, "py_func"):
        _customise(compiled, disjoint, counted, inner)
    return compiled


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a hook into the kernels that call it.

    Without forceinline LLVM keeps a call for hooks of 20 lines and more (measured: 19.1 -> 17.6 ns per event).
    """
    if hasattr(function, "py_func"):
        return function
    compiled = numba.njit(forceinline=True, **_pipeline(True), **FLAGS)(function)
    if hasattr(compiled, "py_func"):
        _customise(compiled, disjoint=False, counted=True, inner=True)
    return compiled


def uncompiled(function: Callable[..., Any] | None = None, **_: bool) -> Any:
    """Like `kernel`, without the compiler: for debug runs."""
    return uncompiled if function is None else function


def _pipeline(inner: bool) -> dict[str, Any]:
    return {"pipeline_class": InnerCompiler} if inner else {}


def _customise(compiled: Any, disjoint: bool, counted: bool, inner: bool) -> None:
    def customised(flags: Any) -> Any:
        if disjoint:
            flags.noalias = True
        if not counted:
            flags.nrt = False
        if inner:
            flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
        return flags

    if disjoint or inner or not counted:
        compiled._compiler._customize_flags = customised


def step(function: Callable[..., Any]) -> Any:
    """Compile int64 f(table, a, b, c) at once, to be called by its `address` from compiled code (kernels/steps.py)."""
    signature = (types.int64,) * 4, types.int64
    compiled = CFunc(function, signature, {}, {k: v for k, v in FLAGS.items() if k != "nogil"})
    compiled._cache = _KernelCache(function)  # type: ignore[attr-defined]
    with uncollected():
        compiled.compile()
    return compiled

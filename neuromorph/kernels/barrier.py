"""A barrier for threads inside kernels: about two microseconds, where a pool of threads costs ten times as much."""

from __future__ import annotations

import threading
import time
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.cgutils import get_item_pointer, get_or_insert_function
from numba.extending import intrinsic

from neuromorph.kernels.jit import kernel

#: looks at the barrier before a waiting thread offers its core to others
SPINS = 2000
ARRIVED, GENERATION = 0, 8  # a cache line apart


def barrier() -> Any:
    """The state of a barrier, int64[16]."""
    return np.zeros(16, np.int64)


if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
    _LOCK = threading.Lock()

    def _add(array: Any, index: int, value: int) -> int:
        """Add to array[index] atomically; returns what was there."""
        with _LOCK:
            before = int(array[index])
            array[index] += value
        return before

    def _read(array: Any, index: int) -> int:
        """array[index], with all that was written before it was."""
        return int(array[index])

    def _write(array: Any, index: int, value: int) -> None:
        """Set array[index] after everything written so far."""
        array[index] = value

    def _offer_core() -> None:
        """Let another thread have its turn."""
        time.sleep(0)

else:

    def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
        made = context.make_array(kind)(context, builder, array)
        return get_item_pointer(context, builder, kind, made, [index], wraparound=False)

    @intrinsic  # type: ignore[misc]
    def _add(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
        """Add to array[index] atomically; returns what was there."""

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = _pointer(context, builder, signature.args[0], arguments[0], arguments[1])
            return builder.atomic_rmw("add", pointer, arguments[2], "seq_cst")

        return types.int64(array, types.int64, types.int64), codegen

    @intrinsic  # type: ignore[misc]
    def _read(typing_context: Any, array: Any, index: Any) -> Any:
        """array[index], with all that was written before it was."""

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = _pointer(context, builder, signature.args[0], arguments[0], arguments[1])
            return builder.load_atomic(pointer, "acquire", 8)

        return types.int64(array, types.int64), codegen

    @intrinsic  # type: ignore[misc]
    def _write(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
        """Set array[index] after everything written so far."""

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = _pointer(context, builder, signature.args[0], arguments[0], arguments[1])
            builder.store_atomic(arguments[2], pointer, "release", 8)
            return context.get_dummy_value()

        return types.void(array, types.int64, types.int64), codegen

    @intrinsic  # type: ignore[misc]
    def _offer_core(typing_context: Any) -> Any:
        """sched_yield()."""

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = ir.FunctionType(ir.IntType(32), [])
            return builder.call(get_or_insert_function(builder.module, kind, "sched_yield"), [])

        return types.int32(), codegen


@kernel
def take(counters, place):
    """The next number, counted by all threads together: counters[place] before one is added to it."""
    return _add(counters, place, 1)  # type: ignore[call-arg]


@kernel
def meet(state, threads):
    """Return when all threads have come here, and see what each wrote before."""
    if threads == 1:
        return
    generation: Any = _read(state, GENERATION)  # type: ignore[call-arg]
    if _add(state, ARRIVED, 1) == threads - 1:
        _write(state, ARRIVED, 0)
        _write(state, GENERATION, generation + 1)
    else:
        looks = 0
        while _read(state, GENERATION) == generation:
            looks += 1
            if looks > SPINS:
                _offer_core()

"""Steps: kernels called by address, so that one compiled loop serves every network (kernels/driver.py).

A step is a compiled function int64 run(table, a, b, c) and a table: int64 numbers that hold, in the order in which the
kernel takes them, its numbers and the addresses and shapes of its arrays. Calling a step from compiled code costs a few
ns, calling its kernel from Python 60 ns for each of up to 50 arguments. Whoever owns a step keeps its arrays alive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from neuromorph.kernels.codegen import load
from neuromorph.kernels.synapse import SYNAPSE
from neuromorph.kernels.watch import called_back, watcher, watching

_TEMPLATE = """
import numpy as np
from numba import carray

from neuromorph.kernels.jit import step
from neuromorph.kernels.steps import pointer
from neuromorph.kernels.synapse import SYNAPSE
from {module} import {function}


@step
def run(table, a, b, c):
    t = carray(pointer(table), ({size},), np.int64)
    f = carray(pointer(table), ({size},), np.float64)
{unpack}
    return {call}
"""


@dataclass(frozen=True)
class Step:
    """A kernel with its arrays: `address` of the compiled function, `table` of what it works on."""

    address: int
    table: NDArray[np.int64]
    kept: dict[str, Any]

    @property
    def pair(self) -> tuple[int, int]:
        """What `call` takes: addresses of the function and of its table."""
        return self.address, self.table.ctypes.data


def make_step(kernel: Any, call: str, values: dict[str, Any]) -> Step:
    """Step that evaluates `call`, an expression of a, b, c (int64) and the names of `values`, to an int64.

    kernel : the kernel that `call` calls. values : C-contiguous arrays, tuples of them, and numbers.
    """
    function = getattr(kernel, "py_func", kernel)
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        step = Step(0, np.zeros(1, np.int64), values)
        names = {**values, function.__name__: kernel}
        _plain[step.table.ctypes.data] = lambda a, b, c: eval(call, {**names, "a": a, "b": b, "c": c})
        return step
    who = watcher()
    if who is not None and not hasattr(kernel, "py_func"):
        names = {**values, function.__name__: kernel}
        code = compile(call, "a step", "eval")
        address, held = called_back(lambda a, b, c: eval(code, {**names, "a": a, "b": b, "c": c}), who)
        return Step(address, np.zeros(1, np.int64), {**values, "called": held})
    slots: list[Any] = []
    unpack = [f"    {name} = {_unpack(value, slots)}" for name, value in values.items()]
    table = np.array([s if isinstance(s, int) else np.float64(s).view(np.int64) for s in slots] or [0], np.int64)
    text = _TEMPLATE.format(
        module=function.__module__, function=function.__name__, size=table.size, unpack="\n".join(unpack), call=call
    )
    with watching(None):
        return Step(load(text, {}, f"step {function.__name__}").run.address, table, values)


def _unpack(value: Any, slots: list[Any]) -> str:
    """Expression that takes a value out of the table again; its numbers are appended to `slots`."""
    k = len(slots)
    if isinstance(value, np.ndarray):
        assert value.flags.c_contiguous
        slots.extend([value.ctypes.data, *map(int, value.shape)])
        shape = ", ".join(f"t[{k + 1 + d}]" for d in range(value.ndim))
        dtype = "SYNAPSE" if value.dtype == SYNAPSE else f"np.{value.dtype.name}"
        return f"carray(pointer(t[{k}]), ({shape},), {dtype})"
    if isinstance(value, tuple):
        return f"({', '.join(_unpack(v, slots) for v in value)},)"
    if isinstance(value, bool | np.bool_):
        slots.append(int(value))
        return f"t[{k}] != 0"
    if isinstance(value, int | np.integer):
        slots.append(int(value))
        return f"t[{k}]"
    slots.append(float(value))
    return f"f[{k}]"


_plain: dict[int, Any] = {}  # steps without a compiler, by the address of their table

if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]

    def call(address: int, table: int, a: int, b: int, c: int) -> int:
        """Call a step."""
        return int(_plain[int(table)](a, b, c))

else:

    @intrinsic
    def pointer(typing_context, address):  # type: ignore[no-untyped-def]
        """The pointer of an address."""

        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return builder.inttoptr(arguments[0], cgutils.voidptr_t)

        return types.voidptr(types.int64), generate

    @intrinsic
    def call(typing_context, address, table, a, b, c):  # type: ignore[no-untyped-def]
        """Call a step."""

        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            word = ir.IntType(64)
            function = builder.inttoptr(arguments[0], ir.FunctionType(word, [word] * 4).as_pointer())
            return builder.call(function, arguments[1:])

        return types.int64(*[types.int64] * 5), generate

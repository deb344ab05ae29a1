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
from numba.extending import intrinsic
from numba.np import numpy_support
from numba.np.arrayobj import populate_array
from numpy.typing import NDArray

from neuromorph.kernels.codegen import load
from neuromorph.kernels.synapse import SYNAPSE
from neuromorph.kernels.watch import called_back, watcher, watching

_TEMPLATE = """
import numpy as np
from neuromorph.kernels.jit import step
from neuromorph.kernels.steps import array, integer, real
from {module} import {function}


@step
def run(table_, a, b, c):
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
    text = _TEMPLATE.format(module=function.__module__, function=function.__name__, unpack="\n".join(unpack), call=call)
    with watching(None):
        return Step(load(text, {}, f"step {function.__name__}").run.address, table, values)


def _unpack(value: Any, slots: list[Any]) -> str:
    """Expression that takes a value out of the table again; its numbers are appended to `slots`."""
    k = len(slots)
    if isinstance(value, np.ndarray):
        assert value.flags.c_contiguous
        slots.extend([value.ctypes.data, *map(int, value.shape)])
        dtype = "synapse" if value.dtype == SYNAPSE else value.dtype.name
        return f'array(table_, {k}, "{dtype}", {value.ndim})'
    if isinstance(value, tuple):
        return f"({', '.join(_unpack(v, slots) for v in value)},)"
    if isinstance(value, bool | np.bool_):
        slots.append(int(value))
        return f"integer(table_, {k}) != 0"
    if isinstance(value, int | np.integer):
        slots.append(int(value))
        return f"integer(table_, {k})"
    slots.append(float(value))
    return f"real(table_, {k})"


_plain: dict[int, Any] = {}  # steps without a compiler, by the address of their table

if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]

    def call(address: int, table: int, a: int, b: int, c: int) -> int:
        """Call a step."""
        return int(_plain[int(table)](a, b, c))

else:

    def _entry(builder: Any, table: Any, k: Any, kind: Any) -> Any:
        at = builder.gep(builder.inttoptr(table, kind.as_pointer()), [k])
        return builder.load(at)

    @intrinsic
    def integer(typing_context, table, k):  # type: ignore[no-untyped-def]
        """Entry k of a table."""

        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return _entry(builder, arguments[0], arguments[1], ir.IntType(64))

        return types.int64(types.int64, types.int64), generate

    @intrinsic
    def real(typing_context, table, k):  # type: ignore[no-untyped-def]
        """Entry k of a table, as a float64."""

        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return _entry(builder, arguments[0], arguments[1], ir.DoubleType())

        return types.float64(types.int64, types.int64), generate

    @intrinsic(prefer_literal=True)
    def array(typing_context, table, k, dtype, dimensions):  # type: ignore[no-untyped-def]
        """The C-contiguous array whose address and shape stand in a table from entry k on.

        One expression instead of numba's `carray` of seven: steps compile in half the time.
        """
        name, n = dtype.literal_value, dimensions.literal_value
        element = numpy_support.from_dtype(SYNAPSE if name == "synapse" else np.dtype(name))
        kind = types.Array(element, n, "C")

        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            word = ir.IntType(64)
            held = [_entry(builder, arguments[0], word(k.literal_value + d), word) for d in range(n + 1)]
            size = context.get_abi_sizeof(context.get_data_type(element))
            strides = [word(size)]
            for length in held[:1:-1]:
                strides.insert(0, builder.mul(strides[0], length))
            made = context.make_array(kind)(context, builder)
            data = builder.inttoptr(held[0], made.data.type)
            populate_array(made, data, held[1:], strides, word(size), None)
            return made._getvalue()

        return kind(table, k, dtype, dimensions), generate

    @intrinsic
    def call(typing_context, address, table, a, b, c):  # type: ignore[no-untyped-def]
        """Call a step."""

        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            word = ir.IntType(64)
            function = builder.inttoptr(arguments[0], ir.FunctionType(word, [word] * 4).as_pointer())
            return builder.call(function, arguments[1:])

        return types.int64(*[types.int64] * 5), generate

"""Ask for memory before it is needed: a hint, which changes no result."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_item_pointer
from numba.extending import intrinsic, overload


@intrinsic  # type: ignore[misc]
def _prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    signature = types.void(array, types.int64)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = get_item_pointer(context, builder, signature.args[0], made, [arguments[1]], wraparound=False)
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        name = "llvm.prefetch.p0"
        hint = builder.module.globals.get(name) or ir.Function(builder.module, kind, name=name)
        # read, into the second-level cache, data
        builder.call(hint, [builder.bitcast(pointer, byte), word(0), word(2), word(1)])
        return context.get_dummy_value()

    return signature, codegen


def prefetch(array: Any, index: int) -> None:
    """Bring array[index] nearer; nothing where kernels are not compiled."""


@overload(prefetch, inline="always")
def _compiled(array: Any, index: Any) -> Any:
    def hint(array: Any, index: Any) -> None:
        _prefetch(array, index)  # type: ignore[call-arg]

    return hint

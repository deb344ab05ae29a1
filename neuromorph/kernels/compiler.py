"""What we change in how numba compiles: less of it, with the same machine code in the end.

numba optimises every function by itself and turns it into machine code, then does so again for each function that it is
linked into: a helper inlined into a hook inlined into a kernel inlined into a step, four times. Kernels that only other
kernels call (`inner`) are left as they come, for those to optimise. It also asks forty templates what a + b is, and
lists all flags of a function to look it up. Pair STDP on the grid compiles in 1.5 s, once 8.4; Oja's rule in 1.4,
reward-modulated STDP in 1.7, triplets in 1.8 (an otherwise idle core, EPYC 9004). A third of what is left is LLVM's.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, Flags
from numba.core.types.functions import BaseFunction


class _LinkedLibrary(JITCodeLibrary):
    """Code that is linked into others and never run by itself.

    What promises that its arrays do not overlap is optimised at once: inlined as it comes, the promise would be worth
    less (a row of pair STDP: 11.5 instead of 10 ns a synaptic event).
    """

    optimised = False

    def finalize(self) -> None:
        """Link what it calls."""
        self._raise_if_finalized()
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        if self.optimised:
            self._optimize_final_module()
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Nothing to point to."""
        self._ensure_finalized()
        return 0

    @property
    def codegen(self) -> Any:
        """Whom numba tells of the function's environment, which belongs to machine code."""
        return self

    def set_env(self, name: str, environment: Any) -> None:
        """No machine code, no environment."""


class InnerCompiler(Compiler):
    """Compiles a function for the use of others alone."""

    def __init__(
        self, typing: Any, target: Any, library: Any, args: Any, returned: Any, flags: Any, types: Any
    ) -> None:
        library = _LinkedLibrary(target.codegen(), "inner")
        library.optimised = flags.noalias
        super().__init__(typing, target, library, args, returned, flags, types)


def _same_flags(flags: Any, other: Any) -> bool:
    if not isinstance(other, Flags):
        return NotImplemented
    mine, others = flags._values, other._values
    if mine == others:
        return True
    defaults = type(flags).options
    return type(flags) is type(other) and all(
        mine.get(name, defaults[name].default) == others.get(name, defaults[name].default)
        for name in mine.keys() | others.keys()
    )


def compare_flags_at_once() -> None:
    """Have numba look up typed functions by their flags without listing all forty of them each time.

    That was a third of all compile time. What is equal stays so; keys differ by more than the hash of their flags.
    """
    Flags.__eq__ = _same_flags  # type: ignore[method-assign]
    Flags.__hash__ = lambda flags: len(type(flags).options)  # type: ignore[method-assign]


_resolve = BaseFunction.get_call_type


def _resolved(function: Any, context: Any, args: Any, keywords: Any) -> Any:
    known = vars(function).setdefault("_resolved_before", {})
    signature = None if keywords else known.get((context, args))
    if signature is None:
        signature = _resolve(function, context, args, keywords)
        # what numba implements by functions that it compiles (overloads) may depend on how: asked again each time
        if not keywords and signature is not None and function._impl_keys[signature.args] is function.typing_key:
            known[context, args] = signature
    return signature


def resolve_once() -> None:
    """Have numba resolve each of its own functions (a + b, a[i], min) for the same types of arguments once.

    It tried every template of numpy's and its own at each of them, a fifth of all compile time.
    """
    BaseFunction.get_call_type = _resolved  # type: ignore[method-assign, assignment]


@contextmanager
def uncollected() -> Iterator[None]:
    """Put garbage collection off within the block.

    While a function is compiled it looks through all of numba's objects, a seventh of the time, and finds little.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()

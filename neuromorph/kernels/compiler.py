"""What we change in how numba compiles: less of it, with the same machine code in the end.

numba optimises every function by itself and turns it into machine code, then does so again for each function that it is
linked into: a helper inlined into a hook inlined into a kernel inlined into a step, four times. Kernels that only other
kernels call (`inner`) are left as they come, for those to optimise. A rule that took 5 s to compile takes a third.
"""

from __future__ import annotations

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, Flags


class _LinkedLibrary(JITCodeLibrary):
    """Code that is linked into others and never run by itself."""

    def finalize(self) -> None:
        """Link what it calls."""
        self._raise_if_finalized()
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
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
        super().__init__(typing, target, library, args, returned, flags, types)


def _same_flags(flags: Any, other: Any) -> bool:
    if not isinstance(other, Flags):
        return NotImplemented
    return bool(flags._values == other._values or flags.values() == other.values())


def compare_flags_at_once() -> None:
    """Have numba look up typed functions by their flags without listing all forty of them each time.

    That was a quarter of all compile time. What is equal stays so; keys differ by more than the hash of their flags.
    """
    Flags.__eq__ = _same_flags  # type: ignore[method-assign]
    Flags.__hash__ = lambda flags: len(type(flags).options)  # type: ignore[method-assign]

"""Recordings in HDF5: written while a run goes on, readable by SONATA tools once it is over (traces/README.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace
    from neuromorph.traces.repair import repair_trace
    from neuromorph.traces.writer import TraceWriter

__all__ = ["Trace", "TraceWriter", "repair_trace"]

_MODULE = {"Trace": "reader", "TraceWriter": "writer", "repair_trace": "repair"}


def __getattr__(name: str) -> Any:
    """Import h5py only when somebody opens a file: it takes longer than all the rest of neuromorph."""
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_MODULE[name]}"), name)
    globals()[name] = value
    return value

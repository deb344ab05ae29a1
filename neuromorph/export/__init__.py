"""Traces for other programs: as tables, in NWB and as Neo blocks, and spikes read back from these (docs/export.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuromorph.export.frame import to_frame
    from neuromorph.export.neo_block import to_neo
    from neuromorph.export.reading import read_spikes
    from neuromorph.export.writing import export

__all__ = ["export", "read_spikes", "to_frame", "to_neo"]

_MODULE = {"export": "writing", "read_spikes": "reading", "to_frame": "frame", "to_neo": "neo_block"}


def __getattr__(name: str) -> Any:
    """Import what is asked for alone."""
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_MODULE[name]}"), name)
    globals()[name] = value
    return value

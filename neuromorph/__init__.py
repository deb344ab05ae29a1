"""neuromorph: an event-driven neuromorphic emulator.

Nothing heavy is imported here; names are loaded when first used.
"""

from __future__ import annotations

from neuromorph._version import __version__

_LAZY = {
    "Model": "neuromorph.equations.model",
    "Network": "neuromorph.graph.network",
    "Rule": "neuromorph.equations.rule",
    "Simulation": "neuromorph.simulate",
    "Trace": "neuromorph.traces.reader",
    "TraceWriter": "neuromorph.traces.writer",
    "NeuronModel": "neuromorph.models.contract",
    "LearningRule": "neuromorph.learning.contract",
    "Param": "neuromorph.parameters",
    "State": "neuromorph.learning.contract",
    "Variable": "neuromorph.learning.contract",
}

__all__ = ["__version__", *sorted(_LAZY)]


def __getattr__(name: str) -> object:
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'neuromorph' has no attribute {name!r}")

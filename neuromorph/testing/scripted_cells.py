"""A cell that fires when it is told to and takes notice of nothing else: both ends of a synapse under test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neuromorph.models.contract import NeuronModel, Receptor, Variable
from neuromorph.parameters import Param

_NAMES = ("propagate", "advance", "crossing", "receive", "fires", "reset")
_HOOKS = """
def propagate(s, c, p, clamped):
    return 0.0, {held}

def advance(s, h, p, clamped):
    return 0.0, {held}

def crossing(s, h, p):
    return p.never

def receive(s, x, p, refractory, r):
    return x.trigger, {held}

def fires(s, p):
    return int(s.triggered)

def reset(s, p):
    return 0.0, {held}
"""


def scripted_cell(variables: Sequence[str] = ()) -> type[NeuronModel]:
    """A model whose cells emit as many spikes as arrive at the receptor `trigger` at an instant.

    What arrives at `traced` changes nothing. `variables` are held at their initial values, for a rule to read.
    """
    space: dict[str, Any] = {"__name__": __name__}
    exec(_HOOKS.format(held="".join(f"s.{name}, " for name in variables)), space)
    hooks = {name: staticmethod(space[name]) for name in _NAMES}
    return type(
        "ScriptedCell",
        (NeuronModel,),
        {
            "__doc__": "Emits as many spikes as arrive at the receptor `trigger`.",
            "__module__": __name__,
            "name": "scripted_cell",
            "refractory": "",
            "receptors": (Receptor("trigger", "1", explicit=True), Receptor("traced", "1", explicit=True)),
            "never": Param(float("inf"), "ms", doc="until it fires by itself"),
            "triggered": Variable("1", 0.0, "spikes of this instant"),
            **{name: Variable("1", 0.0, "held") for name in variables},
            **hooks,
        },
    )

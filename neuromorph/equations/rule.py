"""neuromorph.Rule: a learning rule from its equations."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from neuromorph.equations.model import check_name, made_class
from neuromorph.equations.quantities import parameter
from neuromorph.learning.contract import LearningRule
from neuromorph.parameters import Param


@dataclass(frozen=True)
class RuleSpec:
    """What somebody wrote: the arguments of `neuromorph.Rule`, parameters made into Params."""

    name: str
    traces: str
    states: str
    variables: str
    hooks: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, Param], ...]
    random: str
    initial: tuple[tuple[str, float], ...]
    weight: str
    signal: str
    unchanged_when_zero: tuple[str, ...]
    doc: str
    source: str


def Rule(
    name: str,
    *,
    traces: str = "",
    states: str = "",
    variables: str = "",
    on_pre: str = "",
    on_post: str = "",
    on_signal: str = "",
    transmit: str = "",
    parameters: Mapping[str, Param | str | float] | None = None,
    random: str = "",
    initial: Mapping[str, float] | None = None,
    weight: str = "1",
    signal: str = "1",
    unchanged_when_zero: tuple[str, ...] = (),
    doc: str = "",
    source: str = "",
) -> type[LearningRule]:
    """Make a learning rule of equations; it runs as one that was written by hand.

    name : under which the rule is registered
    traces : lines `dx/dt = -x/tau : 1 (pre)` or (post): + 1 at each spike of that cell; with `nearest` set to 1 there,
        with `step=0.5` by another step
    states : lines `de/dt = -e/tau : 1`, or `e : 1` for a state of the synapse that does not decay
    variables : lines `V_m : mV (post)`, what a hook reads of the two cells' models
    on_pre, on_post, on_signal : statements that change w and states, such as "w += a*x"; a new name is a value of the
        hook's own, `count` the number of spikes, `value` that of the signal
    transmit : what one spike delivers, such as "w*r"; w where it is absent
    parameters : a Param, a number or a text such as "20 ms  # time constant", by name
    random : names of uniform random numbers in [0, 1), such as "u"
    initial : values of states at first, else 0
    weight, signal : units of w and of `value`
    unchanged_when_zero : a promise, as in LearningRule
    doc, source : what `neuromorph rules show` says of it

    Returns a class derived from LearningRule, of the module that calls. Raises PluginError for texts that cannot be
    read, for names that are unknown and for units that do not fit. Needs sympy when the texts are first seen.
    """
    caller = sys._getframe(1).f_globals.get("__name__", "__main__")
    check_name(name, "rule")
    hooks = {"on_pre": on_pre, "on_post": on_post, "on_signal": on_signal, "transmit": transmit}
    spec = RuleSpec(
        name, traces, states, variables, tuple((hook, text) for hook, text in hooks.items() if text.strip()),
        tuple((key, parameter(value, f"{name}: parameter {key}")) for key, value in (parameters or {}).items()),
        random, tuple((initial or {}).items()), weight, signal, tuple(unchanged_when_zero), doc, source,
    )  # fmt: skip

    def write() -> str:
        from neuromorph.equations.synapse import write_rule

        return write_rule(spec)

    return made_class(spec, write, caller)

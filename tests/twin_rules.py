"""Learning rules of the tests' own, each written twice: for the engine, and as an object that the oracle takes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

from neuromorph.learning.contract import LearningRule, State, Trace, Variable
from neuromorph.learning.registry import registry
from neuromorph.parameters import Param


class Order(LearningRule):
    """Three hooks that do not commute."""

    name = "order"

    def on_pre(w, pre, post, p):
        return w + 1.0

    def on_post(w, pre, post, p):
        return 2.0 * w

    def on_signal(w, pre, post, p, value):
        return w * w + value


class Eligibility(LearningRule):
    """Pairs of spikes leave an eligibility at the synapse, which decays; a signal turns it into weight."""

    name = "eligibility"
    tau = Param(15.0, "ms", above=0)
    tau_e = Param(40.0, "ms", above=0)
    gain = Param(0.1)
    e = State(0.25, "tau_e")
    hooks_run = State(0.0)
    x = Trace("pre", "tau")
    y = Trace("post", "tau")

    def on_pre(w, pre, post, p, syn):
        return w, syn.e - 0.5 * post.y * pre.count, syn.hooks_run + 1.0

    def on_post(w, pre, post, p, syn):
        return w, syn.e + pre.x * post.count, syn.hooks_run + 1.0

    def on_signal(w, pre, post, p, value, syn):
        return w + p.gain * value * (syn.e + 0.1 * pre.x * post.y), 0.5 * syn.e, syn.hooks_run + 100.0


class Voltage(LearningRule):
    """The target's membrane potential steers the weight: just before its reset, and when a signal arrives."""

    name = "voltage"
    tau = Param(10.0, "ms", above=0)
    theta = Param(-58.0, "mV")
    gain = Param(0.01)
    x = Trace("pre", "tau")
    V_m = Variable("post", "V_m")

    def on_post(w, pre, post, p):
        return w + p.gain * (post.V_m - p.theta) * pre.x

    def on_signal(w, pre, post, p, value):
        return w + p.gain * value * (post.V_m - p.theta)


RULES: dict[str, type] = {cls.name: cls for cls in (Order, Eligibility, Voltage)}


def registered() -> AbstractContextManager[None]:
    """The rules of this file are known to networks inside a `with` block."""
    return registry.override(RULES, "twin_rules")


class _Twin:
    """What the oracle needs of a rule: its hooks are those of the engine's class, with the arguments in its order."""

    def __init__(self, rule: type[LearningRule], params: dict[str, float]) -> None:
        p = self.p = SimpleNamespace(**{k: v.default for k, v in rule.parameters().items()} | params)
        for side in ("pre", "post"):
            setattr(self, f"traces_{side}", {k: getattr(p, t.tau) for k, t in rule.traces(side).items()})
        self.states = {k: (s.initial, getattr(p, s.tau) if s.tau else None) for k, s in rule.states().items()}
        for name, hook in rule.hooks().items():
            setattr(self, name, self._turned(hook))

    def _turned(self, hook: Any) -> Any:
        def call(w: float, pre: Any, post: Any, syn: Any, *value: float) -> Any:
            return hook(w, pre, post, self.p, *value, *([syn] if self.states else []))

        return call


def twin(name: str, params: dict[str, float]) -> Any:
    """The oracle's object for one of these rules, or the name itself where the oracle has a rule of its own."""
    return _Twin(RULES[name], params) if name in RULES else name

"""Learning rules of the tests' own, each written twice: for the engine, and as an object that the oracle takes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

from neuromorph.learning.contract import LearningRule, Random, State, Trace, Variable
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


class Nearest(LearningRule):
    """Only the latest spike of each side counts."""

    name = "nearest"
    tau = Param(15.0, "ms", above=0)
    gain = Param(0.1)
    x = Trace("pre", "tau", nearest=True)
    y = Trace("post", "tau", nearest=True)
    both = Trace("pre", "tau")

    def on_pre(w, pre, post, p):
        return w - p.gain * post.y

    def on_post(w, pre, post, p):
        return w + p.gain * (pre.x + 0.1 * pre.both)


class Depression(LearningRule):
    """What a spike delivers is a share of what the last ones left, which recovers."""

    name = "depression"
    tau = Param(50.0, "ms", above=0)
    share = Param(0.5)
    gain = Param(0.1)
    used = State(0.0, "tau")
    released = State(0.0)
    y = Trace("post", "tau")

    def on_pre(w, pre, post, p, syn):
        released = p.share * (1.0 - syn.used)
        return w - p.gain * post.y, syn.used + released, released

    def transmit(w, p, syn):
        return w * (0.25 + syn.released)


class Chance(LearningRule):
    """Spikes get through, and weights change, by chance; grid only here, where the oracle can draw as well."""

    name = "chance"
    tau = Param(20.0, "ms", above=0)
    gain = Param(0.1)
    failed = State(0.0)
    x = Trace("pre", "tau")
    u = Random()
    v = Random()

    def on_pre(w, pre, post, p, syn):
        return w + p.gain * (syn.u - 0.5), syn.failed

    def on_post(w, pre, post, p, syn):
        return w + (p.gain * pre.x if syn.u < syn.v else 0.0), syn.failed + syn.v

    def on_signal(w, pre, post, p, value, syn):
        return w + p.gain * value * (syn.v - 0.5), syn.failed

    def transmit(w, p, syn):
        return w if syn.v < 0.75 else 0.0


class Past(LearningRule):
    """The potential that the target had a delay before the presynaptic spike steers the weight; grid only."""

    name = "past"
    theta = Param(-60.0, "mV")
    gain = Param(0.01)
    I_stim = Variable("post", "I_stim")
    V_m = Variable("post", "V_m")

    def on_pre(w, pre, post, p):
        return w + p.gain * (post.V_m - p.theta)

    def on_post(w, pre, post, p):
        return w + p.gain * post.I_stim + 0.1 * p.gain * (post.V_m - p.theta)


RULES: dict[str, type] = {cls.name: cls for cls in (Order, Eligibility, Voltage, Nearest, Depression, Chance, Past)}


def registered() -> AbstractContextManager[None]:
    """The rules of this file are known to networks inside a `with` block."""
    return registry.override(RULES, "twin_rules")


class _Twin:
    """What the oracle needs of a rule: its hooks are those of the engine's class, with the arguments in its order."""

    def __init__(self, rule: type[LearningRule], params: dict[str, float]) -> None:
        p = self.p = SimpleNamespace(**{k: v.default for k, v in rule.parameters().items()} | params)
        for side in ("pre", "post"):
            setattr(self, f"traces_{side}", {k: getattr(p, t.tau) for k, t in rule.traces(side).items()})
            nearest = {k for k, t in rule.traces(side).items() if t.nearest}
            self.nearest = getattr(self, "nearest", set()) | nearest
        self.randoms = rule.randoms()
        self.states = {k: (s.initial, getattr(p, s.tau) if s.tau else None) for k, s in rule.states().items()}
        for name, hook in rule.hooks().items():
            setattr(self, name, self._turned(hook))

    def _turned(self, hook: Any) -> Any:
        more = bool(self.states or self.randoms)

        def call(w: float, pre: Any, post: Any, syn: Any, *value: float) -> Any:
            return hook(w, pre, post, self.p, *value, *([syn] if more else []))

        def transmit(w: float, syn: Any) -> Any:
            return hook(w, self.p, *([syn] if more else []))

        return transmit if hook.__name__ == "transmit" else call


def twin(name: str, params: dict[str, float]) -> Any:
    """The oracle's object for one of these rules, or the name itself where the oracle has a rule of its own."""
    return _Twin(RULES[name], params) if name in RULES else name

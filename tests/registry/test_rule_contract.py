from __future__ import annotations

import functools

import pytest

from neuromorph.errors import PluginError
from neuromorph.learning.contract import LearningRule, Random, State, Trace, Variable
from neuromorph.learning.registry import check_rule
from neuromorph.parameters import Param


class Good(LearningRule):
    """Uses everything that a rule may."""

    eta = Param(0.1, at_least=0)
    tau = Param(20.0, "ms", above=0)
    x = Trace("pre", "tau")
    y = Trace("post", "tau")
    n = Variable("pre", "n_free")
    V = Variable("post", "V_m")
    e = State(0.0, "tau")
    unchanged_when_zero = ("pre.n",)

    def on_pre(w, pre, post, p, syn):
        return w - p.eta * post.y * pre.count * pre.x, syn.e

    def on_post(w, pre, post, p, syn):
        if post.V > 0:
            return w, syn.e + pre.x * post.count
        return w + post.y, 0.0

    @staticmethod
    def on_signal(w, pre, post, p, value, syn):
        return w + value * syn.e * pre.n * post.V * pre.x * post.y, syn.e


def rule(**members):
    """A rule with a parameter, a trace of each side and these members, and on_pre if it has no hook."""
    base = {
        "eta": Param(0.1), "tau": Param(20.0, "ms", above=0),
        "x": Trace("pre", "tau"), "y": Trace("post", "tau"), "V": Variable("post", "V_m"),
    }  # fmt: skip
    if not any(name.startswith("on_") for name in members):
        members["on_pre"] = lambda w, pre, post, p: w * p.eta
    return type("Rule", (LearningRule,), base | members)


def message(cls):
    with pytest.raises(PluginError) as error:
        check_rule(cls, "mine.py")
    return str(error.value)


def test_a_rule_may_use_all_that_it_declares():
    check_rule(Good, "mine.py")


def on(source, name="on_pre", arguments="w, pre, post, p"):
    """A hook from a line of source."""
    scope = {}
    exec(f"def {name}({arguments}):\n    {source}", scope)
    return {name: scope[name]}


def test_no_rule_at_all():
    assert message(int).startswith("mine.py: int: not a learning rule, found <class 'int'>")
    assert "not a learning rule, found 3" in message(3)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"api": 2}, "mine.py: Rule.api: written for another version of the contract, found 2 (allowed: api = 1)"),
        ({"bad": Param(-1.0, above=0)}, "mine.py: Rule.bad: default out of range, found -1.0 (allowed: above 0)"),
        ({"bad": Param(1.0, "parsec")}, "mine.py: Rule.bad: unit 'parsec' is not canonical (allowed: ms, mV"),
        ({"x": Trace("per", "tau")}, "mine.py: Rule.x: unknown side, found 'per' (allowed: pre or post)"),
        ({"V": Variable("both", "V_m")}, "mine.py: Rule.V: unknown side, found 'both'"),
        ({"x": Trace("pre", "tua")}, "mine.py: Rule.x: tau 'tua' is not a declared parameter. Did you mean 'tau'?"),
        ({"x": Trace("pre", "eta")}, "mine.py: Rule.x: tau 'eta' must be a time above 0, found '1, a finite number'"),
        ({"tau": Param(1.0, "ms", at_least=0)}, "tau 'tau' must be a time above 0, found 'ms, at least 0 ms'"),
        (
            {"e": State(0.0, "tua")} | on("return w, syn.e", arguments="w, pre, post, p, syn"),
            "mine.py: Rule.e: tau 'tua' is not a declared parameter",
        ),
        ({f"u{k}": Random() for k in range(17)} | on("return w", arguments="w, pre, post, p, syn"), "too many Randoms"),
        (on("return w, 1.0", "rewire"), "returns 2 values, expected whether it is given up"),
        (
            {"n": Variable("pre", "n")} | on("return w + pre.n"),
            "pre.n cannot be read in on_pre, line 2 of <string>. A variable of the source is read in on_signal",
        ),
        ({"count": Param(1.0)}, "mine.py: Rule.count: 'count' is the number of spikes of an instant. Rename it."),
        ({"unchanged_when_zero": "pre.n"}, "mine.py: Rule.unchanged_when_zero: not a tuple of names, found 'pre.n'"),
        ({"unchanged_when_zero": ("post.V",)}, "a promise about on_signal, which the rule lacks, found ('post.V',)"),
        (
            {"unchanged_when_zero": ("post.W",)} | on("return w", "on_signal", "w, pre, post, p, value"),
            "mine.py: Rule.unchanged_when_zero: 'post.W' is not a declared Variable. Did you mean 'post.V'?",
        ),
        (
            {"on_pre": 3},
            "mine.py: Rule.on_pre: on_pre must be a plain function, found 3 (allowed: def on_pre(w, pre, post, p))",
        ),
        ({"on_pre": classmethod(lambda w, pre, post, p: w)}, "on_pre must be a plain function"),
        ({"on_pre": functools.partial(lambda w, pre, post, p: w)}, "on_pre must be a plain function"),
        (
            on("return w", arguments="w, pre, p"),
            "wrong arguments of on_pre, line 1 of <string>: found on_pre(w, pre, p), expected on_pre(w, pre, post, p)",
        ),
        (on("return w", arguments="self, w, pre, post, p"), "found on_pre(self, w, pre, post, p), expected"),
        (on("return w", arguments="w, pre, post, p, *more"), "found on_pre(w, pre, post, p, *more), expected"),
        (on("return w", arguments="w, pre, post, *, p"), "expected on_pre(w, pre, post, p)"),
        (on("return w", arguments="w, pre, post, p, syn"), "expected on_pre(w, pre, post, p)"),
        ({"e": State()} | on("return w"), "found on_pre(w, pre, post, p), expected on_pre(w, pre, post, p, syn)"),
        (on("return w", "on_signal", "w, pre, post, p"), "expected on_signal(w, pre, post, p, value)"),
        (
            on("return w + p.etta"),
            "mine.py: Rule.on_pre: p.etta in on_pre, line 2 of <string> is not declared. Did you mean 'p.eta'?",
        ),
        (on("return w + pre.y"), "pre.y in on_pre, line 2 of <string> is not declared. Did you mean 'p"),
        (
            {"n": Variable("pre", "n")} | on("return w + pre.n", "on_post"),
            "pre.n cannot be read in on_post, line 2 of <string>. A variable of the source is read in on_signal and ",
        ),
        (
            on("return w + post.count"),
            "post.count cannot be read in on_pre, line 2 of <string>. post.count is known in on_post only.",
        ),
        (on("return w + pre.count", "on_signal", "w, pre, post, p, value"), "pre.count cannot be read in on_signal"),
        (
            on("p.eta = 2; return w"),
            "assignment to p.eta in on_pre, line 2 of <string>. A hook changes nothing in place",
        ),
        (on("pre.x += 2; return w"), "assignment to pre.x in on_pre"),
        (on("return w", "transmit", "w, pre, post, p"), "found transmit(w, pre, post, p), expected transmit(w, p)"),
        ({"u": Random()} | on("return w"), "expected on_pre(w, pre, post, p, syn)"),
        ({"u": Random()} | on("return w * syn.v", "transmit", "w, p, syn"), "syn.v in transmit, line 2 of <string> is"),
        ({"e": State()} | on("return w, syn.e", "transmit", "w, p, syn"), "2 values, expected what a spike delivers"),
        (on("return w, 1.0"), "on_pre, line 1 of <string> returns 2 values, expected the new weight"),
        (on("pass"), "on_pre, line 1 of <string> returns nothing, expected the new weight"),
        ({"e": State()} | on("return w * 2", arguments="w, pre, post, p, syn"), "returns one number, expected (w, e)"),
        (
            {"e": State()} | on("return w, syn.e, 0.0", arguments="w, pre, post, p, syn"),
            "returns 3 values, expected (w, e)",
        ),
        (
            {"e": State()} | on("return w, syn.f", arguments="w, pre, post, p, syn"),
            "syn.f in on_pre, line 2 of <string> is not declared. Did you mean 'syn.e'?",
        ),
    ],
)
def test_every_breach_of_the_contract(members, words):
    assert words in message(rule(**members))


def test_a_rule_needs_a_hook():
    assert message(type("Rule", (LearningRule,), {})) == (
        "mine.py: Rule: no hook is defined (allowed: at least one of on_pre, on_post, on_signal, transmit, rewire)"
    )


def test_what_a_helper_is_given_counts_as_read():
    """on_pre may hand `post` to a helper or give it another name: all variables must then be kept."""
    assert rule(**on("return w + post.V")).reads_past() == ("V",)
    assert rule(**on("return w + post.y")).reads_past() == ()
    assert rule(**on("return helper(w, post)")).reads_past() == ("V",)
    assert rule(**on("other = post; return w + other.V")).reads_past() == ("V",)
    assert rule(**on("return w + post.V", "on_post")).reads_past() == ()


def test_hooks_are_inherited():
    child = type("Child", (Good,), {})
    assert set(child.hooks()) == {"on_pre", "on_post", "on_signal"}
    check_rule(child, "mine.py")


def test_all_breaches_are_reported_at_once():
    cls = rule(x=Trace("pre", "no"), **on("return w + p.a + pre.b"), on_post=3)
    assert len(message(cls).splitlines()) == 4

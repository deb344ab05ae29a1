"""trace_rule: weights, traces and states of one synapse against closed forms."""

from __future__ import annotations

import math

import pytest

from neuromorph.debugging import HookError
from neuromorph.errors import InputError, RunError
from neuromorph.learning.contract import LearningRule, State, Trace, Variable
from neuromorph.parameters import Param
from neuromorph.testing import trace_rule as module
from neuromorph.testing.trace_rule import Row, trace_rule

BOTH = pytest.mark.parametrize("resolution", ["exact", 0.5], ids=["exact", "grid"])


class Sampler(LearningRule):
    """Reads variables of both cells, and keeps a state that decays."""

    name = "sampler"
    tau = Param(10.0, "ms", above=0)
    u = Variable("pre", "u")
    V_m = Variable("post", "V_m")
    e = State(1.0, "tau")

    def on_post(w, pre, post, p, syn):
        return w + 0.01 * post.V_m, syn.e + post.count

    def on_signal(w, pre, post, p, value, syn):
        return w + value * pre.u * syn.e, 0.0


class Inverse(LearningRule):
    """Divides by a trace that is 0 at first."""

    tau = Param(10.0, "ms", above=0)
    y = Trace("post", "tau")

    def on_pre(w, pre, post, p):
        return w + 1.0 / post.y


@BOTH
def test_pair_stdp_is_as_computed_by_hand(resolution):
    """tau 20 ms both ways, a_plus = 0.02, a_minus = 0.0105; the target's spikes are seen at 13.5 and 41.5 ms."""
    found = trace_rule(
        "pair_stdp", pre=[30.0, 10.0], post=[12.0, 40.0], params={"a_plus": 0.02}, delay=1.5, resolution=resolution
    )

    def decay(ms):
        return math.exp(-ms / 20.0)

    x = [0.0, decay(3.5), decay(20.0), decay(31.5) + decay(11.5)]
    y = [0.0, 0.0, decay(16.5), decay(28.0)]
    change = [0.0, 0.02 * x[1], -0.0105 * y[2], 0.02 * x[3]]
    assert [(r.time, r.event, r.hook, r.count) for r in found.rows] == [
        (10.0, "pre", "on_pre", 1), (13.5, "post", "on_post", 1), (30.0, "pre", "on_pre", 1),
        (41.5, "post", "on_post", 1),
    ]  # fmt: skip
    assert [r.seen["pre.x"] for r in found.rows] == pytest.approx(x, rel=1e-12)
    assert [r.seen["post.y"] for r in found.rows] == pytest.approx(y, rel=1e-12)
    assert [r.change for r in found.rows] == pytest.approx(change, abs=1e-7)
    assert [r.after for r in found.rows] == pytest.approx([0.5 + sum(change[: k + 1]) for k in range(4)], abs=1e-6)
    assert found.rows[1].before == found.rows[0].after
    assert (found.rule, found.delay, found.bounds) == ("pair_stdp", 1.5, (0.0, math.inf))
    assert found.parameters == {"tau_plus": 20.0, "tau_minus": 20.0, "a_plus": 0.02, "a_minus": 0.0105}


@BOTH
def test_equal_times_are_a_count_and_equal_instants_are_in_order(resolution):
    found = trace_rule("pair_stdp", pre=[5.0, 5.0, 8.0], post=[7.0, 7.0, 7.0], resolution=resolution)
    assert [(r.time, r.event, r.count) for r in found.rows] == [(5.0, "pre", 2), (8.0, "post", 3), (8.0, "pre", 1)]
    # both see traces strictly earlier: two spikes of the source, none of the target
    assert found.rows[1].seen == {"pre.x": pytest.approx(2 * math.exp(-3 / 20)), "post.y": 0.0}
    assert found.rows[2].seen["post.y"] == 0.0


@BOTH
def test_bounds_hold_after_each_event(resolution):
    found = trace_rule(
        "pair_stdp", [5.0, 9.0], [6.0], params={"a_plus": 1.0, "a_minus": 5.0}, w_min=0.25, w_max=0.75,
        resolution=resolution,
    )  # fmt: skip
    assert [r.after for r in found.rows] == [0.5, 0.75, 0.25]
    assert found.bounds == (0.25, 0.75)


@BOTH
def test_reward_stdp_turns_its_eligibility_into_weight_at_signals(resolution):
    """c d decays at 1/tau = 1/1000 + 1/200 per ms between the signal at 20 ms and the spike at 50 ms."""
    found = trace_rule("reward_stdp", pre=[10.0, 50.0], post=[14.0], signals=[(20.0, 2.0)], resolution=resolution)
    eligibility = 0.001 * math.exp(-5.0 / 20.0)
    at_signal = next(r for r in found.rows if r.event == "signal")
    assert (at_signal.time, at_signal.hook, at_signal.count) == (20.0, "on_signal", 2.0)
    assert at_signal.seen["syn.c"] == pytest.approx(eligibility * math.exp(-5.0 / 1000.0))
    assert at_signal.states["syn.d"] == 2.0
    rate, tau = at_signal.states["syn.rate"], 1.0 / (1 / 1000.0 + 1 / 200.0)
    assert rate == pytest.approx(2.0 * at_signal.seen["syn.c"])
    assert found.rows[-1].change == pytest.approx(rate * tau * (1.0 - math.exp(-30.0 / tau)), rel=1e-4)


@BOTH
def test_variables_of_the_cells_are_given(resolution):
    found = trace_rule(
        Sampler, pre=[3.0], post=[4.0, 4.0], signals=[(9.0, 0.5)], variables={"pre.u": 3.0, "post.V_m": -20.0},
        resolution=resolution,
    )  # fmt: skip
    e = math.exp(-0.5) + 2.0
    assert found.rows == (
        Row(3.0, "pre", "", 1.0, 0.5, 0.5),
        Row(5.0, "post", "on_post", 2.0, 0.5, pytest.approx(0.3),
            {"post.V_m": -20.0, "syn.e": pytest.approx(e - 2.0)}, {"syn.e": pytest.approx(e)}),
        Row(9.0, "signal", "on_signal", 0.5, pytest.approx(0.3), pytest.approx(0.3 + 1.5 * e * math.exp(-0.4)),
            {"pre.u": 3.0, "syn.e": pytest.approx(e * math.exp(-0.4))}, {"syn.e": 0.0}),
    )  # fmt: skip


def test_variables_that_are_not_given_or_not_read_are_told():
    with pytest.raises(InputError) as caught:
        trace_rule(Sampler, pre=[3.0], variables={"pre.u": 1.0, "post.V": 2.0})
    assert str(caught.value).splitlines() == [
        "variables: sampler reads no variable 'post.V'. Did you mean 'post.V_m'?",
        "variables: sampler reads post.V_m of its cells' model, and here are no membranes. "
        "Say what it shall be: --variable post.V_m=NUMBER; or run a network with --debug.",
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "nothing happens. Give times of spikes: --pre 10,30 --post 12,40."),
        ({"pre": [-1.0]}, r"pre: time out of range, found -1.0 \(allowed: above 0 ms\)"),
        ({"post": [0.0]}, r"post: time out of range, found 0.0 \(allowed: above 0 ms\)"),
        ({"pre": [math.inf]}, "pre: time out of range, found inf"),
        ({"pre": [1.0], "delay": 0.0}, "delay: time out of range, found 0.0"),
        ({"post": [0.5], "resolution": 0.5}, r"post: time out of range, found 0.5 \(allowed: above 0.5 ms\)"),
        ({"pre": [1.2], "resolution": 0.5}, r"pre: time is not on the grid, found 1.2 \(allowed: multiples of 0.5 ms"),
        ({"pre": [1.0], "signals": [(2.0, 1.0)]}, r"signals: pair_stdp hears no signal \(it has no on_signal\)"),
        ({"pre": [1.0], "params": {"a_pls": 1}}, "unknown parameter of PairSTDP 'a_pls'. Did you mean 'a_plus'"),
        ({"pre": [1.0], "w_max": 0.25}, r"initial weights outside \[w_min, w_max\]"),
    ],
)
def test_what_cannot_be_run_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        trace_rule("pair_stdp", **given)


def test_a_rule_that_fails_says_where():
    with pytest.raises(
        HookError, match="on_pre of rule inverse raised ZeroDivisionError: float division by zero, at 4"
    ):
        trace_rule(Inverse, pre=[4.0])


def test_a_disagreement_of_compiled_and_uncompiled_is_an_error(monkeypatch):
    run = module._run

    def wrong(script, rule, debug):
        weights, *more = run(script, rule, debug)
        return [weights[0] * (1.0 if debug else 1.001)], *more

    monkeypatch.setattr(module, "_run", wrong)
    with pytest.raises(RunError, match="the weight after 4 ms is 0.5005 compiled and 0.5 uncompiled"):
        trace_rule("pair_stdp", pre=[4.0], resolution=0.5)


def test_calls_of_hooks_that_no_event_explains_are_an_error(monkeypatch):
    run = module._run

    def more(script, rule, debug):
        weights, calls, *rest = run(script, rule, debug)
        return weights, calls[::-1] * 2, *rest

    monkeypatch.setattr(module, "_run", more)
    with pytest.raises(RunError, match=r"traced\[0\]: on_pre was called at 4 ms, where nothing happens"):
        trace_rule("pair_stdp", pre=[4.0], resolution=0.5)
    with pytest.raises(RunError, match=r"traced\[0\]: on_pre was called at 7 ms, not at 4 ms"):
        trace_rule("pair_stdp", pre=[4.0, 7.0], resolution=0.5)

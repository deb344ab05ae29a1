"""How projections learn, and what can be wrong about it."""

from __future__ import annotations

import math

import pytest

from neuromorph.graph.check import describe
from neuromorph.learning import registry
from neuromorph.learning.contract import LearningRule, Variable


def plasticity(network, source, target, table):
    """The description of how one more projection learns."""
    name = f"added {network.graph.number_of_edges()}"
    network.connect(source, target, name=name, plasticity=table)
    (found,) = (spec for spec in describe(network).projections if spec.name == name)
    return found.plasticity


def test_plasticity(pair):
    pair.add_signal("r", times=[1.0])
    pair.add_signal("q", times=[1.0])
    table = {"rule": "reward", "w_min": -math.inf, "w_max": "3 mV", "frozen": True, "signals": ["r", "q"]}
    plastic = plasticity(pair, "S", "B", table)
    assert plastic.rule is registry.get("reward")
    assert (plastic.w_min, plastic.w_max, plastic.frozen, plastic.signals) == (-math.inf, 3.0, True, ("q", "r"))
    plastic = plasticity(pair, "B", "B", "hebb")
    assert plastic.params == {"eta": 0.1, "tau": 20.0}
    assert (plastic.w_min, plastic.w_max, plastic.frozen, plastic.signals) == (None, None, False, ())


def test_no_signal_at_all_is_silence_on_purpose(pair):
    table = {"rule": "reward", "signals": []}
    assert plasticity(pair, "S", "B", table).signals == ()


@pytest.mark.parametrize(
    ("ends", "more", "words"),
    [
        (
            "IA",
            {"plasticity": "hebb"},
            "projections[0].plasticity: a current cannot be plastic. Leave `plasticity` out.",
        ),
        ("AB", {"plasticity": 3}, "projections[0].plasticity: not a table of names and values, found 3"),
        (
            "AB",
            {"plasticity": "heb"},
            "projections[0].plasticity.rule: unknown learning rule 'heb'. Did you mean 'hebb'?",
        ),
        ("AB", {"plasticity": {"rule": None}}, "projections[0].plasticity.rule: no learning rule is named, found None"),
        (
            "AB",
            {"plasticity": {"rule": "hebb", "wmax": 1}},
            "projections[0].plasticity.wmax: unknown key of plasticity 'wmax'. Did you mean 'w_max'?",
        ),
        (
            "AB",
            {"plasticity": {"rule": "hebb", "params": {"etta": 1}}},
            "projections[0].plasticity.params.etta: unknown parameter of Hebb 'etta'. Did you mean 'eta'?",
        ),
        (
            "AB",
            {"plasticity": {"rule": "hebb", "params": {"eta": -1}}},
            "projections[0].plasticity.params.eta: value out of range, found -1.0 (allowed: at least 0)",
        ),
        (
            "AB",
            {"plasticity": {"rule": "hebb", "params": {"tau": [1]}}},
            "projections[0].plasticity.params.tau: not a quantity, found [1]",
        ),
        (
            "AB",
            {"plasticity": {"rule": "hebb", "w_min": 2, "w_max": 1}},
            "projections[0].plasticity: w_min is above w_max, found (2.0, 1.0)",
        ),
        (
            "AB",
            {"plasticity": {"rule": "hebb", "w_max": 0.5}},
            "projections[0].plasticity: initial weights outside [w_min, w_max], found (1.0, 1.0) "
            "(allowed: None to 0.5)",
        ),
        (
            "AB",
            {"plasticity": {"rule": "hebb", "w_max": "1 pA"}},
            "projections[0].plasticity.w_max: unit 'pA' where mV is meant",
        ),
        (
            "AB",
            {"plasticity": {"rule": "hebb", "frozen": 1}},
            "projections[0].plasticity.frozen: not a truth value, found 1",
        ),
        (
            "AB",
            {"plasticity": {"rule": "hebb", "signals": ["r"]}},
            "projections[0].plasticity.signals: Hebb has no on_signal, found ['r']. Leave `signals` out.",
        ),
        (
            "SB",
            {"plasticity": {"rule": "reward", "signals": ["rr"]}},
            "projections[0].plasticity.signals: unknown signal 'rr'. Did you mean 'r'?",
        ),
        (
            "SB",
            {"plasticity": {"rule": "reward", "signals": 3}},
            "projections[0].plasticity.signals: not a list of signals, found 3",
        ),
        (
            "SB",
            {"plasticity": "reward"},
            "projections[0].plasticity.signals: Reward listens to signals, none is named. Name them: signals = ['r'].",
        ),
        (
            "AB",
            {"plasticity": {"rule": "reward", "signals": "r"}},
            "projections[0].plasticity.rule: Reward reads pre.n: tiny has no variable 'n_free'. Known: I_stim, V_m.",
        ),
    ],
)
def test_mistakes_in_how_a_projection_learns(messages, pair, ends, more, words):
    pair.add_signal("r", times=[1.0])
    pair.connect(*ends, **more)
    assert words in messages(pair)


class Backward(LearningRule):
    """Looks back at what the target was when the presynaptic spike left."""

    v = Variable("post", "V_m")

    def on_pre(w, pre, post, p):
        return w + post.v


def test_exact_mode_keeps_no_past_for_a_rule(messages, pair):
    pair.connect("A", "B", plasticity="backward")
    with registry.registry.override({"backward": Backward}):
        assert messages(pair, 0.1) == ""
        assert messages(pair, "exact") == (
            "projections[0].plasticity.rule: Backward reads post.v in on_pre, which exact mode does not keep. "
            "Run it on a grid, such as resolution = 0.1."
        )

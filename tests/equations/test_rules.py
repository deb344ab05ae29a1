"""Rules by equations: the classes that they become, and the same bytes as those of the rules by hand."""

from __future__ import annotations

import numpy as np
import pytest

from neuromorph import Network, Rule, Simulation
from neuromorph.errors import PluginError
from neuromorph.learning.contract import Random, State, Trace, Variable
from neuromorph.learning.registry import check_rule, registry

PAIR = {
    "traces": "dx/dt = -x/tau_plus : 1 (pre)\ndy/dt = -y/tau_minus : 1 (post)",
    "on_pre": "w -= a_minus*y",
    "on_post": "w += a_plus*x",
    "parameters": {"tau_plus": "20 ms", "tau_minus": "20 ms", "a_plus": 0.01, "a_minus": 0.0105},
}
#: what the weight has gained since the last event, by eligibility times dopamine (plugins/reward_stdp.py)
GAINED = "w += (rate - c*d)/(1/tau_c + 1/tau_d)/ms"
REWARD = {
    "traces": PAIR["traces"],
    "states": "dc/dt = -c/tau_c : 1; dd/dt = -d/tau_d : 1; rate : 1",
    "on_pre": f"{GAINED}; c -= a_minus*y*count; rate = c*d",
    "on_post": f"{GAINED}; c += a_plus*x*count; rate = c*d",
    "on_signal": f"{GAINED}; d += value; rate = c*d",
    "parameters": {
        "tau_plus": "20 ms", "tau_minus": "20 ms", "tau_c": "1 s", "tau_d": "0.2 s", "a_plus": 0.001, "a_minus": 0.00105
    },
}  # fmt: skip


def weights(rule, resolution, **options):
    """Weights after 300 ms under Poisson input, in the order of the synapses."""
    network = Network("rules")
    network.add_population("cells", "lif_delta", 10)
    network.add_input("noise", "poisson", 40, {"rate": 90.0})
    plasticity = {"rule": rule, "w_min": 0.0, "w_max": 2.0, **options}
    network.connect("noise", "cells", "fixed_indegree", indegree=30, weight=1.0, delay=1.5, plasticity=plasticity)
    if "signals" in options:
        network.add_signal("reward", times=[50.0, 120.0, 290.0], values=[0.5, -0.2, 0.4])
    simulation = Simulation(network, resolution=resolution, seed=2)
    simulation.run(300.0)
    return simulation.weights("noise_cells")


@pytest.mark.parametrize("resolution", ["exact", 0.1])
def test_pair_stdp_has_the_same_bytes(resolution):
    rule = Rule("pair_by_equations", **PAIR)
    with registry.override({rule.name: rule}):
        found, by_hand = (weights(name, resolution) for name in (rule.name, "pair_stdp"))
    assert np.ptp(by_hand) > 0.05
    assert found.tobytes() == by_hand.tobytes()


def test_a_rule_with_states_and_signals_has_the_same_bytes():
    rule = Rule("reward_by_equations", **REWARD)
    with registry.override({rule.name: rule}):
        found, by_hand = (weights(name, 0.1, signals=["reward"]) for name in (rule.name, "reward_stdp"))
    assert np.ptp(by_hand) > 0.05
    assert found.tobytes() == by_hand.tobytes()


BUSY = Rule(
    "busy",
    traces="dx/dt = -x/tau : 1 (pre, nearest, step=0.5)",
    states="de/dt = -e/tau_e : 1; r : 1",
    variables="V_m : mV (post)",
    random="u",
    on_pre="r = 1 - count*0.1",
    on_post="""
        d = (V_m - theta)/mV if V_m > theta else 0  # a name of its own
        e += x*d
        w += e if u < 0.5 else 0
    """,
    on_signal="w += eta*value*e; e = 0",
    transmit="w*r",
    initial={"r": 1.0},
    parameters={"tau": "20 ms", "tau_e": "0.2 s", "eta": 0.01, "theta": "-60 mV"},
    doc="Everything at once.",
)


def test_declarations():
    check_rule(BUSY, "here")
    assert BUSY.__module__ == __name__
    assert BUSY.__doc__ == "Everything at once."
    assert BUSY.traces("pre") == {"x": Trace("pre", "tau", 0.5, nearest=True)}
    assert BUSY.states() == {"e": State(0.0, "tau_e"), "r": State(1.0)}
    assert BUSY.variables("post") == {"V_m": Variable("post", "V_m")}
    assert isinstance(BUSY.u, Random)
    assert (BUSY.parameters()["tau_e"].default, BUSY.parameters()["tau_e"].above) == (200.0, 0.0)


class Bag:
    def __init__(self, **values):
        vars(self).update(values)


def test_statements_go_in_order_and_see_what_those_before_have_set():
    p, syn = Bag(tau=20.0, tau_e=200.0, eta=0.01, theta=-60.0), Bag(e=2.0, r=0.5, u=0.4)
    assert BUSY.on_pre(1.0, Bag(x=0.5, count=3), Bag(), p, syn) == (1.0, 2.0, 0.7)
    assert BUSY.on_post(1.0, Bag(x=0.5), Bag(V_m=-56.0, count=1), p, syn) == (5.0, 4.0, 0.5)
    assert BUSY.on_post(1.0, Bag(x=0.5), Bag(V_m=-66.0, count=1), p, Bag(e=2.0, r=0.5, u=0.6)) == (1.0, 2.0, 0.5)
    assert BUSY.on_signal(1.0, Bag(), Bag(), p, 10.0, syn) == (1.2, 0.0, 0.5)
    assert BUSY.transmit(3.0, p, syn) == 1.5


def test_the_code_can_be_read():
    code = Rule("pair_by_equations", **PAIR).code
    assert "class PairByEquations(LearningRule):" in code
    assert "    def on_pre(w, pre, post, p):\n        return w - p.a_minus * post.y\n" in code


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"on_pre": ""}, None),
        ({"on_pre": "", "on_post": ""}, "broken: the rule does nothing. Write on_pre, on_post, on_signal or transmit"),
        ({"on_pre": "w -= a_minus*z"}, "broken: on_pre: w -= a_minus*z: unknown name 'z'"),
        ({"on_pre": "w -= a_minsu*y"}, "unknown name 'a_minsu'. Did you mean 'a_minus'?"),
        ({"on_pre": "y -= 1"}, "broken: on_pre: 'y' is not a variable that can be set. Known: w."),
        ({"on_pre": "w -= tau_plus*y"}, "`tau_plus*y` is in ms, but what -= takes must be in 1. Divide `tau_plus * y`"),
        ({"on_pre": "w -= value*y"}, "unknown name 'value'"),
        ({"on_pre": "w minus 1"}, "broken: on_pre: not a statement, found 'w minus 1'"),
        ({"transmit": "w*x"}, "broken: transmit: unknown name 'x'"),
        ({"traces": "dx/dt = -x/tau_plus : 1\ny : 1"}, "broken: traces: not a declaration of this kind, found 'y'"),
        ({"traces": "dx/dt = -x/tau_plus : 1"}, "broken: dx/dt: whose it is must be said, found ()"),
        ({"traces": "dx/dt = -x/tau_plus : 1 (pre, last)"}, "broken: dx/dt: unknown flag 'last'"),
        ({"traces": "dx/dt = -2*x/tau_plus : 1 (pre)"}, "broken: dx/dt: cannot be kept by a synapse"),
        ({"traces": "dx/dt = (1-x)/tau_plus : 1 (pre)"}, "What decays to another value than 0 is that value plus"),
        ({"traces": "dx/dt = -x : 1 (pre)"}, "broken: dx/dt: `-x` is in 1, but dx/dt must be in 1/ms. Divide"),
        ({"states": "x : 1"}, "broken: 'x' is declared twice. Rename one."),
        ({"states": "e : 1 (pre)"}, "broken: e: unknown flag 'pre' (allowed: none for a state)"),
        ({"states": "count : 1"}, "broken: 'count' is a word of the contract. Rename it."),
        ({"initial": {"x": 1.0}}, "broken: initial: 'x' is not a state"),
        ({"parameters": {"tau_plus": "twenty ms"}}, "broken: parameter tau_plus: not a parameter, found 'twenty ms'"),
        ({"weight": "pA"}, "`a_minus*y` is in 1, but what -= takes must be in pA"),
    ],
)
def test_what_is_wrong_is_said(changed, words):
    if words is None:
        assert list(Rule("broken", **(PAIR | changed)).hooks()) == ["on_post"]
        return
    with pytest.raises(PluginError) as error:
        Rule("broken", **(PAIR | changed))
    assert words in str(error.value)


def test_a_rule_needs_a_name():
    with pytest.raises(PluginError, match="a rule cannot be called so, found 'my rule'"):
        Rule("my rule", **PAIR)

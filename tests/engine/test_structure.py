"""Structural plasticity: what a rule gives up grows anew elsewhere, with the same results however a run is cut up."""

from __future__ import annotations

import numpy as np
import pytest

from neuromorph import LearningRule, Network, Param, Simulation, Trace
from neuromorph.errors import DescriptionError
from neuromorph.learning.contract import State
from neuromorph.learning.contract import Trace as CellTrace
from neuromorph.learning.registry import registry

BOTH = pytest.mark.parametrize("resolution", ["exact", 0.5], ids=["exact", "grid"])


class Plain(LearningRule):
    """Pair STDP without a state, which learns whole rows at once on the grid; gives up by chance of its traces."""

    name = "plain"
    tau = Param(20.0, "ms", above=0)
    x = CellTrace("pre", "tau")
    y = CellTrace("post", "tau")

    def on_pre(w, pre, post, p):
        return w - 0.05 * post.y

    def on_post(w, pre, post, p):
        return w + 0.05 * pre.x

    def rewire(w, pre, post, p):
        return pre.x < 0.3 * post.y


class Turnover(LearningRule):
    """Pair STDP that gives up synapses below theta."""

    name = "turnover"
    tau = Param(20.0, "ms", above=0)
    a = Param(0.05)
    theta = Param(0.5)
    used = State(0.0, "tau")
    seen = State(0.0)
    x = CellTrace("pre", "tau")
    y = CellTrace("post", "tau")

    def on_pre(w, pre, post, p, syn):
        return w - 1.1 * p.a * post.y, syn.used + 1.0, syn.seen + 1.0

    def on_post(w, pre, post, p, syn):
        return w + p.a * pre.x, syn.used, syn.seen + 1.0

    def rewire(w, pre, post, p, syn):
        return w < p.theta and syn.used < 50.0


@pytest.fixture(autouse=True)
def _known():
    with registry.override({"turnover": Turnover, "plain": Plain}):
        yield


def network(order=1, every=10.0, **plastic):
    """40 Poisson inputs and 12 cells, each with 6 inputs and 3 of its own kind; both kinds of synapse turn over."""
    net = Network("turnover")
    learn = {"rule": "turnover", "rewire_every": every, "w_min": 0.0, "w_max": 4.0, **plastic}
    learn.setdefault("params", {"theta": 0.68} if learn["rule"] == "turnover" else {})
    steps = [
        lambda: net.add_input("in", "poisson", 40, {"rate": 60.0}),
        lambda: net.add_population("c", "lif_delta", 12, {"tau_m": 10.0, "E_L": 0.0, "V_reset": 0.0, "V_th": 4.0}),
    ]
    joins = [
        lambda: net.connect(
            "in", "c", "fixed_indegree", indegree=6, weight={"distribution": "uniform", "low": 0.6, "high": 1.5},
            delay={"distribution": "uniform", "low": 0.5, "high": 3.0}, plasticity=learn, name="up",
        ),
        lambda: net.connect(
            "c", "c", "fixed_indegree", indegree=3, weight=0.7, delay=1.5, plasticity=learn, name="rec"
        ),
    ]  # fmt: skip
    for step in steps[::order] + joins[::order]:
        step()
    return net


def outcome(resolution, cuts=(), parts=1, order=1, until=200.0):
    simulation = Simulation(network(order), resolution=resolution, seed=3, parts=parts)
    for stop in (*cuts, until):
        simulation.run(stop - simulation.time)
    return simulation


def columns(simulation):
    """What can be compared bit for bit."""
    spikes = simulation.spikes("c")
    tables = [simulation.synapses(name) for name in ("up", "rec")]
    return [*spikes, *(t[f] for t in tables for f in ("source", "target", "weight", "delay_ms"))]


@BOTH
def test_the_number_of_synapses_of_each_target_stays(resolution):
    before, after = (outcome(resolution, until=t) for t in (5.0, 200.0))
    for name, indegree in (("up", 6), ("rec", 3)):
        old, new = before.synapses(name), after.synapses(name)
        assert np.all(new["target"] == old["target"])
        assert np.all(new["delay_ms"] == old["delay_ms"])
        assert 5 <= np.sum(new["source"] != old["source"])
        pairs = list(zip(new["source"].tolist(), new["target"].tolist()))
        assert len(set(pairs)) == len(pairs) == 12 * indegree
    assert not np.any(new["source"] == new["target"])  # no autapses
    assert after.spikes("c")[0].size > 100


@BOTH
def test_no_cut_part_or_order_changes_a_bit(resolution):
    expected = columns(outcome(resolution))
    for how in ({"cuts": (10.0, 33.3, 120.0)}, {"parts": 3}, {"order": -1}, {"parts": 2, "cuts": (50.0,)}):
        for found, wanted in zip(columns(outcome(resolution, **how)), expected):
            assert np.array_equal(found, wanted), how


@BOTH
def test_weights_begin_anew_and_learn_on_as_if_built_so(resolution):
    """After all synapses have moved at 50 ms they do as those of a network that had them there from the beginning."""
    spikes = {"times": np.arange(1.0, 100.0, 2.5), "indices": np.arange(40) % 6}

    def build(sources, **plastic):
        net = Network("two")
        net.add_input("in", "spike_train", 6, spikes)
        net.add_input("drive", "spike_train", 2, {"times": [20.0, 45.0, 61.0, 90.0], "indices": [0, 1, 0, 1]})
        net.add_population("c", "lif_delta", 2)
        net.connect("drive", "c", "one_to_one", weight=25.0, delay=1.0)
        net.connect(
            "in", "c", "explicit", sources=sources, targets=[0, 0, 1, 1], weight=[0.1, 0.2, 0.3, 0.4], delay=2.0,
            name="p", plasticity={"rule": "turnover", "params": {"theta": 9.0, "a": 0.01}, "w_max": 5.0, **plastic},
        )  # fmt: skip
        return Simulation(net, resolution=resolution, seed=1)

    moved = build([0, 1, 0, 1], rewire_every=50.0)
    moved.run(50.0)
    assert moved.weights("p").tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])
    now = moved.synapses("p")["source"]
    assert np.all(now != [0, 1, 0, 1])
    built = build(now, rewire_every=1000.0)
    built.run(50.0)
    built.set_weights("p", moved.weights("p"))
    for simulation in (moved, built):
        simulation.run(49.0)
    assert moved.weights("p").tolist() == built.weights("p").tolist()
    assert np.all(moved.weights("p") != np.float32([0.1, 0.2, 0.3, 0.4]))


@BOTH
def test_spikes_arrive_from_where_a_synapse_has_grown(resolution):
    net = Network("moved")
    net.add_input("in", "spike_train", 2, {"times": [20.0, 30.0], "indices": [0, 1]})
    net.add_population("c", "lif_delta", 1)
    params = {"theta": 99.0, "a": 0.0}
    net.connect(
        "in", "c", "explicit", sources=[0], targets=[0], weight=25.0, delay=1.0,
        plasticity={"rule": "turnover", "params": params, "rewire_every": 10.0, "w_max": 30.0}, name="p",
    )  # fmt: skip
    simulation = Simulation(net, resolution=resolution, seed=1)
    simulation.run(15.0)
    assert simulation.synapses("p")["source"].tolist() == [1]
    simulation.run(8.0)  # at 20 it moved back, after the spike of source 0 had found no synapse
    assert simulation.synapses("p")["source"].tolist() == [0]
    assert simulation.spikes("c")[0].size == 0
    simulation.run(17.0)  # source 1 fires at 30 before the synapse comes back to it
    assert simulation.spikes("c")[0].size == 0


@BOTH
def test_a_rule_without_states_and_a_reset(resolution):
    """Rows that are learnt at once; after a reset synapses stay where they have grown."""
    ends = []
    for cuts in ((), (40.0, 77.0)):
        simulation = Simulation(network(rule="plain"), resolution=resolution, seed=3, parts=1 + len(cuts))
        for stop in (*cuts, 120.0):
            simulation.run(stop - simulation.time)
        before = simulation.synapses("up")
        simulation.reset()
        assert np.array_equal(simulation.synapses("up"), before)
        simulation.run(60.0)
        ends.append(columns(simulation))
        assert np.any(simulation.synapses("up")["source"] != before["source"])
    for one, other in zip(*ends):
        assert np.array_equal(one, other)


def test_a_trace_says_what_has_grown_and_from_where(tmp_path):
    file = tmp_path / "grown.h5"
    with Simulation(network(), resolution=0.5, seed=3, trace=str(file)) as simulation:
        simulation.run(200.0)
        now = simulation.synapses("up")["source"]
    source = outcome(0.5, until=5.0).synapses("up")["source"]
    rows = Trace(file).learning["rewired_up"]
    assert set(rows[:, 0]) <= set(np.arange(10.0, 201.0, 10.0))
    for _, ordinal, new in rows:
        source[int(ordinal)] = new
    assert source.tolist() == now.tolist()


@pytest.mark.parametrize(
    ("plastic", "words"),
    [
        ({"rewire_every": None}, 'but it is not said when. Say how often: rewire_every = "100 ms".'),
        ({"rewire_every": 0.0}, "rewire_every: value out of range, found 0.0 (allowed: at least a tick, 0.5 ms)"),
        ({"rewire_every": 0.1}, "rewire_every: value out of range, found 0.1 (allowed: at least a tick, 0.5 ms)"),
        ({"rewire_every": float("inf")}, "value out of range, found inf (allowed: at least a tick, 0.5 ms)"),
        (
            {"rule": "tsodyks_markram", "rewire_every": None, "frozen": True},
            "TsodyksMarkram says what a spike delivers: it cannot be frozen. Leave `frozen` out",
        ),
        ({"rule": "pair_stdp"}, "PairSTDP has no rewire, found 10.0. Leave `rewire_every` out."),
    ],
)
def test_when_to_rewire_is_said_where_it_is_meant(plastic, words):
    with pytest.raises(DescriptionError) as error:
        Simulation(network(**plastic), resolution=0.5)
    assert words in str(error.value)

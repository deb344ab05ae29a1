from __future__ import annotations

import time

import networkx as nx
import numpy as np
import pytest

from neuromorph.graph.check import describe
from neuromorph.graph.network import Network
from neuromorph.graph.values import Array, Constant, Distribution


def described(graph):
    graph.graph.setdefault("model", "tiny")
    return describe(Network.from_networkx(graph))


def test_edges_become_one_explicit_projection_in_order_of_indices():
    graph = nx.MultiDiGraph()
    graph.add_edge("c", "a", weight=1.0, delay=2.0)
    graph.add_edge("a", "b", weight=5.0)
    graph.add_edge("a", "b", weight="3 mV", delay="500 us", colour="red")
    graph.add_edge("a", "a")
    (spec,) = described(graph).projections
    assert (spec.name, spec.source, spec.target, spec.rule) == ("tiny_tiny", "tiny", "tiny", "explicit")
    np.testing.assert_array_equal(spec.arguments["sources"], [0, 0, 0, 2])
    np.testing.assert_array_equal(spec.arguments["targets"], [0, 1, 1, 0])
    assert spec.weight == Array(np.array([1.0, 3.0, 5.0, 1.0]))
    assert spec.delay == Array(np.array([1.0, 0.5, 1.0, 2.0]))
    assert spec.receptor == "delta"


def test_equal_weights_are_one_constant():
    spec = described(nx.DiGraph([("a", "b"), ("b", "a")])).projections[0]
    assert (spec.weight, spec.delay) == (Constant(1.0), Constant(1.0))


def test_groups_by_population_receptor_plasticity_and_distribution():
    normal = {"distribution": "normal", "mean": 1.0, "std": 0.1}
    graph = nx.MultiDiGraph()
    graph.add_node("s", model="source")
    graph.add_node("i", model="step")
    graph.add_edge("s", "a")
    graph.add_edge("s", "b")
    graph.add_edge("a", "b", plasticity={"rule": "hebb", "params": {"eta": 0.5}})
    graph.add_edge("b", "a", plasticity={"params": {"eta": 0.5}, "rule": "hebb"})
    graph.add_edge("a", "b", weight=dict(normal))
    graph.add_edge("b", "a", weight=dict(normal))
    graph.add_edge("i", "a", weight=2.0)
    found = {spec.name: spec for spec in described(graph).projections}
    assert {name: len(spec.arguments["sources"]) for name, spec in found.items()} == {
        "source_tiny": 2, "step_tiny": 1, "tiny_tiny": 2, "tiny_tiny_2": 2
    }  # fmt: skip
    assert found["tiny_tiny"].plasticity.params == {"eta": 0.5, "tau": 20.0}
    assert found["tiny_tiny_2"].weight == Distribution("normal", {"mean": 1.0, "std": 0.1})
    assert (found["step_tiny"].delay, found["step_tiny"].receptor) == (None, "current")


def test_a_neuron_and_a_population():
    network = Network()
    network.add_population("P", "tiny", 3)
    network.add_neuron("s", "source")
    network.add_neuron("n", "tiny")
    network.connect("s", "P", weight=[1.0, 2.0, 3.0])
    network.connect("P", "n", "all_to_all", weight=2.0, name="up")
    found = {spec.name: spec for spec in describe(network).projections}
    np.testing.assert_array_equal(found["source_P"].arguments["sources"], [0, 0, 0])
    np.testing.assert_array_equal(found["source_P"].arguments["targets"], [0, 1, 2])
    assert found["source_P"].weight == Array(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(found["up"].arguments["sources"], [0, 1, 2])
    assert found["up"].weight == Constant(2.0)


def test_a_neuron_and_an_empty_population_make_nothing():
    network = Network()
    network.add_population("P", "tiny", 0)
    network.add_neuron("s", "source")
    network.connect("s", "P")
    assert describe(network).projections == ()


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"weight": float("nan")}, "edges['a', 'b', 0].weight: not a number, found nan"),
        ({"weight": "x"}, "edges['a', 'b', 0].weight: not a quantity, found 'x'"),
        ({"weight": [1.0]}, "edges['a', 'b', 0].weight: not a quantity, found [1.0]"),
        ({"weight": True}, "edges['a', 'b', 0].weight: not a quantity, found True"),
        ({"weight": float("inf")}, "edges['a', 'b', 0].weight: must be finite, found inf"),
        ({"weight": {"file": "x.npz", "array": "w"}}, "edges['a', 'b', 0].weight: cannot read the file"),
        ({"weight": {"distribution": "normal"}}, "edges['a', 'b', 0].weight: distribution normal needs 'mean'"),
        ({"delay": 0.0}, "edges['a', 'b', 0].delay: value out of range, found 0.0 (allowed: above 0 ms)"),
        ({"delay": 0.01}, "edges['a', 'b', 0].delay: delay under half a tick, found 0.01"),
        (
            {"delay": {"distribution": "normal", "mean": 1, "std": 1}},
            "edges['a', 'b', 0].delay: values out of range can be drawn",
        ),
        ({"receptor": "x"}, "edges['a', 'b', 0].receptor: unknown receptor 'x' of tiny"),
        ({"receptor": ["x"]}, "edges['a', 'b', 0].receptor: unknown receptor '['x']' of tiny"),
        ({"name": ["x"]}, "edges['a', 'b', 0].name: not a name for a projection, found ['x']"),
        (
            {"plasticity": "heb"},
            "edges['a', 'b', 0].plasticity.rule: unknown learning rule 'heb'. Did you mean 'hebb'?",
        ),
        (
            {"rule": "bernoulli"},
            "edges['a', 'b', 0].rule: rule 'bernoulli' with a single neuron. Give both ends a `size`",
        ),
    ],
)
def test_mistakes_in_an_edge(messages, attributes, words):
    graph = nx.MultiDiGraph(model="tiny")
    graph.add_edge("a", "b", **attributes)
    graph.add_edge("b", "c")
    assert words in messages(Network.from_networkx(graph))


def test_an_array_in_a_file_is_no_weight_of_one_edge(messages, tmp_path):
    np.savez(tmp_path / "x.npz", w=np.ones(1))
    network = Network()
    network.folder = tmp_path
    network.add_neuron("a", "tiny")
    network.connect("a", "a", weight={"file": str(tmp_path / "x.npz"), "array": "w"})
    assert "projections[0].weight: an array on a single edge" in messages(network)


def test_every_wrong_edge_is_named(messages):
    graph = nx.MultiDiGraph(model="tiny")
    for target, delay in (("b", -1.0), ("c", 1.0), ("d", 0.0), ("e", float("inf"))):
        graph.add_edge("a", target, delay=delay)
    text = messages(Network.from_networkx(graph))
    assert [line.split(":")[0] for line in text.splitlines()] == [
        "edges['a', 'b', 0].delay", "edges['a', 'd', 0].delay", "edges['a', 'e', 0].delay"
    ]  # fmt: skip


def test_a_current_edge_has_no_delay(messages):
    network = Network()
    network.add_neuron("i", "step")
    network.add_neuron("n", "tiny")
    network.connect("i", "n", delay=1.0)
    assert "projections[0].delay: a current has no delay, found 1.0" in messages(network)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"weight": [1.0]}, "projections[0].weight: wrong number of values, found 1 (allowed: 3, one per synapse)"),
        ({"rule": "one_to_one"}, "projections[0].rule: rule 'one_to_one' with a single neuron"),
    ],
)
def test_mistakes_between_a_neuron_and_a_population(messages, more, words):
    network = Network()
    network.add_population("P", "tiny", 3)
    network.add_neuron("s", "source")
    network.connect("s", "P", **more)
    assert words in messages(network)


def test_the_sign_of_an_edge_against_its_receptor(messages):
    graph = nx.MultiDiGraph(model="tiny_conductance")
    graph.add_weighted_edges_from([("a", "b", 1.0), ("b", "c", -2.0), ("c", "a", -1.0)])
    text = messages(Network.from_networkx(graph))
    assert text.startswith("edges['b', 'c', 0].weight: weights of the wrong sign for any default receptor")
    assert "edges['c', 'a', 0].weight" in text


def test_a_large_graph_is_described_in_time():
    rng = np.random.default_rng(1)
    ends = rng.integers(0, 2000, (200_000, 2))
    graph = nx.MultiDiGraph(model="tiny")
    graph.add_weighted_edges_from(zip(ends[:, 0].tolist(), ends[:, 1].tolist(), rng.random(200_000).tolist()))
    network = Network.from_networkx(graph)
    began = time.process_time()
    (spec,) = describe(network).projections
    assert time.process_time() - began < 4.0  # a million edges took 2.7 s
    assert len(spec.weight.values) == 200_000
    assert np.all(np.diff(spec.arguments["sources"]) >= 0)

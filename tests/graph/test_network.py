from __future__ import annotations

import subprocess
import sys

import networkx as nx
import pytest

from neuromorph.errors import DescriptionError
from neuromorph.graph.network import Network


def test_everything_is_in_the_graph():
    network = Network("n")
    network.add_population("E", "tiny", 3, {"tau_m": "5 ms"}, {"V_m": 1.0}, [[0.0], [1.0], [2.0]])
    network.add_input("S", "source", params={"rate": 3})
    network.add_neuron("a", "tiny", tau_m=2.0)
    network.connect("S", "E", "all_to_all", weight=2.0, receptor="delta", plasticity="hebb")
    network.add_signal("reward", times=[1.0], values=[2.0], delay=3.0)
    network.add_signal("steady", start=1.0, interval=2.0, count=3)
    network.record("E", "V_m", 0.5, (i for i in (0, 1)))
    network.record(projection="S_E", synapses=[0])
    network.run_settings(duration=10.0)
    network.run_settings(seed=2)
    graph = network.graph
    assert network.name == graph.graph["name"] == "n"
    assert graph.nodes["E"] == {
        "model": "tiny", "size": 3, "params": {"tau_m": "5 ms"}, "initial": {"V_m": 1.0},
        "positions": [[0.0], [1.0], [2.0]],
    }  # fmt: skip
    assert graph.nodes["S"] == {"model": "source", "size": 1, "params": {"rate": 3}}
    assert graph.nodes["a"] == {"model": "tiny", "params": {"tau_m": 2.0}}
    assert network.populations == {"E": graph.nodes["E"], "S": graph.nodes["S"]}
    edge = {"weight": 2.0, "rule": "all_to_all", "receptor": "delta", "plasticity": {"rule": "hebb"}}
    assert network.projections == [("S", "E", edge)]
    assert graph.graph["signals"] == {
        "reward": {"times": [1.0], "values": [2.0], "delay": 3.0},
        "steady": {"start": 1.0, "interval": 2.0, "count": 3},
    }
    assert graph.graph["record"] == [
        {"population": "E", "variable": "V_m", "interval": 0.5, "indices": [0, 1]},
        {"projection": "S_E", "synapses": [0]},
    ]
    assert graph.graph["run"] == {"duration": 10.0, "seed": 2}


def test_projections_come_in_the_order_of_connect(pair):
    pair.connect("B", "A")
    pair.connect("A", "B")
    pair.connect("A", "B", weight=2.0)
    pair.graph.add_edge("A", "A")
    assert [(u, v) for u, v, _ in pair.projections] == [("B", "A"), ("A", "B"), ("A", "B"), ("A", "A")]
    pair.graph.remove_edge("B", "A")
    assert [(u, v) for u, v, _ in pair.projections] == [("A", "B"), ("A", "B"), ("A", "A")]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda n: n.add_population("A", "tiny", 1), "populations.A: 'A' exists already. Choose another name."),
        (lambda n: n.add_input("A", "source"), "populations.A: 'A' exists already"),
        (lambda n: n.add_neuron("A", "tiny"), "populations.A: 'A' exists already"),
        (lambda n: n.connect("A", "Bx"), "connect: unknown population 'Bx'"),
        (lambda n: n.connect("noise", "B"), "connect: unknown population 'noise'. Known: A, B, I, S."),
        (lambda n: [n.add_signal("r", times=[1]), n.add_signal("r")], "signals.r: signal 'r' exists already"),
    ],
)
def test_names_must_exist_and_be_new(pair, act, words):
    with pytest.raises(DescriptionError) as error:
        act(pair)
    assert words in str(error.value)


def test_a_multidigraph_is_wrapped_and_others_are_copied():
    multi = nx.MultiDiGraph()
    assert Network.from_networkx(multi).graph is multi
    directed = nx.DiGraph([("a", "b", {"weight": 2.0})])
    copy = Network.from_networkx(directed).graph
    assert list(copy.edges(keys=True, data=True)) == [("a", "b", 0, {"weight": 2.0})]
    copy.edges["a", "b", 0]["weight"] = 3.0
    assert directed.edges["a", "b"]["weight"] == 2.0


def test_undirected_edges_run_both_ways_and_loops_once():
    undirected = nx.Graph(name="g")
    undirected.add_edge("a", "b", weight=2.0, key="x")
    undirected.add_edge("a", "a")
    network = Network.from_networkx(undirected)
    assert sorted((u, v, d.get("weight")) for u, v, d in network.graph.edges(data=True)) == [
        ("a", "a", None), ("a", "b", 2.0), ("b", "a", 2.0)
    ]  # fmt: skip
    assert network.name == "g"
    multi = nx.MultiGraph([("a", "b"), ("a", "b")])
    assert Network.from_networkx(multi).graph.number_of_edges() == 4


def test_the_collector_runs_again_after_a_conversion():
    import gc

    Network.from_networkx(nx.DiGraph([("a", "b")]))
    assert gc.isenabled()


def test_importing_the_description_is_light():
    code = (
        "import sys, neuromorph, neuromorph.graph.network, neuromorph.graph.check, neuromorph.graph.dicts;"
        "print([m for m in ('numba', 'pydantic', 'networkx', 'h5py') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

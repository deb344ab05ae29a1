"""The order in which a network is built, and the kind of graph it is built in, cannot matter."""

from __future__ import annotations

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromorph.graph.check import describe
from neuromorph.graph.network import Network

weights = st.sampled_from([0.5, 1.0, -2.0, "1 mV", {"distribution": "normal", "mean": 1.0, "std": 0.1}])
delays = st.sampled_from([None, 1.0, "2 ms", 0.3])
edges = st.tuples(
    st.sampled_from("abcAB"), st.sampled_from("abcAB"), weights, delays, st.sampled_from([None, "hebb"])
)  # fmt: skip


def build(nodes, links, records):
    network = Network("n")
    for name in nodes:
        if name.isupper():
            network.add_population(name, "tiny", 3, {"tau_m": 5.0})
        else:
            network.add_neuron(name, "tiny", V_th=15.0 + ord(name) % 3)
    for source, target, weight, delay, plasticity in links:
        network.connect(source, target, weight=weight, delay=delay, plasticity=plasticity)
    for name in records:
        network.record(name, "V_m")
        network.add_signal(f"r{name}", population=name)
    return network


@settings(deadline=None, max_examples=60)
@given(st.lists(edges, max_size=12), st.randoms(use_true_random=False))
def test_insertion_order_does_not_matter(plain, links, random):
    nodes, records = list("abcAB"), list("AB")
    first = plain(describe(build(nodes, links, records)))
    for items in (nodes, links, records):
        random.shuffle(items)
    assert plain(describe(build(nodes, links, records))) == first


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.floats(-1, 1)), max_size=10, unique_by=lambda e: e[:2])
)
def test_kinds_of_graphs_agree(plain, links):
    found = []
    for kind in (nx.DiGraph, nx.MultiDiGraph):
        graph = kind(model="tiny")
        graph.add_nodes_from(range(5))
        graph.add_weighted_edges_from(links)
        found.append(plain(describe(Network.from_networkx(graph))))
    assert found[0] == found[1]


def test_describing_changes_nothing(pair):
    pair.connect("A", "B", plasticity="hebb")
    before = repr((pair.graph.graph, dict(pair.graph.nodes(data=True)), list(pair.graph.edges(data=True))))
    describe(pair)
    assert repr((pair.graph.graph, dict(pair.graph.nodes(data=True)), list(pair.graph.edges(data=True)))) == before

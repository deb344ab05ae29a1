"""Attributes of a plain graph that are nearly ours are warned of, all others are the owner's business."""

from __future__ import annotations

import warnings

import networkx as nx
import pytest

from neuromorph import Network
from neuromorph.errors import AttributeWarning
from neuromorph.graph.check import describe


def graph(node=(), edge=()):
    made = nx.DiGraph()
    made.add_node("a", model="lif_exp", **dict(node))
    made.add_node("b", model="lif_exp")
    made.add_edge("a", "b", **dict(edge))
    return Network.from_networkx(made)


@pytest.mark.parametrize(
    ("node", "edge", "words"),
    [
        ({}, {"wieght": 2.0}, "edges['a', 'b']: attribute 'wieght' is not read. Did you mean 'weight'?"),
        ({}, {"delays": 2.0}, "edges['a', 'b']: attribute 'delays' is not read. Did you mean 'delay'?"),
        ({"tau_mm": 5.0}, {}, "nodes['a']: attribute 'tau_mm' is not read. Did you mean 'tau_m'?"),
        (
            {},
            {"rule": "all_to_all", "sorces": [0]},
            "edges['a', 'b']: attribute 'sorces' is not read. Did you mean 'sources'?",
        ),
        ({"param": {}}, {}, "nodes['a']: attribute 'param' is not read. Did you mean 'params'?"),
    ],
)
def test_what_is_nearly_ours(node, edge, words):
    with pytest.warns(AttributeWarning) as found:
        describe(graph(node, edge))
    assert [str(one.message) for one in found] == [words]


@pytest.mark.parametrize(
    ("node", "edge"),
    [
        ({"tau_m": 5.0, "label": "x", "pos": (0, 1)}, {"weight": 2.0, "colour": "red"}),
        ({}, {"weight": 2.0, "weights": [1, 2]}),  # it has the right one as well
        ({7: "a name that is no text"}, {}),
        ({"initial_V": -60.0}, {"length": 3.0, "weight_sd": 0.1}),  # no typing mistakes
        ({f"label {k}" * 3: k for k in range(20_000)}, {"x" * 10_000: 1}),  # and no endless comparing
    ],
)
def test_what_is_the_owners(node, edge):
    made = graph({}, edge)
    made.given.nodes["a"].update(node)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        describe(made)


def test_many_of_one_kind_are_one_warning():
    made = nx.DiGraph()
    made.add_nodes_from(range(5), model="lif_exp")
    made.add_edges_from((k, k + 1, {"wieght": 2.0}) for k in range(4))
    with pytest.warns(AttributeWarning) as found:
        describe(Network.from_networkx(made))
    words = "edges[0, 1]: attribute 'wieght' is not read. Did you mean 'weight'? (3 more like it)"
    assert [str(one.message) for one in found] == [words]

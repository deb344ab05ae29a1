"""The network of a figure: its populations, where they lie, and signs of projections."""

from __future__ import annotations

import pytest

from neuromorph.report.network import populations, positions, sign
from report.drawn_figures import NETWORK


def test_the_network_as_populations_and_projections():
    graph = populations(NETWORK)
    assert dict(graph.nodes(data="size")) == {"noise": 20, "E": 20, "I": 5}
    edges = {(u, v): (data["sign"], data["plastic"]) for u, v, data in graph.edges(data=True)}
    assert edges == {
        ("noise", "E"): ("excitatory", False),
        ("E", "E"): ("excitatory", True),
        ("E", "I"): ("excitatory", False),
        ("I", "E"): ("inhibitory", False),
    }
    place = positions(graph)
    assert place == positions(populations(NETWORK))
    assert min(place, key=place.get) == "noise"  # on the left


def test_single_neurons_are_gathered_by_model():
    graph = populations({
        "network": {"model": "lif_exp"},
        "neurons": [{"names": ["a", "b"], "model": "adex"}, {"names": [1]}],
        "edges": [{"source": ["a", "b", 1], "target": ["b", "a", "a"], "weight": -1.0}],
    })  # fmt: skip
    assert dict(graph.nodes(data="size")) == {"adex": 2, "lif_exp": 1}
    assert sorted((u, v, data["sign"]) for u, v, data in graph.edges(data=True)) == [
        ("adex", "adex", "inhibitory"),
        ("lif_exp", "adex", "inhibitory"),
    ]


@pytest.mark.parametrize(
    ("edge", "expected"),
    [
        ({}, "excitatory"),
        ({"weight": -0.5}, "inhibitory"),
        ({"weight": "-250 pA"}, "inhibitory"),
        ({"weight": 0.0}, "mixed or unknown"),
        ({"weight": [1.0, 0.0]}, "excitatory"),
        ({"weight": [1.0, -1.0]}, "mixed or unknown"),
        ({"weight": 2.0, "receptor": "inhibitory"}, "inhibitory"),
        ({"weight": "heavy"}, "mixed or unknown"),
        ({"weight": {"file": "w.npz"}}, "mixed or unknown"),
        ({"weight": {"sha256": "0"}}, "mixed or unknown"),
        ({"weight": {"distribution": "uniform", "low": 0.0, "high": 140.0}}, "excitatory"),
        ({"weight": {"distribution": "uniform", "low": -1.0, "high": 1.0}}, "mixed or unknown"),
        ({"weight": {"distribution": "normal", "mean": -3.0, "std": 1.0}}, "inhibitory"),
        ({"weight": {"distribution": "normal", "mean": 0.0, "std": 1.0}}, "mixed or unknown"),
        ({"weight": {"distribution": "lognormal", "mean": -3.0, "std": 1.0}}, "excitatory"),
        ({"weight": {"distribution": "exponential", "mean": 0.5}}, "excitatory"),
    ],
)
def test_signs_of_projections(edge, expected):
    assert sign(edge) == expected

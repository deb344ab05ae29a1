from __future__ import annotations

import math

import numpy as np
import pytest

from neuromorph.errors import DescriptionError
from neuromorph.graph.check import describe
from neuromorph.graph.values import Array, Constant, Distribution


def projection(network, source, target, *args, **more):
    """The description of one more projection."""
    name = f"added {network.graph.number_of_edges()}"
    network.connect(source, target, *args, name=name, **more)
    (found,) = (spec for spec in describe(network).projections if spec.name == name)
    return found


def test_defaults(pair):
    pair.connect("A", "B")
    (spec,) = describe(pair).projections
    assert (spec.name, spec.source, spec.target, spec.rule) == ("A_B", "A", "B", "all_to_all")
    assert spec.arguments == {"autapses": False}
    assert (spec.weight, spec.delay, spec.receptor, spec.plasticity) == (Constant(1.0), Constant(1.0), "delta", None)


@pytest.mark.parametrize(
    ("rule", "given", "read"),
    [
        ("bernoulli", {"probability": 0.5}, {"probability": 0.5, "autapses": False}),
        ("fixed_indegree", {"indegree": 3}, {"indegree": 3, "autapses": False, "multapses": False}),
        ("fixed_outdegree", {"outdegree": 3.0}, {"outdegree": 3, "autapses": False, "multapses": False}),
        ("fixed_total", {"total": 60, "multapses": True}, {"total": 60, "autapses": False, "multapses": True}),
        ("all_to_all", {"autapses": True}, {"autapses": True}),
    ],
)
def test_rules_have_their_arguments_with_defaults(pair, rule, given, read):
    assert projection(pair, "A", "B", rule, **given).arguments == read


def test_distance(pair):
    pair.graph.nodes["A"]["positions"] = np.zeros((10, 2))
    pair.graph.nodes["B"]["positions"] = np.ones((5, 2))
    assert projection(pair, "A", "B", "distance", length_um="1 mm").arguments == {
        "probability": 1.0, "profile": "gaussian", "length_um": 1000.0, "autapses": False
    }  # fmt: skip


def test_explicit_synapses_stay_in_their_order(pair):
    spec = projection(pair, "A", "B", "explicit", sources=[3, 1], targets=[4, 4], weight=["1 mV", 2], delay=[1, "2 ms"])
    np.testing.assert_array_equal(spec.arguments["sources"], [3, 1])
    assert spec.arguments["targets"].dtype == np.int64
    assert spec.weight == Array(np.array([1.0, 2.0]))
    assert spec.delay == Array(np.array([1.0, 2.0]))


def test_a_matrix_of_weights_is_laid_out_by_source(pair):
    matrix = np.arange(50.0).reshape(10, 5)
    assert projection(pair, "A", "B", weight=matrix).weight == Array(np.arange(50.0))
    square = np.arange(25.0).reshape(5, 5)
    without = projection(pair, "B", "B", weight=square).weight
    assert without == Array(square[~np.eye(5, dtype=bool)])
    assert projection(pair, "B", "B", weight=square, autapses=True).weight.values.size == 25


def test_receptors_by_sign_stay_open_and_units_are_the_receptors(pair):
    pair.add_population("C", "tiny_signed", 2)
    assert projection(pair, "A", "C", weight="1 nA").receptor is None
    spec = projection(pair, "A", "C", weight={"distribution": "normal", "mean": "1 nA", "std": 5}, receptor=None)
    assert spec.weight == Distribution("normal", {"mean": 1000.0, "std": 5.0})
    assert projection(pair, "A", "C", weight=-1.0, receptor="inhibitory").receptor == "inhibitory"


def test_a_current_has_no_delay(pair):
    spec = projection(pair, "I", "A", weight=2.0)
    assert (spec.delay, spec.receptor) == (None, "current")


def test_names_of_parallel_projections_follow_delay_weight_receptor(pair):
    for weight, delay in ((3.0, 2.0), (2.0, 2.0), (9.0, 1.0)):
        pair.connect("A", "B", weight=weight, delay=delay)
    pair.connect("A", "B", name="A_B_2")
    pair.connect("A", "A", name="zero")
    found = [(p.name, p.weight) for p in describe(pair).projections]
    assert found == [
        ("zero", Constant(1.0)),
        ("A_B", Constant(9.0)),
        ("A_B_2", Constant(1.0)),
        ("A_B_3", Constant(2.0)),
        ("A_B_4", Constant(3.0)),
    ]


def test_names_that_could_collide_do_not():
    from neuromorph.graph.network import Network

    network = Network()
    for name in ("a", "b", "a_b", "b_a"):
        network.add_population(name, "tiny", 1)
    network.connect("a", "b_a")
    network.connect("a_b", "a")
    assert [p.name for p in describe(network).projections] == ["a_b_a", "a_b_a_2"]


@pytest.mark.parametrize(
    ("ends", "more", "words"),
    [
        (
            "AB",
            {"rule": "all_to_al"},
            "projections[0].rule: unknown connection rule 'all_to_al'. Did you mean 'all_to_all'?",
        ),
        ("AB", {"rule": "bernoulli"}, "projections[0]: rule bernoulli needs 'probability'. Add `probability`."),
        (
            "AB",
            {"rule": "bernoulli", "probability": 1.5},
            "projections[0].probability: value out of range, found 1.5 (allowed: at least 0 and at most 1)",
        ),
        (
            "AB",
            {"rule": "bernoulli", "probability": 0.5, "indegree": 2},
            "projections[0].indegree: rule bernoulli does not take 'indegree'. It takes probability, autapses.",
        ),
        (
            "AB",
            {"wieght": 2},
            "projections[0].wieght: unknown attribute 'wieght' of a projection. Did you mean 'weight'?",
        ),
        ("AB", {"rule": "fixed_indegree", "indegree": 2.5}, "projections[0].indegree: not a count, found 2.5"),
        (
            "AB",
            {"rule": "fixed_indegree", "indegree": 11},
            "projections[0].indegree: more connections than there are pairs, found 11 (allowed: 0 to 10). "
            "Allow `multapses`.",
        ),
        ("AA", {"rule": "fixed_indegree", "indegree": 10}, "found 10 (allowed: 0 to 9)"),
        (
            "AA",
            {"rule": "fixed_outdegree", "outdegree": 10},
            "projections[0].outdegree: more connections than there are pairs, found 10",
        ),
        (
            "AA",
            {"rule": "fixed_total", "total": 91},
            "projections[0].total: more connections than there are pairs, found 91 (allowed: 0 to 90)",
        ),
        (
            "AB",
            {"rule": "all_to_all", "autapses": 1},
            "projections[0].autapses: not a truth value, found 1 (allowed: true or false)",
        ),
        ("AB", {"rule": "one_to_one"}, "projections[0]: one_to_one needs populations of one size, found (10, 5)"),
        ("AB", {"rule": "explicit", "sources": [1]}, "projections[0]: rule explicit needs 'targets'"),
        (
            "AB",
            {"rule": "explicit", "sources": [1], "targets": []},
            "projections[0]: sources and targets differ in length, found (1, 0)",
        ),
        (
            "AB",
            {"rule": "explicit", "sources": [10], "targets": [0]},
            "projections[0].sources[0]: index out of range, found 10 (allowed: whole numbers from 0 to 9)",
        ),
        (
            "AB",
            {"rule": "explicit", "sources": [-1], "targets": [0]},
            "projections[0].sources[0]: index out of range, found -1",
        ),
        (
            "AB",
            {"rule": "explicit", "sources": [[1]], "targets": [0]},
            "projections[0].sources: not a plain list, found (1, 1)",
        ),
        (
            "AB",
            {"rule": "distance", "length_um": 0},
            "projections[0].length_um: value out of range, found 0.0 (allowed: above 0 um)",
        ),
        (
            "AB",
            {"rule": "distance", "length_um": 1},
            "projections[0]: rule distance needs positions of 'B'. Add `positions` to it.",
        ),
        (
            "AB",
            {"rule": "distance", "length_um": 1, "profile": "gauss"},
            "projections[0].profile: unknown profile 'gauss'. Did you mean 'gaussian'?",
        ),
        ("AB", {"weight": math.nan}, "projections[0].weight: not a number, found nan"),
        ("AB", {"weight": math.inf}, "projections[0].weight: must be finite, found inf"),
        ("AB", {"weight": "1 pA"}, "projections[0].weight: unit 'pA' where mV is meant"),
        (
            "AB",
            {"weight": [1.0, 2.0]},
            "projections[0].weight: wrong number of values, found 2 (allowed: 50, one per synapse)",
        ),
        (
            "AB",
            {"weight": [1.0], "rule": "bernoulli", "probability": 0.1},
            "projections[0].weight: rule bernoulli makes a random number of synapses. Give one value, or "
            "a distribution.",
        ),
        ("AB", {"delay": 0.0}, "projections[0].delay: value out of range, found 0.0 (allowed: above 0 ms)"),
        ("AB", {"delay": math.inf}, "projections[0].delay: must be finite, found inf"),
        (
            "AB",
            {"delay": 0.04},
            "projections[0].delay: delay under half a tick, found 0.04 (allowed: at least 0.05 ms at a "
            "resolution of 0.1 ms)",
        ),
        (
            "AB",
            {"delay": {"distribution": "uniform", "low": 0.01, "high": 1.0}},
            "delay under half a tick, found 0.01 (allowed: at least 0.05 ms at a resolution of 0.1 ms). "
            "Bound the distribution by `low`.",
        ),
        (
            "AB",
            {"delay": {"distribution": "normal", "mean": 1.5, "std": 0.75}},
            "projections[0].delay: values out of range can be drawn",
        ),
        (
            "AB",
            {"receptor": "dleta"},
            "projections[0].receptor: unknown receptor 'dleta' of tiny. Did you mean 'delta'?",
        ),
        (
            "AB",
            {"receptor": "current"},
            "projections[0].receptor: receptor `current` is driven by currents only, found 'A'",
        ),
        ("AS", {}, "projections[0].target: connection into 'S', an input. Inputs have no receptors."),
        ("IA", {"delay": 1.0}, "projections[0].delay: a current has no delay, found 1.0. Leave `delay` out."),
        (
            "IA",
            {"receptor": "delta"},
            "projections[0].receptor: 'I' is a current; tiny has a receptor for it: `current`, found 'delta'",
        ),
        (
            "AB",
            {"name": ["a"]},
            "projections[0].name: not a name for a projection, found ['a'] (allowed: text without / . [ ]",
        ),
        ("AB", {"receptor": {}}, "projections[0].receptor: unknown receptor '{}' of tiny"),
        ("AB", {"name": "a/b"}, "projections[0].name: not a name for a projection, found 'a/b'"),
    ],
)
def test_mistakes_in_a_projection(messages, pair, ends, more, words):
    pair.graph.nodes["A"]["positions"] = np.zeros((10, 2))
    pair.add_signal("r", times=[1.0])
    pair.connect(*ends, **more)
    assert words in messages(pair)


def test_an_edge_that_connect_did_not_make_is_known_by_its_ends(messages, pair):
    pair.graph.add_edge("A", "B", delay=0.0)
    assert messages(pair).startswith("edges['A', 'B', 0].delay: value out of range")


@pytest.mark.parametrize(
    ("model", "more", "words"),
    [
        ("tiny_exact", {}, "projections[0].receptor: tiny_exact has no receptor by default. Name one: basal."),
        (
            "tiny_signed",
            {"receptor": "excitatory", "weight": -1.0},
            "projections[0].weight: weights of the wrong sign for receptor 'excitatory' of tiny_signed, "
            "found -1.0 (allowed: at least 0)",
        ),
        (
            "tiny_signed",
            {"receptor": "inhibitory", "weight": [1.0] * 20},
            "weights of the wrong sign for receptor 'inhibitory' of tiny_signed, found 1.0 (allowed: at most 0)",
        ),
        (
            "tiny_conductance",
            {"weight": -1.0},
            "weights of the wrong sign for any default receptor of tiny_conductance, found -1.0 (allowed: at least 0). "
            "Name a receptor: excitatory, inhibitory.",
        ),
        (
            "tiny_conductance",
            {"weight": {"distribution": "normal", "mean": 1.0, "std": 1.0}},
            "weights of the wrong sign for any default receptor of tiny_conductance can be drawn, found "
            "-7.0 (allowed: at least 0). "
            "Bound the distribution: low = 0.",
        ),
    ],
)
def test_signs_against_receptors(messages, pair, model, more, words):
    pair.add_population("C", model, 2)
    pair.connect("A", "C", **more)
    assert words in messages(pair, "exact" if model == "tiny_exact" else None)


def test_a_current_needs_its_receptor(messages, pair):
    pair.add_population("C", "tiny_signed", 2)
    pair.connect("I", "C")
    assert (
        messages(pair) == "projections[0].receptor: 'I' is a current; tiny_signed has no receptor `current`, found None"
    )


def test_delays_have_no_ticks_in_exact_mode(messages, pair):
    pair.connect("A", "B", delay=0.04)
    assert messages(pair, "exact") == ""
    assert "half a tick" in messages(pair, 0.1)


def test_positions_of_different_dimensions(messages, pair):
    pair.graph.nodes["A"]["positions"] = np.zeros((10, 2))
    pair.graph.nodes["B"]["positions"] = np.zeros((5, 3))
    pair.connect("A", "B", "distance", length_um=1.0)
    assert messages(pair) == "projections[0]: positions differ in their number of dimensions, found [2, 3]"


def test_two_projections_of_one_name(messages, pair):
    pair.connect("A", "B", name="x")
    pair.connect("B", "A", name="x")
    assert messages(pair) == (
        "projections[1].name: two projections are called 'x'. Give each projection a name of its own."
    )


def test_empty_populations_make_no_impossible_connections(messages):
    from neuromorph.graph.network import Network

    network = Network()
    network.add_population("none", "tiny", 0)
    network.add_population("A", "tiny", 3)
    network.connect("A", "none", "fixed_indegree", indegree=3)
    network.connect("none", "A", "fixed_outdegree", outdegree=3)
    assert messages(network) == ""
    network.connect("none", "A", "fixed_indegree", indegree=1, multapses=True)
    assert messages(network) == (
        "projections[2].indegree: more connections than there are pairs, found 1 (allowed: 0 to 0)"
    )


def test_mistakes_in_several_projections_come_together(pair):
    pair.connect("A", "B", delay=-1.0)
    pair.connect("B", "A", receptor="x", rule="y")
    with pytest.raises(DescriptionError) as error:
        describe(pair)
    assert [problem.where for problem in error.value.problems] == [
        "projections[0].delay", "projections[1].rule", "projections[1].receptor"
    ]  # fmt: skip

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from neuromorph.graph.cells import drawn_problems, node_key, valid_name
from neuromorph.graph.check import check, describe
from neuromorph.graph.network import Network
from neuromorph.graph.values import Array, Constant, Distribution, SameAs
from neuromorph.models.registry import get


def one(name="E", model="tiny", size=2, **more):
    network = Network()
    network.add_population(name, model, size, **more)
    return network


def test_defaults_are_filled_and_values_read():
    network = one(params={"tau_m": "5 ms", "V_th": [1.0, "0.5 mV"]}, positions=[0.0, 1.0])
    network.graph.nodes["E"]["t_ref"] = 3.0
    spec = describe(network).population("E")
    assert spec.model is get("tiny")
    assert (spec.name, spec.size, spec.kind, spec.node_names) == ("E", 2, "neuron", None)
    assert spec.params == {
        "tau_m": Constant(5.0), "V_th": Array(np.array([1.0, 0.5])), "V_reset": Constant(0.0), "t_ref": Constant(3.0)
    }  # fmt: skip
    assert spec.initial == {"V_m": SameAs("V_reset"), "I_stim": Constant(0.0)}
    np.testing.assert_array_equal(spec.positions, [[0.0], [1.0]])


def test_params_win_over_attributes_and_other_attributes_are_left_alone():
    network = one(params={"tau_m": 5.0})
    network.graph.nodes["E"].update(tau_m=7.0, colour="red")
    assert describe(network).population("E").params["tau_m"] == Constant(5.0)


def test_initial_values():
    uniform = {"distribution": "uniform", "low": 0.0, "high": 1.0}
    network = one(initial={"V_m": uniform, "I_stim": [1.0, 2.0]})
    assert describe(network).population("E").initial == {
        "V_m": Distribution("uniform", {"low": 0.0, "high": 1.0}),
        "I_stim": Array(np.array([1.0, 2.0])),
    }
    assert describe(one(initial={"V_m": "V_th"})).population("E").initial["V_m"] == SameAs("V_th")


def test_populations_are_sorted_and_may_be_empty():
    network = Network()
    for name in ("b", "a", "C"):
        network.add_population(name, "tiny", 0)
    assert [p.name for p in describe(network).populations] == ["C", "a", "b"]


def test_a_population_that_is_not_there_is_a_key_error():
    with pytest.raises(KeyError, match="x"):
        describe(one()).population("x")


def test_inputs_have_arrays_and_texts(tmp_path):
    network = Network()
    network.folder = tmp_path
    pixels = np.zeros((3, 2), np.uint8)
    params = {"times": ["1 s", 2.0], "indices": [1, 0], "patterns": pixels, "path": "a.h5", "population": "E"}
    network.add_input("S", "source", 2, params)
    spec = describe(network).population("S")
    assert spec.kind == "input"
    np.testing.assert_array_equal(spec.arrays["times"], [1000.0, 2.0])
    assert spec.arrays["indices"].dtype == np.int64
    assert spec.arrays["patterns"].dtype == np.uint8
    assert spec.texts == {"path": str(tmp_path / "a.h5"), "population": "E"}
    assert describe(network).population("S").params == {"rate": Constant(5.0)}


def test_a_current_is_a_current(pair):
    assert describe(pair).population("I").kind == "current"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"model": "tinny"}, "populations.E.model: unknown model 'tinny'. Did you mean 'tiny'?"),
        ({"model": None}, "populations.E.model: no model is named, found None (allowed: the name of a model)"),
        ({"size": -1}, "populations.E.size: not a count, found -1 (allowed: a whole number, at least 0)"),
        ({"size": 1.5}, "populations.E.size: not a count, found 1.5"),
        ({"size": True}, "populations.E.size: not a count, found True"),
        ({"size": "many"}, "populations.E.size: not a count, found 'many'"),
        ({"name": "a/b"}, "populations.a/b: not a name for a population, found 'a/b'"),
        ({"params": {"tau": 1}}, "populations.E.params.tau: unknown parameter of tiny 'tau'. Did you mean 'tau_m'?"),
        ({"params": {"tau_m": 0}}, "populations.E.params.tau_m: value out of range, found 0.0 (allowed: above 0 ms)"),
        ({"params": {"tau_m": [1.0, -1.0]}}, "populations.E.params.tau_m[1]: value out of range, found -1.0"),
        ({"params": {"tau_m": "1 mV"}}, "populations.E.params.tau_m: unit 'mV' where ms is meant"),
        (
            {"params": {"tau_m": [1.0]}},
            "populations.E.params.tau_m: wrong number of values, found 1 (allowed: 2, one per cell)",
        ),
        ({"params": {"tau_m": np.ones((2, 2))}}, "populations.E.params.tau_m: wrong number of values, found (2, 2)"),
        ({"params": {"V_reset": 30.0}}, "populations.E.params: V_reset must be below V_th"),
        ({"params": [1]}, "populations.E.params: not a table of names and values, found [1]"),
        ({"initial": {"V": 1}}, "populations.E.initial.V: unknown variable of tiny 'V'. Known: I_stim, V_m."),
        (
            {"initial": {"V_m": "tau_m"}},
            "populations.E.initial.V_m: parameter in ms, found 'tau_m' (allowed: a value in mV)",
        ),
        ({"initial": {"V_m": float("inf")}}, "populations.E.initial.V_m: must be finite, found inf"),
        ({"initial": {"V_m": "V_thh"}}, "populations.E.initial.V_m: not a quantity, found 'V_thh'"),
        (
            {"positions": [1.0]},
            "populations.E.positions: wrong shape, found (1, 1) (allowed: 2 x d, with d from 1 to 3)",
        ),
        ({"positions": [[1.0] * 4] * 2}, "populations.E.positions: wrong shape, found (2, 4)"),
        ({"positions": [1.0, float("inf")]}, "populations.E.positions: positions must be finite"),
        ({"model": "tiny_exact"}, 'populations.E.model: tiny_exact cannot run on a grid. Set resolution = "exact".'),
    ],
)
def test_mistakes_in_a_population(messages, more, words):
    assert words in messages(one(**{"params": None, **more}))


def params_with(tau_m):
    return one(params={"tau_m": tau_m})


def test_what_can_be_drawn_out_of_range_is_a_mistake(messages):
    wide = {"distribution": "normal", "mean": 20.0, "std": 10.0}
    assert "populations.E.params.tau_m: values out of range can be drawn" in messages(params_with(wide))
    assert messages(params_with(wide | {"low": 0.1})) == ""


def test_a_model_without_exact_mode(messages):
    network = one(model="tiny_signed")
    assert messages(network) == ""
    assert messages(network, "exact") == (
        "populations.E.model: tiny_signed cannot run in exact mode. Run it on a grid, such as resolution = 0.1."
    )


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"times": [1.0, -1.0]}, "inputs.S.params: `times` must be above 0 ms"),
        (
            {"indices": [0, 2]},
            "inputs.S.params.indices[1]: index out of range, found 2 (allowed: whole numbers from 0 to 1)",
        ),
        (
            {"patterns": [[1, 2, 3]]},
            "inputs.S.params.patterns: wrong number of columns, found 3 (allowed: 2, one per cell)",
        ),
        ({"path": 3}, "inputs.S.params.path: not text, found 3"),
        ({"ratee": 3}, "inputs.S.params.ratee: unknown parameter of source 'ratee'. Did you mean 'rate'?"),
    ],
)
def test_mistakes_in_an_input(messages, params, words):
    network = Network()
    network.add_input("S", "source", 2, params)
    assert words in messages(network)


def test_inputs_have_no_variables(messages, pair):
    pair.graph.nodes["S"]["initial"] = {"V_m": 1.0}
    assert "inputs.S.initial.V_m: unknown variable (inputs have none) 'V_m'" in messages(pair)


def test_every_mistake_is_reported_at_once():
    network = one(params={"tau": 1, "V_th": "x"}, initial={"V": 1}, positions=[1.0])
    network.add_population("F", "none", 1)
    assert len(check(network)) == 5


def test_relations_between_drawn_parameters_are_left_to_the_draw():
    network = one(params={"V_th": {"distribution": "uniform", "low": -1.0, "high": 1.0}})
    spec = describe(network).population("E")
    drawn = {"tau_m": 1.0, "V_th": 1.0, "V_reset": 0.0, "t_ref": 0.0}
    assert drawn_problems(spec, drawn) == []
    assert str(drawn_problems(spec, drawn | {"V_th": -1.0})[0]) == "populations.E.params: V_reset must be below V_th"
    wrong = drawn_problems(spec, drawn | {"tau_m": np.array([1.0, 0.0])})
    assert str(wrong[0]).startswith("populations.E.params.tau_m[1]: value out of range")


def test_single_neurons_are_gathered_per_model_in_order_of_their_names():
    graph = nx.DiGraph(model="tiny")
    graph.add_nodes_from(["b", "a", 10, 2, 2.5, (1, 2)], tau_m=5.0)
    graph.add_node("z", model="source", rate="2 kHz")
    graph.nodes[2]["tau_m"] = "7 ms"
    graph.nodes[10].update(params={"V_th": 30.0}, initial={"V_m": 1.0})
    description = describe(Network.from_networkx(graph))
    tiny = description.population("tiny")
    assert tiny.node_names == (2, 2.5, 10, "a", "b", (1, 2))
    assert tiny.size == 6
    assert tiny.params["tau_m"] == Array(np.array([7.0, 5.0, 5.0, 5.0, 5.0, 5.0]))
    assert tiny.params["V_th"] == Array(np.array([20.0, 20.0, 30.0, 20.0, 20.0, 20.0]))
    assert tiny.params["t_ref"] == Constant(0.0)
    assert description.population("source").params == {"rate": Constant(2000.0)}


def test_single_neurons_with_the_same_distribution_or_positions():
    normal = {"distribution": "normal", "mean": 20.0, "std": 1.0}
    network = Network()
    for k in range(3):
        network.add_neuron(k, "tiny", V_th=dict(normal))
        network.graph.nodes[k]["positions"] = [float(k), 0.0]
    spec = describe(network).population("tiny")
    assert spec.params["V_th"] == Distribution("normal", {"mean": 20.0, "std": 1.0})
    np.testing.assert_array_equal(spec.positions, [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])


def test_initial_of_some_single_neurons_starts_the_others_by_default(messages):
    network = Network()
    network.add_neuron("a", "tiny")
    network.add_neuron("b", "tiny")
    network.graph.nodes["a"]["initial"] = {"I_stim": 1.0}
    assert describe(network).population("tiny").initial["I_stim"] == Array(np.array([1.0, 0.0]))
    network.graph.nodes["a"]["initial"] = {"V_m": 1.0}
    assert describe(network).population("tiny").initial["V_m"] == Array(np.array([1.0, 0.0]))


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ({"a": {}}, "nodes['a']: a node without a model. Add it, or set graph.graph[\"model\"]."),
        ({"a": {"model": "tinny"}}, "nodes['a'].model: unknown model 'tinny'. Did you mean 'tiny'?"),
        (
            {"a": {"model": "source", "times": [1.0]}, "b": {"model": "source", "times": [2.0]}},
            "nodes['a'].params.times: single neurons of one model differ in more than a number, found [1.0]. "
            "Give the node a `size`, which makes it a population of its own.",
        ),
        (
            {"tiny": {"model": "tiny", "size": 1}, "a": {"model": "tiny"}},
            "populations.tiny: single neurons of this model need its name for their population. Rename the population",
        ),
        ({3: {"model": "tiny", "size": 1}}, "populations.3: not a name for a population, found 3"),
        (
            {"a": {"model": "tiny", "params": {"tau": 1}}},
            "populations.tiny.params.tau: unknown parameter of tiny 'tau'",
        ),
        ({"a": {"model": "tiny", "tau_m": "fast"}}, "populations.tiny.params.tau_m: not a quantity, found 'fast'"),
    ],
)
def test_mistakes_in_single_neurons(messages, nodes, words):
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(nodes.items())
    assert words in messages(Network.from_networkx(graph))


def test_a_node_that_only_a_connection_names(messages, pair):
    pair.graph.add_edge("A", "Sx")
    assert messages(pair) == (
        "nodes['Sx']: a node without a model. Perhaps it is named only by a connection. Did you mean 'S'?"
    )


def test_names():
    assert [name for name in ("E", "L2 3e", "a-b_c", "x") if valid_name(name)] == ["E", "L2 3e", "a-b_c", "x"]
    assert not any(valid_name(name) for name in ("", " ", " a", "a ", "a/b", "a.b", "a[0]", 3, None, "a\nb"))


def test_node_order_is_total():
    nodes = [frozenset([1]), "b", 3, ("a", 1), "a", 2.5, (1, "a"), np.int64(1)]
    assert sorted(nodes, key=node_key) == [1, 2.5, 3, "a", "b", (1, "a"), ("a", 1), frozenset([1])]

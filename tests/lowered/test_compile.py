"""What lowering makes of a description: ids, rows, drawn connections and values."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from neuromorph import Network
from neuromorph.errors import DescriptionError, InputError
from neuromorph.graph.check import describe
from neuromorph.graph.values import Distribution
from neuromorph.lowered.compile import compile_network
from neuromorph.lowered.partition import bounds, part_of
from neuromorph.lowered.rows import places


def lowered(network, resolution=0.5, seed=3, parts=1):
    return compile_network(
        describe(network, resolution=resolution), None if resolution == "exact" else resolution, seed, parts
    )


def two(sizes=(4, 3), name="two"):
    network = Network(name)
    network.add_population("b", "lif_delta", sizes[0])
    network.add_population("a", "lif_exp", sizes[1])
    return network


def projection(compiled, name):
    return next(p for p in compiled.projections if p.name == name)


def pairs(compiled, name):
    source, target = projection(compiled, name).connections.endpoints()
    return list(zip(source.tolist(), target.tolist()))


def expanded(rows):
    """Source and delay (ticks, or code) of each static synapse of a part."""
    slices = np.diff(rows.row)
    first = np.repeat(rows.row_start[:-1], slices)
    end = first + rows.slice_end
    begin = end.copy()
    begin[1:] = end[:-1]
    begin[rows.row[:-1][slices > 0]] = rows.row_start[:-1][slices > 0]
    source = np.repeat(np.arange(slices.size), slices)
    return np.repeat(source, end - begin), np.repeat(rows.slice_delay, end - begin)


def initial_weights(compiled, name):
    p = projection(compiled, name)
    out = np.full(p.connections.n, np.nan, np.float32)
    for rows, (ordinal, place) in zip(compiled.static, places(compiled, p)):
        out[ordinal] = rows.synapse["weight"][place]
    return out


# -- ids and slots --------------------------------------------------------------------------------------------------


def test_ids_follow_names_and_slots_follow_receptors():
    network = two()
    network.add_input("aa", "poisson", 2)
    compiled = lowered(network)
    assert {p.name: p.first_id for p in (*compiled.neurons, *compiled.inputs)} == {"a": 0, "aa": 3, "b": 5}
    assert (compiled.n_ids, compiled.n_neurons) == (9, 7)
    a, b = compiled.neurons
    assert (a.first_neuron, a.slot0, b.first_neuron, b.slot0) == (0, 0, 3, 9)
    assert compiled.n_slots == 9 + 4 * 2
    assert compiled.neuron_of_slot.tolist() == [0, 1, 2] * 3 + [3, 4, 5, 6] * 2
    assert compiled.receptor_of_slot.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [0] * 4 + [1] * 4


def test_projections_are_sorted_by_source_target_and_name():
    network = two()
    for source, target, name in (("b", "a", "x"), ("a", "b", "z"), ("b", "a", "w"), ("a", "a", "y")):
        network.connect(source, target, name=name)
    assert [p.name for p in lowered(network).projections] == ["y", "z", "w", "x"]


def test_equal_parameters_are_one_number_and_others_one_a_cell():
    network = two()
    network.graph.nodes["b"]["params"] = {"tau_m": [5.0] * 4, "V_th": -50.0}
    network.graph.nodes["a"]["params"] = {"tau_m": [5.0, 6.0, 5.0]}
    a, b = lowered(network).neurons
    assert b.own == ()
    assert b.parameters["tau_m"].tolist() == [5.0]
    assert a.own == tuple(a.parameters)
    assert a.parameters["tau_m"].tolist() == [5.0, 6.0, 5.0]


# -- rows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_static_rows_hold_every_synapse_once_in_order(parts):
    random = np.random.default_rng(2)
    network = two((6, 5))
    for k, (source, target) in enumerate((("a", "b"), ("b", "b"), ("a", "b"))):
        n = 25
        ends = {"sources": random.integers(0, 5, n), "targets": random.integers(0, 6, n)}
        delay = random.choice([0.5, 1.0, 3.0], n)
        network.connect(source, target, "explicit", weight=np.arange(n) + 100.0 * k, delay=delay, name=f"p{k}", **ends)
    compiled = lowered(network, parts=parts)
    assert len(compiled.static) == parts
    assert sum(rows.synapse.size for rows in compiled.static) == 75
    for part, rows in enumerate(compiled.static):
        low, high = bounds(6, parts)[part : part + 2]
        cell = compiled.neuron_of_slot[rows.synapse["slot"]] - compiled.neurons[1].first_neuron
        assert np.all((cell >= low) & (cell < high))
        source, delay = expanded(rows)
        # weights ascend with (projection, ordinal)
        keys = list(zip(source.tolist(), delay.tolist(), *(rows.synapse[k].tolist() for k in ("slot", "weight"))))
        assert keys == sorted(keys)
    for k in range(3):
        assert initial_weights(compiled, f"p{k}").tolist() == (np.arange(25) + 100.0 * k).tolist()


def plastic(network, source, target, **arguments):
    network.connect(source, target, weight=1.0, plasticity="stdp_derivative", name="p", **arguments)


@pytest.mark.parametrize(
    ("size", "parts", "arguments", "dense"),
    [
        (3, 1, {"rule": "all_to_all"}, [True]),
        (3, 2, {"rule": "all_to_all"}, [True, True]),
        (3, 1, {"rule": "one_to_one"}, [False]),
        (3, 3, {"rule": "one_to_one"}, [False] * 3),
        (3, 1, {"rule": "all_to_all", "delay": list(np.linspace(1.0, 2.0, 9))}, [False]),
        (1, 1, {"rule": "all_to_all", "autapses": True}, [True]),
        (0, 1, {"rule": "all_to_all"}, [False]),
        # as many synapses as a matrix has, and all into one cell, but two of one source and none of another
        (1, 1, {"rule": "explicit", "sources": [0, 0, 2], "targets": [0, 0, 0]}, [False]),
        (2, 2, {"rule": "explicit", "sources": [0, 0, 2, 0, 1, 2], "targets": [0, 0, 0, 1, 1, 1]}, [False, True]),
        (2, 1, {"rule": "explicit", "sources": [0, 0, 0, 0, 1, 1], "targets": [0, 1, 0, 1, 0, 1]}, [False]),
    ],
)  # fmt: skip
def test_only_a_full_matrix_is_dense(size, parts, arguments, dense):
    network = Network("dense")
    network.add_population("post", "lif_delta", size)
    network.add_population("pre", "lif_delta", 3)
    plastic(network, "pre", "post", **arguments)
    found = projection(lowered(network, parts=parts), "p").plasticity.parts
    assert [rows.dense for rows in found] == dense


def test_large_static_matrices_are_kept_as_such_on_the_grid_alone():
    network = Network("matrix")
    network.add_population("c", "lif_delta", 64)
    network.connect("c", "c", "all_to_all", autapses=True, name="large")
    network.connect("c", "c", "all_to_all", name="holes")
    for resolution, kept in ((0.5, True), ("exact", False)):
        compiled = lowered(network, resolution)
        matrix = projection(compiled, "large")
        assert (matrix.plasticity is not None) is kept
        assert not kept or matrix.plasticity.parts[0].dense
        assert compiled.static[0].synapse.size == 64 * 63 + (0 if kept else 4096)


def test_frozen_projections_are_static_and_bounds_follow_the_sign():
    network = two()
    given = [(1.0, {}), (-1.0, {}), ([1.0, -1.0] * 6, {}), (0.0, {}), (1.0, {"w_max": 2.0})]
    for k, (weight, more) in enumerate([*given, (-1.0, {"w_min": -4.0, "w_max": 1.0})]):
        network.connect("a", "b", weight=weight, name=f"p{k}", plasticity={"rule": "pair_stdp", **more})
    network.connect("a", "b", name="frozen", plasticity={"rule": "pair_stdp", "frozen": True})
    compiled = lowered(network)
    assert projection(compiled, "frozen").plasticity is None
    inf = np.inf
    found = [projection(compiled, f"p{k}").plasticity for k in range(6)]
    assert [(p.w_min, p.w_max) for p in found] == [(0, inf), (-inf, 0), (-inf, inf), (0, inf), (0, 2), (-4, 1)]


def test_weights_of_zero_stay_on_the_side_of_their_receptor():
    network = two()
    for receptor in ("excitatory", "inhibitory"):
        network.connect("b", "a", weight=0.0, receptor=receptor, name=receptor, plasticity="pair_stdp")
    compiled = lowered(network)
    found = [projection(compiled, name).plasticity for name in ("excitatory", "inhibitory")]
    assert [(p.w_min, p.w_max) for p in found] == [(0.0, np.inf), (-np.inf, 0.0)]


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 8])
def test_parts_share_all_cells(parts):
    edges = bounds(7, parts)
    assert (edges[0], edges[-1], edges.size) == (0, 7, parts + 1)
    assert np.all(np.diff(edges) <= -(-7 // parts))
    owner = part_of(np.arange(7, dtype=np.int32), 7, parts)
    assert [(edges[k] <= i < edges[k + 1]) for i, k in enumerate(owner)] == [True] * 7


# -- connection rules -----------------------------------------------------------------------------------------------


def test_rules_without_chance():
    network = two((3, 3))
    network.connect("a", "b", "one_to_one", name="one")
    network.connect("a", "b", "all_to_all", name="all")
    network.connect("a", "a", "all_to_all", name="others")
    network.connect("a", "a", "all_to_all", autapses=True, name="everyone")
    compiled = lowered(network)
    every = [(i, j) for i in range(3) for j in range(3)]
    assert pairs(compiled, "one") == [(0, 0), (1, 1), (2, 2)]
    assert pairs(compiled, "all") == pairs(compiled, "everyone") == every
    assert pairs(compiled, "others") == [(i, j) for i, j in every if i != j]


@pytest.mark.parametrize("autapses", [False, True])
@pytest.mark.parametrize("multapses", [False, True])
def test_degrees_are_kept(autapses, multapses):
    network = two((30, 20))
    options = {"autapses": autapses, "multapses": multapses}
    network.connect("b", "b", "fixed_indegree", indegree=25, name="in", **options)
    network.connect("b", "b", "fixed_outdegree", outdegree=25, name="out", **options)
    network.connect("b", "b", "fixed_total", total=600, name="total", **options)
    compiled = lowered(network)
    drawn = {name: np.array(pairs(compiled, name)) for name in ("in", "out", "total")}
    assert np.bincount(drawn["in"][:, 1]).tolist() == [25] * 30
    assert np.bincount(drawn["out"][:, 0]).tolist() == [25] * 30
    assert len(drawn["total"]) == 600
    for found in drawn.values():
        assert bool(np.any(found[:, 0] == found[:, 1])) is autapses
        assert (len(np.unique(found, axis=0)) < len(found)) is multapses
        assert np.bincount(found[:, 0]).min() > 0


def test_full_degrees_take_every_partner():
    network = two((4, 5))
    network.connect("a", "b", "fixed_indegree", indegree=5, name="in")
    network.connect("b", "b", "fixed_outdegree", outdegree=3, name="out")
    network.connect("a", "b", "fixed_total", total=20, name="total")
    compiled = lowered(network)
    assert (
        sorted(pairs(compiled, "in"))
        == sorted(pairs(compiled, "total"))
        == [(i, j) for i in range(5) for j in range(4)]
    )
    assert sorted(pairs(compiled, "out")) == [(i, j) for i in range(4) for j in range(4) if i != j]


@pytest.mark.parametrize("probability", [0.0, 0.03, 0.4, 1.0])
def test_bernoulli_pairs_are_independent(probability):
    """Their number within five standard deviations, in every quarter of the matrix."""
    network = two((200, 300))
    network.connect("a", "b", "bernoulli", probability=probability, name="p")
    found = np.array(pairs(lowered(network), "p")).reshape(-1, 2)
    assert len(np.unique(found, axis=0)) == len(found)
    counts, _, _ = np.histogram2d(found[:, 0], found[:, 1], bins=[[0, 150, 300], [0, 100, 200]])
    mean = 150 * 100 * probability
    assert np.all(np.abs(counts - mean) <= 5.0 * np.sqrt(mean * (1 - probability)))


@pytest.mark.parametrize(
    ("profile", "decay"),
    [("gaussian", lambda d: np.exp(-(d**2) / 800.0)), ("exponential", lambda d: np.exp(-d / 20.0))],
)
def test_probability_falls_with_distance(profile, decay):
    network = Network("space")
    where = np.linspace(0.0, 100.0, 400).reshape(-1, 1)
    network.add_population("c", "lif_delta", 400, positions=where)
    network.connect("c", "c", "distance", probability=0.8, profile=profile, length_um=20.0, name="p")
    found = np.array(pairs(lowered(network), "p"))
    distance = np.abs(where - where.T)
    wanted = 0.8 * decay(distance) * (1 - np.eye(400))
    made = np.zeros((400, 400))
    made[found[:, 0], found[:, 1]] = 1.0
    for low in range(0, 100, 20):
        ring = (distance >= low) & (distance < low + 20)
        error = np.sqrt((wanted * (1 - wanted))[ring].sum())
        assert abs(made[ring].sum() - wanted[ring].sum()) < 5.0 * error


def test_what_is_drawn_depends_on_seed_and_name_alone():
    def drawn(seed=3, name="p", crowd=False, reverse=False):
        network = Network("drawn")
        if crowd:
            network.add_population("aaa", "lif_exp", 11)
            network.connect("aaa", "aaa", "bernoulli", probability=0.5, name="first")
        for population in ("b", "a") if not reverse else ("a", "b"):
            network.add_population(population, "lif_delta", 30)
        weight = {"distribution": "normal", "mean": 1.0, "std": 0.1, "low": 0.0}
        network.connect("a", "b", "fixed_indegree", indegree=5, weight=weight, name=name)
        compiled = lowered(network, seed=seed)
        weights = initial_weights(compiled, name)
        return pairs(compiled, name), weights.tolist()

    first = drawn()
    assert drawn(crowd=True) == drawn(reverse=True) == first
    for other in (drawn(seed=4), drawn(name="q")):
        assert other[0] != first[0]
        assert other[1] != first[1]


# -- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "mean", "std"),
    [
        ({"distribution": "normal", "mean": -65.0, "std": 2.0}, -65.0, 2.0),
        ({"distribution": "uniform", "low": -70.0, "high": -60.0}, -65.0, 10.0 / np.sqrt(12.0)),
        ({"distribution": "exponential", "mean": 3.0}, 3.0, 3.0),
        ({"distribution": "lognormal", "mean": 0.5, "std": 0.4}, np.exp(0.58), np.exp(0.58) * np.sqrt(np.expm1(0.16))),
    ],
)  # fmt: skip
def test_moments_of_what_is_drawn(value, mean, std):
    n = 40_000
    network = Network("drawn")
    network.add_population("c", "lif_delta", n, {"V_th": 1e3}, {"V_m": value})
    found = lowered(network).neurons[0].initial[0]
    assert abs(found.mean() - mean) < 5.0 * std / np.sqrt(n)
    assert found.std() == pytest.approx(std, rel=0.05)


def test_bounds_are_kept_by_drawing_again():
    n = 20_000
    value = {"distribution": "normal", "mean": 0.0, "std": 1.0, "low": -1.0, "high": 0.5}
    network = Network("bounded")
    network.add_population("c", "lif_delta", n, {"V_th": 1e3}, {"V_m": value})
    found = lowered(network).neurons[0].initial[0]
    assert found.min() >= -1.0
    assert found.max() <= 0.5
    density = np.histogram(found, bins=[-1.0, -0.5, 0.0, 0.5])[0] / n
    assert density == pytest.approx([0.1499 / 0.5328, 0.1915 / 0.5328, 0.1915 / 0.5328], abs=5 * np.sqrt(0.24 / n))


# -- mistakes ---------------------------------------------------------------------------------------------------------


def with_drawn_delays(low):
    """A description whose delays can be drawn too short: `check` refuses such a network, so it is made by hand."""
    network = two((50, 50))
    network.connect("a", "b", "one_to_one", delay=2.0, name="p")
    description = describe(network, resolution="exact")
    delay = Distribution("uniform", {"low": low, "high": 1.0}, -np.inf, np.inf)
    (spec,) = description.projections
    return dataclasses.replace(description, projections=(dataclasses.replace(spec, delay=delay),))


def test_drawn_delays_that_do_not_fit_are_refused():
    words = r"projections: a drawn delay is not above zero, found -.*\(allowed: above 0 ms"
    with pytest.raises(DescriptionError, match=words):
        compile_network(with_drawn_delays(-1.0), None, 1)
    words = r"projections.p.delay: delay under half a tick, found 0.*\(allowed: at least 0.25 ms at a resolution of 0.5"
    with pytest.raises(DescriptionError, match=words):
        compile_network(with_drawn_delays(0.0), 0.5, 1)


def test_spike_files_need_a_reader():
    network = two()
    network.add_input("recorded", "spike_file", 2, {"path": "somewhere.h5"})
    with pytest.raises(DescriptionError, match="inputs.recorded: no reader for spike files. Use neuromorph.Simula"):
        lowered(network)


def test_a_number_of_parts_is_one_or_more():
    with pytest.raises(InputError, match=r"parts is not a number of parts, found -2"):
        lowered(two(), parts=-2)


def test_drawn_parameters_that_do_not_go_together_are_refused():
    network = Network("drawn")
    resets = {"distribution": "uniform", "low": -60.0, "high": -50.0}
    network.add_population("b", "lif_delta", 50, {"V_reset": resets, "V_th": -55.0})
    with pytest.raises(DescriptionError, match=r"populations.b.params: V_reset must be below V_th, found V_reset = -5"):
        compile_network(describe(network, resolution="exact"), None, 1)

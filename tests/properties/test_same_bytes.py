"""One network and one seed give the same bytes, however it was built, cut, split, watched or recorded."""

from __future__ import annotations

import copy

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import random_networks as series
import twin_rules
from comparison import record_everything
from neuromorph import Network, Simulation, Trace
from neuromorph.engine import learning
from stages import run_in_stages

MODES = pytest.mark.parametrize("mode", ["exact", "grid"])
#: networks of the series with Poisson inputs, plasticity, signals of both kinds, rhythmic cells and ties
NUMBERS = (0, 1, 2, 3, 6, 9, 15)
DURATION = 64.0  # ms
FEW = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
#: times between 0 and the end whose differences are exact: on no grid, or where dyadic networks have their arrivals
CUTS = st.lists(
    st.one_of(
        st.integers(1, int(DURATION) * 2**20 - 1).map(lambda k: k / 2**20),
        st.integers(1, int(DURATION) * 8 - 1).map(lambda k: k / 8),
    ),
    max_size=6, unique=True,
).map(sorted)  # fmt: skip


@pytest.fixture(autouse=True)
def _rules():
    with twin_rules.registered():
        yield


def network(number, mode):
    """A network of the series with readings of all states of one population and of all plastic weights."""
    net = series.network(number, mode if mode == "exact" else series.tick(number))
    net.graph.graph.pop("record", None)
    record_everything(net)
    cells = next(name for name, data in net.populations.items() if data["model"] in (*series.GRID, "rhythmic"))
    net.record(cells, "n_mean" if net.populations[cells]["model"] == "rhythmic" else "V_m", interval=2.5)
    for _, _, data in net.projections:
        if data.get("plasticity"):
            net.record(projection=data["name"], interval=5.0)
    return net


def resolution(number, mode):
    return mode if mode == "exact" else series.tick(number)


def outcome(net, resolution, cuts=(), callback=None, seed=7, **more):
    """The bytes of all that a run leaves: spikes, readings, signals, and states and weights at its end."""
    simulation = Simulation(net, resolution=resolution, seed=seed, **more)
    for begin, end in zip([0.0, *cuts], [*cuts, DURATION]):
        simulation.run(end - begin, callback)
    return left_by(simulation)


def left_by(simulation):
    sink = simulation.sink
    simulation.spikes(next(iter(sink.run.populations)))
    found = {name: b"".join(a.tobytes() for a in sink.instants(name)) for name in sink.run.populations}
    for k, channel in enumerate(simulation.recorder.states):
        found[f"{channel.population}.{channel.variable}"] = b"".join(a.tobytes() for a in sink.states(k))
    for k, channel in enumerate(simulation.recorder.weights):
        found[f"weights of {channel.projection}"] = b"".join(a.tobytes() for a in sink.weights(k))
    for name in sink.run.signals:
        found[f"signal {name}"] = repr(sink.signals(name)).encode()
    for name, cells in simulation.cells.items():
        found[f"end of {name}"] = b"".join(simulation.state(name, v).tobytes() for v in cells.variables)
    found["synapses"] = simulation.synapses().tobytes()
    return found


_references = {}


def reference(number, mode):
    """The outcome of the plain run."""
    if (number, mode) not in _references:
        _references[number, mode] = outcome(network(number, mode), resolution(number, mode))
    return _references[number, mode]


@MODES
@pytest.mark.parametrize("number", NUMBERS)
def test_twice_the_same_and_another_seed_another(mode, number):
    first = reference(number, mode)
    assert outcome(network(number, mode), resolution(number, mode)) == first
    assert outcome(network(number, mode), resolution(number, mode), seed=8) != first
    assert sum(len(v) for v in first.values()) > 5000


# -- how it was built -----------------------------------------------------------------------------------------------


def shuffled(net, random):
    """The same network built in another order: nodes, edges, parameters, signals, records."""
    built = Network(net.name)

    def turned(table):
        items = list(table.items())
        random.shuffle(items)
        return {k: turned(v) if isinstance(v, dict) else v for k, v in items}

    nodes = list(net.graph.nodes(data=True))
    random.shuffle(nodes)
    built.graph.add_nodes_from((name, turned(data)) for name, data in nodes)
    edges = list(net.projections)
    random.shuffle(edges)
    for source, target, data in edges:
        built.add_edge(source, target, turned(data))
    settings = copy.deepcopy(net.graph.graph)
    random.shuffle(settings.get("record", []))
    built.graph.graph.update(turned(settings))
    return built


@MODES
@FEW
@given(number=st.sampled_from(NUMBERS), random=st.randoms(use_true_random=False))
def test_in_whatever_order_it_was_built(mode, number, random):
    assert outcome(shuffled(network(number, mode), random), resolution(number, mode)) == reference(number, mode)


EDGES = st.lists(
    st.tuples(
        st.sampled_from(["b", "a", 10, 9, "c"]), st.sampled_from(["b", "a", 10, 9, "c"]),
        st.sampled_from([700.0, 900.0, -300.0]), st.sampled_from([1.0, 1.5, 2.25]),
        st.sampled_from([None, "pair_stdp"]),
    ),
    min_size=4, max_size=14,
)  # fmt: skip


@MODES
@FEW
@given(edges=EDGES, random=st.randoms(use_true_random=False))
def test_in_whatever_order_single_neurons_and_parallel_edges_were_added(mode, edges, random):
    def built(edges, nodes):
        graph = nx.MultiDiGraph(model="lif_exp")
        for node in nodes:
            graph.add_node(node, I_e=450.0 if node in ("a", 9) else 0.0)
        for source, target, weight, delay, rule in edges:
            plastic = {"plasticity": {"rule": rule, "params": {"a_plus": 50.0}}} if rule else {}
            graph.add_edge(source, target, weight=weight, delay=delay, **plastic)
        return graph

    nodes = ["b", "a", 10, 9, "c"]
    first = outcome(built(edges, nodes), "exact" if mode == "exact" else 0.25)
    random.shuffle(nodes)
    random.shuffle(edges)
    assert outcome(built(edges, nodes), "exact" if mode == "exact" else 0.25) == first


# -- how it was run -------------------------------------------------------------------------------------------------


@MODES
@FEW
@given(number=st.sampled_from(NUMBERS), cuts=CUTS)
@example(number=0, cuts=[32.0])
@example(number=1, cuts=[0.5, 32.0])
@example(number=3, cuts=[7.0, 8.0, 32.0])
@example(number=2, cuts=[k / 8 for k in range(1, 512, 3)])
@example(number=6, cuts=[k / 8 for k in range(1, 512, 3)])
@example(number=9, cuts=[32.0])
def test_wherever_it_was_cut(mode, number, cuts):
    assert outcome(network(number, mode), resolution(number, mode), cuts) == reference(number, mode)


@MODES
@pytest.mark.parametrize("number", NUMBERS)
def test_whoever_was_watching(mode, number):
    """Reading everything after each window, and asking to stop now and then, leaves no trace."""
    calls = 0

    def watch(engine):
        nonlocal calls
        calls += 1
        if calls % 3 == 0:
            left_by(engine)

    assert outcome(network(number, mode), resolution(number, mode), callback=watch) == reference(number, mode)
    assert calls >= DURATION / 10.0
    simulation = Simulation(network(number, mode), resolution=resolution(number, mode), seed=7)
    while simulation.time < DURATION:
        simulation.run(DURATION - simulation.time, callback=lambda engine: engine.stop())
    assert left_by(simulation) == reference(number, mode)


@MODES
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("parts", [2, 3])
def test_into_however_many_parts_it_was_split(mode, number, parts):
    assert outcome(network(number, mode), resolution(number, mode), parts=parts) == reference(number, mode)


@MODES
@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_with_whatever_room_for_history(mode, number, monkeypatch):
    """Postsynaptic spikes are dropped and rows swept when a log is full: at other times here than in the plain run."""
    wanted = reference(number, mode)
    monkeypatch.setattr(learning, "HISTORY", 4)
    assert outcome(network(number, mode), resolution(number, mode)) == wanted


# -- who recorded it ------------------------------------------------------------------------------------------------


@MODES
@pytest.mark.parametrize("number", [0, 3, 9])
def test_a_trace_holds_what_memory_held(mode, number, tmp_path):
    path = tmp_path / "run.h5"
    with Simulation(network(number, mode), resolution=resolution(number, mode), seed=7, trace=path) as simulation:
        simulation.run(DURATION)
    held = Simulation(network(number, mode), resolution=resolution(number, mode), seed=7)
    held.run(DURATION)
    with Trace(path) as trace:
        assert set(trace.populations) == set(held.sink.run.populations)
        for name in trace.populations:
            for found, wanted in zip(trace.spikes(name), held.spikes(name)):
                assert np.asarray(found).tolist() == wanted.tolist()
    assert sum(held.spikes(name)[0].size for name in held.cells) > 20


# -- in how many processes it was run -------------------------------------------------------------------------------


@MODES
@FEW
@given(number=st.sampled_from(NUMBERS), cuts=CUTS, parts=st.lists(st.integers(1, 3), min_size=1, max_size=4))
@example(number=0, cuts=[32.0], parts=[1])
@example(number=1, cuts=[0.5, 32.0], parts=[2, 1])
@example(number=2, cuts=[7.0, 8.0, 32.0], parts=[1, 3])
@example(number=3, cuts=[7.0, 8.0, 32.0], parts=[1])
@example(number=6, cuts=[32.0], parts=[1])
@example(number=9, cuts=[32.0], parts=[2])
@example(number=15, cuts=[32.0], parts=[2])
@example(number=0, cuts=[0.0625009536743164, 0.06250190734863281], parts=[1])
def test_wherever_it_was_saved_and_gone_on_with(mode, number, cuts, parts):
    ends = [*cuts, DURATION]
    found = run_in_stages(lambda: network(number, mode), resolution(number, mode), ends, parts)
    assert left_by(found) == reference(number, mode)

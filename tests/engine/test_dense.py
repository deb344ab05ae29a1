"""Exact mode by sums: the spikes of walks and of the oracle, and the same bytes however a window is divided."""

from __future__ import annotations

import numpy as np
import pytest

from comparison import differences
from neuromorph import Network, Simulation
from neuromorph.engine import dense_windows
from neuromorph.engine import simulation as engine
from neuromorph.engine.dense_windows import DenseWindows
from neuromorph.lowered import dense

PARAMS = {"tau_m": 20.0, "C_m": 20.0, "E_L": -65.0, "V_th": -50.0, "V_reset": -60.0, "t_ref": 2.3}
DURATION = 60.0


def network(recorded=False, rate=6000.0, t_ref=2.3, model="lif_delta", own=False):
    """Two populations, of which one has excitation and inhibition by inputs of each cell's own, and two delays."""
    net = Network("dense")
    initial = {"V_m": {"distribution": "uniform", "low": -65.0, "high": -51.0}}
    params = {**PARAMS, "t_ref": t_ref}
    net.add_population("e", model, 70, {**params, "V_th": np.linspace(-50.0, -49.0, 70)} if own else params, initial)
    net.add_population("i", model, 21, {**params, "V_reset": -70.0}, initial)
    inputs = ("x", "e", 0.3, rate), ("y", "e", -0.2, rate / 2.0), ("z", "i", 0.27, rate), ("never", "i", 1.0, 0.0)
    for name, target, weight, given in inputs:
        net.add_input(name, "poisson", 70 if target == "e" else 21, {"rate": given})
        net.connect(name, target, "one_to_one", weight, 1.25)
        if recorded:
            net.record(name, "spikes")
    net.connect("e", "e", "fixed_indegree", {"distribution": "normal", "mean": 0.3, "std": 0.3}, 1.0, indegree=20)
    net.connect("e", "i", "fixed_indegree", 0.4, 1.7, indegree=20)
    net.connect("i", "e", "fixed_indegree", -0.9, 1.0, indegree=8)
    net.connect("i", "i", "fixed_indegree", -0.9, 2.75, indegree=8)
    net.add_input("volley", "spike_train", 2, {"times": [7.3, 7.3, 21.1], "indices": [1, 1, 0]})  # two at one instant
    net.connect("volley", "e", "all_to_all", 0.7, 1.1)
    for name in "ei":
        net.record(name, "spikes")
    net.record("e", "V_m", 2.9)
    return net


def outcome(net, cuts=(), **more):
    simulation = Simulation(net, resolution="exact", seed=4, **more)
    assert isinstance(simulation.windows, DenseWindows)
    for begin, end in zip([0.0, *cuts], [*cuts, DURATION]):
        simulation.run(end - begin)
    return left_by(simulation)


def left_by(simulation):
    spikes = [b"".join(a.tobytes() for a in simulation.sink.instants(name)) for name in "ei"]
    states = [simulation.sink.states(0)[1].tobytes(), *(simulation.state(n, "V_m").tobytes() for n in "ei")]
    return spikes, states, simulation.close()


def walked(monkeypatch):
    monkeypatch.setattr(engine, "dense", lambda network: False)


def test_which_networks_are_dense():
    def found(net, resolution="exact"):
        return isinstance(Simulation(net, resolution=resolution).windows, DenseWindows)

    assert found(network())
    assert found(network(recorded=True))
    assert not found(network(rate=600.0))
    assert not found(network(own=True))
    assert not found(network(), 0.1)
    sparse, learning = network(), network()
    sparse.add_population("other", "lif_exp", 1)
    learning.connect("e", "e", "fixed_indegree", 0.1, 1.0, indegree=1, plasticity="pair_stdp", name="learning")
    assert not found(sparse)
    assert not found(learning)
    lifted = network()
    lifted.add_population("lifted", "lif_delta", 5, {**PARAMS, "I_e": 20.0})
    assert not found(lifted)


@pytest.mark.parametrize("t_ref", [0.0, 0.4, 1.0, 2.3])
def test_as_walks(monkeypatch, t_ref):
    sums = outcome(network(t_ref=t_ref))
    assert sums[2]["spikes"] > 200
    walked(monkeypatch)
    simulation = Simulation(network(t_ref=t_ref), resolution="exact", seed=4)
    simulation.run(DURATION)
    walks = left_by(simulation)
    assert sums[0] == walks[0]
    assert sums[2] == walks[2]
    for a, b in zip(sums[1], walks[1]):
        np.testing.assert_allclose(np.frombuffer(a), np.frombuffer(b), rtol=0.0, atol=1e-10)


def test_as_the_oracle():
    found = differences(network(recorded=True), "exact", 40.0, seed=2, cuts=[3.3, 10.0])
    assert isinstance(found["simulation"].windows, DenseWindows)
    assert found["problems"] == []
    assert found["spikes"] > 100


def test_drawn_at_the_cell_or_through_the_calendar():
    assert outcome(network()) == outcome(network(recorded=True))


@pytest.mark.parametrize("cuts", [(0.125, 30.3, 30.4), (1.0, 2.0, 2.75), tuple(np.arange(0.3, 59.0, 0.7).tolist())])
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_cuts_and_parts_change_nothing(cuts, parts):
    assert outcome(network(), cuts, parts=parts) == outcome(network())


@pytest.mark.parametrize("bins", [1, 2, 7, 64])
def test_however_many_bins(monkeypatch, bins):
    expected = outcome(network())
    monkeypatch.setattr(dense_windows, "PER_BIN", 1e-9)
    monkeypatch.setattr(dense_windows, "MOST_BINS", bins)
    assert outcome(network()) == expected


def test_small_buffers_change_nothing(monkeypatch):
    expected = outcome(network(), (30.0,))
    make = {name: getattr(DenseWindows, name) for name in ("_make_batches", "_make_spikes", "_make_own", "_make_chunk")}
    for name, made in make.items():
        monkeypatch.setattr(DenseWindows, name, _smaller(made))
    monkeypatch.setattr(dense_windows, "ROOM", 4)
    assert outcome(network(), (30.0,)) == expected


def _smaller(make):
    return lambda self, n, *more: make(self, n if hasattr(self, "_hits") else min(n, 20), *more)


def test_setting_a_state_is_an_event_of_its_own():
    ends = []
    for cuts in ((), (0.6, 1.1)):
        simulation = Simulation(network(), resolution="exact", seed=4)
        simulation.run(20.3)
        before = simulation.state("e", "V_m")
        simulation.set_state("e", "V_m", -50.5, [3, 5])
        after = simulation.state("e", "V_m")
        assert after[[3, 5]].tolist() == [-50.5, -50.5]
        assert np.delete(after, [3, 5]).tolist() == np.delete(before, [3, 5]).tolist()
        for begin, end in zip([0.0, *cuts], [*cuts, 30.0]):
            simulation.run(end - begin)
        ends.append(left_by(simulation))
    assert ends[0] == ends[1]
    assert ends[0][0] != outcome(network())[0]


@pytest.mark.parametrize("time", [20.0, 20.3])
def test_cells_that_are_lifted_above_threshold_are_walked(monkeypatch, time):
    spikes = []
    for sums in (True, False):
        if not sums:
            walked(monkeypatch)
        simulation = Simulation(network(), resolution="exact", seed=4)
        simulation.run(time)
        simulation.set_state("e", "I_stim", 40.0)
        simulation.run(20.0)
        spikes.append(left_by(simulation)[0])
    assert len(spikes[0][0]) > 24 * 250
    for a, b in zip(*spikes):
        np.testing.assert_allclose(np.frombuffer(a)[1::3], np.frombuffer(b)[1::3], rtol=0.0, atol=1e-9)


def test_arrivals_of_one_instant_are_summed_before_the_threshold_is_tested(monkeypatch):
    monkeypatch.setattr(dense, "MANY", 0.0)
    net = Network("ties")
    net.add_population("c", "lif_delta", 3, {**PARAMS, "E_L": 0.0, "V_th": 0.75, "V_reset": 0.0})
    net.add_input("a", "spike_train", 4, {"times": np.full(4, 0.7), "indices": np.arange(4)})
    for k, weights in enumerate(([0.25, 0.25, 0.25], [0.3125, 0.4375, 0.0], [1.0, -0.5, 0.1875])):
        for j, weight in enumerate(weights):
            rule = {"rule": "explicit", "sources": [j], "targets": [k]}
            net.connect("a", "c", weight=weight, delay=0.3, name=f"{j}{k}", **rule)
    net.record("c", "spikes")
    simulation = Simulation(net, resolution="exact")
    simulation.run(5.0)
    assert simulation.spikes("c")[1].tolist() == [0, 1]  # 0.75 exactly, 0.75 exactly, 0.6875


def test_a_reset_drops_what_is_on_its_way():
    ends = []
    for recorded in (False, True):
        simulation = Simulation(network(recorded), resolution="exact", seed=4)
        simulation.run(20.3)
        simulation.reset()
        simulation.run(30.0)
        ends.append(left_by(simulation))
    assert ends[0] == ends[1]

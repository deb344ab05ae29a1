"""Populations of few arrivals are kept by active list: the spikes of a sweep, and the same bytes however cut."""

from __future__ import annotations

import numpy as np
import pytest

from comparison import differences
from neuromorph import Network, Simulation
from neuromorph.engine import simulation as engine
from neuromorph.lowered import lazy

PARAMS = {"tau_m": 20.0, "C_m": 20.0, "E_L": 0.0, "V_th": 20.0, "V_reset": 5.0, "t_ref": 2.0}
DURATION = 300.0


@pytest.fixture(autouse=True)
def small_ones_too(monkeypatch):
    monkeypatch.setattr(lazy, "LEAST", 1)


def test_small_populations_are_swept(monkeypatch):
    monkeypatch.undo()
    simulation = Simulation(network(), resolution=0.1)
    simulation.run(0.1)
    assert not simulation.sink.run.provenance.get("active_lists")


def network(recorded=False, own=False, rate=40.0):
    """A lazy population, one under steady current that is swept, and another lazy one of few cells."""
    net = Network("lazy")
    params = {**PARAMS, "t_ref": np.linspace(0.0, 4.0, 1100)} if own else PARAMS
    initial = {"V_m": {"distribution": "uniform", "low": 0.0, "high": 24.0}}
    net.add_population("big", "lif_delta", 1100, params, initial)
    net.add_population("busy", "lif_delta", 30, {**PARAMS, "I_e": 21.0}, initial)
    net.add_population("few", "lif_delta", 7, PARAMS)
    net.add_input("noise", "poisson", 1100, {"rate": rate})
    net.add_input("kick", "spike_train", 1, {"times": [50.0, 51.0, 120.0]})
    net.connect("noise", "big", "one_to_one", 15.0, 1.5)
    net.connect("big", "big", "fixed_indegree", 1.5, 1.0, indegree=20)
    net.connect("big", "few", "fixed_indegree", 4.0, 0.3, indegree=12)
    net.connect("few", "big", "fixed_outdegree", -3.0, 2.0, outdegree=30, name="inhibition")
    net.connect("busy", "big", "fixed_outdegree", 2.0, 0.7, outdegree=20)
    net.connect("kick", "big", "all_to_all", 25.0, 1.0)
    net.record("big", "V_m", 7.3, indices=[0, 1, 2, 700])
    for name in ("big", "busy", "few", *(("noise",) if recorded else ())):
        net.record(name, "spikes")
    return net


def outcome(net, cuts=(), callback=None, **more):
    simulation = Simulation(net, resolution=0.1, seed=3, **more)
    for begin, end in zip([0.0, *cuts], [*cuts, DURATION]):
        simulation.run(end - begin, callback)
    return left_by(simulation)


def left_by(simulation):
    spikes = {n: tuple(np.asarray(a).tobytes() for a in simulation.spikes(n)) for n in ("big", "busy", "few")}
    states = {n: simulation.state(n, "V_m").tobytes() for n in spikes}
    return spikes, states, [a.tobytes() for a in simulation.sink.states(0)]


def dense(monkeypatch):
    monkeypatch.setattr(engine, "lazy_populations", lambda network: [])


def test_which_populations_are_lazy_and_that_it_is_noted():
    simulation = Simulation(network(), resolution=0.1)
    simulation.run(0.1)
    assert simulation.sink.run.provenance["active_lists"] == "big, few"
    simulation = Simulation(network(recorded=True), resolution=0.1)
    simulation.run(0.1)
    assert simulation.sink.run.provenance["active_lists"] == "big, few"
    simulation = Simulation(network(rate=600.0), resolution=0.1)  # more than 0.05 arrivals per cell and tick
    simulation.run(0.1)
    assert simulation.sink.run.provenance["active_lists"] == "few"
    learning = alone()
    learning.connect("c", "c", weight=1.0, plasticity="pair_stdp")
    for net, resolution in ((alone(), "exact"), (learning, 0.1)):
        simulation = Simulation(net, resolution=resolution)
        simulation.run(0.1)
        assert "active_lists" not in simulation.sink.run.provenance


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("parts", [1, 3])
def test_spike_for_spike_as_swept(own, parts, monkeypatch):
    found = outcome(network(own=own), parts=parts)
    dense(monkeypatch)
    swept = outcome(network(own=own), parts=parts)
    assert found[0] == swept[0]
    assert len(found[0]["big"][0]) > 8 * 3000
    assert len(found[0]["few"][0]) > 8 * 20
    for name in found[1]:
        values = [np.frombuffer(states[name]) for states in (found[1], swept[1])]
        np.testing.assert_allclose(*values, rtol=0, atol=1e-11)
    np.testing.assert_allclose(*(np.frombuffer(a[2][1]) for a in (found, swept)), rtol=0, atol=1e-11)


def test_the_same_bytes_however_cut_split_watched_or_recorded():
    wanted = outcome(network())
    assert outcome(network(), cuts=np.arange(0.05, DURATION, 1.7).tolist()) == wanted
    assert outcome(network(), cuts=[0.1, 50.0, 51.1, 52.0]) == wanted
    for parts in (2, 3):
        assert outcome(network(), parts=parts) == wanted
    assert outcome(network(), callback=left_by, cuts=np.arange(3.0, DURATION, 11.0).tolist()) == wanted
    assert outcome(network(recorded=True)) == wanted


def test_spikes_of_a_tick_come_in_order_of_id():
    simulation = Simulation(network(), resolution=0.1, parts=2)
    simulation.run(60.0)
    tick, _, cell = simulation.sink.instants("big")
    assert np.all(np.diff(tick * 2000 + cell) > 0)
    assert np.bincount(tick)[510] > 500  # the kick fires all cells that are not refractory at once


def alone(**params):
    net = Network("alone")
    net.add_population("c", "lif_delta", 5, {**PARAMS, **params})
    net.add_input("kick", "spike_train", 1, {"times": [10.0, 11.0]})
    net.connect("kick", "c", "explicit", [25.0, 25.0], 1.0, sources=[0, 0], targets=[1, 3])
    return net


def push_above(simulation):
    simulation.set_state("c", "V_m", [30.0, 19.0], indices=[0, 2])


def push_while_refractory(simulation):
    simulation.set_state("c", "V_m", 30.0, indices=[1])


def inject(simulation):
    simulation.set_state("c", "I_stim", 25.0, indices=[2, 3])


def inject_little(simulation):
    simulation.set_state("c", "I_stim", 15.0)


def inject_and_forget(simulation):
    inject(simulation)
    simulation.run(30.0)
    simulation.reset()
    simulation.run(5.0)
    simulation.set_state("c", "V_m", 21.0, indices=[4, 4])


@pytest.mark.parametrize(
    ("change", "spikes"),
    [(push_above, 3), (push_while_refractory, 3), (inject, 4), (inject_little, 2), (inject_and_forget, 4)],
)
@pytest.mark.parametrize("parts", [1, 2])
def test_what_is_set_by_hand_acts_as_where_all_are_swept(change, spikes, parts, monkeypatch):
    ends = []
    for sweep in (False, True):
        if sweep:
            dense(monkeypatch)
        simulation = Simulation(alone(), resolution=0.1, parts=parts)
        assert simulation.cells["c"].kind.lazy == (not sweep)
        simulation.run(11.5)
        change(simulation)
        before = simulation.state("c", "V_m")
        simulation.run(60.0)
        times, cells = simulation.spikes("c")
        ends.append((times.tolist(), cells.tolist()))
        states = [before, simulation.state("c", "V_m"), simulation.state("c", "I_stim")]
        ends.append(np.array(states))
    assert ends[0] == ends[2]
    assert len(ends[0][0]) >= spikes
    np.testing.assert_allclose(ends[1], ends[3], rtol=0, atol=1e-11)


def test_setting_one_cell_leaves_the_bits_of_the_others():
    found = []
    for touched in (False, True):
        simulation = Simulation(network(), resolution=0.1, seed=3)
        simulation.run(20.0)
        if touched:
            simulation.set_state("few", "V_m", 1.0, indices=[3])
            simulation.set_state("big", "V_m", simulation.state("big", "V_m")[5], indices=[5])
        simulation.run(0.4)
        found.append(np.delete(simulation.state("big", "V_m"), 5))
    assert found[0].tobytes() == found[1].tobytes()


def test_a_current_or_a_rest_above_threshold_means_a_sweep():
    net = alone()
    net.add_input("dc", "dc_current", 1, {"amplitude": 1.0})
    net.connect("dc", "c", receptor="current")
    for described in (net, alone(I_e=20.0), alone(E_L=[0.0, 0.0, 0.0, 20.0, 0.0])):
        assert not Simulation(described, resolution=0.1).cells["c"].kind.lazy
    net = alone()
    net.graph.nodes["c"]["initial"] = {"I_stim": 20.0}
    assert not Simulation(net, resolution=0.1).cells["c"].kind.lazy


@pytest.mark.parametrize("parts", [1, 2])
def test_as_the_oracle(parts):
    """Dyadic weights and potentials, so that ties are meant; refractory periods of their own."""
    net = Network("dyadic")
    net.add_population("c", "lif_delta", 40, {**PARAMS, "t_ref": (np.arange(40) % 5 / 2.0).tolist()})
    net.add_input("p", "poisson", 40, {"rate": 60.0})
    net.connect("p", "c", "one_to_one", 20.0, 1.5)
    net.connect("c", "c", "fixed_indegree", 5.0, 1.0, indegree=3, name="up")
    net.connect("c", "c", "fixed_indegree", -2.5, 0.5, indegree=2, name="down")
    net.record("c", "V_m", 6.5)
    found = differences(net, 0.125, 250.0, seed=parts, parts=parts, cuts=[31.3, 100.0])
    assert found["simulation"].cells["c"].kind.lazy
    assert found["grazes"] == 0
    assert found["problems"] == []
    assert found["spikes"] > 300

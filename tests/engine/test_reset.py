"""A reset between trials clears what is in flight, membranes, traces and refractoriness, and keeps the rest."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.engine import learning
from neuromorph.learning.contract import LearningRule, State
from neuromorph.learning.registry import registry
from neuromorph.parameters import Param

BOTH = pytest.mark.parametrize("resolution", ["exact", 0.5], ids=["exact", "grid"])
FIRES = 15.0  # mV from rest to the threshold


def driven(spikes, links, params=None):
    """Cell "c" and input "i" with spikes (ms, index); a link is (source, weight, delay, plasticity)."""
    network = Network("reset")
    network.add_population("c", "lif_delta", 1, params)
    network.add_input(
        "i", "spike_train", 4, {"times": [float(t) for t, _ in spikes], "indices": [i for _, i in spikes]}
    )
    for number, (source, weight, delay, plasticity) in enumerate(links):
        network.connect(
            "i", "c", "explicit", sources=[source], targets=[0], weight=weight, delay=delay, plasticity=plasticity,
            name=f"p{number}",
        )  # fmt: skip
    return network


def after_reset(network, resolution, at, until):
    simulation = Simulation(network, resolution=resolution)
    simulation.run(at)
    simulation.reset()
    simulation.run(until - at)
    return simulation


@BOTH
@pytest.mark.parametrize("plasticity", [None, "pair_stdp"])
def test_spikes_in_flight_are_gone_and_later_ones_come(resolution, plasticity):
    network = driven([(4, 0), (6, 0)], [(0, FIRES, 3.0, plasticity)])
    assert Simulation(network, resolution=resolution).time == 0.0
    simulation = after_reset(network, resolution, 5.0, 12.0)
    assert simulation.spikes("c")[0].tolist() == [9.0]
    assert simulation.time == 12.0


@BOTH
def test_membranes_go_back_to_their_initial_values_and_decay_from_there(resolution):
    network = driven([(4, 0)], [(0, 10.0, 1.0, None)])
    network.graph.nodes["c"]["initial"] = {"V_m": -75.0}
    simulation = Simulation(network, resolution=resolution)
    simulation.run(6.0)
    assert simulation.state("c", "V_m")[0] > -72.0
    simulation.reset()
    assert simulation.state("c", "V_m").tolist() == [-75.0]
    simulation.run(3.0)
    assert simulation.state("c", "V_m")[0] == pytest.approx(-70.0 - 5.0 * math.exp(-0.3), abs=1e-12)


@BOTH
def test_nobody_is_refractory_after_it(resolution):
    network = driven([(3, 0), (5.5, 0)], [(0, FIRES, 1.0, None)], {"t_ref": 50.0})
    assert after_reset(network, resolution, 5.0, 9.0).spikes("c")[0].tolist() == [4.0, 6.5]


@BOTH
@pytest.mark.parametrize("room", [1, 1 << 14])
def test_traces_and_history_are_forgotten_and_weights_kept(resolution, room, monkeypatch):
    """Pre at 2, post at 4, seen at 5: learnt. Pre at 6, post at 8 (seen at 9) and a reset at 8: not learnt after it."""
    monkeypatch.setattr(learning, "HISTORY", room)
    pair = {"rule": "pair_stdp", "params": {"a_plus": 1.0, "a_minus": 1.0}}
    network = driven([(2, 0), (3, 1), (6, 0), (7, 1), (10, 1), (14, 0)], [(0, 2.0, 1.0, pair), (1, 20.0, 1.0, None)])
    simulation = Simulation(network, resolution=resolution)
    simulation.run(8.0)
    assert simulation.spikes("c")[0].tolist() == [4.0, 8.0]
    # the pair of 2 and 4, then on_pre at 6 with the spike that was seen at 5
    learnt = 2.0 + math.exp(-3.0 / 20.0) - math.exp(-1.0 / 20.0)
    assert simulation.weights("p0")[0] == pytest.approx(learnt, abs=1e-6)
    simulation.reset()
    simulation.run(4.0)  # post at 11, seen at 12: no presynaptic trace is left
    assert simulation.spikes("c")[0].tolist() == [4.0, 8.0, 11.0]
    assert simulation.weights("p0")[0] == pytest.approx(learnt, abs=1e-6)
    simulation.run(3.0)  # on_pre at 14 sees the spike of 11 alone, at 12
    assert simulation.weights("p0")[0] == pytest.approx(learnt - math.exp(-2.0 / 20.0), abs=1e-6)


class Remembering(LearningRule):
    """Its state begins at 1 and decays; the weight becomes the state."""

    tau = Param(10.0, "ms", above=0)
    e = State(1.0, "tau")

    def on_pre(w, pre, post, p, syn):
        return syn.e, syn.e


@BOTH
def test_states_of_synapses_begin_again_at_the_reset(resolution):
    with registry.override({"remembering": Remembering}):
        network = driven([(2, 0), (8, 0)], [(0, 0.0, 1.0, {"rule": "remembering", "w_max": 9.0})])
        simulation = after_reset(network, resolution, 5.0, 9.0)
    assert simulation.weights("p0")[0] == np.float32(math.exp(-0.3))


@BOTH
def test_random_counters_go_on(resolution):
    network = Network("poisson")
    network.add_population("c", "lif_delta", 1)
    network.add_input("p", "poisson", 5, {"rate": 300.0})
    network.record("p", "spikes")
    without = Simulation(network, resolution=resolution)
    without.run(40.0)
    with_reset = after_reset(network, resolution, 17.3, 40.0)
    for a, b in zip(without.spikes("p"), with_reset.spikes("p")):
        assert a.tolist() == b.tolist()
    assert without.spikes("p")[0].size > 20


@BOTH
def test_a_current_that_is_on_stays_on(resolution):
    network = driven([(1, 0)], [(0, 1.0, 1.0, None)])
    network.graph.nodes["c"]["params"] = {"V_th": 100.0}
    network.add_input("dc", "dc_current", 1, {"times": [0.0, 4.0, 12.0], "amplitudes": [100.0, 300.0, 50.0]})
    network.connect("dc", "c", weight=0.5)
    simulation = Simulation(network, resolution=resolution)
    simulation.run(6.0)
    simulation.reset()
    assert simulation.state("c", "I_stim").tolist() == [150.0]
    assert simulation.state("c", "V_m").tolist() == [-70.0]
    simulation.run(5.0)
    assert simulation.state("c", "V_m")[0] == pytest.approx(-70.0 - 6.0 * math.expm1(-0.5), abs=1e-12)
    simulation.run(2.0)
    assert simulation.state("c", "I_stim").tolist() == [25.0]


class Signalled(LearningRule):
    """Adds every signal to the weight."""

    def on_signal(w, pre, post, p, value):
        return w + value


@BOTH
def test_signals_of_spikes_in_flight_are_gone_and_timed_ones_come(resolution):
    with registry.override({"signalled": Signalled}):
        links = [(0, 1.0, 1.0, {"rule": "signalled", "signals": ["crowd", "timed"], "w_max": 1e6})]
        network = driven([(3, 1), (4, 1), (8, 1)], links)
        network.add_signal("crowd", population="i", delay=3.0)
        network.add_signal("timed", times=[4.0, 5.0], values=[100.0, 1000.0], delay=3.0)
        simulation = after_reset(network, resolution, 6.5, 12.0)
    # the spikes of 3 (arrived at 6) and 8, not that of 4
    assert simulation.weights("p0").tolist() == [1.0 + 1.0 + 100.0 + 1000.0 + 1.0]


@BOTH
def test_set_weights_survive(resolution):
    network = driven([(4, 0), (6, 1)], [(0, 1.0, 1.0, "pair_stdp"), (1, 1.0, 1.0, None)])
    simulation = Simulation(network, resolution=resolution)
    simulation.run(2.0)
    for name in ("p0", "p1"):
        simulation.set_weights(name, 2.5)
    simulation.reset()
    assert [simulation.weights(name)[0] for name in ("p0", "p1")] == [2.5, 2.5]
    simulation.run(3.0)
    assert simulation.state("c", "V_m").tolist() == [-67.5]

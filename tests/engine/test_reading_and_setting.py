"""Between runs: states, weights and synapses are read and set, signals are sent."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.small import small
from neuromorph import Network, Simulation
from neuromorph.engine.memory import MemorySink
from neuromorph.engine.simulation import Engine
from neuromorph.errors import InputError
from neuromorph.learning.contract import LearningRule
from neuromorph.learning.registry import registry

BOTH = pytest.mark.parametrize("resolution", ["exact", 0.5], ids=["exact", "grid"])


# -- states ---------------------------------------------------------------------------------------------------------


def test_a_state_is_read_now_and_reading_is_a_copy(simulation):
    simulation.run(2.0)
    V = simulation.state("E", "V_m")
    assert V.tolist() == [-70.0, -69.0, -68.0]
    V[:] = 0.0
    assert simulation.state("E", "V_m").tolist() == [-70.0, -69.0, -68.0]
    simulation.run(0.5)
    decayed = [-70.0, -70.0 + math.exp(-0.05), -70.0 + 2.0 * math.exp(-0.05)]
    assert simulation.state("E", "V_m") == pytest.approx(decayed, abs=1e-12)


def test_a_state_that_is_set_counts_from_now_on(simulation):
    simulation.run(3.5)
    simulation.set_state("E", "V_m", [-60.0, -65.0], indices=[1, 2])
    simulation.set_state("I", "I_ex", 40.0)
    assert simulation.state("E", "V_m")[1:].tolist() == [-60.0, -65.0]
    assert simulation.state("I", "I_ex").tolist() == [40.0, 40.0]
    simulation.run(0.5)
    assert simulation.state("E", "V_m")[1] == pytest.approx(-70.0 + 10.0 * math.exp(-0.05), abs=1e-12)
    assert simulation.state("I", "I_ex")[1] == pytest.approx(40.0 * math.exp(-0.25), abs=1e-12)


@BOTH
def test_a_cell_that_is_pushed_crosses_its_threshold(resolution):
    simulation = Simulation(small(), resolution=resolution)
    simulation.run(4.0)
    simulation.set_state("E", "I_stim", 2000.0, indices=2)  # towards E_L + 80 mV from where it is
    V = simulation.state("E", "V_m")[2] + 70.0
    simulation.run(10.0)
    crossing = 4.0 + 10.0 * math.log((80.0 - V) / 65.0)
    times, indices = simulation.spikes("E")
    assert times[indices == 2][0] == pytest.approx(crossing, abs=1e-9 if resolution == "exact" else 0.5)


def test_a_state_at_the_threshold_is_refused_in_exact_mode_and_nothing_changes():
    simulation = Simulation(small(), resolution="exact")
    simulation.run(2.5)
    before = simulation.state("E", "V_m").tolist()
    with pytest.raises(InputError, match=r"E\[2\]: exact mode cannot start at or above the threshold"):
        simulation.set_state("E", "V_m", [-60.0, -55.0], indices=[1, 2])
    assert simulation.state("E", "V_m").tolist() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("e", "V_m", 1.0), "unknown population of neurons, found 'e'. Known: E, I"),
        (("noise", "V_m", 1.0), "unknown population of neurons, found 'noise'. Known: E, I"),
        (("E", "V_n", 1.0), r"unknown variable of E, found 'V_n'. Did you mean 'V_m'\?"),
        (("E", "V_m", -60.0, [3]), r"E.V_m: no such index, found 3 \(allowed: 0 to 2\)"),
        (("E", "V_m", -60.0, -1), r"E.V_m: no such index, found -1 \(allowed: 0 to 2\)"),
        (("E", "V_m", [-60.0, -61.0]), r"E.V_m: a wrong number of values, found \(2,\) \(allowed: one value, or 3\)"),
        (("E", "V_m", math.nan), r"E.V_m: value is not finite, .*allowed: finite numbers"),
    ],
)
def test_what_cannot_be_set_is_said(simulation, arguments, words):
    with pytest.raises(InputError, match=words):
        simulation.set_state(*arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("J", "V_m"), "unknown population of neurons, found 'J'"), (("I", "g_ex"), r"unknown variable of I.*'I_ex'")],
)
def test_what_cannot_be_read_is_said(simulation, arguments, words):
    with pytest.raises(InputError, match=words):
        simulation.state(*arguments)


# -- weights --------------------------------------------------------------------------------------------------------


def test_weights_are_read_by_ordinal_and_reading_is_a_copy(simulation):
    found = simulation.weights("drive")
    assert found.dtype == np.float32
    assert found.tolist() == [15.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    found[:] = 0.0
    assert simulation.weights("drive")[0] == 15.0


def test_plastic_weights_are_brought_up_to_date_when_read(simulation):
    simulation.run(2.5)
    assert simulation.weights("learnt").tolist() == [100.0] * 6
    simulation.set_state("I", "V_m", -55.001, indices=1)
    simulation.set_state("I", "I_stim", 1000.0, indices=1)
    simulation.run(2.0)
    (fired,) = simulation.spikes("I")[0]  # not yet seen by the synapses of delay 2.5 and more
    learnt = simulation.weights("learnt")
    seen = [100.0 + 0.01 * math.exp(-(fired + 1.5 - 2.0) / 20.0) if k == 1 else 100.0 for k in range(6)]
    assert learnt == pytest.approx(np.float32(seen), abs=1e-5)
    assert learnt[1] > 100.0


def test_weights_that_are_set_are_delivered(simulation):
    simulation.set_weights("drive", [0.5, 7.0], ordinals=[0, 4])
    simulation.run(3.0)
    V = -70.0 + np.array([0.5, 1.0, 2.0]) * math.exp(-0.1) + [3.0, 7.0, 5.0]
    assert simulation.state("E", "V_m") == pytest.approx(V, abs=1e-12)
    simulation.set_weights("drive", 1.0)
    simulation.set_weights("learnt", np.arange(6.0))
    assert simulation.weights("drive").tolist() == [1.0] * 6
    assert simulation.weights("learnt").tolist() == list(range(6))


def test_the_lowered_network_is_not_touched_by_what_is_set(simulation):
    simulation.set_weights("drive", 0.0)
    simulation.set_weights("learnt", 0.0)
    simulation.run(3.0)
    fresh = Engine(simulation.network, MemorySink())
    assert fresh.weights("drive").tolist() == [15.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert fresh.weights("learnt").tolist() == [100.0] * 6


def test_weights_of_a_matrix():
    network = Network("matrix")
    network.add_population("c", "lif_delta", 64)
    network.add_input("i", "spike_train", 64, {"times": [1.0], "indices": [5]})
    network.connect("i", "c", weight=np.arange(4096.0).reshape(64, 64) / 4096.0, delay=1.0)
    simulation = Simulation(network, resolution=0.5)
    simulation.run(2.0)
    assert simulation.weights("i_c").tolist() == [k / 4096.0 for k in range(4096)]
    assert simulation.state("c", "V_m").tolist() == [-70.0 + (5 * 64 + k) / 4096.0 for k in range(64)]
    assert simulation.close()["synaptic_events"] == 64


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("drives", 1.0), r"unknown projection, found 'drives'. Did you mean 'drive'\?"),
        (
            ("drive", [1.0, 2.0]),
            r"projections.drive: a wrong number of values, found \(2,\) \(allowed: one value, or 6\)",
        ),
        (("drive", 1.0, [6]), r"projections.drive: no such index, found 6 \(allowed: 0 to 5\)"),
        (("drive", math.inf), "projections.drive: value is not finite, found inf"),
        (("drive", [0.0, 1.0, math.nan, 0.0, 0.0, 0.0]), r"projections.drive\[2\]: value is not finite, found nan"),
        (
            ("drive", 1e39),
            r"projections.drive: weight out of range, found 1e\+39 \(allowed: -3.4.*e\+38 to 3.4.*e\+38\)",
        ),
        (("learnt", -1.0), r"projections.learnt: weight out of range, found -1.0 \(allowed: 0 to 3.4.*e\+38\)"),
    ],
)
def test_weights_that_cannot_be_set_are_said(simulation, arguments, words):
    with pytest.raises(InputError, match=words):
        simulation.set_weights(*arguments)


def test_synapses_come_as_a_table(simulation):
    every = simulation.synapses()
    assert every.dtype.names == ("projection", "source", "target", "weight", "delay_ms", "receptor")
    assert every.size == 12
    found = simulation.synapses("learnt", target=1)
    assert found["source"].tolist() == [0, 1, 2]
    assert found["delay_ms"].tolist() == [1.5, 2.5, 3.5]
    assert set(found["projection"]) == {"learnt"}
    one = simulation.synapses(source=[1], target=[0, 2])
    assert one[one["projection"] == "drive"]["weight"].tolist() == [3.0, 5.0]
    with pytest.raises(InputError, match=r"unknown projection, found 'learn'. Did you mean 'learnt'\?"):
        simulation.synapses("learn")


# -- signals --------------------------------------------------------------------------------------------------------


class Adding(LearningRule):
    """Adds every signal to the weight."""

    def on_signal(w, pre, post, p, value):
        return w + value


@BOTH
def test_a_signal_arrives_at_once_and_is_recorded(resolution):
    with registry.override({"adding": Adding}):
        network = small()
        network.connect("noise", "I", weight=1.0, name="r", plasticity={"rule": "adding", "signals": ["reward"]})
        simulation = Simulation(network, resolution=resolution)
        simulation.signal("reward", 0.25)
        assert simulation.weights("r").tolist() == [1.25] * 4
        simulation.run(2.5)
        simulation.signal("reward", 2.0)
        simulation.run(5.0)
    assert simulation.weights("r").tolist() == [3.75] * 4
    assert simulation.sink.signals("reward") == [(0.0, 0.25), (2.5, 2.0), (4.0, 0.5)]


def test_a_signal_must_be_known_and_finite(simulation):
    with pytest.raises(InputError, match=r"unknown signal, found 'rewards'. Did you mean 'reward'\?"):
        simulation.signal("rewards", 1.0)
    with pytest.raises(InputError, match=r"signals.reward: value is not finite, found nan"):
        simulation.signal("reward", math.nan)

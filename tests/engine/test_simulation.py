"""The front door: run, stop, read and set, signal, spikes, and what each says of a mistake."""

from __future__ import annotations

import math
import warnings

import networkx as nx
import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.engine.memory import MemorySink
from neuromorph.engine.simulation import Engine
from neuromorph.errors import DescriptionError, InputError
from neuromorph.learning.contract import LearningRule
from neuromorph.learning.registry import registry

BOTH = pytest.mark.parametrize("resolution", ["exact", 0.5], ids=["exact", "grid"])


def small():
    """Two populations, a static and a plastic projection, a signal."""
    network = Network("small")
    network.add_population("E", "lif_delta", 3)
    network.add_population("I", "lif_exp", 2)
    network.add_input("noise", "spike_train", 2, {"times": [1.0, 2.0, 6.0], "indices": [0, 1, 0]})
    network.connect("noise", "E", weight=[[15.0, 1.0, 2.0], [3.0, 4.0, 5.0]], delay=1.0, name="drive")
    network.connect("E", "I", weight=100.0, delay=[1.0, 1.5, 2.0, 2.5, 3.0, 3.5], name="learnt", plasticity="pair_stdp")
    network.add_signal("reward", times=[3.0], values=[0.5], delay=1.0)
    return network


@pytest.fixture(params=["exact", 0.5], ids=["exact", "grid"])
def simulation(request):
    return Simulation(small(), resolution=request.param)


# -- run and stop ---------------------------------------------------------------------------------------------------


def test_time_goes_on_from_run_to_run(simulation):
    assert simulation.time == 0.0
    simulation.run(2.0)
    assert simulation.time == 2.0
    simulation.run(3.5)
    assert simulation.time == 5.5


def test_short_runs_add_up_on_the_grid():
    simulation = Simulation(small(), resolution=0.5)
    for _ in range(5):
        simulation.run(0.3)
    assert simulation.time == 1.5


@pytest.mark.parametrize("duration", [-1.0, math.nan, math.inf])
def test_a_duration_must_be_a_time(simulation, duration):
    with pytest.raises(
        InputError, match=r"run: duration is not a time, found .* \(allowed: a number of ms, 0 or above"
    ):
        simulation.run(duration)


def test_the_callback_is_called_after_every_window(simulation):
    seen = []
    simulation.run(5.0, callback=lambda engine: seen.append(engine.time))
    assert seen == sorted(set(seen))
    assert seen[-1] == 5.0
    assert {1.0, 2.0, 3.0, 4.0, 5.0} <= set(seen)  # the smallest delay is 1 ms


def test_stop_ends_the_run_after_the_window_and_nothing_is_lost(simulation):
    whole = Simulation(small(), resolution=simulation.clock.exact and "exact" or 0.5)
    whole.run(8.0)
    simulation.run(8.0, callback=lambda engine: engine.stop() if engine.time >= 3.0 else None)
    assert simulation.time == 3.0
    simulation.run(5.0)
    assert simulation.time == 8.0
    for name in ("E", "I"):
        assert [a.tolist() for a in simulation.spikes(name)] == [a.tolist() for a in whole.spikes(name)]


def test_the_summary_counts_spikes_and_synaptic_events(simulation):
    simulation.run(8.0)
    summary = simulation.close()
    assert summary == {
        "status": "complete", "simulated_ms": 8.0, "spikes": 2, "input_spikes": 3, "synaptic_events": 3 * 3 + 2 * 2,
    }  # fmt: skip
    assert simulation.sink.summary == summary
    assert simulation.close("interrupted")["simulated_ms"] == 8.0
    assert simulation.sink.summary["status"] == "complete"


# -- how it is made -------------------------------------------------------------------------------------------------


def test_resolution_and_seed_are_the_networks_where_none_is_given():
    network = small()
    network.run_settings(duration=7.0, resolution="0.25 ms", seed=9)
    simulation = Simulation(network)
    assert (simulation.clock.unit, simulation.clock.exact) == (0.25, False)
    assert simulation.network.seed == 9
    assert simulation.asked_duration == 7.0
    other = Simulation(network, resolution="exact", seed=3)
    assert other.clock.exact
    assert other.network.seed == 3


def test_a_plain_graph_of_single_neurons_runs():
    graph = nx.MultiDiGraph(model="lif_delta")
    graph.add_node("a", I_e=500.0)
    graph.add_edge("a", "b", weight=20.0, delay=1.0)
    simulation = Simulation(graph, resolution="exact")
    simulation.run(16.0)
    times, indices = simulation.spikes("lif_delta")
    first = 10.0 * math.log(4.0)
    assert times == pytest.approx([first, first + 1.0], abs=1e-9)
    assert indices.tolist() == [0, 1]


def test_parts_must_be_a_number_of_parts():
    with pytest.raises(InputError, match=r"parts is not a number of parts, found 0 \(allowed: 1 or above\)"):
        Simulation(small(), parts=0)


@pytest.mark.parametrize("model", ["lif_cond_exp", "izhikevich", "adex"])
def test_models_without_a_closed_form_are_refused_in_exact_mode(model):
    network = Network("grid only")
    network.add_population("c", model, 1)
    with pytest.raises(DescriptionError, match=f"{model}.*grid"):
        Simulation(network, resolution="exact")


def test_a_tiny_delay_in_exact_mode_is_warned_of():
    network = small()
    network.connect("noise", "I", weight=1.0, delay=0.005)
    with pytest.warns(UserWarning, match=r"the smallest delay, 0.005 ms, makes 2e\+05 windows a second"):
        Simulation(network, resolution="exact")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Simulation(small(), resolution="exact")


def test_a_trace_is_written_and_spikes_are_then_not_in_memory(tmp_path):
    with Simulation(small(), resolution=0.5, trace=tmp_path / "run.h5") as simulation:
        simulation.run(4.0)
        with pytest.raises(InputError, match=r"E: spikes are not in memory. Run first, and without `trace`"):
            simulation.spikes("E")
    assert (tmp_path / "run.h5").is_file()


# -- spikes ---------------------------------------------------------------------------------------------------------


def test_spikes_come_as_times_and_indices(simulation):
    with pytest.raises(InputError, match="E: spikes are not in memory. Run first"):
        simulation.spikes("E")
    simulation.run(4.0)
    times, indices = simulation.spikes("E")
    assert (times.dtype, indices.dtype) == (np.float64, np.int64)
    assert (times.tolist(), indices.tolist()) == ([2.0], [0])
    with pytest.raises(InputError, match="noise: no spikes recorded of this population. Known: E, I"):
        simulation.spikes("noise")


def test_only_the_asked_cells_are_recorded():
    network = small()
    network.record("E", "spikes", indices=[1, 2])
    network.record("noise", "spikes")
    simulation = Simulation(network, resolution=0.5)
    simulation.set_weights("drive", 20.0)
    simulation.run(2.5)
    assert simulation.spikes("E")[1].tolist() == [1, 2]
    assert simulation.spikes("noise")[0].tolist() == [1.0, 2.0]


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
        (("drive", math.inf), "projections.drive: value is not finite"),
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


# -- recording ------------------------------------------------------------------------------------------------------


@BOTH
def test_readings_come_at_their_intervals(resolution):
    network = small()
    network.record("E", "V_m", interval=1.5, indices=[2, 0])
    network.record(projection="learnt", interval=2.0, synapses=[5, 1])
    network.record("E", "spikes")
    simulation = Simulation(network, resolution=resolution)
    simulation.run(3.0)
    times, values = simulation.sink.states(0)
    assert times == pytest.approx([0.0, 1.5, 3.0], abs=1e-12)
    assert values[0].tolist() == [-70.0, -70.0]
    assert simulation.recorder.states[0].indices.tolist() == [0, 2]
    assert values[2][1] == pytest.approx(-70.0 + 2.0 * math.exp(-0.1) + 5.0, abs=1e-12)
    times, values = simulation.sink.weights(0)
    assert times.tolist() == [0.0, 2.0]
    assert values.tolist() == [[100.0, 100.0]] * 2
    channel = simulation.recorder.weights[0]
    assert list(zip(channel.source_index, channel.target_index)) == [(0, 1), (2, 1)]


def test_a_sink_of_ones_own_gets_the_run_in_order_of_time():
    class Log(MemorySink):
        """Notes what is called."""

        def __init__(self):
            super().__init__()
            self.calls = []

        def spikes(self, population, base, offset_ms, index):
            self.calls += [(float(b) * self.run.window_ms + float(o), population) for b, o in zip(base, offset_ms)]

    network = small()
    network.record("noise", "spikes")
    network.record("E", "spikes")
    sink = Log()
    simulation = Simulation(network, resolution=0.5, sink=sink)
    simulation.run(4.0)
    simulation.close()
    assert sorted(sink.calls) == [(1.0, "noise"), (2.0, "E"), (2.0, "noise")]
    assert sink.run.resolution_ms == 0.5
    assert sink.summary["status"] == "complete"


@BOTH
def test_recorded_spikes_are_an_input_again(resolution, tmp_path):
    """A trace replayed by `spike_file` gives the same spikes; which population must be said where there are several."""
    network = small()
    network.record("noise", "spikes")
    network.record("E", "spikes")
    path = tmp_path / "run.h5"
    with Simulation(network, resolution=resolution, trace=path) as first:
        first.run(8.0)
    replayed = Network("replayed")
    replayed.add_population("E", "lif_delta", 3)
    replayed.add_input("noise", "spike_file", 2, {"path": str(path), "population": "noise"})
    replayed.connect("noise", "E", weight=[[15.0, 1.0, 2.0], [3.0, 4.0, 5.0]], delay=1.0)
    simulation = Simulation(replayed, resolution=resolution)
    simulation.run(8.0)
    assert [a.tolist() for a in simulation.spikes("E")] == [[2.0, 7.0], [0, 0]]
    del replayed.graph.nodes["noise"]["params"]["population"]
    with pytest.raises(
        InputError, match=r"run.h5: the population is not named. Name one with `population`; it has E, noise"
    ):
        Simulation(replayed, resolution=resolution)

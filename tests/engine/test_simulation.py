"""The front door: run and stop, spikes and recordings, and what each says of a mistake."""

from __future__ import annotations

import math
import warnings

import networkx as nx
import numpy as np
import pytest

from engine.small import small
from neuromorph import Network, Simulation
from neuromorph.engine.memory import MemorySink
from neuromorph.errors import DescriptionError, InputError

BOTH = pytest.mark.parametrize("resolution", ["exact", 0.5], ids=["exact", "grid"])


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


def test_a_duration_may_have_a_unit_and_sums_of_durations_are_exact():
    simulation = Simulation(small(), resolution="exact")
    for _ in range(100):
        simulation.run(0.1)
    simulation.run("2 ms")
    assert simulation.time == 12.0
    with pytest.raises(InputError, match="run: unit 'mV' where ms is meant, found '2 mV'"):
        simulation.run("2 mV")


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

"""Edges of the semantics, each done by hand and by the oracle, in both resolutions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from comparison import differences
from neuromorph import Network, Simulation
from neuromorph.errors import DescriptionError, InputError
from neuromorph.learning.contract import LearningRule
from neuromorph.learning.registry import registry

BOTH = pytest.mark.parametrize("resolution", ["exact", 0.5], ids=["exact", "grid"])
FIRES = 15.0  # mV from rest to the threshold


def driven(spikes, links, cells=1, params=None, model="lif_delta"):
    """Population "c" and input "i" with spikes (ms, index); a link is (source, target, weight, delay, options)."""
    network = Network("edge")
    network.add_population("c", model, cells, params)
    given = {"times": [float(t) for t, _ in spikes], "indices": [i for _, i in spikes]}
    network.add_input("i", "spike_train", 4, given)
    for number, (source, target, weight, delay, *options) in enumerate(links):
        more = options[0] if options else {}
        network.connect(
            more.pop("of", "i"), "c", "explicit", sources=[source], targets=[target], weight=weight, delay=delay,
            name=f"p{number}", **more,
        )  # fmt: skip
    return network


def agreed(network, resolution, duration, **more):
    """The engine's simulation, once the oracle says the same."""
    found = differences(network, resolution, duration, **more)
    assert found["problems"] == []
    assert found["grazes"] == 0
    return found["simulation"]


def times(network, resolution, duration, index=0, **more):
    found, indices = agreed(network, resolution, duration, **more).spikes("c")
    return found[indices == index].tolist()


# -- ties ---------------------------------------------------------------------------------------------------------


@BOTH
def test_excitation_and_inhibition_of_one_instant_cancel(resolution):
    spikes = [(1, 0), (1, 1), (5, 0)]
    assert times(driven(spikes, [(0, 0, 20.0, 1.0), (1, 0, -20.0, 1.0)]), resolution, 9.0) == [6.0]


@BOTH
def test_arrivals_of_one_instant_are_summed_whatever_their_delays(resolution):
    spikes = [(1, 0), (2, 1), (2.5, 2), (2.5, 3)]
    links = [(0, 0, 5.0, 3.0), (1, 0, 5.0, 2.0), (2, 0, 4.0, 1.5), (3, 0, 1.0, 1.5)]
    assert times(driven(spikes, links), resolution, 9.0) == [4.0]
    less = [*links[:3], (3, 0, 0.5, 1.5)]
    assert times(driven(spikes, less), resolution, 9.0) == []


@BOTH
def test_one_spike_however_far_above_the_threshold(resolution):
    network = driven([(1, 0), (1, 1), (1, 1)], [(0, 0, 40.0, 1.0), (1, 0, 40.0, 1.0)], params={"t_ref": 0.0})
    assert times(network, resolution, 5.0) == [2.0]


@BOTH
def test_simultaneous_spikes_are_recorded_by_id(resolution):
    network = driven([(1, 0)], [(0, k, FIRES, 1.0) for k in (3, 0, 2, 1)], cells=4)
    at, index = agreed(network, resolution, 4.0).spikes("c")
    assert at.tolist() == [2.0] * 4
    assert index.tolist() == [0, 1, 2, 3]


@BOTH
def test_a_sum_that_reaches_the_threshold_fires(resolution):
    assert times(driven([(1, 0)], [(0, 0, FIRES, 1.0)]), resolution, 4.0) == [2.0]
    assert times(driven([(1, 0)], [(0, 0, np.nextafter(np.float32(FIRES), 0.0), 1.0)]), resolution, 4.0) == []


# -- refractoriness -----------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("t_ref", "fired"),
    [(0.0, [2, 3, 4, 5, 6]), (1.0, [2, 3, 4, 5, 6]), (1.5, [2, 4, 6]), (2.0, [2, 4, 6]), (3.0, [2, 5]), (9.0, [2])],
)
def test_an_arrival_at_the_end_of_refractoriness_counts(resolution, t_ref, fired):
    network = driven([(t, 0) for t in range(1, 6)], [(0, 0, FIRES, 1.0)], params={"t_ref": t_ref})
    assert times(network, resolution, 7.0) == fired


@BOTH
def test_the_membrane_is_clamped_while_refractory_and_free_from_its_end_on(resolution):
    network = driven([(1, 0)], [(0, 0, FIRES, 1.0)], params={"t_ref": 2.0, "I_e": 100.0, "V_reset": -72.0})
    network.record("c", "V_m", interval=1.0)
    simulation = agreed(network, resolution, 5.0)
    V = simulation.sink.states(0)[1][:, 0]
    assert V[2:5].tolist() == [-72.0] * 3
    rest = -70.0 + 100.0 * 10.0 / 250.0
    assert V[5] == pytest.approx(rest + (-72.0 - rest) * math.exp(-0.1), abs=1e-12)


@BOTH
def test_currents_that_arrive_while_refractory_are_not_lost(resolution):
    network = driven(
        [(1, 0), (2, 1)], [(0, 0, 9000.0, 1.0), (1, 0, 100.0, 1.0)], params={"t_ref": 4.0}, model="lif_exp"
    )
    assert agreed(network, resolution, 4.0).state("c", "I_ex")[0] == pytest.approx(
        9000.0 * math.exp(-1.0) + 100.0 * math.exp(-0.5), abs=1e-9
    )


# -- connections ----------------------------------------------------------------------------------------------------


@BOTH
def test_a_zero_weight_delivers_nothing_and_can_learn(resolution):
    plasticity = {"plasticity": {"rule": "pair_stdp", "params": {"a_plus": 1.0}}}
    network = driven([(2, 0), (3, 1)], [(0, 0, 0.0, 1.0, plasticity), (1, 0, FIRES, 1.0), (2, 0, 0.0, 1.0)])
    simulation = agreed(network, resolution, 9.0)
    assert simulation.spikes("c")[0].tolist() == [4.0]
    # the synapse sees the spike at 5, 3 ms after its own
    assert simulation.weights("p0")[0] == np.float32(math.exp(-3.0 / 20.0))
    assert simulation.weights("p2").tolist() == [0.0]


@BOTH
def test_an_autapse_excites_its_own_cell(resolution):
    network = driven([(1, 0)], [(0, 0, FIRES, 1.0), (0, 0, 20.0, 3.0, {"of": "c"})])
    assert times(network, resolution, 12.0) == [2.0, 5.0, 8.0, 11.0]


@BOTH
def test_a_multapse_delivers_each_of_its_synapses(resolution):
    network = Network("multapse")
    network.add_population("c", "lif_delta", 1)
    network.add_input("i", "spike_train", 1, {"times": [1.0]})
    ends = {"sources": [0, 0, 0], "targets": [0, 0, 0]}
    network.connect("i", "c", "explicit", weight=[5.0, 6.0, 4.0], delay=[1.0, 1.0, 1.0], **ends)
    simulation = agreed(network, resolution, 4.0)
    assert simulation.spikes("c")[0].tolist() == [2.0]
    assert simulation.close()["synaptic_events"] == 3


@BOTH
def test_delays_of_every_length(resolution):
    delays = [0.5, 1.0, 7.5, 100.0, 33.5]
    network = driven([(1, 0)], [(0, k, FIRES, d) for k, d in enumerate(delays)], cells=5)
    at, index = agreed(network, resolution, 110.0).spikes("c")
    assert dict(zip(index.tolist(), at.tolist())) == {k: 1.0 + d for k, d in enumerate(delays)}


def test_delays_are_rounded_to_ticks_and_half_a_tick_is_one():
    network = driven([(1, 0)], [(0, 0, FIRES, 0.25), (0, 1, FIRES, 0.7), (0, 2, FIRES, 0.8)], cells=3)
    at, index = agreed(network, 0.5, 4.0).spikes("c")
    assert at.tolist() == [1.5, 1.5, 2.0]
    assert index.tolist() == [0, 1, 2]


def test_a_delay_under_half_a_tick_is_refused():
    network = driven([(1, 0)], [(0, 0, FIRES, 0.24)])
    words = r"projections\[0\].delay: delay under half a tick, found 0.24 \(allowed: at least 0.25 ms at a resolution"
    with pytest.raises(DescriptionError, match=words):
        Simulation(network, resolution=0.5)
    Simulation(network, resolution="exact").run(2.0)


def test_a_drawn_delay_under_half_a_tick_is_refused():
    network = driven([(1, 0)], [])
    delay = {"distribution": "normal", "mean": 0.5, "std": 0.4}
    network.connect("i", "c", delay=delay, name="drawn")
    with pytest.raises(DescriptionError, match=r"delay.*(not above|out of range|under half a tick)"):
        Simulation(network, resolution=0.5)


@BOTH
def test_mixed_signs_reach_their_own_receptors(resolution):
    network = Network("signs")
    network.add_population("c", "lif_exp", 1)
    network.add_input("i", "spike_train", 3, {"times": [1.0, 1.0, 1.0], "indices": [0, 1, 2]})
    network.connect("i", "c", "all_to_all", weight=[100.0, -40.0, 7.0], delay=1.0)
    simulation = Simulation(network, resolution=resolution)
    simulation.run(2.0)
    assert simulation.state("c", "I_ex").tolist() == [107.0]
    assert simulation.state("c", "I_in").tolist() == [-40.0]


# -- runs ---------------------------------------------------------------------------------------------------------


@BOTH
def test_a_run_of_length_zero_records_the_beginning_and_nothing_else(resolution):
    network = driven([(1, 0)], [(0, 0, FIRES, 1.0)])
    network.record("c", "V_m", interval=0.5)
    simulation = Simulation(network, resolution=resolution)
    simulation.run(0.0)
    assert simulation.time == 0.0
    assert simulation.sink.states(0)[0].tolist() == [0.0]
    simulation.run(1.5)
    simulation.run(0.0)
    simulation.run(2.0)
    assert simulation.spikes("c")[0].tolist() == [2.0]
    assert simulation.sink.states(0)[0].tolist() == [0.5 * k for k in range(8)]


@BOTH
def test_a_run_holds_its_end_and_not_its_beginning(resolution):
    network = driven([(1, 0), (4, 0)], [(0, 0, FIRES, 1.0)])
    simulation = Simulation(network, resolution=resolution)
    simulation.run(2.0)
    assert simulation.spikes("c")[0].tolist() == [2.0]
    simulation.run(2.5)
    assert simulation.spikes("c")[0].tolist() == [2.0]
    simulation.run(0.5)
    assert simulation.spikes("c")[0].tolist() == [2.0, 5.0]


@BOTH
def test_a_reading_holds_all_of_its_instant_after_the_reset(resolution):
    network = driven([(1, 0), (1, 1)], [(0, 0, 3.0, 1.0), (1, 1, 20.0, 1.0)], cells=2, params={"V_reset": -71.0})
    network.record("c", "V_m", interval=2.0)
    assert agreed(network, resolution, 2.0).sink.states(0)[1][1].tolist() == [-67.0, -71.0]


@BOTH
def test_a_population_without_cells(resolution):
    network = driven([(1, 0)], [(0, 0, FIRES, 1.0)])
    network.add_population("none", "lif_exp", 0)
    network.connect("i", "none", weight=3.0, name="into")
    network.connect("none", "c", weight=3.0, name="out", plasticity="pair_stdp")
    network.record("none", "V_m", interval=1.0)
    simulation = agreed(network, resolution, 4.0)
    assert simulation.spikes("none")[0].size == 0
    assert simulation.state("none", "V_m").shape == (0,)
    assert simulation.weights("out").shape == (0,)
    assert simulation.sink.states(0)[1].shape == (5, 0)
    assert simulation.spikes("c")[0].tolist() == [2.0]


@BOTH
def test_a_network_without_anything(resolution):
    simulation = Simulation(Network("empty"), resolution=resolution)
    simulation.run(5.0)
    assert simulation.time == 5.0
    assert simulation.synapses().size == 0
    assert simulation.close()["spikes"] == 0


@BOTH
def test_cells_and_inputs_without_projections(resolution):
    network = Network("apart")
    network.add_population("c", "lif_delta", 2, {"I_e": 500.0})
    network.add_input("p", "poisson", 3, {"rate": 100.0})
    found, _ = agreed(network, resolution, 20.0).spikes("c")
    first = 10.0 * math.log(4.0)
    assert found[:2] == pytest.approx([first] * 2, abs=1e-9 if resolution == "exact" else 0.5)


@BOTH
def test_a_poisson_input_without_a_rate_is_silent(resolution):
    network = Network("silent")
    network.add_population("c", "lif_delta", 1)
    network.add_input("p", "poisson", 2, {"rate": [0.0, 1000.0]})
    network.add_input("q", "poisson", 2, {"rates": [0.0, 500.0, 0.0], "times": [0.0, 40.0, 60.0]})
    network.connect("p", "c", weight=0.0, name="p0")
    simulation = agreed(network, resolution, 100.0)
    assert set(simulation.spikes("p")[1].tolist()) == {1}
    found = simulation.spikes("q")[0]
    assert found.size > 5
    # a tick belongs to the step in which it ends
    assert np.all((found > 40.0) & (found <= 60.0))


# -- counts -------------------------------------------------------------------------------------------------------


class Counting(LearningRule):
    """Adds the spikes of the instant: to the weight as they come in, a hundredfold as the target fires."""

    def on_pre(w, pre, post, p):
        return w + pre.count

    def on_post(w, pre, post, p):
        return w + 100.0 * post.count


@BOTH
def test_coincident_spikes_are_one_event_with_a_count(resolution):
    with registry.override({"counting": Counting}):
        network = driven([(1, 0)] * 3, [(0, 0, 1.0, 1.0, {"plasticity": {"rule": "counting", "w_max": 50.0}})])
        simulation = Simulation(network, resolution=resolution)
        simulation.run(2.0)
    assert simulation.weights("p0").tolist() == [4.0]
    assert simulation.state("c", "V_m").tolist() == [-70.0 + 3 * 4.0]
    assert simulation.close()["synaptic_events"] == 3
    network = driven([(1, 0)] * 3, [(0, 0, 5.0, 1.0)])
    assert times(network, resolution, 4.0) == [2.0]


@BOTH
def test_traces_grow_by_the_count(resolution):
    pair = {"plasticity": {"rule": "pair_stdp", "params": {"a_plus": 0.5}}}
    network = driven([(1, 0)] * 3 + [(2, 1)], [(0, 0, 1.0, 1.0, pair), (1, 0, 20.0, 1.0)])
    # seen at 4, 3 ms after the presynaptic spikes
    expected = np.float32(1.0 + 0.5 * 3 * math.exp(-3.0 / 20.0))
    assert agreed(network, resolution, 6.0).weights("p0")[0] == pytest.approx(expected, rel=1e-7)


# -- mistakes -----------------------------------------------------------------------------------------------------


def test_exact_mode_does_not_start_at_or_above_the_threshold():
    network = Network("above")
    network.add_population("c", "lif_delta", 3, initial={"V_m": [-60.0, -55.0, -70.0]})
    with pytest.raises(
        InputError, match=r"c\[1\]: exact mode cannot start at or above the threshold. Set a state below"
    ):
        Simulation(network, resolution="exact")
    simulation = Simulation(network, resolution=1.0)
    simulation.run(1.0)
    assert simulation.spikes("c")[1].tolist() == []  # decayed below it within the tick
    network.graph.nodes["c"]["initial"]["V_m"] = [-60.0, -40.0, -70.0]
    simulation = Simulation(network, resolution=1.0)
    simulation.run(1.0)
    assert simulation.spikes("c")[1].tolist() == [1]

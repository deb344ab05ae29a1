"""Why a neuron fired: replays, chains, and everything that cannot be explained."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neuromorph import Network, Simulation, checkpoints
from neuromorph.errors import InputError, RunError
from neuromorph.why.chain import chain
from neuromorph.why.recording import Recording
from neuromorph.why.spike import own_spikes, received, why_spike
from why.recordings import DURATION, network, recorded

MODES = pytest.mark.parametrize("resolution", ["exact", 0.1])


def driven(weights: dict[str, float], times: dict[str, list[float]], **params: Any) -> Network:
    """One cell with one source for each name."""
    net = Network("driven")
    net.add_population("cell", "lif_delta", 1, {"tau_m": 10.0, "V_th": 10.0, "E_L": 0.0, "V_reset": 0.0, **params})
    for name, weight in weights.items():
        net.add_input(name, "spike_train", 1, {"times": times[name]})
        net.connect(name, "cell", "one_to_one", weight=weight, delay=1.0)
    return net


@MODES
def test_the_arrival_without_which_there_is_no_spike_is_decisive(tmp_path: Any, resolution: Any) -> None:
    times = {"large": [3.0], "small": [3.5], "late": [4.0]}
    path = recorded(tmp_path, resolution, driven({"large": 8.0, "small": 0.5, "late": 4.0}, times), 20.0)
    with Recording(path) as recording:
        found = why_spike(recording, "cell/0", 5.0)
    assert found.time_ms == 5.0
    assert found.replayed_ms == 5.0
    assert [c.source for c in found.causes] == ["large", "late", "small"]
    assert [c.source for c in found.decisive] == ["large", "late"]
    # V = w exp(-(t - t_arrival) / tau_m), and what the spike's own arrival adds
    raised = {c.source: c.contribution_mV for c in found.causes}
    assert raised["large"] == pytest.approx(8.0 * math.exp(-0.1), abs=1e-6)
    assert raised["small"] == pytest.approx(0.5 * math.exp(-0.05), abs=1e-6)
    assert raised["late"] == pytest.approx(4.0, abs=1e-6)
    assert found.threshold_mV == 10.0
    assert found.patience_ms == 1.0
    assert [c.later_ms for c in found.causes] == [math.inf, math.inf, 0.0]


def test_a_spike_that_comes_a_little_later_was_not_decided(tmp_path: Any) -> None:
    times = {"a": [3.0], "b": [3.0], "c": [3.5]}
    path = recorded(tmp_path, "exact", driven({"a": 12.0, "b": 3.0, "c": 12.0}, times, t_ref=5.0), 20.0)
    with Recording(path) as recording:
        found = why_spike(recording, "cell/0", 4.0)
    later = {c.source: c.later_ms for c in found.causes}
    assert later == {"a": pytest.approx(0.5), "b": 0.0}
    assert not found.decisive


def test_inhibition_would_have_made_it_earlier(tmp_path: Any) -> None:
    times = {"a": [2.0, 3.0], "stop": [1.5]}
    path = recorded(tmp_path, "exact", driven({"a": 11.0, "stop": -6.0}, times), 20.0)
    with Recording(path) as recording:
        found = why_spike(recording, "cell/0", 4.0)
    assert found.time_ms == 4.0
    assert {c.source: c.later_ms for c in found.causes if c.source == "stop"} == {"stop": pytest.approx(-1.0)}
    assert found.causes[-1].source == "stop"


@MODES
@pytest.mark.parametrize("rule", [None, "pair_stdp", "triplet_stdp", "reward_stdp"])
def test_replays_come_to_the_recorded_spikes(tmp_path: Any, resolution: Any, rule: str | None) -> None:
    more = {"signals": ["reward"]} if rule == "reward_stdp" else {}
    path = recorded(tmp_path, resolution, network(rule, **more))
    with Recording(path) as recording:
        times, ids = recording.trace.spikes("E")
        assert times.size > 20
        for k in range(5, times.size, times.size // 4):
            found = why_spike(recording, f"E/{ids[k]}", float(times[k]))
            assert found.time_ms == pytest.approx(times[k], abs=1e-9)
            assert found.replayed_ms == found.time_ms
            assert found.causes


@MODES
def test_regenerated_inputs_are_the_recorded_ones(tmp_path: Any, resolution: Any) -> None:
    net = network()
    net.record("E", "spikes")
    net.record("noise", "spikes")
    with Recording(recorded(tmp_path, resolution, net)) as recording:
        cells = np.array([0, 3, 7])
        stored = recording.spikes("noise", cells, 80.0)
        recording.is_recorded = lambda name: name != "noise"  # type: ignore[method-assign]
        drawn = recording.spikes("noise", cells, 80.0)
    assert stored.base.size > 10
    for name in ("base", "offset", "index", "count"):
        assert np.array_equal(getattr(stored, name), getattr(drawn, name))


def test_too_many_arrivals_are_cut_to_the_latest(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("neuromorph.why.spike.MOST", 5)
    with Recording(recorded(tmp_path, 0.1)) as recording:
        times, ids = recording.trace.spikes("E")
        found = why_spike(recording, f"E/{ids[-1]}", float(times[-1]))
    assert 0 < len(found.causes) <= 6
    assert found.earlier > 5
    assert found.since == "the 5th one before the spike"


def test_a_window_shortens_what_is_looked_at(tmp_path: Any) -> None:
    with Recording(recorded(tmp_path, "exact")) as recording:
        times, ids = recording.trace.spikes("E")
        found = why_spike(recording, f"E/{ids[-1]}", float(times[-1]), window_ms=3.0)
    assert found.since == "3 ms before"
    assert all(found.time_ms - 3.0 <= c.arrived_ms <= found.time_ms for c in found.causes)


def test_the_chain_goes_back_to_the_inputs(tmp_path: Any) -> None:
    with Recording(recorded(tmp_path, 0.1)) as recording:
        times, ids = recording.trace.spikes("E")
        found = chain(recording, f"E/{ids[-1]}", float(times[-1]), depth=2, most=60)
        own = {(c.source, c.index): own_spikes(recording, c.source, c.index) for c, b in _links(found) if b is not None}
    linked = [(c, b) for c, b in _links(found) if b is not None]
    assert linked
    for cause, before in linked:
        assert before.spike.time_ms == cause.emitted_ms
        assert cause.emitted_ms in own[cause.source, cause.index]
    assert all(before is None for cause, before in _links(found) if cause.is_input)


def _links(link: Any) -> list[Any]:
    return [*link.causes, *(pair for _, before in link.causes if before is not None for pair in _links(before))]


def test_currents_are_part_of_the_replay(tmp_path: Any) -> None:
    net = network()
    net.add_input("wave", "ac_current", 1, {"amplitude": 150.0, "frequency": 40.0})
    net.connect("wave", "E", "all_to_all", weight=1.0)
    with Recording(recorded(tmp_path, 0.1, net)) as recording:
        times, ids = recording.trace.spikes("E")
        found = why_spike(recording, f"E/{ids[-1]}", float(times[-1]))
    assert found.replayed_ms == found.time_ms


def test_single_neurons_go_by_their_names(tmp_path: Any) -> None:
    net = Network("graph")
    net.add_neuron("alpha", "lif_delta", I_e=600.0)
    net.add_neuron("beta", "lif_delta")
    net.connect("alpha", "beta", weight=30.0, delay=1.5)
    with Recording(recorded(tmp_path, "exact", net, 60.0)) as recording:
        population, index = recording.cell("beta")
        time = float(own_spikes(recording, population, index)[0])
        found = why_spike(recording, "beta", time)
    assert found.name == "beta"
    assert [c.name for c in found.decisive] == ["alpha"]
    assert found.decisive[0].emitted_ms == pytest.approx(time - 1.5)


# -- what cannot be explained ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "at", "words"),
    [
        ("E/1", 1e4, r"asked.h5: E/1: the time is outside the run, found 10000.0 .allowed: 0 to 120 ms"),
        ("E/1", float("nan"), "the time is outside the run"),
        ("E/99", 10.0, r"no such neuron, found 99 .allowed: 0 to 11"),
        ("X/1", 10.0, "unknown population, found 'X'"),
        ("Exc/1", 10.0, "unknown population, found 'Exc'"),
        ("E", 10.0, r"not a neuron, found 'E' .allowed: POPULATION/INDEX, such as exc/12"),
        ("noise/1", 10.0, "is an input: it fires by itself, found 'noise'"),
    ],
)
def test_cells_and_times_that_are_none(tmp_path: Any, cell: str, at: float, words: str) -> None:
    with Recording(recorded(tmp_path, 0.1)) as recording, pytest.raises(InputError, match=words):
        why_spike(recording, cell, at)


def test_a_population_of_nothing_has_no_neurons(tmp_path: Any) -> None:
    net = network()
    net.add_population("nobody", "lif_exp", 0)
    net.add_input("dc", "dc_current", 1, {"amplitude": 1.0})
    net.connect("dc", "E", "all_to_all", weight=1.0)
    with Recording(recorded(tmp_path, 0.1, net)) as recording:
        with pytest.raises(InputError, match="no such neuron, found 0 .allowed: none: it is empty"):
            why_spike(recording, "nobody/0", 10.0)
        with pytest.raises(InputError, match="no population of neurons, found 'dc'"):
            recording.neurons("dc")


def test_a_neuron_that_did_not_fire_then_and_one_that_never_did(tmp_path: Any) -> None:
    net = network()
    net.add_population("mute", "lif_exp", 1)
    with Recording(recorded(tmp_path, 0.1, net)) as recording:
        times, ids = recording.trace.spikes("E")
        after = float(times[ids == ids[0]][0] + 1.5)
        with pytest.raises(InputError, match="the neuron did not fire then, .* Its spikes next to that are at"):
            why_spike(recording, f"E/{ids[0]}", after)
        with pytest.raises(InputError, match="mute/0: the neuron never fired. Ask `neuromorph why-not` how close it"):
            why_spike(recording, "mute/0", 10.0)


def test_a_trace_without_the_spikes_of_a_source_needs_the_whole_network(tmp_path: Any) -> None:
    net = network()
    net.record("E", "spikes")
    with Recording(recorded(tmp_path, 0.1, net)) as recording:
        times, ids = recording.trace.spikes("E")
        cell, time = f"E/{ids[-1]}", float(times[-1])
        words = (
            "I: the trace has not all spikes of a population. Have the whole network run again, for about .* s: --whole"
        )
        with pytest.raises(InputError, match=words):
            why_spike(recording, cell, time)
        recording.run_again()
        found = why_spike(recording, cell, time)
    assert found.replayed_ms == found.time_ms


@MODES
def test_a_run_that_was_steered_does_not_replay(tmp_path: Any, resolution: Any) -> None:
    path = tmp_path / "steered.h5"
    with Simulation(network(), resolution, 3, trace=path) as simulation:
        simulation.run(40.0)
        simulation.set_state("E", "V_m", -56.0)
        simulation.run(DURATION - 40.0)
    with Recording(path) as recording:
        times, ids = recording.trace.spikes("E", 41.0)
        every = list(zip(times.tolist(), ids.tolist()))
        with pytest.raises(RunError, match="the replay does not come to the spikes of the trace, found 'a difference"):
            [why_spike(recording, f"E/{index}", time) for time, index in every]


def test_rules_that_need_the_whole_network_are_refused(tmp_path: Any) -> None:
    with Recording(recorded(tmp_path, 0.1, network("pair_stdp"))) as recording:
        spec = next(p for p in recording.description.projections if p.name == "loop")

        class Moving(spec.plasticity.rule):  # type: ignore[name-defined,misc]
            def rewire(w, pre, post, p):
                return w < 0.0

        class Reading(spec.plasticity.rule):  # type: ignore[name-defined,misc]
            @classmethod
            def variables(cls, side: str) -> Any:
                from neuromorph.learning.contract import Variable

                return {"V": Variable("pre", "V_m")} if side == "pre" else {}

        others = tuple(p for p in recording.description.projections if p.name != "loop")
        times, ids = recording.trace.spikes("E")
        for rule, words in (
            (Moving, "moves its synapses, which are not the same all along"),
            (Reading, "reads V_m of the cells that send, which only the whole network has"),
        ):
            changed = replace(spec, plasticity=replace(spec.plasticity, rule=rule))
            recording.description = replace(recording.description, projections=(*others, changed))
            with pytest.raises(InputError, match=words):
                received(recording, "E", int(ids[-1]), float(times[-1]))


def test_the_trace_of_a_branch_begins_in_the_middle(tmp_path: Any) -> None:
    path = tmp_path / "branch.h5"
    about = {"branch_of": "whole.h5", "branched_at_ms": 40.0}
    with Simulation(network(), 0.1, 3, trace=path, provenance=about) as simulation:
        simulation.run(20.0)
    words = "branch.h5: is the trace of a branch, which begins in the middle of a run. Ask whole.h5"
    with pytest.raises(InputError, match=words):
        Recording(path)


@MODES
def test_a_run_that_was_killed_and_resumed_replays(tmp_path: Any, resolution: Any) -> None:
    path = tmp_path / "resumed.h5"
    first = Simulation(network("pair_stdp"), resolution, 3, trace=path)
    first.run(50.0)
    first.save(tmp_path / "saved.npz")
    first.close("interrupted")
    head, arrays = checkpoints.read(tmp_path / "saved.npz")
    again = Simulation(network("pair_stdp"), resolution, 3, trace=path, resume=head["position"])
    again.put_back(head, arrays)
    with again:
        again.run_until(DURATION)
    with Recording(path) as recording:
        times, ids = recording.trace.spikes("E", 60.0)
        found = why_spike(recording, f"E/{ids[-1]}", float(times[-1]))
    assert found.replayed_ms == found.time_ms

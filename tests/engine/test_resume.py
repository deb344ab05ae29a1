"""A run that is saved and gone on with elsewhere comes to the bytes of one never cut, in every engine."""

from __future__ import annotations

import numpy as np
import pytest

from engine import test_dense, test_lazy, test_straight, test_structure
from engine.small import small
from neuromorph import Network, Simulation
from neuromorph.engine.dense_windows import DenseWindows
from neuromorph.engine.resume import restore, settle, snapshot
from neuromorph.engine.ticks import TickLoop
from neuromorph.errors import InputError
from neuromorph.learning.registry import registry
from neuromorph.lowered import lazy
from stages import run_in_stages

PARTS = pytest.mark.parametrize("parts", [(1,), (2, 1, 3)], ids=str)


def left_by(simulation):
    """All that a run leaves, as bytes."""
    sink = simulation.sink
    simulation.spikes(next(iter(sink.run.populations)))
    found = {name: b"".join(a.tobytes() for a in sink.instants(name)) for name in sink.run.populations}
    found["readings"] = [sink.states(k)[1].tobytes() for k in range(len(sink.run.states))]
    found["learnt"] = [sink.weights(k)[1].tobytes() for k in range(len(sink.run.weights))]
    found["signals"] = [sink.signals(name) for name in sink.run.signals]
    for name, cells in simulation.cells.items():
        found[f"end of {name}"] = [simulation.state(name, v).tobytes() for v in cells.variables]
    found["synapses"] = simulation.synapses().tobytes()
    return found, simulation.close()


def check(network, resolution, duration, parts, cuts=(0.1, 0.43, 0.7), **more):
    """Compare a run in stages with one that is never cut."""
    whole = Simulation(network(), resolution, 7, **more)
    whole.run(duration)
    ends = [round(duration * cut, 3) for cut in cuts] + [duration]
    found, wanted = left_by(run_in_stages(network, resolution, ends, parts, **more)), left_by(whole)
    assert found == wanted
    assert wanted[1]["spikes"] > 20
    return whole


@PARTS
def test_populations_kept_by_active_lists(parts, monkeypatch):
    monkeypatch.setattr(lazy, "LEAST", 1)
    whole = check(lambda: test_lazy.network(recorded=True), 0.1, 130.0, parts)
    assert whole.cells["big"].kind.lazy


@PARTS
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_static_networks_on_the_grid(parts, precision):
    whole = check(test_straight.network, 0.1, 30.0, parts, precision=precision)
    assert isinstance(whole.windows, TickLoop)
    assert whole.cells["E"].kind.straight


@PARTS
def test_refractoriness_counted_in_epochs(parts, monkeypatch):
    from neuromorph.engine import ticks

    monkeypatch.setattr(ticks, "LONGEST_EPOCH", 60)
    check(test_straight.network, 0.1, 30.0, parts)


@PARTS
@pytest.mark.parametrize("lifted", [False, True])
def test_exact_networks_of_many_arrivals(parts, lifted):
    def network():
        made = test_dense.network()
        if lifted:
            made.populations["i"].setdefault("initial", {})["I_stim"] = 9.0
        return made

    whole = check(network, "exact", 40.0, parts)
    assert isinstance(whole.windows, DenseWindows)


@PARTS
@pytest.mark.parametrize("resolution", ["exact", 0.5])
@pytest.mark.parametrize("rule", ["turnover", "plain"])
def test_synapses_that_have_grown_anew(parts, resolution, rule):
    rules = {"turnover": test_structure.Turnover, "plain": test_structure.Plain}
    with registry.override(rules):
        whole = check(lambda: test_structure.network(rule=rule), resolution, 60.0, parts)
        assert all(part.rewired for parts in whole.plastic.values() for part in parts)


def injected(resolution):
    """Cells under currents, of which one is noise on the grid, with synapses that release by chance."""
    net = Network("injected")
    net.add_population("c", "lif_exp", 20)
    net.add_input("steps", "dc_current", 1, {"times": [0.0, 12.0, 31.0], "amplitudes": [420.0, 700.0, 450.0]})
    net.connect("steps", "c", "all_to_all", weight=1.0)
    if resolution != "exact":
        net.add_input("hiss", "noise_current", 1, {"mean": 30.0, "std": 200.0, "interval": 1.0})
        net.connect("hiss", "c", "all_to_all", weight=1.0)
    net.connect("c", "c", "fixed_indegree", indegree=4, weight=60.0, delay=2.0, plasticity="stochastic_release")
    net.record("c", "V_m", 5.0)
    return net


@PARTS
@pytest.mark.parametrize("resolution", ["exact", 0.1])
def test_currents_and_chance(parts, resolution):
    check(lambda: injected(resolution), resolution, 50.0, parts)


@pytest.mark.parametrize("resolution", ["exact", 0.1])
def test_weights_and_states_that_were_set(resolution):
    def network():
        made = small()
        made.record("E", "V_m", 0.5)
        return made

    def changed(simulation):
        simulation.set_weights("drive", 9.0, [0, 3])
        simulation.set_state("E", "V_m", [-56.0, -57.5, -70.0])

    whole = Simulation(network(), resolution, 7)
    whole.run(1.5)
    changed(whole)
    whole.run(18.5)
    first = Simulation(network(), resolution, 7)
    first.run(1.5)
    changed(first)
    second = Simulation(network(), resolution, 7)
    restore(second, snapshot(first))
    second.run_until(20.0)
    assert second.weights("drive").tolist() == whole.weights("drive").tolist()
    assert left_by(second)[0]["end of E"] == left_by(whole)[0]["end of E"]
    assert second.close() == whole.close()


def test_arrays_of_another_network_are_refused():
    one, other = Simulation(small(), 0.5), Network("other")
    one.run(3.0)
    saved = snapshot(one)
    other.add_population("E", "lif_delta", 4)
    with pytest.raises(InputError, match=r"spikes: the checkpoint is of another network, found 'int64 of"):
        restore(Simulation(other, 0.5), saved)
    for name in ("cells/E/state", "plastic/learnt/weight", "ring", "calendar/base", "base"):
        with pytest.raises(InputError, match=f"{name}: the checkpoint is of another network, found 'nothing'"):
            restore(Simulation(small(), 0.5), {k: v for k, v in saved.items() if k != name})
    with pytest.raises(InputError, match="plastic/learnt/weight: the checkpoint is of another network"):
        restore(Simulation(small(), 0.5), saved | {"plastic/learnt/weight": np.array(["a"] * 6)})
    with pytest.raises(InputError, match="agenda/signal: the checkpoint is of another network"):
        restore(
            Simulation(small(), 0.5),
            saved | {f"agenda/{n}": np.array([7]) for n in ("base", "offset", "signal", "value")},
        )


def test_an_end_that_rounds_to_now_is_now():
    simulation = Simulation(small(), 0.5)
    simulation.run_until(2.8)
    assert simulation.time == 3.0
    simulation.run_until(2.9)
    assert simulation.time == 3.0


def test_the_end_may_not_lie_in_the_past():
    simulation = Simulation(small(), 0.5)
    simulation.run(3.0)
    for end in (float("nan"), float("inf")):
        with pytest.raises(InputError, match=f"run: the end is not a time, found {end} .allowed: a finite number"):
            simulation.run_until(end)
    with pytest.raises(InputError, match="run: the end lies in the past, found 2.0 .allowed: 3.0 ms or later."):
        simulation.run_until(2.0)


@pytest.mark.parametrize("resolution", [0.1, "exact"])
@pytest.mark.parametrize(
    ("model", "before", "after"),
    [
        ("spike_train", {"times": [5.0, 10.0, 20.0, 500.0]}, {"times": [70.0]}),
        ("spike_train", {"times": [5.0, 10.0]}, {"times": []}),
        ("spike_train", {"times": [5.0]}, {"times": [1.0, 2.0, 3.0, 70.0]}),
        ("dc_current", {"amplitude": 10.0, "start": 5.0, "stop": 20.0}, {"amplitude": 10.0, "start": 5.0}),
        (
            "pattern_volley",
            {"patterns": np.ones((2, 5)), "order": [0, 1] * 8},
            {"patterns": np.ones((2, 5)), "order": [0]},
        ),
    ],
)
def test_a_branch_with_other_inputs_has_those_of_its_time(model, before, after, resolution):
    """Spikes of the other train that were due before are none, those after come when they are due."""

    def made(parameters):
        network = Network()
        network.add_population("E", "lif_exp", 5)
        network.add_input("in", model, 1 if model == "dc_current" else 5, parameters)
        network.connect("in", "E", "all_to_all", weight=1000.0)
        return Simulation(network, resolution=resolution)

    first, second = made(before), made(after)
    first.run(60.0)
    settle(first)
    second.branch_from(snapshot(first), first)
    counted = second.spike_counts.get("in", 0)
    second.run(60.0)
    due = sum(60.0 < time <= 120.0 for time in after.get("times", []))
    assert second.spike_counts.get("in", 0) - counted == due


@pytest.mark.parametrize("resolution", [0.1, "exact"])
@pytest.mark.parametrize(
    ("after", "holds"), [({}, 10.0), ({"stop": 20.0}, 0.0), ({"stop": 90.0}, 0.0), ({"start": 80.0}, 10.0)]
)
def test_a_branch_with_another_current_injects_it_from_then_on(after, holds, resolution):
    """What is in force at the time of the branch begins there, what comes later comes when it is due."""

    def made(**parameters):
        network = Network()
        network.add_population("E", "lif_exp", 1)
        network.add_input("in", "dc_current", 1, {"amplitude": 10.0, "start": 5.0} | parameters)
        network.connect("in", "E", "all_to_all", weight=1.0)
        return Simulation(network, resolution=resolution)

    def injected(simulation):
        return simulation.state("E", "I_stim")[0]

    for stop, amplitude in ((20.0, 10.0), (70.0, 10.0), (70.0, 3.0)):  # what was injected before
        first, second = made(stop=stop, amplitude=amplitude), made(**after)
        first.run(60.0)
        settle(first)
        second.branch_from(snapshot(first), first)
        second.run(1.0)
        assert injected(second) == pytest.approx(0.0 if "start" in after or after.get("stop") == 20.0 else 10.0)
        second.run(59.0)
        assert injected(second) == pytest.approx(holds)

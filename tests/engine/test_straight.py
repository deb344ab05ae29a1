"""Arrivals that are added to a variable straight away, and ticks of refractoriness in 32 bits."""

from __future__ import annotations

import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.engine import ticks


def network(apart: bool = False) -> Network:
    """Cells of lif_exp that fire; with `apart` a synapse elsewhere makes all inputs be summed up."""
    made = Network()
    made.add_population("E", "lif_exp", size=600, params={"t_ref": 3.0})
    made.add_population("I", "lif_exp", size=150, params={"t_ref": 1.0})
    made.add_input("noise", "poisson", size=600, params={"rate": 9000.0})
    made.connect("noise", "E", "one_to_one", weight=90.0, delay=1.0)
    delay = {"distribution": "normal", "mean": 1.5, "std": 0.7, "low": 0.1}
    made.connect("E", "E", "fixed_indegree", indegree=40, weight=9.0, delay=delay)
    made.connect("E", "I", "fixed_indegree", indegree=40, weight=60.0, delay=delay)
    made.connect("I", "E", "fixed_indegree", indegree=20, weight=-50.0, delay=0.8)
    if apart:
        made.add_population("D", "lif_delta", size=1)
        made.connect("E", "D", "fixed_indegree", indegree=1, weight=0.1)
    return made


def outcome(simulation: Simulation, duration: float = 60.0) -> list[np.ndarray]:
    simulation.run(duration)
    states = [simulation.state(p, v) for p in "EI" for v in ("V_m", "I_ex", "I_in")]
    return [*simulation.spikes("E"), *simulation.spikes("I"), *states]


def test_adding_straight_away_differs_by_rounding_alone():
    found = [Simulation(network(apart), resolution=0.1, seed=4) for apart in (False, True)]
    assert [s.cells["E"].kind.straight for s in found] == [(0, 1), ()]
    straight, summed = map(outcome, found)
    for a, b in zip(straight, summed):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    assert straight[0].size > 500
    assert straight[2].size > 100


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_neither_parts_nor_cuts_change_a_bit(precision):
    whole = outcome(Simulation(network(), resolution=0.1, seed=4, precision=precision))
    cut = Simulation(network(), resolution=0.1, seed=4, parts=3, precision=precision)
    for _ in range(7):
        cut.run(1.3)
    for a, b in zip(whole, outcome(cut, 60.0 - 7 * 1.3)):
        np.testing.assert_array_equal(a, b)


def test_whether_an_input_is_recorded_changes_no_bit():
    recorded = network()
    recorded.record("noise", "spikes")
    recorded.record("E", "spikes")
    recorded.record("I", "spikes")
    for a, b in zip(*(outcome(Simulation(n, resolution=0.1, seed=4)) for n in (network(), recorded))):
        np.testing.assert_array_equal(a, b)


def test_refractory_ticks_are_counted_anew_in_time(monkeypatch):
    expected = outcome(Simulation(network(), resolution=0.1, seed=4))
    monkeypatch.setattr(ticks, "LONGEST_EPOCH", 64)
    simulation = Simulation(network(), resolution=0.1, seed=4)
    for _ in range(30):
        simulation.run(1.0)
    for a, b in zip(expected, outcome(simulation, 30.0)):
        np.testing.assert_array_equal(a, b)
    assert simulation.windows._epoch > 200


def test_many_spikes_in_flight_make_room(monkeypatch):
    made = Network()
    made.add_population("cells", "lif_exp", size=300, params={"I_e": 2000.0, "t_ref": 0.5})
    made.connect(
        "cells",
        "cells",
        "fixed_indegree",
        indegree=5,
        weight=1.0,
        delay={"distribution": "uniform", "low": 1.0, "high": 60.0},
    )
    whole = Simulation(made, resolution=0.1, seed=1)
    whole.run(150.0)
    flights = whole.windows._flights
    assert flights[0].progress[4] - flights[0].progress[1] > 1 << 10
    cut = Simulation(made, resolution=0.1, seed=1, parts=2)
    for _ in range(15):
        cut.run(10.0)
    for a, b in zip(whole.spikes("cells"), cut.spikes("cells")):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(whole.state("cells", "I_ex"), cut.state("cells", "I_ex"))

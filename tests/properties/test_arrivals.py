"""In exact mode nothing is lost or delivered twice where times fall on the edges of windows, as decimal ones do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neuromorph import Network, Simulation

#: lengths of the look-ahead window, the smallest delay (ms)
UNITS = (0.1, 0.3, 0.7, 1.0 / 3.0, 1.0)


@pytest.mark.parametrize("plasticity", [None, "stdp_derivative"])
@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    unit=st.sampled_from(UNITS),
    delays=st.lists(st.integers(2, 60), min_size=1, max_size=4, unique=True),
    spikes=st.lists(st.integers(1, 80), min_size=1, max_size=25, unique=True),
    cuts=st.lists(st.integers(1, 140), max_size=3, unique=True),
)
@example(unit=0.1, delays=[32], spikes=list(range(1, 60)), cuts=[33])
def test_every_arrival_counts_once(plasticity, unit, delays, spikes, cuts):
    """A cell that forgets nothing counts what has arrived, read between the edges of windows."""
    network = Network("counter")
    network.add_population("c", "lif_delta", 1, {"tau_m": 1e15, "E_L": 0.0, "V_reset": 0.0, "V_th": 1e9})
    network.add_input("i", "spike_train", 1, {"times": [k * unit for k in spikes]})
    for delay in (1, *delays):
        network.connect("i", "c", weight=1.0, delay=delay * unit, plasticity=plasticity, name=f"d{delay}")
    network.record("c", "V_m", interval=0.5 * unit)
    simulation = Simulation(network, resolution="exact")
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), 141]):
        simulation.run((end - begin) * unit)
    times, found = simulation.sink.states(0)
    ends = np.rint(times / (0.5 * unit)).astype(int)
    between = ends % 2 == 1
    arrived = np.sort(np.add.outer([1, *delays], spikes).ravel())
    counted = np.searchsorted(2 * arrived, ends[between])
    assert found[between, 0].tolist() == pytest.approx(counted.tolist(), abs=1e-6)
    assert counted[-1] == arrived.size


@pytest.mark.parametrize("unit", UNITS)
def test_a_volley_of_each_cycle_arrives_once(unit):
    """The same for a pattern_volley, whose times are a sum."""
    cycles = 300
    network = Network("volleys")
    network.add_population("c", "lif_delta", 1, {"tau_m": 1e15, "E_L": 0.0, "V_reset": 0.0, "V_th": 1e9})
    volleys = {"patterns": [[1.0]], "order": np.zeros(cycles, int), "kappa": 1.0, "start": unit, "interval": 3 * unit}
    network.add_input("i", "pattern_volley", 1, volleys)
    network.connect("i", "c", weight=1.0, delay=7 * unit)
    network.connect("i", "c", weight=0.0, delay=unit)
    network.record("c", "V_m", interval=0.5 * unit)
    simulation = Simulation(network, resolution="exact")
    simulation.run(3.0 * unit * (cycles + 4))
    times, found = simulation.sink.states(0)
    ends = np.rint(times / (0.5 * unit)).astype(int)
    arrived = 2 * (8 + 3 * np.arange(cycles))
    between = ends % 2 == 1
    assert found[between, 0].tolist() == pytest.approx(np.searchsorted(arrived, ends[between]).tolist(), abs=1e-6)

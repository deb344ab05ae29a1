"""lif_error: lif_delta to the bit, and beside it a filter that the membrane knows nothing of."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.cell import R, arrivals, coefficients, parameters, state
from neuromorph import Network, Simulation
from neuromorph.models.lif import LifDelta
from neuromorph.models.lif_error import LifError


@pytest.mark.parametrize("clamped", [False, True])
def test_the_error_decays_and_the_membrane_is_that_of_lif_delta(clamped):
    p, plain = parameters(LifError, tau_error=7.0, I_e=120.0), parameters(LifDelta, I_e=120.0)
    s, t = state(LifError, p, V_m=-61.0, error=3.0), state(LifDelta, plain, V_m=-61.0)
    advanced = LifError.advance(s, 1.5, p, clamped)
    assert advanced[:2] == LifDelta.advance(t, 1.5, plain, clamped)
    assert advanced[2] == pytest.approx(3.0 * math.exp(-1.5 / 7.0), rel=1e-14)
    assert LifError.advance_by(s, 1.5, LifError.decays(1.5, p), p, clamped) == advanced
    ticked = LifError.propagate(s, coefficients(LifError, p, 1.5), p, clamped)
    assert ticked[:2] == LifDelta.propagate(t, coefficients(LifDelta, plain, 1.5), plain, clamped)
    assert ticked == pytest.approx(advanced, rel=1e-14)


@pytest.mark.parametrize("refractory", [False, True])
def test_an_error_arrives_while_refractory_too_and_outlives_the_reset(refractory):
    p = parameters(LifError)
    s = state(LifError, p, error=1.0)
    s = type(s)(*LifError.receive(s, arrivals(LifError, delta=20.0, error=-2.5), p, refractory, R(0, 0, 0)))
    assert (s.V_m, s.error) == (-70.0 if refractory else -50.0, -1.5)
    assert LifError.fires(s, p) == (0 if refractory else 1)
    assert LifError.reset(s, p) == (-70.0, 0.0, -1.5)


@pytest.mark.parametrize("resolution", ["exact", 0.5], ids=["exact", "grid"])
def test_spikes_of_an_error_population_are_filtered_and_move_no_potential(resolution):
    network = Network("errors")
    network.add_population("c", "lif_error", 2, {"tau_error": 8.0})
    network.add_population("same", "lif_delta", 2)
    network.add_input("drive", "spike_train", 1, {"times": [2.0, 11.0, 12.5]})
    network.add_input("wrong", "spike_train", 1, {"times": [3.0, 12.0]})
    for cells in ("c", "same"):
        network.connect("drive", cells, "all_to_all", weight=[[16.0, 9.0]], delay=1.0)
    network.connect("wrong", "c", "all_to_all", weight=[[0.5, -2.0]], delay=1.5, receptor="error")
    simulation = Simulation(network, resolution=resolution)
    simulation.run(20.0)
    for part in range(2):
        np.testing.assert_array_equal(simulation.spikes("c")[part], simulation.spikes("same")[part])
    assert simulation.spikes("c")[0].tolist() == [3.0, 12.0, 13.5]
    assert simulation.state("c", "V_m") == pytest.approx(simulation.state("same", "V_m"), abs=1e-12)
    filtered = math.exp(-(20.0 - 4.5) / 8.0) + math.exp(-(20.0 - 13.5) / 8.0)
    assert simulation.state("c", "error") == pytest.approx([0.5 * filtered, -2.0 * filtered], rel=1e-12)

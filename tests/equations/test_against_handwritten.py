"""Models by equations beside those that were written by hand: the same spikes, the same potentials."""

from __future__ import annotations

import numpy as np
import pytest

from equations.models import network, runs

WEIGHTS = {
    "lif_delta": {"delta": 1.6},
    "lif_exp": {"excitatory": 150.0, "inhibitory": -80.0},
    "lif_alpha": {"excitatory": 80.0, "inhibitory": -40.0},
    "lif_cond_exp": {"excitatory": 60.0, "inhibitory": 2.0},
    "izhikevich": {"delta": 3.0},
    "adex": {"excitatory": 190.0, "inhibitory": -60.0},
}


@pytest.mark.parametrize(
    ("name", "own"), [("lif_delta", False), ("lif_exp", False), ("lif_alpha", False), ("lif_alpha", True)]
)
def test_exact_spike_times_agree_to_a_billionth_of_a_millisecond(name, own):
    params = {"tau_m": {"distribution": "uniform", "low": 5.0, "high": 15.0}} if own else None
    by_hand, by_equations = runs(name, lambda m: network(m, WEIGHTS[name], params), "exact", 200.0, "V_m")
    assert by_hand[0].size > 20
    np.testing.assert_array_equal(by_hand[1], by_equations[1])
    np.testing.assert_allclose(by_hand[0], by_equations[0], rtol=0, atol=1e-9)
    np.testing.assert_allclose(by_hand[2], by_equations[2], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "own"),
    [*((name, "") for name in WEIGHTS), ("adex", "C_m")],
)
def test_on_the_grid_spikes_are_the_same_and_potentials_agree(name, own):
    params = {own: {"distribution": "uniform", "low": 240.0, "high": 300.0}} if own else None
    by_hand, by_equations = runs(name, lambda m: network(m, WEIGHTS[name], params), 0.1, 200.0, "V_m")
    assert by_hand[0].size > 20
    np.testing.assert_array_equal(by_hand[1], by_equations[1])
    np.testing.assert_array_equal(by_hand[0], by_equations[0])
    relative = 1e-9 if name in ("adex", "izhikevich") else 0.0
    np.testing.assert_allclose(by_hand[2], by_equations[2], rtol=relative, atol=1e-10)

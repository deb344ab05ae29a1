"""What decays comes to an end: no membrane or synapse is left with denormal numbers, which are slow to compute with."""

from __future__ import annotations

import numpy as np
import pytest

from neuromorph import Network, Simulation

SMALLEST = np.finfo(float).tiny


def kicked(model, **parameters):
    network = Network()
    network.add_population("E", model, 3, parameters)
    network.add_input("kick", "spike_train", 1, {"times": [1.0]})
    network.connect("kick", "E", "all_to_all", weight=1.0, delay=1.0)
    return network


def states(simulation):
    return {name: simulation.state("E", name) for name in simulation.cells["E"].variables}


@pytest.mark.parametrize("model", ["lif_exp", "lif_alpha", "lif_cond_exp", "adex", "lif_delta"])
def test_no_denormal_number_is_left(model):
    simulation = Simulation(kicked(model), resolution=0.1)
    for _ in range(12):
        simulation.run(307.2)  # three times 1,024 ticks
        for name, values in states(simulation).items():
            assert not np.any((np.abs(values) < SMALLEST) & (values != 0.0)), (name, simulation.time)
    currents = [values for name, values in states(simulation).items() if name.startswith(("I_", "g_", "y_"))]
    assert not np.any(currents)


def test_a_decay_is_that_of_its_equation_until_then():
    """I(t) = w exp(-t / tau), as far as 1e-200 pA."""
    simulation = Simulation(kicked("lif_exp", tau_syn_ex=5.0), resolution=0.1)
    simulation.run(2.0)
    begin = states(simulation)["I_ex"][0]
    for time in (100.0, 1000.0, 2200.0):
        simulation.run_until(time)
        assert states(simulation)["I_ex"][0] == pytest.approx(begin * np.exp(-(time - 2.0) / 5.0), rel=1e-11)
    simulation.run_until(2500.0)
    assert states(simulation)["I_ex"][0] == 0.0


def test_what_is_no_number_stays_so():
    """It is to be found, not mended."""
    simulation = Simulation(kicked("lif_exp"), resolution=0.1)
    simulation.cells["E"].state[0][:] = np.nan
    simulation.run(205.0)
    assert np.isnan(states(simulation)["V_m"]).all()

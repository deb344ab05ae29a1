"""State in float32: half the memory traffic, and the same statistics."""

from __future__ import annotations

import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.errors import InputError


def network(model: str, weight: float, **connection: object) -> Network:
    made = Network("n")
    made.add_input("noise", "poisson", size=200, params={"rate": 12000.0})
    made.add_population("E", model, size=200)
    made.connect("noise", "E", "one_to_one", weight=weight, delay=1.0)
    made.connect("E", "E", "bernoulli", probability=0.1, weight=0.2 * weight, delay=1.5, **connection)
    return made


@pytest.mark.parametrize(("model", "weight"), [("lif_delta", 0.13), ("lif_exp", 60.0), ("lif_alpha", 25.0)])
def test_float32_fires_as_float64_does(model, weight):
    found = []
    for precision in ("float64", "float32"):
        simulation = Simulation(network(model, weight), resolution=0.1, seed=3, precision=precision)
        simulation.run(300.0)
        assert simulation.state("E", "V_m").dtype == np.float64
        found.append((simulation.spikes("E")[0].size, simulation.state("E", "V_m")))
    (n, V), (m, W) = found
    assert n > 200
    assert m == pytest.approx(n, rel=0.05)
    assert V.mean() == pytest.approx(W.mean(), abs=2.0)
    assert not np.array_equal(V, W)


def test_float32_is_the_same_however_it_is_cut_and_partitioned():
    found = []
    for parts, steps in ((1, [40.0]), (2, [13.3, 26.7])):
        simulation = Simulation(network("lif_exp", 60.0), resolution=0.1, seed=3, parts=parts, precision="float32")
        for step in steps:
            simulation.run(step)
        found.append((*simulation.spikes("E"), simulation.state("E", "I_ex")))
    for one, other in zip(*found):
        np.testing.assert_array_equal(one, other)
    assert found[0][0].size > 0


@pytest.mark.parametrize("resolution", [0.1, "exact"])
def test_float32_is_refused_where_it_does_not_serve(resolution):
    rule = {"rule": "pair_stdp"} if resolution == 0.1 else None
    with pytest.raises(InputError) as caught:
        Simulation(network("lif_delta", 0.13, plasticity=rule), resolution=resolution, precision="float32")
    assert "float32 is for static networks on the grid" in str(caught.value)
    assert "Use float64 in exact mode" in str(caught.value)


def test_another_precision_is_refused():
    with pytest.raises(InputError) as caught:
        Simulation(network("lif_delta", 0.13), precision="float16")
    assert "unknown precision" in str(caught.value)
    assert "float64 or float32" in str(caught.value)

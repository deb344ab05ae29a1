"""tsodyks_markram beside NEST's tsodyks2_synapse and the stationary efficacies; stochastic release by its moments."""

from __future__ import annotations

import numpy as np
import pytest

from library.same_spikes import add_train, peer
from neuromorph import Network, Simulation

NEST = peer("nest_rules.json")["short_term"]


def arrived(trains, plastic, times, resolution, weight, delay=1.0):
    """What has arrived at each target by each time: float[times, synapses]. Targets only add up what they get."""
    network = Network("adding up")
    network.add_population("post", "lif_delta", len(trains), {"tau_m": 1e16, "V_th": 1e9, "E_L": 0.0, "V_reset": -1.0})
    add_train(network, "pre", trains)
    network.connect("pre", "post", "one_to_one", weight=weight, delay=delay, plasticity=plastic)
    simulation, found, now = Simulation(network, resolution=resolution, seed=3), [], 0.0
    for time in times:
        simulation.run(time - now)
        found.append(np.array(simulation.state("post", "V_m")))
        now = time
    return np.array(found)


@pytest.mark.parametrize("resolution", ["exact", 1.0])
@pytest.mark.parametrize("kind", ["depressing", "facilitating"])
def test_what_is_delivered_is_what_nest_delivers(kind, resolution):
    """Four trains of up to 200 spikes each, and what they came to at twelve times: 1e-9 of it, all in float64."""
    q = NEST[kind]["params"]
    params = {name: q[name] for name in ("U", "tau_rec", "tau_fac")}
    times = np.linspace(500.0, 13_000.0, 12).round() + 1.0  # spikes are at even ms and arrive at odd ones
    found = arrived(NEST["trains"], {"rule": "tsodyks_markram", "params": params}, times, resolution, q["weight"])
    sums = [
        [sum(w for t, w in zip(*train) if t + 1.0 <= time) for train in zip(NEST["trains"], NEST[kind]["delivered"])]
        for time in times
    ]
    assert np.ptp(NEST[kind]["delivered"][0]) > 0.5
    assert found == pytest.approx(np.array(sums), rel=1e-9)


@pytest.mark.parametrize("rate", [5.0, 20.0, 50.0])
def test_a_regular_train_settles_at_the_stationary_efficacy(rate):
    """u = U / (1 - (1 - U) F), x = (1 - R) / (1 - (1 - u) R) with F, R = exp(-1/(rate tau)): Tsodyks & Markram 1997."""
    U, tau_rec, tau_fac = 0.3, 400.0, 200.0
    F, R = np.exp(-1e3 / rate / tau_fac), np.exp(-1e3 / rate / tau_rec)
    u = U / (1.0 - (1.0 - U) * F)
    expected = u * (1.0 - R) / (1.0 - (1.0 - u) * R)
    params = {"U": U, "tau_rec": tau_rec, "tau_fac": tau_fac}
    train = np.arange(1e3 / rate, 8000.0, 1e3 / rate)
    ends = train[-2:] + 2.0
    found = np.diff(arrived([train], {"rule": "tsodyks_markram", "params": params}, ends, 1.0, 1.0)[:, 0])
    assert found[0] == pytest.approx(expected, rel=1e-9)


def test_release_has_the_moments_of_a_coin():
    """400 synapses, 200 spikes, each carried with probability 0.3: sums are binomial, and no two synapses agree."""
    n, spikes, q, w = 400, 200, 0.3, 0.5
    plastic = {"rule": "stochastic_release", "params": {"p_transmit": q}}
    found = arrived([np.arange(1.0, spikes + 1.0)] * n, plastic, [spikes + 5.0], 1.0, w)[0] / w
    assert found == pytest.approx(found.round(), abs=1e-6)
    variance = spikes * q * (1.0 - q)
    assert abs(found.mean() - spikes * q) < 4.0 * np.sqrt(variance / n)
    assert found.var() == pytest.approx(variance, rel=4.0 * np.sqrt(2.0 / n))


@pytest.mark.parametrize(("q", "share"), [(0.0, 0.0), (1.0, 1.0)])
def test_release_that_is_certain(q, share):
    plastic = {"rule": "stochastic_release", "params": {"p_transmit": q}}
    assert arrived([[3.0, 9.0]], plastic, [12.0], 1.0, 0.5)[0, 0] == pytest.approx(share, abs=1e-9)

"""superspike against a simulation written out here, and what it is for: a cell learns to fire at given times."""

from __future__ import annotations

import math

import numpy as np
import pytest

from library.same_spikes import add_train
from neuromorph import Network, Simulation

P = {"eta": 2e-3, "tau_m": 12.0, "tau_decay": 15.0, "tau_rise": 4.0, "beta": 0.5}
CELL = {"tau_m": 12.0, "tau_error": 9.0, "t_ref": 2.0}
E_L, V_TH, TICKS = -70.0, -55.0, 300  # ticks of 1 ms


def network_of(trains, wanted, start, params, ticks, own=-1.0):
    """One cell with an error: + 1 at each wanted spike, `own` at each of its own."""
    network = Network("one cell")
    network.add_population("cell", "lif_error", 1, CELL)
    add_train(network, "pre", trains)
    network.add_input("teacher", "spike_train", 1, {"times": wanted})
    network.add_signal("clock", start=1.0, interval=1.0, count=ticks, first=1.0, last=1.0, delay=1.0)
    plastic = {"rule": "superspike", "params": params, "signals": ["clock"], "w_min": -20.0, "w_max": 20.0}
    network.connect("pre", "cell", "all_to_all", weight=start, delay=1.0, plasticity=plastic, name="learnt")
    network.connect("teacher", "cell", weight=1.0, delay=1.0, receptor="error")
    network.connect("cell", "cell", "all_to_all", weight=own, delay=1.0, receptor="error", autapses=True)
    return network


def reference(trains, wanted, start):
    """Weights and spikes of the cell: sums over all earlier events, nothing kept but the lists of them."""
    weights, V, free_at, spikes = [float(w) for w in start], E_L, 0, []
    flying, fed = {}, [[] for _ in trains]
    for t in range(1, TICKS + 1):
        if t > free_at:
            V = E_L + (V - E_L) * math.exp(-1.0 / CELL["tau_m"])
        V += flying.pop(t, 0.0) if t >= free_at else 0.0 * flying.pop(t, 0.0)
        if V >= V_TH:
            spikes.append(t)
            V, free_at = E_L, t + 2
        flying[t + 1] = sum(w for w, train in zip(weights, trains) if t in train)
        if t < 2:
            continue
        arrived = [(s + 1, 1.0) for s in wanted] + [(s + 1, -1.0) for s in spikes]
        error = sum(sign * math.exp(-(t - s) / CELL["tau_error"]) for s, sign in arrived if s <= t)
        surrogate = (1.0 + P["beta"] * abs(V - V_TH)) ** -2
        for i, train in enumerate(trains):
            fed[i].append((t, surrogate * sum(math.exp((s - t) / P["tau_m"]) for s in train if s < t)))
            alpha = sum(e * (math.exp((s - t) / P["tau_decay"]) - math.exp((s - t) / P["tau_rise"])) for s, e in fed[i])
            weights[i] = float(np.float32(weights[i] + P["eta"] * error * alpha))
    return weights, spikes


def test_weights_are_the_sums_over_all_earlier_events():
    random = np.random.default_rng(2)
    trains = [sorted(random.choice(np.arange(1, 290), 30, replace=False).tolist()) for _ in range(5)]
    wanted = sorted(random.choice(np.arange(1, 290), 8, replace=False).tolist())
    start = np.array([4.0, 3.0, 6.0, -1.0, 5.0], np.float32)
    expected, spikes = reference(trains, wanted, start)
    simulation = Simulation(network_of(trains, wanted, start, P, TICKS), resolution=1.0)
    simulation.run(TICKS)
    assert simulation.spikes("cell")[0].tolist() == spikes
    assert len(spikes) > 5
    assert np.abs(np.array(expected) - start).min() > 0.005
    assert simulation.weights("learnt") == pytest.approx(expected, abs=2e-6)


def test_a_cell_learns_to_fire_at_given_times():
    """Zenke & Ganguli 2018, fig. 2: 100 frozen Poisson trains and five wanted spikes in a period of 500 ms, repeated.

    A wanted spike is hit by one within 10 ms, which of five random ones would be one.
    """
    random, period, repeats = np.random.default_rng(12), 500, 300
    wanted = np.array([80.0, 170.0, 260.0, 350.0, 440.0])
    once = [np.flatnonzero(random.random(period - 20) < 0.012) + 1.0 for _ in range(100)]
    again = period * np.arange(repeats)[:, None]
    trains = [(again + train).ravel() for train in once]
    params = {**P, "eta": 4e-3, "tau_decay": 12.0, "tau_rise": 6.0, "beta": 0.3}
    start = random.uniform(0.0, 1.2, 100)
    simulation = Simulation(
        network_of(trains, (again + wanted).ravel() - 1.0, start, params, period * repeats), resolution=1.0
    )
    simulation.run(period * repeats)
    times = simulation.spikes("cell")[0]

    def hits(repeat):
        spikes = times[(times > repeat * period) & (times <= (repeat + 1) * period)] - repeat * period
        return spikes.size, sum(np.abs(spikes - t).min(initial=np.inf) <= 10.0 for t in wanted)

    first, last = (np.mean([hits(k) for k in some], axis=0) for some in (range(5), range(repeats - 30, repeats)))
    assert first[1] < 1.5
    assert last == pytest.approx([5.0, 5.0], abs=0.5)  # five spikes, and all five hit

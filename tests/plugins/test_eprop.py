"""e-prop against a simulation written out here, and what it is for: an error population steers its cell's rate."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuromorph import Network, Simulation

P = {"eta": 0.4, "tau_m": 12.0, "tau_e": 30.0, "gamma": 0.5, "width": 15.0}
CELL = {"tau_m": 12.0, "tau_error": 9.0, "t_ref": 2.0}
E_L, V_TH = -70.0, -55.0
TICKS = 400  # of 1 ms


def psi(V_m):
    return P["gamma"] / P["width"] * max(0.0, 1.0 - abs(V_m - V_TH) / P["width"])


def reference(trains, drive, errors, clock, delay, weights, drive_weight, error_weight):
    """Weights and spikes of one cell: sums over all earlier events, nothing kept but the lists of them."""
    weights, n = [float(w) for w in weights], len(trains)
    V, free_at, spikes, before_reset, seen = E_L, 0, [], {}, [[] for _ in range(n)]
    flying = {}
    for t in range(1, TICKS + 1):
        if t > free_at:
            V = E_L + (V - E_L) * math.exp(-1.0 / CELL["tau_m"])
        arrived = flying.pop(t, 0.0) + drive_weight * (t - 1 in drive)
        if t >= free_at:
            V += arrived
        if V >= V_TH:
            spikes.append(t)
            before_reset[t] = V
            V, free_at = E_L, t + 2

        def x(i, now):
            return sum(math.exp(-(now - s) / P["tau_m"]) for s in trains[i] if s < now)

        if t - delay in before_reset:
            for i in range(n):
                seen[i].append((t, psi(before_reset[t - delay]) * x(i, t)))
        flying[t + delay] = sum(w for w, train in zip(weights, trains) if t in train)
        if t in clock:
            error = sum(error_weight * math.exp(-(t - 1 - s) / CELL["tau_error"]) for s in errors if s + 1 <= t)
            for i in range(n):
                seen[i].append((t, psi(V) * x(i, t)))
                e = sum(value * math.exp(-(t - s) / P["tau_e"]) for s, value in seen[i])
                weights[i] = float(np.float32(weights[i] - P["eta"] * clock[t] * error * e))
    return weights, spikes


@pytest.mark.parametrize(("interval", "delay"), [(1, 1), (1, 3), (5, 1)])
def test_weights_are_the_sums_over_all_earlier_events(interval, delay):
    random = np.random.default_rng(2)
    trains = [set(random.choice(np.arange(1, 390), 40, replace=False).tolist()) for _ in range(5)]
    drive = set(random.choice(np.arange(1, 390), 60, replace=False).tolist())
    errors = sorted(random.choice(np.arange(1, 390), 30, replace=False).tolist())
    clock = {t: 1.0 - t / 500 for t in range(1 + interval, TICKS, interval)}
    start = np.array([2.0, 1.0, 3.0, -1.0, 0.5], np.float32)
    expected, spikes = reference(trains, drive, errors, clock, delay, start, 7.0, -0.75)

    network = Network("one cell")
    network.add_population("c", "lif_error", 1, CELL)
    given = {"times": [t for train in trains for t in train], "indices": np.repeat(np.arange(5), 40)}
    network.add_input("pre", "spike_train", 5, given)
    network.add_input("drive", "spike_train", 1, {"times": sorted(drive)})
    network.add_input("wrong", "spike_train", 1, {"times": errors})
    network.add_signal("clock", times=np.array(list(clock)) - 1.0, values=list(clock.values()), delay=1.0)
    plastic = {"rule": "eprop", "params": P, "signals": ["clock"], "w_min": -50.0, "w_max": 50.0}
    network.connect("pre", "c", "all_to_all", weight=start, delay=delay, plasticity=plastic, name="learnt")
    network.connect("drive", "c", weight=7.0, delay=1.0)
    network.connect("wrong", "c", weight=-0.75, delay=1.0, receptor="error")
    simulation = Simulation(network, resolution=1.0)
    simulation.run(TICKS)
    assert simulation.spikes("c")[0].tolist() == spikes
    assert len(spikes) > 10
    assert np.abs(np.array(expected) - start).min() > 0.01
    assert simulation.weights("learnt") == pytest.approx(expected, abs=1e-6)


def test_the_pseudo_derivative_is_gone_a_width_from_threshold():
    """A cell held far from threshold learns nothing, one near it does."""
    changed = []
    for I_e in (0.0, 300.0):
        network = Network("held")
        network.add_population("c", "lif_error", 1, {**CELL, "I_e": I_e})
        network.add_input("pre", "spike_train", 1, {"times": [100.0]})
        network.add_input("wrong", "spike_train", 1, {"times": [101.0]})
        network.add_signal("clock", start=1.0, interval=1.0, count=150)
        plastic = {"rule": "eprop", "params": P, "signals": ["clock"], "w_min": -1.0}
        network.connect("pre", "c", weight=0.0, delay=1.0, plasticity=plastic, name="learnt")
        network.connect("wrong", "c", weight=1.0, delay=1.0, receptor="error")
        simulation = Simulation(network, resolution=1.0)
        simulation.run(200.0)
        assert simulation.spikes("c")[0].size == 0
        changed.append(float(simulation.weights("learnt")[0]))
    assert changed[0] == 0.0
    assert changed[1] < -0.01


@pytest.mark.parametrize("target", [20.0, 60.0])
def test_error_spikes_bring_the_rate_to_its_target(target):
    """Each of the cell's spikes is an error of +1, each of the teacher's one of -1, and the rates become alike."""
    network = Network("rate")
    network.add_population("c", "lif_error", 1, {"tau_error": 20.0})
    network.add_population("over", "lif_delta", 1, {"t_ref": 0.0})
    network.add_input("teacher", "poisson", 1, {"rate": target})
    network.add_input("pre", "poisson", 40, {"rate": 20.0})
    network.connect("c", "over", weight=20.0, delay=1.0)
    for source, sign in (("over", 1.0), ("teacher", -1.0)):
        network.connect(source, "c", weight=sign, delay=1.0, receptor="error")
    network.add_signal("clock", start=1.0, interval=1.0, count=30_000)
    plastic = {"rule": "eprop", "params": {"eta": 0.003, "tau_m": 10.0}, "signals": ["clock"], "w_min": -20.0}
    network.connect("pre", "c", "all_to_all", weight=1.0, delay=1.0, plasticity=plastic, name="learnt")
    network.record("teacher", "spikes")
    simulation = Simulation(network, resolution=1.0, seed=3)
    simulation.run(30_000.0)
    times, _ = simulation.spikes("c")
    taught, _ = simulation.spikes("teacher")
    rate, wanted = (np.count_nonzero(t > 15_000.0) / 15.0 for t in (times, taught))
    assert rate == pytest.approx(wanted, rel=0.15)

"""Reward-modulated STDP against sums and integrals in closed form, and what it is for: the causal synapse is paid."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuromorph import Network, Simulation

P = {"tau_plus": 17.0, "tau_minus": 34.0, "a_plus": 4e-4, "a_minus": 3e-4, "tau_c": 300.0, "tau_d": 120.0}
BOTH = pytest.mark.parametrize("resolution", ["exact", 0.5], ids=["exact", "grid"])


def expected(pre, post, rewards, until, delay):
    """The weight's change up to `until` (ms): each pair of spikes with each reward, integrated by itself.

    A pair leaves its eligibility at the later of its two spikes (at the synapse), a reward its dopamine when it
    arrives; from the later of these two times on their product decays with tau.
    """
    tau = 1.0 / (1.0 / P["tau_c"] + 1.0 / P["tau_d"])
    total = 0.0
    for t in pre:
        for s in np.asarray(post) + delay:
            if s == t:
                continue
            late = s > t
            pair = (
                P["a_plus"] * math.exp((t - s) / P["tau_plus"])
                if late
                else -P["a_minus"] * math.exp((s - t) / P["tau_minus"])
            )
            for arrival, value in rewards:
                paired, start = max(s, t), max(s, t, arrival)
                if start < until:
                    rate = (
                        pair
                        * math.exp((paired - start) / P["tau_c"])
                        * value
                        * math.exp((arrival - start) / P["tau_d"])
                    )
                    total += rate * tau * -math.expm1((start - until) / tau)
    return total


def trained(pre, post, rewards, until, delay, resolution, weight=0.0):
    """Weights after `until`, one synapse and cell for each train of `pre`; a signal of value 0 reads them."""
    n = len(pre)
    network = Network("rewarded")
    network.add_population("post", "lif_delta", n, {"t_ref": 0.5})
    given = {"times": np.concatenate(pre), "indices": np.repeat(np.arange(n), [len(train) for train in pre])}
    network.add_input("pre", "spike_train", n, given)
    network.add_input("drive", "spike_train", 1, {"times": np.asarray(post) - 1.0})
    times, values = zip(*rewards)
    network.add_signal("reward", times=np.array([*times, until]) - 0.5, values=[*values, 0.0], delay=0.5)
    plastic = {"rule": "reward_stdp", "params": P, "w_min": -5.0, "w_max": 5.0, "signals": ["reward"]}
    network.connect("pre", "post", "one_to_one", weight=weight, delay=delay, plasticity=plastic, name="learnt")
    network.connect("drive", "post", "all_to_all", weight=30.0, delay=1.0)
    simulation = Simulation(network, resolution=resolution)
    simulation.run(until + 1.0)
    assert simulation.spikes("post")[0].size == n * len(post)
    return simulation.weights("learnt")


@BOTH
@pytest.mark.parametrize("delay", [0.5, 7.5])
def test_weights_are_the_integral_of_eligibility_times_dopamine(resolution, delay):
    """Ten synapses with random trains, rewards of both signs before, between and after the spikes."""
    random = np.random.default_rng(4)
    pre = [np.unique(random.integers(10, 1200, 15)) / 2.0 for _ in range(10)]
    post = np.unique(random.integers(5, 160, 12)) * 4.0
    rewards = [(20.0, 0.5), (133.5, 1.0), (300.0, -0.75), (620.0, 1.5), (1000.0, 1.0)]
    found = trained(pre, post, rewards, 1500.0, delay, resolution)
    reference = [expected(train, post, rewards, 1500.0, delay) for train in pre]
    assert np.abs(reference).min() > 1e-4
    assert np.ptp(reference) > 0.01
    assert found == pytest.approx(reference, abs=1e-6)


@BOTH
def test_reward_pays_the_causal_synapse_alone(resolution):
    """Izhikevich 2007, fig. 1: a reward 400 ms after the pairings pays what fired before; without it, nothing."""
    post = np.arange(50.0, 450.0, 100.0)
    pre = [post - 5.0, post + 5.0, [2000.0]]  # causal, acausal, silent until long after
    rewarded = trained(pre, post, [(800.0, 1.0)], 3000.0, 0.5, resolution)
    punished = trained(pre, post, [(800.0, -1.0)], 3000.0, 0.5, resolution)
    unpaid = trained(pre, post, [(800.0, 0.0)], 3000.0, 0.5, resolution)
    assert rewarded[0] > 0.01
    assert rewarded[1] < -0.005
    assert abs(rewarded[2]) < 1e-6
    assert punished == pytest.approx(-rewarded, abs=1e-7)
    assert unpaid.tolist() == [0.0, 0.0, 0.0]


def test_the_weight_that_a_spike_delivers_is_up_to_date():
    """A spike long after the reward carries all of it, though no event came in between."""
    learnt = trained([[45.0, 2500.0]], [50.0], [(60.0, 1.0)], 2600.0, 0.5, "exact")[0]
    network = Network("delivery")
    network.add_population("post", "lif_delta", 1, {"tau_m": 1e9, "V_th": 0.0, "t_ref": 0.5})
    network.add_input("pre", "spike_train", 1, {"times": [45.0, 2500.0]})
    network.add_input("drive", "spike_train", 1, {"times": [49.0]})
    network.add_signal("reward", times=[59.5], values=[1.0], delay=0.5)
    plastic = {"rule": "reward_stdp", "params": P, "w_min": -5.0, "w_max": 5.0, "signals": ["reward"]}
    network.connect("pre", "post", weight=0.0, delay=0.5, plasticity=plastic)
    network.connect("drive", "post", weight=80.0, delay=1.0)
    simulation = Simulation(network, resolution="exact")
    simulation.run(2501.0)
    assert simulation.spikes("post")[0].size == 1
    assert simulation.state("post", "V_m")[0] - -70.0 == pytest.approx(learnt, abs=1e-6)
    assert learnt > 0.01

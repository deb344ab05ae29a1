"""Rows that are learned at once, in SIMD, end with the very weights that one synapse after the other gives."""

from __future__ import annotations

import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.kernels import recent
from neuromorph.learning.contract import LearningRule, Trace
from neuromorph.learning.registry import registry
from neuromorph.parameters import Param


class Paired(LearningRule):
    """Reads all that such a rule may: two traces of either side in both hooks, and how many spikes there are."""

    name = "paired"
    fast, slow, gain = Param(10.0, "ms", above=0), Param(40.0, "ms", above=0), Param(0.005)
    x1, x2 = Trace("pre", "fast"), Trace("pre", "slow", step=0.5)
    y1, y2 = Trace("post", "fast"), Trace("post", "slow", step=0.25)

    def on_pre(w, pre, post, p):
        return w - p.gain * (post.y1 + 0.3 * post.y2) * pre.count + 0.01 * pre.x2

    def on_post(w, pre, post, p):
        return w + p.gain * post.count * (pre.x1 * (1.0 + 0.5 * post.y2) + 0.1 * post.y1 * pre.x2)


class Following(LearningRule):
    """Acts at presynaptic spikes alone."""

    name = "following"
    tau = Param(20.0, "ms", above=0)
    y = Trace("post", "tau")

    def on_pre(w, pre, post, p):
        return w + 0.001 * (0.5 - post.y)


def learned(rule, rate, delay):
    network = Network("rows")
    network.add_population(
        "c", "lif_delta", 40, {"t_ref": 0.5}, initial={"V_m": {"distribution": "uniform", "low": -70.0, "high": -56.0}}
    )
    network.add_input("noise", "poisson", 40, {"rate": rate})
    network.connect("noise", "c", "one_to_one", weight=16.0, delay=0.5)
    network.connect(
        "c", "c", "fixed_indegree", indegree=20, weight=0.3, delay=delay, name="learnt",
        plasticity={"rule": rule, "w_min": 0.0, "w_max": 1.0},
    )  # fmt: skip
    network.connect("noise", "c", "bernoulli", probability=0.3, weight=0.2, delay=1.0, name="in", plasticity=rule)
    simulation = Simulation(network, resolution=0.5, seed=3)
    seen = []
    for stretch in (10.0, 0.5, 9.5, 30.0, 150.0, 300.0, 100.0 if rate > 100.0 else 15_000.0):
        simulation.run(stretch)
        seen += [simulation.weights("learnt"), simulation.weights("in")]
    return seen, simulation


@pytest.mark.parametrize("delay", [0.5, 12.0])
@pytest.mark.parametrize("rate", [0.5, 20.0, 300.0])
@pytest.mark.parametrize("rule", ["pair_stdp", "paired", "following"])
def test_rows_at_once_and_one_by_one(rule, rate, delay, monkeypatch):
    with registry.override({"paired": Paired, "following": Following}, "tests"):
        at_once, simulation = learned(rule, rate, delay)
        part = simulation.plastic["learnt"][0]
        assert part.history.recent.size == 40 * recent.RECENT
        monkeypatch.setattr(recent, "learns_rows", lambda rule, exact: False)
        one_by_one, simulation = learned(rule, rate, delay)
        assert simulation.plastic["learnt"][0].history.recent.size == 0
    assert simulation.spike_counts["c"] > 40
    assert max(len(set(weights.tolist())) for weights in at_once) > 10
    assert all(np.array_equal(a, b) for a, b in zip(at_once, one_by_one))

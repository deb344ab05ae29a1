"""Exact mode: whether a window's arrivals are dealt out and walked, or visit their cells, changes no byte."""

from __future__ import annotations

import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.engine import exact_windows

ALWAYS_DEALT, ALWAYS_VISITED = 0, 1 << 40


def recurrent(model, params, size=150, receptors=False):
    """Cells above threshold, two populations of a hundred synapses or so a cell, several between the same two cells."""
    net = Network("recurrent")
    start = {"V_m": {"distribution": "uniform", "low": -65.0, "high": -50.1}}
    for name in ("a", "b"):
        net.add_population(name, model, size, params, start)
        net.record(name, "spikes")
        net.record(name, "V_m", 10.0)
    for k, source in enumerate("ab"):
        for target in "ab":
            weight = (4.0, -9.0)[k]
            net.connect(source, target, "fixed_indegree", weight, 0.5 + 0.25 * k, indegree=60, multapses=True)
    if receptors:  # both signs arrive at once, from the same source with the same delay
        net.connect("a", "b", "fixed_indegree", -1.5, 0.5, indegree=40, multapses=True, name="second")
    return net


CURRENTS = {"tau_m": 20.0, "C_m": 20.0, "E_L": -49.0, "V_th": -50.0, "V_reset": -60.0, "t_ref": 3.0}
OWN = {**CURRENTS, "E_L": {"distribution": "uniform", "low": -49.5, "high": -48.5}}
JUMPS = {"tau_m": 20.0, "C_m": 20.0, "E_L": -49.0, "V_th": -50.0, "V_reset": -60.0, "t_ref": 3.0}


def driven():
    net = recurrent("lif_exp", CURRENTS)
    net.add_input("noise", "poisson", 150, {"rate": 400.0})
    net.connect("noise", "a", "one_to_one", 5.0, 0.5)
    return net


def synchronous():
    """Several inputs that spike at one instant reach the same cells, some of which they fire."""
    net = recurrent("lif_delta", JUMPS | {"E_L": -55.0})
    net.add_input("beat", "spike_train", 3, {"times": np.arange(1.0, 90.0, 2.0)})
    net.connect("beat", "a", "all_to_all", 1.7, 0.5)
    net.connect("beat", "b", "all_to_all", 2.0, 0.5)
    return net


NETWORKS = {
    "currents": lambda: recurrent("lif_exp", CURRENTS),
    "two receptors": lambda: recurrent("lif_exp", CURRENTS, receptors=True),
    "own parameters": lambda: recurrent("lif_exp", OWN),
    "alpha": lambda: recurrent("lif_alpha", CURRENTS),
    "jumps": lambda: recurrent("lif_delta", JUMPS | {"C_m": 20.0}, size=70),
    "driven": driven,
    "synchronous": synchronous,
}


def outcome(net, cuts=(), parts=1, duration=100.0):
    simulation = Simulation(net, resolution="exact", seed=3, parts=parts)
    for begin, end in zip([0.0, *cuts], [*cuts, duration]):
        simulation.run(end - begin)
    spikes = [b"".join(a.tobytes() for a in simulation.sink.instants(name)) for name in "ab"]
    return spikes, [simulation.sink.states(k)[1].tobytes() for k in range(2)], simulation.close()


@pytest.mark.parametrize("name", NETWORKS)
def test_visited_or_dealt(name, monkeypatch):
    monkeypatch.setattr(exact_windows, "DEALT", ALWAYS_DEALT)
    dealt = outcome(NETWORKS[name]())
    assert dealt[2]["spikes"] > 100
    monkeypatch.setattr(exact_windows, "DEALT", ALWAYS_VISITED)
    assert outcome(NETWORKS[name]()) == dealt
    assert outcome(NETWORKS[name](), (3.125, 40.0, 40.0625), 3) == dealt

"""Small recorded runs that are asked why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neuromorph import Network, Simulation

DURATION = 120.0  # ms


def network(rule: str | None = None, **plasticity: Any) -> Network:
    """Two populations under Poisson input, whose synapses may learn."""
    net = Network("asked")
    initial = {"V_m": {"distribution": "uniform", "low": -70.0, "high": -56.0}}
    net.add_population("E", "lif_exp", 12, {"tau_m": 15.0}, initial)
    net.add_population("I", "lif_exp", 4, {"tau_m": 10.0})
    net.add_input("noise", "poisson", 20, {"rate": 80.0})
    learns = None if rule is None else {"rule": rule, "w_max": 600.0, **plasticity}
    if rule is not None:
        net.add_signal("reward", population="I", delay=1.5)
    net.connect("noise", "E", "bernoulli", probability=0.5, weight=250.0, delay=1.0, plasticity=learns, name="in")
    net.connect("noise", "I", "bernoulli", probability=0.5, weight=250.0, delay=1.5)
    weight = {"distribution": "normal", "mean": 150.0, "std": 40.0, "low": 0.0}
    delay = {"distribution": "uniform", "low": 1.0, "high": 3.0}
    net.connect("E", "E", "fixed_indegree", indegree=4, weight=weight, delay=delay, plasticity=learns, name="loop")
    net.connect("E", "I", "bernoulli", probability=0.4, weight=120.0, delay=1.2)
    net.connect("I", "E", "bernoulli", probability=0.5, weight=-300.0, delay=1.2)
    if rule is not None:
        net.record(projection="loop", interval=10.0)
    return net


def recorded(folder: Path, resolution: str | float, net: Network | None = None, duration: float = DURATION) -> Path:
    """A trace of the run."""
    path = folder / "asked.h5"
    with Simulation(net if net is not None else network(), resolution, 3, trace=path) as simulation:
        simulation.run(duration)
    return path

"""What a synaptic event of a rule costs, beside that of a static synapse and of pair STDP written by hand."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from neuromorph.graph.network import Network
from neuromorph.learning.contract import LearningRule
from neuromorph.simulate import Simulation
from neuromorph.testing.by_hand import pair_stdp_by_hand
from neuromorph.testing.networks import STRONG, Setting, rule_name
from neuromorph.testing.report import NotApplicable
from neuromorph.testing.running import registered

SIZE, INDEGREE, RATE = 2000, 1000, 20.0  # cells, synapses of each, Hz on both sides
ROUNDS, CHUNK = 7, 100.0  # measurements, ms of simulated time of each


@dataclass(frozen=True)
class Cost:
    """Nanoseconds of one core per synaptic event: medians of several rounds, taken in turns.

    ratio : of pair STDP to pair STDP by hand, the median of the ratios of single rounds
    """

    rule: float
    static: float
    pair_stdp: float
    by_hand: float
    ratio: float

    def __str__(self) -> str:
        others = f"a static synapse {self.static:.1f}, pair STDP {self.pair_stdp:.1f}"
        return f"{self.rule:.1f} ns per synaptic event ({others}, pair STDP by hand {self.by_hand:.1f})"


def measure(rule: type[LearningRule], chosen: Setting, rounds: int = ROUNDS) -> Cost:
    """Run networks that differ in one projection, in turns; what is more than without it is its cost.

    Raises NotApplicable for a rule whose sources are a population of its own kind of cells.
    """
    if chosen.source or "grid" not in chosen.resolutions:
        raise NotApplicable("the network that it is measured in has Poisson sources and runs on the grid")
    simulations = {
        "nothing": made(None, chosen), "static": made("", chosen), "rule": made(rule, chosen),
        "pair_stdp": made("pair_stdp", chosen),
    }  # fmt: skip
    with pair_stdp_by_hand():
        simulations["by_hand"] = made("pair_stdp", chosen)
    spent: dict[str, list[float]] = {name: [] for name in simulations}
    events = dict.fromkeys(simulations, 0)
    for simulation in simulations.values():
        simulation.run(CHUNK)  # kernels load, memory is touched
    for _ in range(rounds):
        for name, simulation in simulations.items():
            before, begin = simulation.synaptic_events, time.process_time()
            simulation.run(CHUNK)
            spent[name].append(time.process_time() - begin)
            events[name] += simulation.synaptic_events - before
    own = (events["static"] - events["nothing"]) / rounds
    rest = median(spent["nothing"])
    ratio = median((a - rest) / (b - rest) for a, b in zip(spent["pair_stdp"], spent["by_hand"]))
    names = ("rule", "static", "pair_stdp", "by_hand")
    return Cost(**{name: 1e9 * (median(spent[name]) - rest) / own for name in names}, ratio=ratio)


def made(rule: Any, chosen: Setting) -> Simulation:
    """The network with a rule (a class, or a name), with static synapses (""), or without any there (None)."""
    net = Network("cost")
    net.add_population("cells", chosen.target, SIZE)
    net.add_input("sources", "poisson", SIZE, {"rate": RATE})
    net.add_input("force", "poisson", SIZE, {"rate": RATE})
    strong = STRONG.get(chosen.receptor.unit, 1.0)
    common = {"receptor": chosen.receptor.name}
    net.connect("force", "cells", "fixed_indegree", indegree=1, weight=strong, delay=1.0, **common)
    weight = strong / 2e3  # moves cells so little that all networks have the same spikes
    plastic = None
    if rule:
        plastic = {"rule": rule if isinstance(rule, str) else rule_name(rule), "w_min": 0.0, "w_max": 2.0 * weight}
        if not isinstance(rule, str) and "rewire" in rule.hooks():
            plastic["rewire_every"] = 1000.0
        if not isinstance(rule, str) and "on_signal" in rule.hooks():
            net.add_signal("clock", start=10.0, interval=10.0, count=1000)
            plastic["signals"] = ["clock"]
    if rule is not None:
        net.connect(
            "sources", "cells", "fixed_indegree", indegree=INDEGREE, weight=weight, delay=1.0, name="measured",
            plasticity=plastic, **common,
        )  # fmt: skip
    with registered(rule) if isinstance(rule, type) else nullcontext():
        return Simulation(net, resolution=0.1, seed=1)


def same_weights(one: Any, other: Any) -> bool:
    """Whether two of the networks came to the same weights, to the bit."""
    return bool(np.array_equal(one.weights("measured"), other.weights("measured")))

"""Small seeded networks in which a learning rule meets everything: both kinds of rows, ties, signals of three kinds.

All times are multiples of a tick that binary fractions hold exactly, so that ties are ties in both resolutions.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuromorph.errors import PluginError
from neuromorph.graph.network import Network
from neuromorph.learning.contract import LearningRule
from neuromorph.models import registry as models
from neuromorph.models.contract import NeuronModel, Receptor
from neuromorph.testing.report import NotApplicable

TICK = 0.25  # ms
DURATION = 64.0  # ms
CYCLE = 8.0  # ms, of the pacemaker that explicit receptors hear
N_PRE, N_POST = 5, 4
#: an arrival that makes a cell fire, by the unit of its receptor
STRONG = {"mV": 40.0, "pA": 5000.0, "nS": 300.0, "1": 0.3}
#: which model is taken for the cells, where several have the variables that a rule reads
PREFERRED = ("lif_delta", "lif_exp", "lif_error", "lif_cond_exp", "adex", "izhikevich", "rhythmic", "rhythmic_readout")


@dataclass(frozen=True)
class Setting:
    """The models that a rule is tried with, and the size of a weight in the unit of the target's receptor."""

    source: str
    target: str
    receptor: Receptor
    weight: float
    resolutions: tuple[str, ...]


def setting(rule: type[LearningRule]) -> Setting:
    """Models that have what the rule reads; raises NotApplicable where none is registered that has."""
    target = _with({v.name for v in rule.variables("post").values()}, "target")
    read = {v.name for v in rule.variables("pre").values()}
    source = _with(read, "source") if read else None
    receptor = _receptor(target)
    both = [m for m in (source, target) if m is not None]
    kinds = tuple(r for r in ("grid", "exact") if all(r in m.resolutions for m in both))
    strong = STRONG.get(receptor.unit, 1.0)
    weight = strong / (1.0 if receptor.unit == "1" else 80.0)
    return Setting(source.name if source else "", target.name, receptor, weight, kinds)


def _with(variables: set[str], side: str) -> type[NeuronModel]:
    known = [name for name in PREFERRED if name in models.names()]
    for name in [*known, *(n for n in models.names() if n not in known)]:
        try:
            model = models.get(name)
        except PluginError:
            continue
        if issubclass(model, NeuronModel) and variables <= set(model.variables()) and model.receptors:
            return model
    raise NotApplicable(f"no registered model has the variables {', '.join(sorted(variables))} for the {side}")


def _receptor(model: type[NeuronModel]) -> Receptor:
    """Where positive weights arrive."""
    found = [r for r in model.receptors if r.sign >= 0 and not r.explicit]
    return (found or list(model.receptors))[0]


def network(rule: type[LearningRule], chosen: Setting, number: int = 0, noisy: bool = True) -> Network:
    """Network `number`, in which the rule learns at its default parameters; `noisy` adds Poisson spikes."""
    random = np.random.default_rng([number, 4])
    net = Network(f"conformance{number}")
    net.add_population("cells", chosen.target, N_POST)
    if chosen.source:
        net.add_population("sources", chosen.source, N_PRE)
        drive(net, random, "sources", _model(chosen.source), N_PRE)
    else:
        net.add_input("sources", "spike_train", N_PRE, train(random, N_PRE, 60))
    drive(net, random, "cells", _model(chosen.target), N_POST)
    w = chosen.weight
    plastic = _plasticity(net, rule, w)
    n = 11
    ends: dict[str, Any] = {"sources": random.integers(0, N_PRE, n), "targets": random.integers(0, N_POST, n)}
    common: dict[str, Any] = {"receptor": chosen.receptor.name, "plasticity": plastic}
    delay = TICK * random.integers(2, 9, n)
    net.connect(
        "sources", "cells", "explicit", weight=w * random.random(n), delay=delay, name="sparse", **common, **ends
    )
    matrix = w * random.random((N_PRE, N_POST))
    net.connect("sources", "cells", "all_to_all", weight=matrix, delay=2.0, name="matrix", **common)
    if noisy:
        net.add_input("noise", "poisson", N_POST, {"rate": 60.0})
        strong = STRONG.get(chosen.receptor.unit, 1.0)
        net.connect("noise", "cells", "one_to_one", weight=0.7 * strong, delay=1.0, receptor=chosen.receptor.name)
    return net


def train(random: Any, size: int, n: int) -> dict[str, Any]:
    """Times on the grid and cells of n spikes."""
    ticks = random.integers(1, int(DURATION / TICK), n)
    return {"times": TICK * ticks, "indices": random.integers(0, size, n)}


def _model(name: str) -> type[NeuronModel]:
    model = models.get(name)
    assert issubclass(model, NeuronModel)
    return model


def drive(net: Network, random: Any, cells: str, model: type[NeuronModel], size: int, strength: float = 1.0) -> None:
    """Given spikes at every receptor, at random, and a beat at those that mark the phases of a cycle."""
    often = 24 if model.receptors[0].unit == "1" else 10  # spikes of each; one of rhythmic cells counts for little
    net.add_input(f"drive_{cells}", "spike_train", size, train(random, size, often * size))
    named = [r for r in model.receptors if r.explicit and r.name != "current"]
    for receptor in model.receptors:
        if receptor.explicit:
            continue
        weight = strength * (-0.2 if receptor.sign < 0 else 1.0) * STRONG.get(receptor.unit, 1.0)
        net.connect(
            f"drive_{cells}", cells, "one_to_one", weight=weight, delay=1.0, receptor=receptor.name,
            name=f"drive_{cells}_{receptor.name}",
        )  # fmt: skip
    if "beat" not in net.graph:
        net.add_input("beat", "spike_train", 1, {"times": 1.0 + CYCLE * np.arange(int(DURATION / CYCLE))})
    phases = [r for r in named if r.doc.startswith("phase")]  # of rhythmic cells: each once a cycle, in this order
    for k, receptor in enumerate(phases):
        delay = TICK * round((0.5 + k * (CYCLE - 1.5) / len(phases)) / TICK)
        net.connect("beat", cells, weight=1.0, delay=delay, receptor=receptor.name, name=f"beat_{cells}_{k}")
    for k, receptor in enumerate(r for r in named if r not in phases):
        net.add_input(f"stray_{cells}_{k}", "spike_train", size, train(random, size, 8 * size))
        net.connect(f"stray_{cells}_{k}", cells, "one_to_one", weight=0.25, delay=1.0, receptor=receptor.name)


def _plasticity(net: Network, rule: type[LearningRule], w: float) -> dict[str, Any]:
    plastic: dict[str, Any] = {"rule": rule_name(rule), "w_min": 0.0, "w_max": 2.0 * w}
    if "rewire" in rule.hooks():
        plastic["rewire_every"] = CYCLE
    if "on_signal" not in rule.hooks():
        return plastic
    cycles = int(DURATION / CYCLE)
    net.add_signal("clock", start=CYCLE - 1.0, interval=CYCLE, count=cycles, first=1.0, last=0.25, delay=1.0)
    net.add_signal("given", times=[3.0, 17.25, 17.25, 40.0], values=[1.0, -0.5, 0.5, -1.0], delay=0.5)
    net.add_signal("crowd", population="sources", delay=1.5)
    return plastic | {"signals": ["clock", "given", "crowd"]}


def rule_name(rule: type) -> str:
    """The name under which the kit registers a rule for the length of a run."""
    from neuromorph.registration import registered_name

    return registered_name(rule)


def shuffled(net: Network, seed: int) -> Network:
    """The same network built in another order: nodes, edges, parameters, signals."""
    random = np.random.default_rng(seed)
    built = Network(net.name)

    def turned(table: Any) -> Any:
        if not isinstance(table, dict):
            return table
        keys = list(table)
        random.shuffle(keys)
        return {key: turned(table[key]) for key in keys}

    nodes, edges = list(net.graph.nodes(data=True)), list(net.projections)
    for k in random.permutation(len(nodes)):
        built.graph.add_nodes_from([(nodes[k][0], turned(nodes[k][1]))])
    for k in random.permutation(len(edges)):
        source, target, data = edges[k]
        built.add_edge(source, target, turned(data))
    built.graph.graph.update(turned(copy.deepcopy(net.graph.graph)))
    return built

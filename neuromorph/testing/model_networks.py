"""Small seeded networks around one model: cells in every kind of company, an input or a current that does something."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuromorph.graph.network import Network
from neuromorph.models.contract import CurrentModel, InputModel, NeuronModel
from neuromorph.parameters import Param
from neuromorph.testing.networks import DURATION, STRONG, TICK, drive, rule_name, train

SIZE = 5
#: parameters at which the built-in inputs and currents do something, and at which all currents are in use
EXAMPLES: dict[str, dict[str, Any]] = {
    "poisson": {"rate": 200.0},
    "spike_train": train(np.random.default_rng(1), SIZE, 60),
    "pattern_volley": {"patterns": np.eye(SIZE), "order": np.arange(8) % SIZE, "interval": 8.0, "start": 1.0},
    "dc_current": {"amplitude": 600.0, "start": 4.0, "stop": 50.0},
    "ac_current": {"amplitude": 600.0, "frequency": 50.0, "offset": 300.0},
    "noise_current": {"mean": 400.0, "std": 300.0},
}


def network(model: type, params: dict[str, Any], noisy: bool = True, strength: float = 1.0) -> Network:
    """The model as cells, as an input of cells, or as a current into cells."""
    net = Network("conformance")
    if issubclass(model, InputModel):
        net.add_population("cells", "lif_delta", SIZE)
        net.add_input("inputs", rule_name(model), SIZE, params)
        net.connect("inputs", "cells", "one_to_one", weight=9.0, delay=1.0)
        net.record("inputs", "spikes")
        net.record("cells", "spikes")
        return net
    if issubclass(model, CurrentModel):
        net.add_population("cells", "lif_exp", SIZE)
        net.add_input("current", rule_name(model), SIZE, params)
        net.connect("current", "cells", "one_to_one", weight=1.0)
        return net
    assert issubclass(model, NeuronModel)
    _cells(net, model, params, noisy, strength)
    return net


def _cells(net: Network, model: type[NeuronModel], params: dict[str, Any], noisy: bool, strength: float) -> None:
    """Two populations, alike and each cell its own, under given spikes and noise; one excites the other."""
    random = np.random.default_rng(6)
    net.add_population("alike", rule_name(model), SIZE, params)
    net.add_population("varied", rule_name(model), SIZE, varied(model) | params)
    for name in ("alike", "varied"):
        drive(net, random, name, model, SIZE, strength)
    receptor = next((r for r in model.receptors if not r.explicit and r.sign >= 0), None)
    if receptor is None:
        return
    weight = strength * STRONG.get(receptor.unit, 1.0)
    net.add_input("noise", "poisson", SIZE, {"rate": 60.0})
    noise = 0.4 * weight if noisy else 0.0  # there all the same, so that the same kernels are needed
    net.connect("noise", "alike", "one_to_one", weight=noise, delay=1.0, receptor=receptor.name)
    delays = TICK * random.integers(3, 9, (SIZE, SIZE))
    net.connect("alike", "varied", "all_to_all", weight=0.4 * weight, delay=delays, receptor=receptor.name)
    if "current" in [r.name for r in model.receptors]:
        net.add_input("current", "dc_current", 1, {"amplitude": 50.0 * strength, "start": 10.0, "stop": 30.0})
        net.connect("current", "alike", weight=1.0)


def varied(model: type[NeuronModel]) -> dict[str, Any]:
    """For each time constant values around its default, one per cell."""
    spread = np.linspace(0.8, 1.2, SIZE)
    times = {n: p for n, p in model.parameters().items() if p.unit == "ms" and np.isfinite(p.default) and p.default}
    return {n: p.default * spread for n, p in times.items() if p.problem(p.default * spread, "") is None}


def far(param: Param) -> list[float]:
    """Values towards the two ends of a parameter's range: tenfold the default, a tenth of it towards an open end.

    Time constants of a few ticks at least: what is faster is no matter for a grid.
    """
    default = param.default if np.isfinite(param.default) and param.default else 1.0
    low, high = -10.0 * abs(default), 10.0 * abs(default)
    if param.above is not None or param.at_least is not None:
        low = param.at_least if param.at_least is not None else max(default / 10.0, 4.0 * TICK * (param.unit == "ms"))
    if param.at_most is not None:
        high = param.at_most
    return sorted({v for v in (low, high) if np.isfinite(v) and param.problem(v, "") is None})


def busy(model: type[NeuronModel], params: dict[str, Any]) -> Network:
    """Cells of one set of parameters that get a strong spike at every receptor and tick for a while."""
    net = Network("extremes")
    net.add_population("alike", rule_name(model), SIZE, params)
    net.add_input("every", "spike_train", 1, {"times": np.append(np.arange(TICK, 12.0, TICK), DURATION - 8.0)})
    for k, receptor in enumerate(r for r in model.receptors if r.name != "current"):
        weight = (-1.0 if receptor.sign < 0 else 1.0) * STRONG.get(receptor.unit, 1.0)
        net.connect("every", "alike", weight=weight, delay=0.5 + k * TICK, receptor=receptor.name, name=f"every_{k}")
    return net

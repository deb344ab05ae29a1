"""Networks at the edge: parameters at the ends of ranges, spikes at every tick, volleys, huge signals, silence."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuromorph.graph.network import Network
from neuromorph.learning.contract import LearningRule
from neuromorph.models import registry as models
from neuromorph.models.contract import NeuronModel
from neuromorph.parameters import Param
from neuromorph.testing.networks import N_POST, N_PRE, STRONG, TICK, Setting, rule_name

BUSY = 12.0  # ms of spikes at every tick; a few more come late, after a silence:
LATE = {"grid": 1100.0, "exact": 60.0}  # on the grid longer than decays are tabulated for
REST = 4.0  # ms from then to the end
VOLLEY = 200  # spikes of one source at one instant
HUGE = 1e6


def ends(param: Param) -> tuple[float, float]:
    """A low and a high value inside a parameter's range, as far out as a network is likely to have them."""
    scale = max(abs(param.default), 1.0) if np.isfinite(param.default) else 1.0
    low, high = -HUGE * scale, HUGE * scale
    if param.at_least is not None:
        low = param.at_least
    if param.above is not None:
        low = param.above + 1e-3
    if param.at_most is not None:
        high = param.at_most if np.isfinite(param.at_most) else high
    if param.below is not None:
        high = param.below - 1e-3 * min(1.0, param.below - low)
    return (low, high) if low < high else (param.default, param.default)


def parameters(rule: type[LearningRule]) -> dict[str, dict[str, float]]:
    """Sets of values by name: defaults, all low, all high, and a mixture."""
    declared = rule.parameters()
    random = np.random.default_rng(5)
    sets: dict[str, dict[str, float]] = {"default parameters": {}}
    if not declared:
        return sets
    sets["every parameter at its low end"] = {name: ends(p)[0] for name, p in declared.items()}
    sets["every parameter at its high end"] = {name: ends(p)[1] for name, p in declared.items()}
    mixed = {name: (*ends(p), p.default)[random.integers(3)] for name, p in declared.items()}
    return sets | {f"parameters {_told(mixed)}": mixed}


def _told(values: dict[str, float]) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in values.items())


def network(rule: type[LearningRule], chosen: Setting, params: dict[str, float], kind: str) -> Network:
    """All cells fire whenever they can, every source at every tick, one of them in volleys; weights begin at bounds."""
    net, late = Network("extremes"), LATE[kind]
    every = np.concatenate([np.arange(TICK, BUSY, TICK), [late, late + 0.5, late + 0.5, late + 1.0]])
    volleys = np.repeat([2.0, 5.0, late + 2.0], VOLLEY)
    train = {"times": np.concatenate([np.repeat(every, N_PRE), volleys])}
    train["indices"] = np.concatenate([np.tile(np.arange(N_PRE), every.size), np.zeros(volleys.size, np.int64)])
    net.add_population("cells", chosen.target, N_POST, _restless(chosen.target))
    if chosen.source:
        net.add_population("sources", chosen.source, N_PRE, _restless(chosen.source))
        _keep_busy(net, "sources", every)
    else:
        net.add_input("sources", "spike_train", N_PRE, train)
    _keep_busy(net, "cells", every)
    w = chosen.weight
    plastic: dict[str, Any] = {"rule": rule_name(rule), "params": params, "w_min": 0.0, "w_max": w}
    if "rewire" in rule.hooks():
        plastic["rewire_every"] = 5.0
    if "on_signal" in rule.hooks():
        times = [0.0, 2.0, 2.0, 3.0, 5.0, 8.0, 8.25, late + 1.0, late + 2.0]
        values = [HUGE, 0.0, -HUGE, HUGE, HUGE, -HUGE, 0.0, HUGE, -HUGE]
        net.add_signal("huge", times=times, values=values, delay=1.0)
        net.add_signal("crowd", population="sources", delay=1.0)
        plastic["signals"] = ["huge", "crowd"]
    weights = np.resize([0.0, w, 0.5 * w], (N_PRE, N_POST))
    common: dict[str, Any] = {"receptor": chosen.receptor.name, "plasticity": plastic, "weight": weights}
    net.connect("sources", "cells", "all_to_all", delay=1.0, name="matrix", **common)
    delays = TICK * (2 + np.arange(N_PRE * N_POST) % 7)
    net.connect("sources", "cells", "all_to_all", delay=delays.reshape(N_PRE, N_POST), name="sparse", **common)
    return net


def _restless(name: str) -> dict[str, float]:
    """No refractoriness, where the model allows that."""
    model = models.get(name)
    assert issubclass(model, NeuronModel)
    param = model.parameters().get(model.refractory)
    return {model.refractory: 0.0} if param is not None and param.problem(0.0, "") is None else {}


def _keep_busy(net: Network, cells: str, times: Any) -> None:
    model = models.get(net.populations[cells]["model"])
    assert issubclass(model, NeuronModel)
    net.add_input(f"drive_{cells}", "spike_train", 1, {"times": times})
    for k, receptor in enumerate(r for r in model.receptors if r.name != "current" and r.sign >= 0):
        strong = STRONG.get(receptor.unit, 1.0)
        net.connect(
            f"drive_{cells}", cells, weight=strong, delay=0.5 + k * TICK, receptor=receptor.name,
            name=f"drive_{cells}_{receptor.name}",
        )  # fmt: skip

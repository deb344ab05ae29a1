"""Running a network of the kit, and what it comes to as arrays that can be compared to the bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from neuromorph.engine.simulation import Engine
from neuromorph.graph.network import Network
from neuromorph.learning import registry as rules
from neuromorph.simulate import Simulation
from neuromorph.testing.networks import DURATION, TICK, rule_name

Outcome = dict[str, Any]


def registered(rule: type) -> AbstractContextManager[None]:
    """The rule is known to networks inside a `with` block."""
    return rules.registry.override({rule_name(rule): rule}, "conformance kit")


def resolution(kind: str) -> str | float:
    """The resolution of a kind, `grid` or `exact`."""
    return TICK if kind == "grid" else "exact"


def simulated(
    net: Network, kind: str, cuts: Sequence[float] = (), duration: float | None = DURATION, **how: Any
) -> Engine:
    """Run a network, in pieces that end at the cuts; not at all where the duration is None."""
    simulation = Simulation(net, resolution=resolution(kind), seed=7, **how)
    if duration is None:
        return simulation
    for begin, end in zip([0.0, *cuts], [*cuts, duration]):
        simulation.run(end - begin)
    return simulation


def outcome(simulation: Any) -> Outcome:
    """Weights of all plastic projections, spikes and states of all cells."""
    net = simulation.network
    found: Outcome = {f"weights of {p.name}": simulation.weights(p.name) for p in net.projections if p.plasticity}
    for name in simulation.recorder.description.populations:
        times, cells = simulation.spikes(name)
        found |= {f"spike times of {name}": times, f"cells that fired of {name}": cells}
    for name, cells in simulation.cells.items():
        found |= {f"{variable} of {name}": simulation.state(name, variable) for variable in cells.variables}
    return found


def difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Where two outcomes differ first, in words; "" where they are the same to the bit."""
    for name, a in one.items():
        b = other[name]
        if a.shape != b.shape:
            return f"{name}: {a.size} of them beside {b.size}"
        differing = np.flatnonzero(_bits(a) != _bits(b))
        if differing.size:
            k = int(differing[0])
            return f"{name}[{k}]: {a.flat[k]!s} beside {b.flat[k]!s} ({differing.size} of {a.size} differ)"
    return ""


def _bits(array: Any) -> Any:
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat.view(f"u{flat.dtype.itemsize}") if flat.size else flat


def learned(simulation: Any) -> bool:
    """Whether any weight or state of a synapse is not what it was at first."""
    for parts in simulation.plastic.values():
        for part in parts:
            initial = np.array([[s.initial] for s in part.plasticity.rule.states().values()]).reshape(-1, 1)
            if np.any(part.weight != part.rows.weight) or np.any(part.synapse.state != initial):
                return True
    return False

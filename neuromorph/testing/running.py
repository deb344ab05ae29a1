"""Running a network of the kit, and what it comes to as arrays that can be compared to the bit."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from neuromorph.engine.simulation import Engine
from neuromorph.errors import NeuromorphError
from neuromorph.graph.network import Network
from neuromorph.learning import registry as rules
from neuromorph.simulate import Simulation
from neuromorph.testing.networks import DURATION, TICK, rule_name
from neuromorph.testing.report import Failed

Outcome = dict[str, Any]
#: where runs are cut, on the grid's ticks and between them
CUTS = {"grid": (0.25, 7.0, 8.0, 17.25, 31.5, 40.0), "exact": (0.25, 7.1, 8.0, 17.25, 31.4321, 40.0)}


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


@contextmanager
def failing(kind: str) -> Iterator[None]:
    """Errors of a run as failures of what is tried."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # numpy's, about what `extremes` looks at itself
            yield
    except NeuromorphError as error:
        raise Failed(f"{kind}: {error}") from error
    except Exception as error:
        if not type(error).__module__.startswith("numba"):
            raise Failed(f"{kind}: {type(error).__name__}: {error}") from error
        raise Failed(f"{kind}: numba cannot compile it: {_compiler_says(str(error))}") from error


def _compiler_says(text: str) -> str:
    """The lines of a typing error that tell something."""
    lines = [line.strip() for line in text.split("\n")]
    told = [line for line in lines if line and not line.startswith(("During:", "Failed in", "[1", "^", "-"))]
    fix = "A hook may use arithmetic, math, conditional expressions and functions decorated with numba.njit."
    return f"{' '.join(told[:4])[:400]} {fix}"


class Runs:
    """What several checks look at: runs of a rule or model under test."""

    def network(self) -> Any:
        """A network of the kit with what is tested."""
        raise NotImplementedError

    def known(self) -> AbstractContextManager[None]:
        """What is tested has its name inside the block."""
        raise NotImplementedError

    def run(self, net: Any, kind: str, **how: Any) -> Any:
        """Run a network; raises Failed where it cannot be compiled or run."""
        with self.known(), failing(kind):
            return simulated(net, kind, **how)

    @functools.cache  # noqa: B019
    def plain_run(self, kind: str) -> Any:
        """The simulation that others are compared with."""
        return self.run(self.network(), kind)

    @functools.cache  # noqa: B019
    def outcome(self, kind: str) -> Outcome:
        """What that simulation came to."""
        return outcome(self.plain_run(kind))

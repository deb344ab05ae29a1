"""Whether equations are linear with constant coefficients, in which order they hang together, and at which rates.

A flow is dy_i/dt = sum_j a_ij y_j + b_i. It is triangular where variables can be ordered so that each is driven by
earlier ones alone; then -a_ii are its rates, and every answer is a sum over paths of products of a_ij times the answer
of the cascade of filters along the path (kernels/cascade.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from neuromorph.equations.algebra import is_opaque, sympy, tidy
from neuromorph.equations.system import System
from neuromorph.kernels.cascade import LONGEST


@dataclass(frozen=True)
class Flow:
    """A linear flow of some variables: the matrix by (i, j) without zeros, the constant part by i.

    order : variables, each after those that drive it; empty where some drive each other
    """

    variables: tuple[str, ...]
    matrix: dict[tuple[str, str], Any]
    drive: dict[str, Any]
    symbols: dict[str, Any]
    order: tuple[str, ...] = ()

    def rate(self, name: str) -> Any:
        """Rate at which a variable decays (1/ms)."""
        return -self.matrix.get((name, name), sympy().Integer(0))

    def sources(self, name: str) -> list[str]:
        """Variables that drive one, but itself."""
        return [j for j in self.variables if (name, j) in self.matrix and j != name]

    def is_constant(self, name: str) -> bool:
        """Whether nothing changes it."""
        return not any(i == name for i, _ in self.matrix) and name not in self.drive

    def upstream(self, name: str) -> list[str]:
        """All that a variable depends on but constants, itself first, from the nearest on."""
        found = [name]
        for one in found:
            found += [j for j in self.sources(one) if j not in found and not self.is_constant(j)]
        return found

    def steady_drive(self, name: str) -> Any:
        """The constant part of the right-hand side: numbers, parameters and variables that nothing changes."""
        total = self.drive.get(name, sympy().Integer(0))
        for j in self.sources(name):
            if self.is_constant(j):
                total += self.matrix[name, j] * self.symbols[j]
        return total

    def paths(self, name: str, source: str) -> list[tuple[str, ...]]:
        """Ways from a source to a variable, as the variables on it, ends included."""
        if name == source:
            return [(name,)]
        return [
            (*path, name)
            for j in self.sources(name)
            if not self.is_constant(j)
            for path in self.paths(j, source)
        ]  # fmt: skip

    def rest(self, name: str) -> Any:
        """Where a variable ends while constants stay; None where it need not end anywhere."""
        rate = self.rate(name)
        if not rate.is_positive:
            return None
        total = self.steady_drive(name)
        for j in self.sources(name):
            if not self.is_constant(j):
                inside = self.rest(j)
                if inside is None:
                    return None
                total += self.matrix[name, j] * inside
        return tidy(total / rate)

    def held(self, clamped: Iterable[str]) -> Flow:
        """The flow while some variables stand still."""
        still = set(clamped)
        matrix = {(i, j): a for (i, j), a in self.matrix.items() if i not in still}
        return arranged(replace(self, matrix=matrix, drive={i: b for i, b in self.drive.items() if i not in still}))

    @property
    def longest(self) -> int:
        """How many variables the longest cascade has, the drive of one that ends nowhere among them."""
        lengths = [0]
        for i in self.variables:
            for j in self.upstream(i):
                extra = 1 if self.rest(i) is None and self.steady_drive(j) != 0 else 0
                lengths += [len(path) + extra for path in self.paths(i, j)]
        return max(lengths)


def arranged(flow: Flow) -> Flow:
    """The flow with its order, where it has one."""
    left, order = list(flow.variables), []
    while left:
        ready = next((i for i in left if not any(j in left for j in flow.sources(i))), None)
        if ready is None:
            return replace(flow, order=())
        order.append(ready)
        left.remove(ready)
    return replace(flow, order=tuple(order))


def linear_flow(system: System, variables: Iterable[str]) -> tuple[Flow | None, str]:
    """The flow of some variables, or None and the reason why they have none: what is not linear, and in what."""
    s = sympy()
    chosen = tuple(variables)
    state = {system.symbols[name] for name in system.variables}
    inside = {name: system.symbols[name] for name in chosen}
    matrix: dict[tuple[str, str], Any] = {}
    drive: dict[str, Any] = {}
    for name in chosen:
        if name not in system.slopes:
            continue
        slope = s.expand(system.slope(name))
        left = slope
        for other, y in inside.items():
            a = slope.diff(y)
            if a.free_symbols & state or is_opaque(a):
                return None, _reason(system, name, slope)
            if a != 0:
                matrix[name, other] = tidy(a)
            left = left.subs(y, 0)
        if left.free_symbols & state or is_opaque(left):
            return None, _reason(system, name, slope)
        if left != 0:
            drive[name] = tidy(left)
    return arranged(Flow(chosen, matrix, drive, dict(system.symbols))), ""


def _reason(system: System, name: str, slope: Any) -> str:
    """Which equation is not linear, and by which term."""
    s = sympy()
    state = {system.symbols[n] for n in system.variables}
    for term in s.Add.make_args(slope):
        inside = sorted(term.free_symbols & state, key=str)
        if len(inside) > 1 or any(y in term.diff(y).free_symbols for y in inside):
            names = " and ".join(map(str, inside))
            return f"d{name}/dt is not linear in {names}"
    return f"the coefficients of d{name}/dt hold a function"


def autonomous(system: System) -> tuple[str, ...]:
    """The largest set of variables that are linear, triangular and driven by each other alone."""
    chosen = list(system.variables)
    while chosen:
        keep = [n for n in chosen if linear_flow(system, [n, *_read(system, n, chosen)])[0] is not None]
        keep = [n for n in keep if _read(system, n, system.variables) <= {*keep, n}]
        if keep == chosen:
            flow, _ = linear_flow(system, chosen)
            if flow is not None and flow.order and flow.longest <= LONGEST:
                return tuple(chosen)
            keep = [n for n in chosen if flow is None or not _in_a_circle(flow, n)]
            if keep == chosen:
                return ()
        chosen = keep
    return ()


def _read(system: System, name: str, among: Iterable[str]) -> set[str]:
    """Other variables that an equation reads, through auxiliaries too."""
    if name not in system.slopes:
        return set()
    slope = system.slopes[name]
    names = slope.names.union(*(system.auxiliaries[a].names for a in system.needed([slope])))
    return {n for n in among if n in names and n != name}


def _in_a_circle(flow: Flow, name: str) -> bool:
    seen = [j for j in flow.sources(name)]
    for one in seen:
        seen += [j for j in flow.sources(one) if j not in seen]
    return name in seen

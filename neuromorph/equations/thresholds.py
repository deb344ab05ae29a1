"""Code that finds when a linear cell reaches its threshold: by the known shapes of kernels/crossing.py, or by roots."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from neuromorph.equations.algebra import is_opaque, sympy, tidy, written
from neuromorph.equations.closed import Answers, decay_of, later, response_code
from neuromorph.equations.linear import Flow
from neuromorph.equations.system import System


def sides(tree: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """(larger side, smaller side) of a threshold that is one comparison; None for any other condition."""
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        return None
    left, right = tree.left, tree.comparators[0]
    if isinstance(tree.ops[0], ast.Gt | ast.GtE):
        return left, right
    return (right, left) if isinstance(tree.ops[0], ast.Lt | ast.LtE) else None


@dataclass(frozen=True)
class Distance:
    """f = larger - smaller side: a linear combination of variables plus an offset that does not change."""

    weights: dict[str, Any]
    offset: Any


def distance(system: System, flow: Flow) -> tuple[Distance | None, str]:
    """The distance to the threshold, or None and the reason why its crossing cannot be solved for."""
    assert system.threshold is not None
    both = sides(system.threshold.tree)
    if both is None:
        return None, "the threshold is not one comparison by > or <"
    f = sympy().expand(system.algebra(both[0]) - system.algebra(both[1]))
    state = {system.symbols[n] for n in system.variables}
    weights: dict[str, Any] = {}
    for name in system.variables:
        y = system.symbols[name]
        weight = f.diff(y)
        if weight.free_symbols & state or is_opaque(weight):
            return None, f"the threshold is not linear in {name}"
        if weight != 0:
            weights[name] = tidy(weight)
        f = f.subs(y, 0)
    if is_opaque(f):
        return None, "the threshold holds a condition"
    for name in weights:
        for one in flow.upstream(name):
            if not flow.rate(one).is_nonnegative:
                shown = written(flow.rate(one), {s: s for s in system.symbols})
                return None, f"the sign of the rate {shown} of {one} is not known: give its parameters a range"
    return Distance(weights, tidy(f)), ""


@dataclass
class Crossing:
    """Module functions and hook bodies of a crossing, and in words how it is found."""

    words: str
    functions: list[str] = field(default_factory=list)
    crossing: list[str] = field(default_factory=list)
    quiet: list[str] = field(default_factory=list)
    closed: bool = False


def membrane(system: System, flow: Flow, f: Distance) -> Crossing | None:
    """The crossing of a leaky membrane with up to two decaying or alpha-shaped currents, by kernels/crossing.py."""
    moving = [n for n in f.weights if not flow.is_constant(n)]
    if len(moving) != 1 or len(f.weights) != 1 or f.weights[moving[0]] != 1:
        return None
    v = moving[0]
    rest = flow.rest(v)
    groups = _currents(flow, v) if rest is not None else None
    if groups is None or len(groups) > 2:
        return None
    names = system.names()
    tau = written(tidy(1 / flow.rate(v)), names)
    lines = [f"drive = {written(tidy(rest + f.offset), names)}", f"f = s.{v}{_plus(written(f.offset, names))}"]
    if not groups:
        call = f"f, drive, {tau}"
        quiet = f"return no_crossing_before({call}, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0)"
        crossing = [*lines, f"return first_crossing_constant({call}, h)"]
        return Crossing("in closed form", [], crossing, [*lines, quiet], closed=True)
    arguments = [f"f, drive, {tau}"]
    for rate, now, rise in groups:
        arguments.append(f"{written(now, names)}, {written(rise, names)}, {written(tidy(1 / rate), names)}")
    if len(groups) == 1:
        arguments.append("0.0, 0.0, 1.0")
    lines.append(f"shape = {', '.join(arguments)}")
    crossing = [*lines, "return first_crossing(*shape, h)"]
    return Crossing("certified, by kernels/crossing.py", [], crossing, [*lines, "return no_crossing_before(*shape)"])


def _plus(text: str) -> str:
    return f" - {text[1:]}" if text.startswith("-") and not any(c in text[1:] for c in "+-") else f" + {text}"


def _currents(flow: Flow, v: str) -> list[tuple[Any, Any, Any]] | None:
    """(rate, x0, x1) of the currents (x0 + x1 t) exp(-rate t) that drive a membrane; None where one is no such."""
    zero = sympy().Integer(0)
    groups: list[tuple[Any, Any, Any]] = []
    for i in flow.sources(v):
        if flow.is_constant(i):
            continue
        rate, gain = flow.rate(i), flow.matrix[v, i]
        now = gain * _from_rest(flow, i)
        rise = zero
        for j in flow.sources(i):
            if flow.is_constant(j):
                continue
            others = [k for k in flow.sources(j) if not flow.is_constant(k)]
            if others or tidy(flow.rate(j) - rate) != 0:
                return None
            rise += gain * flow.matrix[i, j] * _from_rest(flow, j)
        for k, (known, x0, x1) in enumerate(groups):
            if tidy(known - rate) == 0:
                groups[k] = (known, x0 + now, x1 + rise)
                break
        else:
            groups.append((rate, now, rise))
    return groups if all(rate.is_positive for rate, _, _ in groups) else None


def _from_rest(flow: Flow, name: str) -> Any:
    return flow.symbols[name] - flow.rest(name)


def by_roots(system: System, flow: Flow, f: Distance) -> Crossing:
    """The crossing of any triangular system, by kernels/roots.py: its functions for this model."""
    levels, rates = _levels(flow, f)
    read = {n for name in f.weights for n in flow.upstream(name)}
    read |= {j for n in read for j in flow.sources(n)}
    used = [n for n in flow.order if n in read]
    local = {n: system.local(n) for n in used}
    names = system.names(**local)
    unpack = f"{', '.join(local[n] for n in used)}{',' if len(used) == 1 else ''} = y"
    lines = ["@kernel(forceinline=True)", "def _after(y, h, p):", f"    {unpack}"]
    lines += [f"    {line}" for line in _after(system, flow, used, names)]
    lines += ["", "", "@kernel(forceinline=True)", "def _rates(p):"]
    lines += [f"    return {', '.join(written(r, names) for r in rates)},"]
    lines += ["", "", "@kernel(forceinline=True)", "def _net(k, y, p):", f"    {unpack}"]
    for k, level in enumerate(levels):
        lines += [f"    if k == {k}:", f"        return {_combination(level, names, flow)}"]
    lines += ["    return 0.0", "", "", "@kernel(forceinline=True)", "def _quiet(y, p):", f"    {unpack}"]
    lines += [f"    {line}" for line in _bound(flow, levels, rates, names)]
    hooks = '{"after": _after, "net": _net, "rates": _rates, "quiet": _quiet}'
    endless = any(flow.rate(n) == 0 and not flow.is_constant(n) for n in used)
    lines += ["", "", f'_first_root = first_root({hooks}, {len(levels)}, {endless}, "{system.spec.name}")']
    y = f"({', '.join(f's.{n}' for n in used)},)"
    words = f"certified, by isolating the roots of a sum of {len(levels)} exponentials"
    return Crossing(words, lines, [f"return _first_root({y}, h, p)"], [f"return _quiet({y}, p)"])


def _levels(flow: Flow, f: Distance) -> tuple[list[Distance], list[Any]]:
    """The functions g_k, each without the rate of the one before (kernels/roots.py), and these rates."""
    zero = sympy().Integer(0)
    level, levels, rates = f, [f], []
    ends = [*reversed(flow.order)]
    while True:
        head = next((n for n in ends if n in level.weights), None)
        rate = flow.rate(head) if head is not None else zero
        rates.append(rate)
        weights, offset = {}, rate * level.offset
        for j in flow.variables:
            total = rate * level.weights.get(j, zero)
            total += sum((w * flow.matrix.get((i, j), zero) for i, w in level.weights.items()), zero)
            if tidy(total) != 0:
                weights[j] = tidy(total)
        offset += sum((w * flow.drive.get(i, zero) for i, w in level.weights.items()), zero)
        level = Distance(weights, tidy(offset))
        if not level.weights and level.offset == 0:
            return levels, rates
        levels.append(level)


def _after(system: System, flow: Flow, used: list[str], names: dict[str, str]) -> list[str]:
    answers = Answers(flow)
    lines, found = later(answers, used, lambda n: names[n], names, lambda c: c)
    return [*defined(answers, names, "h"), *lines, f"return {', '.join(found[n] for n in used)},"]


def defined(answers: Answers, names: dict[str, str], h: str) -> list[str]:
    """Lines that compute rates, decays and responses for a time h."""
    decays = [f"{decay_of(rate)} = exp(-{h} * {rate})" for rate in answers.rates]
    return [*rate_lines(answers, names), *decays, *response_lines(answers, names, h)]


def rate_lines(answers: Answers, names: dict[str, str]) -> list[str]:
    """Lines that compute the rates."""
    return [f"{rate} = {written(value, names)}" for rate, value in answers.rates.items()]


def response_lines(answers: Answers, names: dict[str, str], h: str) -> list[str]:
    """Lines that compute the responses, given rates and decays."""
    return [f"{n} = {response_code(terms, names, h, False)}" for n, terms in answers.responses.items()]


def _combination(level: Distance, names: dict[str, str], flow: Flow) -> str:
    total = level.offset
    for name, weight in level.weights.items():
        total += weight * flow.symbols[name]
    return written(sympy().expand(total), names)


def _bound(flow: Flow, levels: list[Distance], rates: list[Any], names: dict[str, str]) -> list[str]:
    """A time before which f stays below 0: f' = g_1 - r f, and f rises at most by (greatest g_1 - r f) a ms."""
    lines = [f"f = {_combination(levels[0], names, flow)}", "left = -1e-9 - f"]
    if len(levels) == 1:
        return [*lines, "return math.inf"]
    net = levels[1]
    wanted = [n for n in flow.order if any(n in flow.upstream(j) for j in net.weights) and not flow.is_constant(n)]
    for n in wanted:
        x, rate = names[n], written(flow.rate(n), names) if flow.rate(n) != 0 else "0.0"
        for end, hook in (("high", "highest"), ("low", "lowest")):
            drive = _extreme(flow.matrix, n, flow, names, end)
            lines.append(f"{end}_{n} = {hook}({x}, {rate}, {drive})")
    weights = {("", j): w for j, w in net.weights.items()}
    greatest = _extreme(weights, "", flow, names, "high", net.offset)
    rate = written(rates[0], names) if rates[0] != 0 else "0.0"
    lines.append(f"rising = {greatest} - {rate} * f")
    lines += ["if rising <= 0.0:", "    return math.inf"]
    return [*lines, "return max(left, 0.0) / rising if rising < math.inf else 0.0"]


def _extreme(
    matrix: dict[tuple[str, str], Any], name: str, flow: Flow, names: dict[str, str], end: str, offset: Any = None
) -> str:
    """Code of the greatest (or least) that a row of the matrix and its drive come to, by the ends of each variable."""
    steady = flow.drive.get(name, sympy().Integer(0)) if offset is None else offset
    other = "low" if end == "high" else "high"
    terms = []
    for (i, j), a in matrix.items():
        if i != name or j == name:
            continue
        if flow.is_constant(j):
            steady = steady + a * flow.symbols[j]
        elif a.is_nonnegative:
            terms.append(f"{_factor(a, names)}{end}_{j}")
        elif a.is_nonpositive:
            terms.append(f"{_factor(a, names)}{other}_{j}")
        else:
            both = ", ".join(f"{_factor(a, names)}{e}_{j}" for e in ("low", "high"))
            terms.append(f"{'max' if end == 'high' else 'min'}({both})")
    if steady != 0 or not terms:
        terms.insert(0, written(steady, names))
    return " + ".join(terms)


def _factor(a: Any, names: dict[str, str]) -> str:
    return "" if a == 1 else f"({written(a, names)}) * " if a.is_Add else f"{written(a, names)} * "

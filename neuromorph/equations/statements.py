"""Code of statements: each sees what those before it have set."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping

from neuromorph.equations.system import Arrival, Assignment, Quantities, System


def assigned(
    system: Quantities,
    statements: Iterable[Assignment],
    names: dict[str, str],
    guard: Callable[[Assignment, str], str] = lambda assignment, value: value,
) -> list[str]:
    """Lines that carry out statements; `names` (code of all quantities) then knows the new values.

    guard : may wrap the code of what an assignment adds
    """
    lines: list[str] = []
    for a in statements:
        lines += system.auxiliary_lines([a.value], names)
        kept = a.operator in ("*=", "/=") or a.target not in system.units
        factor = 1.0 if kept else system.units[a.target].factor
        value = guard(a, system.text(a.value, names, by=factor))
        old, new = names.get(a.target, ""), system.local(a.target)
        lines.append(f"{new} = {updated(old, a.operator, value)}")
        names[a.target] = new
    return lines


def updated(old: str, operator: str, value: str) -> str:
    """Code of `old OPERATOR value`."""
    if operator == "=":
        return value
    sign, top = operator[0], ast.parse(value, mode="eval").body
    loose = isinstance(top, ast.IfExp) or (isinstance(top, ast.BinOp) and isinstance(top.op, ast.Add | ast.Sub))
    if sign in "*/":
        loose = not isinstance(top, ast.Name | ast.Attribute | ast.Call | ast.Constant)
    return f"{old} {sign} ({value})" if loose else f"{old} {sign} {value}"


def reset_lines(system: System) -> list[str]:
    """Body of the hook `reset`."""
    names = system.names()
    return [*assigned(system, system.reset, names), returned(system, names)]


def receive_lines(system: System) -> list[str]:
    """Body of the hook `receive`: receptors in order of declaration; what stands still hears nothing."""
    names, lines = system.names(), []

    def guard(a: Assignment, value: str) -> str:
        return f"0.0 if refractory else {value}" if a.target in system.clamped else value

    for receptor in system.receptors:
        names[receptor.weight] = f"x.{receptor.name}"
        lines += assigned(system, receptor.statements, names, guard)
        del names[receptor.weight]
    return [*lines, returned(system, names)]


def returned(system: System, names: Mapping[str, str]) -> str:
    """The last line of a hook that returns all variables."""
    values = [names[name] for name in system.variables]
    return f"return {', '.join(values)}{',' if len(values) == 1 else ''}"


def straight_into(system: System, receptor: Arrival) -> str:
    """The variable that an arrival is added to and that neither threshold nor reset knows; "" where there is none."""
    known = set() if system.threshold is None else set(system.threshold.names)
    known |= {a.target for a in system.reset} | {n for a in system.reset for n in a.value.names}
    expressions = [a.value for a in system.reset] + ([system.threshold] if system.threshold else [])
    for name in system.needed(expressions):
        known |= system.auxiliaries[name].names
    if len(receptor.statements) != 1:
        return ""
    a = receptor.statements[0]
    plain = a.operator == "+=" and a.value.text == receptor.weight and system.units[a.target].factor == 1.0
    others = [b.target for other in system.receptors if other is not receptor for b in other.statements]
    reads = {n for other in system.receptors for b in other.statements for n in b.value.names}
    return a.target if plain and a.target not in known | reads | set(others) else ""

"""Parameters as texts, such as "10 ms above 0  # membrane time constant", and the names that they may have."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from neuromorph.equations.expressions import FUNCTIONS
from neuromorph.errors import InputError, PluginError, Problem
from neuromorph.parameters import Param
from neuromorph.units import UNITS, compound_unit, is_canonical, quantity

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_TEXT = re.compile(rf"^\s*({_NUMBER})\s*(.*?)\s*((?:above|at least|below|at most)\b.*)?$")
_BOUND = re.compile(r"^(above|at least|below|at most)\s+(.+)$")


def parameter(given: object, where: str) -> Param:
    """A Param from one, from a number, or from a text with unit, range and a comment.

    Raises PluginError for a text that is none of these and for a unit that is unknown.
    """
    if isinstance(given, Param):
        return given
    if isinstance(given, int | float) and not isinstance(given, bool):
        return Param(float(given))
    body, _, doc = given.partition("#") if isinstance(given, str) else ("", "", "")
    match = _TEXT.match(body)
    if match is None:
        allowed = 'a Param, a number, or a text such as "10 ms above 0  # its meaning"'
        raise PluginError(Problem("not a parameter", where, given, allowed))
    try:
        unit = canonical(match[2], where)
        value = quantity(f"{match[1]} {match[2]}", unit, where)
        bounds: dict[str, Any] = {}
        for text in re.split(r"\band\b|(?<=\S)\s+(?=above|at least|below|at most)", match[3] or ""):
            if text.strip():
                bounds |= _bound(text.strip(), unit, where)
    except InputError as error:
        raise PluginError(*error.problems) from None
    return Param(value, unit, doc=doc.strip(), **bounds)


def _bound(text: str, unit: str, where: str) -> dict[str, Any]:
    match = _BOUND.match(text)
    if match is None:
        raise PluginError(Problem("not a range", where, text, '"above 0", "at least 0", "below 1", "at most 1"'))
    return {match[1].replace(" ", "_"): quantity(match[2], unit, where)}


def canonical(text: str, where: str) -> str:
    """The canonical unit of a unit's text: pA for nA, and for what has no name of its own its powers."""
    unit = compound_unit(text, where)
    if text.strip() in UNITS:
        return UNITS[text.strip()][0]
    return re.sub(r"\s", "", text) if is_canonical(text) else str(unit)


def declared_unit(text: str, where: str) -> str:
    """The unit that a variable is declared in, which must be canonical; raises PluginError elsewhere."""
    try:
        unit = canonical(text, where)
    except InputError as error:
        raise PluginError(*error.problems) from None
    if not is_canonical(text.strip() or "1"):
        raise PluginError(Problem(f"unit '{text}' is not canonical", where, fix=f"Write {unit}."))
    return unit


def check_names(names: Iterable[str], taken: Iterable[str], where: str) -> None:
    """Raise PluginError for a name that Python, the contract or the functions of equations use."""
    for name in names:
        what = ""
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_") or name.endswith("_"):
            what = "is no name of a quantity"
        elif name in FUNCTIONS:
            what = "is a function"
        elif name in taken or name in ("t", "dt"):
            what = "is a word of the contract"
        if what:
            raise PluginError(Problem(f"'{name}' {what}", where, fix="Rename it."))


def divisors(trees: Iterable[ast.expr]) -> set[str]:
    """Names that something is divided by, alone or in a product."""
    found: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                found |= _factors(node.right)
    return found


def _factors(node: ast.expr) -> set[str]:
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _factors(node.left) | _factors(node.right)
    return set()


def with_ranges(parameters: Mapping[str, Param], trees: Iterable[ast.expr], period: str = "") -> dict[str, Param]:
    """Parameters where times, capacitances and conductances without a range, and divided by, are above 0."""
    divided, found = divisors(trees), dict(parameters)
    for name, param in parameters.items():
        free = (param.above, param.at_least, param.below, param.at_most) == (None,) * 4
        if free and name in divided and param.unit in ("ms", "pF", "nS", "GOhm"):
            found[name] = replace(param, above=0.0)
        elif free and name == period:
            found[name] = replace(param, at_least=0.0)
    return found


def source_of(param: Param) -> str:
    """The declaration of a parameter as Python code."""
    parts = [repr(float(param.default)), repr(param.unit)]
    for name in ("above", "at_least", "below", "at_most"):
        value = getattr(param, name)
        if value is not None:
            parts.append(f"{name}={float(value)!r}")
    if param.doc:
        parts.append(f"doc={param.doc!r}")
    return f"Param({', '.join(parts)})"

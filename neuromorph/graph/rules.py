"""Connection rules: which arguments each takes, and what of them is impossible. The drawing is done in `lowered`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuromorph.errors import Problem, suggestion
from neuromorph.graph.values import read_array, read_number
from neuromorph.parameters import Param

#: rule -> its arguments; those with a default may be left out
RULES: dict[str, tuple[str, ...]] = {
    "one_to_one": (),
    "all_to_all": ("autapses",),
    "bernoulli": ("probability", "autapses"),
    "fixed_indegree": ("indegree", "autapses", "multapses"),
    "fixed_outdegree": ("outdegree", "autapses", "multapses"),
    "fixed_total": ("total", "autapses", "multapses"),
    "explicit": ("sources", "targets"),
    "distance": ("probability", "profile", "length_um", "autapses"),
}
DEFAULTS: dict[str, Any] = {"autapses": False, "multapses": False, "profile": "gaussian"}
PROFILES = ("gaussian", "exponential")
ARGUMENTS = tuple(dict.fromkeys(name for names in RULES.values() for name in names))
_PROBABILITY = Param(1.0, at_least=0, at_most=1)
_LENGTH = Param(1.0, "um", above=0)


@dataclass(frozen=True)
class Ends:
    """What a connection rule needs to know of the two populations."""

    source_size: int
    target_size: int
    same: bool

    @property
    def pairs(self) -> int:
        """Number of (source, target) pairs, autapses included."""
        return self.source_size * self.target_size


def read_rule(rule: object, where: str, problems: list[Problem]) -> str | None:
    """Return the rule's name if it is known."""
    if isinstance(rule, str) and rule in RULES:
        return rule
    problems.append(Problem(f"unknown connection rule '{rule}'", f"{where}.rule", fix=suggestion(str(rule), RULES)))
    return None


def read_arguments(
    rule: str, given: Mapping[str, Any], where: str, problems: list[Problem], folder: Path | None
) -> dict[str, Any] | None:
    """Read the arguments of a rule, defaults filled; None where any is missing or of the wrong kind."""
    before = len(problems)
    arguments: dict[str, Any] = {}
    for name in RULES[rule]:
        spot = f"{where}.{name}"
        value = given.get(name, DEFAULTS.get(name))
        if rule == "distance" and name == "probability" and value is None:
            value = 1.0
        if value is None:
            problems.append(Problem(f"rule {rule} needs '{name}'", where, fix=f"Add `{name}`."))
        else:
            arguments[name] = _read(name, value, spot, problems, folder)
    if "sources" in arguments and len(problems) == before and len(arguments["sources"]) != len(arguments["targets"]):
        lengths = (len(arguments["sources"]), len(arguments["targets"]))
        problems.append(Problem("sources and targets differ in length", where, lengths))
    return arguments if len(problems) == before else None


def _read(name: str, value: object, where: str, problems: list[Problem], folder: Path | None) -> Any:
    if name in ("autapses", "multapses"):
        return _flag(value, where, problems)
    if name in ("indegree", "outdegree", "total"):
        return read_count(value, where, problems)
    if name in ("sources", "targets"):
        return read_indices(value, where, problems, folder)
    if name == "profile":
        if value not in PROFILES:
            problems.append(Problem(f"unknown profile '{value}'", where, fix=suggestion(str(value), PROFILES)))
        return value
    param = _LENGTH if name == "length_um" else _PROBABILITY
    number = read_number(value, param.unit, where, problems)
    wrong = None if number is None else param.problem(number, where)
    problems += [wrong] if wrong else []
    return number


def _flag(value: object, where: str, problems: list[Problem]) -> bool | None:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    problems.append(Problem("not a truth value", where, value, "true or false"))
    return None


def read_count(value: object, where: str, problems: list[Problem]) -> int | None:
    """Read a whole number of at least 0."""
    if isinstance(value, np.generic):
        value = value.item()
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if not whole or isinstance(value, bool) or value < 0:  # type: ignore[operator]
        problems.append(Problem("not a count", where, value, "a whole number, at least 0"))
        return None
    if value >= 2**63:  # type: ignore[operator]
        problems.append(Problem("too large", where, value, "below 2^63"))
        return None
    return int(value)  # type: ignore[call-overload, no-any-return]


def read_indices(
    value: object, where: str, problems: list[Problem], folder: Path | None = None, size: int | None = None
) -> np.ndarray[Any, np.dtype[np.int64]] | None:
    """Read a list of whole numbers of at least 0 (and below `size`, where it is given)."""
    array = read_array(value, "1", where, problems, folder)
    if array is None:
        return None
    allowed = "whole numbers, at least 0" if size is None else f"whole numbers from 0 to {size - 1}"
    if array.ndim != 1:
        problems.append(Problem("not a plain list", where, array.shape, allowed))
        return None
    with np.errstate(invalid="ignore"):
        bad = ~((array >= 0) & (array == np.floor(array)) & (array < (2.0**63 if size is None else size)))
    if bad.any():
        first = int(np.argmax(bad))
        found = array[first].item()
        found = int(found) if float(found).is_integer() else found
        problems.append(Problem("index out of range", f"{where}[{first}]", found, allowed))
        return None
    return array.astype(np.int64)


def impossible(rule: str, arguments: Mapping[str, Any], ends: Ends, where: str) -> list[Problem]:
    """What a rule cannot do with populations of these sizes."""
    if rule == "one_to_one" and ends.source_size != ends.target_size:
        return [Problem("one_to_one needs populations of one size", where, (ends.source_size, ends.target_size))]
    if rule == "explicit":
        sizes = {"sources": ends.source_size, "targets": ends.target_size}
        found: list[Problem] = []
        for name, size in sizes.items():
            read_indices(arguments[name], f"{where}.{name}", found, size=size)
        return found
    for name, limit in _limits(rule, arguments, ends).items():
        if arguments[name] > limit:
            fix = "" if limit == 0 else "Allow `multapses`."
            return [
                Problem(
                    "more connections than there are pairs", f"{where}.{name}", arguments[name], f"0 to {limit}", fix
                )
            ]
    return []


def _limits(rule: str, arguments: Mapping[str, Any], ends: Ends) -> dict[str, int]:
    """Largest possible number of connections, by the argument that states it; nothing where there is no limit."""
    excluded = int(ends.same and not arguments.get("autapses", True))
    most = {
        "fixed_indegree": ("indegree", ends.source_size - excluded, ends.target_size),
        "fixed_outdegree": ("outdegree", ends.target_size - excluded, ends.source_size),
        "fixed_total": ("total", ends.pairs - excluded * ends.source_size, 1),
    }.get(rule)
    if most is None or most[2] == 0 or (arguments["multapses"] and most[1] > 0):
        return {}
    return {most[0]: max(most[1], 0)}


def synapse_count(rule: str, arguments: Mapping[str, Any], ends: Ends) -> int | None:
    """How many synapses the rule makes; None where that is random."""
    excluded = ends.source_size if ends.same and not arguments.get("autapses", True) else 0
    counts = {
        "one_to_one": ends.source_size,
        "all_to_all": ends.pairs - excluded,
        "fixed_indegree": arguments.get("indegree", 0) * ends.target_size,
        "fixed_outdegree": arguments.get("outdegree", 0) * ends.source_size,
        "fixed_total": arguments.get("total", 0),
        "explicit": len(arguments.get("sources", ())),
    }
    return counts.get(rule)

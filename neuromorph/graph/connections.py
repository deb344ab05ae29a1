"""Edges of the graph between populations to projections: receptor, weight, delay, plasticity, name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neuromorph.errors import suggestion
from neuromorph.graph.cells import NAMES_ALLOWED, check_length, valid_name
from neuromorph.graph.description import ProjectionSpec
from neuromorph.graph.plasticity import read_plasticity
from neuromorph.graph.reading import Cells, Reading
from neuromorph.graph.rules import ARGUMENTS, RULES, Ends, impossible, read_arguments, read_rule, synapse_count
from neuromorph.graph.values import (
    Array,
    Distribution,
    Value,
    finite_problem,
    range_problem,
    read_value,
    sort_key,
    support,
)
from neuromorph.models.contract import CurrentModel, NeuronModel, Receptor
from neuromorph.parameters import Param

DELAY = Param(1.0, "ms", above=0, doc="from emission to effect")
_COMMON = ("weight", "delay", "receptor", "plasticity", "name", "rule")


@dataclass(frozen=True)
class Draft:
    """A projection before its default name: what was read, and the name that was given."""

    spec: ProjectionSpec
    given_name: str | None
    where: str


def read_projection(
    reading: Reading, source: Cells, target: Cells, data: Mapping[str, Any], where: str
) -> Draft | None:
    """Read one edge between two populations; None where anything about it is wrong."""
    before = len(reading.problems)
    rule = read_rule(data.get("rule", "all_to_all"), where, reading.problems)
    if rule is not None:
        _unknown_arguments(reading, rule, data, where)
    arguments = None if rule is None else read_arguments(rule, data, where, reading.problems, reading.folder)
    receptor, unit = read_receptor(reading, source, target, data.get("receptor"), where)
    weight: Value | None = read_value(
        data.get("weight", 1.0), unit, f"{where}.weight", reading.problems, reading.folder
    )
    delay = _read_delay(reading, source, data, where)
    if rule is not None and arguments is not None and source.size is not None and target.size is not None:
        ends = Ends(source.size, target.size, source is target)
        reading.problems += impossible(rule, arguments, ends, where)
        weight = _fit(reading, weight, rule, arguments, ends, f"{where}.weight")
        delay = _fit(reading, delay, rule, arguments, ends, f"{where}.delay")
    if rule == "distance":
        _check_positions(reading, source, target, where)
    weight_problems(reading, weight, receptor, target, f"{where}.weight")
    plasticity = read_plasticity(reading, source, target, data.get("plasticity"), where, weight, unit)
    name = read_name(reading, data.get("name"), where)
    if len(reading.problems) > before or rule is None or arguments is None or weight is None:
        return None
    chosen = receptor.name if receptor else None
    spec = ProjectionSpec("", source.name, target.name, rule, arguments, weight, delay, chosen, plasticity)
    return Draft(spec, name, where)


def read_name(reading: Reading, name: object, where: str) -> str | None:
    """The name that was given to a projection, if any."""
    if name is not None and not valid_name(name):
        reading.problem("not a name for a projection", f"{where}.name", value=name, allowed=NAMES_ALLOWED)
        return None
    return None if name is None else str(name)


def _unknown_arguments(reading: Reading, rule: str, data: Mapping[str, Any], where: str) -> None:
    for key in data:
        if key in _COMMON or key in RULES[rule]:
            continue
        if key in ARGUMENTS:
            takes = ", ".join(RULES[rule]) or "no arguments"
            reading.problem(f"rule {rule} does not take '{key}'", f"{where}.{key}", fix=f"It takes {takes}.")
        else:
            fix = suggestion(str(key), (*_COMMON, *RULES[rule]))
            reading.problem(f"unknown attribute '{key}' of a projection", f"{where}.{key}", fix=fix)


def read_receptor(
    reading: Reading, source: Cells, target: Cells, name: object, where: str
) -> tuple[Receptor | None, str]:
    """The receptor that is named, or the only one that is meant; None where signs decide. And the unit of weights."""
    if target.model is None:
        return None, "1"
    if not issubclass(target.model, NeuronModel):
        reading.problem(
            f"connection into '{target.name}', an input", f"{where}.target", fix="Inputs have no receptors."
        )
        return None, "1"
    known = {receptor.name: receptor for receptor in target.model.receptors}
    if source.model is not None and issubclass(source.model, CurrentModel):
        if name not in (None, "current") or "current" not in known:
            what = f"'{source.name}' is a current; {target.model.name} has " + (
                "a receptor for it: `current`" if "current" in known else "no receptor `current`"
            )
            reading.problem(what, f"{where}.receptor", value=name)
        return known.get("current"), "1"
    if name is not None and (not isinstance(name, str) or name not in known):
        what = f"unknown receptor '{name}' of {target.model.name}"
        reading.problem(what, f"{where}.receptor", fix=suggestion(str(name), known))
        return None, "1"
    if name == "current" and source.model is not None:
        reading.problem("receptor `current` is driven by currents only", f"{where}.receptor", value=source.name)
    if name is not None:
        return known[str(name)], known[str(name)].unit
    free = [receptor for receptor in known.values() if not receptor.explicit]
    if not free:
        fix = f"Name one: {', '.join(known)}." if known else ""
        reading.problem(f"{target.model.name} has no receptor by default", f"{where}.receptor", fix=fix)
        return None, "1"
    return (free[0] if len(free) == 1 and free[0].sign == 0 else None), free[0].unit


def weight_problems(
    reading: Reading, weight: Value | None, receptor: Receptor | None, target: Cells, where: str
) -> None:
    """Infinite weights, and weights whose sign no receptor takes."""
    if weight is None or target.model is None or not issubclass(target.model, NeuronModel):
        return
    infinite = finite_problem(weight, where)
    if infinite is not None:
        reading.problems.append(infinite)
        return
    free = [receptor] if receptor else [r for r in target.model.receptors if not r.explicit]
    low, high = support(weight)
    for sign, number, words in ((-1, low, "at least 0"), (1, high, "at most 0")):
        if not free or number * sign <= 0 or any(r.sign in (0, sign) for r in free):
            continue
        drawn = isinstance(weight, Distribution)
        receivers = f"receptor '{receptor.name}'" if receptor else "any default receptor"
        what = f"weights of the wrong sign for {receivers} of {target.model.name}{' can be drawn' if drawn else ''}"
        fix = f"Bound the distribution: {'low' if sign < 0 else 'high'} = 0." if drawn else ""
        if not receptor and not drawn:
            fix = f"Name a receptor: {', '.join(r.name for r in target.model.receptors)}."
        reading.problem(what, where, value=number, allowed=words, fix=fix)


def _read_delay(reading: Reading, source: Cells, data: Mapping[str, Any], where: str) -> Value | None:
    spot = f"{where}.delay"
    if source.model is not None and issubclass(source.model, CurrentModel):
        if data.get("delay") is not None:
            reading.problem("a current has no delay", spot, value=data["delay"], fix="Leave `delay` out.")
        return None
    given = data.get("delay")
    value = read_value(DELAY.default if given is None else given, "ms", spot, reading.problems, reading.folder)
    if value is not None:
        delay_problems(reading, value, spot)
    return value


def delay_problems(reading: Reading, value: Value, where: str) -> None:
    """Delays that are infinite, not above 0, or under half a tick."""
    wrong = range_problem(value, DELAY, where) or finite_problem(value, where)
    if wrong is not None:
        reading.problems.append(wrong)
    elif reading.resolution is not None and support(value)[0] < reading.resolution / 2:
        allowed = f"at least {reading.resolution / 2:g} ms at a resolution of {reading.resolution:g} ms"
        fix = "Bound the distribution by `low`." if isinstance(value, Distribution) else ""
        reading.problem("delay under half a tick", where, value=support(value)[0], allowed=allowed, fix=fix)


def _fit(
    reading: Reading, value: Value | None, rule: str, arguments: Mapping[str, Any], ends: Ends, where: str
) -> Value | None:
    """An array with one value per synapse, a matrix of all_to_all laid out row by row."""
    if not isinstance(value, Array):
        return value
    count, array = synapse_count(rule, arguments, ends), value.values
    if count is None:
        reading.problem(
            f"rule {rule} makes a random number of synapses", where, fix="Give one value, or a distribution."
        )
        return None
    if rule == "all_to_all" and array.shape == (ends.source_size, ends.target_size):
        skip = ends.same and not arguments["autapses"]
        value = Array(array[~np.eye(ends.source_size, dtype=bool)] if skip else array.reshape(-1))
    return value if check_length(reading, value, count, "synapse", where) else None


def _check_positions(reading: Reading, source: Cells, target: Cells, where: str) -> None:
    dimensions = set()
    for cells in {source.name: source, target.name: target}.values():
        if cells.spec is None:
            continue
        if cells.spec.positions is None:
            reading.problem(f"rule distance needs positions of '{cells.name}'", where, fix="Add `positions` to it.")
        else:
            dimensions.add(cells.spec.positions.shape[1])
    if len(dimensions) > 1:
        reading.problem("positions differ in their number of dimensions", where, value=sorted(dimensions))


def name_projections(reading: Reading, drafts: list[Draft]) -> tuple[ProjectionSpec, ...]:
    """Give every projection a name of its own and sort them by (source, target, name).

    Without a name it is called source_target, and parallel ones in order of (delay, weight, receptor) with _2, _3 ...
    """
    taken: dict[str, Draft] = {}
    for draft in drafts:
        if draft.given_name is not None and taken.setdefault(draft.given_name, draft) is not draft:
            fix = "Give each projection a name of its own."
            reading.problem(f"two projections are called '{draft.given_name}'", f"{draft.where}.name", fix=fix)
    named = [replace(draft.spec, name=draft.given_name) for draft in drafts if draft.given_name is not None]
    names = set(taken)
    for draft in sorted((draft for draft in drafts if draft.given_name is None), key=_draft_key):
        stem = name = f"{draft.spec.source}_{draft.spec.target}"
        number = 1
        while name in names:
            number += 1
            name = f"{stem}_{number}"
        names.add(name)
        named.append(replace(draft.spec, name=name))
    return tuple(sorted(named, key=lambda spec: (spec.source, spec.target, spec.name)))


def _draft_key(draft: Draft) -> tuple[Any, ...]:
    """Order of parallel projections; what follows the receptor only settles ties, by content."""
    spec, plastic = draft.spec, draft.spec.plasticity
    learning = "" if plastic is None else repr((plastic.rule.__name__, sorted(vars(plastic).items(), key=str)))
    arguments = repr([(key, _content(value)) for key, value in sorted(spec.arguments.items())])
    endpoints = (spec.source, spec.target)
    return (
        *endpoints,
        sort_key(spec.delay),
        sort_key(spec.weight),
        spec.receptor or "",
        spec.rule,
        arguments,
        learning,
    )


def _content(value: object) -> object:
    return hashlib.sha256(value.tobytes()).hexdigest() if isinstance(value, np.ndarray) else value

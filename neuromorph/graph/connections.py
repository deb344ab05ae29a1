"""Edges of the graph between populations to projections: receptor, weight, delay, plasticity, name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from neuromorph.errors import PluginError, suggestion
from neuromorph.graph.cells import check_length, valid_name
from neuromorph.graph.description import PlasticitySpec, PopulationSpec, ProjectionSpec
from neuromorph.graph.reading import Cells, Reading
from neuromorph.graph.rules import ARGUMENTS, Ends, impossible, read_arguments, read_rule, synapse_count
from neuromorph.graph.rules import RULES
from neuromorph.graph.values import (
    Array,
    Constant,
    Distribution,
    Value,
    finite_problem,
    range_problem,
    read_number,
    read_value,
    sort_key,
    support,
)
from neuromorph.learning import registry as rules
from neuromorph.learning.contract import LearningRule
from neuromorph.models.contract import CurrentModel, InputModel, NeuronModel, Receptor
from neuromorph.parameters import Param

DELAY = Param(1.0, "ms", above=0, doc="from emission to effect")
_COMMON = ("weight", "delay", "receptor", "plasticity", "name", "rule")
_PLASTICITY = ("rule", "params", "w_min", "w_max", "frozen", "signals")


@dataclass(frozen=True)
class Draft:
    """A projection before its default name: what was read, and the name that was given."""

    spec: ProjectionSpec
    given_name: str | None
    where: str


def read_projection(reading: Reading, source: Cells, target: Cells, data: Mapping[str, Any], where: str) -> Draft | None:
    """Read one edge between two populations; None where anything about it is wrong."""
    before = len(reading.problems)
    rule = read_rule(data.get("rule", "all_to_all"), where, reading.problems)
    if rule is not None:
        _unknown_arguments(reading, rule, data, where)
    arguments = None if rule is None else read_arguments(rule, data, where, reading.problems, reading.folder)
    receptor, unit = read_receptor(reading, source, target, data.get("receptor"), where)
    weight = read_value(data.get("weight", 1.0), unit, f"{where}.weight", reading.problems, reading.folder)
    delay = _read_delay(reading, source, data, where)
    if rule is not None and arguments is not None and source.size is not None and target.size is not None:
        ends = Ends(source.size, target.size, source is target)
        reading.problems += impossible(rule, arguments, ends, where)
        weight = _fit(reading, weight, rule, arguments, ends, f"{where}.weight")
        delay = _fit(reading, delay, rule, arguments, ends, f"{where}.delay")
    if rule == "distance":
        _check_positions(reading, source, target, where)
    weight_problems(reading, weight, receptor, target, f"{where}.weight")
    plasticity = read_plasticity(reading, source, target, data.get("plasticity"), where, weight)
    name = data.get("name")
    if name is not None and not valid_name(name):
        allowed = "text without / . [ ], that begins and ends with no blank"
        reading.problem("not a name for a projection", f"{where}.name", value=name, allowed=allowed)
    if len(reading.problems) > before or rule is None or arguments is None or weight is None:
        return None
    chosen = receptor.name if receptor else None
    spec = ProjectionSpec("", source.name, target.name, rule, arguments, weight, delay, chosen, plasticity)
    return Draft(spec, name, where)


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
        reading.problem(f"connection into '{target.name}', an input", f"{where}.target", fix="Inputs have no receptors.")
        return None, "1"
    known = {receptor.name: receptor for receptor in target.model.receptors}
    if source.model is not None and issubclass(source.model, CurrentModel):
        if name not in (None, "current") or "current" not in known:
            what = f"'{source.name}' is a current; {target.model.name} has " + (
                "a receptor for it: `current`" if "current" in known else "no receptor `current`"
            )
            reading.problem(what, f"{where}.receptor", value=name)
        return known.get("current"), "1"
    if name is not None and name not in known:
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


def weight_problems(reading: Reading, weight: Value | None, receptor: Receptor | None, target: Cells, where: str) -> None:
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
        reading.problem(f"rule {rule} makes a random number of synapses", where, fix="Give one value, or a distribution.")
        return None
    if rule == "all_to_all" and array.shape == (ends.source_size, ends.target_size):
        skip = ends.same and not arguments["autapses"]
        value = Array(array[~_diagonal(ends)] if skip else array.reshape(-1))
    return value if check_length(reading, value, count, "synapse", where) else None


def _diagonal(ends: Ends) -> Any:
    import numpy as np

    return np.eye(ends.source_size, ends.target_size, dtype=bool)


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


def read_plasticity(
    reading: Reading, source: Cells, target: Cells, given: object, where: str, weight: Value | None
) -> PlasticitySpec | None:
    """Read how a projection learns; None where it does not, or where something is wrong."""
    if given is None:
        return None
    before, spot = len(reading.problems), f"{where}.plasticity"
    table = {"rule": given} if isinstance(given, str) else reading.table(given, spot)
    reading.unknown_keys(table, _PLASTICITY, "key of plasticity", spot)
    if source.model is not None and issubclass(source.model, CurrentModel):
        reading.problem("a current cannot be plastic", spot, fix="Leave `plasticity` out.")
    rule = _read_rule_class(reading, table.get("rule"), spot)
    bounds = _read_bounds(reading, table, spot, weight, target)
    frozen = table.get("frozen", False)
    if not isinstance(frozen, bool):
        reading.problem("not a truth value", f"{spot}.frozen", value=frozen, allowed="true or false")
    if rule is None:
        return None
    params = _read_rule_params(reading, rule, table, spot)
    _check_variables(reading, rule, source, target, spot)
    signals = _read_signals(reading, rule, table.get("signals"), spot)
    if len(reading.problems) > before:
        return None
    return PlasticitySpec(rule, params, *bounds, frozen, signals)


def _read_rule_class(reading: Reading, name: object, where: str) -> type[LearningRule] | None:
    if not isinstance(name, str):
        reading.problem("no learning rule is named", f"{where}.rule", value=name, allowed="the name of a learning rule")
        return None
    try:
        return rules.get(name)
    except PluginError as error:
        for problem in error.problems:
            reading.problem(str(problem) if problem.where else problem.what, f"{where}.rule", fix=problem.fix)
        return None


def _read_rule_params(
    reading: Reading, rule: type[LearningRule], table: Mapping[str, Any], where: str
) -> dict[str, float]:
    given, declared = reading.table(table.get("params"), f"{where}.params"), rule.parameters()
    reading.unknown_keys(given, declared, f"parameter of {rule.__name__}", f"{where}.params")
    params: dict[str, float] = {}
    for name, param in declared.items():
        spot = f"{where}.params.{name}"
        number = read_number(given.get(name, param.default), param.unit, spot, reading.problems)
        if number is not None:
            params[name] = number
            wrong = param.problem(number, spot)
            reading.problems += [wrong] if wrong else []
    return params


def _read_bounds(
    reading: Reading, table: Mapping[str, Any], where: str, weight: Value | None, target: Cells
) -> tuple[float | None, float | None]:
    unit = "1"
    if target.model is not None and issubclass(target.model, NeuronModel) and target.model.receptors:
        unit = target.model.receptors[0].unit
    low, high = (
        None if table.get(key) is None else read_number(table[key], unit, f"{where}.{key}", reading.problems)
        for key in ("w_min", "w_max")
    )
    if low is not None and high is not None and low > high:
        reading.problem("w_min is above w_max", where, value=(low, high))
    elif weight is not None:
        smallest, largest = support(weight)
        if (low is not None and smallest < low) or (high is not None and largest > high):
            what = "initial weights outside [w_min, w_max]"
            if isinstance(weight, Constant | Array):
                reading.problem(what, where, value=(smallest, largest), allowed=f"{low} to {high}")
    return low, high


def _check_variables(
    reading: Reading, rule: type[LearningRule], source: Cells, target: Cells, where: str
) -> None:
    """Every Variable that the rule reads must be one of the cell's model."""
    for side, cells in (("pre", source), ("post", target)):
        if cells.model is None or issubclass(cells.model, CurrentModel):
            continue
        known = cells.model.registers if issubclass(cells.model, InputModel) else tuple(cells.model.variables())
        for name, variable in rule.variables(side).items():
            if variable.name not in known:
                what = f"{rule.__name__} reads {side}.{name}: {cells.model.name} has no variable '{variable.name}'"
                reading.problem(what, f"{where}.rule", fix=suggestion(variable.name, known))


def _read_signals(reading: Reading, rule: type[LearningRule], given: object, where: str) -> tuple[str, ...]:
    spot, listens = f"{where}.signals", "on_signal" in rule.hooks()
    declared = reading.settings.get("signals") or {}
    names = [given] if isinstance(given, str) else given
    if given is None:
        if listens:
            fix = f"Name them: signals = {sorted(declared)}." if declared else "Declare a signal and name it here."
            reading.problem(f"{rule.__name__} listens to signals, none is named", spot, fix=fix)
        return ()
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        reading.problem("not a list of signals", spot, value=given)
        return ()
    for name in names:
        if name not in declared:
            reading.problem(f"unknown signal '{name}'", spot, fix=suggestion(name, declared))
    if names and not listens:
        reading.problem(f"{rule.__name__} has no on_signal", spot, value=list(names), fix="Leave `signals` out.")
    return tuple(sorted(set(names)))


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
    spec = draft.spec
    plastic = spec.plasticity
    rest = (spec.rule, sorted((key, _content(value)) for key, value in spec.arguments.items()))
    learning = () if plastic is None else (plastic.rule.__name__, repr(sorted(plastic.params.items())), repr(plastic))
    return (
        spec.source,
        spec.target,
        sort_key(spec.delay),
        sort_key(spec.weight),
        spec.receptor or "",
        rest,
        learning[:2],
        "" if plastic is None else repr((plastic.w_min, plastic.w_max, plastic.frozen, plastic.signals)),
    )


def _content(value: object) -> str:
    tobytes = getattr(value, "tobytes", None)
    return repr(value) if tobytes is None else tobytes().hex()


def population_specs(cells: list[Cells]) -> tuple[PopulationSpec, ...]:
    """Populations that could be read, sorted by name."""
    return tuple(sorted((c.spec for c in cells if c.spec is not None), key=lambda spec: spec.name))

"""How a projection learns: its rule, the rule's parameters, bounds and signals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from neuromorph.errors import PluginError, suggestion
from neuromorph.graph.description import PlasticitySpec
from neuromorph.graph.reading import Cells, Reading
from neuromorph.graph.values import Array, Constant, Value, read_number, support
from neuromorph.learning import registry as rules
from neuromorph.learning.contract import LearningRule
from neuromorph.models.contract import CurrentModel, InputModel

_KEYS = ("rule", "params", "w_min", "w_max", "frozen", "signals", "rewire_every")


def read_plasticity(
    reading: Reading, source: Cells, target: Cells, given: object, where: str, weight: Value | None, unit: str
) -> PlasticitySpec | None:
    """Read how a projection learns; None where it does not, or where something is wrong."""
    if given is None:
        return None
    before, spot = len(reading.problems), f"{where}.plasticity"
    table: Mapping[str, Any] = {"rule": given} if isinstance(given, str) else reading.table(given, spot)
    reading.unknown_keys(table, _KEYS, "key of plasticity", spot)
    if source.model is not None and issubclass(source.model, CurrentModel):
        reading.problem("a current cannot be plastic", spot, fix="Leave `plasticity` out.")
    rule = _read_rule_class(reading, table.get("rule"), spot)
    bounds = _read_bounds(reading, table, spot, weight, unit)
    frozen = table.get("frozen", False)
    if not isinstance(frozen, bool):
        reading.problem("not a truth value", f"{spot}.frozen", value=frozen, allowed="true or false")
    if rule is None:
        return None
    if frozen is True and "transmit" in rule.hooks():
        fix = "Leave `frozen` out, and set its rate of learning to 0."
        reading.problem(f"{rule.__name__} says what a spike delivers: it cannot be frozen", f"{spot}.frozen", fix=fix)
    params = _read_rule_params(reading, rule, table, spot)
    _check_variables(reading, rule, source, target, spot)
    signals = _read_signals(reading, rule, table.get("signals"), spot)
    every = _read_rewire_every(reading, rule, table.get("rewire_every"), f"{spot}.rewire_every")
    if len(reading.problems) > before:
        return None
    return PlasticitySpec(rule, params, *bounds, frozen, signals, every)


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
    reading: Reading, table: Mapping[str, Any], where: str, weight: Value | None, unit: str
) -> tuple[float | None, float | None]:
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


def _check_variables(reading: Reading, rule: type[LearningRule], source: Cells, target: Cells, where: str) -> None:
    """Every Variable that the rule reads must be one of the cell's model; on_pre looks back on the grid alone."""
    past = rule.reads_past()
    if past and reading.resolution is None:
        what = f"{rule.__name__} reads post.{past[0]} in on_pre, which exact mode does not keep"
        reading.problem(what, f"{where}.rule", fix="Run it on a grid, such as resolution = 0.1.")
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


def _read_rewire_every(reading: Reading, rule: type[LearningRule], given: object, where: str) -> float:
    """Time between two looks at which synapses are given up (ms); 0 where the rule gives none up."""
    rewires = "rewire" in rule.hooks()
    if given is None:
        if rewires:
            fix = 'Say how often: rewire_every = "100 ms".'
            reading.problem(f"{rule.__name__} gives synapses up, but it is not said when", where, fix=fix)
        return 0.0
    if not rewires:
        reading.problem(f"{rule.__name__} has no rewire", where, value=given, fix="Leave `rewire_every` out.")
        return 0.0
    every = read_number(given, "ms", where, reading.problems)
    tick = reading.resolution or 0.0
    if every is not None and not max(tick, 1e-9) <= every < math.inf:
        allowed = f"at least a tick, {tick:g} ms" if tick else "above 0 ms, and finite"
        reading.problem("value out of range", where, value=every, allowed=allowed)
    return every or 0.0

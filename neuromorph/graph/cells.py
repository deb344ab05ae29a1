"""Nodes of the graph to populations: parameters, initial values, positions; single neurons gathered by model."""

from __future__ import annotations

import numbers
import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from neuromorph.errors import InputError, PluginError, Problem, suggestion
from neuromorph.graph.beside import beside
from neuromorph.graph.description import Model, PopulationSpec
from neuromorph.graph.reading import Cells, Nodes, Population, Reading
from neuromorph.graph.rules import read_count, read_indices
from neuromorph.graph.values import (
    Array,
    Constant,
    Distribution,
    SameAs,
    Value,
    finite_problem,
    range_problem,
    read_array,
    read_value,
)
from neuromorph.models import registry
from neuromorph.models.contract import NeuronModel

#: of nodes without a model, so many are named
_SHOWN = 100
_NAME = re.compile(r"[^\s/.\[\]\x00-\x1f]([^/.\[\]\x00-\x1f]*[^\s/.\[\]\x00-\x1f])?")

NAMES_ALLOWED = "text without / . [ ], that begins and ends with no blank"


def read_nodes(reading: Reading) -> Nodes:
    """Read every node: populations as they are, single neurons gathered in one population per model."""
    nodes: Nodes = {}
    singles: dict[object, list[Hashable]] = {}
    for node, data in reading.network.given.nodes(data=True):
        if "size" in data:
            nodes[node] = Population(_read_population(reading, node, data))
        else:
            model = data.get("model", reading.settings.get("model"))
            if model is not None and not isinstance(model, str):
                _read_model(reading, model, f"nodes[{node!r}]")
            else:
                singles.setdefault(model, []).append(node)
    taken = {population.cells.name for population in nodes.values()}
    for model, members in singles.items():
        if model is None:
            _without_model(reading, members)
            continue
        if model in taken:
            fix = "Rename the population, or give the neurons a `size`."
            reading.problem(
                "single neurons of this model need its name for their population", f"populations.{model}", fix=fix
            )
        members.sort(key=node_key)
        cells = _gather(reading, model, members)
        nodes.update({node: Population(cells, index) for index, node in enumerate(members)})
    return nodes


def node_key(node: Hashable) -> tuple[Any, ...]:
    """Order of node names: numbers by value, then text, then tuples, then whatever else by its repr."""
    if isinstance(node, numbers.Real):
        return 0, node
    if isinstance(node, str):
        return 1, node
    if isinstance(node, tuple):
        return 2, tuple(node_key(part) for part in node)
    return 3, type(node).__name__, repr(node)


def valid_name(name: object) -> bool:
    """Whether populations and projections may be called so: text without / . [ ] and outer blanks."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def _without_model(reading: Reading, members: list[Hashable]) -> None:
    known = [str(node) for node, data in reading.network.given.nodes(data=True) if data]
    if len(members) > _SHOWN:
        reading.problem(f"{len(members) - _SHOWN:,} more nodes without a model", "nodes")
    for node in members[:_SHOWN]:
        fix = 'Add it, or set graph.graph["model"].'
        if not reading.network.given.nodes[node] and known:
            fix = f"Perhaps it is named only by a connection. {suggestion(str(node), known)}"
        reading.problem("a node without a model", f"nodes[{node!r}]", fix=fix)


def _read_population(reading: Reading, node: Hashable, data: Mapping[str, Any]) -> Cells:
    name, before = str(node), len(reading.problems)
    model = _read_model(reading, data.get("model", reading.settings.get("model")), f"populations.{name}")
    section = "populations" if model is None or issubclass(model, NeuronModel) else "inputs"
    where = f"{section}.{name}"
    if not valid_name(node):
        reading.problem("not a name for a population", where, value=node, allowed=NAMES_ALLOWED)
    size = read_count(data["size"], f"{where}.size", reading.problems)
    cells = Cells(name, where, model, size)
    if model is None or size is None:
        return cells
    names = frozenset(_parameter_names(model))
    given = _direct(names, data) | dict(reading.table(data.get("params"), f"{where}.params"))
    spec = _read_cells(reading, cells, given, reading.table(data.get("initial"), f"{where}.initial"))
    positions = _read_positions(reading, data.get("positions"), size, where)
    if len(reading.problems) == before:
        cells.spec = PopulationSpec(name, model, size, *spec, positions=positions)
    return cells


def _gather(reading: Reading, model_name: object, members: list[Hashable]) -> Cells:
    """One population of the single neurons of a model, in the order of their names."""
    before = len(reading.problems)
    model = _read_model(reading, model_name, f"nodes[{members[0]!r}]")
    cells = Cells(str(model_name), f"populations.{model_name}", model, len(members))
    if model is None:
        return cells
    names = frozenset(_parameter_names(model))
    all_data = [reading.network.given.nodes[node] for node in members]
    params = [
        _direct(names, data) | dict(reading.table(data.get("params"), f"nodes[{node!r}].params"))
        for node, data in zip(members, all_data, strict=True)
    ]
    initial = [
        reading.table(data.get("initial"), f"nodes[{node!r}].initial")
        for node, data in zip(members, all_data, strict=True)
    ]
    variables = model.variables() if issubclass(model, NeuronModel) else {}
    defaults = {name: param.default for name, param in model.parameters().items()}
    starts = {name: variable.initial for name, variable in variables.items()}
    given = _columns(reading, members, params, defaults, "params")
    start = _columns(reading, members, initial, starts, "initial", {**defaults, **given})
    spec = _read_cells(reading, cells, given, start)
    places = [data.get("positions") for data in all_data]
    positions = None if any(place is None for place in places) else places
    read = _read_positions(reading, positions, len(members), cells.where)
    if len(reading.problems) == before:
        cells.spec = PopulationSpec(cells.name, model, len(members), *spec, positions=read, node_names=tuple(members))
    return cells


def _columns(
    reading: Reading,
    members: list[Hashable],
    tables: Sequence[Mapping[str, Any]],
    defaults: Mapping[str, Any],
    what: str,
    named: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Values of single neurons by name: one value where all agree, else a list of numbers in the order of the nodes.

    named : columns that a value may mean by their name (parameters, where initial values are read)
    """
    result: dict[str, Any] = {}
    for name in dict.fromkeys(key for table in tables for key in table):
        column = [table.get(name, defaults.get(name)) for table in tables]
        if all(_same(value, column[0]) for value in column[1:]):
            result[name] = column[0]
            continue
        for k, value in enumerate(column):
            if named and isinstance(value, str) and value in named:
                column[k] = named[value][k] if isinstance(named[value], list) else named[value]
        for node, value in zip(members, column, strict=True):
            if not isinstance(value, int | float | str | np.generic):
                spot = f"nodes[{node!r}].{what}.{name}"
                fix = "Give the node a `size`, which makes it a population of its own."
                reading.problem("single neurons of one model differ in more than a number", spot, value=value, fix=fix)
                break
        else:
            result[name] = column
    return result


def _same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(np.asarray(one), np.asarray(other))
    return type(one) is type(other) and one == other


def _read_model(reading: Reading, name: object, where: str) -> Model | None:
    if not isinstance(name, str):
        reading.problem("no model is named", f"{where}.model", value=name, allowed="the name of a model")
        return None
    try:
        return registry.get(name)
    except PluginError as error:
        for problem in error.problems:
            reading.problem(str(problem) if problem.where else problem.what, f"{where}.model", fix=problem.fix)
        return None


def _direct(names: frozenset[str], data: Mapping[str, Any]) -> dict[str, Any]:
    """Node attributes that bear the name of a parameter."""
    return {name: value for name, value in data.items() if name in names}


def _parameter_names(model: Model) -> list[str]:
    if issubclass(model, NeuronModel):
        return list(model.parameters())
    return [*model.parameters(), *model.array_parameters, *model.text_parameters]


Read = tuple[dict[str, Value], dict[str, Any], dict[str, str], dict[str, Value]]


def _read_cells(reading: Reading, cells: Cells, given: Mapping[str, Any], initial: Mapping[str, Any]) -> Read:
    """Parameters, arrays, texts and initial values of a population."""
    model, where = cells.model, cells.where
    assert model is not None
    before = len(reading.problems)
    reading.unknown_keys(
        given, _parameter_names(model), f"parameter of {model.name or model.__name__}", f"{where}.params"
    )
    params: dict[str, Value] = {}
    in_ticks: dict[str, str] = getattr(model, "in_ticks", {})
    for name, param in model.parameters().items():
        spot = f"{where}.params.{name}"
        value = read_value(given.get(name, param.default), param.unit, spot, reading.problems, reading.folder)
        if value is not None and check_length(reading, value, cells.size, "cell", spot):
            params[name] = value
            wrong = range_problem(value, param, spot)
            reading.problems += [wrong] if wrong else []
            if wrong is None and isinstance(value, Constant) and name in in_ticks:
                reading.check_ticks(value.value, in_ticks[name], spot)
    arrays, texts = _read_more(reading, cells, given)
    start = _read_initial(reading, cells, initial)
    if reading.resolution is None and "exact" not in model.resolutions:
        fix = "Run it on a grid, such as resolution = 0.1."
        reading.problem(f"{model.name} cannot run in exact mode", f"{where}.model", fix=fix)
    if reading.resolution is not None and "grid" not in model.resolutions:
        reading.problem(f"{model.name} cannot run on a grid", f"{where}.model", fix='Set resolution = "exact".')
    if len(reading.problems) == before:
        _validate(reading, cells, params, {**arrays, **texts})
    return params, arrays, texts, start


def _read_more(reading: Reading, cells: Cells, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Array and text parameters; `indices` are of this population's cells, a table has one column per cell."""
    arrays: dict[str, Any] = {}
    texts: dict[str, str] = {}
    model = cells.model
    if model is None or issubclass(model, NeuronModel):
        return arrays, texts
    for name, (unit, _) in model.array_parameters.items():
        if given.get(name) is None:
            continue
        spot = f"{cells.where}.params.{name}"
        array = read_array(given[name], unit, spot, reading.problems, reading.folder)
        if array is not None and name == "indices":
            array = read_indices(array, spot, reading.problems, size=cells.size)
        if array is not None and array.ndim == 2 and array.shape[1] != cells.size:
            reading.problem(
                "wrong number of columns", spot, value=array.shape[1], allowed=f"{cells.size}, one per cell"
            )
        if array is not None:
            arrays[name] = array
    for name in model.text_parameters:
        text = given.get(name)
        if isinstance(text, str):
            texts[name] = _path(reading, text, f"{cells.where}.params.{name}") if name == "path" else text
        elif text is not None:
            reading.problem("not text", f"{cells.where}.params.{name}", value=text)
    return arrays, texts


def _path(reading: Reading, name: str, where: str) -> str:
    """A file that a network names, counted from its folder."""
    try:
        return str(beside(reading.folder, name, where)) if reading.folder else name
    except InputError as error:
        reading.problems += error.problems
        return name


def _read_initial(reading: Reading, cells: Cells, given: Mapping[str, Any]) -> dict[str, Value]:
    model, where = cells.model, f"{cells.where}.initial"
    if model is None or not issubclass(model, NeuronModel):
        reading.unknown_keys(given, (), "variable (inputs have none)", where)
        return {}
    parameters, variables = model.parameters(), model.variables()
    reading.unknown_keys(given, variables, f"variable of {model.name or model.__name__}", where)
    result: dict[str, Value] = {}
    for name, variable in variables.items():
        raw, spot = given.get(name, variable.initial), f"{where}.{name}"
        if isinstance(raw, str) and raw in parameters:
            result[name] = SameAs(raw)
            if parameters[raw].unit != variable.unit:
                allowed = f"a value in {variable.unit}"
                reading.problem(f"parameter in {parameters[raw].unit}", spot, value=raw, allowed=allowed)
            continue
        value = read_value(raw, variable.unit, spot, reading.problems, reading.folder)
        if value is not None and check_length(reading, value, cells.size, "cell", spot):
            result[name] = value
            wrong = finite_problem(value, spot)
            reading.problems += [wrong] if wrong else []
    return result


def check_length(reading: Reading, value: Value, count: int | None, one: str, where: str) -> bool:
    """Whether an array has one number per cell or synapse; a problem where it has not."""
    if not isinstance(value, Array) or count is None or value.values.shape == (count,):
        return True
    found = value.values.shape[0] if value.values.ndim == 1 else value.values.shape
    reading.problem("wrong number of values", where, value=found, allowed=f"{count}, one per {one}")
    return False


def _read_positions(reading: Reading, given: object, size: int, where: str) -> Any:
    if given is None:
        return None
    array = read_array(given, "um", f"{where}.positions", reading.problems, reading.folder)
    if array is None:
        return None
    if array.ndim == 1 and size > 0:
        array = array.reshape(-1, 1)
    if array.ndim != 2 or array.shape[0] != size or not 1 <= array.shape[1] <= 3:
        allowed = f"{size} x d, with d from 1 to 3"
        reading.problem("wrong shape", f"{where}.positions", value=array.shape, allowed=allowed)
        return None
    if not np.isfinite(array).all():
        reading.problem("positions must be finite", f"{where}.positions")
    return np.asarray(array, np.float64)


def _validate(reading: Reading, cells: Cells, params: Mapping[str, Value], more: Mapping[str, Any]) -> None:
    """Relations between parameters; those that are still to be drawn are left to `drawn_problems`."""
    if any(isinstance(value, Distribution) for value in params.values()) or cells.model is None:
        return
    plain = {name: value.value if isinstance(value, Constant) else value.values for name, value in params.items()}  # type: ignore[union-attr]
    for sentence in cells.model.validate({**plain, **more, "size": cells.size}):
        reading.problem(sentence, f"{cells.where}.params")


def drawn_problems(population: PopulationSpec, drawn: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the parameters of a population once distributions are drawn.

    drawn : {parameter: float or float64[size]}, all of them
    """
    where = f"populations.{population.name}.params"
    declared = population.model.parameters()
    found = [declared[name].problem(values, f"{where}.{name}") for name, values in drawn.items() if np.size(values)]
    problems = [problem for problem in found if problem is not None]
    if not problems:
        everything = {**drawn, **population.arrays, **population.texts, "size": population.size}
        problems = [Problem(sentence, where) for sentence in population.model.validate(everything)]
    return problems

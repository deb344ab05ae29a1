"""The shape of a network file: which sections and keys there are. What values may be is for `check` to say."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from neuromorph.errors import Problem, suggestion


class Table(BaseModel):
    """A table that takes the keys it declares and no others."""

    model_config = ConfigDict(extra="forbid")


class NetworkTable(Table):
    """[network]: name, description, the model of single neurons, and any further graph attributes."""

    name: str = ""
    description: str = ""
    model: str | None = None
    attributes: dict[str, Any] = {}


class RunTable(Table):
    """[run]."""

    duration: Any = None
    resolution: Any = None
    seed: Any = None


class CellsTable(Table):
    """[populations.NAME] and [inputs.NAME]; one cell without `size`."""

    model: Any = None
    size: Any = 1
    params: dict[str, Any] = {}
    initial: dict[str, Any] = {}
    positions: Any = None
    attributes: dict[str, Any] = {}


class NeuronsTable(Table):
    """[[neurons]]: single neurons that have everything but their names in common."""

    names: list[Any] | dict[str, str]
    model: Any = None
    params: dict[str, Any] = {}
    initial: dict[str, Any] = {}
    positions: Any = None
    attributes: dict[str, Any] = {}


class ConnectionTable(Table):
    """What projections and edges share."""

    weight: Any = None
    delay: Any = None
    receptor: Any = None
    plasticity: Any = None
    name: Any = None
    rule: Any = None
    attributes: dict[str, Any] = {}


class EdgesTable(ConnectionTable):
    """[[edges]]: edges between single neurons; lists of weights or delays have one number per edge."""

    source: list[Any] | dict[str, str]
    target: list[Any] | dict[str, str]


class ProjectionTable(ConnectionTable):
    """[[projections]]: one connection, with the arguments of its rule."""

    source: Any
    target: Any
    probability: Any = None
    indegree: Any = None
    outdegree: Any = None
    total: Any = None
    sources: Any = None
    targets: Any = None
    autapses: Any = None
    multapses: Any = None
    profile: Any = None
    length_um: Any = None


class SignalTable(Table):
    """[signals.NAME]."""

    times: Any = None
    values: Any = None
    start: Any = None
    interval: Any = None
    count: Any = None
    first: Any = None
    last: Any = None
    population: Any = None
    delay: Any = None


class RecordTable(Table):
    """[[record]]."""

    population: Any = None
    projection: Any = None
    variable: Any = None
    interval: Any = None
    indices: Any = None
    synapses: Any = None
    start: Any = None
    stop: Any = None


class NetworkFile(Table):
    """A whole network file."""

    network: NetworkTable = NetworkTable()
    run: RunTable = RunTable()
    populations: dict[str, CellsTable] = {}
    inputs: dict[str, CellsTable] = {}
    neurons: list[NeuronsTable] = []
    edges: list[EdgesTable] = []
    projections: list[ProjectionTable] = []
    signals: dict[str, SignalTable] = {}
    record: list[RecordTable] = []


#: of wrong keys, so many are reported
_SHOWN = 100
#: section -> its table; of sections that hold many, of each
SECTIONS: dict[str, type[Table]] = {
    "network": NetworkTable,
    "run": RunTable,
    "populations": CellsTable,
    "inputs": CellsTable,
    "neurons": NeuronsTable,
    "edges": EdgesTable,
    "projections": ProjectionTable,
    "signals": SignalTable,
    "record": RecordTable,
}
#: sections that hold one table per name
NAMED = ("populations", "inputs", "signals")
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "unknown key",
    "string_type": "not text",
    "dict_type": "not a table",
    "model_type": "not a table",
    "list_type": "not a list",
}


def structure_problems(data: dict[str, Any]) -> tuple[list[Problem], dict[str, Any] | None]:
    """Every unknown, missing or misshapen key of a network file.

    Returns the problems and the data without its unknown keys; None for the data where more is wrong than that.
    """
    try:
        NetworkFile.model_validate(data)
    except ValidationError as error:
        errors = error.errors()
    else:
        return [], data
    problems = [_problem(item) for item in errors[:_SHOWN]]
    if len(errors) > _SHOWN:
        return [*problems, Problem(f"{len(errors) - _SHOWN:,} more mistakes of this kind")], None
    if any(item["type"] != "extra_forbidden" for item in errors):
        return problems, None
    for item in errors:
        data = without(data, item["loc"])
    return problems, data


def _problem(error: Any) -> Problem:
    location: tuple[str | int, ...] = error["loc"]
    where = spelled(location)
    what = _WORDS.get(error["type"], error["msg"])
    if error["type"] == "missing":
        return Problem(f"'{location[-1]}' {what}", spelled(location[:-1]), fix=f"Add `{location[-1]}`.")
    if error["type"] == "extra_forbidden":
        return Problem(f"{what} '{location[-1]}'", where, fix=suggestion(str(location[-1]), known_keys(location[:-1])))
    return Problem(what, where, error["input"])


def known_keys(location: tuple[str | int, ...]) -> list[str]:
    """The keys that a table takes, by the path to it."""
    return list((SECTIONS[str(location[0])] if location else NetworkFile).model_fields)


def spelled(location: tuple[str | int, ...]) -> str:
    """A path as messages write it: projections[3].delay."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def without(data: Any, location: tuple[str | int, ...]) -> Any:
    """A copy of nested tables and lists without one key; everything else is shared."""
    first, rest = location[0], location[1:]
    copy = data.copy()
    if rest:
        copy[first] = without(data[first], rest)
    else:
        del copy[first]
    return copy

"""What belongs to the network as a whole: how it is run, its signals, and what is recorded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import suggestion
from neuromorph.graph.description import RecordSpec, RunSpec, SignalSpec
from neuromorph.graph.reading import Cells, Reading
from neuromorph.graph.rules import read_count, read_indices
from neuromorph.graph.values import read_array, read_number
from neuromorph.models.contract import CurrentModel, InputModel, NeuronModel
from neuromorph.parameters import Param

_POSITIVE = Param(1.0, "ms", above=0)
_NOT_NEGATIVE = Param(0.0, "ms", at_least=0)
_SERIES = ("start", "interval", "count", "first", "last")
STATE_INTERVAL = 1.0  # ms
WEIGHT_INTERVAL = 100.0  # ms


def read_run(reading: Reading, overrides: Mapping[str, Any]) -> RunSpec:
    """Read [run] with `overrides` in its place, and set the reading's resolution."""
    table = dict(reading.table(reading.settings.get("run"), "run"))
    table |= {key: value for key, value in overrides.items() if value is not None}
    reading.unknown_keys(table, ("duration", "resolution", "seed"), "key", "run")
    duration = table.get("duration")
    if duration is not None:
        duration = _in_range(reading, duration, _NOT_NEGATIVE, "run.duration")
    resolution = table.get("resolution", RunSpec.resolution)
    reading.resolution = None
    if isinstance(resolution, str) and resolution.isalpha() and resolution != "exact":
        fix = suggestion(resolution, ["exact"]) if resolution[0] == "e" else ""
        reading.problem("not a tick", "run.resolution", value=resolution, allowed='a time, or "exact"', fix=fix)
    elif resolution != "exact" and resolution is not None:
        number = _in_range(reading, resolution, _POSITIVE, "run.resolution", 'or "exact"')
        reading.resolution = number
    seed = read_count(table.get("seed", RunSpec.seed), "run.seed", reading.problems)
    return RunSpec(duration, reading.resolution, RunSpec.seed if seed is None else seed)


def _in_range(reading: Reading, value: object, param: Param, where: str, more: str = "") -> float | None:
    """Read a finite number in the range of a parameter."""
    number = read_number(value, param.unit, where, reading.problems)
    wrong = None if number is None else param.problem(number, where)
    if number is not None and (wrong is not None or not np.isfinite(number)):
        reading.problem("value out of range", where, value=number, allowed=f"{param.allowed} {more}".strip())
        return None
    return number


def read_signals(reading: Reading, cells: Mapping[str, Cells]) -> tuple[SignalSpec, ...]:
    """Read every signal, sorted by name."""
    specs = []
    for name, given in sorted(reading.table(reading.settings.get("signals"), "signals").items()):
        specs.append(_read_signal(reading, name, given, cells))
    return tuple(spec for spec in specs if spec is not None)


def _read_signal(reading: Reading, name: str, given: object, cells: Mapping[str, Cells]) -> SignalSpec | None:
    where, before = f"signals.{name}", len(reading.problems)
    table = reading.table(given, where)
    reading.unknown_keys(table, ("times", "values", "population", "delay", *_SERIES), "key of a signal", where)
    ways = [way for way in ("times", "start", "population") if way in table]
    if len(ways) != 1:
        allowed = "one of: times (with values), start (with interval and count), population"
        reading.problem("a signal is sent in one way", where, value=ways, allowed=allowed)
    delay = _in_range(reading, table.get("delay", 1.0), _POSITIVE, f"{where}.delay")
    if delay is not None and reading.resolution is not None and delay < reading.resolution / 2:
        allowed = f"at least {reading.resolution / 2:g} ms at a resolution of {reading.resolution:g} ms"
        reading.problem("delay under half a tick", f"{where}.delay", value=delay, allowed=allowed)
    times = values = np.zeros(0)
    population = table.get("population")
    if population is not None:
        _emitting(reading, population, cells, f"{where}.population")
    elif "start" in table:
        times, values = _series(reading, table, where)
    elif "times" in table:
        times, values = _listed(reading, table, where)
    if len(reading.problems) > before or delay is None:
        return None
    order = np.lexsort((values, times))
    return SignalSpec(name, times[order], values[order], population, delay)


Events = tuple[NDArray[np.float64], NDArray[np.float64]]


def _listed(reading: Reading, table: Mapping[str, Any], where: str) -> Events:
    none = np.zeros(0)
    times = read_array(table["times"], "ms", f"{where}.times", reading.problems, reading.folder)
    if times is None:
        return none, none
    values = np.ones(times.shape)
    if table.get("values") is not None:
        read = read_array(table["values"], "1", f"{where}.values", reading.problems, reading.folder)
        values = none if read is None else np.asarray(read, np.float64)
    if values.shape != times.shape or times.ndim != 1:
        reading.problem("times and values differ in length", where, value=(times.shape, values.shape))
    bad = ~(np.isfinite(times) & (times >= 0))
    if bad.any():
        index = np.argwhere(bad)[0][0]
        spot = f"{where}.times[{index}]"
        reading.problem(
            "value out of range", spot, value=float(times.flat[np.argmax(bad)]), allowed=_NOT_NEGATIVE.allowed
        )
    if not np.isfinite(values).all():
        reading.problem("must be finite", f"{where}.values")
    return np.asarray(times, np.float64), values


def _series(reading: Reading, table: Mapping[str, Any], where: str) -> Events:
    before = len(reading.problems)
    for key in ("interval", "count"):
        if key not in table:
            reading.problem(f"a series needs '{key}'", where, fix=f"Add `{key}`.")
    start = _in_range(reading, table["start"], _NOT_NEGATIVE, f"{where}.start")
    interval = _in_range(reading, table.get("interval", 1.0), _POSITIVE, f"{where}.interval")
    count = read_count(table.get("count", 0), f"{where}.count", reading.problems)
    first = read_number(table.get("first", 1.0), "1", f"{where}.first", reading.problems)
    last = read_number(table.get("last", table.get("first", 1.0)), "1", f"{where}.last", reading.problems)
    if start is None or interval is None or count is None or first is None or last is None:
        return np.zeros(0), np.zeros(0)
    # times and values, and copies of both in order
    fits = reading.fits(32 * count, f"{count:,} events take", f"{where}.count", "Send fewer.")
    if not fits or len(reading.problems) > before:
        return np.zeros(0), np.zeros(0)
    return start + interval * np.arange(count, dtype=np.float64), np.linspace(first, last, count)


def _emitting(reading: Reading, name: object, cells: Mapping[str, Cells], where: str) -> Cells | None:
    """The population called `name`, which must emit spikes."""
    found = cells.get(name) if isinstance(name, str) else None
    if found is None:
        reading.problem(f"unknown population '{name}'", where, fix=suggestion(str(name), cells))
    elif found.model is not None and issubclass(found.model, CurrentModel):
        reading.problem(f"'{name}' is a current and emits no spikes", where)
    return found


def read_records(
    reading: Reading, cells: Mapping[str, Cells], projections: Mapping[str, tuple[int | None, str]]
) -> tuple[RecordSpec, ...]:
    """Read what is recorded; without an entry for spikes of neurons, those of all neurons are.

    projections : {name: (number of synapses or None where it is random, unit of the weight)}
    """
    given = reading.settings.get("record") or []
    if not isinstance(given, list | tuple):
        reading.problem("not a list of records", "record", value=given)
        given = []
    read = [_read_record(reading, entry, f"record[{k}]", cells, projections) for k, entry in enumerate(given)]
    records = [record for record in read if record is not None]
    seen: dict[tuple[Any, ...], int] = {}
    for k, record in enumerate(read):
        if record is not None:
            key = (record.kind, record.name, record.variable, record.interval)
            if seen.setdefault(key, k) != k:
                fix = "Join their indices in one entry."
                reading.problem("recorded twice", f"record[{k}]", value=f"{record.name} {record.variable}", fix=fix)
    neurons = [n for n, found in cells.items() if found.model is not None and issubclass(found.model, NeuronModel)]
    if not any(record.kind == "spikes" and record.name in neurons for record in records):
        records += [RecordSpec("spikes", name, "spikes") for name in neurons]
    return tuple(sorted(records, key=lambda r: (r.kind, r.name, r.variable, r.interval)))


def _read_record(
    reading: Reading,
    entry: object,
    where: str,
    cells: Mapping[str, Cells],
    projections: Mapping[str, tuple[int | None, str]],
) -> RecordSpec | None:
    before, table = len(reading.problems), reading.table(entry, where)
    known = ("population", "variable", "interval", "indices", "projection", "synapses", "start", "stop")
    reading.unknown_keys(table, known, "key of a record", where)
    if ("population" in table) == ("projection" in table):
        found = [key for key in ("population", "projection") if key in table]
        reading.problem("a record is of one thing", where, value=found, allowed="population, or projection")
        return None
    if "projection" in table:
        record = _read_weights(reading, table, where, projections)
    elif table.get("variable") == "spikes":
        record = _read_spikes(reading, table, where, cells)
    else:
        record = _read_state(reading, table, where, cells)
    start = _in_range(reading, table.get("start", 0.0), _NOT_NEGATIVE, f"{where}.start")
    stop = math.inf if "stop" not in table else _in_range(reading, table["stop"], _NOT_NEGATIVE, f"{where}.stop")
    if start is None or stop is None:
        return None
    if start >= stop:
        reading.problem("a record stops before it starts", f"{where}.stop", value=stop, allowed=f"above {start:g} ms")
    return replace(record, start=start, stop=stop) if len(reading.problems) == before else None


def _read_spikes(reading: Reading, table: Mapping[str, Any], where: str, cells: Mapping[str, Cells]) -> RecordSpec:
    _not_taken(reading, table, ("interval", "synapses"), "spikes", where)
    name = table["population"]
    found = _emitting(reading, name, cells, f"{where}.population")
    size = None if found is None else found.size
    return RecordSpec("spikes", name, "spikes", indices=_read_which(reading, table, "indices", where, size))


def _read_state(reading: Reading, table: Mapping[str, Any], where: str, cells: Mapping[str, Cells]) -> RecordSpec:
    _not_taken(reading, table, ("synapses",), "a population", where)
    name, variable, unit = table["population"], table.get("variable"), ""
    found = cells.get(name) if isinstance(name, str) else None
    size = None if found is None else found.size
    if found is None:
        reading.problem(f"unknown population '{name}'", f"{where}.population", fix=suggestion(str(name), cells))
    elif found.model is not None:
        variables = found.model.variables() if issubclass(found.model, NeuronModel) else {}
        spikes = ["spikes"] if issubclass(found.model, NeuronModel | InputModel) else []
        if variable in variables:
            unit = variables[variable].unit
        else:
            fix = suggestion(str(variable), [*variables, *spikes])
            what = f"unknown variable '{variable}' of {found.model.name}" if variable else "no variable is named"
            reading.problem(what, f"{where}.variable", fix=fix)
    interval = _read_interval(reading, table, STATE_INTERVAL, where)
    indices = _read_which(reading, table, "indices", where, size)
    return RecordSpec("state", name, str(variable), unit, interval, indices)


def _read_weights(
    reading: Reading, table: Mapping[str, Any], where: str, projections: Mapping[str, tuple[int | None, str]]
) -> RecordSpec:
    _not_taken(reading, table, ("indices",), "a projection", where)
    name = table["projection"]
    count, unit = None, ""
    if isinstance(name, str) and name in projections:
        count, unit = projections[name]
    else:
        reading.problem(f"unknown projection '{name}'", f"{where}.projection", fix=suggestion(str(name), projections))
    if table.get("variable", "weight") != "weight":
        what = f"unknown variable '{table['variable']}' of a projection"
        reading.problem(what, f"{where}.variable", allowed="weight")
    interval = _read_interval(reading, table, WEIGHT_INTERVAL, where)
    return RecordSpec("weight", name, "weight", unit, interval, _read_which(reading, table, "synapses", where, count))


def _not_taken(reading: Reading, table: Mapping[str, Any], keys: tuple[str, ...], what: str, where: str) -> None:
    for key in keys:
        if key in table:
            reading.problem(f"a record of {what} takes no '{key}'", f"{where}.{key}", fix=f"Leave `{key}` out.")


def _read_interval(reading: Reading, table: Mapping[str, Any], default: float, where: str) -> float:
    spot = f"{where}.interval"
    interval = _in_range(reading, table.get("interval", default), _POSITIVE, spot)
    if interval is None:
        return default
    reading.check_ticks(interval, "readings", spot)
    return interval


def _read_which(
    reading: Reading, table: Mapping[str, Any], key: str, where: str, size: int | None
) -> NDArray[np.int64] | None:
    if table.get(key) is None:
        return None
    indices = read_indices(table[key], f"{where}.{key}", reading.problems, reading.folder, size)
    return None if indices is None else np.unique(indices)


def weight_unit(target: Cells, receptor: str | None) -> str:
    """Unit of the weights of a projection."""
    if target.model is None or not issubclass(target.model, NeuronModel) or not target.model.receptors:
        return "1"
    receptors = {r.name: r for r in target.model.receptors}
    free = [r for r in target.model.receptors if not r.explicit]
    return receptors[receptor].unit if receptor in receptors else (free or target.model.receptors)[0].unit

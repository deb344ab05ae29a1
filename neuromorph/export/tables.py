"""What a trace holds as tables, piece by piece: arrays of one length, and text that all rows of a piece share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import InputError, Problem, TraceError, suggestion
from neuromorph.traces.stream import Rows, SpikeStream, state_rows, weight_rows

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: rows of a piece, at most
ROWS = 1 << 20
#: table -> its columns, and of those the ones that hold text
COLUMNS = {
    "spikes": ("time_ms", "population", "neuron"),
    "states": ("time_ms", "population", "variable", "unit", "neuron", "value"),
    "weights": ("time_ms", "projection", "unit", "source", "target", "weight"),
    "signals": ("time_ms", "signal", "value"),
    "learning": ("curve", "unit", "entry", "column", "value"),
}
TEXT = {"population", "variable", "unit", "projection", "signal", "curve"}
#: further columns of the spikes of exact runs: an instant is base * window_ms + offset_ms
INSTANTS = ("base", "offset_ms")
_HOW = {
    "states": '[[record]] population = "E", variable = "V_m"',
    "weights": '[[record]] projection = "E_E"',
    "signals": "signals in the network",
    "learning": "`neuromorph learn`",
}


@dataclass(frozen=True)
class Part:
    """Which part of a trace: populations (None: all) and an interval start_ms <= time < stop_ms (None: all of it)."""

    populations: Sequence[str] | None = None
    start_ms: float | None = None
    stop_ms: float | None = None

    def names(self, trace: Trace) -> list[str]:
        """Populations in the order in which they are written. Raises TraceError for one that is not in the trace."""
        known = list(trace.populations)
        for name in self.populations or ():
            if name not in known:
                fix = suggestion(name, known)
                raise TraceError(Problem(f"no population '{name}' in this trace", str(trace.path), fix=fix))
        return known if self.populations is None else list(dict.fromkeys(self.populations))


class Piece(NamedTuple):
    """Rows of a table: numbers by column, and text that all of them share."""

    numbers: dict[str, NDArray[Any]]
    text: dict[str, str]

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(next(iter(self.numbers.values())))


def columns(trace: Trace, table: str) -> list[str]:
    """Names of the columns of a table of this trace, in order."""
    exact = table == "spikes" and trace.window_ms is not None and trace.resolution_ms is None
    return [*COLUMNS[table], *(INSTANTS if exact else ())]


def types(trace: Trace, table: str) -> dict[str, Any]:
    """The numpy type of each column that holds numbers."""
    known = {"neuron": np.int64, "source": np.int64, "target": np.int64, "base": np.int64, "weight": np.float32}
    known |= {"entry": np.int64, "column": np.int64}
    return {name: np.dtype(known.get(name, np.float64)) for name in columns(trace, table) if name not in TEXT}


def pieces(trace: Trace, table: str, part: Part) -> Iterator[Piece]:
    """Yield a table in pieces of a million rows at most.

    Spikes come population by population, in order of time. Raises InputError for a table that there is not, TraceError
    where nothing of that kind was recorded, or not of these populations.
    """
    check_table(table)
    part.names(trace)
    if table != "spikes" and not _recorded(trace)[table]:
        fix = f"The next run records them with {_HOW[table]}."
        raise TraceError(Problem(f"no {_said(table)} were recorded", str(trace.path), fix=fix))
    return _TABLES[table](trace, part)


def check_table(table: str) -> None:
    """Raise InputError for a table that there is not."""
    if table not in COLUMNS:
        raise InputError(Problem(f"no table '{table}'", "table", fix=suggestion(table, COLUMNS)))


def others(trace: Trace, table: str) -> list[str]:
    """Tables of this trace that are not `table` and have something in them."""
    return [name for name, there in _recorded(trace).items() if there and name != table]


def _recorded(trace: Trace) -> dict[str, bool]:
    found = {"states": trace.states, "weights": trace.projections, "signals": trace.signals, "learning": trace.learning}
    return {"spikes": bool(trace.populations)} | {name: bool(there) for name, there in found.items()}


def _said(table: str) -> str:
    return "learning curves" if table == "learning" else table


def _spikes(trace: Trace, part: Part) -> Iterator[Piece]:
    for name in part.names(trace):
        for chunk in SpikeStream(trace, name, part.start_ms, part.stop_ms, ROWS).pieces():
            numbers: dict[str, NDArray[Any]] = {"time_ms": chunk.times, "neuron": chunk.ids}
            if chunk.base is not None and chunk.offset_ms is not None:
                numbers |= {"base": chunk.base, "offset_ms": chunk.offset_ms}
            yield Piece(numbers, {"population": name})


def _states(trace: Trace, part: Part) -> Iterator[Piece]:
    for population, variable in trace.states:
        if part.populations is None or population in part.populations:
            about = trace.state(population, variable, stop_ms=-np.inf)  # whose, without the readings
            text = {"population": population, "variable": variable, "unit": about.unit}
            for rows in state_rows(trace, population, variable, part.start_ms, part.stop_ms, ROWS):
                yield Piece(_each(rows, {"neuron": about.indices}, "value"), text)


def _weights(trace: Trace, part: Part) -> Iterator[Piece]:
    for projection in trace.projections:
        about = trace.weights(projection, stop_ms=-np.inf)
        ends = {"source": about.source, "target": about.target}
        for rows in weight_rows(trace, projection, part.start_ms, part.stop_ms, ROWS):
            yield Piece(_each(rows, ends, "weight"), {"projection": projection, "unit": about.unit})


def _each(rows: Rows, columns: dict[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    """The time of each number, whose it is, and the number."""
    count, width = rows.values.shape
    whose = {column: np.tile(values, count) for column, values in columns.items()}
    return {"time_ms": np.repeat(rows.times, width), **whose, name: rows.values.ravel()}


def signals(trace: Trace, part: Part) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    """Yield name, times (ms) and values of the events of each signal in the interval."""
    low = -np.inf if part.start_ms is None else part.start_ms
    high = np.inf if part.stop_ms is None else part.stop_ms
    for name, (times, values) in trace.signals.items():
        inside = (times >= low) & (times < high)
        yield name, times[inside], values[inside]


def regular_step(times: NDArray[np.float64]) -> float:
    """The interval (ms) between readings where all are as far apart, to a millionth; else 0."""
    if len(times) < 2 or times[1] <= times[0]:
        return 0.0
    step = float(times[-1] - times[0]) / (len(times) - 1)
    regular = times[0] + step * np.arange(len(times))
    return step if np.allclose(regular, times, rtol=0, atol=1e-6 * step) else 0.0


def _signals(trace: Trace, part: Part) -> Iterator[Piece]:
    for name, times, values in signals(trace, part):
        yield Piece({"time_ms": times, "value": values}, {"signal": name})


def _learning(trace: Trace, part: Part) -> Iterator[Piece]:
    for name, values in trace.learning.items():
        width = values.shape[1] if values.ndim == 2 else 1
        entry, column = np.divmod(np.arange(values.size), max(width, 1))
        numbers = {"entry": entry, "column": column, "value": values.ravel()}
        yield Piece(numbers, {"curve": name, "unit": trace.learning_units[name]})


_TABLES: dict[str, Callable[[Trace, Part], Iterator[Piece]]] = {
    "spikes": _spikes,
    "states": _states,
    "weights": _weights,
    "signals": _signals,
    "learning": _learning,
}

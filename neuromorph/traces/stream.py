"""Read a trace block by block, so that memory goes with the length of a block and not with that of the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from neuromorph.traces.channels import checked_ids, checked_offsets, clock_of, is_sorted, rows_of, search, values_of
from neuromorph.traces.guard import read
from neuromorph.traces.opening import LONGEST
from neuromorph.traces.reader import Trace
from neuromorph.traces.schema import escape

#: spikes that are read at a time: 16 MB
SPIKES = 1 << 20
#: numbers of a state or of weights that are read at a time
NUMBERS = 1 << 20

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Spikes(NamedTuple):
    """Spikes of a population: `times` (ms), `ids`, and of exact runs `base` and `offset_ms` (traces/README.md)."""

    times: Floats
    ids: Ints
    base: Ints | None = None
    offset_ms: Floats | None = None


class SpikeStream:
    """The spikes of one population with start_ms <= time < stop_ms, as (times in ms, ids), block by block.

    Which rows these are is settled at the beginning, so that every iteration sees the same spikes while a run goes on.
    A foreign recording that is not in order of time must be sorted, so that one is read as a whole; the order of ties
    is that of the file. Raises TraceError for a population that is not in the file.
    """

    def __init__(
        self,
        trace: Trace,
        population: str,
        start_ms: float | None = None,
        stop_ms: float | None = None,
        block: int | None = None,
    ) -> None:
        self.trace, self.population, self.block = trace, population, block or SPIKES
        self.size = 0
        self._sorted: tuple[Floats, Ints] | None = None
        with trace._reading() as file:
            group = trace._find(file, "spikes", population)
            clock, unit_ms = clock_of(group)
            if is_sorted(group):
                rows = rows_of(file, group, "node_ids")
                self._span = search(clock, rows, start_ms, stop_ms, unit_ms)
                self.size = trace.populations[population]
                return
        self._sorted = trace.spikes(population, start_ms, stop_ms)
        self._span, self.size = slice(0, len(self._sorted[0])), trace.populations[population]

    def __len__(self) -> int:
        return int(self._span.stop - self._span.start)

    def __iter__(self) -> Iterator[tuple[Floats, Ints]]:
        for found in self._read(self._spans(), False):
            yield found.times, found.ids

    def pieces(self) -> Iterator[Spikes]:
        """The same with the instants of an exact run; at least one piece, even of no spikes."""
        exact = self.trace.window_ms is not None and self.trace.resolution_ms is None
        with self.trace._reading():
            if exact and self._sorted is not None:
                raise ValueError("an exact recording that is not in order of time")
        yield from self._read(self._spans() or [self._span], exact)

    def _read(self, spans: list[slice], exact: bool) -> Iterator[Spikes]:
        last = -np.inf
        for span in spans:
            if self._sorted is not None:
                yield Spikes(self._sorted[0][span], self._sorted[1][span])
                continue
            with self.trace._reading() as file:  # anew: a run that is followed may have ended in between
                group = self.trace._find(file, "spikes", self.population)
                clock, unit_ms = clock_of(group)
                times = np.asarray(read(clock, span) * unit_ms, np.float64)
                ids = checked_ids(times, read(group["node_ids"], span), self.size)
                last = _in_order(times, last)
                found = Spikes(times, ids, *(_instants(group, span, ids) if exact else ()))
            yield found

    def instants(self) -> Iterator[tuple[Ints, Floats, Ints]]:
        """Yield (base, offset_ms, ids): instants to the last bit; only of a recording by neuromorph."""
        for span in self._spans():
            with self.trace._reading() as file:
                group = self.trace._find(file, "spikes", self.population)
                clock, _ = clock_of(group)
                times = read(clock, span)
                ids = checked_ids(times, read(group["node_ids"], span), self.size)
                window_ms = float(self.trace.window_ms or 1.0)
                base = read(group["base"], span) if "base" in group else np.rint(times / window_ms)
                offset = read(group["offset_ms"], span) if "offset_ms" in group else np.zeros(len(base))
                if not base.shape == offset.shape == ids.shape:
                    raise ValueError(f"spikes of {self.population} have not as many bases and offsets as ids")
                offset = checked_offsets(offset)
            yield base.astype(np.int64), offset, ids

    def _spans(self) -> list[slice]:
        first, stop = self._span.start, self._span.stop
        return [slice(begin, min(begin + self.block, stop)) for begin in range(first, stop, self.block)]


def _instants(group: h5py.Group, span: slice, ids: Ints) -> tuple[Ints, Floats]:
    """Base and offset of some spikes; ValueError where they are not one for each."""
    if "base" not in group or "offset_ms" not in group:
        raise ValueError("an exact recording without base and offset_ms")
    base, offset_ms = read(group["base"], span).astype(np.int64), read(group["offset_ms"], span).astype(np.float64)
    if not base.shape == offset_ms.shape == ids.shape:
        raise ValueError("as many instants as ids are needed")
    return base, checked_offsets(offset_ms)


def _in_order(times: Floats, last: float) -> float:
    """The last of the times; ValueError where they go back, or are no times."""
    whole = np.append(last, times)
    if times.size and not (np.all(whole[1:] >= whole[:-1]) and np.abs(times[[0, -1]]).max() < LONGEST):
        raise ValueError("what was recorded is not in order of time, as the file says it is")
    return float(times[-1]) if times.size else last


class Rows(NamedTuple):
    """Some rows of what is recorded again and again: `values[t, n]` at `times[t]` (ms)."""

    times: Floats
    values: NDArray[np.floating]


def state_rows(
    trace: Trace,
    population: str,
    variable: str,
    start_ms: float | None = None,
    stop_ms: float | None = None,
    numbers: int | None = None,
) -> Iterator[Rows]:
    """Yield the rows of a recorded state in order of time, some `numbers` at a time, a row at least.

    Raises TraceError for what was not recorded.
    """
    columns = len(trace.state(population, variable, stop_ms=-np.inf).indices)
    path = f"report/{escape(population)}/{escape(variable)}"
    yield from _blocks(trace, path, ("mapping/times", "data"), columns, (start_ms, stop_ms), numbers)


def weight_rows(
    trace: Trace,
    projection: str,
    start_ms: float | None = None,
    stop_ms: float | None = None,
    numbers: int | None = None,
) -> Iterator[Rows]:
    """Yield the rows of recorded weights as `state_rows` does."""
    columns = len(trace.weights(projection, stop_ms=-np.inf).source)
    path = f"weights/{escape(projection)}"
    yield from _blocks(trace, path, ("times", "values"), columns, (start_ms, stop_ms), numbers)


def _blocks(
    trace: Trace,
    path: str,
    names: tuple[str, str],
    columns: int,
    between: tuple[float | None, float | None],
    numbers: int | None,
) -> Iterator[Rows]:
    clock, values = names
    with trace._reading() as file:
        group = file[path]
        span = search(group[clock], rows_of(file, group, clock), *between)
    many, last = max(1, (numbers or NUMBERS) // max(columns, 1)), -np.inf
    for first in range(span.start, span.stop, many):
        part = slice(first, min(first + many, span.stop))
        with trace._reading() as file:
            times = read(file[path][clock], part)
            found = values_of(file[path][values], part, len(times), columns)
            last = _in_order(times, last)
        yield Rows(times, found)

"""Spikes of a trace piece by piece, so that as many as a disk holds need no more memory than a million."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from neuromorph.traces.channels import checked_ids, checked_offsets, clock_of, is_sorted, rows_of, search, size_of
from neuromorph.traces.guard import read

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: spikes of a piece; 32 bytes each where instants are read too
ROWS = 1 << 20


class Spikes(NamedTuple):
    """Spikes of a population: `times` (ms), `ids`, and of exact runs `base` and `offset_ms` (traces/README.md)."""

    times: NDArray[np.float64]
    ids: NDArray[np.int64]
    base: NDArray[np.int64] | None = None
    offset_ms: NDArray[np.float64] | None = None


def spike_chunks(
    trace: Trace, population: str, start_ms: float | None = None, stop_ms: float | None = None, rows: int = ROWS
) -> Iterator[Spikes]:
    """Yield the spikes with start_ms <= time < stop_ms in order of time, at most `rows` at once, at least one piece.

    Foreign recordings that are not in order of time have to be read as a whole, and come so.
    Raises TraceError for a population that is not in the file.
    """
    exact = trace.window_ms is not None and trace.resolution_ms is None
    with trace._reading() as file:
        group = trace._find(file, "spikes", population)
        clock, unit_ms = clock_of(group)
        ordered = is_sorted(group)
        if exact and not ordered:
            raise ValueError("an exact recording that is not in order of time")
        span = search(clock, rows_of(file, group, "node_ids"), start_ms, stop_ms, unit_ms) if ordered else slice(0, 0)
    if not ordered:
        yield Spikes(*trace.spikes(population, start_ms, stop_ms))
        return
    for first in range(span.start, max(span.stop, span.start + 1), rows):
        part = slice(first, min(first + rows, span.stop))
        with trace._reading() as file:  # anew: a run that is followed may have ended in between
            group = trace._find(file, "spikes", population)
            clock, unit_ms = clock_of(group)
            times = np.asarray(read(clock, part) * unit_ms, np.float64)
            ids = checked_ids(times, read(group["node_ids"], part), size_of(group))
            base, offset_ms = _instants(group, part, ids) if exact else (None, None)
        yield Spikes(times, ids, base, offset_ms)


def spike_count(trace: Trace, population: str, start_ms: float | None = None, stop_ms: float | None = None) -> int:
    """Return the number of spikes with start_ms <= time < stop_ms. Raises as `spike_chunks`."""
    with trace._reading() as file:
        group = trace._find(file, "spikes", population)
        clock, unit_ms = clock_of(group)
        if is_sorted(group):
            span = search(clock, rows_of(file, group, "node_ids"), start_ms, stop_ms, unit_ms)
            return span.stop - span.start
    return len(trace.spikes(population, start_ms, stop_ms)[0])


def _instants(group: h5py.Group, part: slice, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Base and offset of some spikes; ValueError where they are not one for each."""
    if "base" not in group or "offset_ms" not in group:
        raise ValueError("an exact recording without base and offset_ms")
    base, offset_ms = read(group["base"], part).astype(np.int64), read(group["offset_ms"], part).astype(np.float64)
    if not base.shape == offset_ms.shape == ids.shape:
        raise ValueError("as many instants as ids are needed")
    return base, checked_offsets(offset_ms)

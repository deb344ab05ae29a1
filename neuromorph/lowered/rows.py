"""Static synapses straight into their rows: counted, then drawn, sorted and written block of sources by block.

Nothing is kept of a synapse but its 8 bytes. Rules that count on the side of the source are drawn where their rows are
written; those that count on the target's, and lists, first leave (target, ordinal) in the rows, by which weights and
delays are drawn. No result depends on how the work is cut or on the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from neuromorph.graph.values import Constant, Distribution, support
from neuromorph.kernels import rows as kernels
from neuromorph.lowered.clock import Clock
from neuromorph.lowered.compiled import SYNAPSE, CompiledNetwork, Neurons, Projection, StaticRows
from neuromorph.lowered.connections import Connections, given_delays
from neuromorph.lowered.draw import Which, ranges, spread
from neuromorph.lowered.partition import bounds, part_of

#: a synapse while rows are made: `bits` are an ordinal or the bits of a weight
RECORD = np.dtype([("slot", "<i4"), ("bits", "<u4")])
#: synapses that a thread has in hand at a time; what it needs for them stays in the cache
BLOCK = 1 << 16
#: fewer synapses are not worth a thread
FEW = 1 << 18
#: the longest delay on the grid; no calendar is so long
MOST_TICKS = 2**31 - 1
#: not the ordinal of a tagged projection
OTHER = np.uint32(0xFFFFFFFF)


@dataclass(frozen=True, eq=False)
class _Segments:
    """The synapses of a projection in the rows of one part each: int32[parts, sources] `number`.

    counted : int32[pieces, sources], synapses of each piece of the side on which the rule counts, where that is not
        the source's; pieces : (part, first, last + 1) of each
    """

    made: Connections
    target: Neurons
    first_id: int
    number: NDArray[np.int32]
    pieces: tuple[tuple[int, int, int], ...] = ()
    counted: NDArray[np.int32] | None = None


class _Delays:
    """Delays as whole numbers that ascend with them: ticks, or places in the table of all delays in exact mode."""

    def __init__(self, made: list[Connections], clock: Clock, threads: int) -> None:
        self.clock = clock
        self.table = np.empty(0)
        self.low, self.place = 0, np.empty(0, np.int32)
        if not clock.exact:
            self.largest = max((int(clock.steps(support(c.spec.delay)[1])) for c in made), default=1)  # type: ignore[arg-type]
            return
        drawn = [c.delay_extremes(threads) for c in made if c.rounded and c.n]
        given = [given_delays(c.spec.delay) for c in made if not c.rounded and c.n]  # type: ignore[arg-type]
        keys = np.empty(0, np.int64)
        if drawn:
            ends = np.array([min(low for low, _ in drawn), max(high for _, high in drawn)])
            self.low, last = (ends.view(np.int64) >> 40).tolist()
            keys = np.arange(self.low, last + 1)
        drawn_delays = (keys << 40).view(np.float64)
        self.table = np.unique(np.concatenate([drawn_delays, *given]))
        self.place = np.searchsorted(self.table, drawn_delays).astype(np.int32)
        self.largest = self.table.size - 1

    def codes(self, made: Connections, which: Which, n: int) -> NDArray[np.int32]:
        """Codes of the delays of some synapses of a projection."""
        if isinstance(made.spec.delay, Constant):
            return np.full(n, self._given(support(made.spec.delay)[:1])[0], np.int32)
        delay = made.delays(which)
        if self.clock.exact and not made.rounded:
            return self._given(delay)
        out = np.empty(n, np.int32)
        if self.clock.exact:
            kernels.codes(delay, self.low, self.place, out)
        else:
            kernels.ticks(delay, self.clock.unit, out)
        return out

    def _given(self, delay: Any) -> NDArray[np.int32]:
        if not self.clock.exact:
            return np.minimum(self.clock.steps(delay), MOST_TICKS).astype(np.int32)
        return np.searchsorted(self.table, np.asarray(delay)).astype(np.int32)

    def span(self, made: Connections) -> tuple[int, int, int]:
        """The smallest and the largest code of a projection, and a bound on the number of different ones."""
        delay = made.spec.delay
        assert delay is not None
        if isinstance(delay, Distribution) or made.rounded:
            ends = self.place[[0, -1]] if self.clock.exact else self._given(support(delay))
            return int(ends[0]), int(ends[1]), int(ends[1] - ends[0]) + 1
        given = np.unique(self._given(given_delays(delay)))
        return int(given[0]), int(given[-1]), given.size


def static_rows(
    made: list[Connections],
    neurons: dict[str, Neurons],
    first_id: dict[str, int],
    n_ids: int,
    clock: Clock,
    parts: int = 1,
    threads: int = 1,
    tagged: Connections | None = None,
) -> tuple[StaticRows, ...]:
    """Static synapses of all projections (in their order), one StaticRows a part.

    With `tagged` the weights are bit patterns instead: ordinals (uint32) of that projection, OTHER elsewhere.
    """
    made = [c for c in made if c.n]
    threads = threads if sum(c.n for c in made) >= FEW else 1
    segments = [_count(c, neurons[c.spec.target], first_id[c.spec.source], parts, threads) for c in made]
    delays = _Delays(made, clock, threads)
    by_source: dict[str, list[_Segments]] = {}
    for s in segments:
        by_source.setdefault(s.made.spec.source, []).append(s)
    groups = list(by_source.values())
    rows = [_Rows(part, groups, delays, n_ids) for part in range(parts)]
    _scatter(segments, rows, threads)
    work = [(group, a, b) for group in groups for a, b in _blocks(group)]
    spread(lambda group, a, b: _write(group, a, b, rows, delays, tagged), work, threads)
    return tuple(r.finished() for r in rows)


class _Rows:
    """Rows of one part while they are made."""

    def __init__(self, part: int, groups: list[list[_Segments]], delays: _Delays, n_ids: int) -> None:
        self.part, self.delays = part, delays
        length, different = np.zeros(n_ids, np.int64), np.zeros(n_ids, np.int64)
        for group in groups:
            spans = [delays.span(s.made) for s in group]
            among = max(high for _, high, _ in spans) - min(low for low, _, _ in spans) + 1
            own = slice(group[0].first_id, group[0].first_id + group[0].made.n_source)
            length[own] = sum(s.number[part] for s in group)
            different[own] = min(among, sum(n for _, _, n in spans))
        whole = np.int32 if int(length.sum()) < 2**31 else np.int64
        self.row_start, self.cap = np.zeros(n_ids + 1, whole), np.zeros(n_ids + 1, whole)
        np.cumsum(length, out=self.row_start[1:])
        # room for as many slices as there can be
        np.cumsum(np.minimum(length, different), out=self.cap[1:])
        self.slices = np.zeros(n_ids, np.int32)
        self.record = _records(int(self.row_start[-1]))
        long = length.size and int(length.max()) > 0xFFFF
        self.slice_delay = np.empty(int(self.cap[-1]), np.int32 if delays.largest > 0xFFFF else np.uint16)
        self.slice_end = np.empty(int(self.cap[-1]), np.uint32 if long else np.uint16)

    def finished(self) -> StaticRows:
        row = np.empty_like(self.row_start)
        kernels.close_up(self.cap, self.slices, self.slice_delay, self.slice_end, row)
        for array in (self.slice_delay, self.slice_end):
            array.resize(int(row[-1]), refcheck=False)  # in place
        synapse = self.record.view(SYNAPSE)
        return StaticRows(row, self.row_start, self.slice_delay, self.slice_end, self.delays.table, synapse)


def _records(n: int) -> NDArray[Any]:
    """Room for n records; without a compiler numpy knows their fields as attributes only where it is told to."""
    made = np.empty(n, RECORD)
    return made.view(np.recarray) if numba.config.DISABLE_JIT else made  # type: ignore[attr-defined]


def _count(made: Connections, target: Neurons, first_id: int, parts: int, threads: int) -> _Segments:
    """Count the synapses of each source, by part."""
    if made.side == "source" and parts == 1:
        return _Segments(made, target, first_id, np.diff(made.start).astype(np.int32)[None])
    if made.side == "source":
        number, edges = np.zeros((parts, made.n_source), np.int32), bounds(made.n_target, parts)

        def some(first: int, last: int) -> None:
            start = made.start[first : last + 1]
            kernels.count_by_part(made.partners(first, last), start, edges, number[:, first:last])

        spread(some, _pieces(made.start, BLOCK), threads)
        return _Segments(made, target, first_id, number)
    each = -(-threads // parts)  # pieces of a part
    ends = bounds(made.n_target, parts * each).tolist()
    pieces = tuple((k // each, ends[k], ends[k + 1]) for k in range(parts * each))
    if made.side == "list":
        pieces = tuple((part, 0, 0) for part in range(parts))
    counted = np.zeros((len(pieces), made.n_source), np.int32)

    def one(k: int) -> None:
        for source, _, _ in _drawn(made, *pieces[k], parts):
            kernels.count(source, counted[k])

    spread(one, [(k,) for k in range(len(pieces))], threads)
    number = np.zeros((parts, made.n_source), np.int32)
    for (part, _, _), row in zip(pieces, counted):
        number[part] += row
    return _Segments(made, target, first_id, number, pieces, counted)


def _pieces(start: NDArray[np.int64], size: int) -> list[tuple[int, int]]:
    """Ranges of cells with about `size` synapses each."""
    cells = start.size - 1
    edges = np.searchsorted(start, np.arange(0, int(start[-1]) + size, size)).clip(0, cells)
    cuts = np.unique(np.concatenate([[0], edges, [cells]])).tolist()
    return list(zip(cuts, cuts[1:]))


def _drawn(made: Connections, part: int, first: int, last: int, parts: int) -> Any:
    """Synapses of a piece, some at a time: (sources, targets or an empty array, first target or ordinals)."""
    none = np.empty(0, np.int32)
    if made.side == "target":
        for a, b in _pieces(made.start[first : last + 1] - made.start[first], BLOCK):
            yield made.partners(first + a, first + b), none, first + a
        return
    ends = made.spec.arguments
    for first, last in ranges(made.n, BLOCK):
        source, target = (np.asarray(ends[k][first:last], np.int32) for k in ("sources", "targets"))
        ordinal = np.arange(first, last, dtype=np.uint32)
        if parts > 1:
            mine = part_of(target, made.n_target, parts) == part
            source, target, ordinal = source[mine], target[mine], ordinal[mine]
        yield source, target, ordinal


def _scatter(segments: list[_Segments], rows: list[_Rows], threads: int) -> None:
    """Leave (target, ordinal) of what does not count on the source's side in its rows."""
    at: list[Any] = [r.row_start[:-1].copy() for r in rows]
    for s in segments:
        if s.counted is None:
            continue
        own = slice(s.first_id, s.first_id + s.made.n_source)
        cursors = []
        for (part, _, _), counted in zip(s.pieces, s.counted):
            cursors.append(at[part][own].copy())
            at[part][own] += counted

        def one(s: _Segments, k: int, cursor: NDArray[Any]) -> None:
            part, degree = s.pieces[k][0], _degree(s.made)
            for source, target, label in _drawn(s.made, *s.pieces[k], len(rows)):
                if degree:
                    kernels.scatter_cells(source, degree, label, cursor, rows[part].record)
                else:
                    kernels.scatter(source, target, label, cursor, rows[part].record)

        spread(one, [(s, k, cursor) for k, cursor in enumerate(cursors)], threads)


def _degree(made: Connections) -> int:
    """Synapses of each target where the rule counts on that side, else 0."""
    return int(made.spec.arguments["indegree"]) if made.side == "target" else 0


def _blocks(group: list[_Segments]) -> list[tuple[int, int]]:
    """Ranges of the sources of one population, about BLOCK synapses each."""
    start = np.zeros(group[0].made.n_source + 1, np.int64)
    for number in (row for s in group for row in s.number):
        start[1:] += number
    return _pieces(np.cumsum(start, out=start), BLOCK)


def _write(
    group: list[_Segments], a: int, b: int, rows: list[_Rows], delays: _Delays, tagged: Connections | None
) -> None:
    """Draw, sort and write the rows of sources a..b-1 of one population."""
    own = slice(group[0].first_id + a, group[0].first_id + b)
    at: list[Any] = [r.row_start[own].copy() for r in rows]
    columns: list[tuple[Any, ...]] = []
    segment: list[NDArray[np.int64]] = []
    n = 0
    for s in group:
        for target, which, number in _synapses(s, a, b, at, rows):
            columns.append(_columns(s, target, which, len(rows), delays, tagged))
            ends = np.zeros(b - a + 1, np.int64)
            np.cumsum(number, out=ends[1:])
            segment.append(ends + n)
            n += target.size
    slot, bits, code, part = (np.concatenate(c) if len(c) > 1 else c[0] for c in zip(*columns))
    for r in rows:
        kernels.place(
            np.array(segment), slot, bits, code, part, r.part, r.row_start[own], r.cap[own], r.record, r.slice_delay,
            r.slice_end, r.slices[own],
        )  # fmt: skip


def _synapses(s: _Segments, a: int, b: int, at: list[Any], rows: list[_Rows]) -> Any:
    """Synapses from sources a..b-1, in one portion or one a part: (targets, ordinals, number of each source)."""
    if s.counted is None:
        start = s.made.start[a : b + 1]
        yield s.made.partners(a, b), (int(start[0]), int(start[-1])), np.diff(start)
        return
    for r in rows:
        number = s.number[r.part, a:b]
        n = int(number.sum())
        target, ordinal = np.empty(n, np.int32), np.empty(n, np.int64)
        kernels.gather(r.record, at[r.part], number, _degree(s.made), target, ordinal)
        at[r.part] += number
        yield target, ordinal, number


def _columns(
    s: _Segments, target: NDArray[np.int32], which: Which, parts: int, delays: _Delays, tagged: Connections | None
) -> tuple[Any, ...]:
    """Slot, weight, code of the delay and part of synapses."""
    made, cells = s.made, s.target
    n = target.size
    if made.receptor is not None and isinstance(made.spec.weight, Constant):
        weight = np.full(n, np.float32(made.spec.weight.value))
    else:
        weight = made.weights(which)
    if made.receptor is not None:
        slot = target + np.int32(cells.slot0 + made.receptor * cells.size)
    else:
        slot = target + (cells.slot0 + made.receptors_of(weight).astype(np.int32) * cells.size).astype(np.int32)
    bits = weight.view(np.uint32)
    if tagged is made:
        bits = np.arange(*which, dtype=np.uint32) if isinstance(which, tuple) else which.astype(np.uint32)
    elif tagged is not None:
        bits = np.full(n, OTHER)
    part = np.empty(n if parts > 1 else 0, np.int16)
    kernels.parts_of(target[: part.size], bounds(cells.size, parts), part)
    return slot, bits, delays.codes(made, which, n), part


def places(network: CompiledNetwork, projection: Projection, threads: int = 1) -> list[tuple[Any, Any]]:
    """Where the synapses of a static projection are: (ordinals, places among the synapses of a part), for each part.

    The rows of its source population are made once more, with ordinals for weights.
    """
    chosen = [p.connections for p in network.projections if p.static and p.source == projection.source]
    source = network.population(projection.source)
    neurons = {p.name: p for p in network.neurons}
    made = static_rows(
        chosen, neurons, {source.name: 0}, source.size, network.clock, network.parts, threads, projection.connections
    )
    found = []
    for tags, rows in zip(made, network.static):
        ordinal = tags.synapse["weight"].view(np.uint32)
        place = np.flatnonzero(ordinal != OTHER)
        found.append((ordinal[place].astype(np.int64), place + rows.row_start[source.first_id]))
    return found

"""Whether two traces recorded the same, where they part, and how far they are from each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromorph.analysis import apart
from neuromorph.analysis.account import plain
from neuromorph.analysis.table import interval

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace
    from neuromorph.traces.stream import SpikeStream

#: values of one row of spikes, in the order by which rows are sorted: instants, then ids
Rows = tuple[NDArray[Any], ...]


class Difference(NamedTuple):
    """The first spike that is in one trace alone, and the next spike of the same neuron in the other.

    `times_ms` is the instant in each (ms); None where the neuron does not spike again.
    """

    population: str
    neuron: int
    times_ms: tuple[float | None, float | None]

    @property
    def at_ms(self) -> float:
        """When the two part (ms)."""
        return min(time for time in self.times_ms if time is not None)


def compare(
    one: Trace,
    other: Trace,
    start_ms: float | None = None,
    stop_ms: float | None = None,
    sample: int = 20,
    seed: int = 0,
) -> dict[str, Any]:
    """Return whether two traces are identical, the first differing spike, what else differs, and distances.

    Compared are spikes (instants to the last bit, and ids), states, weights, signals and learning curves, not how they
    were made (command, versions, wall times, network). A recording made elsewhere, or on another grid, is compared by
    its times in ms. Everything is read block by block.

    Parameters
    ----------
    one, other: open traces.
    start_ms, stop_ms: start_ms <= time < stop_ms is compared (learning curves as a whole); by default all.
    sample: neurons of each population, drawn with `seed`, of which distances of spike trains are taken.

    Returns plain numbers, lists and dicts. Raises InputError where the interval is empty, or ends before it begins, in
    either trace.
    """
    spans = [interval(trace, start_ms, stop_ms) for trace in (one, other)]
    populations = sorted({*one.populations, *other.populations})
    both = [name for name in populations if name in one.populations and name in other.populations]
    differences = [d for name in both if (d := first_difference(one, other, name, start_ms, stop_ms))]
    others = [*_sizes(one, other, populations, both), *_lengths(spans), *_recorded(one, other, start_ms, stop_ms)]
    first = min(differences, key=lambda d: (d.at_ms, d.population, d.neuron), default=None)
    rows = []
    for name in both:
        found = next((d for d in differences if d.population == name), None)
        row: dict[str, Any] = {"population": name, "identical": found is None}
        row["spikes"] = [len(_stream(trace, name, start_ms, stop_ms)) for trace in (one, other)]
        row["first_difference"] = None if found is None else found._asdict()
        if found is not None:
            row["distances"] = apart.distances(one, other, name, spans, (start_ms, stop_ms), sample, seed)
        rows.append(row)
    return plain(
        {
            "identical": not differences and not others,
            "traces": [str(trace.path) for trace in (one, other)],
            "status": [trace.status for trace in (one, other)],
            "simulated_ms": [trace.simulated_ms for trace in (one, other)],
            "first_difference": None if first is None else first._asdict(),
            "populations": rows,
            "other_differences": others,
        }
    )


def first_difference(
    one: Trace, other: Trace, population: str, start_ms: float | None = None, stop_ms: float | None = None
) -> Difference | None:
    """Return the first spike of a population that is in one of two traces alone; None where there is none.

    Raises TraceError for a population that is not in both files.
    """
    streams = [_stream(trace, population, start_ms, stop_ms) for trace in (one, other)]
    exact = one.window_ms is not None and one.window_ms == other.window_ms
    rows = _Paired(*(_rows(stream, exact) for stream in streams))
    for mine, others in rows:
        unequal = np.zeros(len(mine[0]), bool)
        for a, b in zip(mine, others):
            unequal |= a != b
        if unequal.any():
            k = int(unequal.argmax())
            return _difference(population, rows, (mine, others), k, one.window_ms if exact else None)
    if rows.left is None:
        return None
    side, ahead = rows.left
    empty = tuple(part[:0] for part in ahead)
    pair = (ahead, empty) if side == 0 else (empty, ahead)
    return _difference(population, rows, pair, 0, one.window_ms if exact else None)


def _difference(population: str, rows: _Paired, pair: tuple[Rows, Rows], k: int, window_ms: float | None) -> Difference:
    """From row k on, the pair goes on without being the same."""
    keys = [tuple(part[k].item() for part in of) if len(of[0]) > k else None for of in pair]
    side = 0 if keys[1] is None or (keys[0] is not None and keys[0] < keys[1]) else 1
    neuron, times = int(pair[side][-1][k]), [_time(pair[side], k, window_ms), None]
    rest = tuple(part[k:] for part in pair[1 - side])
    for block in (rest, *rows.rest(1 - side)):
        where = np.flatnonzero(block[-1] == neuron)
        if where.size:
            times[1] = _time(block, int(where[0]), window_ms)
            break
    return Difference(population, neuron, (times[0], times[1]) if side == 0 else (times[1], times[0]))


def _time(rows: Rows, k: int, window_ms: float | None) -> float:
    return float(rows[0][k]) if window_ms is None else float(rows[0][k] * window_ms + rows[1][k])


class _Paired:
    """Rows of two streams side by side, as many of each; `left` is what only one has, with its side."""

    def __init__(self, one: Iterator[Rows], other: Iterator[Rows]) -> None:
        self._streams = (one, other)
        self._held: list[Rows | None] = [None, None]
        self.left: tuple[int, Rows] | None = None

    def __iter__(self) -> Iterator[tuple[Rows, Rows]]:
        while True:
            for side in (0, 1):
                while self._held[side] is None or not len(self._held[side][0]):  # type: ignore[index]
                    self._held[side] = next(self._streams[side], None)
                    if self._held[side] is None:
                        break
            one, other = self._held
            if one is None or other is None:
                ahead = other if one is None else one
                self.left = None if ahead is None else (1 if one is None else 0, ahead)
                return
            many = min(len(one[0]), len(other[0]))
            self._held = [tuple(part[many:] for part in one), tuple(part[many:] for part in other)]
            yield tuple(part[:many] for part in one), tuple(part[:many] for part in other)

    def rest(self, side: int) -> Iterator[Rows]:
        """What comes after what was yielded last."""
        if self._held[side] is not None and self.left is None:
            yield self._held[side]  # type: ignore[misc]
        yield from self._streams[side]


def _stream(trace: Trace, population: str, start_ms: float | None, stop_ms: float | None) -> SpikeStream:
    from neuromorph.traces.stream import SpikeStream

    return SpikeStream(trace, population, start_ms, stop_ms)


def _rows(stream: SpikeStream, exact: bool) -> Iterator[Rows]:
    """Instants and ids; those of one instant by id, whatever the order in a foreign file."""
    blocks: Iterator[Rows] = stream.instants() if exact else iter(stream)
    if stream.trace.window_ms is not None:
        yield from blocks  # a trace is in order
        return
    held: Rows | None = None
    for block in blocks:
        block = block if held is None else tuple(np.concatenate(pair) for pair in zip(held, block))
        whole = block[0] < block[0][-1]
        held = tuple(part[~whole] for part in block)
        yield _by_instant(tuple(part[whole] for part in block))
    if held is not None:
        yield _by_instant(held)


def _by_instant(rows: Rows) -> Rows:
    order = np.lexsort(rows[::-1])
    return tuple(part[order] for part in rows)


def _sizes(one: Trace, other: Trace, populations: list[str], both: list[str]) -> list[dict[str, str]]:
    found = []
    for name in populations:
        if name not in both:
            side = "first" if name in one.populations else "second"
            found.append({"what": f"population {name}", "difference": f"only in the {side}"})
        elif one.populations[name] != other.populations[name]:
            beside = f"{one.populations[name]} cells beside {other.populations[name]}"
            found.append({"what": f"population {name}", "difference": beside})
    return found


def _lengths(spans: list[tuple[float, float]]) -> list[dict[str, str]]:
    if spans[0] == spans[1]:
        return []
    (a, b), (c, d) = spans
    return [{"what": "simulated", "difference": f"{a:g} to {b:.15g} ms beside {c:g} to {d:.15g} ms"}]


def _recorded(one: Trace, other: Trace, start_ms: float | None, stop_ms: float | None) -> list[dict[str, str]]:
    from neuromorph.analysis import beside

    return beside.differences(one, other, start_ms, stop_ms)

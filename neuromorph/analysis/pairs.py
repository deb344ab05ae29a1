"""The cross-correlogram of two populations, or of two neurons, of a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.analysis.account import plain
from neuromorph.analysis.blocks import Bins, Floats, Ints
from neuromorph.analysis.correlation import Correlogram
from neuromorph.analysis.counts import make_bins, occupied
from neuromorph.analysis.table import interval
from neuromorph.errors import InputError, Problem, suggestion

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: a population, and one of its neurons or None for all
Source = tuple[str, int | None]


def source(trace: Trace, text: str) -> Source:
    """Return what `E` (a population) or `E/12` (a neuron of one) names; raises InputError for what is not there."""
    if text in trace.populations:
        return text, None
    name, _, index = text.rpartition("/")
    if name not in trace.populations:
        fix = suggestion(name or text, trace.populations)
        raise InputError(Problem(f"no population '{name or text}' in this trace", str(trace.path), fix=fix))
    size = trace.populations[name]
    if not index.isdecimal() or int(index) >= size:
        raise InputError(Problem(f"no neuron of '{name}'", str(trace.path), index, f"0 to {size - 1}"))
    return name, int(index)


def pair_correlogram(
    trace: Trace,
    one: str,
    other: str,
    bin_ms: float = 1.0,
    lag_ms: float = 50.0,
    start_ms: float | None = None,
    stop_ms: float | None = None,
) -> dict[str, Any]:
    """Return the cross-correlogram of two populations (`E`) or neurons (`E/12`), block by block.

    lags_ms, pairs: as `correlation.cross_correlogram`; a positive lag is a spike of `other` after one of `one`.
    expected: how many pairs there would be at each lag were both independent and of constant rate, n m / bins.

    A bin or a lag longer than the interval becomes as long as that. Raises InputError for what is not in the trace, an
    empty interval, and a bin or a lag out of range.
    """
    start, stop = interval(trace, start_ms, stop_ms)
    if start == stop:
        fix = "Give the trace of a run that came further than its beginning."
        raise InputError(Problem("nothing was simulated, so there are no pairs", str(trace.path), fix=fix))
    sources = [source(trace, text) for text in (one, other)]
    bins = make_bins(start, stop, min(bin_ms, stop - start))
    found, total = Correlogram(bins, min(lag_ms, bins.count * bins.width_ms)), [0, 0]
    for (bins_of_one, counts), (bins_of_other, others), until in _together(trace, sources, bins, (start_ms, stop_ms)):
        found.add(bins_of_one, counts, bins_of_other, others, both_until=until)
        total = [total[0] + int(counts.sum()), total[1] + int(others.sum())]
    return plain(
        {
            "one": one,
            "other": other,
            "bin_ms": bin_ms,
            "spikes": total,
            "lags_ms": found.lags_ms(),
            "pairs": found.pairs,
            "expected": total[0] * total[1] / bins.count,
        }
    )


def _together(trace: Trace, sources: list[Source], bins: Bins, span: tuple[float | None, float | None]) -> Any:
    """Yield (occupied bins and counts of one train, of the other, the bin up to which both are complete).

    A block of that train which is behind is taken next, so that neither waits for long.
    """
    trains = [_train(trace, of, bins, span) for of in sources]
    none = (np.empty(0, np.int64), np.empty(0, np.int64))
    reached: list[float] = [-1, -1]
    while min(reached) < np.inf:
        behind = int(reached[1] < reached[0])
        part = next(trains[behind], None)
        reached[behind] = np.inf if part is None else part[1]
        new = none if part is None else part[0]
        until = min(min(reached), bins.count)
        yield (none, new, int(until)) if behind else (new, none, int(until))


def _train(trace: Trace, of: Source, bins: Bins, span: tuple[float | None, float | None]) -> Any:
    """Yield ((occupied bins, counts), last bin that was looked at)."""
    from neuromorph.traces.stream import SpikeStream

    for times, ids in SpikeStream(trace, of[0], *span):
        mine: Floats = times if of[1] is None else times[ids == of[1]]
        last: Ints = bins.of(times[-1:])[0]
        yield occupied(bins, mine), int(last[0])

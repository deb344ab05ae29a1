"""How far the spikes of a population are apart in two traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.analysis.blocks import Active, Block, Floats, Ints
from neuromorph.analysis.counts import PopulationCounts, make_bins
from neuromorph.analysis.distances import ks_distance, van_rossum, victor_purpura
from neuromorph.analysis.intervals import Intervals

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: of each neuron that is sampled, so many spikes at most: Victor and Purpura's distance takes the square of them
MOST = 300
TAU_MS, COST_PER_MS, BIN_MS = 10.0, 0.1, 3.0


def distances(
    one: Trace,
    other: Trace,
    population: str,
    spans: list[tuple[float, float]],
    given: tuple[float | None, float | None],
    sample: int = 20,
    seed: int = 0,
) -> dict[str, Any]:
    """Return statistical distances of a population's spikes in two traces.

    mean_rate_hz, cv_isi, synchrony: in each. ks_rates: Kolmogorov and Smirnov's distance of the rates of its neurons,
    silent ones included. ks_intervals: that of all interspike intervals, in 50 bins a decade. van_rossum (tau 10 ms)
    and victor_purpura (0.1 a ms): means over `neurons` neurons, each up to the time of its 300th spike.
    """
    from neuromorph.traces.stream import SpikeStream

    streams = [SpikeStream(trace, population, *given) for trace in (one, other)]
    actives = [Active.of(stream) for stream in streams]
    union = np.union1d(actives[0].ids, actives[1].ids)
    chosen = np.sort(np.random.default_rng(seed).permutation(union)[:sample])
    sides = [_Side(active, stream.size, span, chosen) for active, stream, span in zip(actives, streams, spans)]
    for side, stream in zip(sides, streams):
        for times, ids in stream:
            side.add(times, ids)
    rates, counts = zip(*(side.rates() for side in sides))
    trains = [_common(*(side.trains[k] for side in sides)) for k in range(len(chosen))]
    return {
        "mean_rate_hz": [side.mean_rate() for side in sides],
        "cv_isi": [side.intervals.mean_cv() for side in sides],
        "synchrony": [None if side.counts is None else side.counts.synchrony() for side in sides],
        "ks_rates": ks_distance(*rates, *counts),
        "ks_intervals": _ks(sides[0].intervals.histogram, sides[1].intervals.histogram),
        "neurons": len(chosen),
        "van_rossum": _mean([van_rossum(a, b, TAU_MS) for a, b in trains]),
        "victor_purpura": _mean([victor_purpura(a, b, COST_PER_MS) for a, b in trains]),
    }


class _Side:
    """What is kept of one trace."""

    def __init__(self, active: Active, size: int, span: tuple[float, float], chosen: Ints) -> None:
        self.active, self.size, self.chosen = active, size, chosen
        self.duration_ms = span[1] - span[0]
        self.intervals = Intervals(len(active.ids))
        bin_ms = min(BIN_MS, self.duration_ms)
        self.counts = PopulationCounts(make_bins(*span, bin_ms)) if self.duration_ms > 0 else None
        self._chosen = np.isin(active.ids, chosen)  # by rank
        self.trains: list[Floats] = [np.empty(0)] * len(chosen)

    def add(self, times: Floats, ids: Ints) -> None:
        block = Block(times, self.active.ranks(ids))
        self.intervals.add(block)
        if self.counts is not None:
            self.counts.add(block)
        mine = self._chosen[block.ids]
        times, ids = times[mine], ids[mine]
        for k, neuron in enumerate(self.chosen):
            if len(self.trains[k]) < MOST:
                self.trains[k] = np.append(self.trains[k], times[ids == neuron])[:MOST]

    def rates(self) -> tuple[Floats, Ints]:
        """(rates that there are in Hz, how many neurons have each)."""
        counts, many = np.unique(self.active.counts, return_counts=True)
        silent = self.size - len(self.active.ids)
        scale = 1000.0 / self.duration_ms if self.duration_ms > 0 else np.nan
        return np.append(0.0, counts * scale), np.append(silent, many)

    def mean_rate(self) -> float:
        return 1000.0 * int(self.active.counts.sum()) / (self.size * self.duration_ms or np.nan)


def _common(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Both up to where both are complete."""
    ends = [train[-1] for train in (one, other) if len(train) == MOST]
    end = min(ends, default=np.inf)
    return one[one <= end], other[other <= end]


def _ks(one: Ints, other: Ints) -> float:
    place = np.arange(len(one))
    return ks_distance(place, place, one, other)


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")

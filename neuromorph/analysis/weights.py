"""Recorded weights: how they are distributed, and how they drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.analysis.blocks import Floats, Ints
from neuromorph.analysis.spikes import _ratio
from neuromorph.errors import InputError, Problem

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: shares of the weights that lie below what `distribution` returns
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
#: bins of the histograms of weights
BINS = 50


def distribution(weights: ArrayLike) -> dict[str, float]:
    """Return mean, std (of the population), min, max and quantiles q05 ... q95 of weights, in their unit.

    Weights that are no numbers are left out; nan where none is left.
    """
    values = np.asarray(weights, np.float64).ravel()
    values = values[np.isfinite(values)]
    if not values.size:
        return dict.fromkeys(["mean", "std", "min", "max", *_NAMES], float("nan"))
    found = {"mean": values.mean(), "std": values.std(), "min": values.min(), "max": values.max()}
    found |= dict(zip(_NAMES, np.quantile(values, QUANTILES)))
    return {name: float(value) for name, value in found.items()}


_NAMES = [f"q{round(100 * share):02d}" for share in QUANTILES]


def drift(before: ArrayLike, after: ArrayLike) -> dict[str, float]:
    """Return how weights have changed, synapse by synapse.

    mean = mean(after - before), rms = sqrt(mean((after - before)^2)), correlation = Pearson's of before and after
    (nan where either does not vary), changed = share of synapses with another weight. In the weights' unit but for the
    last two. Raises InputError where there are not as many before as after.
    """
    one, other = np.asarray(before, np.float64).ravel(), np.asarray(after, np.float64).ravel()
    if one.shape != other.shape:
        raise InputError(Problem("as many weights after as before are needed", "after", other.size, f"{one.size}"))
    if not one.size:
        return dict.fromkeys(["mean", "rms", "correlation", "changed"], float("nan"))
    change = other - one
    apart, others = one - one.mean(), other - other.mean()
    scale = np.sqrt(np.square(apart).sum() * np.square(others).sum())
    return {
        "mean": float(change.mean()),
        "rms": float(np.sqrt(np.square(change).mean())),
        "correlation": float(_ratio(np.array((apart * others).sum()), np.array(scale))),
        "changed": float((change != 0).mean()),
    }


class WeightHistory(NamedTuple):
    """Weights of a projection over time, in `unit`.

    times_ms, mean, std, rms_drift: float64[t], of all synapses at each instant; rms_drift from the first one.
    first, last: float64[s]. edges, before, after: histograms of first and last over the same bins.
    """

    times_ms: Floats
    mean: Floats
    std: Floats
    rms_drift: Floats
    first: NDArray[np.float64]
    last: NDArray[np.float64]
    edges: Floats
    before: Ints
    after: Ints
    unit: str

    def summary(self) -> dict[str, Any]:
        """What there is to say in numbers: first and last instant, both distributions, and the drift between them."""
        return {
            "synapses": len(self.first), "rows": len(self.times_ms), "unit": self.unit,
            "from_ms": float(self.times_ms[0]), "to_ms": float(self.times_ms[-1]),
            "before": distribution(self.first), "after": distribution(self.last),
            "drift": drift(self.first, self.last),
        }  # fmt: skip


def weight_history(
    trace: Trace, projection: str, start_ms: float | None = None, stop_ms: float | None = None
) -> WeightHistory:
    """Return what became of the recorded weights of a projection; memory goes with synapses and instants.

    Raises TraceError for a projection whose weights were not recorded, InputError where none were in this interval.
    """
    from neuromorph.traces.stream import weight_rows

    unit = trace.weights(projection, stop_ms=-np.inf).unit
    parts: list[Floats] = []
    first = last = np.empty(0)
    for times, values in weight_rows(trace, projection, start_ms, stop_ms):
        rows = values.astype(np.float64)
        first = first if parts else rows[0]
        last = rows[-1]
        apart = np.sqrt(np.square(rows - first).mean(axis=1)) if rows.shape[1] else np.full(len(rows), np.nan)
        mean, std = (rows.mean(axis=1), rows.std(axis=1)) if rows.shape[1] else (apart, apart)
        parts.append(np.column_stack([times, mean, std, apart]))
    if not parts:
        fix = "Take another interval."
        raise InputError(Problem("no weights were recorded between these times", projection, fix=fix))
    at, mean, std, apart = np.concatenate(parts).T
    both = np.concatenate([first, last])
    both = both[np.isfinite(both)]
    edges = _edges(both if both.size else np.zeros(1))
    before, after = (np.histogram(of[np.isfinite(of)], edges)[0].astype(np.int64) for of in (first, last))
    return WeightHistory(at, mean, std, apart, first, last, np.asarray(edges, np.float64), before, after, unit)


def _edges(values: Floats) -> Floats:
    """Edges of equal bins from the smallest value to the largest; equal ones lie in the middle."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 0.5 * max(abs(low), 1.0), high + 0.5 * max(abs(high), 1.0)
    return np.asarray(np.linspace(low, high, BINS + 1), np.float64)

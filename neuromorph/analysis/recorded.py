"""What else a trace has recorded, in numbers: weights, learning curves, states around spikes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.analysis.account import plain
from neuromorph.analysis.learning import curve_summary
from neuromorph.analysis.spikes import _ratio
from neuromorph.analysis.triggered import triggered_state
from neuromorph.analysis.weights import weight_history
from neuromorph.errors import InputError, TraceError

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace


def weights(trace: Trace, start_ms: float | None = None, stop_ms: float | None = None) -> dict[str, dict[str, Any]]:
    """Return projection -> distributions before and after, drift, and both over time; `missing` says why not."""
    found: dict[str, dict[str, Any]] = {}
    for name in trace.projections:
        try:
            history = weight_history(trace, name, start_ms, stop_ms)
        except TraceError:
            raise  # a damaged file is no recording without weights
        except InputError as error:
            found[name] = {"missing": str(error)}
            continue
        over_time = {key: getattr(history, key) for key in ("times_ms", "mean", "std", "rms_drift")}
        histogram = {key: getattr(history, key) for key in ("edges", "before", "after")}
        found[name] = plain({**history.summary(), "over_time": over_time, "histogram": histogram})
    return found


def learning_curves(trace: Trace) -> dict[str, dict[str, Any]]:
    """Return curve -> unit, points, first, last, min, max, tail and half; of a curve with columns, a list of those."""
    units = trace.learning_units
    found: dict[str, dict[str, Any]] = {}
    for name, values in trace.learning.items():
        if values.ndim == 1:
            found[name] = {"unit": units[name], **plain(curve_summary(values))}
        else:
            columns = [plain(curve_summary(column)) for column in values.T]
            found[name] = {"unit": units[name], "points": len(values), "columns": columns}
    return found


def states_around_spikes(
    trace: Trace,
    populations: list[str],
    window_ms: tuple[float, float] = (-20.0, 20.0),
    start_ms: float | None = None,
    stop_ms: float | None = None,
) -> dict[str, dict[str, Any]]:
    """Return `population.variable` -> the mean of the recorded cells' states around their own spikes; each spike counts
    once. `missing` says why not."""
    found: dict[str, dict[str, Any]] = {}
    for population, variable in trace.states:
        if population not in trace.populations:
            found[f"{population}.{variable}"] = {"missing": f"the spikes of {population} were not recorded"}
            continue
        if population not in populations:
            continue
        try:
            average = triggered_state(trace, population, variable, window_ms, start_ms, stop_ms)
        except TraceError:
            raise
        except InputError as error:
            found[f"{population}.{variable}"] = {"missing": str(error)}
            continue
        total = np.nansum(average.mean * average.spikes, axis=1)
        spikes = int(average.spikes.sum())
        found[f"{population}.{variable}"] = plain(
            {
                "unit": average.unit,
                "cells": len(average.spikes),
                "spikes": spikes,
                "lags_ms": average.lags_ms,
                "mean": _ratio(total, np.full(len(total), spikes)),
            }
        )
    return found

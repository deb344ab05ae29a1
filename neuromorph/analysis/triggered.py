"""Spike-triggered averages: what a state variable does around spikes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from neuromorph.analysis.blocks import Floats, Ints
from neuromorph.analysis.spikes import _ratio
from neuromorph.errors import InputError, Problem

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace


#: rows of a window
LONGEST = 1_000_000


class TriggeredAverage(NamedTuple):
    """What cells do around spikes: `mean[k, n]` in `unit` at `lags_ms[k]` from a spike, over `spikes[n]` spikes."""

    lags_ms: Floats
    mean: Floats
    spikes: Ints
    unit: str


def spike_triggered_average(
    times: Floats, ids: Ints, values: Floats, start_ms: float, step_ms: float, window_ms: tuple[float, float]
) -> TriggeredAverage:
    """Return the mean of each signal around the spikes of the same column.

    STA_n(k) = 1 / N_n sum over spikes t of values[floor((t + w_0 - start) / step) + k, n], for k below
    (w_1 - w_0) / step, rounded up. Spikes whose window leaves the recording do not count; nan without any.

    Parameters
    ----------
    times: float64[m], instant of each spike (ms), in any order.
    ids: int64[m], the column of `values` that it belongs to.
    values: float64[t, n], a row each step_ms from start_ms on.
    window_ms: (w_0, w_1), from where to where around a spike (ms), w_0 < w_1; w_0 may be below 0.

    Raises InputError for an empty window, one of more than a million rows, and a step that is not above 0.

    de Boer & Kuyper 1968, IEEE Trans. Biomed. Eng. 15:169, doi:10.1109/TBME.1968.4502561.
    """
    values = np.asarray(values, np.float64)
    found = _Triggered(values.shape[1], start_ms, step_ms, window_ms)
    rows, ids = found.rows_of(np.asarray(times, np.float64)), np.asarray(ids, np.int64)
    inside = (rows >= 0) & (rows + found.length <= len(values))
    found.add(rows[inside], ids[inside], values)
    return found.result("")


def triggered_state(
    trace: Trace,
    population: str,
    variable: str,
    window_ms: tuple[float, float] = (-20.0, 20.0),
    start_ms: float | None = None,
    stop_ms: float | None = None,
) -> TriggeredAverage:
    """Return the mean of a recorded state of each cell around that cell's own spikes, block by block.

    Columns are those of `trace.state(population, variable).indices`. Raises TraceError for what was not recorded,
    InputError where fewer than two rows were, or the window is empty.
    """
    from neuromorph.traces.stream import state_rows

    few = trace.state(population, variable, stop_ms=-np.inf)
    blocks = (
        (rows.times, np.asarray(rows.values, np.float64))
        for rows in state_rows(trace, population, variable, start_ms, stop_ms)
    )
    return _Follower(trace, population, few.indices, window_ms).follow(blocks, f"{population}.{variable}", few.unit)


class _Triggered:
    """Sums of signals around spikes."""

    def __init__(self, columns: int, start_ms: float, step_ms: float, window_ms: tuple[float, float]) -> None:
        if not step_ms > 0:
            raise InputError(Problem("value out of range", "step_ms", step_ms, "above 0 ms"))
        if not window_ms[0] < window_ms[1]:
            raise InputError(Problem("the window is empty", "window_ms", window_ms, "the first below the last"))
        self.start_ms, self.step_ms, self.first_ms = start_ms, step_ms, window_ms[0]
        rows = np.ceil((window_ms[1] - window_ms[0]) / step_ms - 1e-9)
        if rows > LONGEST:
            fix = "Take a shorter one."
            raise InputError(Problem("rows in a window", "window_ms", float(rows), f"at most {LONGEST:,}", fix))
        self.length = int(rows)
        self.spikes: Ints = np.zeros(columns, np.int64)
        self._sum = np.zeros((self.length, columns))

    def rows_of(self, times: Floats) -> Ints:
        """The row that each spike's window begins with."""
        # slack: spikes and rows are multiples of a tick
        return np.floor((times + self.first_ms - self.start_ms) / self.step_ms + 1e-9).astype(np.int64)

    def add(self, rows: Ints, columns: Ints, values: Floats) -> None:
        """Take spikes whose windows begin at these rows of `values`."""
        many = len(self.spikes)
        self.spikes += np.bincount(columns, minlength=many)
        for k in range(self.length if rows.size else 0):
            self._sum[k] += np.bincount(columns, values[rows + k, columns], many)

    def result(self, unit: str) -> TriggeredAverage:
        """The averages so far."""
        lags = self.first_ms + np.arange(self.length) * self.step_ms
        mean = _ratio(self._sum, np.broadcast_to(self.spikes, self._sum.shape))
        return TriggeredAverage(np.asarray(lags, np.float64), mean, self.spikes, unit)


class _Follower:
    """Goes through the rows of a recording, and reads the spikes whose windows lie in them."""

    def __init__(self, trace: Trace, population: str, indices: Ints, window_ms: tuple[float, float]) -> None:
        self.trace, self.population, self.indices, self.window_ms = trace, population, indices, window_ms

    def follow(self, blocks: Iterable[tuple[Floats, Floats]], name: str, unit: str) -> TriggeredAverage:
        kept: Floats = np.empty((0, len(self.indices)))
        kept_times: Floats = np.empty(0)
        found: _Triggered | None = None
        base = 0
        for times, values in blocks:
            kept, kept_times = np.concatenate([kept, values]), np.concatenate([kept_times, times])
            if found is None and len(kept_times) < 2:
                continue
            if found is None:
                found = _Triggered(len(self.indices), kept_times[0], kept_times[1] - kept_times[0], self.window_ms)
            ready = len(kept) - found.length + 1
            if ready > 0:
                self._add(found, kept, base, ready)
                kept, kept_times, base = kept[ready:], kept_times[ready:], base + ready
        if found is None:
            raise InputError(Problem("fewer than two rows of this state were recorded here", name, len(kept), "2 rows"))
        return found.result(unit)

    def _add(self, found: _Triggered, values: Floats, base: int, ready: int) -> None:
        """Take the spikes whose windows begin in the first `ready` of these rows, of which the first is row `base`."""
        from neuromorph.traces.stream import SpikeStream

        first = found.start_ms + base * found.step_ms - found.first_ms
        span = (first - found.step_ms, first + (ready + 1) * found.step_ms)
        for times, ids in SpikeStream(self.trace, self.population, *span):
            column = np.searchsorted(self.indices, ids)
            column[column == len(self.indices)] = 0
            rows = found.rows_of(times) - base
            mine = (self.indices[column] == ids) & (rows >= 0) & (rows < ready)
            found.add(rows[mine], column[mine], values)

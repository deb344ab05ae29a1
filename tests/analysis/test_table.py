"""The table that `neuromorph analyze` prints."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neuromorph.analysis.table import interval, summarize
from neuromorph.engine.sink import RunDescription
from neuromorph.errors import InputError
from neuromorph.traces import Trace, TraceWriter


@pytest.fixture
def trace(tmp_path):
    """Two clocks of 10 ms out of four neurons, an empty population; 100 ms simulated."""
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(RunDescription(0.1, 0.1, {"E": 4, "I": 2}))
    ticks = np.repeat(np.arange(100, 1001, 100), 2)
    writer.spikes("E", ticks, np.zeros(20), np.tile([0, 3], 10))
    writer.close({"status": "complete", "simulated_ms": 100.0})
    with Trace(tmp_path / "a.h5") as opened:
        yield opened


def test_rows(trace):
    rows = summarize(trace)
    bins = np.zeros(33)
    bins[[3, 6, 10, 13, 16, 20, 23, 26, 30]] = 2  # 10 ms, 20 ms, ... in bins of 3 ms; 100 ms is in none
    silent = {"mean_rate_hz": 0.0, "active_fraction": 0.0, "cv_isi": None, "synchrony": None}
    assert rows[1] == {"population": "I", "size": 2, "spikes": 0, **silent}
    assert list(rows[0]) == list(rows[1])
    expected = {
        "mean_rate_hz": 50.0,
        "active_fraction": 0.5,
        "cv_isi": 0.0,
        "synchrony": bins.var(ddof=1) / bins.mean(),
    }
    assert rows[0] == {"population": "E", "size": 4, "spikes": 20, **{k: pytest.approx(v) for k, v in expected.items()}}
    json.dumps(rows, allow_nan=False)


def test_part_of_a_run(trace):
    row = summarize(trace, start_ms=20.0, stop_ms=60.0)[0]
    assert (row["spikes"], row["mean_rate_hz"]) == (8, pytest.approx(50.0))
    beyond = summarize(trace, start_ms=50.0, stop_ms=1e6)[0]  # nothing was simulated there: it does not dilute the rate
    assert (beyond["spikes"], beyond["mean_rate_hz"]) == (12, pytest.approx(60.0))
    assert interval(trace, None, None) == (0.0, 100.0)


@pytest.mark.parametrize(
    ("start", "stop", "allowed"),
    [
        (100.0, None, "below 100 ms, the end of the run"),
        (50.0, 50.0, "below 50 ms, the stop"),
        (None, 0.0, "below 0 ms"),
    ],
)
def test_empty_interval(trace, start, stop, allowed):
    with pytest.raises(InputError, match=rf"start: the interval is empty, found .* \(allowed: {allowed}"):
        summarize(trace, start, stop)


def test_nothing_simulated(tmp_path):
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(RunDescription(0.1, 0.1, {"E": 4}))
    writer.close({"status": "interrupted", "simulated_ms": 0.0})
    with Trace(tmp_path / "a.h5") as opened:
        assert summarize(opened)[0]["mean_rate_hz"] is None

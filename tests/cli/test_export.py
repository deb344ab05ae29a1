"""neuromorph export."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from neuromorph import Trace
from neuromorph.engine.sink import RunDescription
from neuromorph.export import read_spikes
from neuromorph.traces import TraceWriter


@pytest.fixture
def trace(call) -> str:
    """A finished trace of tiny.toml."""
    call("run", "tiny.toml", "-o", "x.h5", "-q", "--duration", "500 ms", "--record", "E.V_m@10")
    return "x.h5"


def test_csv_beside_the_trace(call, trace):
    answer = call("export", trace, "--to", "csv")
    with Trace(trace) as opened:
        count = sum(opened.counts.values())
        assert answer == (0, f"x.csv: {count} spikes\n", "not in it: states\n")
        np.testing.assert_array_equal(read_spikes("x.csv")["E"].times, opened.spikes("E")[0])


def test_a_table_in_an_interval_as_json(call, trace):
    span = ("--start", 100, "--stop", 200)
    answer = call("export", trace, "-o", "v.csv", "--table", "states", "--population", "E", *span, "--json")
    said = {"file": "v.csv", "table": "states", "rows": 30, "left_out": ["spikes"], "status": "complete"}
    assert json.loads(answer.out) == said
    lines = Path("v.csv").read_text().splitlines()
    assert lines[0] == "time_ms,population,variable,unit,neuron,value"
    assert lines[1].startswith("100.0,E,V_m,mV,0,-")
    assert len(lines) == 31


def test_the_suffix_says_the_format(call, trace):
    assert call("export", trace, "-o", "y.npz").code == 0
    with np.load("y.npz") as found:
        assert "spikes/E/time_ms" in found.files


def test_what_a_killed_run_has_left(call):
    writer = TraceWriter("k.h5")
    writer.open(RunDescription(0.1, 0.1, {"E": 3}))
    writer.spikes("E", np.arange(1, 6), np.zeros(5), np.arange(5) % 3)
    writer.flush()
    writer._release()
    for name in ("k.h5", "k.h5.part"):
        answer = call("export", name, "--to", "csv", "--force")
        assert answer == (0, "k.csv: 5 spikes\n", "the run ended early: killed at 0.5 ms\n")


def test_a_newer_schema(call, refused, trace):
    with h5py.File(trace, "r+") as file:
        file.attrs["schema_version"] = 9
    assert "x.h5: unknown schema version, found 9 (allowed: 1)" in refused("export", trace, "--to", "csv")
    assert "unknown schema version" in refused("plot", "rates", trace, "-o", "f.png")


def test_refused(call, refused, trace):
    assert "Say what to write: --to FORMAT, or -o FILE." in refused("export", trace)
    assert "no such file. Did you mean 'x.h5'?" in refused("export", "y.h5", "--to", "csv")
    assert "no weights were recorded" in refused("export", trace, "--to", "csv", "--table", "weights")
    assert "'cvs' is not one of" in refused("export", trace, "--to", "cvs")
    assert call("export", trace, "--to", "npz").code == 0
    assert "the file exists already" in refused("export", trace, "--to", "npz")
    assert call("export", trace, "--to", "npz", "--force").code == 0

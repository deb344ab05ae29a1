"""neuromorph analyze: everything about a trace, as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from neuromorph.analysis.whole import analyze
from neuromorph.engine.sink import RunDescription
from neuromorph.traces import Trace, TraceWriter


@pytest.fixture
def trace(call) -> str:
    """A finished trace of tiny.toml."""
    call(
        "run", "tiny.toml", "-o", "x.h5", "-q", "--duration", "2 s", "--record", "E.V_m@1", "--record", "E_I.weight@100"
    )
    return "x.h5"


def lines(out: str) -> dict[str, str]:
    """Name -> what it is, of the facts in the answer."""
    split = [line.strip().split("  ", 1) for line in out.splitlines() if line.startswith("  ")]
    return {name: value.strip() for name, value in split}


def test_everything_as_json_is_what_the_library_says(call, trace):
    found = json.loads(call("analyze", trace, "--json").out)
    with Trace(trace) as opened:
        assert found == {"trace": "x.h5", **analyze(opened)}
    assert (found["status"], found["ended_early"], found["to_ms"]) == ("complete", False, 2000.0)
    assert found["populations"][0]["intervals"]["cv2"]["mean"] > 0
    assert found["weights"]["E_I"]["unit"] == "mV"
    assert found["states_around_spikes"]["E.V_m"]["spikes"] > 0
    one = json.loads(call("analyze", trace, "--json", "--population", "I", "--from", 500, "--to", 1000).out)
    assert [row["population"] for row in one["populations"]] == ["I"]
    assert (one["from_ms"], one["to_ms"]) == (500.0, 1000.0)


def test_from_and_to_are_start_and_stop(call, trace):
    assert call("analyze", trace, "--from", 500, "--to", 900) == call("analyze", trace, "--start", 500, "--stop", 900)
    assert "--start" not in call("analyze", "--help").out


def test_one_population(call, trace):
    answer = call("analyze", trace, "--population", "E")
    assert answer.out.startswith("E, 0 ms to 2,000 ms\n")
    facts = lines(answer.out)
    with Trace(trace) as opened:
        row = analyze(opened, ["E"])["populations"][0]
    assert facts["mean rate"] == f"{row['mean_rate_hz']:.3g} Hz"
    assert (
        facts["dimensionality"]
        == f"{row['dimensionality']['participation_ratio']:.3g}, 3 cells, bins of 5 ms, 400 of them"
    )
    assert facts["Fano factor"].startswith(f"{row['fano_factor']['mean']:.3g} +- ")
    assert facts["CV2"].startswith(f"{row['intervals']['cv2']['mean']:.3g} +- ")
    assert "weights of E_I" in answer.out
    assert "E.V_m around spikes" in answer.out
    assert facts["+0 ms"].endswith(" mV")
    assert "ended early" not in answer.out
    assert facts["drift"].endswith("correlation -, 0 of the synapses changed")
    once = lines(call("analyze", trace, "--all", "--to", 50).out)
    assert once["drift"] == "unknown: recorded only once"


def test_all_of_a_trace_without_anything_else(call, folder):
    call("run", "tiny.toml", "-o", "y.h5", "-q")
    out = call("analyze", "y.h5", "--all").out
    assert out.startswith("E, 0 ms to 50 ms")
    assert "\nI, 0 ms to 50 ms" in out
    assert out.splitlines()[-1].startswith("no weights, no states of these populations and no learning curves")


def test_events(call, refused, trace):
    Path("e.csv").write_text("time_ms,label\n" + "".join(f"{t},{'ab'[t // 100 % 2]}\n" for t in range(0, 2000, 100)))
    out = call("analyze", trace, "--population", "E", "--events", "e.csv", "--window", 0, 50).out
    assert "20 events" in lines(out)["selectivity"]
    assert lines(out)["cells that prefer"].startswith("a ")
    assert "left out" not in out
    fewer = call("analyze", trace, "--population", "E", "--events", "e.csv", "--from", 150).out
    assert "2 events were left out: their windows leave this interval" in fewer
    assert "18 events" in lines(fewer)["selectivity"]
    assert "selectivity" in json.loads(call("analyze", trace, "--events", "e.csv", "--json").out)["populations"][0]
    assert "the window is empty" in refused("analyze", trace, "--events", "e.csv", "--window", 5, 5)
    said = refused("analyze", trace, "--events", "e.csv", "--from", 1, "--to", 50)
    assert "no event with its whole window lies in the run, found '0 to 1900 ms, windows +0 to +100 ms'" in said
    assert "(allowed: 1 to 50 ms" in said
    assert "not a table of events" in refused("analyze", trace, "--events", "tiny.toml")
    assert "the events cannot be read: No such file" in refused("analyze", trace, "--events", "none.csv")


def test_what_is_not_there(refused, trace):
    assert "no population 'EE' in this trace. Did you mean 'E'?" in refused("analyze", trace, "--population", "EE")
    assert "the interval is empty" in refused("analyze", trace, "--from", 3000, "--all")
    with h5py.File(trace, "r+") as file:
        file.attrs["schema_version"] = 99
    assert "unknown schema version, found 99" in refused("analyze", trace, "--all")
    with h5py.File(trace, "r+") as file:
        del file["spikes"]
    assert "without the group /spikes" in refused("analyze", trace, "--all")


def ended(status: str, spikes: int, learning: bool = False) -> str:
    """A run that ended early, with one spiking cell."""
    writer = TraceWriter("z.h5", force=True)
    writer.open(RunDescription(0.1, 0.1, {"E": 3}))
    writer.spikes("E", np.arange(1, spikes + 1), np.zeros(spikes), np.zeros(spikes, np.int64))
    if learning:
        writer.learning("error", [0.5, 0.4, 0.1], "1")
        writer.learning("rates", [[0.5, 0.4], [0.1, 0.2]], "Hz")
    writer.close({"status": status, "simulated_ms": 30.0})
    return "z.h5"


def test_a_run_that_ended_early_says_so(call, folder):
    for options in ([], ["--all"]):
        out = call("analyze", ended("interrupted", 3), *options).out
        assert out.splitlines()[-1] == "this run ended early (interrupted), at 30 ms"
    found = json.loads(call("analyze", "z.h5", "--json").out)
    assert (found["ended_early"], found["status"], found["simulated_ms"]) == (True, "interrupted", 30.0)


def test_no_spikes_and_one_neuron(call, folder):
    out = call("analyze", ended("complete", 0), "--population", "E").out
    assert lines(out)["note"] == "no spikes here: the rate is 0, and nothing else can be told"
    facts = lines(call("analyze", ended("complete", 2), "--population", "E").out)
    assert facts["pairs of cells"].startswith("none: only one cell spiked")
    assert "dimensionality" not in facts
    assert facts["CV2"] == "unknown (too few spikes)"


def test_learning_curves(call, folder):
    out = call("analyze", ended("complete", 2, learning=True), "--all").out
    assert "learning curve error (no unit)" in out
    assert lines(out)["first, last"] == "0.5, 0.1"
    assert lines(out)["mean of the last tenth"] == "0.1, half of the way there at point 2"
    assert lines(out)["columns"] == "2 (see --json)"


def test_a_running_one(call, folder):
    writer = TraceWriter("live.h5")
    writer.open(RunDescription(0.1, 0.1, {"E": 3}))
    writer.spikes("E", np.arange(1, 6), np.zeros(5), np.zeros(5, np.int64))
    writer.flush()
    assert call("analyze", "live.h5").out.splitlines()[-1] == "this run goes on; it has come to 0.5 ms"
    writer.close({"status": "complete", "simulated_ms": 1.0})


def test_a_pair(call, refused, trace):
    facts = lines(call("analyze", trace, "--pair", "E/0", "I").out)
    found = json.loads(call("analyze", trace, "--pair", "E/0", "I", "--json").out)["pair"]
    assert facts["at lag 0"] == f"{found['pairs'][50]} pairs"
    peak = found["pairs"].index(max(found["pairs"]))
    assert facts["peak"] == f"{max(found['pairs'])} pairs at a lag of {found['lags_ms'][peak]:g} ms"
    assert facts["expected"] == f"{found['expected']:.3g} pairs at each lag, in bins of 1 ms"
    assert "no neuron of 'E', found '7'" in refused("analyze", trace, "--pair", "E/7", "I")
    none = lines(call("analyze", ended("complete", 0), "--pair", "E", "E").out)
    assert none["note"] == "0 and 0 spikes: there are no pairs"


def test_a_trace_does_not_command_the_terminal(call, folder):
    with h5py.File(ended("complete", 3, learning=True), "r+") as file:
        file.move("spikes/E", "spikes/E\x1b[2J\n")
        file.move("learning/error", "learning/\x1b[1m")
        file.attrs["status"] = "complete\x1b[3J"
    for options in (["analyze", "--all"], ["analyze"], ["analyze", "--json"], ["compare", "z.h5"]):
        answer = call(*options, "z.h5")
        assert answer.code == 0
        assert "\x1b" not in answer.out
    assert "complete\\x1b[3J" in call("analyze", "z.h5").out

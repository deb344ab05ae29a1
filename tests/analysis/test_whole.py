"""Everything about a trace: each number beside the function of arrays that it comes from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

import neuromorph
from analysis.trains import random_trains
from neuromorph.analysis import recorded as others
from neuromorph.analysis import spikes
from neuromorph.analysis.account import Settings, account
from neuromorph.analysis.bursts import network_bursts, neuron_bursts
from neuromorph.analysis.correlation import (
    count_correlation,
    count_covariance,
    cross_correlogram,
    participation_ratio,
)
from neuromorph.analysis.counts import make_bins, psth
from neuromorph.analysis.events import Events, read_events
from neuromorph.analysis.intervals import cv2_isi, lv_isi
from neuromorph.analysis.pairs import pair_correlogram
from neuromorph.analysis.selectivity import selectivity
from neuromorph.analysis.spectrum import power_spectrum
from neuromorph.analysis.table import summarize
from neuromorph.analysis.triggered import triggered_state
from neuromorph.analysis.weights import weight_history
from neuromorph.analysis.whole import analyze
from neuromorph.engine.sink import StateChannel
from neuromorph.errors import InputError
from neuromorph.traces import Trace, stream

STOP = 2000.0


def known(values):
    values = np.asarray(values)
    return values[np.isfinite(values)]


def test_every_number_is_that_of_a_function(write):
    with Trace(write(spikes={"E": random_trains(0)})) as trace:
        row = account(trace, "E", 0.0, STOP)
        times, ids = trace.spikes("E")
        summary = summarize(trace)[0]
    assert {key: row[key] for key in summary} == pytest.approx(summary)
    assert row["fano_factor"]["mean"] == pytest.approx(known(spikes.fano_factor(times, ids, 20, STOP)).mean())
    assert row["intervals"]["cv2"]["median"] == pytest.approx(np.median(known(cv2_isi(times, ids, 20))))
    assert row["intervals"]["lv"]["std"] == pytest.approx(known(lv_isi(times, ids, 20)).std())
    gaps = spikes.interspike_intervals(times, ids)[0]
    assert (row["intervals"]["count"], row["intervals"]["mean_ms"]) == (len(gaps), pytest.approx(gaps.mean()))
    edges = row["intervals"]["histogram"]["edges_ms"]
    assert edges[0] <= gaps.min() < edges[1]
    assert edges[-2] <= gaps.max() < edges[-1]
    assert np.histogram(gaps, edges)[0].sum() == sum(row["intervals"]["histogram"]["counts"]) == len(gaps)
    bins = make_bins(0.0, STOP, 5.0)
    upper = count_correlation(times, ids, 20, bins)[np.triu_indices(20, 1)]
    assert row["correlation"]["neurons"] == 18  # two are silent
    assert row["correlation"]["mean"] == pytest.approx(known(upper).mean())
    wide = participation_ratio(count_covariance(times, ids, 18, bins))
    assert row["dimensionality"]["participation_ratio"] == pytest.approx(wide)
    number, share = neuron_bursts(times, ids, 20)
    assert row["bursts"]["number"] == number.sum() > 0
    within = np.nansum(share * spikes.spike_counts(ids, 20))
    assert row["bursts"]["share_of_spikes"] == pytest.approx(within / len(ids))
    rates = known(spikes.firing_rates(ids, 20, STOP))
    assert row["rates_of_active_hz"]["number"] == 18
    assert row["rates_of_active_hz"]["mean"] == pytest.approx(rates[rates > 0].mean())
    assert row["rates_of_active_hz"]["q95"] == pytest.approx(np.quantile(rates[rates > 0], 0.95))
    rate = spikes.population_rate(times, 20, STOP, 20.0)[1]
    assert row["rate_over_time"]["hz"] == pytest.approx(rate)
    fine = spikes.population_rate(times, 20, STOP, 1.0)[1]
    frequencies, density = power_spectrum(fine, 1.0, 2 * (2000 // 9))
    assert row["spectrum"]["density_hz2_per_hz"] == pytest.approx(density, rel=1e-9, abs=1e-12)
    assert row["spectrum"]["peak_hz"] == frequencies[1:][density[1:].argmax()]
    assert row["cross_correlogram"]["ratio_at_0"] == pytest.approx(1.0, abs=0.25)  # independent cells
    json.dumps(row, allow_nan=False)


def test_network_bursts_are_those_of_a_function(write):
    times = np.concatenate([np.arange(1.0, 1999.0, 10.0), *(np.full(30, t) for t in (205.5, 214.5, 999.0))])
    ids = np.arange(len(times)) % 20
    with Trace(write(spikes={"E": (times, ids)})) as trace:
        row = account(trace, "E", 0.0, STOP)["bursts"]["network"]
    found = network_bursts(times, make_bins(0.0, STOP, 10.0))
    assert row["number"] == len(found.spikes) == 2
    assert row["share_of_spikes"] == pytest.approx(found.spikes.sum() / len(times))
    assert row["first_start_ms"] == found.start_ms.tolist() == [200.0, 990.0]
    assert row["mean_duration_ms"] == pytest.approx((20.0 + 10.0) / 2)
    mean = len(times) / 200
    assert row["threshold_spikes"] == pytest.approx(mean + 5 * mean**0.5)


def test_part_of_a_run(write):
    times, ids = random_trains(3)
    with Trace(write(spikes={"E": (times, ids)})) as trace:
        row = account(trace, "E", 500.0, 1500.0)
        times, ids = trace.spikes("E", 500.0, 1500.0)
    assert row["spikes"] == len(times)
    fano = known(spikes.fano_factor(times, ids, 20, 1000.0, 100.0, 500.0))
    assert row["fano_factor"]["mean"] == pytest.approx(fano.mean())
    assert row["synchrony"] == pytest.approx(spikes.synchrony(times, 1000.0, 3.0, 500.0))


def test_a_sample(write):
    with Trace(write(spikes={"E": random_trains(0)})) as trace:
        one, other, again = (account(trace, "E", 0, STOP, Settings(sample=5, seed=seed)) for seed in (0, 1, 0))
    assert one["correlation"]["neurons"] == other["correlation"]["neurons"] == 5
    assert one == again
    assert one["correlation"] != other["correlation"]
    assert {key: one[key] for key in ("intervals", "bursts", "fano_factor")} == {
        key: other[key] for key in ("intervals", "bursts", "fano_factor")
    }


def test_events(write):
    labels = ["a", "b"] * 20
    events = Events(np.arange(40) * 45.0 + 10.0, labels, (0.0, 30.0))
    with Trace(write(spikes={"E": random_trains(2)})) as trace:
        row = account(trace, "E", 0.0, STOP, events=events)
        times, ids = trace.spikes("E")
    expected = selectivity(times, ids, 20, events.times_ms, labels, (0.0, 30.0))
    assert row["selectivity"]["labels"] == ["a", "b"]
    assert row["selectivity"]["sparseness"]["mean"] == pytest.approx(known(expected.sparseness).mean())
    best = row["selectivity"]["most_selective"][0]
    assert best["sparseness"] == np.nanmax(expected.sparseness) == expected.sparseness[best["neuron"]]
    assert sum(row["selectivity"]["neurons_preferring"]) == (expected.mean.sum(axis=1) > 0).sum()
    assert row["psth"]["hz"] == pytest.approx(psth(times, events.times_ms, 20, 0.0, 30.0, 5.0)[1])


SILENT = {"cv_isi": None, "synchrony": None, "spikes": 0, "mean_rate_hz": 0.0, "active_fraction": 0.0}


def test_nothing_to_count(write):
    """No spikes, one spike, one neuron, a run of no length: None, never an error."""
    path = write(spikes={"one": ([10.0], [0]), "clock": (np.arange(1.0, 101.0), np.zeros(100)), "none": ([], [])})
    with Trace(path) as trace:
        none, one, clock = (account(trace, name, 0.0, STOP) for name in ("none", "one", "clock"))
        events = Events(np.array([5.0]), ["a"])
        assert account(trace, "none", 0.0, STOP, events=events)["selectivity"]["most_selective"] == []
    assert {key: none[key] for key in SILENT} == SILENT
    assert "correlation" not in none
    assert one["intervals"]["mean_ms"] is one["intervals"]["cv"]["mean"] is one["correlation"]["mean"] is None
    assert one["synchrony"] == pytest.approx(1.0)
    assert clock["intervals"]["cv"]["mean"] == pytest.approx(0.0, abs=1e-9)
    assert clock["dimensionality"]["participation_ratio"] == pytest.approx(1.0)
    assert clock["correlation"]["pairs"] == 0
    with Trace(write("b.h5", {"E": ([], [])}, simulated_ms=0.0, status="interrupted")) as trace:
        found = analyze(trace)
    assert found["populations"][0]["mean_rate_hz"] is None
    assert (found["ended_early"], found["status"]) == (True, "interrupted")
    json.dumps([none, one, clock, found], allow_nan=False)


def test_a_run_too_short_for_bins(write):
    with Trace(write(spikes={"E": ([0.1, 0.2, 0.3], [0, 1, 0])}, simulated_ms=0.4)) as trace:
        row = account(trace, "E", 0.0, 0.4)
    assert row["spectrum"] is None
    assert row["fano_factor"]["mean"] is None
    assert row["mean_rate_hz"] == pytest.approx(375.0)


def test_what_a_file_claims_costs_nothing(write):
    path = write(spikes={"E": ([10.0, 10.1, 2000.0], [0, 19, 3])})
    with h5py.File(path, "r+") as file:
        file["spikes/E"].attrs["size"] = 2**31 - 1
        file["spikes/E/node_ids"][2] = 2**31 - 2
        file.attrs["simulated_ms"] = 1e14
    with Trace(path) as trace:
        row = analyze(trace)["populations"][0]
    assert (row["size"], row["spikes"], row["correlation"]["neurons"]) == (2**31 - 1, 3, 3)


def test_which_populations(write):
    with Trace(write(spikes={"E": random_trains(0), "I": random_trains(1)})) as trace:
        assert [row["population"] for row in analyze(trace)["populations"]] == ["E", "I"]
        assert [row["population"] for row in analyze(trace, ["I", "I"])["populations"]] == ["I"]
        with pytest.raises(InputError, match=r"no population 'J' in this trace. Known: E, I"):
            analyze(trace, ["J"])
        with pytest.raises(InputError, match=r"start: the interval is empty, found 2000.0 \(allowed: below 2000 ms"):
            analyze(trace, start_ms=2000.0)


def test_what_else_was_recorded(recorded):
    with Trace(recorded()) as trace:
        found = analyze(trace)
        assert analyze(trace, [])["states_around_spikes"] == {}
        history = weight_history(trace, "E_E")
        missing = analyze(trace, stop_ms=0.5)
        later = others.weights(trace, 1.0, 10.0)
    weights = found["weights"]["E_E"]
    assert (weights["synapses"], weights["rows"], weights["to_ms"]) == (3, 5, 200.0)
    assert weights["before"]["mean"] == pytest.approx(2 / 3)
    assert weights["after"]["max"] == pytest.approx(1.0)
    assert weights["drift"] | {"correlation": 0} == pytest.approx(
        {"mean": 0.4 / 3, "rms": 0.4 / 3**0.5, "changed": 1 / 3, "correlation": 0}
    )
    assert weights["over_time"]["rms_drift"] == pytest.approx(np.arange(5) * 0.1 / 3**0.5)
    assert sum(weights["histogram"]["before"]) == sum(weights["histogram"]["after"]) == 3
    assert history.last.tolist() == pytest.approx([0.5, 0.9, 1.0])
    assert "no weights were recorded between these times" in later["E_E"]["missing"]
    assert "fewer than two rows of this state" in missing["states_around_spikes"]["E.V_m"]["missing"]
    assert found["learning"]["error"]["tail"] == pytest.approx(np.linspace(1.0, 0.1, 50)[-5:].mean())
    assert [column["last"] for column in found["learning"]["classes"]["columns"]] == [0.5, 2.0]


def test_a_state_without_spikes(write):
    def fill(writer):
        for k in range(3):
            writer.state(0, float(k), np.array([1.0]))

    states = [StateChannel("I", "V_m", "mV", np.array([0]), 1.0)]
    with Trace(write(spikes={"E": random_trains(0)}, fill=fill, states=states)) as trace:
        found = analyze(trace)["states_around_spikes"]
    assert found == {"I.V_m": {"missing": "the spikes of I were not recorded"}}


def test_states_around_spikes(recorded):
    """Cells 0 and 3 are recorded: k % 7 and -k in row k, of 0.5 ms; cell 3 spikes in rows 100 and 161."""
    with Trace(recorded()) as trace:
        found = triggered_state(trace, "E", "V_m", (-2.0, 2.0))
        shown = others.states_around_spikes(trace, ["E"], (-2.0, 2.0))["E.V_m"]
    assert found.spikes.tolist() == [1, 2]
    assert found.lags_ms.tolist() == [-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5]
    assert found.mean[:, 0].tolist() == [(40 + k) % 7 for k in range(-4, 4)]
    assert found.mean[:, 1].tolist() == [-130.5 - k for k in range(-4, 4)]
    assert (shown["spikes"], shown["cells"], shown["unit"]) == (3, 2, "mV")
    assert shown["mean"] == pytest.approx([((40 + k) % 7 + 2 * (-130.5 - k)) / 3 for k in range(-4, 4)])


DOCS = Path(neuromorph.__file__).parents[1] / "docs" / "analysis.md"


@pytest.mark.skipif(not DOCS.exists(), reason="not in a source tree")
def test_every_number_is_in_the_docs(write):
    """And nothing is in the docs that is not there."""
    events = Events(np.array([100.0, 300.0]), ["a", "b"])
    with Trace(write(spikes={"E": random_trains(0)})) as trace:
        found = analyze(trace, events=events)
    row = found["populations"][0]
    rows = re.findall(r"^\| [^|]*\| (`[^|]+)\|", DOCS.read_text(encoding="utf-8"), re.M)
    named = {name for cell in rows for name in re.findall(r"`([\w.]+)`", cell)} - {"analyze", "compare"}
    for name in named:
        value = row
        for key in name.split("."):
            value = value[key]
    assert {name.split(".")[0] for name in named} == set(row) - {"population", "size", "spikes"}


def test_tables_of_events(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("time_ms,label\n5,a\n\n2.5, b\n")
    times, labels = read_events(path)
    assert (times.tolist(), labels) == ([5.0, 2.5], ["a", "b"])
    for text, words in (
        ("t,l\n1,a\n", r"not a table of events, found 't,l' \(allowed: time_ms,label\)"),
        ("", "not a table of events, found ''"),
        ("time_ms,label\n", "there are no events in this table"),
        ("time_ms,label\n1,a\nx,b\n", r"line 3: the time of an event is no number, found 'x'"),
        ("time_ms,label\ninf,b\n", "the time of an event is no number"),
        ("time_ms,label\n1\n", r"line 2: a row of events has a time and a label, found '1'"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=words):
            read_events(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="the events cannot be read"):
        read_events(path)
    with pytest.raises(InputError, match="the events cannot be read: No such file"):
        read_events(tmp_path / "none.csv")


@pytest.mark.parametrize("block", [10, 1 << 20])
@pytest.mark.parametrize("names", [("E", "I"), ("I", "E"), ("E/0", "E/1"), ("E/2", "I"), ("E", "E"), ("none", "E")])
def test_pairs_of_populations_and_neurons(write, monkeypatch, block, names):
    monkeypatch.setattr(stream, "SPIKES", block)
    few = random_trains(1)
    path = write(spikes={"E": random_trains(0), "I": (few[0][::40], few[1][::40]), "none": ([], [])})
    with Trace(path) as trace:
        for span in ((None, None), (300.0, 1500.0)):
            found = pair_correlogram(trace, *names, 2.0, 40.0, *span)
            trains = []
            for name in names:
                times, ids = trace.spikes(name.split("/")[0], *span)
                trains.append(times[ids == int(name[2:])] if "/" in name else times)
            lags, pairs = cross_correlogram(*trains, span[0] or 0.0, span[1] or STOP, 2.0, 40.0)
            assert found["pairs"] == pairs.tolist()
            assert found["lags_ms"] == lags.tolist()
            assert found["spikes"] == [len(train) for train in trains]
            bins = 1000 if span[0] is None else 600
            assert found["expected"] == pytest.approx(len(trains[0]) * len(trains[1]) / bins)


def test_pairs_that_are_not_there(write):
    with Trace(write(spikes={"E": random_trains(0)})) as trace:
        for name, words in (
            ("F", r"no population 'F' in this trace. Did you mean 'E'\?|no population 'F' in this trace. Known: E"),
            ("F/1", "no population 'F' in this trace"),
            ("E/20", r"no neuron of 'E', found '20' \(allowed: 0 to 19\)"),
            ("E/x", "no neuron of 'E', found 'x'"),
        ):
            with pytest.raises(InputError, match=words):
                pair_correlogram(trace, "E", name)
    nothing = pytest.raises(InputError, match="nothing was simulated, so there are no pairs")
    with Trace(write("b.h5", {"E": ([], [])}, simulated_ms=0.0)) as trace, nothing:
        pair_correlogram(trace, "E", "E")

"""The parts of a page without a browser: packing, densities, wiring, drawing, escaping, refusals."""

from __future__ import annotations

import base64
import json
import re
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

from neuromorph.engine.sink import RunDescription, StateChannel, WeightChannel
from neuromorph.errors import InputError
from neuromorph.report.page import build, markup
from neuromorph.report.page.bands import bands, in_order
from neuromorph.report.page.build import report
from neuromorph.report.page.coding import MOST_TICKS, pack, tick_ms
from neuromorph.report.page.density import Density
from neuromorph.report.page.distributions import sample
from neuromorph.report.page.facts import facts
from neuromorph.report.page.graph import graph
from neuromorph.report.page.panels import bin_of, envelope, extremes
from neuromorph.report.page.weights import binned, course
from neuromorph.report.page.wiring import wiring
from neuromorph.traces import Trace, TraceWriter
from page_traces import NETWORK, description, fill, recorded

pytest.importorskip("bokeh", reason="bokeh is not installed")


@pytest.fixture
def trace(tmp_path):
    with Trace(recorded(tmp_path / "a.h5")) as opened:
        yield opened


# -- packing -----------------------------------------------------------------------------------------------------------


def unpack(packed, spikes, tick):
    """(times, ids) as the page's script reads them."""
    raw = np.frombuffer(zlib.decompress(base64.b64decode(packed.text)), np.uint8).reshape(packed.planes + 1, spikes)
    deltas = sum(raw[k].astype(np.int64) << 8 * k for k in range(packed.planes))
    ticks, ids, at = np.zeros(spikes, np.int64), np.zeros(spikes, np.int64), 0
    for number, first, count in packed.blocks:
        ticks[at : at + count] = first + np.cumsum(deltas[at : at + count])
        ids[at : at + count] = number * 256 + raw[-1, at : at + count].astype(np.int64)
        at += count
    assert at == spikes
    return ticks * tick, ids


@pytest.mark.parametrize(("size", "span"), [(1, 10), (256, 1000), (257, 100_000), (100_000, 2**31 - 10)])
def test_packed_spikes_are_the_spikes(size, span):
    rng = np.random.default_rng(size)
    times, ids = np.sort(rng.integers(0, span, 500)) * 0.1 + 40.0, rng.integers(0, size, 500)
    found = unpack(pack(times, ids, 40.0, 0.1), 500, 0.1)
    ticks = np.rint((times - 40.0) * 10).astype(int)
    assert sorted(zip(np.rint(found[0] * 10).astype(int), found[1])) == sorted(zip(ticks, ids))


def test_nothing_is_packed_as_nothing():
    packed = pack(np.zeros(0), np.zeros(0, np.int64), 0.0, 0.1)
    assert packed.as_json() == {"planes": 1, "blocks": []}
    assert zlib.decompress(base64.b64decode(packed.text)) == b""


def test_ticks():
    assert tick_ms(0.1, 1000.0) == 0.1
    assert tick_ms(None, 1000.0) == 0.01
    assert 1e12 / tick_ms(0.1, 1e12) < MOST_TICKS


# -- strips and densities ----------------------------------------------------------------------------------------------


def test_bands_fill_the_height_and_none_is_too_thin():
    found = bands({"big": 10_000, "small": 1})
    assert (found[0].top, found[-1].bottom) == (1.0, pytest.approx(0.0))
    assert found[0].bottom == found[1].top
    assert found[1].top - found[1].bottom > 0.04
    assert (found[0].unit, found[1].unit) == (16, 1)
    assert bands({"claimed": 2**31 - 1})[0].unit == 2**21


def test_bands_stand_in_the_order_of_the_description():
    assert list(in_order({"A": 1, "I": 20, "E": 80}, NETWORK)) == ["E", "I", "A"]


def counted(times, ids, rows, unit, bin_ms, bins):
    expected = np.zeros((rows, bins), np.int64)
    np.add.at(expected, (ids // unit, (times / bin_ms).astype(int)), 1)
    return expected


def test_a_density_counts_and_grows():
    rng = np.random.default_rng(3)
    times, ids = np.sort(rng.uniform(0, 100, 1000)), rng.integers(0, 50, 1000)
    density = Density(50, 8, 1.0, bins=16)
    for part in np.array_split(np.arange(1000), 7):
        density.add(times[part], ids[part])
    assert density.bin_ms == 8.0
    np.testing.assert_array_equal(density.counts, counted(times, ids, 7, 8, 8.0, 16))
    assert density.between(0.0, 128.0) == 1000
    edges, totals = density.totals(16.0, 64.0)
    np.testing.assert_array_equal(edges, np.arange(16.0, 72.0, 8.0))
    np.testing.assert_array_equal(totals, np.histogram(times, edges)[0])
    assert density.totals(16.0, 64.0, most=3)[1].sum() == totals.sum()


def test_a_window_of_a_density():
    rng = np.random.default_rng(4)
    times, ids = np.sort(rng.uniform(0, 64, 3000)), rng.integers(0, 32, 3000)
    density = Density(32, 2, 1.0, bins=64)
    density.add(times, ids)
    image, low, high, step = density.window(16.0, 48.0, 8, 24, 32, 8)
    assert (low, high, step) == (8, 24, 1.0)
    expected = counted(times, ids, 16, 2, 1.0, 64)[4:12, 16:48][::-1]  # the topmost row has the last cells
    np.testing.assert_array_equal(image, expected)
    np.testing.assert_array_equal(density.window(16.0, 48.0, 8, 24, 2, 2)[0].sum(), expected.sum())
    wide = density.window(16.0, 48.0, 8, 24, 64, 8)[0]  # a bin over two pixels
    np.testing.assert_array_equal(wide, np.repeat(expected, 2, axis=1))
    assert not density.window(500.0, 600.0, 0, 32, 10, 4)[0].any()


# -- panels ------------------------------------------------------------------------------------------------------------


def test_bins():
    assert bin_of(1000.0, 10**6) == 1.0
    assert bin_of(1000.0, 0) == 20.0
    assert bin_of(1000.0, 10**6, step_ms=3.0) == 3.0
    assert bin_of(0.0, 10) == 0.0


def test_extremes_keep_the_least_and_the_greatest():
    times, values = np.arange(1003.0), np.zeros((1003, 2))
    values[500, 0], values[777, 1], values[1002, 0] = 9.0, -9.0, 5.0
    at, kept = extremes(times, values, 100)
    assert len(at) == len(kept) < 250
    assert (kept[:, 0].max(), kept[:, 1].min(), kept[-1, 0]) == (9.0, -9.0, 5.0)
    assert (np.diff(at) > 0).all()
    assert extremes(times[:50], values[:50], 100)[0].tolist() == times[:50].tolist()


@pytest.mark.parametrize("parts", [1, 7])
def test_an_envelope_has_the_readings(trace, parts):
    times, values, indices, unit, read = envelope(trace, "E", "V_m", 0.0, 100.0, parts=parts)
    expected = trace.state("E", "V_m")
    np.testing.assert_array_equal(times, expected.times)
    np.testing.assert_array_equal(values, expected.values)
    assert (indices.tolist(), unit, read) == ([0, 3], "mV", 200)


@pytest.mark.parametrize("numbers", [2**20, 1])
def test_the_course_of_weights(trace, monkeypatch, numbers):
    monkeypatch.setattr("neuromorph.traces.stream.NUMBERS", numbers)
    found, all_of = course(trace, "E_E"), trace.weights("E_E")
    np.testing.assert_array_equal(found.times, all_of.times)
    np.testing.assert_allclose(found.mean, all_of.values.astype(float).mean(axis=1))
    np.testing.assert_array_equal(found.first, all_of.values[0])
    np.testing.assert_array_equal(found.last, all_of.values[-1])


def test_a_matrix_of_many_cells_shows_means():
    source, target = np.array([0, 1, 0, 299]), np.array([0, 0, 2, 299])
    found, extent = binned(source, target, np.array([1.0, 3.0, 5.0, -2.0]), 300, 300)
    assert found.shape == (100, 100)
    assert extent == (-0.5, -0.5, 300, 300)
    assert (found[0, 0], found[99, 99]) == (3.0, -2.0)
    assert np.isnan(found[50, 50])


ODD = ({}, [], [[]], "", "pA", {"low": "x"}, None, float("nan"))


# -- the network -------------------------------------------------------------------------------------------------------


def test_wiring():
    nodes, edges = wiring(NETWORK)
    assert [(n.name, n.size, n.is_input) for n in nodes] == [("noise", 80, True), ("E", 80, False), ("I", 20, False)]
    assert [(e.source, e.target, e.sign, e.plastic) for e in edges] == [
        ("noise", "E", 1, False), ("E", "E", 1, True), ("E", "I", 1, False), ("I", "E", -1, False),
    ]  # fmt: skip
    assert "learns by pair_stdp" in edges[1].facts


def test_wiring_of_single_neurons():
    neurons = [{"names": [0, 1], "model": "lif_exp"}, {"names": ["kick"], "model": "spike_train"}]
    network = {"neurons": neurons, "edges": [{"source": [0, "kick"], "target": [1, 0], "weight": 1.0}]}
    nodes, edges = wiring(network)
    assert [(n.name, n.size, n.is_input) for n in nodes] == [("spike_train", 1, True), ("lif_exp", 2, False)]
    assert [(e.source, e.target, e.facts) for e in edges] == [
        ("lif_exp", "lif_exp", ("1 synapses",)), ("spike_train", "lif_exp", ("1 synapses",)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "network",
    [
        {}, {"populations": 5}, {"populations": {"E": 3}}, {"populations": {"E": {"size": "many"}}, "projections": "x"},
        {"populations": {"E": {"size": -1}}, "projections": [5, {"source": "E"}, {"source": ["E"], "target": "E"}]},
        {"neurons": 5}, {"neurons": [], "edges": 3}, {"neurons": [{"names": 3}, 7], "edges": [5, {"source": 1}]},
        {"neurons": [{"names": [[1, 2]], "model": None}], "edges": [{"source": [[1, 2]], "target": [{}]}]},
        {"populations": {"E": {}}, "projections": [{"source": "E", "target": "E", "weight": w} for w in ODD]},
    ],
)  # fmt: skip
def test_a_description_may_hold_anything(network):
    assert graph(network).startswith(("<svg", "<p"))


def test_a_graph_names_what_it_draws():
    drawn = graph(NETWORK)
    assert drawn.count('class="node') == 3
    assert len(re.findall(r'class="edge excites', drawn)) == 3
    assert 'class="edge inhibits"' in drawn
    assert "E \u2192 E" in drawn
    many = {"populations": {f"P{k}": {"size": 1} for k in range(61)}}
    assert "61 populations and inputs are too many to be drawn" in graph(many)


def test_all_to_all_stands_on_a_circle():
    names = [f"P{k}" for k in range(8)]
    projections = [{"source": a, "target": b, "weight": 1.0} for a in names for b in names]
    drawn = graph({"populations": {n: {"size": 1} for n in names}, "projections": projections})
    places = re.findall(r'<rect x="(-?[\d.]+)" y="(-?[\d.]+)"', drawn)
    assert len(set(places)) == 8
    assert len({x for x, _ in places}) > 3


# -- the page ----------------------------------------------------------------------------------------------------------


def test_the_page_loads_nothing_and_runs_its_own_scripts_alone(trace, tmp_path):
    text = report(trace, tmp_path / "a.html").read_text()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert policy.count("'sha256-") == 8
    assert "unsafe-eval" not in policy
    shell = re.sub(r"<script>.*?</script>", "", text, flags=re.S)
    assert not re.search(r'(src|href)="(?!data:)', shell.split("<main>")[0])
    assert "http" not in shell.replace("http-equiv", "")
    assert text.count("<script") == text.count("</script>") == 8 + 1 + 2


def test_numbers_of_the_page_are_those_of_the_trace(trace, tmp_path):
    text = report(trace, tmp_path / "a.html").read_text()
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])
    assert [band["name"] for band in data["raster"]["bands"]] == ["E", "I"]
    assert [sum(block[2] for block in one["blocks"]) for one in data["raster"]["packed"]] == [800, 400]
    assert "<td>800</td><td>100</td><td>" in text  # spikes, and 800 / (80 x 0.1 s)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("/somewhere/bin/neuromorph run a.toml", "neuromorph run a.toml"),
        ("/lib/neuromorph_cli/__main__.py run a.toml", "neuromorph run a.toml"),
        ("mine.py --fast", "mine.py --fast"),
    ],
)
def test_the_command_is_shown_as_it_is_typed(tmp_path, given, shown):
    with Trace(recorded(tmp_path / "a.h5", filled=False, provenance={"command": given})) as trace:
        assert ("command", shown) in facts(trace, trace.summary())


def test_an_interval_shows_itself_alone(trace, tmp_path):
    text = report(trace, tmp_path / "a.html", start_ms=40.0, stop_ms=60.0).read_text()
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])["raster"]
    assert (data["start_ms"], data["stop_ms"]) == (40.0, 60.0)
    for name, one in zip(("E", "I"), data["packed"]):
        assert sum(block[2] for block in one["blocks"]) == len(trace.spikes(name, 40.0, 60.0)[0])


def test_a_long_trace_is_sampled_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "MOST", 100)
    monkeypatch.setattr("neuromorph.report.page.gather.CHUNK", 100)
    with Trace(recorded(tmp_path / "a.h5")) as trace:
        text = report(trace, tmp_path / "a.html").read_text()
    assert "1,200 spikes are too many to be carried one by one" in text
    assert re.search(r"Active cells, intervals and CV are those of the first \d+ ms or more: the trace is long", text)
    assert 'id="density-1"' in text
    assert 'id="spikes-0"' not in text


def test_an_interval_of_a_long_trace_has_its_spikes_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "MOST", 100)
    with Trace(recorded(tmp_path / "a.h5")) as trace:
        text = report(trace, tmp_path / "a.html", start_ms=10.0, stop_ms=14.0).read_text()
        assert 'id="spikes-0"' in text
        text = report(trace, tmp_path / "a.html", start_ms=10.0, force=True).read_text()
        assert 'id="density-0"' in text


@pytest.mark.parametrize("ending", ["running", "killed"])
def test_a_run_that_has_not_ended(tmp_path, ending):
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(description())
    fill(writer)
    writer.flush()
    if ending == "killed":
        writer._release()  # as the system does with the lock of a process that is gone
    with Trace(tmp_path / "a.h5") as trace:
        assert trace.status == ending
        text = report(trace, tmp_path / "a.html").read_text()
    words = {
        "running": "This run is still going on: what follows is what was recorded until then, at 99.9 ms",
        "killed": "The process of this run was killed: it ended early, at 99.9 ms of simulated time.",
    }
    assert words[ending] in text


def test_a_foreign_recording(tmp_path):
    import h5py

    with h5py.File(tmp_path / "theirs.h5", "w") as file:
        file.attrs["magic"] = np.uint32(0x0A7A)
        group = file.create_group("spikes/thalamus")
        group["timestamps"] = np.array([3.0, 1.0, 2.0])
        group["node_ids"] = np.array([0, 4, 2], np.uint32)
    with Trace(tmp_path / "theirs.h5") as trace:
        text = report(trace, tmp_path / "a.html").read_text()
    assert "recorded by another program" in text
    assert "The trace holds no description of a network" in text
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])["raster"]
    assert sum(block[2] for block in data["packed"][0]["blocks"]) == 3


def test_no_population_at_all(tmp_path):
    empty = {"populations": {}, "states": [], "weights": [], "signals": [], "network": {}}
    with Trace(recorded(tmp_path / "a.h5", filled=False, **empty)) as trace:
        text = report(trace, tmp_path / "a.html").read_text()
    assert text.count("No population was recorded.") == 2


def test_weights_that_are_no_numbers_or_were_not_read(tmp_path):
    channels = [WeightChannel(name, "E", "E", "pA", np.arange(2), np.arange(2), 1.0) for name in ("lost", "never")]
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(description(weights=channels, states=[]))
    writer.weight(0, 0.0, np.array([1.0, np.nan], np.float32))
    writer.close({"status": "complete", "simulated_ms": 10.0})
    with Trace(tmp_path / "a.h5") as trace:
        text = report(trace, tmp_path / "a.html").read_text()
    assert "Some of these weights are no finite numbers; none is drawn." in text
    assert "No reading of these weights was recorded." in text


def test_more_than_a_page_shows_is_counted(tmp_path):
    names = [f"P{k:02d}" for k in range(14)]
    states = [StateChannel(name, "V_m", "mV", np.arange(10), 1.0) for name in names]
    weights = [WeightChannel(f"W{k}", "P00", "P01", "pA", np.arange(2), np.arange(2), 1.0) for k in range(14)]
    run = RunDescription(0.1, 0.1, dict.fromkeys(names, 10), states=states, weights=weights)
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(run)
    writer.spikes("P03", np.arange(20), np.zeros(20), np.arange(20) % 10)
    for k in range(14):
        writer.state(k, 0.0, np.zeros(10))
        writer.weight(k, 0.0, np.ones(2, np.float32))
    writer.close({"status": "complete", "simulated_ms": 10.0})
    with Trace(tmp_path / "a.h5") as trace:
        text = report(trace, tmp_path / "a.html").read_text()
    for words in ("2 more recorded states are not shown.", "2 more recorded projections are not shown.",
                  "The first 8 of 10 recorded cells.", "all populations"):  # fmt: skip
        assert words in text


def test_sizes_that_a_file_claims_take_no_memory(tmp_path, monkeypatch):
    """Populations of 2^31 - 1 cells each: only what fired is there."""
    monkeypatch.setattr("neuromorph.report.page.bands.MOST_BANDS", 20)
    claimed = {f"P{k:03d}": 2**31 - 1 for k in range(30)}
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(RunDescription(0.1, 0.1, claimed))
    writer.spikes("P000", np.array([1, 2]), np.zeros(2), np.array([0, 2**31 - 2]))
    writer.close({"status": "complete", "simulated_ms": 1.0})
    tracemalloc.start()
    with Trace(tmp_path / "a.h5") as trace:
        text = report(trace, tmp_path / "a.html").read_text()
    assert tracemalloc.get_traced_memory()[1] < 2e8
    tracemalloc.stop()
    assert "10 more populations are not shown." in text
    assert text.count("<tr>") == 21


def test_silent_cells_have_a_rate_too():
    found = sample(np.array([1.0, 2.0, 3.0]), np.array([4, 4, 7]), 10, 100.0)
    assert (found.rates.tolist(), found.silent) == ([20.0, 10.0], 8)
    assert found.intervals.tolist() == [1.0]


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.png", r"a.png: a page is a file of HTML, found '.png' \(allowed: .html\)"),
        ("there.html", "there.html: the file exists already. Choose another name, or overwrite it with force=True"),
        ("folder.html", "folder.html: this is a folder. Say which file in it shall be written."),
        ("none/a.html", "none is no folder. Choose a folder that exists."),
    ],
)
def test_what_cannot_be_written_is_refused(trace, tmp_path, name, words):
    (tmp_path / "there.html").write_text("mine")
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(InputError, match=words):
        report(trace, tmp_path / name)
    assert (tmp_path / "there.html").read_text() == "mine"


def test_force_overwrites(trace, tmp_path):
    (tmp_path / "there.html").write_text("mine")
    report(trace, tmp_path / "there.html", force=True)
    assert "<canvas" in (tmp_path / "there.html").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5", "there.html"]


def test_a_disk_that_refuses(trace, tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(InputError, match="cannot be written: No space left on device. Make room, or choose a folder"):
        report(trace, tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()


def test_a_time_outside_the_run(trace, tmp_path):
    with pytest.raises(InputError, match=r"the interval is empty, found 200.0 \(allowed: below 100 ms, the end of the"):
        report(trace, tmp_path / "a.html", start_ms=200.0)


def test_without_bokeh(trace, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bokeh.plotting", None)
    with pytest.raises(InputError, match=r"a page needs the package bokeh. pip install 'neuromorph\[report\]'"):
        report(trace, tmp_path / "a.html")


def test_scripts_cannot_end_early():
    assert markup._closed("a </script> b <!-- c") == "a <\\/script> b <\\!-- c"
    assert "</script" not in markup.safe_json({"a": "</script><!--"})

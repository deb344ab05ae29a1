"""What is written is what is read, in every form a trace can have."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromorph.engine.sink import RunDescription, StateChannel
from neuromorph.errors import InputError
from neuromorph.traces import Trace, TraceWriter
from neuromorph.traces.schema import escape, unescape

FORMS = [{}, {"compression": "zstd"}]
DONE = {"status": "complete", "simulated_ms": 3.0, "spikes": 4, "synaptic_events": 9}


@pytest.fixture(params=FORMS, ids=["plain", "zstd"])
def form(request):
    if "compression" in request.param:
        pytest.importorskip("hdf5plugin", reason="compression needs hdf5plugin")
    return request.param


@pytest.mark.parametrize("exact", [False, True])
def test_everything_comes_back(tmp_path, describe, record, form, exact):
    path, run = tmp_path / "a.h5", describe(exact)
    writer = TraceWriter(path, **form)
    record(writer, run)
    writer.close(DONE)
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]

    with Trace(path) as trace:
        offset = np.array([0.01, 0.02, 0.03]) * exact
        times, ids = trace.spikes("E")
        np.testing.assert_array_equal(times, np.array([1, 1, 5]) * 0.1 + offset)
        np.testing.assert_array_equal(ids, [3, 4, 99])
        base, offset_ms, ids = trace.instants("E")
        np.testing.assert_array_equal(base, [1, 1, 5])
        np.testing.assert_array_equal(offset_ms, offset)
        assert trace.populations == {"E": 100, "quiet": 5, "layer 2/3": 3}
        assert trace.counts == {"E": 3, "quiet": 0, "layer 2/3": 1}
        assert [len(column) for column in trace.spikes("quiet")] == [0, 0]
        assert trace.spikes("layer 2/3")[1].tolist() == [2]

        assert sorted(trace.states) == [("E", "I_ex"), ("E", "V_m")]
        state = trace.state("E", "V_m")
        np.testing.assert_array_equal(state.times, np.arange(7) * 0.5)
        np.testing.assert_array_equal(state.values, np.array([[k, -k / 3] for k in range(7)]))
        assert (state.indices.tolist(), state.unit) == ([0, 3], "mV")
        np.testing.assert_array_equal(trace.state("E", "V_m", 1.0, 2.0).times, [1.0, 1.5])

        weights = trace.weights("E_E")
        np.testing.assert_array_equal(weights.values, np.array([[0.1, 0.2], [0.3, 0.4]], dtype=np.float32))
        assert (weights.times.tolist(), weights.unit) == ([0.0, 1.0], "mV")
        assert (weights.source.tolist(), weights.target.tolist()) == ([0, 1], [2, 3])
        assert trace.projections == ["E_E"]
        assert {name: [c.tolist() for c in v] for name, v in trace.signals.items()} == {"reward": [[2.0], [-1.0]]}
        np.testing.assert_array_equal(trace.learning["error"], [0.5, 0.25, 0.125])
        np.testing.assert_array_equal(trace.learning["per class"], [[1.0, 2.0], [3.0, np.nan]])
        assert trace.learning_units == {"error": "1", "per class": "Hz"}
        assert trace.network == run.network
        assert trace.provenance == run.provenance


@pytest.mark.parametrize("exact", [False, True])
def test_summary_goes_into_json(tmp_path, describe, record, exact):
    writer = TraceWriter(tmp_path / "a.h5")
    record(writer, describe(exact))
    writer.close(DONE)
    with Trace(tmp_path / "a.h5") as trace:
        found = json.loads(json.dumps(trace.summary()))
        assert (trace.resolution_ms, trace.window_ms) == (None if exact else 0.1, 0.1)
    assert found["resolution_ms"] == ("exact" if exact else 0.1)
    assert (found["status"], found["ended_early"], found["simulated_ms"]) == ("complete", False, 3.0)
    assert (found["spikes"], found["synaptic_events"], found["seed"]) == (4, 9, 2**64 - 1)
    assert found["populations"]["layer 2/3"] == {"size": 3, "spikes": 1}
    assert found["states"] == [["E", "I_ex"], ["E", "V_m"]]
    assert (found["projections"], found["signals"]) == (["E_E"], ["reward"])
    assert found["learning"] == ["error", "per class"]


def test_every_number_has_a_unit_and_every_room_a_version(tmp_path, describe, record):
    writer = TraceWriter(tmp_path / "a.h5")
    record(writer, describe(exact=True))
    writer.close(DONE)
    unitless = set()

    def visit(name: str, item: h5py.HLObject) -> None:
        assert "channel" not in item.attrs
        if isinstance(item, h5py.Dataset) and "units" not in item.attrs:
            unitless.add(name.rsplit("/", 1)[-1])

    with h5py.File(tmp_path / "a.h5") as file:
        file.visititems(visit)
        assert all(file[room].attrs["schema_version"] == 1 for room in file)
        assert set(file) == {"spikes", "report", "weights", "signals", "learning", "network", "provenance"}
    ids = {"node_ids", "source_node_ids", "target_node_ids", "index_pointers", "element_ids"}
    assert unitless == ids | {"base", "json"}


@st.composite
def recordings(draw):
    """Spikes of a few populations in order, cut into blocks, some of them empty."""
    exact = draw(st.booleans())
    window = draw(st.sampled_from([0.1, 0.125, 1.5, 1 / 3]))
    names = draw(st.lists(st.text("aB/.%é ", min_size=1, max_size=4), min_size=1, max_size=3, unique=True))
    blocks = {}
    for name in names:
        base = np.sort(np.array(draw(st.lists(st.integers(0, 10**9), max_size=20)), dtype=np.int64))
        share = draw(st.lists(st.floats(0.01, 1), min_size=len(base), max_size=len(base)))
        offset = np.array(share, dtype=float) * window * exact
        order = np.lexsort((offset, base))
        ids = np.array(draw(st.lists(st.integers(0, 9), min_size=len(base), max_size=len(base))), dtype=np.int64)
        cuts = sorted(draw(st.lists(st.integers(0, len(base)), max_size=3)))
        blocks[name] = [np.split(column[order], cuts) for column in (base, offset, ids)]
    return exact, window, blocks


@settings(max_examples=40, deadline=None)
@given(recordings(), st.data())
def test_any_spikes_come_back(tmp_path_factory, recording, data):
    exact, window, blocks = recording
    path = tmp_path_factory.mktemp("any") / "a.h5"
    writer = TraceWriter(path)
    writer.open(RunDescription(None if exact else window, window, dict.fromkeys(blocks, 10)))
    for name, columns in blocks.items():
        for block in zip(*columns, strict=True):
            writer.spikes(name, *block)
            if data.draw(st.booleans()):
                writer.flush()
    writer.close({"status": "complete"})
    with Trace(path) as trace:
        assert set(trace.populations) == set(blocks)
        for name, columns in blocks.items():
            expected = [np.concatenate(column) for column in columns]
            for found, column in zip(trace.instants(name), expected, strict=True):
                np.testing.assert_array_equal(found, column)
            times, _ = trace.spikes(name)
            assert np.all(np.diff(times) >= 0)
            np.testing.assert_allclose(times, expected[0] * window + expected[1], rtol=1e-15)
            start, stop = sorted(data.draw(st.tuples(st.floats(0, 1e9), st.floats(0, 1e9))))
            inside = (times >= start) & (times < stop)
            np.testing.assert_array_equal(trace.spikes(name, start, stop)[0], times[inside])
            np.testing.assert_array_equal(trace.spikes(name, start, stop)[1], expected[2][inside])


def test_instants_keep_what_ms_lose_after_hours(tmp_path):
    base = np.array([10**8, 10**8, 10**8 + 1])  # windows of 0.1 ms: 1e7 ms
    offset = np.array([1e-11, 0.1 / 3, 2e-11])
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(RunDescription(None, 0.1, {"E": 3}))
    writer.spikes("E", base, offset, np.arange(3))
    writer.close({"status": "complete"})
    with Trace(tmp_path / "a.h5") as trace:
        found = trace.instants("E")
        np.testing.assert_array_equal(found[0], base)
        np.testing.assert_array_equal(found[1], offset)
        assert trace.spikes("E")[0][0] == 1e7  # the offset is gone here, hence base and offset beside it


@pytest.mark.parametrize("flush", [False, True])
def test_times_are_sorted_even_where_rounding_would_swap_them(tmp_path, flush):
    window = 0.1
    base = next(b for b in range(1000) if b * window + window > (b + 1) * window + 1e-18)
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(RunDescription(None, window, {"E": 2}))
    for b, offset, index in [(base, window, 0), (base + 1, 1e-18, 1)]:
        writer.spikes("E", np.array([b]), np.array([offset]), np.array([index]))
        if flush:
            writer.flush()
    writer.close({"status": "complete"})
    with Trace(tmp_path / "a.h5") as trace:
        times, ids = trace.spikes("E")
        assert times[0] <= times[1]
        assert ids.tolist() == [0, 1]
        assert trace.instants("E")[1].tolist() == [window, 1e-18]


def test_blocks_may_be_reused_by_the_engine(tmp_path, describe):
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(describe())
    base, offset, ids, values = np.array([1]), np.zeros(1), np.array([7]), np.array([1.0, 2.0])
    writer.spikes("E", base, offset, ids)
    writer.state(0, 0.0, values)
    base[:], ids[:], values[:] = 99, 99, 99.0
    writer.close({"status": "complete"})
    with Trace(tmp_path / "a.h5") as trace:
        assert [column.tolist() for column in trace.spikes("E")] == [[0.1], [7]]
        assert trace.state("E", "V_m").values.tolist() == [[1.0, 2.0]]


def test_two_recordings_of_one_variable_get_two_names(tmp_path):
    channels = [StateChannel("E", "V_m", "mV", np.array([i]), 1.0 + i) for i in range(2)]
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(RunDescription(0.1, 0.1, {"E": 2}, states=channels))
    for i in range(2):
        writer.state(i, 0.0, np.array([float(i)]))
    writer.close({"status": "complete"})
    with Trace(tmp_path / "a.h5") as trace:
        assert trace.states == [("E", "V_m"), ("E", "V_m_2")]
        assert trace.state("E", "V_m_2").values.tolist() == [[1.0]]


def test_no_cells_no_synapses_no_rows(tmp_path, describe):
    nothing = np.array([], dtype=np.int64)
    run = describe(states=[StateChannel("E", "V_m", "mV", nothing, 0.5)])
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(run)
    writer.state(0, 0.0, np.array([]))
    writer.close({"status": "complete"})
    with Trace(tmp_path / "a.h5") as trace:
        assert trace.state("E", "V_m").values.shape == (1, 0)
        assert trace.weights("E_E").values.shape == (0, 2)
        assert trace.learning == {}


def test_network_and_provenance_take_arrays_and_nothing(tmp_path, describe):
    run = describe(
        network={"sources": np.arange(3), "weight": np.float32(0.5)},
        provenance={"seed": 3, "nothing": None, "text": "json:x", "flag": True, "a/b": [1, 2], "big": 2**80},
    )
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(run)
    writer.close({"status": "complete"})
    with Trace(tmp_path / "a.h5") as trace:
        assert trace.network == {"sources": [0, 1, 2], "weight": 0.5}
        assert trace.provenance == run.provenance


@given(st.text(min_size=1))
def test_escape_is_undone(name):
    assert unescape(escape(name)) == name
    assert "/" not in escape(name)
    assert set(escape(name)) != {"."}


def test_a_curve_keeps_units_and_width(tmp_path, describe):
    writer = TraceWriter(tmp_path / "a.h5")
    writer.learning("error", [1.0, 2.0])  # before the run: kept until there is a file
    writer.open(describe())
    with pytest.raises(InputError, match=r"learning/error: a learning curve keeps its units and width, found 'rows of"):
        writer.learning("error", [[1.0, 2.0]])
    with pytest.raises(InputError, match=r"in Hz.*allowed: rows of shape \(\) in 1, as before"):
        writer.learning("error", 3.0, "Hz")
    writer.close({"status": "complete"})
    with Trace(tmp_path / "a.h5") as trace:
        assert trace.learning["error"].tolist() == [1.0, 2.0]


def test_compression_is_smaller_and_the_same(tmp_path):
    pytest.importorskip("hdf5plugin", reason="compression needs hdf5plugin")
    rng = np.random.default_rng(1)
    ticks, ids = np.sort(rng.integers(1, 10**4, 50_000)), rng.integers(0, 1000, 50_000)
    sizes = []
    for name, compression in (("plain.h5", None), ("small.h5", "zstd")):
        writer = TraceWriter(tmp_path / name, compression=compression)
        writer.open(RunDescription(0.1, 0.1, {"E": 1000}))
        writer.spikes("E", ticks, np.zeros(len(ticks)), ids)
        writer.close({"status": "complete"})
        sizes.append(Path(tmp_path / name).stat().st_size)
    with Trace(tmp_path / "plain.h5") as plain, Trace(tmp_path / "small.h5") as small:
        for window in [(None, None), (100.0, 200.05)]:
            for a, b in zip(plain.spikes("E", *window), small.spikes("E", *window), strict=True):
                np.testing.assert_array_equal(a, b)
    assert sizes[1] < sizes[0] / 4

"""Blocks out of a file are what the file holds, and memory does not go with their number."""

from __future__ import annotations

import tracemalloc

import h5py
import numpy as np
import pytest

from analysis.trains import random_trains
from neuromorph.analysis import whole
from neuromorph.analysis.account import account
from neuromorph.analysis.compare import compare
from neuromorph.errors import TraceError
from neuromorph.traces import Trace, stream
from neuromorph.traces.stream import SpikeStream, state_rows, weight_rows


@pytest.mark.parametrize("exact", [False, True])
def test_blocks_of_spikes(write, exact):
    path = write(spikes={"E": random_trains(0), "I": random_trains(1)}, exact=exact)
    with Trace(path) as trace:
        for span in ((None, None), (100.0, 900.0), (500.0, 500.0), (1999.0, 9e9)):
            found = SpikeStream(trace, "E", *span, block=100)
            times, ids = trace.spikes("E", *span)
            parts = list(found)
            assert len(found) == len(times)
            assert all(0 < len(part[0]) <= 100 for part in parts)
            assert np.concatenate([np.empty(0), *(part[0] for part in parts)]).tolist() == times.tolist()
            assert np.concatenate([np.empty(0), *(part[1] for part in parts)]).tolist() == ids.tolist()
            assert len(list(found)) == len(parts)  # as often as wanted
            instants = [np.concatenate(column) for column in zip(*found.instants())]
            for one, other in zip(instants, trace.instants("E", *span)):
                assert one.tolist() == other.tolist()
        with pytest.raises(TraceError, match="no population 'X' in this trace"):
            SpikeStream(trace, "X")


def test_a_run_that_goes_on_adds_nothing_to_a_stream(tmp_path):
    from neuromorph.engine.sink import RunDescription
    from neuromorph.traces import TraceWriter

    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(RunDescription(0.1, 0.1, {"E": 5}))
    writer.spikes("E", np.arange(1, 8), np.zeros(7), np.arange(7) % 5)
    writer.flush()
    with Trace(tmp_path / "a.h5") as trace:
        found = SpikeStream(trace, "E", block=3)
        first = next(iter(found))
        writer.spikes("E", np.array([9]), np.zeros(1), np.array([1]))
        writer.flush()
        assert [len(part[0]) for part in found] == [3, 3, 1]
        assert first[0].tolist() == next(iter(found))[0].tolist()
        assert len(SpikeStream(trace, "E")) == 8
        writer.close({"status": "complete", "simulated_ms": 1.0})
        assert [len(part[0]) for part in found] == [3, 3, 1]


def test_a_foreign_recording_is_sorted(tmp_path):
    with h5py.File(tmp_path / "nest.h5", "w") as file:
        group = file.create_group("spikes/cells")
        group["timestamps"], group["node_ids"] = [5.0, 1.0, 3.0, 1.0], np.array([0, 4, 2, 1], np.uint64)
    with Trace(tmp_path / "nest.h5") as trace:
        found = SpikeStream(trace, "cells", 1.0, 5.0, block=2)
        assert [part[0].tolist() for part in found] == [[1.0, 1.0], [3.0]]
        assert found.size == 5


def test_the_size_of_a_foreign_recording_is_found_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("neuromorph.traces.channels.IDS", 2)
    with h5py.File(tmp_path / "nest.h5", "w") as file:
        for name, ids in (("some", [0, 7, 2, 1, 4]), ("none", [])):
            group = file.create_group(f"spikes/{name}")
            group["timestamps"], group["node_ids"] = np.arange(1.0, len(ids) + 1), np.array(ids, np.uint64)
    with Trace(tmp_path / "nest.h5") as trace:
        assert trace.populations == {"some": 8, "none": 0}


def test_a_file_that_is_not_in_the_order_that_it_says(write):
    path = write(spikes={"E": ([1.0, 2.0, 3.0], [0, 1, 2])})
    with h5py.File(path, "r+") as file:
        file["spikes/E/timestamps"][...] = [1.0, 3.0, 2.0]
    with (
        Trace(path) as trace,
        pytest.raises(TraceError, match="what was recorded is not in order of time, as the file says it is"),
    ):
        list(SpikeStream(trace, "E"))


def test_instants_without_offsets(write):
    with h5py.File(write(spikes={"E": ([1.0, 2.0, 3.0], [0, 1, 2])}, exact=True), "r+") as file:
        del file["spikes/E/offset_ms"]
        file["spikes/E/offset_ms"] = np.zeros(2)
        path = file.filename
    with Trace(path) as trace, pytest.raises(TraceError, match="spikes of E have not as many bases and offsets as ids"):
        compare(trace, trace)


def test_rows_that_are_no_rows(recorded):
    with h5py.File(recorded(), "r+") as file:
        del file["weights/E_E/source_node_ids"], file["weights/E_E/target_node_ids"]
        file["weights/E_E/source_node_ids"] = file["weights/E_E/target_node_ids"] = np.arange(2, dtype=np.uint64)
        path = file.filename
    with Trace(path) as trace, pytest.raises(TraceError, match="weights/E_E/values has not one value for each time"):
        whole.analyze(trace)


def test_a_signal_without_values(recorded):
    with h5py.File(recorded(), "r+") as file:
        del file["signals/reward/values"]
        file["signals/reward/values"] = np.empty(0)
        path = file.filename
    with Trace(path) as trace, pytest.raises(TraceError, match="signal reward has no value for each time"):
        compare(trace, trace)


@pytest.mark.parametrize("time", [10.0, np.nan, np.inf])
def test_weights_at_no_time(recorded, time):
    with h5py.File(recorded(), "r+") as file:
        file["weights/E_E/times"][2] = time
        path = file.filename
    with Trace(path) as trace, pytest.raises(TraceError, match="what was recorded is not in order of time"):
        whole.analyze(trace)


def test_blocks_of_rows(recorded, monkeypatch):
    monkeypatch.setattr(stream, "NUMBERS", 10)
    with Trace(recorded()) as trace:
        parts = list(state_rows(trace, "E", "V_m", 10.0, 50.0))
        whole_state = trace.state("E", "V_m", 10.0, 50.0)
        assert len(parts) == 16
        assert np.concatenate([part.values for part in parts]).tolist() == whole_state.values.tolist()
        assert np.concatenate([part.times for part in parts]).tolist() == whole_state.times.tolist()
        found = list(weight_rows(trace, "E_E"))
        assert [len(part.times) for part in found] == [3, 2]
        with pytest.raises(TraceError, match="no recorded state 'E/V'"):
            list(state_rows(trace, "E", "V"))
        with pytest.raises(TraceError, match="no recorded projection 'E_I'"):
            list(weight_rows(trace, "E_I"))


def _everything(path, monkeypatch, spikes, numbers):
    monkeypatch.setattr(stream, "SPIKES", spikes)
    monkeypatch.setattr(stream, "NUMBERS", numbers)
    with Trace(path) as trace:
        return whole.analyze(trace)


def test_the_length_of_blocks_changes_nothing(write, recorded, monkeypatch):
    for path in (write(spikes={"E": random_trains(5)}), recorded()):
        one, other = _everything(path, monkeypatch, 17, 7), _everything(path, monkeypatch, 1 << 20, 1 << 20)
        _same(one, other)


def _same(one, other):
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            _same(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other):
            _same(a, b)
    else:
        assert one == (pytest.approx(other, rel=1e-9, abs=1e-12) if isinstance(other, float) else other)


def test_memory_does_not_go_with_the_number_of_spikes(write, monkeypatch):
    monkeypatch.setattr(stream, "SPIKES", 500)
    peaks = []
    for name, many in (("few.h5", 2_000), ("many.h5", 20_000)):
        times = np.sort(np.random.default_rng(0).uniform(0.2, 1999.0, many))
        path = write(name, {"E": (times, np.random.default_rng(1).integers(0, 20, many))})
        with Trace(path) as trace:
            tracemalloc.start()
            account(trace, "E", 0.0, 2000.0)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]

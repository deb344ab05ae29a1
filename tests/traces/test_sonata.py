"""Finished traces open in other people's tools, and other people's spikes open here."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from neuromorph.engine.sink import StateChannel
from neuromorph.errors import TraceError
from neuromorph.traces import Trace, TraceWriter

libsonata = pytest.importorskip("libsonata", reason="libsonata is not installed")


@pytest.fixture(params=[False, True], ids=["grid", "exact"])
def finished(tmp_path, describe, record, request):
    writer = TraceWriter(tmp_path / "a.h5")
    record(writer, describe(request.param))
    writer.close({"status": "complete", "simulated_ms": 3.0})
    return tmp_path / "a.h5"


def test_libsonata_reads_spikes(finished):
    reader = libsonata.SpikeReader(str(finished))
    assert sorted(reader.get_population_names()) == ["E", "layer 2%2F3", "quiet"]
    with Trace(finished) as trace:
        for name, escaped in (("E", "E"), ("quiet", "quiet"), ("layer 2/3", "layer 2%2F3")):
            found = reader[escaped].get_dict()
            times, ids = trace.spikes(name)
            np.testing.assert_array_equal(found["timestamps"], times)
            np.testing.assert_array_equal(found["node_ids"], ids)
    assert reader["E"].sorting == "by_time"
    assert reader["E"].time_units == "ms"
    assert [i for i, _ in reader["E"].get(node_ids=[99], tstart=0.4, tstop=0.6)] == [99]


def test_libsonata_reads_one_variable_of_each_population(finished):
    report = libsonata.ElementReportReader(str(finished))["E"]
    found = report.get()
    assert (report.data_units, report.time_units, report.times) == ("mV", "ms", (0.0, 3.5, 0.5))
    assert (report.sorted, report.get_node_ids()) == (True, [0, 3])
    with Trace(finished) as trace:
        state = trace.state("E", "V_m")
    np.testing.assert_array_equal(found.times, state.times)
    np.testing.assert_array_equal(found.data, state.values.astype(np.float32))
    np.testing.assert_array_equal(report.get(node_ids=[3], tstart=1, tstop=2).data, state.values[2:5, 1:].astype("f4"))


@pytest.fixture
def foreign(tmp_path):
    """Spikes as others write them: unsorted, in seconds, `sorting` as text, root attributes of SONATA only."""
    with h5py.File(tmp_path / "theirs.h5", "w") as file:
        file.attrs["magic"] = np.uint32(0x0A7A)
        group = file.create_group("spikes/thalamus")
        group.attrs["sorting"] = "none"
        group["timestamps"] = np.array([0.003, 0.001, 0.002, 0.001], dtype=np.float32)
        group["timestamps"].attrs["units"] = b"s"
        group["node_ids"] = np.array([0, 4, 2, 1], dtype=np.uint32)
    return tmp_path / "theirs.h5"


def test_foreign_spikes(foreign):
    with Trace(foreign) as trace:
        assert trace.populations == {"thalamus": 5}
        assert trace.counts == {"thalamus": 4}
        times, ids = trace.spikes("thalamus")
        np.testing.assert_allclose(times, [1, 1, 2, 3], rtol=1e-6)
        assert ids.tolist() == [1, 4, 2, 0]
        assert trace.spikes("thalamus", 1.5, 2.5)[1].tolist() == [2]
        assert trace.simulated_ms == pytest.approx(3.0)
        summary = trace.summary()
        assert (summary["status"], summary["ended_early"]) == ("unknown", False)
        assert (trace.network, trace.provenance, trace.resolution_ms, trace.window_ms) == ({}, {}, None, None)
        assert (trace.states, trace.projections, trace.signals, trace.learning) == ([], [], {}, {})
        with pytest.raises(TraceError, match=r"not recorded by neuromorph: it has times, no instants. Use spikes\(\)"):
            trace.instants("thalamus")


@pytest.mark.parametrize("sorting", ["by_time", b"by_time", 2])
def test_foreign_spikes_in_order_are_not_sorted_again(foreign, sorting):
    with h5py.File(foreign, "r+") as file:
        group = file["spikes/thalamus"]
        group.attrs["sorting"] = sorting
        group["timestamps"][:] = [0.001, 0.001, 0.002, 0.003]
    with Trace(foreign) as trace:
        assert trace.spikes("thalamus")[1].tolist() == [0, 4, 2, 1]
        assert trace.spikes("thalamus", 1.5)[1].tolist() == [2, 1]
        assert trace.spikes("thalamus", first=1)[1].tolist() == [4, 2, 1]


def test_states_of_a_population_with_a_slash_in_its_name(tmp_path, describe):
    """HDF5 reads a % in the name of a view's source as a format: the recording could not be finished."""
    channel = StateChannel("layer 2/3", "V_m", "mV", np.arange(2), 1.0)
    with TraceWriter(tmp_path / "a.h5") as writer:
        writer.open(describe(states=[channel], weights=[]))
        writer.state(0, 0.0, np.array([1.5, -2.0]))
        writer.close({"status": "complete", "simulated_ms": 1.0})
    with Trace(tmp_path / "a.h5") as trace:
        np.testing.assert_array_equal(trace.state("layer 2/3", "V_m").values, [[1.5, -2.0]])
    frame = libsonata.ElementReportReader(str(tmp_path / "a.h5"))["layer 2%2F3"].get()
    np.testing.assert_array_equal(frame.data, [[1.5, -2.0]])

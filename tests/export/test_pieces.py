"""Spikes piece by piece are the spikes, and what is damaged is said."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from neuromorph.engine.sink import RunDescription
from neuromorph.errors import TraceError
from neuromorph.traces import Trace, TraceWriter
from neuromorph.traces.stream import SpikeStream


@pytest.mark.parametrize("rows", [1, 7, 499, 500, 501])
@pytest.mark.parametrize("span", [(None, None), (20.0, 60.0), (99.99, None), (None, 0.0)])
def test_pieces_are_the_spikes(file, rows, span):
    with Trace(file) as trace:
        pieces = list(SpikeStream(trace, "E", *span, rows).pieces())
        times, ids = trace.spikes("E", *span)
        assert [len(piece.ids) for piece in pieces[:-1]] == [rows] * (len(pieces) - 1)
        assert 0 < len(pieces[-1].ids) <= rows or len(times) == 0
        np.testing.assert_array_equal(np.concatenate([piece.times for piece in pieces]), times)
        np.testing.assert_array_equal(np.concatenate([piece.ids for piece in pieces]), ids)
        if trace.resolution_ms is None:
            base, offset, _ = trace.instants("E", *span)
            np.testing.assert_array_equal(np.concatenate([piece.base for piece in pieces]), base)
            np.testing.assert_array_equal(np.concatenate([piece.offset_ms for piece in pieces]), offset)
        else:
            assert {(piece.base, piece.offset_ms) for piece in pieces} == {(None, None)}


def test_of_no_spikes_there_is_one_piece(file):
    with Trace(file) as trace:
        (piece,) = SpikeStream(trace, "quiet").pieces()
        assert piece.times.size == piece.ids.size == 0
        with pytest.raises(TraceError, match="no population 'loud' in this trace"):
            SpikeStream(trace, "loud")


def test_a_run_that_goes_on_is_read_as_far_as_it_was(tmp_path):
    writer = TraceWriter(tmp_path / "x.h5")
    writer.open(RunDescription(0.1, 0.1, {"E": 3}))
    writer.spikes("E", np.arange(1, 11), np.zeros(10), np.arange(10) % 3)
    writer.flush()
    with Trace(tmp_path / "x.h5") as trace:
        pieces = SpikeStream(trace, "E", block=4).pieces()
        first = next(pieces)
        writer.spikes("E", np.arange(11, 21), np.zeros(10), np.arange(10) % 3)
        writer.close({"status": "complete", "simulated_ms": 3.0})
        rest = list(pieces)
    assert [len(piece.ids) for piece in [first, *rest]] == [4, 4, 2]
    assert rest[-1].times[-1] == 1.0


@pytest.mark.parametrize(
    ("name", "ask", "words"),
    [
        ("signals/reward/values", lambda trace: trace.signals, "signal reward has no value for each time"),
        ("report/E/V_m/data", lambda trace: trace.state("E", "V_m"), "has not one value for each time and cell"),
        ("weights/E_E/values", lambda trace: trace.weights("E_E"), "has not one value for each time and cell"),
    ],
)
def test_values_of_another_shape_are_refused(file, name, ask, words):
    with h5py.File(file, "r+") as changed:
        del changed[name]
        changed[name] = np.zeros((2, 7))
    with Trace(file) as trace, pytest.raises(TraceError, match=words):
        ask(trace)


def test_times_that_are_no_list_are_refused(file):
    with h5py.File(file, "r+") as changed:
        del changed["weights/E_E/times"]
        changed["weights/E_E/times"] = np.zeros((3, 2))
    with Trace(file) as trace, pytest.raises(TraceError, match="/weights/E_E/times is no list of times"):
        trace.weights("E_E")


def test_synapses_of_one_end_are_refused(file):
    with h5py.File(file, "r+") as changed:
        del changed["weights/E_E/target_node_ids"]
        changed["weights/E_E/target_node_ids"] = np.zeros(1, np.uint64)
    with Trace(file) as trace, pytest.raises(TraceError, match="as many sources as targets are needed"):
        trace.weights("E_E")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("missing", "damaged: an exact recording without base and offset"),
        ("short", "as many instants as ids are needed"),
        ("order", "damaged: an exact recording that is not in order of time"),
        ("nan", "damaged: spikes at no time: an offset is no number"),
    ],
)
def test_exact_recordings_without_instants(file, damage, words):
    with h5py.File(file, "r+") as changed:
        if changed.attrs["resolution_ms"] != "exact":
            pytest.skip("there are none on a grid")
        if damage == "order":
            changed["spikes/E"].attrs["sorting"] = "none"
        else:
            del changed["spikes/E/offset_ms"]
        if damage == "short":
            changed["spikes/E/offset_ms"] = np.zeros(3)
        if damage == "nan":
            changed["spikes/E/offset_ms"] = np.full(changed["spikes/E/base"].shape, np.nan)
    with Trace(file) as trace, pytest.raises(TraceError, match=words):
        list(SpikeStream(trace, "E").pieces())
    if damage == "nan":
        with Trace(file) as trace:
            with pytest.raises(TraceError, match=words):
                trace.instants("E")
            with pytest.raises(TraceError, match=words):
                list(SpikeStream(trace, "E").instants())

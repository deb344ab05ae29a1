"""What is exported reads back as it was, to the last bit, here and in the libraries whose formats these are."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from neuromorph.analysis.spikes import mean_rate
from neuromorph.export import export, read_spikes, tables, to_frame, to_neo
from neuromorph.traces import Trace, stream

NEEDS = {"csv": "csv", "npz": "numpy", "parquet": "pyarrow", "nwb": "pynwb", "neo": "nixio"}
SUFFIXES = {"csv": "csv", "npz": "npz", "parquet": "parquet", "nwb": "nwb", "neo": "nix"}


def by_cell(times, ids, *instants):
    """Spikes in an order that no format can change."""
    order = np.lexsort((*instants, ids, times))
    return [array[order] for array in (times, ids, *instants)]


def expected(trace, name, start=None, stop=None):
    """What the file must hold of a population."""
    arrays = [*trace.spikes(name, start, stop)]
    if trace.resolution_ms is None:
        arrays += trace.instants(name, start, stop)[:2]
    return by_cell(*arrays)


@pytest.mark.parametrize("to", NEEDS)
def test_spikes_read_back_to_the_bit(file, tmp_path, to):
    pytest.importorskip(NEEDS[to])
    with Trace(file) as trace:
        done = export(trace, tmp_path / f"x.{SUFFIXES[to]}", to)
        assert (done.table, done.rows) == ("spikes", 520)
        found = read_spikes(done.path)
        names = list(trace.populations)
        assert list(found) == ([n for n in names if trace.counts[n]] if to == "csv" else names)
        for name, spikes in found.items():
            arrays = [array for array in spikes if array is not None]
            assert len(arrays) == (4 if trace.resolution_ms is None else 2)
            assert [a.dtype for a in arrays] == [np.float64, np.int64, np.int64, np.float64][: len(arrays)]
            assert (np.diff(spikes.times) >= 0).all()
            for got, want in zip(by_cell(*arrays), expected(trace, name)):
                np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("to", ["csv", "npz", "parquet"])
def test_the_order_of_a_trace_is_kept(file, tmp_path, to):
    pytest.importorskip(NEEDS[to])
    with Trace(file) as trace:
        export(trace, tmp_path / f"x.{to}")
        np.testing.assert_array_equal(read_spikes(tmp_path / f"x.{to}")["E"].ids, trace.spikes("E")[1])


@pytest.mark.parametrize("to", NEEDS)
def test_a_part_of_a_trace(file, tmp_path, to):
    pytest.importorskip(NEEDS[to])
    path = tmp_path / f"x.{SUFFIXES[to]}"
    with Trace(file) as trace:
        done = export(trace, path, populations=["E"], start_ms=20.0, stop_ms=60.0)
        want = expected(trace, "E", 20.0, 60.0)
        assert 100 < done.rows == len(want[0]) < 400
        found = read_spikes(path)
        assert list(found) == ["E"] or (to == "parquet" and not len(found["layer 2/3"].times))
        np.testing.assert_array_equal(by_cell(*found["E"][:2])[1], want[1])


@pytest.mark.parametrize("rows", [7, 500])
def test_pieces_are_small_and_change_nothing(file, tmp_path, monkeypatch, rows):
    """So that memory does not go with the number of spikes."""
    whole, sizes = {}, []
    with Trace(file) as trace:
        for to in ("csv", "npz", "parquet"):
            export(trace, tmp_path / f"whole.{to}")
            whole[to] = read_spikes(tmp_path / f"whole.{to}")
        read = stream.read
        monkeypatch.setattr(stream, "read", lambda data, part: sizes.append(part.stop - part.start) or read(data, part))
        monkeypatch.setattr(tables, "ROWS", rows)
        for to in ("csv", "parquet"):
            export(trace, tmp_path / f"x.{to}")
            for name, spikes in read_spikes(tmp_path / f"x.{to}").items():
                np.testing.assert_array_equal(spikes.times, whole[to][name].times)
                np.testing.assert_array_equal(spikes.ids, whole[to][name].ids)
    assert max(sizes) == rows


def test_npz_is_written_piece_by_piece(file, tmp_path, monkeypatch):
    read, sizes = stream.read, []
    with Trace(file) as trace:
        export(trace, tmp_path / "whole.npz")
        monkeypatch.setattr(stream, "SPIKES", 7)
        monkeypatch.setattr(stream, "read", lambda data, part: sizes.append(part.stop - part.start) or read(data, part))
        export(trace, tmp_path / "x.npz")
    assert max(sizes) == 7
    with np.load(tmp_path / "whole.npz") as whole, np.load(tmp_path / "x.npz") as parts:
        assert sorted(whole.files) == sorted(parts.files)
        for name in whole.files:
            np.testing.assert_array_equal(whole[name], parts[name])


def test_numpy_reads_all_tables_of_npz(file, tmp_path):
    with Trace(file) as trace:
        export(trace, tmp_path / "x.npz")
        with np.load(tmp_path / "x.npz", allow_pickle=False) as found:
            np.testing.assert_array_equal(found["spikes/layer 2%2F3/time_ms"], trace.spikes("layer 2/3")[0])
            np.testing.assert_array_equal(found["states/E/V_m/value"], trace.state("E", "V_m").values)
            np.testing.assert_array_equal(found["weights/E_E/weight"], trace.weights("E_E").values)
            assert str(found["weights/E_E/unit"]) == "pA"
            assert found["weights/E_E/target"].tolist() == [2, 3, 0]
            assert found["signals/reward/value"].tolist() == [-1.0, 1 / 3]
            assert found["learning/error/value"].tolist() == [0.5, 0.25]
            said = json.loads(str(found["about"]))
    assert (said["status"], said["simulated_ms"], said["provenance"]["seed"]) == ("complete", 100.0, 7)


@pytest.mark.parametrize("table", ["states", "weights", "signals", "learning"])
def test_other_tables_as_csv_and_frame(file, tmp_path, table):
    pytest.importorskip("pandas")
    with Trace(file) as trace:
        done = export(trace, tmp_path / "x.csv", table=table)
        frame = to_frame(trace, table)
    with (tmp_path / "x.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == len(frame) == done.rows > 1
    assert list(rows[0]) == list(frame.columns) == list(tables.COLUMNS[table])
    for name in frame.columns:
        kind = str if name in tables.TEXT else frame[name].dtype.type
        assert [kind(row[name]) for row in rows] == frame[name].tolist()


def test_values_of_a_frame(file):
    pytest.importorskip("pandas")
    with Trace(file) as trace:
        spikes, states, weights = (to_frame(trace, table) for table in ("spikes", "states", "weights"))
        mine = spikes[spikes.population == "E"]
        np.testing.assert_array_equal(mine.time_ms, trace.spikes("E")[0])
        np.testing.assert_array_equal(mine.neuron, trace.spikes("E")[1])
        assert ("offset_ms" in spikes.columns) == (trace.resolution_ms is None)
        assert len(mine) / 12 / 0.1 == pytest.approx(mean_rate(trace.spikes("E")[1], 12, 100.0))
        cell = states[states.neuron == 3]
        np.testing.assert_array_equal(cell.value, trace.state("E", "V_m").values[:, 1])
        assert cell.unit.unique().tolist() == ["mV"]
        last = weights[weights.time_ms == 5.0]
        assert last.weight.tolist() == trace.weights("E_E").values[-1].tolist()
        assert list(zip(last.source, last.target)) == [(0, 2), (1, 3), (2, 0)]
        part = to_frame(trace, "spikes", ["E"], 20.0, 60.0)
        assert len(part) == len(trace.spikes("E", 20.0, 60.0)[0])


def test_pyarrow_and_pandas_read_parquet(file, tmp_path):
    pandas = pytest.importorskip("pandas")
    parquet = pytest.importorskip("pyarrow.parquet")
    with Trace(file) as trace:
        export(trace, tmp_path / "x.parquet")
        frame = pandas.read_parquet(tmp_path / "x.parquet")
        pandas.testing.assert_frame_equal(frame, to_frame(trace), check_categorical=False, check_dtype=False)
    said = json.loads(parquet.read_schema(tmp_path / "x.parquet").metadata[b"neuromorph"])
    assert said["populations"] == {"E": 12, "layer 2/3": 5, "quiet": 3}


def test_a_neo_block(file):
    pytest.importorskip("neo")
    with Trace(file) as trace:
        block = to_neo(trace)
        segment = block.segments[0]
        assert len(segment.spiketrains) == 20
        train = segment.spiketrains[4]
        assert (train.annotations["population"], train.annotations["neuron"], train.name) == ("E", 4, "E/4")
        times, ids = trace.spikes("E")
        np.testing.assert_array_equal(train.magnitude, times[ids == 4])
        assert (str(train.units.dimensionality), float(train.t_stop)) == ("ms", 100.0)
        if trace.resolution_ms is None:
            base, offset, ids = trace.instants("E")
            np.testing.assert_array_equal(train.array_annotations["base"], base[ids == 4])
            np.testing.assert_array_equal(train.array_annotations["offset_ms"], offset[ids == 4])
        (state,), (weights,) = segment.analogsignals, segment.irregularlysampledsignals
        np.testing.assert_array_equal(state.magnitude, trace.state("E", "V_m").values)
        assert (str(state.units.dimensionality), float(state.sampling_period)) == ("mV", 0.5)
        assert state.array_annotations["neuron"].tolist() == [0, 3]
        np.testing.assert_array_equal(weights.magnitude, trace.weights("E_E").values)
        assert weights.times.magnitude.tolist() == [0.0, 1.0, 5.0]
        assert segment.events[0].array_annotations["value"].tolist() == [-1.0, 1 / 3]
    assert block.annotations["status"] == "complete"


def test_elephant_takes_the_block(file):
    statistics = pytest.importorskip("elephant.statistics")
    with Trace(file) as trace:
        trains = to_neo(trace, ["E"]).segments[0].spiketrains
        counts = np.bincount(trace.spikes("E")[1], minlength=12)
    rates = [float(statistics.mean_firing_rate(train).rescale("Hz")) for train in trains]
    np.testing.assert_allclose(rates, counts / 0.1)


def test_neo_reads_its_file(file, tmp_path):
    pytest.importorskip("nixio")
    from neo.io import NixIO

    with Trace(file) as trace:
        export(trace, tmp_path / "x.nix", "neo")
        reader = NixIO(str(tmp_path / "x.nix"), "ro")
        segment = reader.read_block().segments[0]
        reader.close()
        for got, want in zip(segment.spiketrains, to_neo(trace).segments[0].spiketrains, strict=True):
            np.testing.assert_array_equal(got.magnitude, want.magnitude)
            assert {name: got.annotations[name] for name in want.annotations} == want.annotations
        np.testing.assert_array_equal(segment.analogsignals[0].magnitude, trace.state("E", "V_m").values)
        assert segment.irregularlysampledsignals[0].array_annotations["target"].tolist() == [2, 3, 0]
        assert segment.events[0].times.magnitude.tolist() == [2.0, 3.0]


def test_pynwb_and_neo_read_nwb(file, tmp_path):
    pynwb = pytest.importorskip("pynwb")
    from neo.io import NWBIO

    with Trace(file) as trace:
        export(trace, tmp_path / "x.nwb")
        times, ids = trace.spikes("E")
        state, network = trace.state("E", "V_m"), trace.network
    with pynwb.NWBHDF5IO(str(tmp_path / "x.nwb"), "r") as io:
        assert not pynwb.validate(io=io)
        nwb = io.read()
        units = nwb.units
        assert len(units) == 20
        assert (units["population"][4], units["neuron"][4]) == ("E", 4)
        np.testing.assert_allclose(units["spike_times"][4], times[ids == 4] / 1000, rtol=1e-15)
        np.testing.assert_array_equal(units["obs_intervals"][4], [[0.0, 0.1]])
        exact = "base" in units.colnames
        assert exact or units.resolution == 1e-4
        np.testing.assert_array_equal(nwb.acquisition["E.V_m"].data[:], state.values)
        assert (nwb.acquisition["E.V_m"].rate, nwb.acquisition["E.V_m"].unit) == (2000.0, "mV")
        assert nwb.acquisition["weights of E_E"].timestamps[:].tolist() == [0.0, 0.001, 0.005]
        assert json.loads(nwb.scratch["network"].data) == network
    block = NWBIO(str(tmp_path / "x.nwb"), "r").read_all_blocks()[0]
    trains = [train for segment in block.segments for train in segment.spiketrains]
    assert [len(train) for train in trains[:12]] == np.bincount(ids, minlength=12).tolist()
    assert len(trains) == 20


def test_a_foreign_trace(tmp_path):
    """Spikes in seconds, unsorted, of a run that nothing is known of."""
    import h5py

    with h5py.File(tmp_path / "theirs.h5", "w") as file:
        group = file.create_group("spikes/thalamus")
        group["timestamps"], group["node_ids"] = np.array([0.003, 0.001, 0.0021]), np.array([0, 4, 2])
        group["timestamps"].attrs["units"] = "s"
    with Trace(tmp_path / "theirs.h5") as trace:
        times, ids = trace.spikes("thalamus")
        for to, needed in NEEDS.items():
            pytest.importorskip(needed)
            done = export(trace, tmp_path / f"x.{SUFFIXES[to]}")
            spikes = read_spikes(done.path)["thalamus"]
            np.testing.assert_array_equal(spikes.times, times)
            np.testing.assert_array_equal(spikes.ids, ids)


def test_a_trace_is_read_in_the_same_way(file):
    with Trace(file) as trace:
        found = read_spikes(file)
        assert list(found) == list(trace.populations)
        assert (found["E"].base is None) == (trace.resolution_ms is not None)
        np.testing.assert_array_equal(found["E"].times, trace.spikes("E")[0])

"""Traces are data: they lead to no other file, claim no size that they have not, and wait for nobody."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from neuromorph import Network, Simulation, Trace, limits
from neuromorph.analysis.table import summarize
from neuromorph.errors import InputError, TraceError
from neuromorph.traces import repair_trace

CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus"


@pytest.fixture
def finished(tmp_path):
    return Path(shutil.copy(CORPUS / "trace" / "seed-grid.h5", tmp_path / "a.h5"))


@pytest.fixture
def recording(tmp_path):
    return Path(shutil.copy(CORPUS / "recording" / "seed.part", tmp_path / "a.h5.part"))


def changed(path, change):
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(TraceError) as caught:
        look(path)
    return str(caught.value)


def look(path):
    with Trace(path) as trace:
        trace.summary()
        for name in trace.populations:
            trace.spikes(name)
            trace.instants(name)


def test_the_seeds_are_read(finished, recording):
    look(finished)
    look(recording)


def external(file):
    file["spikes/x"] = h5py.ExternalLink("/etc/passwd", "/")


def soft(file):
    file["spikes/x"] = h5py.SoftLink("/spikes")


def within(file):
    file["spikes/E/x"] = file["spikes"]


def twice(file):
    file["signals/x"] = file["spikes/E"]


def deep(file):
    file.create_group("/".join("x" * 20))


def storage(file):
    file.create_dataset("spikes/E/x", (10,), "u1", external=[("/etc/passwd", 0, 10)])


def view(file):
    layout = h5py.VirtualLayout(shape=(3,), dtype="f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(3,))
    file.create_virtual_dataset("spikes/E/x", layout)


def hollow(file):
    file.create_dataset("spikes/E/x", (10**12,), "f8", chunks=(1000,))


def packed_hollow(file):
    file.create_dataset("spikes/E/x", (10**12,), "f8", chunks=(1000,), compression="gzip")


def chunk(file):
    file.create_dataset("spikes/E/x", (10**8,), "f8", chunks=(10**8,))


def scaled(file):
    file.create_dataset("spikes/E/x", (10,), "i4", scaleoffset=1)


def texts(file):
    file.create_dataset("spikes/E/x", (10,), h5py.string_dtype())


def lists(file):
    file.attrs["x"] = np.array(["a", "b"], h5py.string_dtype())


def pairs(file):
    file["spikes"].attrs["x"] = np.zeros(1, "i4,f8")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (external, "spikes/x: a link out of its group, such as to another file. Give a trace"),
        (soft, "spikes/x: a link out of its group"),
        (within, "two names for one object"),
        (twice, "two names for one object"),
        (deep, "groups are nested too deeply (allowed: at most 8 levels)"),
        (storage, "spikes/E/x: its data are in another file"),
        (view, "spikes/E/x: a view of other datasets, such as of another file"),
        (hollow, "spikes/E/x: 8 TB that are not in the file"),
        (packed_hollow, "spikes/E/x: 8 TB that are not in the file"),
        (chunk, "spikes/E/x: a chunk too large (allowed: at most 67.1 MB)"),
        (scaled, "spikes/E/x: packed in an unknown way (allowed: shuffle, and one of deflate, lzf, zstd)"),
        (texts, "spikes/E/x: neither numbers nor text"),
        (lists, "/: attribute 'x' is none of a trace"),
        (pairs, "spikes: attribute 'x' is none of a trace"),
    ],
)
def test_what_no_trace_has(finished, change, words):
    assert words in changed(finished, change)


def attribute(name, value, place="/"):
    def change(file):
        file[place].attrs[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (attribute("simulated_ms", float("nan")), "simulated_ms is no time"),
        (attribute("simulated_ms", "long"), "simulated_ms is no time"),
        (attribute("window_ms", 0.0), "a step of no length"),
        (attribute("resolution_ms", "exat"), "resolution_ms is no time"),
        (attribute("synaptic_events", -1), "synaptic_events is no count"),
        (attribute("status", 3), "status is no text"),
        (attribute("size", -1, "spikes/E"), "no population has -1 cells"),
        (attribute("size", 10**15, "spikes/E"), "no population has 1000000000000000 cells"),
        (attribute("size", 3, "spikes/E"), "of cells that a population of 3 has not"),
        (attribute("simulated_ms", 1e300), "simulated_ms is no time"),
    ],
)
def test_attributes_that_cannot_be(finished, change, words):
    assert words in changed(finished, change)


def test_spikes_at_no_time_and_too_few_of_them(finished):
    def never(file):
        file["spikes/E/timestamps"][1] = np.inf

    assert "spikes at no time" in changed(finished, never)

    def fewer(file):
        del file["spikes/E/timestamps"]
        file["spikes/E/timestamps"] = np.zeros(1)

    assert "as many times as ids are needed" in changed(finished, fewer)


def test_a_dataset_without_rows(finished):
    def scalar(file):
        del file["spikes/E/timestamps"]
        file["spikes/E/timestamps"] = 1.0

    assert "cut short or damaged" in changed(finished, scalar)


def test_what_does_not_fit_is_refused_before_it_is_read(finished, monkeypatch):
    with Trace(finished) as trace:
        monkeypatch.setattr(limits, "available", lambda: 10)
        monkeypatch.setattr(limits, "SMALL", 0)
        with pytest.raises(InputError, match=r"a.h5: /spikes/E/timestamps takes 48 bytes. 10 bytes are available."):
            trace.spikes("E")


# -- what a killed run leaves ------------------------------------------------------------------------------------------


def damaged(path, old, new, count=1):
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, count))


def test_a_damaged_recording_is_not_waited_for(recording):
    """HDF5 would take the writer to be at it, and try again a hundred times, each time after twice as long."""
    began = time.monotonic()
    damaged(recording, b"OHDR", b"OHDX", -1)
    with pytest.raises(TraceError, match="cut short or damaged"):
        Trace(recording)
    assert time.monotonic() - began < 5.0


def test_without_the_library_a_recording_is_opened_as_one_that_is_followed(recording, monkeypatch):
    from neuromorph.traces import opening

    opening._library.cache_clear()
    monkeypatch.setattr(opening.re, "findall", lambda *_: [])
    try:
        look(recording)
    finally:
        opening._library.cache_clear()


def test_rows_that_are_not_there(recording):
    """`committed` says how many rows there are: the last thing that a flush writes, and anybody may."""
    with h5py.File(recording, "r", swmr=True, locking=False) as file:
        place = file["committed"].id.get_offset()
    data = bytearray(recording.read_bytes())
    for number in (10**12, -1, 1000):
        data[place : place + 8] = number.to_bytes(8, "little", signed=True)
        recording.write_bytes(data)
        with pytest.raises(TraceError, match="/spikes/E/node_ids has no -?[0-9]+ rows"):
            look(recording)
        with pytest.raises(TraceError, match="has no -?[0-9]+ rows"):
            repair_trace(recording)
        assert [file.name for file in recording.parent.iterdir()] == ["a.h5.part"]


# -- commands ----------------------------------------------------------------------------------------------------------


def test_analysis_goes_with_the_spikes_not_with_what_a_file_claims(finished):
    with h5py.File(finished, "r+") as file:
        file["spikes/E"].attrs["size"] = 2**31 - 1
        file.attrs["simulated_ms"] = 1e14
    with Trace(finished) as trace:
        row = next(row for row in summarize(trace) if row["population"] == "E")
    assert (row["size"], row["spikes"]) == (2**31 - 1, 3)
    assert row["mean_rate_hz"] == pytest.approx(3e3 / (2**31 - 1) / 1e14)
    assert row["synchrony"] == pytest.approx(3.0)  # three spikes in one of very many bins


def test_names_in_a_trace_do_not_command_the_terminal(finished, capsys):
    from neuromorph_cli.main import main

    with h5py.File(finished, "r+") as file:
        file.move("spikes/E", "spikes/E\x1b[2J\n")
        file["provenance"].attrs["command"] = "\x1b]0;title\x07"
    for command in ("info", "analyze"):
        assert main([command, str(finished)]) == 0
        said = capsys.readouterr().out
        assert "E\\x1b[2J\\n" in said
        assert "\x1b" not in said
        assert "\x07" not in said


def test_a_name_is_no_formula(finished, tmp_path):
    from neuromorph.report.raster import raster

    with h5py.File(finished, "r+") as file:
        file.move("spikes/E", "spikes/$\\frac{")
    with Trace(finished) as trace:
        raster(trace, tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 1000


def test_a_heap_that_hdf5_would_not_get_past(recording):
    shutil.copy(CORPUS / "recording" / "found-heap-without-end.part", recording)
    with pytest.raises(TraceError, match=r"a.h5.part: /: a heap without end. Give a trace written by neuromorph"):
        Trace(recording)


def test_heaps_are_found_across_blocks_and_beside_the_numbers_of_a_large_file(finished, monkeypatch):
    from neuromorph.traces import heaps

    for block, whole in ((64, 1 << 26), (1 << 20, 0), (64, 0)):
        monkeypatch.setattr(heaps, "_BLOCK", block)
        monkeypatch.setattr(heaps, "WHOLE", whole)
        if whole:
            look(finished)  # heaps of no size are larger than WHOLE: 0
        else:
            with pytest.raises(TraceError, match="/: a heap without end"):
                look(finished)


def test_committed_is_a_dataset(finished):
    assert "committed: not a dataset" in changed(finished, lambda file: file.create_group("committed"))


@pytest.mark.parametrize("name", ["signals", "weights", "report", "learning", "provenance", "weights/in", "report/E"])
def test_a_dataset_in_place_of_a_group(finished, name):
    """Whoever walks through a group would read its rows one by one."""

    def change(file):
        if name in file:
            del file[name]
        file.create_dataset(name, (1 << 40, 2), "u1", chunks=(1, 2))

    assert f"{name}: not a group" in changed(finished, change)


def test_times_are_a_list(finished):
    """A row of what is no list may be of any length, and one would be read."""

    def change(file):
        del file["spikes/E/timestamps"], file.attrs["simulated_ms"]
        file.create_dataset("spikes/E/timestamps", data=np.ones((4, 3)))

    assert "/spikes/E/timestamps is no list of times" in changed(finished, change)


def test_the_description_is_one_text(finished):
    def change(file):
        del file["network/json"]
        file.create_dataset("network/json", (1 << 40, 1 << 20), "u1", chunks=(1, 1024), maxshape=(None, 1 << 20))

    assert "network/json: not one text" in changed(finished, change)


def test_words_of_what_is_no_row():
    from neuromorph.traces.finish import _copy_rows
    from neuromorph.traces.guard import read

    with h5py.File("x.h5", "w", driver="core", backing_store=False) as file:
        file["x"] = 1.0
        with pytest.raises(ValueError, match="/x has no rows"):
            read(file["x"])
        growing = file.create_dataset("y", (0,), maxshape=(None,), chunks=(8,))
        with pytest.raises(ValueError, match="/y belongs to no channel"):
            _copy_rows(growing, file, "z", None, {})


def test_what_is_recorded_at_no_time_ends_no_run(finished):
    def never(file):
        del file.attrs["simulated_ms"]
        file["signals/reward/times"][0] = 1e300

    assert "something is recorded at 1e+300 ms" in changed(finished, never)


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("base", lambda base: base[:-1], "as many instants as ids are needed"),
        ("base", lambda base: base[:1], "as many instants as ids are needed"),
        ("base", lambda base: np.full_like(base, 2**62), "an instant that is not at its time"),
        ("base", lambda base: -base - 5, "an instant that is not at its time"),
        ("offset_ms", lambda offset: offset + 1e6, "an instant that is not at its time"),
        ("offset_ms", lambda offset: -offset, "an instant that is not at its time"),
    ],
)
def test_instants_that_cannot_be(tmp_path, column, values, words):
    """A replay by `spike_file` follows them."""
    network = Network()
    network.add_input("noise", "poisson", 5, {"rate": 200.0})
    network.record("noise", "spikes")
    with Simulation(network, resolution="exact", trace=tmp_path / "a.h5") as simulation:
        simulation.run(50.0)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        group = file["spikes/noise"]
        found = values(group[column][:])
        del group[column]
        group[column] = found
    with Trace(tmp_path / "a.h5") as trace, pytest.raises(TraceError, match=words):
        trace.instants("noise")

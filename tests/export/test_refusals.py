"""What cannot be exported or read is said, and nothing is left behind."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from neuromorph import export as room
from neuromorph import limits
from neuromorph.errors import InputError, TraceError
from neuromorph.export import csv_file, export, read_spikes, to_frame, to_neo
from neuromorph.traces import Trace, TraceWriter

pytest.importorskip("pandas")


@pytest.fixture
def trace(recorded):
    with Trace(recorded()) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("x.txt", {}, r"x.txt: no format has this suffix, found '.txt' \(allowed: .csv, .parquet, .npz, .nwb, .nix\)"),
        ("x.csv", {"to": "cvs"}, "x.csv: unknown format 'cvs'. Did you mean 'csv'?"),
        ("x.csv", {"to": "npz"}, r"x.csv: not the suffix of npz, found '.csv' \(allowed: .npz\)"),
        ("x.csv", {"table": "state"}, "no table 'state'. Did you mean 'states'?"),
        ("x.npz", {"table": "states"}, "a file of format npz is no single table, found 'states'. Leave the table out"),
        ("x.csv", {"start_ms": 200.0}, "the interval is empty, found 200.0"),
        ("x.csv", {"populations": ["F"]}, "no population 'F' in this trace. Known: E, layer 2/3, quiet."),
        ("no/x.csv", {}, "no is no folder. Choose a folder that exists."),
    ],
)
def test_what_cannot_be_written(trace, tmp_path, name, options, words):
    with pytest.raises(InputError, match=words.replace("?", r"\?")):
        export(trace, tmp_path / name, **options)
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


@pytest.mark.parametrize("table", ["states", "weights", "signals", "learning"])
def test_what_was_not_recorded(tmp_path, table):
    from neuromorph.engine.sink import RunDescription

    writer = TraceWriter(tmp_path / "b.h5")
    writer.open(RunDescription(0.1, 0.1, {"E": 3}))
    writer.close({"status": "complete", "simulated_ms": 10.0})
    said = "learning curves" if table == "learning" else table
    with Trace(tmp_path / "b.h5") as opened:
        with pytest.raises(TraceError, match=rf"b.h5: no {said} were recorded. The next run records them with"):
            export(opened, tmp_path / "x.csv", table=table)
        with pytest.raises(TraceError, match=f"no {said} were recorded"):
            to_frame(opened, table)
        assert len(to_frame(opened)) == 0
        assert export(opened, tmp_path / "x.csv").rows == 0
        assert read_spikes(tmp_path / "x.csv") == {}
        export(opened, tmp_path / "x.npz")
        assert read_spikes(tmp_path / "x.npz")["E"].times.size == 0


def test_what_is_left_out_is_told(trace, tmp_path):
    assert export(trace, tmp_path / "x.csv").left_out == ["states", "weights", "signals", "learning"]
    assert export(trace, tmp_path / "x.npz").left_out == []
    pytest.importorskip("pynwb")
    assert export(trace, tmp_path / "x.nwb").left_out == ["learning"]


def test_an_early_end_is_said(recorded, tmp_path):
    pynwb = pytest.importorskip("pynwb")
    with Trace(recorded(status="interrupted", simulated_ms=100.0)) as opened:
        export(opened, tmp_path / "x.npz")
        export(opened, tmp_path / "x.nwb")
        assert to_neo(opened).annotations["status"] == "interrupted"
    with np.load(tmp_path / "x.npz") as found:
        assert json.loads(str(found["about"]))["status"] == "interrupted"
    with pynwb.NWBHDF5IO(str(tmp_path / "x.nwb"), "r") as io:
        assert io.read().session_description.endswith("It was interrupted at 100 ms.")


@pytest.mark.parametrize("suffix", ["csv", "npz", "parquet", "nwb", "nix"])
def test_an_existing_file_is_kept(trace, tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    path.write_text("mine")
    with pytest.raises(InputError, match=r"the file exists already. Choose another name, or overwrite it with force"):
        export(trace, path)
    assert path.read_text() == "mine"
    export(trace, path, force=True)
    assert len(read_spikes(path)["E"].times) == 500


def test_a_failed_export_leaves_nothing(trace, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    for suffix in ("csv", "npz", "parquet"):
        with pytest.raises(InputError, match=r"cannot be written: No space left on device. Make room, or choose"):
            export(trace, tmp_path / f"x.{suffix}")
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


@pytest.mark.parametrize(("suffix", "missing"), [("parquet", "pyarrow"), ("nwb", "pynwb"), ("nix", "nixio")])
def test_without_a_package(trace, tmp_path, monkeypatch, suffix, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InputError, match=rf"needs the package {missing}. pip install 'neuromorph\[export\]'"):
        export(trace, tmp_path / f"x.{suffix}")
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_memory_that_there_is_not(trace, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "SMALL", 0)
    monkeypatch.setattr(limits, "available", lambda: 20_000)
    with pytest.raises(InputError, match=r"SpikeTrains of all cells take 80 kB. 20 kB are available. Name fewer"):
        to_neo(trace)
    with pytest.raises(InputError, match="the frame takes 20.8 kB. 20 kB are available. Take a part of it: give"):
        to_frame(trace)
    with pytest.raises(InputError, match="sorting the spikes by cell takes 48.1 kB"):
        export(trace, tmp_path / "x.nwb")


@pytest.mark.parametrize("suffix", ["csv", "npz", "parquet", "nwb", "nix"])
@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_damaged_files(trace, tmp_path, suffix, damage):
    path = tmp_path / f"x.{suffix}"
    export(trace, path)
    if suffix == "csv" and damage == "cut":
        path.write_bytes(path.read_bytes()[:-5])
    else:
        path.write_bytes({"cut": path.read_bytes()[:3000], "text": b"nothing of use\n", "empty": b""}[damage])
    words = r"is no whole export of spikes|is no table of spikes|is no spike|is no whole .npy|is no .npy"
    with pytest.raises(InputError, match=words) as caught:
        read_spikes(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1.0,E", "x.csv:2: is no spike: 2 fields, found '1.0,E' (allowed: 3 fields"),
        ("1.0,E,-1", "x.csv:2: is no spike: a time or neuron out of range, found '1.0,E,-1'"),
        ("nan,E,1", "x.csv:2: is no spike: a time or neuron out of range, found 'nan,E,1'"),
        ("1.0,E,1.5", "x.csv:2: is no spike: invalid literal for int() with base 10: '1.5', found"),
    ],
)
def test_lines_that_are_no_spikes(tmp_path, line, words):
    (tmp_path / "x.csv").write_text(f"time_ms,population,neuron\n{line}\n")
    with pytest.raises(InputError) as caught:
        read_spikes(tmp_path / "x.csv")
    assert words in str(caught.value)


def test_tables_without_spikes(trace, tmp_path):
    for suffix in ("csv", "parquet"):
        export(trace, tmp_path / f"x.{suffix}", table="weights")
        with pytest.raises(InputError, match=r"is no table of spikes, found 'time_ms, ?projection.*time_ms"):
            read_spikes(tmp_path / f"x.{suffix}")


@pytest.mark.parametrize("suffix", ["npz", "parquet", "nwb"])
def test_a_newer_file(trace, tmp_path, monkeypatch, suffix):
    monkeypatch.setattr("neuromorph.export.files.VERSION", 2)
    export(trace, tmp_path / f"x.{suffix}")
    monkeypatch.undo()
    words = r"unknown version of an exported file, found 2 \(allowed: 1\). Read it with the neuromorph that wrote it"
    with pytest.raises(InputError, match=words):
        read_spikes(tmp_path / f"x.{suffix}")


def test_arrays_of_somebody_else(tmp_path):
    np.savez(tmp_path / "x.npz", about=np.array("{}"))
    with pytest.raises(InputError, match="is no whole export of spikes: it was not exported by neuromorph. Export it"):
        read_spikes(tmp_path / "x.npz")
    about = {"format": "neuromorph export", "version": 1, "populations": {"E": 2}}
    arrays = {"spikes/E/time_ms": np.zeros(3), "spikes/E/neuron": np.zeros(2, np.int64)}
    np.savez(tmp_path / "x.npz", about=np.array(json.dumps(about)), **arrays)
    with pytest.raises(InputError, match="as many times as neurons are needed of E"):
        read_spikes(tmp_path / "x.npz")


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match="x.csv: no such file. Look at how it is spelt"):
        read_spikes(tmp_path / "x.csv")
    (tmp_path / "y.csv").mkdir()
    with pytest.raises(InputError, match="y.csv: is no file"):
        read_spikes(tmp_path / "y.csv")
    with pytest.raises(InputError, match=r"spikes are not read from such a file, found '.txt' \(allowed: .csv"):
        read_spikes(tmp_path / "x.txt")


def test_a_long_table_of_many_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_file, "BLOCK", 2)
    lines = [f"{k},{'EI'[k % 2]},{k}" for k in range(9)]
    (tmp_path / "x.csv").write_text("\n".join(["time_ms,population,neuron", *lines]))
    found = read_spikes(tmp_path / "x.csv")
    assert found["E"].ids.tolist() == [0, 2, 4, 6, 8]
    assert found["I"].times.tolist() == [1.0, 3.0, 5.0, 7.0]


def test_unknown_name():
    with pytest.raises(AttributeError, match="has no attribute 'to_fraem'"):
        room.to_fraem  # noqa: B018


@pytest.mark.parametrize("suffix", ["nwb", "nix"])
@pytest.mark.parametrize(
    ("trap", "words"),
    [
        ("link", "trap: a link to another file. Export it again"),
        ("outside", "trap: its data are in another file"),
        ("size", "trap: 8 TB that are not in the file"),
        ("depth", "groups are nested too deeply"),
        ("cycle", "/: a group within itself"),
        ("soft cycle", "/: a group within itself"),
    ],
)
def test_files_that_lead_elsewhere(trace, tmp_path, suffix, trap, words):
    import h5py

    path = tmp_path / f"x.{suffix}"
    export(trace, path)
    with h5py.File(path, "r+") as file:
        if trap == "link":
            file["trap"] = h5py.ExternalLink("a.h5", "/spikes")
        elif trap == "outside":
            file.create_dataset("trap", (10,), "f8", external=[(str(tmp_path / "a.h5"), 0, 80)])
        elif trap == "size":
            file.create_dataset("trap", (10**12,), "f8", chunks=(1024,))
        elif trap == "cycle":
            file["a"], file["b"] = file.create_group("1"), file.create_group("2")
            file["a/x"], file["b/x"] = file["b"], file["a"]
        elif trap == "soft cycle":
            file["a/b/c"] = h5py.SoftLink("../b")
            file.create_group("d")["root"] = h5py.SoftLink("/")
        else:
            file.create_group("/".join("trap" for _ in range(40)))
    with pytest.raises(TraceError, match=words):
        read_spikes(path)

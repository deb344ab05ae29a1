"""Every file that cannot be read or written says so in one paragraph: which file, why, what to do."""

from __future__ import annotations

import os
import sys

import h5py
import numpy as np
import pytest

from neuromorph.errors import InputError, RunError, TraceError
from neuromorph.traces import Trace, TraceWriter, repair_trace
from neuromorph.traces.schema import create


def refusal(action, *arguments, **options) -> str:
    """The words of the TraceError, which are one line and make exit code 2."""
    with pytest.raises(TraceError) as caught:
        action(*arguments, **options)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def finished(tmp_path, describe, record):
    path = tmp_path / "a.h5"
    writer = TraceWriter(path)
    record(writer, describe())
    writer.close({"status": "complete", "simulated_ms": 3.0})
    return path


# -- writing -----------------------------------------------------------------------------------------------------------


def test_existing_file_is_kept(finished):
    before = finished.read_bytes()
    text = refusal(TraceWriter, finished)
    fix = "Choose another name, or overwrite it with force=True (--force)."
    assert text == f"{finished}: the file exists already. {fix}"
    assert finished.read_bytes() == before


def test_force_replaces_only_at_the_end(finished, describe):
    before = finished.read_bytes()
    writer = TraceWriter(finished, force=True)
    writer.open(describe(populations={"new": 1}))
    assert finished.read_bytes() == before
    writer.close({"status": "complete"})
    with Trace(finished) as trace:
        assert trace.populations == {"new": 1}


def test_file_that_appears_meanwhile_is_kept(tmp_path, describe, record):
    path = tmp_path / "a.h5"
    writer = TraceWriter(path)
    record(writer, describe())
    path.write_text("mine")
    with pytest.raises(RunError) as caught:  # exit code 1: the run is over, and its recording is there
        writer.close({"status": "complete"})
    fix = f"Move it away; then `neuromorph repair {path}` makes {path}.part this trace."
    assert str(caught.value) == f"{path}: the file appeared during the run. {fix}"
    assert path.read_text() == "mine"
    path.unlink()
    repair_trace(path)
    with Trace(path) as trace:
        assert trace.counts["E"] == 3


@pytest.mark.parametrize("name", ["a.h5", "folder/a.h5"])
def test_unwritable_folder_is_refused_before_the_run(tmp_path, name):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / name
    text = refusal(TraceWriter, path)
    assert text == f"{path}: cannot be written: Not a directory. Choose a folder that exists and that you may write to."


def test_missing_folder_is_refused_before_the_run(tmp_path):
    assert "cannot be written: No such file or directory." in refusal(TraceWriter, tmp_path / "none" / "a.h5")


def test_folder_is_refused(tmp_path):
    text = refusal(TraceWriter, tmp_path, force=True)
    assert text == f"{tmp_path}: is a folder, not a file. Give the name of a file in it."


def test_folder_that_goes_before_open(tmp_path, describe):
    folder = tmp_path / "f"
    folder.mkdir()
    writer = TraceWriter(folder / "a.h5")
    folder.rmdir()
    assert "cannot be written: No such file or directory." in refusal(writer.open, describe())


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (
            OSError(28, "No space left on device"),
            TraceError,
            "a.h5: cannot be written: No space left on device. Choose",
        ),
        (ValueError("x"), ValueError, "^x$"),
    ],
)
def test_failed_opening_leaves_nothing(tmp_path, describe, monkeypatch, error, expected, words):
    def fail(*arguments):
        create(*arguments)
        raise error

    monkeypatch.setattr("neuromorph.traces.writer.create", fail)
    writer = TraceWriter(tmp_path / "a.h5")
    with pytest.raises(expected, match=words):
        writer.open(describe())
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_made_is_refused(tmp_path, describe, monkeypatch):
    writer = TraceWriter(tmp_path / "a.h5")

    opened = os.open

    def fail(path, *arguments, **more):
        if str(path).endswith(".part"):
            raise OSError(30, "Read-only file system")
        return opened(path, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", fail)
        text = refusal(writer.open, describe())
    assert text == (
        f"{tmp_path / 'a.h5'}: cannot be written: Read-only file system. "
        "Choose a folder that exists and that you may write to."
    )


def test_another_run_is_not_disturbed(tmp_path, describe, record):
    path = tmp_path / "a.h5"
    first = TraceWriter(path)
    record(first, describe())
    for force in (False, True):
        text = refusal(TraceWriter, path, force=force)
        assert text.startswith(f"{path}.part: another run is recording here, or somebody has it open. Choose another")
    assert "its run is alive, or somebody has it open. Wait for its end." in refusal(repair_trace, path)
    first.close({"status": "complete"})


def test_run_that_began_between_constructor_and_open(tmp_path, describe):
    first, second = TraceWriter(tmp_path / "a.h5"), TraceWriter(tmp_path / "a.h5")
    first.open(describe())
    assert "another run is recording here" in refusal(second.open, describe())
    first.close({"status": "complete"})


@pytest.mark.parametrize(("word", "fix"), [("zstandard", "Did you mean 'zstd'?"), ("xx", "Known: zstd.")])
def test_unknown_compression(tmp_path, word, fix):
    with pytest.raises(InputError) as caught:
        TraceWriter(tmp_path / "a.h5", compression=word)
    assert str(caught.value) == f"trace: unknown compression, found '{word}' (allowed: None or 'zstd'). {fix}"


def test_compression_without_hdf5plugin(tmp_path, monkeypatch, describe):
    pytest.importorskip("hdf5plugin", reason="makes the file that cannot be read without it")
    path = tmp_path / "a.h5"
    writer = TraceWriter(path, compression="zstd")
    writer.open(describe())
    writer.close({"status": "complete"})
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    with pytest.raises(InputError, match=r"needs the package hdf5plugin. pip install 'neuromorph\[compress\]'"):
        TraceWriter(tmp_path / "b.h5", compression="zstd")
    text = refusal(Trace, path)
    expected = "compressed with zstd, which needs the package hdf5plugin. pip install 'neuromorph[compress]'"
    assert text == f"{path}: {expected}"


@pytest.mark.parametrize("act", [lambda w: w.flush(), lambda w: w.signal("reward", 1.0, 1.0), lambda w: w.close({})])
def test_writing_needs_an_open_recording(tmp_path, act):
    with pytest.raises(RunError, match=r"the recording is not open. Call open\(run\) first and close\(summary\) last."):
        act(TraceWriter(tmp_path / "a.h5"))


# -- reading -----------------------------------------------------------------------------------------------------------


def test_missing_file_names_the_one_meant(finished):
    missing = finished.with_name("aa.h5")
    assert refusal(Trace, missing) == f"{missing}: no such file. Did you mean 'a.h5'?"
    assert refusal(Trace, finished.with_name("zzzzzzz.h5")).endswith("no such file. Traces there: a.h5.")
    nowhere = finished.parent / "no"
    assert refusal(Trace, nowhere / "a.h5").endswith(f"The folder {nowhere} does not exist.")
    (finished.parent / "bare").mkdir()
    bare = finished.parent / "bare"
    assert refusal(Trace, bare / "a.h5").endswith(f"no such file. There is no trace in {bare}.")


def test_path_under_a_file(finished):
    assert "a.h5 does not exist." not in refusal(Trace, finished / "b.h5")
    assert f"{finished} is no folder." in refusal(Trace, finished / "b.h5")


def test_folder_is_no_trace(finished):
    text = refusal(Trace, finished.parent)
    assert text == f"{finished.parent}: is a folder, not a file. Traces there: a.h5."


def test_unreadable_file(finished, monkeypatch):
    def deny(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", deny)  # root may read everything
    assert refusal(Trace, finished) == f"{finished}: may not be read. Ask its owner for the right to read it."


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty. The run that should have written it ended before it began; run it again."),
        (b"t,id\n1,2\n", "not an HDF5 file: not a trace. Give a trace written by neuromorph, or a SONATA spike file."),
        (b"\x89HDF\r\n\x1a\n", "cut short or damaged: "),
    ],
)
def test_files_that_are_none(tmp_path, content, words):
    path = tmp_path / "a.h5"
    path.write_bytes(content)
    assert refusal(Trace, path).startswith(f"{path}: {words}")


@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_truncated_file(finished, share):
    whole = finished.read_bytes()
    finished.write_bytes(whole[: int(len(whole) * share)])
    text = refusal(Trace, finished)
    assert text.startswith(f"{finished}: cut short or damaged: ")
    assert text.endswith("Copy it again from where it was made, or run the simulation again.")


def test_damage_inside(finished):
    whole = finished.read_bytes()
    root = whole.index(b"HEAP") + 4  # these heaps hold the names in a group: only the root's stays
    finished.write_bytes(whole[:root] + whole[root:].replace(b"HEAP", b"XXXX"))
    assert refusal(Trace, finished).startswith(f"{finished}: cut short or damaged: ")


def test_foreign_hdf5(tmp_path):
    def written(fill):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            fill(file)
        return refusal(Trace, tmp_path / "a.h5")

    text = written(lambda file: file.create_dataset("images", data=np.zeros(3)))
    assert "an HDF5 file without the group /spikes: not a trace. Give a trace" in text
    text = written(lambda file: file.create_dataset("spikes/gids", data=np.zeros(3)))
    assert "uses SONATA's old layout /spikes/gids. Convert it to /spikes/<population>" in text
    text = written(lambda file: file.create_group("spikes/E"))
    assert "an HDF5 file without spikes in /spikes: not a trace. SONATA spikes are in /spikes/<population>" in text


def test_newer_schema(finished):
    with h5py.File(finished, "r+") as file:
        file.attrs["schema_version"] = 2
    text = refusal(Trace, finished)
    fix = "Read it with the neuromorph that wrote it, or a newer one."
    assert text == f"{finished}: unknown schema version, found 2 (allowed: 1). {fix}"


def test_unknown_names_suggest_the_near_one(finished):
    with Trace(finished) as trace:
        assert refusal(trace.spikes, "queit").endswith("no population 'queit' in this trace. Did you mean 'quiet'?")
        assert refusal(trace.instants, "X").endswith("Known: E, layer 2/3, quiet.")
        text = refusal(trace.state, "E", "Vm")
        assert text.endswith("no recorded state 'E/Vm' in this trace. Did you mean 'E/V_m'?")
        text = refusal(trace.weights, "E_I")
        assert text.endswith("no recorded projection 'E_I' in this trace. Did you mean 'E_E'?")


def test_closed_trace(finished):
    with Trace(finished) as trace:
        pass
    assert refusal(trace.spikes, "E") == f"{finished}: the trace is closed. Open it anew."


def test_nothing_recorded(tmp_path):
    from neuromorph.engine.sink import RunDescription

    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(RunDescription(0.1, 0.1, {"E": 1}))
    writer.close({"status": "complete"})
    with Trace(tmp_path / "a.h5") as trace:
        text = refusal(trace.weights, "E_E")
    assert text.endswith("no recorded projection 'E_E' in this trace. None was recorded.")


def test_repair_without_anything_to_repair(finished):
    assert refusal(repair_trace, finished).endswith(
        f"{finished}.part: no recording of a killed run. {finished} is finished."
    )
    assert refusal(repair_trace, finished.with_name("b.h5")).endswith("no recording of a killed run. Check the name.")

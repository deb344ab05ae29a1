"""What others do to the recording of a run that is going on: nothing that can be kept is lost, and somebody is told."""

from __future__ import annotations

import os
import warnings

import pytest

from neuromorph.errors import RunError, TraceError, TraceWarning
from neuromorph.traces import Trace, TraceWriter, repair_trace


@pytest.fixture
def recording(tmp_path, describe, record):
    """A writer at work and its recording."""
    writer = TraceWriter(tmp_path / "a.h5")
    record(writer, describe())
    writer.flush()
    return writer, tmp_path / "a.h5.part"


def check(path):
    with Trace(path) as trace:
        assert trace.status == "complete"
        assert trace.counts == {"E": 3, "layer 2/3": 1, "quiet": 0}
        assert len(trace.signals["reward"][0]) == 2


def go_on(writer, part):
    """Record one thing more; the warning comes once."""
    writer.signal("reward", 3.0, 1.0)
    end = part.with_suffix("")
    what = rf"{part} has been moved, removed or replaced; the run goes on, and ends in {end}, but a kill would"
    with pytest.warns(TraceWarning, match=what):
        writer.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        writer.flush()
        writer.close({"status": "complete", "simulated_ms": 3.0})


def test_a_recording_that_is_removed_is_finished_all_the_same(recording, tmp_path):
    writer, part = recording
    part.unlink()
    go_on(writer, part)
    check(tmp_path / "a.h5")
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_a_recording_that_is_moved_stays_where_it_is(recording, tmp_path):
    writer, part = recording
    part.rename(tmp_path / "b.h5.part")
    go_on(writer, part)
    check(tmp_path / "a.h5")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "b.h5.part"]


def test_what_takes_the_place_of_a_recording_is_left_alone(recording, tmp_path):
    writer, part = recording
    (tmp_path / "mine").write_bytes(b"mine")
    os.replace(tmp_path / "mine", part)
    go_on(writer, part)
    check(tmp_path / "a.h5")
    assert part.read_bytes() == b"mine"


def test_discarding_removes_no_file_of_others(tmp_path, describe):
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(describe())
    (tmp_path / "a.h5.part").unlink()
    (tmp_path / "a.h5.part").write_bytes(b"mine")
    writer.discard()
    assert (tmp_path / "a.h5.part").read_bytes() == b"mine"


@pytest.mark.parametrize("left", [0, 1000])
def test_a_recording_that_is_cut_short_ends_the_run(recording, tmp_path, left):
    writer, part = recording
    before = part.stat().st_size
    os.truncate(part, left)
    for action in (writer.flush, lambda: writer.close({"status": "failed", "simulated_ms": 3.0})):
        with pytest.raises(RunError) as caught:
            action()
        what = f"another program has cut it short, from {before} to {left} bytes: the recording is lost"
        assert str(caught.value) == f"{part}: {what}. Keep others from it, and run again."
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5.part"]
    with pytest.raises(TraceError, match="cut short or damaged|the file is empty"):
        repair_trace(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(13, "see to it that {}/ can be written"), (30, "see to it that {}/ can be written"), (28, "make room")],
)
def test_a_folder_that_cannot_be_written_any_more(recording, tmp_path, monkeypatch, number, remedy):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    writer, part = recording
    with monkeypatch.context() as patch:
        patch.setattr("neuromorph.traces.writer.finish", refuse)
        with pytest.raises(RunError) as caught:
            writer.close({"status": "complete"})
    path = part.with_suffix("")
    fix = f"What was flushed before is in {part}: {remedy.format(tmp_path)}, then `neuromorph repair {path}`."
    assert str(caught.value) == f"{path}: recording failed: {os.strerror(number)}. {fix}"
    repair_trace(path)
    with Trace(path) as trace:
        assert trace.counts["E"] == 3


def test_two_runs_that_begin_at_the_same_instant(tmp_path, describe, monkeypatch):
    from neuromorph.traces import lock

    one, two = TraceWriter(tmp_path / "a.h5"), TraceWriter(tmp_path / "a.h5")

    def claim_late(*arguments):
        with monkeypatch.context() as patch:
            patch.setattr(lock, "claim", claim)
            one.open(describe())
        return claim(*arguments)

    claim = lock.claim
    monkeypatch.setattr(lock, "claim", claim_late)
    with pytest.raises(TraceError, match=r"a.h5.part: another run is recording here, or somebody has it open. Choose"):
        two.open(describe())
    one.close({"status": "complete", "simulated_ms": 1.0})
    check_name = [p.name for p in tmp_path.iterdir()]
    assert check_name == ["a.h5"]


def test_the_clock_may_jump(tmp_path, describe, record, monkeypatch):
    """Only the monotonic clock says when to flush."""
    import random
    import time

    monkeypatch.setattr(time, "time", lambda: random.uniform(-1e9, 1e10))
    writer = TraceWriter(tmp_path / "a.h5")
    record(writer, describe())
    later = time.monotonic() + 10.0
    monkeypatch.setattr(time, "monotonic", lambda: later)
    with Trace(tmp_path / "a.h5") as trace:
        assert trace.counts["E"] == 0
        writer.signal("reward", 3.0, 1.0)
        assert trace.counts["E"] == 3
    writer.close({"status": "complete"})

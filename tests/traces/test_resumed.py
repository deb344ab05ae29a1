"""Recordings that were cut off and gone on with: what they hold in the end is what one run would have recorded."""

from __future__ import annotations

import json
import os
import random
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from neuromorph.errors import InputError, RunError, TraceError
from neuromorph.traces import Trace, TraceWriter, repair_trace
from traces.blocks import description, record

#: Records blocks; after each has been flushed, and its position is on the disk, says so.
RUN = f"""
import json, os, sys
from neuromorph.traces import TraceWriter

sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from traces.blocks import description, record

path, blocks, exact = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "True"
saved = path + ".position"
first, position = json.load(open(saved)) if os.path.exists(saved) else (0, None)
writer = TraceWriter(path, resume=position, force=position is None)
writer.open(description(exact))
for k in range(first, blocks):
    record(writer, k, exact)
    if k % 3 == 2:
        with open(saved + ".new", "w") as file:
            json.dump([k + 1, writer.position()], file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(saved + ".new", saved)
    else:
        writer.flush()
    print(k + 1, flush=True)
writer.close({{"status": "complete", "simulated_ms": 10.0 * blocks}})
"""


def content(path):
    """Every dataset of a file, and every attribute but those that say when and by whom it was recorded."""
    found = {}

    def add(name, item):
        for key, value in item.attrs.items():
            found[f"{name}@{key}"] = np.array(value).tolist()
        if isinstance(item, h5py.Dataset):
            found[name] = (str(item.dtype), item.shape, item[()].tobytes())

    with h5py.File(path, "r") as file:
        add("", file)
        file.visititems(add)
    assert found.pop("@recording")
    found.pop("provenance@resumed_ms", None)
    return found


def whole(path, blocks, exact, **options):
    """The trace of an uninterrupted run."""
    writer = TraceWriter(path, **options)
    writer.open(description(exact))
    for k in range(blocks):
        record(writer, k, exact)
    writer.close({"status": "complete", "simulated_ms": 10.0 * blocks})
    return content(path)


def begun(path, blocks, more=0, exact=False, **options):
    """A writer after some blocks and as many more, and its position in between."""
    writer = TraceWriter(path, **options)
    writer.open(description(exact))
    for k in range(blocks):
        record(writer, k, exact)
    position = json.loads(json.dumps(writer.position()))
    for k in range(blocks, blocks + more):
        record(writer, k, exact)
    return writer, position


def kill(writer):
    """Leave a writer as the end of its process would."""
    writer.flush()
    left = writer.running_path.read_bytes()  # with HDF5's marks, which go where it is closed
    writer._release()
    writer.running_path.write_bytes(left)


def ended(path, position, first, last, exact=False, **options):
    """Go on from a position to the end."""
    writer = TraceWriter(path, resume=position, **options)
    writer.open(description(exact))
    for k in range(first, last):
        record(writer, k, exact)
    writer.close({"status": "complete", "simulated_ms": 10.0 * last})
    return content(path)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_moments_and_gone_on_with(tmp_path, start, seed, exact):
    path, blocks, chance = tmp_path / "a.h5", 30, random.Random(f"{seed} {exact}")
    kills = 0
    while not path.exists():
        run = start(RUN, path, blocks, exact)
        said = [run.stdout.readline() for _ in range(chance.randrange(1, 12))]
        time.sleep(chance.uniform(0.0, 0.02))
        run.kill()
        out, err = run.communicate()
        assert run.returncode in (0, -9), err
        if path.exists():
            break
        kills += 1
        flushed = int([*said, *out.splitlines()][-1] or 0) if any(said) else 0
        with Trace(path) as trace:  # every spike up to the last flush is there
            assert trace.status == "killed"
            times = trace.state("E", "V_m").times
            assert len(times) >= flushed
            np.testing.assert_array_equal(times, 10.0 * np.arange(len(times)))
    assert kills > 1
    assert content(path) == whole(tmp_path / "b.h5", blocks, exact)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "a.h5.position", "b.h5"]
    with Trace(path) as trace:
        resumed = trace.provenance["resumed_ms"]
        assert resumed == sorted(resumed)
        assert trace.provenance["command"] == "run"


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("left", ["killed", "interrupted", "repaired", "compressed", "interrupted and killed"])
def test_whatever_a_run_has_left_is_gone_on_with(tmp_path, exact, left):
    path = tmp_path / "a.h5"
    options = {"compression": "zstd"} if left == "compressed" else {}
    if options:
        pytest.importorskip("hdf5plugin", reason="the extra `compress` is not installed")
    writer, position = begun(path, 4, more=2, exact=exact, **options)
    if left in ("killed", "repaired"):
        kill(writer)
    else:
        writer.close({"status": "interrupted", "simulated_ms": 60.0})
    if left == "repaired":
        repair_trace(path)
    if left == "interrupted and killed":
        writer = TraceWriter(path, resume=position)
        writer.open(description(exact))
        for k in range(4, 7):
            record(writer, k, exact)
        position = writer.position()
        kill(writer)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "a.h5.part"]
        assert ended(path, position, 7, 9, exact) == whole(tmp_path / "b.h5", 9, exact)
    else:
        assert ended(path, position, 4, 9, exact, **options) == whole(tmp_path / "b.h5", 9, exact, **options)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "b.h5"]


def test_position_is_at_the_beginning_too(tmp_path):
    writer, position = begun(tmp_path / "a.h5", 0, more=2)
    kill(writer)
    assert ended(tmp_path / "a.h5", position, 0, 3) == whole(tmp_path / "b.h5", 3, False)


def test_a_recording_that_goes_on_is_followed_like_any_other(tmp_path):
    path = tmp_path / "a.h5"
    writer, position = begun(path, 2, more=2)
    kill(writer)
    writer = TraceWriter(path, resume=position)
    with Trace(path) as before:  # nothing is cut off before the run is back
        assert before.state("E", "V_m").times.tolist() == [0.0, 10.0, 20.0, 30.0]
    writer.open(description(False))
    with Trace(path) as trace:
        assert trace.running
        assert trace.state("E", "V_m").times.tolist() == [0.0, 10.0]
        record(writer, 2, False)
        writer.flush()
        assert trace.state("E", "V_m").times.tolist() == [0.0, 10.0, 20.0]
        with pytest.raises(TraceError, match=r"a.h5.part: another run is recording here, or somebody has it open. Cho"):
            TraceWriter(path, resume=position)
        writer.close({"status": "complete"})
        assert trace.status == "complete"


@pytest.mark.parametrize("finished", [False, True])
def test_who_followed_the_run_before_follows_on(tmp_path, finished):
    path = tmp_path / "a.h5"
    writer, position = begun(path, 2, more=2)
    if finished:  # the trace of a run that was interrupted stays beside the recording
        writer.close({"status": "interrupted", "simulated_ms": 20.0})
        writer = TraceWriter(path, resume=position)
        writer.open(description(False))
        for k in (2, 3):
            record(writer, k, False)
    kill(writer)
    with Trace(tmp_path / "a.h5.part") as trace:
        assert trace.status == "killed"
        writer = TraceWriter(path, resume=position)
        writer.open(description(False))
        assert trace.status == "running"
        assert trace.state("E", "V_m").times.tolist() == [0.0, 10.0]
        record(writer, 2, False)
        writer.close({"status": "complete", "simulated_ms": 30.0})
        assert trace.status == "complete"
        assert trace.state("E", "V_m").times.tolist() == [0.0, 10.0, 20.0]


def test_no_room_to_go_on(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.h5"
    writer, position = begun(path, 2)
    kill(writer)
    for left in (tmp_path / "a.h5.part", path):
        before = left.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(os, "posix_fallocate", full)
            with pytest.raises(RunError) as caught:
                TraceWriter(path, resume=position).open(description(False))
        assert str(caught.value) == (
            f"{path}: recording failed: No space left on device. "
            f"What was flushed before is in {left}: make room, then try again."
        )
        assert [p.name for p in tmp_path.iterdir()] == [left.name]
        assert left.read_bytes() == before
        if left != path:
            repair_trace(path)
    assert ended(path, position, 2, 3) == whole(tmp_path / "b.h5", 3, False)


def test_learning_curves_keep_their_kind(tmp_path):
    writer, position = begun(tmp_path / "a.h5", 3)
    kill(writer)
    writer = TraceWriter(tmp_path / "a.h5", resume=position)
    writer.open(description(False))
    with pytest.raises(InputError, match=r"learning/error: a learning curve keeps its units and width, found"):
        writer.learning("error", 1.0, "Hz")
    writer.discard()


def test_discarding_what_goes_on_leaves_what_there_was(tmp_path):
    for finish in (False, True):
        path = tmp_path / f"{finish}.h5"
        writer, position = begun(path, 3, more=1)
        if finish:
            writer.close({"status": "interrupted", "simulated_ms": 40.0})
        else:
            kill(writer)
        with pytest.raises(ZeroDivisionError), TraceWriter(path, resume=position) as writer:
            raise ZeroDivisionError
        writer = TraceWriter(path, resume=position)
        writer.open(description(False))
        writer.close({"status": "failed", "simulated_ms": 0.0})
        assert ended(path, position, 3, 5) == whole(path.with_suffix(".b.h5"), 5, False)


def test_the_run_must_be_the_same(tmp_path):
    path = tmp_path / "a.h5"
    writer, position = begun(path, 3, more=1)
    kill(writer)
    before = path.with_name("a.h5.part").read_bytes()
    run = description(False)
    for changes, said in [
        ({"populations": {"E": 51}, "window_ms": 0.2}, "window_ms, populations"),
        ({"states": run.states[:1]}, "states"),
        ({"weights": [replace(run.weights[0], source_index=np.array([0, 2]))]}, "weights"),
        ({"network": {"network": {"name": "other"}}}, "network"),
    ]:
        writer = TraceWriter(path, resume=position)
        with pytest.raises(TraceError) as caught:
            writer.open(replace(run, **changes))
        what = f"{path}: goes on with a run that is described otherwise: {said}. "
        assert str(caught.value) == what + (
            "Go on with the same network and records, or record the changed run in another file."
        )
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5.part"]
    assert path.with_name("a.h5.part").read_bytes() == before
    longer = {"provenance": {"command": "resume"}, "network": run.network | {"run": {"duration": 2.0}}}
    TraceWriter(path, resume=position).open(replace(run, **longer))


def test_recording_that_is_not_there_or_another_or_too_short(tmp_path):
    path = tmp_path / "a.h5"
    writer, early = begun(path, 2)
    for k in range(2, 6):
        record(writer, k, False)
    late = writer.position()
    kill(writer)
    with pytest.raises(TraceError, match=r"b.h5: no recording to go on with. Check the name; without the recording"):
        TraceWriter(tmp_path / "b.h5", resume=early)
    writer, other = begun(tmp_path / "b.h5", 2)
    kill(writer)
    with pytest.raises(TraceError) as caught:
        TraceWriter(path, resume=other)
    assert str(caught.value) == (
        f"{path}.part: is another recording, found '{late['recording']}' (allowed: {other['recording']}). "
        "Go on from the checkpoint that was made with it, or move it away."
    )
    writer = TraceWriter(path, resume=early)
    writer.open(description(False))
    kill(writer)
    with pytest.raises(TraceError) as caught:
        TraceWriter(path, resume=late)
    spikes = [f"{early['rows'][n]} of {late['rows'][n]} rows of {n}" for n in ("/spikes/E", "/spikes/I%2F2")]
    lacking = f"{', '.join(spikes)}, 2 of 6 rows of /report/E/V_m, and 5 more"
    assert str(caught.value) == (
        f"{path}.part: ends before the checkpoint: it has {lacking}. "
        "Go on from an older checkpoint, or begin the run anew."
    )


def test_another_trace_in_the_way(tmp_path):
    path = tmp_path / "a.h5"
    writer, position = begun(path, 2)
    kill(writer)
    whole(tmp_path / "b.h5", 1, False)
    os.rename(tmp_path / "b.h5", path)
    with pytest.raises(TraceError, match=r"a.h5: the file exists already. Choose another name, or overwrite it with"):
        TraceWriter(path, resume=position)
    assert ended(path, position, 2, 3, force=True) == whole(tmp_path / "b.h5", 3, False)


def test_another_trace_appears_while_the_recording_goes_on(tmp_path):
    path = tmp_path / "a.h5"
    writer, position = begun(path, 2)
    kill(writer)
    writer = TraceWriter(path, resume=position)
    writer.open(description(False))
    path.write_bytes(b"mine")
    with pytest.raises(RunError, match=r"a.h5: the file appeared during the run. Move it away; then `neuromorph rep"):
        writer.close({"status": "complete"})
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize(
    "change",
    [
        {"rows": {"/spikes/E": -1}}, {"rows": {"/nonsense/E": 1}}, {"rows": {"E": 1}}, {"rows": None},
        {"rows": {"/spikes/E": 1.5}}, {"curves": {"a": 1}}, {"curves": {"a": ["1", [], "many"]}},
        {"latest_ms": "soon"}, {"described": []},
    ],
)  # fmt: skip
def test_what_is_no_position(tmp_path, change):
    writer, position = begun(tmp_path / "a.h5", 2)
    kill(writer)
    for wrong in (position | change, {k: v for k, v in position.items() if k not in change}):
        with pytest.raises(TraceError, match=r"position: not the position of a recording, found {.*Give what TraceWr"):
            TraceWriter(tmp_path / "a.h5", resume=wrong)


def test_a_position_waits_for_the_disk(tmp_path, monkeypatch):
    """A power cut after a checkpoint must not find the recording shorter than the checkpoint says."""
    writer, _ = begun(tmp_path / "a.h5", 1)
    record(writer, 1, False)
    settled = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: settled.append(os.fstat(descriptor)))
    position = writer.position()
    assert [os.path.samestat(found, writer.running_path.stat()) for found in settled] == [True]
    with Trace(tmp_path / "a.h5") as trace:  # flushed before
        assert trace.counts["E"] == position["rows"]["/spikes/E"]


def test_position_of_a_writer_that_is_not_open(tmp_path):
    with pytest.raises(RunError, match=r"a.h5: the recording is not open. Call open\(run\) first and close\(summary\)"):
        TraceWriter(tmp_path / "a.h5").position()


def test_what_a_kill_left_in_the_middle_of_going_on_is_no_obstacle(tmp_path):
    writer, position = begun(tmp_path / "a.h5", 2)
    kill(writer)
    (tmp_path / "a.h5.part.resuming").write_bytes(b"half a copy")
    assert ended(tmp_path / "a.h5", position, 2, 3) == whole(tmp_path / "b.h5", 3, False)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "b.h5"]


def test_two_runs_go_on_with_one_recording(tmp_path):
    path = tmp_path / "a.h5"
    writer, position = begun(path, 2)
    kill(writer)
    one, two = (TraceWriter(path, resume=position) for _ in range(2))
    one.open(description(False))
    with pytest.raises(TraceError, match=r"a.h5.part: another run is recording here, or somebody has it open. Choose"):
        two.open(description(False))
    record(one, 2, False)
    one.close({"status": "complete", "simulated_ms": 30.0})
    assert content(path) == whole(tmp_path / "b.h5", 3, False)

"""Runs that end otherwise than planned, and runs that are read before they end."""

from __future__ import annotations

import random
import sys
import time

import numpy as np
import pytest

from neuromorph.engine.sink import RunDescription
from neuromorph.errors import RunError, TraceError
from neuromorph.traces import Trace, TraceWriter, repair_trace

#: Writes row n of every channel as a function of n, in blocks of changing length, and says what is flushed.
WRITER = """
import sys, time
import numpy as np
from neuromorph.engine.sink import RunDescription, StateChannel
from neuromorph.traces import TraceWriter

path, blocks, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
writer = TraceWriter(path)
writer.open(RunDescription(None, 0.1, {"E": 7, "quiet": 2}, states=[StateChannel("E", "V_m", "mV", np.arange(3), 1.0)]))
n, rng = 0, np.random.default_rng(1)
for block in range(blocks):
    rows = np.arange(n, n + rng.integers(1, 20_000))
    writer.spikes("E", rows, 0.1 - 0.0 * rows, rows % 7)
    writer.state(0, float(block), np.full(3, float(block)))
    writer.learning("error", float(block))
    writer.flush()
    n += len(rows)
    print(n, block + 1, flush=True)
    time.sleep(pause)
writer.close({"status": "complete", "simulated_ms": n * 0.1})
"""


def check_rows(trace: Trace, rows: int, blocks: int) -> None:
    """Whatever is there is whole, and all that was acknowledged is there."""
    base, offset_ms, ids = trace.instants("E")
    assert len(base) >= rows
    np.testing.assert_array_equal(base, np.arange(len(base)))
    np.testing.assert_array_equal(offset_ms, np.full(len(base), 0.1))
    np.testing.assert_array_equal(ids, np.arange(len(base)) % 7)
    times, found = trace.spikes("E")
    np.testing.assert_array_equal(found, ids)
    np.testing.assert_allclose(times, (base + 1) * 0.1)
    state, curve = trace.state("E", "V_m"), trace.learning["error"]
    assert len(state.times) >= blocks
    np.testing.assert_array_equal(state.values, np.repeat(state.times[:, None], 3, axis=1))
    np.testing.assert_array_equal(state.times, np.arange(len(state.times)))
    np.testing.assert_array_equal(curve, np.arange(len(curve)))
    assert len(curve) >= blocks


@pytest.mark.parametrize("seed", range(5))
def test_kill_loses_nothing_that_was_flushed(tmp_path, start, seed):
    path = tmp_path / "a.h5"
    writer = start(WRITER, path, 10**6, 0.0)
    said = [writer.stdout.readline() for _ in range(5 + 20 * seed)]
    time.sleep(random.Random(seed).uniform(0, 0.05))
    writer.kill()
    said += writer.communicate()[0].splitlines()
    rows, blocks = map(int, [line for line in said if line.count(" ") == 1][-1].split())

    assert [p.name for p in tmp_path.iterdir()] == ["a.h5.part"]
    before = (tmp_path / "a.h5.part").read_bytes()
    with Trace(path) as trace:  # the final name will do
        assert (trace.status, trace.running) == ("killed", False)
        assert trace.summary()["ended_early"]
        check_rows(trace, rows, blocks)
        assert trace.simulated_ms >= rows * 0.1 - 1e-6
        assert trace.populations == {"E": 7, "quiet": 2}
    assert (tmp_path / "a.h5.part").read_bytes() == before  # reading never writes

    with pytest.raises(TraceError) as caught:
        TraceWriter(path)
    assert str(caught.value) == (
        f"{path}.part: holds the recording of a run that was killed. Go on with it (`neuromorph resume {path}`), "
        f"finish it (`neuromorph repair {path}`), or overwrite it with force=True (--force)."
    )
    assert repair_trace(tmp_path / "a.h5.part") == path
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]
    with Trace(path) as trace:
        assert (trace.status, trace.summary()["ended_early"]) == ("killed", True)
        check_rows(trace, rows, blocks)


def test_repair_keeps_a_finished_trace(tmp_path, start, describe):
    path = tmp_path / "a.h5"
    writer = TraceWriter(path)
    writer.open(describe())
    writer.close({"status": "complete"})
    again = start(WRITER.replace("TraceWriter(path)", "TraceWriter(path, force=True)"), path, 10**6, 0.0)
    again.stdout.readline()
    again.kill()
    again.communicate()
    with pytest.raises(TraceError, match=r"a.h5: the file exists already. Move it away, or overwrite it with force"):
        repair_trace(path)
    repair_trace(path, force=True)
    with Trace(path) as trace:
        assert trace.status == "killed"


def test_force_throws_a_killed_recording_away(tmp_path, start, describe):
    path = tmp_path / "a.h5"
    writer = start(WRITER, path, 10**6, 0.0)
    writer.stdout.readline()
    writer.kill()
    writer.communicate()
    writer = TraceWriter(path, force=True)
    writer.open(describe())
    writer.close({"status": "complete"})
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_another_process_follows_to_the_end(tmp_path, start):
    path = tmp_path / "a.h5"
    writer = start(WRITER, path, 60, 0.01)
    writer.stdout.readline()
    seen: list[np.ndarray] = []
    statuses, rows = [], 0
    with Trace(path) as trace:
        while True:
            running = trace.running
            base, _, _ = trace.instants("E")
            times, ids = trace.spikes("E", first=rows)
            np.testing.assert_array_equal(base, np.arange(len(base)))
            assert len(times) == len(ids)
            seen.append(ids)
            rows += len(ids)
            statuses.append(trace.status)
            if not running:
                break
            time.sleep(0.005)
        assert trace.path == path  # the recording became the trace while it was open
        assert trace.status == "complete"
        check_rows(trace, rows, 60)
        assert trace.simulated_ms == pytest.approx(rows * 0.1)
    assert statuses.count("running") > 5
    np.testing.assert_array_equal(np.concatenate(seen), np.arange(rows) % 7)
    assert writer.wait() == 0


def test_the_same_process_may_read_while_it_writes(tmp_path):
    """HDF5's refresh would make the writer's own handles lose their chunks."""
    path = tmp_path / "a.h5"
    writer = TraceWriter(path)
    writer.open(RunDescription(0.1, 0.1, {"E": 10}))
    with Trace(path) as one, Trace(path) as two:
        for k in range(20):
            rows = np.arange(k * 10_000, (k + 1) * 10_000)
            writer.spikes("E", rows, np.zeros(len(rows)), rows % 10)
            writer.flush()
            for trace in (one, two):
                assert (trace.running, trace.status) == (True, "running")
                np.testing.assert_array_equal(trace.instants("E")[0], np.arange((k + 1) * 10_000))
        writer.close({"status": "complete"})
        for trace in (one, two):
            np.testing.assert_array_equal(trace.instants("E")[0], np.arange(200_000))
            assert trace.status == "complete"


def test_run_that_ends_between_the_look_and_the_opening(tmp_path, describe, record, monkeypatch):
    from neuromorph.traces import opening, reader

    def end_then(action):
        def act(path, *more):
            if (tmp_path / "a.h5.part").exists():
                writer.close({"status": "complete"})
            return action(path, *more)

        return act

    writer = TraceWriter(tmp_path / "a.h5")
    record(writer, describe())
    writer.flush()
    with Trace(tmp_path / "a.h5") as trace, monkeypatch.context() as patch:
        patch.setattr(reader, "open_recording", end_then(opening.open_recording))
        assert trace.counts["E"] == 3
        assert trace.status == "complete"
    for name in ("open_file", "open_recording"):  # the same while a trace is being opened
        writer = TraceWriter(tmp_path / "a.h5", force=True)
        record(writer, describe())
        (tmp_path / "a.h5").unlink()
        with monkeypatch.context() as patch:
            for module in (opening, reader):
                patch.setattr(module, name, end_then(getattr(opening, name)))
            with Trace(tmp_path / "a.h5") as trace:
                assert (trace.status, trace.counts["E"]) == ("complete", 3)


def test_other_tools_may_follow_too(tmp_path, describe, record, start):
    writer = TraceWriter(tmp_path / "a.h5")
    record(writer, describe())
    writer.flush()
    script = "import h5py; print(h5py.File(sys.argv[1], 'r', swmr=True)['spikes/E/node_ids'][:].tolist())"
    assert start(script, tmp_path / "a.h5.part").communicate() == ("[3, 4, 99]\n", "")
    writer.close({"status": "complete"})


def test_run_that_is_still_laying_its_file_out_cannot_be_followed_yet(tmp_path, describe, monkeypatch):
    from neuromorph.traces.schema import create

    def create_and_look(*arguments):
        with pytest.raises(TraceError, match=r"a.h5.part: is being made by a run that cannot be followed yet. Try aga"):
            Trace(tmp_path / "a.h5")
        return create(*arguments)

    monkeypatch.setattr("neuromorph.traces.writer.create", create_and_look)
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(describe())
    assert Trace(tmp_path / "a.h5").status == "running"
    writer.close({"status": "complete"})


def test_what_is_not_flushed_is_not_shown(tmp_path, describe):
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(describe())
    with Trace(tmp_path / "a.h5") as trace:
        writer.spikes("E", np.array([1]), np.zeros(1), np.array([1]))
        assert trace.counts["E"] == 0
        writer.flush()
        assert trace.counts["E"] == 1
    writer.close({"status": "complete"})


def test_flushes_by_itself(tmp_path, describe, monkeypatch):
    monkeypatch.setattr("neuromorph.traces.writer.FLUSH_BYTES", 1000)
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(describe())
    rows = np.arange(1, 101)
    with Trace(tmp_path / "a.h5") as trace:
        writer.spikes("E", rows[:10], np.zeros(10), rows[:10] % 3)
        assert trace.counts["E"] == 0
        writer.spikes("E", rows[10:], np.zeros(90), rows[10:] % 3)
        assert trace.counts["E"] == 100
        monkeypatch.setattr("neuromorph.traces.writer.FLUSH_SECONDS", 0.0)
        writer.signal("reward", 11.0, 1.0)
        assert trace.signals["reward"][0].tolist() == [11.0]
    writer.close({"status": "complete"})


def test_follower_of_a_discarded_run(tmp_path, describe):
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(describe())
    with Trace(tmp_path / "a.h5") as trace:
        writer.discard()
        with pytest.raises(TraceError, match=r"a.h5: no such file. There is no trace in"):
            trace.spikes("E")
        with pytest.raises(TraceError, match=r"a.h5: the trace is closed. Open it anew."):
            trace.spikes("E")


def test_follower_does_not_take_another_trace_for_its_own(tmp_path, describe):
    for _ in range(2):
        writer = TraceWriter(tmp_path / "a.h5", force=True)
        writer.open(describe())
        if not (tmp_path / "a.h5").exists():
            writer.close({"status": "complete"})
    with Trace(tmp_path / "a.h5.part") as trace:
        writer.discard()
        with pytest.raises(TraceError, match=r"the run that was followed has left no trace here. Open the trace anew."):
            trace.spikes("E")


def test_interrupted_run_is_a_whole_trace(tmp_path, describe, record):
    writer = TraceWriter(tmp_path / "a.h5")
    record(writer, describe())
    writer.close({"status": "interrupted", "simulated_ms": 2.5})
    with Trace(tmp_path / "a.h5") as trace:
        summary = trace.summary()
        assert trace.counts["E"] == 3
    assert (summary["status"], summary["simulated_ms"], summary["ended_early"]) == ("interrupted", 2.5, True)


def fail_in_block(path, prepare, error):
    with TraceWriter(path) as writer:
        prepare(writer)
        raise error


def test_run_that_failed_before_anything_leaves_nothing(tmp_path, describe):
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(describe())
    writer.close({"status": "failed", "simulated_ms": 0.0})
    assert list(tmp_path.iterdir()) == []
    for prepare in (lambda writer: writer.open(describe()), lambda writer: None):
        with pytest.raises(ZeroDivisionError):
            fail_in_block(tmp_path / "a.h5", prepare, ZeroDivisionError)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("error", "status"), [(ZeroDivisionError, "failed"), (KeyboardInterrupt, "interrupted")])
def test_run_that_failed_later_keeps_what_it_had(tmp_path, describe, record, error, status):
    with pytest.raises(error):
        fail_in_block(tmp_path / "a.h5", lambda writer: record(writer, describe()), error)
    with Trace(tmp_path / "a.h5") as trace:
        assert (trace.status, trace.simulated_ms, trace.counts["E"]) == (status, 3.0, 3)


FULL = """
import resource, signal, sys
import numpy as np
from neuromorph.engine.sink import RunDescription
from neuromorph.errors import RunError
from neuromorph.traces import TraceWriter

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, resource.RLIM_INFINITY))
rows = 0
try:
    with TraceWriter(sys.argv[1]) as writer:
        writer.open(RunDescription(0.1, 0.1, {"E": 7}))
        for k in range(1000):
            block = np.arange(k * 1000, (k + 1) * 1000)
            writer.spikes("E", block, np.zeros(1000), block % 7)
            writer.flush()
            rows += 1000
except RunError as error:
    print(rows, error.exit_code, str(error), sep="|", flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reserves room with posix_fallocate")
def test_full_disk_ends_the_run_and_keeps_the_rest(tmp_path, start):
    process = start(FULL, tmp_path / "a.h5")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")  # HDF5 left to itself ends in a segmentation fault here
    rows, code, text = out.strip().split("|")
    assert int(rows) > 50_000
    assert code == "1"
    assert "a.h5: recording failed: File too large. What was flushed before is in" in text
    assert text.endswith(f"a.h5.part: make room, then `neuromorph repair {tmp_path / 'a.h5'}`.")
    repair_trace(tmp_path / "a.h5")
    with Trace(tmp_path / "a.h5") as trace:
        np.testing.assert_array_equal(trace.instants("E")[0], np.arange(int(rows)))


#: To go before FULL: no room is reserved, so that a write of HDF5 fails; what it writes elsewhere then does not.
UNFORESEEN = """
import os, resource
from neuromorph.traces import writer as writing

del os.posix_fallocate
give_up = writing.give_up

def elsewhere(file):
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    give_up(file)

writing.give_up = elsewhere
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_write_that_fails_unforeseen(tmp_path, start):
    process = start(UNFORESEEN + FULL, tmp_path / "a.h5")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    rows, code, text = out.strip().split("|")
    assert int(rows) > 100_000
    assert code == "1"
    assert "a.h5: recording failed: File too large. What was flushed before is in" in text
    repair_trace(tmp_path / "a.h5")
    with Trace(tmp_path / "a.h5") as trace:
        np.testing.assert_array_equal(trace.instants("E")[0], np.arange(int(rows)))


def test_no_room_for_the_finished_form(tmp_path, describe, record, monkeypatch):
    writer = TraceWriter(tmp_path / "a.h5")
    record(writer, describe())
    usage = type("Usage", (), {"free": 10})
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda path: usage)
        with pytest.raises(RunError, match=r"the finished file needs \d.\d MB of free disk space. What was flushed"):
            writer.close({"status": "complete", "simulated_ms": 3.0})
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5.part"]
    repair_trace(tmp_path / "a.h5")
    with Trace(tmp_path / "a.h5") as trace:
        assert trace.counts["E"] == 3


def test_failure_while_finishing_leaves_the_recording(tmp_path, describe, record, monkeypatch):
    writer = TraceWriter(tmp_path / "a.h5")
    record(writer, describe())
    with monkeypatch.context() as patch:
        patch.setattr("neuromorph.traces.finish.complete", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            writer.close({"status": "complete"})
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5.part"]
    repair_trace(tmp_path / "a.h5")


def test_importing_neuromorph_traces_does_not_load_hdf5(start):
    process = start("import neuromorph.traces; print('h5py' in sys.modules)")
    assert process.communicate()[0] == "False\n"
    assert process.returncode == 0


def test_unknown_attribute_of_the_package():
    import neuromorph.traces

    with pytest.raises(AttributeError, match=r"module 'neuromorph.traces' has no attribute 'Tracer'"):
        _ = neuromorph.traces.Tracer


def test_a_long_description_is_whole_on_disk_from_the_first_flush_on(tmp_path, describe):
    text = "x" * (33 << 20)  # longer than what HDF5's metadata cache holds
    writer = TraceWriter(tmp_path / "a.h5")
    writer.open(describe(network={"network": {"description": text}}))
    writer.flush()
    with Trace(tmp_path / "a.h5") as trace:
        assert trace.running
        assert trace.network["network"]["description"] == text
    writer.close({"status": "complete"})

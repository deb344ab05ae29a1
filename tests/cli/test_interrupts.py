"""Ctrl-C, SIGTERM, kill -9 and closed pipes."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from neuromorph import Network, Simulation, Trace
from neuromorph.errors import TraceError

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
#: an input that sleeps at the stage of a run that its parameter says, once it has said so
SLOW = """\
import sys, time
from neuromorph.models.contract import InputModel
from neuromorph.parameters import Param

def sleep(*_):
    print("asleep", file=sys.stderr, flush=True)
    time.sleep(60)

class Slow(InputModel):
    text_parameters = {"stage": "where to sleep"}
    @classmethod
    def validate(cls, parameters):
        return sleep() if parameters["stage"] == "check" else []
    @staticmethod
    def prepare(params, size, clock, key):
        return sleep() if STAGE == "build" else (STAGE,)
    @staticmethod
    def kernel(exact):
        return sleep
"""


def wait_for(process, condition) -> None:
    """Until `condition` holds; the process must be running all that time."""
    for _ in range(2400):
        try:
            if condition():
                return
        except TraceError:  # not there yet
            pass
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    raise AssertionError("nothing happened in 120 s")


def simulated(path: str) -> float:
    with Trace(path) as trace:
        return trace.simulated_ms


@pytest.mark.parametrize("resolution", ["0.1", "exact"])
@pytest.mark.parametrize("number", CODES)
def test_a_run_that_is_interrupted_keeps_what_it_simulated(start, number, resolution):
    process = start("run", "tiny.toml", "-o", "x.h5", "--duration", "1e9", "--resolution", resolution)
    wait_for(process, lambda: simulated("x.h5") > 0)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == CODES[number]
    with Trace("x.h5") as trace:
        assert trace.path == Path("x.h5")
        assert trace.status == "interrupted"
        end = trace.simulated_ms
        recorded = {name: trace.instants(name) for name in ("E", "I")}
    assert 0 < end < 1e9
    goes_on = number == signal.SIGTERM
    more = "; go on with: neuromorph resume x.h5" if goes_on else ""
    said = f"neuromorph: ended early, at {end:,.15g} ms of 1,000,000,000 ms; x.h5 holds what was simulated{more}\n"
    assert err == said
    assert f"simulated        {end:,.15g} ms" in out
    assert sorted(os.listdir()) == ["tiny.toml", *(["x.checkpoint.npz"] if goes_on else []), "x.h5"]
    _same_spikes(recorded, end, "exact" if resolution == "exact" else 0.1)
    libsonata = pytest.importorskip("libsonata", reason="the extra `test` is not installed")
    assert len(libsonata.SpikeReader("x.h5")["E"].get()) == len(recorded["E"][0])


def _same_spikes(recorded, end, resolution) -> None:
    """The spikes are, to the last bit, those of an undisturbed run up to that time."""
    simulation = Simulation(Network.load("tiny.toml"), resolution=resolution)
    simulation.run(end)
    simulation.close()
    for name, columns in recorded.items():
        for found, expected in zip(columns, simulation.sink.instants(name)):
            np.testing.assert_array_equal(found, expected)
    assert len(recorded["E"][0]) > 10


def test_json_and_quiet_of_an_interrupted_run(start):
    process = start("run", "tiny.toml", "-o", "x.h5", "--duration", "1e9", "--json", "--quiet")
    wait_for(process, lambda: simulated("x.h5") > 0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == ""
    report = json.loads(out)
    assert report["status"] == "interrupted"
    with Trace("x.h5") as trace:
        assert trace.simulated_ms == report["simulated_ms"]
        assert sum(trace.counts.values()) == report["spikes"]


def test_more_signals_do_no_harm(start):
    process = start("run", "tiny.toml", "-o", "x.h5", "--duration", "1e9", "--record", "E.V_m@0.1")
    wait_for(process, lambda: simulated("x.h5") > 0)
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        process.send_signal(number)
        time.sleep(0.005)
    process.communicate(timeout=30)
    assert process.returncode == 130
    with Trace("x.h5") as trace:
        assert trace.status == "interrupted"
        values = trace.state("E", "V_m")
        assert values.times[-1] == pytest.approx(trace.simulated_ms)
        assert np.all(np.isfinite(values.values))
    assert sorted(os.listdir()) == ["tiny.toml", "x.h5"]


@pytest.mark.parametrize(
    ("stage", "number"),
    [("import", signal.SIGINT), ("check", signal.SIGTERM), ("build", signal.SIGINT), ("first window", signal.SIGTERM)],
)
def test_before_anything_was_simulated_nothing_is_left(start, network, stage, number):
    """The last stage is the one in which kernels are compiled: the recording is open, and goes again."""
    head = f"STAGE = {stage!r}\n"
    Path("slow.py").write_text(head + SLOW + ("sleep()\n" if stage == "import" else ""))
    network(('"poisson"', '"slow"'), ('rate = "8 kHz"', f'stage = "{stage}"'))
    before = sorted(os.listdir())
    process = start("run", "changed.toml", "--plugin", "slow.py")
    assert process.stderr.readline() == "asleep\n"
    assert Path("traces/tiny.h5.part").exists() == (stage == "first window")
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (CODES[number], "")
    assert err == "neuromorph: interrupted before anything was simulated or written.\n"
    assert sorted(os.listdir()) == before


def test_a_signal_that_is_ignored_stays_so(start):
    """As under nohup: whoever starts us has the last word."""
    process = start(
        "run", "tiny.toml", "-o", "x.h5", "--duration", "1e9",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    wait_for(process, lambda: simulated("x.h5") > 0)
    process.send_signal(signal.SIGINT)
    reached = simulated("x.h5")
    wait_for(process, lambda: simulated("x.h5") > reached)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143


def test_learning_that_is_interrupted_keeps_what_it_learnt(start, call):
    pytest.importorskip("sklearn", reason="the extra `learn` is not installed")
    options = ["learn", "digits", "--top-down", "fixed", "--hidden", "20,20", "--passes", "1", "--epochs", "3"]
    process = start(*options, "-o", "x.h5")
    first = process.stderr.readline()
    assert first.startswith("fixed: epoch 1, ")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert err == "neuromorph: ended early; x.h5 holds 1 of 3 epochs; to go on: --resume x.checkpoint.npz\n"
    assert out.startswith("digits, fixed top-down weights\n")
    call(*options, "-o", "y.h5", "-q")
    with Trace("x.h5") as part, Trace("y.h5") as whole:
        assert (part.status, whole.status) == ("interrupted", "complete")
        assert 8 * 1437 < part.simulated_ms < whole.simulated_ms
        times, values = part.signals["learn"]
        assert len(times) == np.searchsorted(whole.signals["learn"][0], part.simulated_ms, "right")
        np.testing.assert_array_equal(values, whole.signals["learn"][1][: len(values)])
        curve = part.learning["test_errors"]
        np.testing.assert_array_equal(curve, whole.learning["test_errors"][: len(curve)])
        assert len(curve) == 1
        learnt = part.weights("image_hidden1")  # as at the start, and as they were when it ended
        assert learnt.times.tolist() == [0.0, part.simulated_ms]
        first, last = whole.weights("image_hidden1").values
        np.testing.assert_array_equal(learnt.values[0], first)
        assert np.any(learnt.values[1] != first)
        assert np.any(learnt.values[1] != last)
    pytest.importorskip("libsonata", reason="the extra `test` is not installed").SpikeReader("x.h5")


def test_what_a_killed_run_flushed_can_be_looked_at(start, call):
    process = start("run", "tiny.toml", "-o", "x.h5", "--duration", "1e9")
    wait_for(process, lambda: simulated("x.h5") > 0)
    running = json.loads(call("info", "x.h5", "--json").out)
    process.kill()
    process.wait()
    for name in ("x.h5", "x.h5.part"):
        killed = json.loads(call("info", name, "--json").out)
        assert (running["status"], killed["status"], killed["ended_early"]) == ("running", "killed", True)
        assert killed["spikes"] >= running["spikes"] > 0
        assert "killed (ended early)" in call("info", name).out
    assert call("analyze", "x.h5").out.startswith("population")
    command = re.search(r"to finish it +neuromorph (.*)$", call("info", "x.h5").out, re.M)
    answer = call(*command[1].split())
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines()[1].split() == ["status", "killed", "(ended", "early)"]
    assert f"{killed['spikes']:,}" in answer.out
    assert sorted(os.listdir()) == ["tiny.toml", "x.h5"]
    assert json.loads(call("info", "x.h5", "--json").out) == killed | {"file": "x.h5"}


@pytest.mark.parametrize("command", [["analyze", "x.h5"], ["info", "x.h5"], ["models", "list"], ["--help"]])
def test_a_closed_pipe_is_no_error(start, call, command):
    call("run", "tiny.toml", "-o", "x.h5", "-q")
    process = start(*command)
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() in (0, 1)

"""What happens to machines and files while `neuromorph run` works: docs/reliability.md, as a test for each row."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from cli.test_interrupts import wait_for
from neuromorph import Network, Simulation, Trace

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and capabilities of Linux")
ENDLESS = ["run", "tiny.toml", "-o", "x.h5", "--duration", "1e9"]


def spikes(path: str) -> int:
    with Trace(path) as trace:
        return trace.counts["E"]


def begin(start, *options, **more):
    """An endless run that has recorded spikes."""
    process = start(*ENDLESS, *options, **more)
    wait_for(process, lambda: spikes("x.h5") > 10)
    return process


def end(process, number=signal.SIGINT) -> str:
    """Stop a run; returns what it said on standard error."""
    process.send_signal(number)
    return process.communicate(timeout=60)[1]


def check_spikes(path: str, network: str = "tiny.toml", resolution: object = 0.1, atleast: int = 10) -> None:
    """The spikes in a trace are those of a run that nothing happened to, as far as it goes."""
    with Trace(path) as trace:
        simulation = Simulation(Network.load(network), resolution=resolution)
        simulation.run(trace.simulated_ms)
        for name in ("E", "I"):
            for found, expected in zip(trace.instants(name), simulation.sink.instants(name)):
                np.testing.assert_array_equal(found, expected)
        assert trace.counts["E"] >= atleast


def as_anybody() -> None:
    """Give up root's right to write everywhere, for the program that is about to start."""
    PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
    if os.getuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for right in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            assert libc.prctl(PR_CAPBSET_DROP, right, 0, 0, 0) == 0


# -- the disk ----------------------------------------------------------------------------------------------------------


def test_a_full_disk(start, call):
    limit = (30_000_000, resource.RLIM_INFINITY)
    process = start(
        *ENDLESS, "--record", "E.V_m@0.1", "--set", "populations.E.size=100", "--set", "inputs.noise.size=100",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )  # fmt: skip
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, "")
    assert err == (
        "neuromorph: x.h5: recording failed: File too large. "
        "What was flushed before is in x.h5.part: make room, then `neuromorph repair x.h5`.\n"
    )
    assert call("repair", "x.h5").code == 0
    with Trace("x.h5") as trace:
        assert trace.status == "killed"
        assert len(trace.state("E", "V_m").times) > 100


def test_a_folder_that_cannot_be_written(start, folder):
    folder.chmod(0o500)
    try:
        process = start(*ENDLESS, preexec_fn=as_anybody)
        out, err = process.communicate(timeout=60)
    finally:
        folder.chmod(0o700)
    assert (process.returncode, out) == (2, "")
    fix = "Choose a folder that exists and that you may write to."
    assert err == f"neuromorph: x.h5: cannot be written: Permission denied. {fix}\n"
    assert os.listdir() == ["tiny.toml"]


def test_a_folder_that_cannot_be_written_any_more(start, call, folder):
    process = begin(start, preexec_fn=as_anybody)
    folder.chmod(0o500)
    try:
        err = end(process)
    finally:
        folder.chmod(0o700)
    assert process.returncode == 1
    assert err == (
        "neuromorph: x.h5: recording failed: Permission denied. What was flushed before is in x.h5.part: "
        "see to it that ./ can be written, then `neuromorph repair x.h5`.\n"
    )
    call("repair", "x.h5")
    check_spikes("x.h5")


# -- other programs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("replaced", [False, True])
def test_a_recording_that_goes_while_it_is_written(start, replaced):
    process = begin(start)
    if replaced:
        Path("mine").write_text("mine")
        os.replace("mine", "x.h5.part")
    else:
        os.unlink("x.h5.part")
    told = process.stderr.readline()
    assert told == (
        "neuromorph: warning: x.h5.part has been moved, removed or replaced; the run goes on, and ends in x.h5, but a "
        "kill would lose what is not in a file of that name.\n"
    )
    assert "neuromorph: ended early, at" in end(process)
    assert process.returncode == 130
    check_spikes("x.h5")
    assert sorted(os.listdir()) == ["tiny.toml", "x.h5", *(["x.h5.part"] if replaced else [])]


def test_a_recording_that_is_cut_short_while_it_is_written(start):
    process = begin(start)
    os.truncate("x.h5.part", 0)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("neuromorph: x.h5.part: another program has cut it short, from ")
    assert err.endswith(" to 0 bytes: the recording is lost. Keep others from it, and run again.\n")


def test_two_runs_of_one_file(start):
    first = begin(start)
    for options in ([], ["--force"]):
        second = start(*ENDLESS, *options)
        out, err = second.communicate(timeout=60)
        assert (second.returncode, out) == (2, "")
        fix = "Choose another name, or wait for the end of that run."
        assert err == f"neuromorph: x.h5.part: another run is recording here, or somebody has it open. {fix}\n"
    end(first, signal.SIGTERM)
    assert first.returncode == 143
    check_spikes("x.h5")


def test_a_file_that_appears_meanwhile(start, call):
    process = begin(start)
    Path("x.h5").write_text("mine")
    err = end(process)
    assert process.returncode == 1
    fix = "Move it away; then `neuromorph repair x.h5` makes x.h5.part this trace."
    assert err == f"neuromorph: x.h5: the file appeared during the run. {fix}\n"
    assert Path("x.h5").read_text() == "mine"
    os.unlink("x.h5")
    call("repair", "x.h5")
    check_spikes("x.h5")


def test_a_clock_that_jumps(start, folder):
    """Whatever the time of day says, spikes and flushes are the same."""
    (folder / "jumping").mkdir()
    (folder / "jumping/sitecustomize.py").write_text(
        "import random, time\ntime.time = lambda: random.uniform(-1e9, 1e10)\n"
        "time.time_ns = lambda: random.randrange(10**19)\n"
    )
    paths = [str(folder / "jumping"), *(p for p in sys.path if p)]
    process = begin(start, env={"PYTHONPATH": os.pathsep.join(paths)})
    before = spikes("x.h5")
    wait_for(process, lambda: spikes("x.h5") > before)
    end(process)
    assert process.returncode == 130
    check_spikes("x.h5")


# -- memory ------------------------------------------------------------------------------------------------------------


def test_a_network_that_does_not_fit(start):
    limit = (2**30, resource.RLIM_INFINITY)
    process = start(
        *ENDLESS, "--no-memory-check", "--set", "populations.E.size=30000000", "--set", "inputs.noise.size=30000000",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limit),
    )  # fmt: skip
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("neuromorph: out of memory: Unable to allocate ")
    assert " and may have 1.07 GB (ulimit -v). Make the network smaller or its longest delay shorter, " in err
    assert "Traceback" not in err
    assert os.listdir() == ["tiny.toml"]


@pytest.mark.parametrize("closes", [True, False])
def test_memory_that_runs_out_in_the_middle(call, monkeypatch, closes):
    from neuromorph.engine.recording import Recorder

    take, failed = Recorder.take_spikes, []

    def fail(recorder, simulation):
        if simulation.time >= 20 and not (closes and failed):
            failed.append(simulation.time)
            raise MemoryError("Unable to allocate 9 GiB")
        take(recorder, simulation)

    monkeypatch.setattr(Recorder, "take_spikes", fail)
    answer = call("run", "tiny.toml", "-o", "x.h5", "-q", "--duration", "20")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("neuromorph: out of memory: Unable to allocate 9 GiB; the process had ")
    if closes:
        assert ". x.h5 holds what was simulated, 20 ms. Make the network smaller " in answer.err
        with Trace("x.h5") as trace:
            assert (trace.status, trace.simulated_ms) == ("failed", 20.0)
    else:
        assert ". x.h5.part holds what was recorded; finish it with `neuromorph repair x.h5`. Make" in answer.err


# -- plugins -----------------------------------------------------------------------------------------------------------

PLUGIN = """\
import math
from neuromorph.learning.contract import LearningRule, State
from neuromorph.models.lif import LifDelta

class Raises(LearningRule):
    \"\"\"Raises at its 201st call for a synapse.\"\"\"
    n = State(0.0)
    def on_pre(w, pre, post, p, syn):
        if syn.n >= 200.0:
            raise ValueError("too many")
        return w, syn.n + 1.0

class Sick(LifDelta):
    \"\"\"Its membrane is no number once it has come above -60 mV.\"\"\"
    name = "sick"
    @staticmethod
    def propagate(s, c, p, clamped):
        V_m = p.E_L + (s.V_m - p.E_L) * c.decay
        return (V_m / 0.0 * 0.0 if V_m > -60.0 else V_m), s.I_stim
    @classmethod
    def silent_between_arrivals(cls, parameters, initial, receptors):
        return False
"""


@pytest.fixture
def plugin(folder):
    """The file of a rule and a model that go wrong."""
    (folder / "wrong.py").write_text(PLUGIN)
    return "wrong.py"


@pytest.mark.parametrize("resolution", ["0.1", "exact"])
def test_a_hook_that_raises(call, network, plugin, resolution):
    """Compiled code cannot pass an exception on: what it simulated from then on is not recorded."""
    learns = 'delay = 1.0\nplasticity = { rule = "raises" }\n'
    network(('rule = "one_to_one"\nweight = 0.5\ndelay = 1.0\n', f'rule = "one_to_one"\nweight = 0.5\n{learns}'))
    answer = call("run", "changed.toml", "--plugin", plugin, "-o", "x.h5", "--resolution", resolution)
    assert (answer.code, answer.out) == (1, "")
    with Trace("x.h5") as trace:
        assert trace.status == "failed"
        time = trace.simulated_ms
    where = f"{Path(plugin).resolve()}, line 10"
    assert answer.err.splitlines()[-1] == (
        f"neuromorph: {where}: on_pre raised ValueError: too many, after {time:.12g} ms, up to which all is recorded. "
        "Hooks must not raise; --debug (debug=True) shows what this one saw."
    )
    assert 15 < time < 45
    check_spikes("x.h5", "tiny.toml", "exact" if resolution == "exact" else 0.1)


def test_a_model_that_comes_to_no_number(call, network, plugin):
    network(('model = "lif_delta"\nsize = 3', 'model = "sick"\nsize = 3'))
    answer = call("run", "changed.toml", "--plugin", plugin, "-o", "x.h5", "--json", "-q")
    assert answer.code == 1
    assert json.loads(answer.out)["status"] == "complete"
    again = "Run again with --debug (in Python: debug=True) to see where that began."
    said = f"V_m of population 'E' is not finite in 3 of 3 cells (first: E[0]). {again}\n"
    assert answer.err.endswith(f"neuromorph: warning: {said}")


def test_a_rule_that_raises_in_python_is_no_business_of_hooks(folder):
    """What a callback raises comes out as it is."""

    def callback(engine):
        raise ValueError("mine")

    simulation = Simulation(Network.load("tiny.toml"))
    with pytest.raises(ValueError, match="^mine$"):
        simulation.run(20.0, callback)


def test_a_disk_too_full_for_compiled_kernels(call, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "kernels/x.nbi")

    monkeypatch.setattr("neuromorph.simulate.Simulation", full)
    answer = call("run", "tiny.toml", "-o", "x.h5")
    assert (answer.code, answer.out) == (1, "")
    fix = "Make room; compiled kernels go to where $NEUROMORPH_CACHE_DIR says."
    assert answer.err == f"neuromorph: kernels/x.nbi: No space left on device. {fix}\n"


INPUT = """\
from neuromorph.models.contract import InputModel

class Unwell(InputModel):
    text_parameters = {"stage": "where to raise"}
    @classmethod
    def validate(cls, parameters):
        if parameters["stage"] == "check":
            raise ValueError("mine")
        return []
    @staticmethod
    def prepare(params, size, clock, key):
        if STAGE == "build":
            raise KeyError("mine")
        return (STAGE,)
    @staticmethod
    def kernel(exact):
        def emit(*_):
            raise ZeroDivisionError("mine")
        return emit
"""


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ("check", "line 9: validate raised ValueError: mine."),
        ("build", "line 14: prepare raised KeyError: 'mine'."),
        (
            "window",
            "line 19: emit raised ZeroDivisionError: mine, after 0 ms, up to which all is recorded. Hooks must not",
        ),
    ],
)
def test_a_plugin_that_raises_in_python(call, network, folder, stage, said):
    (folder / "unwell.py").write_text(f"STAGE = {stage!r}\n{INPUT}")
    network(('"poisson"', '"unwell"'), ('rate = "8 kHz"', f'stage = "{stage}"'))
    answer = call("run", "changed.toml", "--plugin", "unwell.py", "-o", "x.h5", "-q")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(f"neuromorph: {folder / 'unwell.py'}, {said}")
    assert answer.err.count("\n") == 1
    assert sorted(os.listdir()) == ["changed.toml", "tiny.toml", "unwell.py"]


def test_what_is_ours_keeps_its_traceback(call, monkeypatch):
    def wrong(*_, **__):
        return [][0]

    monkeypatch.setattr("neuromorph.simulate.Simulation", compile_as_ours(wrong))
    with pytest.raises(IndexError):
        call("run", "tiny.toml", "-o", "x.h5")


def compile_as_ours(function):
    """The function, as if it stood in a file of neuromorph."""
    import neuromorph.simulate as ours

    return type(function)(function.__code__.replace(co_filename=ours.__file__), function.__globals__)

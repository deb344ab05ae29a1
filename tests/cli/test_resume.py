"""Runs that are saved, killed and gone on with: `run --checkpoint-every`, resume, branch, verify."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from cli.test_interrupts import simulated, wait_for
from neuromorph import Network, Simulation, Trace, checkpoints
from neuromorph.errors import InputError
from neuromorph.traces.hashes import compare


def same(one, other) -> None:
    """Two traces hold the same, which is not nothing."""
    found = compare(one, other)
    assert [c for c in found if c.difference] == []
    assert sum(c.rows for c in found) > 100


@pytest.mark.parametrize("resolution", ["0.1", "exact"])
def test_a_killed_run_goes_on_to_the_same_bytes(start, call, resolution):
    record = ("--record", "E.V_m@5", "--resolution", resolution)
    process = start("run", "tiny.toml", "-o", "x.h5", "--duration", "1e9", *record, "--checkpoint-every", "0.05s")
    wait_for(process, lambda: Path("x.checkpoint.previous.npz").exists())
    process.kill()
    process.wait()
    assert Path("x.h5.part").exists()
    end = 1000.0 * (checkpoints.newest("x.h5")[1]["time_ms"] // 1000.0 + 3.0)
    answer = call("resume", "x.h5", "--threads", 2, "--json", "--duration", end)
    assert answer.code == 0, answer
    assert json.loads(answer.out)["simulated_ms"] == end
    assert call("run", "tiny.toml", "-o", "whole.h5", "--duration", end, "-q", *record).code == 0
    same("x.h5", "whole.h5")
    with Trace("x.h5") as trace:
        assert 0 < trace.provenance["resumed_ms"][0] < end
    refusal = call("resume", "x.h5")
    assert (refusal.code, "x.h5: the run is complete. Nothing is left to do." in refusal.err) == (2, True)


def test_signals_save_a_run(start, call):
    process = start("run", "tiny.toml", "-o", "x.h5", "--duration", "1e9")
    wait_for(process, lambda: simulated("x.h5") > 0)
    process.send_signal(signal.SIGUSR1)
    wait_for(process, lambda: Path("x.checkpoint.npz").exists())
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 143
    assert err.endswith("; go on with: neuromorph resume x.h5\n")
    with Trace("x.h5") as trace:
        assert trace.status == "interrupted"
        end = trace.simulated_ms
    assert checkpoints.newest("x.h5")[1]["time_ms"] == end
    assert call("resume", "x.h5", "--duration", f"{end + 500} ms", "-q").code == 0
    assert call("run", "tiny.toml", "-o", "whole.h5", "--duration", f"{end + 500} ms", "-q").code == 0
    same("x.h5", "whole.h5")


def test_a_run_goes_on_beyond_its_end(call):
    assert call("run", "tiny.toml", "-o", "x.h5", "-q", "--checkpoint-every", "20ms").code == 0
    first, head, _ = checkpoints.newest("x.h5")
    assert (first.name, head["time_ms"]) == ("x.checkpoint.npz", 40.0)
    assert checkpoints.read("x.checkpoint.previous.npz")[0]["time_ms"] == 20.0
    assert call("resume", "x.h5", "--duration", "150 ms", "-q").code == 0
    assert call("run", "tiny.toml", "-o", "whole.h5", "--duration", "150 ms", "-q").code == 0
    same("x.h5", "whole.h5")


def test_a_disk_that_is_full_of_checkpoints_stops_no_run(call, monkeypatch):
    def full(path, arrays):
        raise InputError("x.checkpoint.npz: cannot save a checkpoint: No space left on device")

    monkeypatch.setattr(checkpoints, "put", full)
    answer = call("run", "tiny.toml", "-o", "x.h5", "-q", "--checkpoint-every", "20ms")
    assert answer.code == 0
    assert answer.err.splitlines()[0].startswith("neuromorph: x.checkpoint.npz: cannot save a checkpoint")
    assert not Path("x.checkpoint.npz").exists()


def test_what_is_no_interval(refused):
    for text in ("60", "s", "0s", "-1s", "1 day"):
        said = refused("run", "tiny.toml", f"--checkpoint-every={text}")
        assert f"--checkpoint-every: not an interval, found '{text}' (allowed: wall time such as 60s, 5min" in said


def test_what_cannot_go_on(call, refused):
    assert "has no checkpoint beside it. A run leaves them with --checkpoint-every" in refused("resume", "x.h5")
    assert call("run", "tiny.toml", "-o", "x.h5", "-q", "--checkpoint-every", "20ms").code == 0
    Path("x.checkpoint.npz").write_bytes(b"PK" + os.urandom(500))
    assert call("resume", "x.h5", "--duration", "60", "-q").code == 0  # from the one before
    Path("x.checkpoint.previous.npz").unlink(missing_ok=True)
    Path("x.checkpoint.npz").write_bytes(b"PK" + os.urandom(500))
    assert "x.checkpoint.npz: is no whole checkpoint of a run" in refused("resume", "x.h5", "--duration", "70")


def test_a_branch_without_a_change_goes_on_as_the_run_did(call):
    assert call("run", "tiny.toml", "-o", "x.h5", "-q", "--checkpoint-every", "20ms").code == 0
    whole = spikes("x.h5", "E")
    for at in (45.0, 30.0, 7.0):  # from the newest checkpoint, the one before, the beginning
        assert call("branch", "x.h5", "--at", f"{at} ms", "-o", "b.h5", "-q", "--force").code == 0
        found = spikes("b.h5", "E")
        later = whole[0] > at
        np.testing.assert_array_equal(found[0], whole[0][later])
        np.testing.assert_array_equal(found[1], whole[1][later])
    assert whole[0].size > 20


@pytest.mark.parametrize("resolution", ["0.1", "exact"])
def test_a_branch_with_a_change_is_another_run_from_there_on(call, resolution):
    assert call("run", "tiny.toml", "-o", "x.h5", "-q", "--resolution", resolution).code == 0
    still = ("branch", "x.h5", "--at", "20", "-o", "b.h5", "-q", "--force", "--set", "inputs.noise.params.rate=0")
    assert call(*still).code == 0
    times = spikes("b.h5", "E")[0]
    assert times.size < 6
    assert np.all((times > 20.0) & (times < 30.0))
    more = ("branch", "x.h5", "--at", "20", "-o", "b.h5", "-q", "--force", "--set", "projections.E_I.weight=0")
    assert call(*more).code == 0
    np.testing.assert_array_equal(spikes("b.h5", "E")[0], spikes("x.h5", "E")[0][spikes("x.h5", "E")[0] > 20.0])
    assert spikes("b.h5", "I")[0].size < spikes("x.h5", "I")[0].size
    with Trace("b.h5") as trace:
        assert trace.provenance["branched_at_ms"] == 20.0
        assert trace.provenance["changes"] == ["projections.E_I.weight=0"]


def test_what_cannot_be_branched(call, refused, network):
    plastic = network(("weight = 4.0", 'weight = 4.0\nplasticity = "pair_stdp"'))
    assert call("run", plastic, "-o", "x.h5", "-q").code == 0
    assert "--at: the instant lies outside the run, found '51' (allowed: 0 to 50 ms)" in refused(
        "branch", "x.h5", "--at", "51", "-o", "b.h5"
    )
    said = refused("branch", "x.h5", "--at", "9", "-o", "b.h5", "--set", "populations.I.size=4")
    assert "Parameters may change on the way, sizes and connections may not." in said
    said = refused("branch", "x.h5", "--at", "9", "-o", "b.h5", "--set", "projections.E_I.weight=2")
    assert "projections.E_I.weight: cannot be changed on the way. Weights that learn go on as they had been" in said


def spikes(path, population):
    with Trace(path) as trace:
        return tuple(np.array(a) for a in trace.spikes(population))


def test_verify(call, refused):
    assert call("run", "tiny.toml", "-o", "x.h5", "-q", "--record", "E.V_m@5").code == 0
    answer = call("verify", "x.h5", "--threads", 2)
    assert (answer.code, answer.err) == (0, "")
    assert "spikes/E/timestamps" in answer.out
    answer = call("verify", "x.h5", "--json")
    assert json.loads(answer.out)["same"] is True
    assert sorted(os.listdir()) == ["tiny.toml", "x.h5"]
    import h5py

    with h5py.File("x.h5", "r+") as file:
        file["spikes/E/timestamps"][7] += 0.1
    answer = call("verify", "x.h5", "--quiet")
    assert answer.code == 1
    assert "x.h5: spikes/E/timestamps differs: row 7: " in answer.err
    with h5py.File("x.h5", "r+") as file:
        del file["report/E"]
    answer = call("verify", "x.h5", "--json")
    assert "only in the second" in answer.out


def test_what_cannot_be_verified(call, refused, start):
    process = start("run", "tiny.toml", "-o", "x.h5", "--duration", "1e9")
    wait_for(process, lambda: simulated("x.h5") > 0)
    assert "x.h5: a run that is still running cannot be verified" in refused("verify", "x.h5")
    process.kill()
    process.wait()
    assert "x.h5: a run that was killed cannot be verified. Go on with `neuromorph resume`" in refused("verify", "x.h5")
    import h5py

    assert call("run", "tiny.toml", "-o", "y.h5", "-q").code == 0
    with h5py.File("y.h5", "r+") as file:
        del file["provenance"].attrs["seed"]
    assert "y.h5: the trace does not say how it was made. Only traces that neuromorph wrote" in refused(
        "verify", "y.h5"
    )


def test_training_runs_are_gone_on_with_otherwise(call, refused):
    from dataclasses import replace

    from neuromorph.tasks.images import digits
    from neuromorph.tasks.settings import defaults
    from neuromorph.tasks.train import Training

    settings = replace(defaults("digits", "fixed", 32), hidden=(20,), epochs=1, passes=1)
    Training(digits(), settings).run("t.h5")
    said = refused("verify", "t.h5")
    assert "t.h5: is the trace of a training run. Train again with `neuromorph learn` and the same --seed" in said


def test_long_arrays_are_read_from_the_network_file_again(call, refused, monkeypatch):
    from neuromorph import simulate

    def written(last):
        net = Network("big")
        net.add_population("E", "lif_delta", 70, {"tau_m": 20.0, "V_th": -55.0})
        net.add_input("noise", "poisson", 70, {"rate": np.linspace(7e3, last, 70)})
        net.connect("noise", "E", "one_to_one", weight=0.5, delay=1.0)
        net.save("big.toml")  # the rates in big.npz

    monkeypatch.setattr(simulate, "LONGEST_ARRAY", 60)
    written(9e3)
    run = ("run", "big.toml", "-q", "--resolution", "0.1", "--record", "E.V_m@5")
    assert call(*run, "-o", "x.h5", "--duration", "50 ms", "--checkpoint-every", "20ms").code == 0
    assert call("resume", "x.h5", "--duration", "80 ms", "-q").code == 0
    assert call(*run, "-o", "whole.h5", "--duration", "80 ms").code == 0
    same("x.h5", "whole.h5")
    assert "whole.h5: the trace names long arrays by their hashes alone" in refused("verify", "whole.h5")
    written(8e3)
    said = refused("resume", "x.h5", "--duration", "90 ms")
    assert "x.checkpoint.npz: the checkpoint is of another network" in said


def test_a_checkpoint_that_was_saved_from_python(call, refused):
    with Simulation(Network.load("tiny.toml"), trace="x.h5") as simulation:
        simulation.run(20.0)
        simulation.save("x.checkpoint.npz")
        simulation.run(5.0)
        simulation.close("interrupted")
    said = refused("resume", "x.h5")
    assert "x.checkpoint.npz: the checkpoint does not say where the run ends. Say it with --duration" in said
    assert call("resume", "x.h5", "--duration", "150 ms", "-q").code == 0
    assert call("run", "tiny.toml", "-o", "whole.h5", "-q", "--duration", "150 ms").code == 0
    same("x.h5", "whole.h5")

"""neuromorph learn: small networks, a pass or two; how well they learn is a matter of tests/tasks."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from neuromorph import Trace
from neuromorph.tasks.images import MNIST_FILES

SMALL = ["--epochs", "1", "--hidden", "20,20", "--passes", "1"]


@pytest.fixture
def learn(call):
    """`neuromorph learn digits` with a small network."""
    pytest.importorskip("sklearn", reason="the extra `learn` is not installed")
    return lambda *options: call("learn", "digits", *SMALL, *options)


def test_json_is_one_object_with_the_figures_of_the_training(learn):
    answer = learn("--top-down", "wake", "--json", "--epochs", 2)
    report = json.loads(answer.out)
    assert answer.code == 0
    assert {"test_errors", "test_total", "epochs", "wall_s", "spikes", "synaptic_events", "trace"} <= set(report)
    assert (report["test_total"], report["epochs"], report["trace"]) == (360, 2, "traces/digits-wake.h5")
    assert [run["top_down"] for run in report["runs"]] == ["wake"]
    lines = answer.err.splitlines()  # on standard error, an epoch a line
    assert [line.split(",")[0] for line in lines] == ["wake: epoch 1", "wake: epoch 2"]
    assert lines[1].endswith(f"({report['test_errors']} errors of 360)")
    with Trace(report["trace"]) as trace:
        assert trace.status == "complete"
        assert trace.learning["test_errors"].tolist() == report["curve"]
        assert report["curve"][-1] == report["test_errors"] < 324  # chance


def test_digits_run_fixed_and_wake(learn):
    answer = learn()
    reports = answer.out.split("digits, ")[1:]
    assert [report.split()[0] for report in reports] == ["fixed", "wake"]
    for report, kind in zip(reports, ("fixed", "wake")):
        facts = {line[2:17].strip(): line[17:].strip() for line in report.splitlines()[1:]}
        assert facts["test images"].endswith("errors of 360)")
        assert facts["trained"].startswith("1 epoch of 1,437 images in ")
        assert facts["spikes"].count(",") == 1
        assert facts["synaptic events"].endswith(" M/s)")
        assert facts["trace"] == f"traces/digits-{kind}.h5"
        assert Path(facts["trace"]).exists()
    assert [line.split(",")[0] for line in answer.err.splitlines()] == ["fixed: epoch 1", "wake: epoch 1"]


def test_quiet_prints_nothing(learn):
    assert learn("--quiet", "--top-down", "fixed", "-o", "x.h5") == (0, "", "")
    assert sorted(os.listdir()) == ["tiny.toml", "x.h5"]


@pytest.mark.parametrize("kind", ["fixed", "direct", "wake", "mirror"])
def test_run_trains_an_exported_network_identically(learn, call, kind):
    """The weights that both traces hold at the beginning and at the end are the same to the last bit."""
    answer = learn("--top-down", kind, "--export", "net.toml", "-o", "x.h5", "--json")
    assert answer.code == 0
    assert call("run", "net.toml", "-o", "y.h5", "-q").code == 0
    with Trace("x.h5") as learnt, Trace("y.h5") as run:
        assert learnt.projections == run.projections
        # three up, three biases, and two down
        assert len(learnt.projections) == (6 if kind in ("fixed", "direct") else 8)
        for name in learnt.projections:
            here, there = learnt.weights(name), run.weights(name)
            assert here.values.shape[0] == 2
            np.testing.assert_array_equal(here.times, there.times)
            np.testing.assert_array_equal(here.values.view(np.int32), there.values.view(np.int32))
            assert np.any(here.values[1] != here.values[0]), name
        assert learnt.simulated_ms == run.simulated_ms
        for name in learnt.populations:
            np.testing.assert_array_equal(learnt.spikes(name)[0], run.spikes(name)[0])


def test_export_alone_does_not_train(learn):
    answer = learn("--export", "net.toml")
    assert answer == (0, "net.toml and net.npz written; to train it: neuromorph run net.toml\n", "")
    assert sorted(os.listdir()) == ["net.npz", "net.toml", "tiny.toml"]
    assert json.loads(learn("--export", "net2.toml", "--json").out) == {"network": "net2.toml"}
    assert learn("--export", "net3.toml", "--quiet") == (0, "", "")


def test_export_overwrites_by_force_alone(learn, refused):
    Path("net.npz").write_text("mine")
    command = ["learn", "digits", *SMALL, "--export"]
    assert "net.npz: the file exists already" in refused(*command, "net.toml")
    assert "tiny.toml: the file exists already" in refused(*command, "tiny.toml")
    assert "cannot write the network file: Not a directory" in refused(*command, "tiny.toml/net.toml")
    assert "unknown kind of network file, found '.yaml'" in refused(*command, "other.yaml")
    assert learn("--export", "net.toml", "--force").code == 0
    assert Path("net.npz").read_bytes() != b"mine"


def test_minibatches_are_the_same_for_any_number_of_threads(learn):
    found = []
    for threads in (1, 2):
        answer = learn("--top-down", "mirror", "--batch", 32, "--threads", threads, "-o", f"{threads}.h5", "--json")
        report = json.loads(answer.out)
        assert report["batch"] == 32
        with Trace(f"{threads}.h5") as trace:
            assert trace.provenance["minibatch"] == "32"
            weights = [trace.weights(name).values.tobytes() for name in trace.projections]
        found.append((report["curve"], report["spikes"], report["synaptic_events"], weights))
    assert found[0] == found[1]
    assert " of 1,437 images, 32 at a time, in " in learn("--top-down", "mirror", "--batch", 32).out


def test_pretraining_without_labels_comes_first(learn, call):
    options = ("--pretrain", "recirculation", "--top-down", "fixed")
    answer = learn(*options, "--export", "net.toml", "-o", "x.h5", "--json")
    report = json.loads(answer.out)
    assert {name: len(errors) for name, errors in report["reconstruction"].items()} == {"hidden1": 4, "hidden2": 4}
    for errors in report["reconstruction"].values():
        assert errors[0] > errors[-1]
    lines = answer.err.splitlines()
    shares = ", ".join(f"{100 * error:.1f}" for error in report["reconstruction"]["hidden1"])
    assert lines[0] == f"hidden1: {shares} % of the variance below not reconstructed, epoch by epoch"
    assert [line.split(",")[0].split(":")[0] for line in lines[1:]] == ["hidden2", "fixed"]
    assert call("run", "net.toml", "-o", "y.h5", "-q").code == 0
    assert learn("--top-down", "fixed", "-o", "z.h5", "-q").code == 0
    with Trace("x.h5") as learnt, Trace("y.h5") as run, Trace("z.h5") as drawn:
        first = [trace.weights("image_hidden1").values[0].tobytes() for trace in (learnt, run, drawn)]
    assert first[0] == first[1] != first[2]


WRONG = [
    (["--batch", "0"], "Invalid value for '--batch': 0 is not in the range x>=1"),
    (["--threads", "0", "--batch", "4"], "Invalid value for '--threads'"),
    (["--threads", "2"], "--threads share the images of a minibatch: give --batch 2 or more, such as 32. See: neuromo"),
    (["--batch", "4", "--export", "n.toml"], "--export writes a network that learns image by image: leave out"),
    (["--pretrain", "x"], "Invalid value for '--pretrain': 'x' is not 'recirculation'. See: neuromorph learn --help"),
    (["--epochs", "0"], "Invalid value for '--epochs': 0 is not in the range x>=1. See: neuromorph learn --help"),
    (["--hidden", "x"], "--hidden: not sizes of layers, found 'x' (allowed: the cells of each layer, 1 or more, with"),
    (["--hidden", "20,"], "--hidden: not sizes of layers, found '20,'"),
    (["--hidden", ""], "--hidden: not sizes of layers, found ''"),
    (["--hidden", "20,0"], "--hidden: not sizes of layers, found '20,0'"),
    (["--seed", "-1"], "Invalid value for '--seed'"),
    (["--top-down", "fixd"], "Invalid value for '--top-down': 'fixd' is not one of 'fixed', 'direct', 'wake', 'm"),
    (["--rule", "recirculate"], "unknown learning rule 'recirculate'. Did you mean 'recirculation'?"),
    (["--rule", "pair_stdp"], "--rule: cannot learn this task, found 'pair_stdp' (allowed: a rule with on_signal and"),
    (["--top-down", "fixed", "--top-down", "wake"], "-o and --export are for one kind of top-down weights"),
    (["--data", "mnist"], "--data is not for digits: scikit-learn brings them along. See: neuromorph learn --help"),
    (["-o", "tiny.toml/x.h5"], "tiny.toml/x.h5: cannot be written: Not a directory"),
    (["-o", "tiny.toml"], "tiny.toml: the file exists already"),
]


@pytest.mark.parametrize(("options", "words"), WRONG, ids=[" ".join(options) for options, _ in WRONG])
def test_wrong_options(refused, options, words):
    pytest.importorskip("sklearn", reason="the extra `learn` is not installed")
    message = refused("learn", "digits", "-o", "x.h5", *options)
    assert message.startswith("neuromorph: ")
    assert words in message
    assert message.count("\n") == 1


def test_unknown_tasks(refused):
    assert "'digit' is not one of 'digits', 'mnist'" in refused("learn", "digit")


def test_without_scikit_learn(refused, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
    message = "learn digits: scikit-learn is not installed. Run: pip install 'neuromorph[learn]'"
    assert refused("learn", "digits") == f"neuromorph: {message}\n"


def test_mnist_says_where_to_get_it(refused):
    Path("data").mkdir()
    for options, words in {
        (): "learn mnist: no file train-images-idx3-ubyte[.gz]. Get MNIST's four IDX files",
        ("--data", "data"): "--data data: no file train-images-idx3-ubyte[.gz]. Get MNIST's four IDX files",
        ("--data", "nowhere"): "--data nowhere: no such folder. Get MNIST's four IDX files",
        ("--data", "tiny.toml"): "--data tiny.toml: no such folder. Get MNIST's four IDX files",
    }.items():
        message = refused("learn", "mnist", *options)
        assert words in message
        for file, md5 in MNIST_FILES.items():
            assert f"{file} (MD5 {md5})" in message


def test_files_that_are_not_mnists(refused):
    Path("data").mkdir()
    file = Path("data/train-images-idx3-ubyte.gz")
    whole = gzip.compress(bytes(10_000), mtime=0)
    file.write_bytes(whole)
    message = refused("learn", "mnist", "--data", "data")
    assert f"{file}: is not MNIST's file, found 'MD5 " in message
    assert MNIST_FILES["train-images-idx3-ubyte"] in message
    file.write_bytes(whole[:-20])
    assert f"{file}: cannot be unpacked: Compressed file ended" in refused("learn", "mnist", "--data", "data")
    file.write_bytes(whole[:12] + b"\xff" * 40)
    assert f"{file}: cannot be unpacked: Error -3" in refused("learn", "mnist", "--data", "data")


def test_an_interruption_before_the_second_kind_keeps_the_first(learn, monkeypatch):
    from neuromorph.tasks.train import Training
    from neuromorph_cli.interrupts import Interrupted

    run = Training.run

    def once(self, *arguments):
        if self.settings.top_down == "wake":
            raise Interrupted(130)
        return run(self, *arguments)

    monkeypatch.setattr(Training, "run", once)
    answer = learn("--json")
    assert [result["top_down"] for result in json.loads(answer.out)["runs"]] == ["fixed"]
    assert sorted(os.listdir("traces")) == ["digits-fixed.h5"]


def test_a_run_ended_early_goes_on(learn, call):
    from dataclasses import replace

    from neuromorph.tasks.checkpoint import Checkpoint, beside
    from neuromorph.tasks.images import digits
    from neuromorph.tasks.settings import defaults
    from neuromorph.tasks.train import Training

    settings = replace(defaults("digits", "wake", 32), hidden=(20, 20), epochs=2, passes=1)
    training = Training(digits(), settings)
    training.run("cut.h5", progress=lambda what, _: training.stop() if what == "epoch 2" else None)
    file = Path("kept.npz")
    file.write_bytes(beside("cut.h5").read_bytes())
    first = Checkpoint.load(file).result["curve"][0]
    answer = call("learn", "digits", "--resume", beside("cut.h5"), "--json", "--threads", 2)
    assert answer.code == 0
    report = json.loads(answer.out)
    assert report["trace"] == "cut.h5"
    with Trace("cut.h5") as trace:
        assert trace.status == "complete"
        assert [int(n) for n in trace.learning["test_errors"]] == report["curve"]
    assert not beside("cut.h5").exists()  # it came to its end
    assert len(report["curve"]) == report["epochs"] == 2
    assert report["curve"][0] == first
    assert [line.split(",")[0] for line in answer.err.splitlines()] == ["wake: epoch 2"]
    for option in (["--epochs", 3], ["--batch", 8], ["--set", "kappa=1"], ["--top-down", "wake"], ["--hidden", "3"]):
        answer = call("learn", "digits", "--resume", file, *option)
        assert answer.code == 2
        assert f"goes on with the settings of that run: leave out {option[0]}" in answer.err
    answer = call("learn", "mnist", "--resume", file, "--data", ".")
    assert (answer.code, "the checkpoint is of another task" in answer.err) == (2, True)


def test_settings_and_held_out_images(learn):
    answer = learn("--top-down", "fixed", "--json", "--hold-out", 100, "--set", "tests=2", "--set", "eta=1e-9")
    report = json.loads(answer.out)
    assert (report["test_total"], len(report["curve"]), report["epochs"]) == (100, 2, 1)
    answer = learn("--top-down", "fixed", "--set", "gama=2")
    assert answer.code == 2
    assert "unknown setting 'gama', found 'gama=2'. Did you mean 'gamma'?" in answer.err

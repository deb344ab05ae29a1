"""The settings in a checkpoint are checked as those of a command line are."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.engine.resume import restore, snapshot
from neuromorph.errors import InputError
from neuromorph.tasks.checkpoint import Checkpoint
from neuromorph.tasks.settings import Settings, from_file


def written(path, changes=(), **more):
    head = {"task": "digits", "settings": dataclasses.asdict(Settings()) | dict(changes), "images": 1, "result": {}}
    head["position"] = None
    np.savez(path, training=np.array(json.dumps(head | more)))
    return path


def test_settings_come_back(tmp_path):
    assert Checkpoint.load(written(tmp_path / "c.npz", {"w_max": 5})).settings == Settings(w_max=5)


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden": "800"}, {"hidden": [10**12]}, {"hidden": []}, {"hidden": [1.5]}, {"hidden": 3}, {"eta": "fast"},
        {"poisson": 1}, {"seed": True}, {"seed": 1.5}, {"rule": ["oja"]}, {"unknown": 1},
    ],
)  # fmt: skip
def test_settings_of_the_wrong_kind(tmp_path, changes):
    with pytest.raises(InputError, match=r"c.npz: is no checkpoint of a training run. `neuromorph learn` leaves one"):
        Checkpoint.load(written(tmp_path / "c.npz", changes))


def test_settings_out_of_range(tmp_path):
    with pytest.raises(InputError, match="value out of range, found 0"):
        Checkpoint.load(written(tmp_path / "c.npz", {"epochs": 0}))


@pytest.mark.parametrize("text", ["[" * 100_000, "{}", "[]", "1", '{"settings": []}'])
def test_heads_that_are_none(tmp_path, text):
    np.savez(tmp_path / "c.npz", training=np.array(text))
    with pytest.raises(InputError, match="is no checkpoint of a training run"):
        Checkpoint.load(tmp_path / "c.npz")


# -- of any run: engine/resume.py --------------------------------------------------------------------------------------


def small(plastic: bool) -> Network:
    network = Network()
    network.add_input("noise", "poisson", 20, {"rate": "50 Hz"})
    network.add_population("E", "lif_delta", 20)
    network.connect("noise", "E", "fixed_outdegree", outdegree=10, weight=8.0, delay=3.0)
    rule = "pair_stdp" if plastic else None
    network.connect("E", "E", "fixed_indegree", indegree=5, weight=1.0, delay=2.0, plasticity=rule)
    return network


@pytest.mark.parametrize(
    ("plastic", "resolution", "name"),
    [
        (False, 0.1, "flight/source"),
        (True, 0.1, "calendar/source"),
        (True, 0.1, "calendar/bucket_end"),
        (True, "exact", "pending/slot"),
        (True, "exact", "pending/source"),
        (True, "exact", "pending/ordinal"),
    ],
)
@pytest.mark.parametrize("wrong", [-1, 10**6])
def test_indices_of_a_checkpoint_are_in_range(plastic, resolution, name, wrong):
    """Kernels do not look: what they follow out of an array's end is somebody else's memory."""
    made = Simulation(small(plastic), resolution=resolution)
    made.run(100.0)
    saved = snapshot(made)
    restore(Simulation(small(plastic), resolution=resolution), saved)
    assert saved[name].size, "nothing was under way"
    damaged = saved | {name: saved[name].copy()}
    damaged[name].flat[-1] = wrong
    with pytest.raises(InputError, match=f"{name}: the checkpoint is damaged: an index out of range, found {wrong}"):
        restore(Simulation(small(plastic), resolution=resolution), damaged)


def test_columns_of_a_checkpoint_are_of_one_length():
    made = Simulation(small(False), resolution=0.1)
    made.run(100.0)
    damaged = snapshot(made)
    damaged["flight/count"] = damaged["flight/count"][:-1]
    with pytest.raises(InputError, match="flight: the checkpoint is damaged: columns of unequal length, found"):
        restore(Simulation(small(False), resolution=0.1), damaged)


def test_arrivals_of_no_projection_that_learns():
    made = Simulation(small(True), resolution="exact")
    made.run(100.0)
    damaged = snapshot(made)
    damaged["pending/projection"] = np.full_like(damaged["pending/projection"], 7)
    with pytest.raises(InputError, match="pending/projection: the checkpoint is damaged: an index out of range"):
        restore(Simulation(small(True), resolution="exact"), damaged)


def test_words_of_settings_that_cannot_be():
    with pytest.raises(ValueError, match="hidden layers have no sizes"):
        from_file({"hidden": []})
    with pytest.raises(TypeError, match="eta is no float"):
        from_file({"eta": "fast"})


@pytest.mark.parametrize(
    "head",
    [[1], {"run": 3}, {"run": {"file": 1}}, {"run": {"settings": [1]}}, {"run": {"end_ms": "x"}}, {"time_ms": ""}],
)
def test_heads_of_a_run_that_are_none(tmp_path, head):
    from neuromorph import checkpoints

    text = json.dumps({"schema": checkpoints.SCHEMA} | head if isinstance(head, dict) else head)
    np.savez(tmp_path / "c.npz", checkpoint=np.array(text))
    with pytest.raises(InputError, match=r"c.npz: is no whole checkpoint of a run: "):
        checkpoints.read(tmp_path / "c.npz")


def test_words_of_a_head_that_is_of_no_run(tmp_path):
    from neuromorph import checkpoints

    checkpoints.write(tmp_path / "c.npz", {"run": {"records": [2]}}, {})
    with pytest.raises(InputError, match="its head is not that of a run"):
        checkpoints.read(tmp_path / "c.npz")

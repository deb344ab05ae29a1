"""The settings in a checkpoint are checked as those of a command line are."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from neuromorph.errors import InputError
from neuromorph.tasks.checkpoint import Checkpoint
from neuromorph.tasks.settings import Settings


def written(path, changes=(), **more):
    head = {"task": "digits", "settings": dataclasses.asdict(Settings()) | dict(changes), "images": 1, "result": {}}
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

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


def with_input(model, **parameters):
    network = Network()
    network.add_population("E", "lif_exp", 5)
    network.add_input("in", model, 5, parameters)
    network.connect("in", "E", "all_to_all", weight=1.0, delay=2.0)
    return network


@pytest.mark.parametrize(
    ("model", "parameters", "name", "wrong"),
    [
        ("poisson", {"rate": 100.0}, "sources/in/4", -(2**60)),
        ("poisson", {"rate": 100.0}, "sources/in/5", np.nan),
        ("poisson", {"rate": 100.0}, "sources/in/5", 9.0),
        ("pattern_volley", {"patterns": np.ones((2, 5)), "order": [0, 1] * 20}, "sources/in/4", np.inf),
    ],
)
def test_places_of_inputs(model, parameters, name, wrong):
    made = Simulation(with_input(model, **parameters), resolution="exact")
    made.run(50.0)
    saved = snapshot(made)
    restore(Simulation(with_input(model, **parameters), resolution="exact"), saved)
    damaged = saved | {name: saved[name].copy()}
    damaged[name].flat[-1] = wrong
    words = "^sources/in: the checkpoint is damaged: an input is at no place where it can be. Go on from the checkpoint"
    with pytest.raises(InputError, match=words):
        restore(Simulation(with_input(model, **parameters), resolution="exact"), damaged)


def test_what_kernels_do_not_change_is_not_taken_from_a_checkpoint():
    made = Simulation(with_input("poisson", rate=100.0), resolution="exact")
    made.run(50.0)
    more = {"sources/in/3": np.array([10**9]), "sources/in/0": np.full((1, 1), np.inf)}
    other = Simulation(with_input("poisson", rate=100.0), resolution="exact")
    restore(other, snapshot(made) | more)
    assert (other.sources["in"].arrays[3][0], other.sources["in"].arrays[0][0, 0]) == (5, 0.1)


@pytest.mark.parametrize("wrong", [{"base": np.int64(-7)}, {"offset": np.float64("nan")}, {"offset": np.float64(9.0)}])
def test_the_time_of_a_checkpoint(wrong):
    made = Simulation(driven(), resolution="exact")
    made.run(50.0)
    with pytest.raises(InputError, match="^base, offset: the checkpoint is damaged: no time of a run, found "):
        restore(Simulation(driven(), resolution="exact"), snapshot(made) | wrong)


def driven():
    network = Network()
    network.add_population("E", "lif_exp", 5)
    network.add_input("in", "poisson", 5, {"rate": 100.0})
    network.connect("in", "E", "one_to_one", weight=1.0, delay=2.0)
    return network


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("next_base", -(2**60)), ("next_offset", np.nan), ("drawn", -2), ("interval", -1.0), ("interval", np.nan)],
)
def test_places_of_drives(name, wrong):
    made = Simulation(driven(), resolution="exact")
    made.run(50.0)
    saved = snapshot(made)
    restore(Simulation(driven(), resolution="exact"), saved)
    damaged = saved | {f"drives/{name}": saved[f"drives/{name}"].copy()}
    damaged[f"drives/{name}"].flat[-1] = wrong
    with pytest.raises(InputError, match="^drives: the checkpoint is damaged: an input is at no place where it can be"):
        restore(Simulation(driven(), resolution="exact"), damaged)


VOLLEYS = {"patterns": np.ones((2, 5)), "order": [0, 1] * 20}


@pytest.mark.parametrize("resolution", [0.1, "exact"])
@pytest.mark.parametrize(
    ("model", "parameters", "name"),
    [
        ("spike_train", {"times": [5.0, 50.0, 50.0, 70.0]}, "sources/in/4"),
        ("pattern_volley", VOLLEYS | {"start": 1.0, "interval": 7.0}, "sources/in/6"),
        ("dc_current", {"amplitude": 10.0, "start": 5.0, "stop": 60.0}, "currents/in/next"),
    ],
)
def test_places_that_time_alone_says_are_not_taken_from_a_checkpoint(model, parameters, name, resolution):
    def network():
        made = Network()
        made.add_population("E", "lif_exp", 5)
        made.add_input("in", model, 1 if model == "dc_current" else 5, parameters)
        made.connect("in", "E", "all_to_all", weight=100.0)
        made.record("E", "spikes")
        return made

    made, other = (Simulation(network(), resolution=resolution) for _ in range(2))
    made.run(50.0)
    saved = snapshot(made)
    restore(other, saved | {name: np.array([-7])})
    places = [engine.sources["in"].arrays for engine in (made, other) if "in" in engine.sources]
    for one, same in zip(*places, strict=True) if places else ():
        np.testing.assert_array_equal(one, same)
    made.run(50.0)
    other.run(50.0)
    np.testing.assert_array_equal(made.state("E", "V_m"), other.state("E", "V_m"))
    assert made.spike_counts == other.spike_counts


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

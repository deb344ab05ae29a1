"""examples/wake_sleep.py: a day and a night are what the equations say, and images are learnt."""

from __future__ import annotations

import itertools
import math
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import comparison
import oracle
from neuromorph import Simulation


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).parents[2] / "examples" / "wake_sleep.py"))


def test_recorded_spikes_reproduce_every_weight_change(example: dict[str, Any]) -> None:
    """The oracle is fed the spikes of the inputs in three days and nights and must arrive at every weight."""
    network = example["machine"](example["images"](3, 5), eta=0.5)
    for name in network.populations:
        network.record(name, "spikes")
    duration = example["FIRST"] + 6 * example["PHASE"]
    simulation = Simulation(network)
    simulation.run(duration)
    simulation._take_spikes()
    expected = oracle.simulate(comparison.for_oracle(simulation, duration))
    assert comparison.engine_spikes(simulation) == [tuple(s) for s in expected["spike_ticks"]]
    fresh = Simulation(network)
    for projection in simulation.network.projections:
        if projection.plasticity is not None:
            after = simulation.weights(projection.name)
            np.testing.assert_array_equal(after, np.array(expected["weights"][projection.name], np.float32))
            assert np.any(after != fresh.weights(projection.name)), projection.name


def test_a_day_and_a_night(example: dict[str, Any]) -> None:
    """Who says what: by day recognition samples the image's code and generation is made to say it, by night the dream
    is traced back; both predict with the logistic function of their charges."""
    shown = np.eye(16, dtype=np.uint8)[[3]] | np.eye(16, dtype=np.uint8)[[9]]
    simulation = Simulation(example["machine"](shown, eta=0.5))
    weights = {p.name: simulation.weights(p.name).astype(float) for p in simulation.network.projections}

    def predicts(cells: str, below: np.ndarray, from_: str) -> None:
        z = below @ weights[f"{from_}_{cells}"].reshape(below.size, -1) + weights[f"bias_{cells}"]
        p = 1.0 / (1.0 + np.exp(-z))
        np.testing.assert_array_equal(simulation.state(cells, "n_free"), np.floor(simulation.state(cells, "u") + p))

    def said(cells: str, what: np.ndarray) -> None:
        np.testing.assert_array_equal(simulation.state(cells, "n_nudged"), what)
        np.testing.assert_array_equal(simulation.state(cells, "change"), what - simulation.state(cells, "n_free"))

    simulation.run(example["FIRST"] + 11.0)  # the day's last spike, before its signal
    said("recognition0", shown[0])
    predicts("recognition1", shown[0], "recognition0")
    code = simulation.state("recognition1", "n_free")
    said("generation1", code)
    said("generation0", shown[0])
    predicts("generation0", code, "generation1")
    simulation.run(1.0)
    assert np.any(simulation.weights("generation1_generation0") != weights["generation1_generation0"])
    np.testing.assert_array_equal(simulation.weights("recognition0_recognition1"), weights["recognition0_recognition1"])
    weights = {p.name: simulation.weights(p.name).astype(float) for p in simulation.network.projections}
    simulation.run(13.0)  # the night's last spike
    dreamt = simulation.state("generation1", "n_free")
    predicts("generation0", dreamt, "generation1")
    fantasy = simulation.state("generation0", "n_free")
    said("recognition0", fantasy)
    predicts("recognition1", fantasy, "recognition0")
    said("recognition1", dreamt)
    simulation.run(2.0)
    assert np.any(simulation.weights("recognition0_recognition1") != weights["recognition0_recognition1"])
    np.testing.assert_array_equal(simulation.weights("generation1_generation0"), weights["generation1_generation0"])


def test_the_world_and_the_divergence(example: dict[str, Any]) -> None:
    """Against sums over bars and codes one by one."""
    every, probability = example["world"]()
    assert probability.sum() == pytest.approx(1.0)
    index = {tuple(image): k for k, image in enumerate(every.tolist())}
    expected = np.zeros(len(every))
    for bars in itertools.product([0, 1], repeat=8):
        image = tuple(int(bars[c] or bars[4 + r]) for r in range(4) for c in range(4))
        expected[index[image]] += math.prod(0.125 if bar else 0.875 for bar in bars)
    np.testing.assert_allclose(probability, expected)
    example["divergence"].__globals__["SIZES"] = (16, 2)
    try:
        random = np.random.default_rng(1)
        down, low, high = random.normal(size=(2, 16)), random.normal(size=16), random.normal(size=2)
        given = {"generation1_generation0": down.ravel(), "bias_generation0": low, "bias_generation1": high}
        found = example["divergence"](given)
    finally:
        example["divergence"].__globals__["SIZES"] = example["SIZES"]
    bits = 0.0
    for image, p in zip(every, probability):
        q = 0.0
        for code in itertools.product([0, 1], repeat=2):
            above = math.prod(1 / (1 + math.exp(-b if s else b)) for s, b in zip(code, high))
            z = np.array(code) @ down + low
            q += above * math.prod(1 / (1 + math.exp(-b if s else b)) for s, b in zip(image, z))
        bits += p * math.log2(p / q)
    assert found == pytest.approx(bits)


def test_bars_are_found_where_they_are(example: dict[str, Any]) -> None:
    ink = np.full((12, 4, 4), 0.0)
    ink[2, :, 1] = ink[5, 3, :] = ink[7, 3, :] = 5.0
    ink[8, 0, :] = ink[8, :, 0] = 5.0  # a cross is no bar
    weights = {"generation1_generation0": ink.ravel(), "bias_generation0": np.full(16, -4.0)}
    assert example["bars_found"](weights) == 2


def test_dreams_become_like_the_images(example: dict[str, Any]) -> None:
    (before, none), *_, (after, _) = example["learn"](8000, seed=1, readings=2)
    assert none == 0
    assert before > 12.0
    assert after < 4.5

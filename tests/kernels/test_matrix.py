"""Volleys through a matrix: whole, by their difference from the one before, and onto cells that do not listen."""

from __future__ import annotations

import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.kernels.matrix import deliver_matrix

SOURCES, WIDTH = 90, 40


def deliver(counts, weight, ring, state, deaf=0):
    """Deliver one volley, counts by source, at tick 5 with a delay of 2; the events that are counted."""
    source = np.flatnonzero(counts) + 7
    base = np.full(source.size, 5)
    return deliver_matrix(
        0, source.size, base, source, counts[counts != 0], 7, SOURCES, ring, 2, 3, weight.ravel(), WIDTH, deaf, *state
    )


@pytest.fixture
def state():
    return np.zeros(1, np.int64), np.zeros((3, SOURCES), np.int64), np.zeros(WIDTH)


def test_a_volley_with_few_differences_is_the_one_before_and_those(state):
    random = np.random.default_rng(3)
    weight = (random.integers(-512, 512, (SOURCES, WIDTH)) / 1024).astype(np.float32)  # sums are exact
    counts = random.integers(1, 5, SOURCES)
    for step in range(4):
        ring = np.zeros((8, WIDTH + 5))
        assert deliver(counts, weight, ring, state) == counts.sum() * WIDTH
        np.testing.assert_array_equal(ring[7, 3:-2], counts @ weight.astype(float))
        assert not ring[:7].any()
        assert state[0][0] == 1
        assert np.array_equal(state[1][0], counts) == (step in (0, 3))  # a whole volley is what is remembered
        counts = counts.copy()
        if step == 2:
            counts[:] = random.integers(1, 5, SOURCES)
        else:
            counts[step : step + 6] = [0, 1, 9, 0, 2, 1]


def test_a_volley_onto_other_arrivals_is_not_remembered(state):
    weight, ring = np.ones((SOURCES, WIDTH), np.float32), np.ones((8, WIDTH + 5))
    deliver(np.ones(SOURCES, np.int64), weight, ring, state)
    assert state[0][0] == 0
    np.testing.assert_array_equal(ring[7, 3:-2], SOURCES + 1.0)


def test_nobody_listens(state):
    ring = np.zeros((8, WIDTH + 5))
    counts = np.full(SOURCES, 2)
    assert deliver(counts, np.ones((SOURCES, WIDTH), np.float32), ring, state, deaf=1) == 2 * SOURCES * WIDTH
    assert not ring.any()


def test_weights_set_between_two_equal_volleys_hold():
    network = Network("volleys")
    times = np.repeat([1.0, 3.0], 100)
    network.add_input("in", "spike_train", 100, {"times": times, "indices": np.tile(np.arange(100), 2)})
    network.add_population("out", "lif_delta", 50, {"V_th": 1e9, "tau_m": 1e9})
    network.connect("in", "out", "all_to_all", weight=1.0, delay=1.0, name="all")
    network.connect("out", "out", "one_to_one", weight=0.0, plasticity="pair_stdp")  # runs where matrices are
    simulation = Simulation(network, resolution=1.0)
    simulation.run(2.5)
    before = simulation.state("out", "V_m")
    simulation.set_weights("all", 3.0)
    simulation.run(2.5)
    np.testing.assert_allclose(simulation.state("out", "V_m") - before, 300.0, rtol=1e-6)
    simulation.close()

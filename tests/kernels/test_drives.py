"""Poisson counts of drives: a block at a time as one by one, and the law that they follow."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.kernels import drives
from neuromorph.kernels.inputs import poisson_count
from neuromorph.kernels.lists import no_lists

KEY = np.array([7, 0x12345678], np.int64)


def counts(mean: float, tick: int, low: int, high: int, size: int) -> np.ndarray:
    """Counts of the cells low..high-1 of `size` in a tick, as a drive of weight 1 adds them."""
    words = np.zeros(256, np.uint32)
    scratch = (words, words.view(np.uint16), np.zeros(512, np.uint16))
    into = np.zeros(size)
    one = np.ones(size, np.float32)
    total = drives.drive(tick, low, high, mean, drives.thresholds(mean), KEY, one, 0, into, scratch, no_lists())
    assert total == into.sum()
    return into


@pytest.mark.parametrize("mean", [0.13, 0.3, 2.0, 7.5, 29.0])
def test_a_block_at_a_time_is_as_one_by_one(mean):
    for tick in (1, 77, 1 << 33):
        alone = [poisson_count(mean, KEY, i, tick) for i in range(1100)]
        np.testing.assert_array_equal(counts(mean, tick, 0, 1100, 1100), alone)


def test_parts_of_a_population_draw_the_same():
    whole = counts(2.0, 5, 0, 1700, 1700)
    for low, high in ((0, 100), (100, 600), (600, 601), (601, 1700)):
        part = counts(2.0, 5, low, high, 1700)
        np.testing.assert_array_equal(part[low:high], whole[low:high])
        assert not part[:low].any()
        assert not part[high:].any()


@pytest.mark.parametrize("mean", [0.3, 2.0, 12.0])
def test_counts_follow_the_law_of_poisson(mean):
    found = np.concatenate([counts(mean, tick, 0, 4096, 4096) for tick in range(1, 101)]).astype(int)
    seen = np.bincount(found, minlength=80)
    expected = found.size * np.array([math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(80)])
    common = expected > 20
    chi_square = (((seen - expected) ** 2) / expected)[common].sum()
    assert chi_square < common.sum() + 5 * math.sqrt(2 * common.sum())
    assert found.mean() == pytest.approx(mean, abs=5 * math.sqrt(mean / found.size))


def test_thresholds_give_each_count_its_words():
    limits = drives.thresholds(2.0).astype(int)
    assert limits.size % drives.PASS == 0
    assert limits[-1] == limits[10]
    own = [int(65536 * math.exp(-2.0) * 2.0**k / math.factorial(k)) for k in range(11)]
    np.testing.assert_array_equal(np.diff([0, *limits[:11]]), own)


@pytest.mark.parametrize("mean", [0.2, 2.0, 29.0])
def test_words_that_belong_to_no_count_stand_for_what_rounding_took(mean):
    law = [math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(120)]
    left = np.array([p - math.floor(65536 * p) / 65536 for p in law])
    end = sum(math.floor(65536 * p) for p in law)
    n = 2000
    found = np.bincount([drives._left(mean, end, (k + 0.5) / n) for k in range(n)], minlength=120)[:120] / n
    np.testing.assert_allclose(found, left / left.sum(), atol=1.5 / n)


@pytest.mark.parametrize("resolution", [0.1, "exact"])
@pytest.mark.parametrize("rate", [300.0, 12000.0])
def test_what_a_drive_delivers_does_not_depend_on_whether_its_spikes_are_recorded(resolution, rate):
    found = []
    for recorded in (False, True):
        network = Network()
        network.add_input("noise", "poisson", size=700, params={"rate": rate})
        network.add_population("E", "lif_exp", size=700)
        network.connect("noise", "E", "one_to_one", weight=1.2e6 / rate, delay=1.3)
        network.record("E", "spikes")
        if recorded:
            network.record("noise", "spikes")
        simulation = Simulation(network, resolution=resolution, seed=2)
        assert len(simulation.network.drives) == 1 - recorded
        simulation.run(60.0)
        found.append((*simulation.spikes("E"), simulation.state("E", "I_ex")))
    for fused, through in zip(*found):
        np.testing.assert_array_equal(fused, through)
    assert found[0][0].size > 100

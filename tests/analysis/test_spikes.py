"""Statistics against closed forms: clocks, Poisson trains, copies of one train; tolerances are predicted, not tuned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromorph.analysis import spikes
from neuromorph.errors import InputError


def poisson(size: int, rate_hz: float, duration_ms: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Independent Poisson trains in order of time."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rate_hz * duration_ms / 1000, size)
    times, ids = rng.uniform(0, duration_ms, counts.sum()), np.repeat(np.arange(size), counts)
    order = np.argsort(times)
    return times[order], ids[order]


def clocks(size: int, period_ms: float, duration_ms: float) -> tuple[np.ndarray, np.ndarray]:
    """Neuron i ticks with a period of its own phase."""
    ticks = np.arange(0.5 * period_ms, duration_ms, period_ms)
    times = (ticks[:, None] + 0.01 * np.arange(size)).ravel()
    return times, np.tile(np.arange(size), len(ticks))


def test_counts_and_rates():
    ids = np.array([0, 2, 2, 3, 2])
    assert spikes.spike_counts(ids, 5).tolist() == [1, 0, 3, 1, 0]
    assert spikes.firing_rates(ids, 5, 500.0).tolist() == [2.0, 0.0, 6.0, 2.0, 0.0]
    assert spikes.mean_rate(ids, 5, 500.0) == 2.0
    assert spikes.active_fraction(ids, 5) == 0.6


def test_intervals_are_of_the_same_neuron_whatever_the_order():
    times, ids = np.array([5.0, 1.0, 2.0, 9.0, 4.0]), np.array([0, 0, 1, 0, 1])
    intervals, owner = spikes.interspike_intervals(times, ids)
    assert intervals.tolist() == [4.0, 4.0, 2.0]
    assert owner.tolist() == [0, 0, 1]


def test_clock_has_no_variation():
    times, ids = clocks(10, 20.0, 2000.0)
    assert spikes.cv_isi(times, ids, 10) == pytest.approx(np.zeros(10), abs=1e-9)
    assert spikes.fano_factor(times, ids, 10, 2000.0, bin_ms=100.0).tolist() == [0.0] * 10
    assert spikes.synchrony(times, 2000.0, bin_ms=20.0) == 0.0


def test_cv_of_two_intervals_in_turn():
    """Intervals a and b in turn: mean (a + b) / 2, sigma |a - b| / 2, hence CV = |a - b| / (a + b)."""
    times = np.cumsum(np.tile([1.0, 3.0], 50))
    assert spikes.cv_isi(times, np.zeros(100, dtype=int), 1)[0] == pytest.approx(0.5, abs=0.01)
    exactly = np.concatenate([[0.0], times])  # as many of the one as of the other
    assert spikes.cv_isi(exactly, np.zeros(101, dtype=int), 1)[0] == pytest.approx(0.5, abs=1e-12)


def test_cv_needs_enough_spikes():
    times, ids = np.array([1.0, 2.0, 3.0, 4.0, 7.0]), np.array([0, 0, 1, 1, 1])
    assert np.isnan(spikes.cv_isi(times, ids, 3)).tolist() == [True, False, True]
    assert np.isnan(spikes.cv_isi(times, ids, 3, min_spikes=4)).all()
    assert spikes.cv_isi(times, ids, 3, min_spikes=2)[0] == 0.0
    assert spikes.mean_cv_isi(times, ids, 3) == pytest.approx(0.5)  # intervals 1 and 3: sigma 1, mean 2
    assert np.isnan(spikes.cv_isi(np.ones(5), np.zeros(5, dtype=int), 1)[0])  # all at once: no mean to divide by


def test_poisson_is_as_irregular_as_predicted():
    size, rate, duration = 200, 50.0, 20_000.0
    times, ids = poisson(size, rate, duration, seed=1)
    intervals = rate * duration / 1000  # 1000 a neuron: each CV scatters by 1/sqrt(1000), biased by about 1/1000
    cv = spikes.cv_isi(times, ids, size)
    assert cv.mean() == pytest.approx(1.0, abs=4 / np.sqrt(intervals * size) + 2 / intervals)
    assert cv.std() == pytest.approx(1 / np.sqrt(intervals), rel=4 / np.sqrt(2 * size))
    fano = spikes.fano_factor(times, ids, size, duration, bin_ms=100.0)
    bins = 200  # an unbiased variance of Poisson counts of mean m over b bins: var F = 2 / (b - 1) at large m
    assert fano.mean() == pytest.approx(1.0, abs=4 * np.sqrt(2 / (bins - 1) / size))
    bins = duration / 3.0
    assert spikes.synchrony(times, duration) == pytest.approx(1.0, abs=4 * np.sqrt(2 / (bins - 1)))
    assert spikes.mean_rate(ids, size, duration) == pytest.approx(rate, abs=4 * np.sqrt(rate / size / 20.0))


def test_neurons_that_fire_together():
    """The count of all is size times the count of one: mean times size, variance times size squared."""
    times, _ = poisson(1, 40.0, 10_000.0, seed=2)
    together, ids = np.repeat(times, 8), np.tile(np.arange(8), len(times))
    one = spikes.fano_factor(times, np.zeros(len(times), dtype=int), 1, 10_000.0, bin_ms=3.0)[0]
    assert spikes.synchrony(together, 10_000.0) == pytest.approx(8 * one, rel=1e-3)  # 3 ms leave 1 ms over
    found = spikes.correlations(together, ids, 8, 10_000.0)
    assert len(found) == 8 * 7 / 2
    np.testing.assert_allclose(found, 1.0)


def test_independent_neurons_are_uncorrelated():
    times, ids = poisson(60, 40.0, 20_000.0, seed=3)
    found = spikes.correlations(times, ids, 60, 20_000.0, bin_ms=5.0, sample=40)
    assert len(found) == 40 * 39 / 2
    scatter = 1 / np.sqrt(20_000 / 5.0)  # of one coefficient over b independent bins
    assert found.std() == pytest.approx(scatter, rel=0.15)
    assert abs(found.mean()) < 4 * scatter / np.sqrt(len(found))


def test_shared_spikes_correlate_as_predicted():
    """Two trains that share the fraction c of their spikes have r = c."""
    shared, _ = poisson(1, 20.0, 200_000.0, seed=4)
    own, ids = poisson(2, 60.0, 200_000.0, seed=5)
    times = np.concatenate([shared, shared, own])
    ids = np.concatenate([np.zeros(len(shared), int), np.ones(len(shared), int), ids])
    found = spikes.correlations(times, ids, 2, 200_000.0, bin_ms=20.0)
    assert found[0] == pytest.approx(0.25, abs=4 / np.sqrt(10_000))


def test_sample_is_of_neurons_that_spiked_and_depends_on_the_seed_alone():
    times, ids = poisson(50, 20.0, 5000.0, seed=6)
    ids = ids * 3  # 100 of 150 are silent
    first, again, other = (spikes.correlations(times, ids, 150, 5000.0, sample=10, seed=s) for s in (1, 1, 2))
    assert len(first) == 45
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert spikes.correlations(times, ids * 0, 150, 5000.0).tolist() == []


def test_population_rate():
    times = np.array([0.0, 1.0, 9.9, 10.0, 29.0])
    centres, rate = spikes.population_rate(times, 4, 30.0, 10.0)
    assert centres.tolist() == [5.0, 15.0, 25.0]
    assert rate.tolist() == [75.0, 25.0, 25.0]
    centres, rate = spikes.population_rate(times, 4, 20.0, 10.0, start_ms=10.0)
    assert centres.tolist() == [15.0, 25.0]
    assert rate.tolist() == [25.0, 25.0]


def test_ticks_fall_into_their_own_bin():
    """0.1 * 3 > 0.3 and 0.3 / 0.1 < 3 in floating point; a tick is nevertheless in the bin that begins with it."""
    ticks = np.arange(10_000)
    assert spikes.population_counts(ticks * 0.1, 1000.0, 0.1).tolist() == [1] * 10_000
    assert spikes.population_counts(ticks * 0.1, 1000.0, 0.3).tolist() == [3] * 3333


def test_the_end_belongs_to_the_last_bin_and_the_rest_to_none():
    times = np.array([10.0, 20.0, 21.0, -0.1])
    assert spikes.population_counts(times, 20.0, 10.0).tolist() == [0, 2]
    assert spikes.population_counts(times, 25.0, 10.0).tolist() == [0, 1]
    ids = np.array([0, 1, 1, 0])
    assert spikes.binned_counts(times, ids, 2, 20.0, 10.0).tolist() == [[0, 1], [0, 1]]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 999), st.integers(0, 4)), max_size=40), st.integers(1, 1000))
def test_bins_add_up(rows, ticks):
    times, ids, bin_ms = np.array([t * 0.1 for t, _ in rows]), np.array([i for _, i in rows], dtype=int), ticks * 0.1
    counts = spikes.binned_counts(times, ids, 5, 100.0, bin_ms)
    np.testing.assert_array_equal(counts.sum(axis=0), spikes.population_counts(times, 100.0, bin_ms))
    assert counts.shape[1] == 1000 // ticks
    inside = np.array([t < counts.shape[1] * ticks for t, _ in rows], dtype=bool)
    np.testing.assert_array_equal(counts.sum(axis=1), spikes.spike_counts(ids[inside], 5))


def test_nothing_gives_nan_and_no_warning():
    none, nobody = np.empty(0), np.empty(0, dtype=int)
    assert spikes.spike_counts(nobody, 3).tolist() == [0, 0, 0]
    assert spikes.mean_rate(nobody, 3, 10.0) == 0.0
    assert spikes.population_rate(none, 3, 10.0, 5.0)[1].tolist() == [0.0, 0.0]
    assert spikes.correlations(none, nobody, 3, 10.0).tolist() == []
    undefined = [
        spikes.mean_rate(nobody, 0, 10.0),
        spikes.mean_rate(nobody, 3, 0.0),
        spikes.active_fraction(nobody, 0),
        spikes.mean_cv_isi(none, nobody, 3),
        spikes.synchrony(none, 10.0),
        spikes.synchrony(np.ones(1), 3.0),
        *spikes.fano_factor(none, nobody, 2, 10.0, 5.0),
        *spikes.fano_factor(np.ones(1), np.zeros(1, int), 1, 10.0, 10.0),
    ]
    assert np.isnan(undefined).all()


@pytest.mark.parametrize("bin_ms", [0.0, -1.0, 11.0, float("nan")])
def test_bin_out_of_range(bin_ms):
    words = r"bin_ms: value out of range, found .* \(allowed: above 0 and at most 10 ms, the length of the interval\)"
    with pytest.raises(InputError, match=words):
        spikes.population_counts(np.ones(3), 10.0, bin_ms)

"""Distances, spectra, dimensionality, averages around spikes, weights and curves, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from neuromorph.analysis import correlation, counts, distances
from neuromorph.analysis.blocks import Block
from neuromorph.analysis.bursts import NeuronBursts
from neuromorph.analysis.counts import finite, make_bins
from neuromorph.analysis.intervals import Intervals, cv2_isi, histogram_quantile, isi_histogram, lv_isi
from neuromorph.analysis.learning import curve_summary, smoothed
from neuromorph.analysis.selectivity import Responses
from neuromorph.analysis.spectrum import Spectrum, power_spectrum
from neuromorph.analysis.triggered import spike_triggered_average
from neuromorph.analysis.weights import distribution, drift
from neuromorph.errors import InputError


def test_intervals_of_two_lengths():
    """Intervals of 10 and 30 ms in turns: CV2 = 2 * 20 / 40, LV = 3 (20 / 40)^2."""
    times = np.cumsum([5.0, *[10.0, 30.0] * 10])
    ids = np.zeros(len(times), np.int64)
    assert cv2_isi(times, ids, 1) == pytest.approx([1.0])
    assert lv_isi(times, ids, 1) == pytest.approx([0.75])
    assert isi_histogram(times, ids, 1, np.array([0.0, 10.0, 20.0, 40.0])).tolist() == [0, 10, 10]
    assert isi_histogram(times, ids, 1, np.array([11.0, 20.0])).tolist() == [0]  # all are outside
    assert [np.isnan(Intervals(1).add(Block(times[:k], ids[:k])).mean_cv()) for k in (2, 3)] == [True, False]
    found = Intervals(1).add(Block(times, ids)).add(Block(times[-1:] + 10.0, ids[:1]))
    assert found.median_ms() == pytest.approx(10.0, rel=0.05)  # to a bin


def test_two_spikes_at_once():
    times, ids = np.array([1.0, 1.0, 1.0, 3.0]), np.zeros(4, np.int64)
    found = Intervals(1).add(Block(times, ids))
    assert found.pairs.tolist() == [1]  # 0 after 0 is no pair
    assert found.cv2().tolist() == [2.0]


def test_quantiles_of_a_histogram():
    assert histogram_quantile(np.array([2, 2]), np.array([0.0, 1.0, 3.0]), 0.75) == 2.0
    assert np.isnan(histogram_quantile(np.array([0, 0]), np.array([0.0, 1.0, 3.0]), 0.5))


def test_dimensionality():
    assert correlation.participation_ratio(np.eye(7)) == pytest.approx(7.0)
    assert correlation.participation_ratio(np.ones((7, 7))) == pytest.approx(1.0)
    assert np.isnan(correlation.participation_ratio(np.zeros((3, 3))))
    eigenvalues = np.linalg.eigvalsh(covariance := np.cov(np.random.default_rng(0).normal(size=(5, 50))))
    expected = eigenvalues.sum() ** 2 / np.square(eigenvalues).sum()
    assert correlation.participation_ratio(covariance) == pytest.approx(expected)


def test_correlation_of_copies():
    times = np.array([1.0, 1.0, 12.0, 12.0, 35.0, 35.0, 61.0])
    found = correlation.count_correlation(times, np.array([0, 1, 0, 1, 0, 1, 2]), 4, make_bins(0.0, 100.0, 10.0))
    assert found[0, 1] == pytest.approx(1.0)
    assert found[0, 2] < 0
    assert np.isnan(found[3]).all()  # silent
    assert np.isnan(correlation.count_covariance(times, np.zeros(7, np.int64), 1, make_bins(0.0, 50.0, 50.0))).all()


def test_pieces_change_nothing(monkeypatch):
    """What is worked through in pieces inside a block."""
    rng = np.random.default_rng(0)
    times, ids = np.sort(rng.uniform(0, 500.0, 400)), rng.integers(0, 3, 400)

    def everything():
        bins, block = make_bins(0.0, 500.0, 1.0), Block(times, ids)
        return [
            correlation.CountCovariance(3, bins).add(block).covariance(),
            Spectrum(bins, 10).add(block).result()[1],
            counts.EventHistogram(np.arange(0.0, 500.0, 3.0), 10.0, 20.0, 1.0).add(block).counts,
            distances.van_rossum(times[:150], times[150:]),
        ]

    before = everything()
    for module, name, value in ((correlation, "ROWS", 7), (counts, "PAIRS", 11), (distances, "PAIRS", 300)):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr("neuromorph.analysis.spectrum.HALVES", 4)
    for one, other in zip(before, everything()):
        np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-12)


def test_the_spectrum_of_a_sine():
    """A sine of amplitude a has power a^2 / 2, all of it near its frequency."""
    step, values = 2.0, 3.0 * np.sin(2 * np.pi * 25.0 * np.arange(4000) * 2e-3)
    frequencies, density = power_spectrum(values, step, 400)
    assert frequencies[density.argmax()] == 25.0
    assert density.sum() * frequencies[1] == pytest.approx(4.5, rel=1e-6)
    assert frequencies[-1] == 250.0
    assert power_spectrum(np.array([1.0, -1.0, 1.0, -1.0]), 1.0, 2)[0].tolist() == [0.0, 500.0]


@pytest.mark.parametrize("segment", [0, 3, 12])
def test_segments_of_no_length(segment):
    for call in (lambda: power_spectrum(np.zeros(11), 1.0, segment), lambda: Spectrum(make_bins(0, 11, 1), segment)):
        with pytest.raises(
            InputError, match=r"segment: value out of range, found \d+ \(allowed: an even number of 2 to 11"
        ):
            call()


def test_an_average_around_spikes():
    values = np.column_stack([np.arange(10.0), np.arange(10.0) ** 2])
    found = spike_triggered_average(
        np.array([12.0, 13.0, 15.0, 12.0]), np.array([0, 0, 0, 1]), values, 10.0, 1.0, (-2.0, 3.0)
    )
    assert found.lags_ms.tolist() == [-2.0, -1.0, 0.0, 1.0, 2.0]
    assert found.mean[:, 0].tolist() == pytest.approx(np.arange(5) + 4 / 3)  # rows 0, 1 and 3 on average
    assert found.mean[:, 1].tolist() == [0.0, 1.0, 4.0, 9.0, 16.0]
    last = spike_triggered_average(np.array([17.0]), np.array([0]), values, 10.0, 1.0, (-2.0, 3.0))
    assert last.mean[-1, 0] == 9.0  # a window that ends with the recording
    none = spike_triggered_average(np.array([11.0, 18.0]), np.array([0, 1]), values, 10.0, 1.0, (-2.0, 3.0))
    assert none.spikes.tolist() == [0, 0]  # their windows leave the recording
    assert np.isnan(none.mean).all()


def test_distances_of_trains():
    assert distances.van_rossum([5.0], []) == 1.0
    assert distances.van_rossum([5.0], [5.0]) == 0.0
    assert distances.van_rossum([0.0], [1e6]) == pytest.approx(2**0.5)
    assert distances.van_rossum([0.0], [10.0]) == pytest.approx((2 - 2 * np.exp(-1)) ** 0.5)
    assert distances.victor_purpura([1.0, 5.0], []) == 2.0
    assert distances.victor_purpura([1.0, 5.0], [3.0, 5.0], 0.1) == pytest.approx(0.2)
    assert distances.victor_purpura([1.0], [30.0], 0.1) == 2.0  # cheaper to remove and add than to move


def test_distances_of_distributions():
    assert distances.ks_distance([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == 0.0
    assert distances.ks_distance([1.0, 2.0], [5.0]) == 1.0
    assert distances.ks_distance([1.0, 2.0], [1.0, 2.0], [3, 1], [1, 1]) == pytest.approx(0.25)
    assert np.isnan(distances.ks_distance([], [1.0]))
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    one, other = np.random.default_rng(0).normal(size=50), np.random.default_rng(1).normal(0.3, 2.0, 70)
    assert distances.ks_distance(one, other) == pytest.approx(stats.ks_2samp(one, other).statistic)


def test_weights():
    found = distribution([1.0, 2.0, 3.0, 4.0, np.nan])
    assert (found["mean"], found["min"], found["max"], found["q50"]) == (2.5, 1.0, 4.0, 2.5)
    assert np.isnan(list(distribution([]).values())).all()
    assert drift([1.0, 2.0, 3.0], [2.0, 2.0, 6.0]) == pytest.approx(
        {
            "mean": 4 / 3,
            "rms": (10 / 3) ** 0.5,
            "correlation": np.corrcoef([1, 2, 3], [2, 2, 6])[0, 1],
            "changed": 2 / 3,
        }
    )
    assert np.isnan(drift([1.0, 1.0], [1.0, 2.0])["correlation"])
    assert np.isnan(list(drift([], []).values())).all()
    with pytest.raises(InputError, match="as many weights after as before are needed, found 1"):
        drift([1.0, 2.0], [1.0])


def test_learning_curves():
    found = curve_summary([1.0, 0.9, 0.4, 0.2, 0.1, np.nan, 0.1])
    assert found == {"points": 7, "first": 1.0, "last": 0.1, "min": 0.1, "max": 1.0, "tail": 0.1, "half": 2}
    assert curve_summary([2.0, 2.0])["half"] is None
    assert curve_summary([np.nan])["first"] is None
    rising = np.concatenate([np.zeros(100), np.ones(100)])
    assert curve_summary(rising)["half"] == 109  # the mean of 20 is a half there
    assert smoothed([1.0, np.nan, 4.0, 6.0], 2).tolist() == [1.0, 1.0, 4.0, 5.0]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: NeuronBursts(1, -1.0), r"max_interval_ms: value out of range, found -1.0 \(allowed: 0 ms or above"),
        (lambda: NeuronBursts(1, 1.0, 1), r"min_spikes: value out of range, found 1 \(allowed: 2 or above"),
        (
            lambda: correlation.cross_correlogram([], [], 0.0, 10.0, 1.0, 11.0),
            r"lag_ms: value out of range.*0 to 10 ms",
        ),
        (lambda: finite("events_ms", [1.0, np.nan]), r"events_ms\[1\]: not a finite number, found nan"),
        (lambda: Responses(1, [], [], (0.0, 1.0)), "events_ms: there are no events"),
        (lambda: Responses(1, [1.0], [], (0.0, 1.0)), "labels: as many labels as events are needed, found 0"),
        (lambda: Responses(1, [1.0], ["a"], (1.0, 1.0)), r"window_ms: the window is empty, found \(1.0, 1.0\)"),
        (
            lambda: spike_triggered_average([], [], np.zeros((3, 1)), 0.0, 0.0, (0.0, 1.0)),
            "step_ms: value out of range",
        ),
        (lambda: spike_triggered_average([], [], np.zeros((3, 1)), 0.0, 1.0, (1.0, 0.0)), "the window is empty"),
        (
            lambda: spike_triggered_average([], [], np.zeros((3, 1)), 0, 1e-9, (0, 1)),
            r"window_ms: rows in a window, found 1",
        ),
        (lambda: distances.van_rossum([], [], 0.0), r"tau_ms: value out of range, found 0.0 \(allowed: above 0 ms"),
        (lambda: distances.victor_purpura([], [], -1.0), r"cost_per_ms: value out of range, found -1.0"),
        (
            lambda: make_bins(0.0, 10.0, 11.0),
            r"bin_ms: value out of range, found 11.0 \(allowed: above 0 and at most 10",
        ),
    ],
)
def test_what_is_out_of_range(call, words):
    with pytest.raises(InputError, match=words):
        call()


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, 1e30])
def test_weights_that_are_all_but_equal_have_a_histogram(value):
    from neuromorph.analysis.weights import BINS, _edges

    for values in (np.full(3, value), np.array([value, np.nextafter(value, np.inf)])):
        edges = _edges(values)
        assert len(edges) == BINS + 1
        assert np.histogram(values, edges)[0].sum() == len(values)

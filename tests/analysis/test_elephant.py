"""Beside Elephant (Denker et al. 2018, RRID:SCR_003833): the same numbers to 1e-9 where it has the measure."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from analysis.trains import random_trains
from neuromorph.analysis import distances, spikes
from neuromorph.analysis.correlation import count_correlation, count_covariance, cross_correlogram
from neuromorph.analysis.counts import fano_across, make_bins
from neuromorph.analysis.intervals import cv2_isi, lv_isi
from neuromorph.analysis.spectrum import power_spectrum
from neuromorph.analysis.triggered import spike_triggered_average

pytest.importorskip("elephant", reason="the package elephant is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")

STOP, SIZE = 2000.0, 20
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


@pytest.fixture(params=range(3))
def trains(request):
    times, ids = random_trains(request.param, SIZE, STOP)
    return times, ids, [_neo(times[ids == k]) for k in range(SIZE)]


def _neo(times):
    import neo
    import quantities as pq

    return neo.SpikeTrain(times, units=pq.ms, t_start=0 * pq.ms, t_stop=STOP * pq.ms)


def test_rates_and_intervals(trains):
    from elephant import statistics

    times, ids, them = trains
    rates = [statistics.mean_firing_rate(train).rescale("Hz").item() for train in them]
    np.testing.assert_allclose(spikes.firing_rates(ids, SIZE, STOP), rates, **CLOSE)
    intervals, owner = spikes.interspike_intervals(times, ids)
    for k, train in enumerate(them):
        np.testing.assert_allclose(intervals[owner == k], statistics.isi(train).rescale("ms").magnitude, **CLOSE)


def test_variation_of_intervals(trains):
    from elephant import statistics

    times, ids, them = trains
    ours = spikes.cv_isi(times, ids, SIZE), cv2_isi(times, ids, SIZE), lv_isi(times, ids, SIZE)
    for k, train in enumerate(them[: SIZE - 2]):
        gaps = statistics.isi(train).rescale("ms").magnitude
        theirs = statistics.cv(gaps), statistics.cv2(gaps), statistics.lv(gaps)
        np.testing.assert_allclose([of[k] for of in ours], theirs, **CLOSE)
    assert all(np.isnan(of[SIZE - 2 :]).all() for of in ours)  # silent


def test_fano_factor(trains):
    from elephant import statistics

    times, ids, them = trains
    assert fano_across(spikes.spike_counts(ids, SIZE)) == pytest.approx(statistics.fanofactor(them), rel=1e-9)
    counts = spikes.binned_counts(times, ids, SIZE, STOP, 100.0)
    for k in range(SIZE - 2):
        windows = [_neo(times[(ids == k) & (times >= t) & (times < t + 100.0)]) for t in np.arange(0, STOP, 100.0)]
        theirs = statistics.fanofactor(windows)
        np.testing.assert_allclose(fano_across(counts[k]), theirs, **CLOSE)
        # and with the unbiased variance
        np.testing.assert_allclose(spikes.fano_factor(times, ids, SIZE, STOP)[k], theirs * 20 / 19, **CLOSE)


def test_time_histogram(trains):
    import quantities as pq
    from elephant import statistics

    times, _, them = trains
    theirs = statistics.time_histogram(them, 10 * pq.ms)
    np.testing.assert_allclose(spikes.population_counts(times, STOP, 10.0), theirs.magnitude[:, 0], **CLOSE)
    theirs = statistics.time_histogram(them, 10 * pq.ms, output="rate").rescale("Hz").magnitude[:, 0]
    np.testing.assert_allclose(spikes.population_rate(times, SIZE, STOP, 10.0)[1], theirs, **CLOSE)


def test_covariance_and_correlation(trains):
    import quantities as pq
    from elephant.conversion import BinnedSpikeTrain
    from elephant.spike_train_correlation import correlation_coefficient, covariance

    times, ids, them = trains
    binned = BinnedSpikeTrain(them[: SIZE - 2], bin_size=5 * pq.ms)
    bins = make_bins(0.0, STOP, 5.0)
    np.testing.assert_allclose(count_covariance(times, ids, SIZE - 2, bins), covariance(binned), **CLOSE)
    np.testing.assert_allclose(count_correlation(times, ids, SIZE - 2, bins), correlation_coefficient(binned), **CLOSE)


@pytest.mark.parametrize("pair", [(0, 1), (3, 3), (5, 4)])
def test_cross_correlogram(trains, pair):
    import quantities as pq
    from elephant.conversion import BinnedSpikeTrain
    from elephant.spike_train_correlation import cross_correlation_histogram

    times, ids, them = trains
    binned = [BinnedSpikeTrain(them[k], bin_size=2 * pq.ms) for k in pair]
    theirs, lags = cross_correlation_histogram(*binned, window=[-30, 30], border_correction=False)
    ours = cross_correlogram(times[ids == pair[0]], times[ids == pair[1]], 0.0, STOP, 2.0, 60.0)
    np.testing.assert_allclose(ours[0], lags * 2.0, **CLOSE)
    np.testing.assert_allclose(ours[1], theirs.magnitude[:, 0], **CLOSE)


def test_power_spectrum(trains):
    import neo
    import quantities as pq
    from elephant.spectral import welch_psd

    rate = spikes.population_rate(trains[0], SIZE, STOP, 1.0)[1]
    signal = neo.AnalogSignal(rate, units=pq.Hz, sampling_rate=1000 * pq.Hz)
    frequencies, density = welch_psd(signal, len_segment=256, overlap=0.5)
    ours = power_spectrum(rate, 1.0, 256)
    np.testing.assert_allclose(ours[0], frequencies.magnitude, **CLOSE)
    np.testing.assert_allclose(ours[1], density.magnitude[0], **CLOSE)


def test_spike_triggered_average(trains):
    import neo
    import quantities as pq
    from elephant.sta import spike_triggered_average as theirs

    times, ids, them = trains
    columns = [0, 4, 7]
    values = np.random.default_rng(5).normal(size=(4000, 3)).cumsum(axis=0)
    signal = neo.AnalogSignal(values, units=pq.mV, sampling_rate=2 * pq.kHz)
    found = theirs(signal, [them[k] for k in columns], (-10 * pq.ms, 15 * pq.ms))
    mine = np.isin(ids, columns)
    column = np.searchsorted(columns, ids[mine])
    ours = spike_triggered_average(times[mine], column, values, 0.0, 0.5, (-10.0, 15.0))
    np.testing.assert_allclose(ours.mean, found.magnitude, **CLOSE)
    assert ours.spikes.tolist() == found.annotations["used_spikes"].tolist()
    np.testing.assert_allclose(ours.lags_ms, found.times.rescale("ms").magnitude, **CLOSE)


def test_distances_of_trains(trains):
    import quantities as pq
    from elephant.spike_train_dissimilarity import van_rossum_distance, victor_purpura_distance

    times, ids, them = trains
    chosen = [0, 1, 2, 5, SIZE - 1]
    mine, some = [times[ids == k][:40] for k in chosen], [_neo(times[ids == k][:40]) for k in chosen]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rossum = van_rossum_distance(some, 10 * pq.ms)
        victor = victor_purpura_distance(some, 0.1 / pq.ms)
    ours = [[distances.van_rossum(a, b) for b in mine] for a in mine]
    np.testing.assert_allclose(ours, rossum, **CLOSE)
    np.testing.assert_allclose([[distances.victor_purpura(a, b) for b in mine] for a in mine], victor, **CLOSE)

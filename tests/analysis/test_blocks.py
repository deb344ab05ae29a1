"""Cut into blocks anywhere, spikes give what they give as one; and that equals plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.trains import random_trains
from neuromorph.analysis import spikes
from neuromorph.analysis.blocks import Active, Block, stable_order
from neuromorph.analysis.bursts import NetworkBursts, NeuronBursts, network_bursts, neuron_bursts
from neuromorph.analysis.correlation import CountCovariance, PairCorrelogram, cross_correlogram
from neuromorph.analysis.counts import EventHistogram, NeuronCounts, PopulationCounts, TimeHistogram, make_bins, psth
from neuromorph.analysis.intervals import Intervals
from neuromorph.analysis.selectivity import Responses, selectivity
from neuromorph.analysis.spectrum import Spectrum, power_spectrum

SIZE, STOP = 12, 1500.0
EVENTS, LABELS = np.arange(50.0, 1450.0, 35.0), [k % 3 for k in range(40)]
SPARSE = (np.array([3.0, 3.2, 700.0, 700.1, 1400.0, 1401.0]), np.array([0, 1, 1, 1, 5, 0]))


def blocks(times, ids, seed):
    """Cut at random places, some of them equal: blocks may be empty."""
    cuts = np.sort(np.random.default_rng(seed).integers(0, len(times) + 1, 60))
    return [Block(t, k) for t, k in zip(np.split(times, cuts), np.split(ids, cuts))]


def spectrum(found):
    return found.result()[1]


#: accumulator -> its numbers
ACCUMULATORS = {
    "intervals": (lambda: Intervals(SIZE), lambda a: [a.cv(), a.cv2(), a.lv(), a.mean_ms, a.histogram, a.count]),
    "counts": (lambda: NeuronCounts(SIZE, make_bins(0, STOP, 100)), lambda a: [a.fano(), a.total]),
    "population": (lambda: PopulationCounts(make_bins(0, STOP, 3)), lambda a: [a.synchrony(), a.total]),
    "histogram": (lambda: TimeHistogram(make_bins(10, STOP, 7)), lambda a: [a.counts]),
    "events": (lambda: EventHistogram(EVENTS, 20, 80, 5), lambda a: [a.counts]),
    "covariance": (lambda: CountCovariance(SIZE, make_bins(0, STOP, 5)), lambda a: [a.covariance()]),
    "pairs": (lambda: PairCorrelogram(SIZE, make_bins(0, STOP, 5), 60), lambda a: [a.pairs(), a.expected()]),
    "spectrum": (lambda: Spectrum(make_bins(0, STOP, 1), 64), lambda a: [spectrum(a)]),
    "bursts": (lambda: NeuronBursts(SIZE, 12.0, 3), lambda a: [a.number(), a.share()]),
    "network": (lambda: NetworkBursts(make_bins(0, STOP, 10), 2.0, 1.0), lambda a: [*a.result(), a.number, a.spikes]),
    "responses": (lambda: Responses(SIZE, EVENTS, LABELS, (-10, 50)), lambda a: list(a.result()[1:])),
}


@pytest.mark.parametrize("name", ACCUMULATORS)
@pytest.mark.parametrize("seed", range(4))
def test_cuts_change_nothing(name, seed):
    make, numbers = ACCUMULATORS[name]
    times, ids = random_trains(seed, SIZE, STOP) if seed else SPARSE
    times = np.round(times, 1)  # with ties
    whole, parts = make().add(Block(times, ids)), make()
    for block in blocks(times, ids, seed):
        parts.add(block)
    for one, other in zip(numbers(whole), numbers(parts)):
        np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ACCUMULATORS)
def test_no_spikes(name):
    make, numbers = ACCUMULATORS[name]
    for found in (make(), make().add(Block(np.empty(0), np.empty(0, np.int64)))):
        for value in numbers(found):
            assert np.all((np.asarray(value) == 0) | np.isnan(value))


def test_means_and_fano_factors_are_those_of_arrays():
    times, ids = random_trains(1, SIZE, STOP)
    block = Block(times, ids)
    np.testing.assert_allclose(Intervals(SIZE).add(block).cv(), spikes.cv_isi(times, ids, SIZE), rtol=1e-12)
    fano = NeuronCounts(SIZE, make_bins(0, STOP, 100)).add(block).fano()
    np.testing.assert_allclose(fano, spikes.fano_factor(times, ids, SIZE, STOP), rtol=1e-12)
    found = PopulationCounts(make_bins(0, STOP, 3)).add(block).synchrony()
    assert found == pytest.approx(spikes.synchrony(times, STOP), rel=1e-12)
    few = PopulationCounts(make_bins(0, 20, 10)).add(Block(np.array([1.0, 2.0, 3.0, 15.0]), np.zeros(4)))
    assert few.synchrony() == pytest.approx(1.0)  # 3 and 1: variance 2, mean 2
    assert np.isnan(PopulationCounts(make_bins(0, 20, 20)).add(Block(np.array([1.0]), np.zeros(1))).synchrony())


def test_a_spectrum_in_halves_is_that_of_all_bins():
    for times, _ in (random_trains(2, SIZE, STOP), SPARSE):
        counts = spikes.population_counts(times, STOP, 1.0).astype(float)
        found = Spectrum(make_bins(0, STOP, 1), 64).add(Block(times, np.zeros(len(times), np.int64))).result()
        expected = power_spectrum(counts, 1.0, 64)
        np.testing.assert_allclose(found[0], expected[0])
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-9, atol=1e-12)


def test_pairs_of_neurons_one_by_one():
    times, ids = random_trains(3, SIZE, STOP)
    found = PairCorrelogram(SIZE, make_bins(0, STOP, 5), 60).add(Block(times, ids))
    total = np.zeros(25, np.int64)
    for i in range(SIZE):
        for j in set(range(SIZE)) - {i}:
            total += cross_correlogram(times[ids == i], times[ids == j], 0.0, STOP, 5.0, 60.0)[1]
    assert found.pairs().tolist() == total[12:].tolist() == total[12::-1].tolist()


def test_bursts_by_loops():
    times, ids = random_trains(4, SIZE, STOP)
    number, share = neuron_bursts(times, ids, SIZE, 12.0, 3)
    assert number.sum() > 10
    for k in range(SIZE):
        train, found, within, run = times[ids == k], 0, 0, 1
        for gap in [*np.diff(train), np.inf]:
            if gap <= 12.0:
                run += 1
                continue
            found, within, run = found + (run >= 3), within + run * (run >= 3), 1
        assert number[k] == found
        assert np.isnan(share[k]) if not len(train) else share[k] == pytest.approx(within / len(train))


def test_network_bursts():
    times = np.concatenate([np.arange(0.0, 1000.0, 10.0), np.full(50, 205.0), np.full(60, 214.0), np.full(30, 700.5)])
    found = network_bursts(times, make_bins(0.0, 1000.0, 10.0))
    assert found.start_ms.tolist() == [200.0, 700.0]
    assert found.stop_ms.tolist() == [220.0, 710.0]
    assert found.spikes.tolist() == [112, 31]


def test_rates_around_events():
    times = np.array([98.0, 101.0, 104.9, 105.0, 207.0, 5000.0])
    centres, rate = psth(times, [100.0, 200.0], 2, 5.0, 10.0, 5.0)
    assert centres.tolist() == [-2.5, 2.5, 7.5]
    assert rate.tolist() == [50.0, 100.0, 100.0]  # 1, 2, 2 spikes of 2 cells, after 2 events, in 5 ms
    assert np.isnan(psth(times, [], 2, 5.0, 10.0, 5.0)[1]).all()


def test_selectivity():
    """Neuron 0 answers to a alone, 1 to everything, 2 never."""
    events, labels = [100.0, 200.0, 300.0, 400.0], ["a", "b", "a", "b"]
    times = np.array([105.0, 106.0, 305.0, 306.0, 110.0, 210.0, 310.0, 410.0, 151.0])
    ids = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    found = selectivity(times, ids, 3, events, labels, (0.0, 50.0))
    assert found.labels == ["a", "b"]
    assert found.mean.tolist() == [[2.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
    assert found.preferred[0] == 0
    np.testing.assert_allclose(found.sparseness, [1.0, 0.0, np.nan])
    np.testing.assert_allclose(found.explained, [1.0, np.nan, np.nan])
    times, ids = random_trains(6, SIZE, STOP)
    found = selectivity(times, ids, SIZE, EVENTS, LABELS, (0.0, 30.0))
    counts = np.array([np.bincount(ids[(times >= e) & (times < e + 30)], minlength=SIZE) for e in EVENTS]).T
    between = sum(
        (counts[:, np.equal(LABELS, k)].mean(axis=1) - counts.mean(axis=1)) ** 2 * LABELS.count(k) for k in range(3)
    )
    total = counts.var(axis=1) * len(EVENTS)
    mean = np.array([counts[:, np.equal(LABELS, k)].mean(axis=1) for k in range(3)]).T
    np.testing.assert_allclose(found.mean, mean)
    ratio = mean.mean(axis=1)[:10] ** 2 / (mean**2).mean(axis=1)[:10]
    np.testing.assert_allclose(found.sparseness[:10], (1 - ratio) / (1 - 1 / 3))
    np.testing.assert_allclose(found.explained[:10], between[:10] / total[:10])


def test_order_and_ranks():
    rng = np.random.default_rng(0)
    for top in (3, 70_000, 2**31):
        ids = rng.integers(0, top, 1000)
        assert stable_order(ids).tolist() == np.argsort(ids, kind="stable").tolist()
        found = Active.of((np.empty(0), part) for part in np.array_split(ids, 7))
        expected, counts = np.unique(ids, return_counts=True)
        assert found.ids.tolist() == expected.tolist()
        assert found.counts.tolist() == counts.tolist()
        assert found.ids[found.ranks(ids)].tolist() == ids.tolist()

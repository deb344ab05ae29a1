"""Rare Poisson input on the grid is drawn by block: the same counts whether it is recorded or only drives cells."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from neuromorph import Network, Simulation
from neuromorph.kernels.drives import RARE
from neuromorph.kernels.rng import stream
from oracle import philox, uniform

SIZE = 1300  # two blocks of 512 and one of 276


def driven(size=SIZE, recorded=False, plastic=False, **params):
    """Cells that a Poisson input drives one by one, and that excite each other."""
    network = Network()
    network.add_population("c", "lif_delta", size, {"tau_m": 20.0, "E_L": 0.0, "V_th": 20.0, "V_reset": 0.0})
    network.add_input("p", "poisson", size, params)
    network.connect("p", "c", "one_to_one", np.linspace(5.0, 25.0, size), 1.5)
    network.connect("c", "c", "fixed_indegree", 0.5, 1.0, indegree=10, multapses=True)
    if plastic:
        network.connect("c", "c", "one_to_one", 0.5, 1.0, plasticity="pair_stdp", name="learnt")
    if recorded:
        network.record("p", "spikes")
        network.record("c", "spikes")
    return network


def counts(ticks, size=SIZE, seed=1, **params):
    """Counts by tick and cell, int[ticks, size], of a recorded input."""
    simulation = Simulation(driven(size, True, **params), resolution=0.1, seed=seed)
    simulation.run(0.1 * ticks)
    tick, _, index = simulation.sink.instants("p")
    found = np.zeros((ticks, size), int)
    np.add.at(found, (tick - 1, index), 1)
    return found


@pytest.mark.parametrize("rate", [20.0, 300.0, 1249.0])  # the last is the largest that is rare: 0.1249 a tick
@pytest.mark.parametrize("plastic", [False, True])
@pytest.mark.parametrize("parts", [1, 3])
def test_recorded_or_not_the_cells_get_the_same(rate, plastic, parts):
    assert rate * 1e-4 < RARE
    ends = []
    for recorded in (False, True):
        network = driven(rate=rate, recorded=recorded, plastic=plastic)
        simulation = Simulation(network, resolution=0.1, seed=5, parts=parts)
        assert len(simulation.network.drives) == (0 if recorded else 1)
        simulation.run(150.0)
        times, cells = simulation.spikes("c")
        ends.append((times.tolist(), cells.tolist(), simulation.state("c", "V_m").tolist()))
    assert len(ends[0][0]) > 30
    assert ends[0] == ends[1]


@pytest.mark.parametrize("size", [3, 512, SIZE])
def test_the_definition(size):
    """Written out once more, with the oracle's Philox."""
    rate, ticks, seed = 200.0, 60, 9
    found = counts(ticks, size, seed, rate=rate)
    mean, name = rate / 1e3 * 0.1, stream("p/spikes")
    wanted = np.zeros_like(found)
    for tick in range(1, ticks + 1):
        for block in range((size + 511) // 512):
            cells = min(512, size - 512 * block)
            u, total = uniform(seed, "p/spikes", block, tick), 0
            while u >= sum(math.exp(-mean * cells) * (mean * cells) ** k / math.factorial(k) for k in range(total + 1)):
                total += 1
            for j in range(total):
                word = philox((tick, 0, 64 * block + j // 4, name + 1), (seed, 0))[j % 4]
                wanted[tick - 1, 512 * block + (word * cells >> 32)] += 1
    assert found.tolist() == wanted.tolist()
    assert found.sum() > 0


@pytest.mark.parametrize("rate", [100.0, 1200.0])
def test_counts_are_independent_and_poisson(rate):
    ticks, mean = 3000, rate * 1e-4
    found = counts(ticks, rate=rate)
    values = np.bincount(found.ravel(), minlength=4)
    law = stats.poisson.pmf(np.arange(3), mean)
    expected = np.append(law, 1.0 - law.sum()) * found.size
    assert stats.chisquare([*values[:3], values[3:].sum()], expected).pvalue > 1e-4
    of_cell = found.sum(axis=0)
    assert stats.chisquare(of_cell).pvalue > 1e-4  # one rate for all, in the last block too
    assert (of_cell[1024:].sum() - 276 * ticks * mean) ** 2 < 16 * 276 * ticks * mean
    of_tick = found.sum(axis=1)  # independent cells: their sum has the variance of a Poisson count as well
    assert of_tick.var() / of_tick.mean() == pytest.approx(1.0, abs=4.0 * math.sqrt(2.0 / ticks))
    halves = np.corrcoef(found[:, :256].sum(axis=1), found[:, 256:512].sum(axis=1))[0, 1]
    assert abs(halves) < 4.0 / math.sqrt(ticks)
    later = np.corrcoef(of_tick[:-1], of_tick[1:])[0, 1]
    assert abs(later) < 4.0 / math.sqrt(ticks)


def test_steps_and_own_rates_are_drawn_by_cell():
    """However they are written, and so other than one rate of all."""
    stepwise = counts(400, rates=[100.0, 100.0], times=[0.0, 20.0])
    own = counts(400, rate=[100.0] * (SIZE - 1) + [100.0 + 1e-12])
    assert stepwise.tolist() == own.tolist()
    assert stepwise.tolist() != counts(400, rate=100.0).tolist()

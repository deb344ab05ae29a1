"""Inputs against closed forms: Poisson trains, replayed trains, sines and noise, and the free membrane under them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.analysis.spikes import binned_counts, correlations, interspike_intervals, mean_cv_isi
from neuromorph.graph.check import check
from theory import free_moments, membrane_response

RESOLUTIONS = ["exact", 0.1]


def free_network(model: str, size: int, **params: Any) -> Network:
    """Neurons without a threshold in reach, tau_m = 10 ms, C_m = 1 pF, E_L = 0, as population N."""
    network = Network()
    given = {"tau_m": 10.0, "C_m": 1.0, "E_L": 0.0, "V_reset": 0.0, "V_th": 1e9}
    network.add_population("N", model, size, given | params)
    return network


def readings(simulation: Simulation, channel: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(times, values[times, cells]) of a recorded variable."""
    return simulation.sink.states(channel)


# -- Poisson trains ----------------------------------------------------------------------------------------------------


def trains(resolution: Any, size: int, duration: float, **params: Any) -> tuple[np.ndarray, np.ndarray]:
    network = Network()
    network.add_input("noise", "poisson", size, params)
    network.add_population("N", "lif_delta", 1)
    network.connect("noise", "N", "all_to_all", 0.0, 1.0)
    network.record("noise", "spikes")
    simulation = Simulation(network, resolution=resolution, seed=1)
    simulation.run(duration)
    return simulation.spikes("noise")


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_poisson_trains_are_poisson(resolution):
    size, duration, rate = 500, 20000.0, 25.0
    times, ids = trains(resolution, size, duration, rate=rate)
    expected = size * duration * rate / 1e3
    assert abs(times.size - expected) < 4.0 * np.sqrt(expected)
    # Fano factor: the variance of (n - mean)^2 / mean over b bins of Poisson counts is (2 + 1/mean) / b.
    counts = binned_counts(times, ids, size, duration, 100.0)
    mean = 0.1 * rate
    assert abs(((counts - mean) ** 2).mean() / mean - 1.0) < 4.0 * np.sqrt((2.0 + 1.0 / mean) / counts.size)
    # intervals: exponential; the CV of 500 of them scatters by 1/sqrt(500), the mean over as many cells by 0.002
    gaps, _ = interspike_intervals(times, ids)
    assert gaps.mean() == pytest.approx(1e3 / rate, rel=0.01)  # those that the end cuts are missing: 40 ms in 20,000
    assert mean_cv_isi(times, ids, size) == pytest.approx(1.0, abs=0.01)
    share = np.searchsorted(np.sort(gaps), np.arange(1, 6) * 20.0) / gaps.size
    np.testing.assert_allclose(share, 1.0 - np.exp(-np.arange(1, 6) * 0.5), atol=4.0 * 0.5 / np.sqrt(gaps.size) + 2e-3)
    # cells do not know each other: correlations scatter by 1/sqrt(bins) about 0
    r = correlations(times, ids, size, duration, 20.0, sample=100)
    assert abs(r.mean()) < 4.0 / np.sqrt(r.size * 1000)
    assert r.std() == pytest.approx(1.0 / np.sqrt(1000), rel=0.05)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_stepwise_rates(resolution):
    size, times, rates = 2000, [0.0, 200.0, 250.0, 700.0], [10.0, 0.0, 400.0, 30.0]
    spikes, _ = trains(resolution, size, 1000.0, times=times, rates=rates)
    counts = np.diff(np.searchsorted(spikes, [*times, 1000.0], side="right"))  # a tick belongs to the time before it
    expected = size * np.array(rates) * np.diff([*times, 1000.0]) / 1e3
    assert counts[1] == 0
    assert np.all(np.abs(counts - expected) <= 4.0 * np.sqrt(expected))
    inside = spikes[(spikes > 250.0) & (spikes <= 700.0)]  # uniform within a step
    assert inside.mean() == pytest.approx(475.0, abs=4.0 * 450.0 / np.sqrt(12.0 * inside.size) + 0.05)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("model", ["lif_delta", "lif_exp", "lif_alpha"])
def test_free_membrane_has_the_moments_of_campbells_theorem(model, resolution):
    tau_s, rate, cells = 4.0, 1.0, 3000
    network = free_network(model, cells, **({} if model == "lif_delta" else {"tau_syn_ex": tau_s}))
    network.add_input("noise", "poisson", cells, {"rate": 1e3 * rate})
    network.connect("noise", "N", "one_to_one", 1.0, 1.0)
    network.record("N", "V_m", 80.0, start=200.0)
    simulation = Simulation(network, resolution=resolution, seed=1)
    simulation.run(1000.0)
    values = readings(simulation)[1][:11]
    mean, variance = free_moments(model, rate, 10.0, tau_s)
    if resolution != "exact":  # arrivals wait for their tick, where the potential is read: sums in place of integrals
        psp = membrane_response(model, np.arange(20000) * resolution, 10.0, tau_s)
        mean, variance = rate * resolution * psp.sum(), rate * resolution * (psp**2).sum()
    n = values.size  # 80 ms apart, exp(-8) correlated at most
    assert values.mean() == pytest.approx(mean, abs=4.0 * np.sqrt(variance / n))
    assert values.var() == pytest.approx(variance, rel=4.0 * np.sqrt(2.2 / n))  # 2 + the excess kurtosis, below 0.2


# -- Trains of a file --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_a_spike_file_replays_a_trace(resolution, tmp_path):
    def network(model: str, **params: Any) -> Network:
        made = Network()
        made.add_input("noise", model, 40, params)
        made.add_population("N", "lif_exp", 20)
        weight = {"distribution": "uniform", "low": 100.0, "high": 200.0}
        made.connect("noise", "N", "all_to_all", weight, 1.5)
        made.record("noise", "spikes")
        made.record("N", "spikes")
        made.record("N", "V_m", 100.0)
        return made

    drawn = Simulation(network("poisson", rate=60.0), resolution=resolution, seed=3)
    with_trace = Simulation(network("poisson", rate=60.0), resolution=resolution, seed=3, trace=tmp_path / "first.h5")
    for simulation in (drawn, with_trace):
        simulation.run(2000.0)
    with_trace.close()
    replayed = network("spike_file", path=str(tmp_path / "first.h5"), population="noise")
    replay = Simulation(replayed, resolution=resolution, seed=3)
    replay.run(2000.0)
    for name, least in (("noise", 4000), ("N", 500)):
        (times, ids), (again, same) = drawn.spikes(name), replay.spikes(name)
        assert times.size > least
        np.testing.assert_array_equal(ids, same)
        np.testing.assert_array_equal(again, times)
    np.testing.assert_array_equal(readings(replay)[1], readings(drawn)[1])


# -- Currents ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("frequency", "phase"), [(5.0, 0.0), (20.0, 90.0), (200.0, 30.0)])
def test_subthreshold_response_to_a_sine(frequency, phase):
    A, offset, tau_m, h = 3.0, 1.5, 10.0, 0.1
    network = free_network("lif_exp", 1)
    given = {"amplitude": A, "offset": offset, "frequency": frequency, "phase": phase}
    network.add_input("sine", "ac_current", 1, given)
    network.connect("sine", "N", "all_to_all", 1.0, receptor="current")
    network.record("N", "V_m", h, start=400.0)
    simulation = Simulation(network, resolution=h)
    simulation.run(800.0)
    times, values = readings(simulation)
    omega = 2e-3 * np.pi * frequency
    basis = np.column_stack([np.cos(omega * times), np.sin(omega * times), np.ones(times.size)])
    cosine, sine, mean = np.linalg.lstsq(basis, values[:, 0], rcond=None)[0]
    np.testing.assert_allclose(basis @ [cosine, sine, mean], values[:, 0], rtol=0, atol=1e-9)  # no other frequency
    assert mean == pytest.approx(offset * tau_m, rel=1e-9)
    response = (sine + 1j * cosine) * np.exp(-1j * np.radians(phase))  # to exp(i (omega t + phase))
    # tau_m dV/dt = -V + tau_m I: the amplitude A tau_m / sqrt(1 + (omega tau_m)^2), the phase -atan(omega tau_m)
    closed = A * tau_m / (1.0 + 1j * omega * tau_m)
    # held for a tick, the sine comes half a tick late, and its amplitude changes in second order
    assert abs(response) == pytest.approx(abs(closed), rel=(omega * h) ** 2 / 20.0)
    assert np.angle(response / closed) == pytest.approx(-omega * h / 2.0, rel=h / tau_m)
    # exactly: V[k + 1] = decay V[k] + (1 - decay) tau_m I[k]
    decay = np.exp(-h / tau_m)
    held = A * tau_m * (1.0 - decay) / (np.exp(1j * omega * h) - decay)
    assert response == pytest.approx(held, rel=1e-8)


@pytest.mark.parametrize("interval", [0.1, 1.0])
def test_standard_deviation_under_noise_current(interval):
    std, tau_m, cells = 2.0, 10.0, 3000
    network = free_network("lif_exp", cells)
    network.add_input("noise", "noise_current", cells, {"mean": 0.5, "std": std, "interval": interval})
    network.connect("noise", "N", "one_to_one", 1.0, receptor="current")
    network.record("N", "V_m", 80.0, start=80.1)  # where an interval ends
    simulation = Simulation(network, resolution=0.1, seed=1)
    simulation.run(1000.0)
    values = readings(simulation)[1][:-1]
    expected = std * tau_m * np.sqrt(interval / (2.0 * tau_m))  # the docstring of NoiseCurrent, C_m = 1 pF
    assert values.mean() == pytest.approx(0.5 * tau_m, abs=4.0 * expected / np.sqrt(values.size))
    assert values.std() == pytest.approx(expected, rel=4.0 / np.sqrt(2.0 * values.size))


# -- volleys of patterns -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_a_volley_shows_its_patterns_in_order_whatever_the_layout_of_the_arrays(resolution):
    order = np.array([[0, 9], [1, 9], [1, 9], [0, 9]])[:, 0]  # a column: not contiguous
    assert not order.flags.c_contiguous
    network = Network()
    patterns = np.array([[0.0, 2.0], [3.0, 0.0]])
    network.add_input("volley", "pattern_volley", 2, {"patterns": patterns, "order": order, "kappa": 1.0})
    network.record("volley", "spikes")
    simulation = Simulation(network, resolution=resolution, seed=1)
    simulation.run(30.0)
    times, cells = simulation.spikes("volley")
    assert times == pytest.approx([1.0] * 2 + [8.0] * 3 + [15.0] * 3 + [22.0] * 2)
    assert list(cells) == [1] * 2 + [0] * 6 + [1] * 2


# -- Volleys -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "resolution", "words"),
    [
        (7.03, 0.1, ["found 7.03 (allowed: a multiple of the resolution, 0.1 ms)"]),
        (0.04, 0.1, ["found 0.04 (allowed: a multiple"]),
        (7.0, 0.1, []),
        (7.03, "exact", []),
    ],
)
def test_volleys_come_at_ticks(interval, resolution, words):
    """Another interval would be rounded, and every cycle come a little later, or earlier, than asked for."""
    made = Network()
    made.add_input("digits", "pattern_volley", 2, {"patterns": np.ones((1, 2)), "order": [0], "interval": interval})
    found = [str(problem) for problem in check(made, resolution)]
    assert len(found) == len(words)
    for text, word in zip(found, words, strict=True):
        assert text.startswith(f"inputs.digits.params.interval: volleys fall between ticks, {word}")

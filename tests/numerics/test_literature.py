"""Networks and single neurons of the literature: rates, irregularity and rhythms against published and computed values.

The same networks in NEST 3.10.0 (pip's nest-simulator; iaf_psc_delta or iaf_psc_exp with the parameters of
examples/brunel.toml and examples/cuba.toml, resolution 0.1 ms, fixed_indegree or pairwise_bernoulli without autapses,
one poisson_generator connected to every neuron, uniform initial V_m, spikes of all neurons):

    Brunel, one seed, 1.2 s cut into intervals   rate Hz        CV             peak of the spectrum Hz
    g = 5, eta = 2      (AI)       500 ms        37.8, 38.0     0.411, 0.412   130 - 136 (weak)
    g = 6, eta = 4      (SI, fast) 350 ms        59.4 - 59.6    0.74 - 0.78    181 - 190
    g = 4.5, eta = 0.9  (SI, slow) 800 ms        5.8, 6.0       0.47           26
    g = 3, eta = 2      (SR)       30 ms         333.1, 333.2   0.001 - 0.002  667
    CUBA, seeds 4 to 20, first second: 5.55 Hz +- 0.21 (scatter between seeds), CV 0.517 +- 0.010
    CUBA, seed 1 with iaf_psc_exp_ps (exact spike times): 5.59 Hz, CV 0.516
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.analysis.spikes import mean_cv_isi, population_counts
from neuromorph.graph.files import load
from theory import MODEL_A, brunel_input, brunel_rate, shot_noise_intervals, siegert_cv, siegert_rate

EXAMPLES = Path(__file__).parents[2] / "examples"
Spikes = tuple[np.ndarray, np.ndarray]


def spikes_of_all(simulation: Simulation) -> Spikes:
    """Spikes of E and I as of one population, E first."""
    (t_E, i_E), (t_I, i_I) = simulation.spikes("E"), simulation.spikes("I")
    return np.concatenate((t_E, t_I)), np.concatenate((i_E, i_I + simulation.network.population("E").size))


def between(spikes: Spikes, start: float, stop: float) -> Spikes:
    """Spikes with start < time <= stop."""
    times, ids = spikes
    inside = (times > start) & (times <= stop)
    return times[inside], ids[inside]


def rhythm(times: np.ndarray, start: float, stop: float) -> float:
    """Frequency (Hz) at which the power of the spike count in bins of 0.5 ms is largest."""
    counts = population_counts(times, stop - start, 0.5, start)
    power = np.abs(np.fft.rfft(counts - counts.mean(), 4 * counts.size))
    return float(np.fft.rfftfreq(4 * counts.size, 0.5e-3)[power.argmax()])


# -- Brunel 2000, model A, all 12,500 neurons --------------------------------------------------------------------------


class State(NamedTuple):
    """A state of fig. 8: the interval (ms) in which it is measured, and what the paper gives for it in Hz."""

    g: float
    eta: float
    start: float
    stop: float
    simulated: float | None = None
    theory: float | None = None


# Rates: Brunel 2000, comparison of theory and simulations that goes with fig. 8. One network walks through the states.
FIGURE_8 = {
    "AI": State(5.0, 2.0, 100.0, 600.0, 37.7, 38.0),
    "SI fast": State(6.0, 4.0, 650.0, 1100.0, 60.7, 55.8),
    "SI slow": State(4.5, 0.9, 1250.0, 2050.0, 5.5, 6.5),
    "SR": State(3.0, 2.0, 2080.0, 2110.0),
}


@pytest.fixture(scope="module")
def figure_8() -> dict[str, Any]:
    """Per state (rate Hz, CV, rhythm Hz) of examples/brunel.toml; g and eta change at the end of each interval."""
    network = load(EXAMPLES / "brunel.toml")
    starts = [0.0] + [s.stop for s in FIGURE_8.values()][:-1]
    for name in ("external_E", "external_I"):
        network.graph.nodes[name]["params"] = {"times": starts, "rates": [s.eta * 1e4 for s in FIGURE_8.values()]}
    simulation = Simulation(network)
    for state in FIGURE_8.values():
        for name in ("I_E", "I_I"):
            simulation.set_weights(name, np.full(simulation.weights(name).size, -0.1 * state.g))
        simulation.run(state.stop - simulation.time)
    found = {}
    for name, state in FIGURE_8.items():
        times, ids = between(spikes_of_all(simulation), state.start, state.stop)
        rate = times.size / 12.5 / (state.stop - state.start)
        found[name] = rate, mean_cv_isi(times, ids, 12500), rhythm(times, state.start, state.stop)
    return found


@pytest.mark.parametrize("name", ["AI", "SI fast", "SI slow"])
def test_mean_field_theory_gives_the_rates_of_the_source(name):
    state = FIGURE_8[name]
    assert brunel_rate(state.g, state.eta) == pytest.approx(state.theory, abs=0.1)  # the source prints tenths


def test_asynchronous_irregular_state(figure_8):
    rate, cv, _ = figure_8["AI"]
    # Rates over 500 ms scatter by 0.35 Hz, in NEST as here, and the source's own does by as much: 3 sqrt(2) 0.35.
    assert rate == pytest.approx(FIGURE_8["AI"].simulated, abs=1.5)
    assert rate == pytest.approx(brunel_rate(5.0, 2.0), abs=1.5)
    assert cv == pytest.approx(0.411, abs=0.01)  # NEST
    # The theory's 0.68 takes the network's own spikes for Poisson trains, which these are not: more regular, and they
    # oscillate weakly. Where the premise holds so does the value: test_poisson_trains_in_place_of_the_network.
    assert cv < siegert_cv(*brunel_input(rate, 5.0, 2.0)) - 0.2


def test_fast_oscillation_of_irregular_neurons(figure_8):
    rate, cv, frequency = figure_8["SI fast"]
    assert rate == pytest.approx(FIGURE_8["SI fast"].simulated, rel=0.05)  # NEST: 2 % below the source
    # NEST. The strength of the oscillation wanders, in NEST as here: 350 ms scatter by 0.5 Hz and 0.04 in the CV.
    assert rate == pytest.approx(59.5, abs=2.0)
    assert cv == pytest.approx(0.75, abs=0.12)
    assert 170.0 < frequency < 200.0
    assert frequency > 2.5 * rate  # "typically at rates lower than the global oscillation frequency", the abstract


def test_slow_oscillation_of_irregular_neurons(figure_8):
    rate, cv, frequency = figure_8["SI slow"]
    # The source has 5.5 (simulation) and 6.5 (theory), NEST 5.8 and 6.0; 800 ms are 20 periods and scatter by 0.2 Hz.
    assert 5.3 < rate < 6.7
    assert cv == pytest.approx(0.48, abs=0.06)
    assert rate < frequency < 45.0  # 19 to 23 Hz, or its first harmonic, which in 800 ms may be the higher peak


def test_synchronous_regular_state(figure_8):
    rate, cv, frequency = figure_8["SR"]
    # Every 3 ms, twice the delay: what fires makes the others fire 1.5 ms later, and these in turn the first.
    assert rate == pytest.approx(333.2, rel=0.005)  # NEST
    assert cv < 0.01
    assert frequency == pytest.approx(2 * rate, rel=0.02)


@pytest.mark.parametrize("resolution", ["exact", 0.1])
def test_diluted_network_against_mean_field_theory(resolution):
    # The theory knows indegrees and weights, not the size: 2,500 neurons, indegrees 100 and 25, J = 0.2 mV.
    g, eta, C, J = 5.0, 1.1, 100, 0.2
    settings = [f"populations.{x}.size={n}" for x, n in (("E", 2000), ("I", 500))]
    settings += [f"inputs.external_{x}.size={n}" for x, n in (("E", 2000), ("I", 500))]
    settings += [f"inputs.external_{x}.params.rate={eta * 1e3 / J}" for x in "EI"]
    settings += [f"projections[{k}].indegree={C if k < 2 else C // 4}" for k in range(4)]
    settings += [f"projections[{k}].weight={-g * J if k in (2, 3) else J}" for k in range(6)]
    simulation = Simulation(load(EXAMPLES / "brunel.toml", settings), resolution=resolution)
    simulation.run(800.0)
    times, _ = between(spikes_of_all(simulation), 200.0, 800.0)
    # 600 ms scatter by 0.5 Hz = 2 %; jumps of 0.2 and 1 mV, and the grid, lower the rate by 3 %.
    assert times.size / 2.5 / 600.0 == pytest.approx(brunel_rate(g, eta, C, J), rel=0.06)


# -- CUBA: Brette et al. 2007, benchmark 2, after Vogels & Abbott 2005 -------------------------------------------------


def cuba(resolution: Any, seed: int) -> Spikes:
    simulation = Simulation(load(EXAMPLES / "cuba.toml"), resolution=resolution, seed=seed)
    simulation.run(1000.0)
    return spikes_of_all(simulation)


@pytest.fixture(scope="module")
def cuba_runs() -> dict[Any, list[Spikes]]:
    """First seconds of three networks, in both resolutions."""
    return {resolution: [cuba(resolution, seed) for seed in (2, 3, 4)] for resolution in ("exact", 0.1)}


@pytest.mark.parametrize("resolution", ["exact", 0.1])
def test_cuba_has_the_published_rate_and_irregularity(cuba_runs, resolution):
    # The review (doi:10.1007/s10827-007-0038-6, appendix 2) has "a self-sustained irregular state of activity" and no
    # rate. For the first second, V_m uniform at first: 5.61 Hz with ANNarchy 5.0.3 at 0.1 ms (its documentation,
    # notebooks/COBA.ipynb), 5.55 Hz and CV 0.517 with NEST. Networks scatter by 0.2 Hz: 3 * 0.2 / sqrt(3).
    rates = [times.size / 4000.0 for times, _ in cuba_runs[resolution]]
    assert np.mean(rates) == pytest.approx(5.6, abs=0.35)
    cv = [mean_cv_isi(times, ids, 4000) for times, ids in cuba_runs[resolution]]
    assert np.mean(cv) == pytest.approx(0.517, abs=0.02)
    for spikes in cuba_runs[resolution]:
        late = between(spikes, 800.0, 1000.0)[0].size / 4000.0 / 0.2
        assert 4.0 < late < 8.0  # sustained without any input


def test_cuba_rates_are_the_same_in_both_resolutions(cuba_runs):
    # The same network, so that only chance is between the two: of n spikes it moves sqrt(F n), F the Fano factor of the
    # population's count over times longer than its memory. F is about 4, so 22,000 spikes may differ by 6 %.
    counts = {resolution: [times.size for times, _ in runs] for resolution, runs in cuba_runs.items()}
    bins = [population_counts(times, 800.0, 100.0, 200.0) for runs in cuba_runs.values() for times, _ in runs]
    F = np.mean([count.var(ddof=1) / count.mean() for count in bins])
    assert F < 10.0
    for exact, grid in zip(counts["exact"], counts[0.1]):
        assert abs(exact - grid) < 3.0 * np.sqrt(F * (exact + grid))
    assert abs(sum(counts["exact"]) - sum(counts[0.1])) < 3.0 * np.sqrt(F * (sum(counts["exact"]) + sum(counts[0.1])))


# -- One population under Poisson input --------------------------------------------------------------------------------


def intervals(weights: list[float], rates: list[float], resolution: Any, cells: int, n: int, duration: float) -> Any:
    """The first n intervals (ms) of each cell of model A under Poisson trains (rates per ms), float64[cells, n].

    A fixed number of intervals, since those that fit into a fixed time are the shorter ones.
    """
    network = Network()
    given = MODEL_A._asdict() | {"C_m": 1.0, "E_L": 0.0}
    network.add_population("N", "lif_delta", cells, given, {"V_m": MODEL_A.V_reset})
    for k, (weight, rate) in enumerate(zip(weights, rates)):
        network.add_input(f"train{k}", "poisson", cells, {"rate": 1e3 * rate})
        network.connect(f"train{k}", "N", "one_to_one", weight, 1.0)
    simulation = Simulation(network, resolution=resolution, seed=1)
    simulation.run(duration)
    times, ids = simulation.spikes("N")
    times = times[np.lexsort((times, ids))]
    count = np.bincount(ids, minlength=cells)
    assert count.min() > n, "the run is too short for the intervals asked for"
    first = np.cumsum(count) - count
    return np.diff(times[first[:, None] + np.arange(n + 1)], axis=1)


def assert_moments(found: np.ndarray, mean: float, cv: float, bias: float = 0.0) -> None:
    """Mean and CV within 4 standard errors (of CV from 20 groups of cells) and a relative `bias` of the theory."""
    groups = [part.std() / part.mean() for part in np.array_split(found, 20)]
    assert found.mean() == pytest.approx(mean, abs=4.0 * found.std() / np.sqrt(found.size) + bias * mean)
    assert found.std() / found.mean() == pytest.approx(cv, abs=4.0 * np.std(groups) / np.sqrt(20) + bias * cv)


@pytest.mark.parametrize("resolution", ["exact", 0.1])
def test_large_jumps_against_the_markov_process(resolution):
    weights, rates = [0.2, -0.8], [8.5, 1.0]
    found = intervals(weights, rates, resolution, cells=300, n=80, duration=8000.0)
    mean, cv = shot_noise_intervals(weights, rates, tick=0.0 if resolution == "exact" else resolution)
    assert_moments(found, mean, cv, bias=3e-4)  # the theory's lattice
    # what tells it from the diffusion limit (17.76 Hz): the jumps cost 4 % of the rate
    limit = siegert_rate(18.0, np.sqrt(20.0 * (8.5 * 0.04 + 0.64)))
    assert 1e3 / found.mean() < 0.98 * limit


def test_small_jumps_against_siegert():
    # mu = 21 mV, sigma^2 = J mu = 1.05 mV^2. The Markov process is 0.4 % slower than the formula at this J, and its
    # distance falls with J (below).
    found = intervals([0.05], [21.0], "exact", cells=200, n=40, duration=2400.0)
    mu, sigma = 21.0, np.sqrt(1.05)
    assert_moments(found, 1e3 / siegert_rate(mu, sigma), siegert_cv(mu, sigma), bias=0.005)


def test_poisson_trains_in_place_of_the_network():
    # Brunel's AI state with Poisson trains for the 1,250 synapses from within: what the theory of the network assumes.
    rate = brunel_rate(5.0, 2.0)
    weights, rates = [0.1, -0.5], [20.0 + rate, 0.25 * rate]
    found = intervals(weights, rates, 0.1, cells=300, n=60, duration=3600.0)
    assert_moments(found, *shot_noise_intervals(weights, rates, tick=0.1, dx=0.05), bias=1e-3)
    # Siegert's formula has neither jumps nor ticks: 3 % off in the rate, 1 % in the CV
    assert 1e3 / found.mean() == pytest.approx(rate, rel=0.045)
    assert found.std() / found.mean() == pytest.approx(siegert_cv(*brunel_input(rate, 5.0, 2.0)), rel=0.03)


def test_the_markov_process_tends_to_the_diffusion_limit():
    mu, variance, misfit = 18.0, 9.0, []
    for J in (0.2, 0.1, 0.05):
        both, excess = variance / 20.0 / J**2, mu / 20.0 / J
        mean, cv = shot_noise_intervals([J, -J], [(both + excess) / 2, (both - excess) / 2], dx=0.025)
        misfit.append(1.0 - 1e3 / mean / siegert_rate(mu, 3.0))
        assert cv == pytest.approx(siegert_cv(mu, 3.0), rel=0.06 * J)
    assert 0.0 < misfit[2] < 0.6 * misfit[1] < 0.6 * 0.7 * misfit[0]

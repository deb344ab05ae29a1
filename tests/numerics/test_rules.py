"""The learning rules that ship with neuromorph, against closed forms, run in the engine in both resolutions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuromorph import Network, Simulation

BOTH = pytest.mark.parametrize("resolution", ["exact", 0.5], ids=["exact", "grid"])


# -- pair_stdp ------------------------------------------------------------------------------------------------------

TAU_PLUS, TAU_MINUS, A_PLUS, A_MINUS = 17.0, 34.0, 0.01, 0.0125


def window(lag):
    """Change of the weight by one pair, `lag` = t_post - t_pre at the synapse (ms); nothing where they coincide."""
    with np.errstate(over="ignore"):
        change = np.where(lag > 0, A_PLUS * np.exp(-lag / TAU_PLUS), -A_MINUS * np.exp(lag / TAU_MINUS))
    return np.where(lag == 0, 0.0, change)


def paired(lags, resolution, delay, pairings, period):
    """Weights after `pairings` of a presynaptic and a postsynaptic spike, each pair of cells with a lag of its own.

    The lag is that of the emissions; the synapse, of the dendritic `delay`, sees its target's spikes so much later.
    """
    n = lags.size
    starts = 100.0 + period * np.arange(pairings)
    network = Network("pairing")
    network.add_population("post", "lif_delta", n, {"t_ref": 1.0})
    for name, at in (("pre", starts[:, None] + 0.0 * lags), ("drive", starts[:, None] + lags - 1.0)):
        given = {"times": at.ravel(), "indices": np.tile(np.arange(n), pairings)}
        network.add_input(name, "spike_train", n, given)
    params = {"tau_plus": TAU_PLUS, "tau_minus": TAU_MINUS, "a_plus": A_PLUS, "a_minus": A_MINUS}
    plastic = {"rule": "pair_stdp", "params": params, "w_min": -10.0, "w_max": 10.0}
    network.connect("pre", "post", "one_to_one", weight=0.0, delay=delay, plasticity=plastic, name="learnt")
    network.connect("drive", "post", "one_to_one", weight=25.0, delay=1.0)
    simulation = Simulation(network, resolution=resolution)
    simulation.run(starts[-1] + 400.0)
    assert simulation.spikes("post")[0].size == n * pairings
    return simulation.weights("learnt")


@BOTH
@pytest.mark.parametrize("delay", [0.5, 7.5])
@pytest.mark.parametrize(("pairings", "period"), [(1, 1.0), (60, 250.0)])
def test_pair_stdp_reproduces_its_window(resolution, delay, pairings, period):
    """All pairs count: the change is the sum of the window over every lag between a pre- and a postsynaptic spike."""
    lags = np.arange(-60.0, 60.5, 0.5)
    far = period * np.subtract.outer(np.arange(pairings), np.arange(pairings))
    expected = window(lags[:, None, None] + delay + far).sum(axis=(1, 2))
    found = paired(lags, resolution, delay, pairings, period)
    # a float32 weight is rounded at each of the hooks, to 2^-25 of itself
    assert found == pytest.approx(expected, abs=2.0**-25 * 2 * pairings * np.abs(expected).max())
    assert found[lags == -delay].tolist() == [pytest.approx(window(delay + far - delay).sum(), abs=1e-7)]
    assert found.max() == pytest.approx(pairings * A_PLUS, rel=0.05)


# -- stdp_derivative ------------------------------------------------------------------------------------------------

TAU_FAST, TAU_SLOW, ETA = 10.0, 100.0, 0.01
LAG = 2.0  # ms from an input's spike to the time at which the synapse sees the spike that it sets off
WARM = 800.0  # ms until the traces have forgotten their beginning


def drifts(rates, times, r_pre, n, seconds):
    """Changes of weight during the `seconds` after WARM for n synapses of each presynaptic rate: float[rates, n].

    Pre: Poisson, r_pre (Hz) each. Post: cells that copy an inhomogeneous Poisson process of `rates` (Hz) from `times`
    (ms) on. Exact mode, where no two spikes coincide.
    """
    size = n * len(r_pre)
    network = Network("derivative")
    network.add_population("post", "lif_delta", size, {"t_ref": 0.0})
    network.add_input("pre", "poisson", size, {"rate": np.repeat(r_pre, n)})
    network.add_input("drive", "poisson", size, {"rates": rates, "times": times})
    params = {"tau_fast": TAU_FAST, "tau_slow": TAU_SLOW, "eta": ETA}
    plastic = {"rule": "stdp_derivative", "params": params, "w_min": -5.0, "w_max": 5.0}
    network.connect("pre", "post", "one_to_one", weight=0.0, delay=1.0, plasticity=plastic, name="learnt")
    network.connect("drive", "post", "one_to_one", weight=50.0, delay=1.0)
    network.record("post", "spikes", indices=[])
    simulation = Simulation(network, resolution="exact", seed=11)
    simulation.run(WARM)
    before = simulation.weights("learnt").astype(float)
    # what a synapse weighs is delivered: keep it from making its target fire
    assert np.abs(before).max() < 5.0
    simulation.run(1e3 * seconds)
    return (simulation.weights("learnt") - before).reshape(len(r_pre), n)


def variance(r_pre, r_post, r_ends, mean_square, T):
    """Predicted variance of one synapse's change over T ms, in units of ETA^2; rates in 1/ms.

    The change is ETA times the sum of D = fast/tau_fast - slow/tau_slow over presynaptic spikes. Given D these are
    Poisson, so Var = r_pre int E[D^2] dt + r_pre^2 Var(int D dt). D is shot noise of the kernel
    k(u) = exp(-u/tau_fast)/tau_fast - exp(-u/tau_slow)/tau_slow with variance r_post int k^2 du, where
    int k^2 = 1/(2 tau_fast) + 1/(2 tau_slow) - 2/(tau_fast + tau_slow). As k has no area, only postsynaptic spikes
    near an end of the time matter to int D dt: one at a distance x before it contributes q(x) = exp(-x/tau_slow) -
    exp(-x/tau_fast), hence Var(int D dt) = (r_post at the start + r_post at the end) int q^2, with
    int q^2 = tau_slow/2 + tau_fast/2 - 2 tau_slow tau_fast/(tau_slow + tau_fast).
    """
    k2 = 0.5 / TAU_FAST + 0.5 / TAU_SLOW - 2.0 / (TAU_FAST + TAU_SLOW)
    q2 = 0.5 * TAU_SLOW + 0.5 * TAU_FAST - 2.0 * TAU_SLOW * TAU_FAST / (TAU_SLOW + TAU_FAST)
    return r_pre * T * (r_post * k2 + mean_square) + r_pre**2 * sum(r_ends) * q2


@pytest.mark.parametrize(("begin", "end"), [(5.0, 65.0), (65.0, 5.0)], ids=["rising", "falling"])
def test_stdp_derivative_is_presynaptic_rate_times_slope_of_postsynaptic_rate(begin, end):
    """dw/dt = eta r_pre (tau_slow - tau_fast) dr_post/dt, for four presynaptic rates and a ramp up or down.

    The slope of the measured change over the predicted one, weighted by the predicted noise, must be 1 within four
    predicted standard errors, which are themselves below 10 %; so must each rate's own be within four of its own.
    Where the ramp begins, D approaches its value: tau (1 - exp(-x/tau)) for tau, x ms from there.
    """
    T, n, r_pre = 1000.0, 1500, np.array([10.0, 20.0, 40.0, 80.0])
    steps = np.arange(0.0, T, 5.0)
    rates = [begin, *(begin + (end - begin) * (steps + 2.5) / T)]
    found = drifts(rates, [0.0, *(WARM + steps)], r_pre, n, T / 1e3)
    slope = (end - begin) / 1e3 / T  # 1/ms^2
    x = T - LAG
    settled = (TAU_SLOW - TAU_FAST) * x
    approach = TAU_SLOW**2 * -math.expm1(-x / TAU_SLOW) - TAU_FAST**2 * -math.expm1(-x / TAU_FAST)
    expected = ETA * r_pre / 1e3 * slope * (settled - approach)
    assert abs(approach) < 0.12 * settled
    square = (slope * (TAU_SLOW - TAU_FAST)) ** 2
    noise = ETA * np.sqrt(variance(r_pre / 1e3, 0.5e-3 * (begin + end), (1e-3 * begin, 1e-3 * end), square, T) / n)
    mean = found.mean(axis=1)
    assert np.all(np.abs(mean - expected) < 4.0 * noise)
    weight = expected / noise**2
    fitted, error = (weight * mean).sum() / (weight * expected).sum(), 1.0 / math.sqrt((weight * expected).sum())
    assert abs(fitted - 1.0) < 4.0 * error
    assert 4.0 * error < 0.1
    assert found.std(axis=1) / math.sqrt(n) == pytest.approx(noise, rel=0.1)


def test_stdp_derivative_leaves_weights_alone_at_constant_rates():
    """No drift within four predicted standard errors at any presynaptic rate, and the noise is that predicted."""
    T, n, r_pre, r_post = 1000.0, 2000, np.array([5.0, 10.0, 20.0, 40.0, 80.0]), 0.02
    found = drifts([1e3 * r_post], [0.0], r_pre, n, T / 1e3)
    noise = ETA * np.sqrt(variance(r_pre / 1e3, r_post, (r_post, r_post), 0.0, T))
    assert found.std(axis=1) == pytest.approx(noise, rel=0.1)
    assert np.all(np.abs(found.mean(axis=1)) < 4.0 * noise / math.sqrt(n))
    # far below what the same rates would do in a second if the kernel had an area of 1
    assert np.all(4.0 * noise / math.sqrt(n) < 0.25 * ETA * r_pre / 1e3 * r_post * T)


# -- rules of a cycle -----------------------------------------------------------------------------------------------

RATE = 2.0**-6  # learning rate: every number of the cycle is dyadic and exact
IMAGE = np.array([3.0, 2.0])  # spikes of the image's volley
UP = np.array([[0.25, 0.5], [0.125, 0.25]])  # image to low
TOP_UP, DOWN = np.array([0.25, 0.125]), np.array([0.25, 0.125])  # low to high, high to low


def cycle(rule):
    """One cycle of image, low (two cells) and high (one cell), done by hand below."""
    network = Network("cycle")
    network.add_input("image", "pattern_volley", 2, {"patterns": [IMAGE], "order": [0], "kappa": 1.0, "start": 1.0})
    network.add_input("teacher", "spike_train", 1, {"times": [7.0]})
    network.add_input("pacemaker", "spike_train", 1, {"times": [1.0]})
    network.add_population("low", "rhythmic", 2, {"kappa": 2.0, "cap": 4.0, "gamma": 2.0, "tau_mean": 4.0})
    network.add_population("high", "rhythmic", 1, {"kappa": 4.0, "cap": 4.0, "gamma": 1.0, "tau_mean": 4.0})
    for name, phases in (("low", (1.0, 3.0, 6.0, 9.0)), ("high", (1.0, 5.0, 6.0, 7.0))):
        for receptor, delay in zip(("start", "release", "latch", "nudge"), phases):
            network.connect("pacemaker", name, delay=delay, receptor=receptor, name=f"{receptor}_{name}")
    network.add_signal("learn", times=[11.0], values=[0.5], delay=1.0)
    network.connect("teacher", "high", weight=0.5, delay=1.0, receptor="apical")
    learns = {"params": {"eta": RATE}, "signals": ["learn"]}
    up = {"rule": "recirculation", **learns}
    network.connect("image", "low", weight=UP, delay=2.0, receptor="basal", plasticity=up, name="up")
    network.connect("low", "high", weight=TOP_UP, delay=1.0, receptor="basal", plasticity=up, name="top_up")
    down = {"rule": rule, **learns}
    network.connect("high", "low", weight=DOWN, delay=1.0, receptor="apical", plasticity=down, name="down")
    return network


@BOTH
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("rule", ["mirror", "wake", "wake_clamped", "wake_sleep"])
def test_rules_of_a_cycle_by_hand(resolution, rule, seed):
    """low: z = (1, 2), n = (2, 4), a_free = (1, 1/2); high: z = 1, n = 4, taught by 1/2: z' = 3/2, n' = 6.

    Then a = (3/2, 3/4), z' = (2, 5/2), n' = (4, 5). All means of counts are whole, so chance rounds nothing.
    """
    simulation = Simulation(cycle(rule), resolution=resolution, seed=seed)
    simulation.run(11.5)
    read = {name: simulation.state("low", name).tolist() for name in ("n_free", "n_nudged", "change", "a_free")}
    assert read == {"n_free": [2.0, 4.0], "n_nudged": [4.0, 5.0], "change": [2.0, 1.0], "a_free": [1.0, 0.5]}
    assert [simulation.state("high", name)[0] for name in ("n_free", "n_nudged", "change")] == [4.0, 6.0, 2.0]
    assert simulation.state("low", "n_mean").tolist() == [0.5, 1.0]
    assert simulation.weights("up").tolist() == UP.ravel().tolist()
    simulation.run(1.0)
    low, change = np.array([2.0, 4.0]), np.array([2.0, 1.0])
    assert simulation.weights("up").tolist() == (UP + RATE * 0.5 * np.outer(IMAGE, change)).ravel().tolist()
    assert simulation.weights("top_up").tolist() == (TOP_UP + RATE * 0.5 * low * 2.0).tolist()
    missed = (low - [0.5, 1.0]) - (np.array([1.0, 0.5]) - [0.25, 0.125])
    learnt = {
        "mirror": 2.0 * low, "wake": 4.0 * missed, "wake_clamped": 6.0 * missed, "wake_sleep": 6.0 * change,
    }[rule]  # fmt: skip
    assert simulation.weights("down").tolist() == (DOWN + RATE * 0.5 * learnt).tolist()


@BOTH
def test_a_rule_that_promises_to_leave_zeros_alone_keeps_its_promise(resolution):
    """Cells that were silent, or did not change, learn nothing, densely and sparsely connected alike."""
    learnt = []
    for sparse in (False, True):
        network = cycle("mirror")
        network.graph.nodes["image"]["params"]["patterns"] = [[3.0, 0.0]]
        if sparse:
            ends = {"rule": "explicit", "sources": [1, 0, 0, 1], "targets": [1, 0, 1, 0]}
            data = next(data for _, _, data in network.projections if data.get("name") == "up")
            data |= {**ends, "weight": UP[ends["sources"], ends["targets"]]}
        simulation = Simulation(network, resolution=resolution)
        simulation.run(12.5)
        table = simulation.synapses("up")
        learnt.append({(s, t): float(w) for s, t, w in zip(table["source"], table["target"], table["weight"])})
        assert simulation.state("low", "change").tolist() != [0.0, 0.0]
        assert [learnt[-1][1, t] for t in (0, 1)] == UP[1].tolist()
        assert learnt[-1][0, 0] != UP[0, 0]
    assert learnt[0] == learnt[1]


# -- contrastive_divergence -----------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("gates", [(1.0, -1.0), (-0.5, 0.0), (0.0, 2.0)])
def test_contrastive_divergence_is_a_symmetric_window_times_the_gate(resolution, gates):
    """Pairs at every lag, under one gate and then another: gate exp(-|lag| / tau), whichever spike came first.

    Nothing is learnt before the first signal, and the window knows no gate: a pair counts by the gate at its second.
    """
    tau, eta, delay = 17.0, 0.01, 1.5
    lags = np.arange(-40.0, 40.5, 0.5)
    starts = np.array([200.0, 1200.0, 2200.0])  # before any signal; under the first gate; under the second
    network = Network("pairing")
    network.add_population("post", "lif_delta", lags.size, {"t_ref": 1.0})
    for name, at in (("pre", starts[:, None] + 0.0 * lags), ("drive", starts[:, None] + lags - 1.0)):
        given = {"times": at.ravel(), "indices": np.tile(np.arange(lags.size), starts.size)}
        network.add_input(name, "spike_train", lags.size, given)
    plastic = {"rule": "contrastive_divergence", "params": {"tau": tau, "eta": eta}, "signals": ["gate"]}
    plastic |= {"w_min": -1.0, "w_max": 1.0}
    network.connect("pre", "post", "one_to_one", weight=0.0, delay=delay, plasticity=plastic, name="learnt")
    network.connect("drive", "post", "one_to_one", weight=25.0, delay=1.0)
    network.add_signal("gate", times=[1000.0, 2000.0], values=list(gates))
    simulation = Simulation(network, resolution=resolution)
    expected = np.zeros(lags.size)
    window = np.where(lags + delay == 0.0, 0.0, np.exp(-np.abs(lags + delay) / tau))
    for end, gate in zip((900.0, 1900.0, 2900.0), (0.0, *gates)):
        simulation.run(end - simulation.time)
        expected += eta * gate * window
        assert simulation.weights("learnt") == pytest.approx(expected, abs=1e-8)

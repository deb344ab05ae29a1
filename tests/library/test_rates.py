"""Rules that seek a rate or a direction: inhibitory_stdp, synaptic_scaling, van_rossum_stdp, bcm and oja at work."""

from __future__ import annotations

import numpy as np
import pytest

from library.same_spikes import learnt, network_of
from neuromorph import Network, Simulation

# -- inhibitory_stdp ------------------------------------------------------------------------------------------------


def test_inhibition_brings_targets_to_their_rate():
    """Vogels et al. 2011: whatever drives a cell, it comes to fire at rho_0 (5 Hz here; 20 cells, 20 s, 10 %).

    Weights are below 0 in lif_exp, and eta with them.
    """
    network = Network("feed-forward")
    network.add_population("post", "lif_exp", 20)
    network.add_input("drive", "poisson", 20, {"rate": np.linspace(6e3, 9e3, 20)})
    network.add_input("inhibition", "poisson", 100, {"rate": 20.0})
    network.connect("drive", "post", "one_to_one", weight=40.0, delay=1.0)
    plastic = {"rule": "inhibitory_stdp", "params": {"eta": -2.0, "rho_0": 5.0}}
    network.connect("inhibition", "post", "all_to_all", weight=-1.0, delay=1.0, plasticity=plastic, name="learnt")
    simulation = Simulation(network, resolution=0.5, seed=2)
    simulation.run(30_000.0)
    times, cells = simulation.spikes("post")
    first = np.bincount(cells[times <= 1e3], minlength=20) / 1.0
    rates = np.bincount(cells[times > 1e4], minlength=20) / 20.0
    assert first.min() > 15.0
    assert rates.mean() == pytest.approx(5.0, rel=0.1)
    assert np.ptp(rates) < 2.5


# -- synaptic_scaling -----------------------------------------------------------------------------------------------


def test_scaling_is_the_sum_of_its_steps():
    """Against a sum over all earlier spikes at each signal, weights in float32."""
    random = np.random.default_rng(1)
    post = [np.unique(random.integers(1, 30_000, 400)).astype(float) for _ in range(3)]
    params = {"tau": 3000.0, "goal": 10.0, "beta": 4e-3, "gamma": 1e-3}
    plastic = {"rule": "synaptic_scaling", "params": params, "signals": ["clock"], "w_max": 10.0}
    network = network_of([[5.0]] * 3, post, 1.0, [0.5, 1.0, 0.25], plastic)
    signals = np.arange(500.0, 30_000.0, 500.0)
    network.add_signal("clock", times=signals - 1.0, values=[0.5] * signals.size, delay=1.0)
    found = learnt(network, [30_000.0], 1.0)[0]
    w, integral = np.array([0.5, 1.0, 0.25]), np.zeros(3)
    for now in signals:
        rate = np.array(
            [1e3 / 3000.0 * sum(np.exp((t + 1.0 - now) / 3000.0) for t in s if t + 1.0 < now) for s in post]
        )
        integral += 0.5 * (10.0 - rate)
        w *= 1.0 + 0.5 * (4e-3 * (10.0 - rate) + 1e-3 * integral)
    assert np.abs(found / [0.5, 1.0, 0.25] - 1.0).min() > 0.01
    assert found == pytest.approx(w, rel=3e-6)


def test_scaling_brings_cells_to_their_goal_and_keeps_ratios():
    """Turrigiano et al. 1998: cells that get too much or too little come to fire at the goal, weights by one factor."""
    network = Network("scaled")
    network.add_population("post", "lif_exp", 6)
    network.add_input("pre", "poisson", 100, {"rate": 40.0})
    start = np.linspace(0.5, 1.5, 100)[:, None] * np.array([20.0, 40.0, 60.0, 80.0, 100.0, 120.0])
    params = {"tau": 1000.0, "goal": 10.0, "beta": 0.02, "gamma": 0.0}
    plastic = {"rule": "synaptic_scaling", "params": params, "signals": ["clock"], "w_max": 1e4}
    network.connect("pre", "post", "all_to_all", weight=start, delay=1.0, plasticity=plastic, name="learnt")
    network.add_signal("clock", start=200.0, interval=200.0, count=300, first=0.2, last=0.2, delay=1.0)
    simulation = Simulation(network, resolution=0.5, seed=5)
    simulation.run(60_000.0)
    times, cells = simulation.spikes("post")
    rates = np.bincount(cells[times > 30_000.0], minlength=6) / 30.0
    before = np.bincount(cells[times < 500.0], minlength=6) / 0.5
    assert before.min() < 1.0
    assert before.max() > 40.0
    assert rates == pytest.approx(np.full(6, 10.0), rel=0.05)
    factors = simulation.weights("learnt").reshape(100, 6) / start
    assert np.ptp(factors, axis=0).max() < 3e-5 * factors.max()


# -- van_rossum_stdp ------------------------------------------------------------------------------------------------


def test_weights_form_one_hump_at_its_predicted_place_and_width():
    """Mean c_plus tau_plus / (c_minus tau_minus); variance by the linear noise of pairs and of the rule.

    Between unrelated trains of rates r, with one tau and w0 the mean: drift -c_minus tau r^2 (w - w0); pairs add
    variance at r^2 c_plus^2 tau, as their window has no area at w0; the rule's noise adds it at
    2 sigma^2 w^2 r^2 tau (1/2 + r tau). With k = sigma^2 (1/2 + r tau) / c_minus the variance over w0^2 is
    (c_minus/2 + k) / (1 - k).
    """
    r, tau, c, sigma, n, w0 = 0.02, 20.0, 0.02, 0.02, 600, 0.5
    network = Network("one hump")
    network.add_population("post", "lif_delta", n, {"t_ref": 0.0, "V_th": 1000.0})
    network.add_input("pre", "poisson", n, {"rate": 1e3 * r})
    network.add_input("drive", "poisson", n, {"rate": 1e3 * r})
    params = {"c_plus": c * w0, "c_minus": c, "sigma": sigma}
    plastic = {"rule": "van_rossum_stdp", "params": params}
    start = np.where(np.arange(n) % 2, 0.2, 0.8)
    network.connect("pre", "post", "one_to_one", weight=start, delay=0.5, plasticity=plastic, name="learnt")
    network.connect("drive", "post", "one_to_one", weight=2000.0, delay=1.0)
    network.record("post", "spikes", indices=[])
    found = learnt(network, np.arange(40_000.0, 100_001.0, 10_000.0).tolist(), 0.5)
    k = sigma**2 * (0.5 + r * tau) / c
    predicted = w0 * np.sqrt((0.5 * c + k) / (1.0 - k))
    assert found.mean() == pytest.approx(w0, rel=0.02)
    assert found.std() == pytest.approx(predicted, rel=0.1)
    assert found[:, ::2].mean() == pytest.approx(found[:, 1::2].mean(), rel=0.05)  # where it began is forgotten


# -- bcm ------------------------------------------------------------------------------------------------------------


def test_bcm_drifts_as_its_equation_says():
    """dw/dt = eta rho_pre rho_post (rho_post - theta) for unrelated Poisson trains, below, at and above the threshold.

    The running rates y (tau) and m (tau_theta) of a Poisson train have the cumulants <m m> = rho / (2 tau_theta),
    <m y> = rho / (tau + tau_theta), <m m y> = rho / (tau_theta (2 tau + tau_theta)); the depression is
    eta rho_pre <m^2 y> / rho_0.
    """
    n, pre, rho_0, tau, tau_theta, seconds = 600, 20.0, 20.0, 0.02, 2.0, 4.0
    rates = np.array([8.0, 14.0, 20.0, 30.0])
    network = Network("drift")
    network.add_population("post", "lif_delta", 4 * n, {"t_ref": 0.0, "V_th": 1000.0})
    network.add_input("pre", "poisson", 4 * n, {"rate": pre})
    network.add_input("drive", "poisson", 4 * n, {"rate": np.repeat(rates, n)})
    params = {"tau": 1e3 * tau, "tau_theta": 1e3 * tau_theta, "eta": 1e-6, "rho_0": rho_0}
    plastic = {"rule": "bcm", "params": params, "w_min": -10.0, "w_max": 10.0}
    network.connect("pre", "post", "one_to_one", weight=0.0, delay=0.5, plasticity=plastic, name="learnt")
    network.connect("drive", "post", "one_to_one", weight=2000.0, delay=1.0)
    network.record("post", "spikes", indices=[])
    before, after = learnt(network, [12_000.0, 12_000.0 + 1e3 * seconds], 0.5)
    change = (after - before).reshape(4, n)
    rho = -np.expm1(-rates * 5e-4) / 5e-4  # a cell spikes once a tick of 0.5 ms at most
    squares = rho**2 + rho / (2.0 * tau_theta)
    depression = rho * squares + 2.0 * rho**2 / (tau + tau_theta) + rho / (tau_theta * (2.0 * tau + tau_theta))
    expected = 1e-6 * pre * (rho**2 - depression / rho_0) * seconds
    error = change.std(axis=1) / np.sqrt(n)
    assert np.all(np.abs(change.mean(axis=1) - expected) < 4.0 * error)
    assert np.all(expected[:2] > 4.0 * error[:2])
    assert expected[3] < -4.0 * error[3]


def test_bcm_makes_cells_selective():
    """Bienenstock et al. 1982: of two patterns each cell comes to answer one, and to answer it at its own rate.

    Where the silent half is at its bound, c1 answers the preferred pattern and c2 = c1 r the other, by the input that
    they share (r = 5/40). There c1 is theta = (c1 + c2)^2 / (4 rho_0), or c1 - 1 / (2 tau) is, as these cells, which
    count, fire regularly.
    """
    network = Network("selective")
    blocks = np.array([[0, 1], [1, 0]])[np.random.default_rng(7).integers(0, 2, 400)].ravel()  # half of each
    network.add_population("post", "lif_delta", 12, {"tau_m": 1e6, "t_ref": 0.0})
    random = np.random.default_rng(8)
    favoured = random.permutation(12) % 2
    each = np.where(np.arange(2)[:, None] == favoured, random.uniform(0.22, 0.3, 12), random.uniform(0.16, 0.2, 12))
    start = np.ones((2, 30, 12)) * each[:, None, :]
    for k, name in enumerate(("first", "second")):
        rates = np.where(blocks == k, 40.0, 5.0)
        network.add_input(name, "poisson", 30, {"rates": rates, "times": 500.0 * np.arange(blocks.size)})
        params = {"tau": 100.0, "tau_theta": 8000.0, "eta": 6e-7, "rho_0": 20.0}
        plastic = {"rule": "bcm", "params": params, "w_max": 3.0}
        network.connect(name, "post", "all_to_all", weight=start[k], delay=1.0, plasticity=plastic, name=f"{name}_w")
    simulation = Simulation(network, resolution=0.5, seed=1)
    simulation.run(400_000.0)
    times, cells = simulation.spikes("post")
    late = times > 300_000.0
    shown = blocks[np.minimum((times / 500.0).astype(int), blocks.size - 1)]
    answers = np.zeros((2, 12))
    for k in (0, 1):
        shows = 0.5 * np.sum(blocks[600:] == k)
        answers[k] = np.bincount(cells[late & (shown == k)], minlength=12) / shows
    assert answers.argmax(axis=0).tolist() == favoured.tolist()  # what began stronger; six cells favour each
    assert np.all(answers.max(axis=0) > 5.0 * answers.min(axis=0))
    expected = np.roots([(1.0 + 5.0 / 40.0) ** 2 / (4.0 * 20.0), -1.0, 1.0 / (2.0 * 0.1)]).max()
    assert answers.max(axis=0).mean() == pytest.approx(expected, rel=0.2)


# -- oja ------------------------------------------------------------------------------------------------------------


def test_oja_finds_the_leading_component_and_its_norm():
    """A cell that counts its charge, rho = w . rho_pre / 15 mV, at 30 inputs whose rates two patterns set.

    Oja 1982: the direction is that of the leading eigenvector of the rates' second moments, and |w|^2 = 15 mV / alpha.
    Rates over the past tau lag behind: patterns of length T count 1 - tau/T (1 - exp(-T/tau)) of their covariance; a
    presynaptic spike that fires the cell meets its own trace, which adds rho / tau on the diagonal; and a cell that
    counts fires regularly, so that its rate before a spike is 1 / (2 tau) below the mean.
    """
    tau, T, alpha, blocks = 0.4, 2.0, 1.0, np.random.default_rng(3).choice(2, 250, p=[0.7, 0.3])
    patterns = np.array([[40.0, 4.0, 10.0], [4.0, 40.0, 10.0]])
    network = Network("components")
    network.add_population("post", "lif_delta", 6, {"tau_m": 1e9, "t_ref": 0.0})
    for k in range(3):
        given = {"rates": patterns[blocks, k], "times": 1e3 * T * np.arange(blocks.size)}
        network.add_input(f"in{k}", "poisson", 10, given)
        plastic = {"rule": "oja", "params": {"tau": 1e3 * tau, "eta": 2e-5, "alpha": alpha}, "w_max": 5.0}
        network.connect(f"in{k}", "post", "all_to_all", weight=0.3, delay=1.0, plasticity=plastic, name=f"w{k}")
    simulation, found = Simulation(network, resolution=0.5, seed=4), []
    for _ in range(100):
        simulation.run(5000.0)
        found.append([simulation.weights(f"w{k}").astype(float).reshape(10, 6).mean(axis=0) for k in range(3)])
    w = np.mean(found[-60:], axis=(0, 2))
    rates = patterns[blocks[100:]]
    mean = rates.mean(axis=0)
    kept = 1.0 - tau / T * (1.0 - np.exp(-T / tau))
    moments = np.outer(mean, mean) + kept * np.cov(rates.T, bias=True)
    leading = np.linalg.eigh(10.0 * moments + np.diag(mean) / tau)[1][:, -1]
    leading *= np.sign(leading[0])
    found_norm = np.sqrt(10.0 * (w @ w))
    post = mean @ w * 10.0 / 15.0
    squares = 10.0 / 15.0**2 * 10.0 * (w @ moments @ w)  # of the target's rate
    predicted = np.sqrt(15.0 / alpha * squares / (squares - post / (2.0 * tau)))
    assert w @ leading / np.linalg.norm(w) > 0.999
    assert found_norm == pytest.approx(predicted, rel=0.05)

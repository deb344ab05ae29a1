"""Pre-training without labels: every weight change accounted for, and layers reconstructed better and better."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import comparison
import oracle
from neuromorph import Simulation
from neuromorph.tasks import autoencoder, images, layered
from neuromorph.tasks.autoencoder import Pretraining, Stack, pretrain
from neuromorph.tasks.settings import defaults
from neuromorph.tasks.train import Training


@pytest.fixture(scope="module")
def digits() -> images.Images:
    pytest.importorskip("sklearn", reason="the extra `learn` is not installed")
    return images.digits()


def given(layer: int, pixels: int, hidden: tuple[int, ...]) -> Stack:
    """Weights of a layer that the next one stands on."""
    if layer == 1:
        return Stack()
    random = np.random.default_rng(3)
    weights = (0.02 * random.standard_normal(pixels * hidden[0])).astype(np.float32)
    return Stack({"image_hidden1": weights, "bias_hidden1": np.full(hidden[0], 0.1, np.float32)})


@pytest.mark.parametrize("layer", [1, 2])
def test_recorded_spikes_reproduce_every_weight_change(digits: images.Images, layer: int) -> None:
    """The oracle is fed the spikes of the inputs in three cycles and must arrive at every weight."""
    settings = replace(defaults("digits", "fixed"), hidden=(20, 15))
    pretraining = Pretraining(eta=4e-3, eta_top_down=4e-3)  # rates at which a wrong change shows
    order = np.array([3, 7, 9])
    network = autoencoder.network(digits, settings, pretraining, layer, given(layer, 64, settings.hidden), order)
    network.graph.graph["record"] = []
    for name in network.populations:
        network.record(name, "spikes")
    duration = autoencoder.FIRST + 3 * autoencoder.cycle(layer)
    simulation = Simulation(network)
    before = {p.name: simulation.weights(p.name) for p in simulation.network.projections}
    simulation.run(duration)
    simulation._take_spikes()
    expected = oracle.simulate(comparison.for_oracle(simulation, duration))
    assert comparison.engine_spikes(simulation) == [tuple(s) for s in expected["spike_ticks"]]
    for name in ("code_echo", "echo_code", "bias_code", "bias_echo", f"{'image' if layer == 1 else 'hidden1'}_code"):
        after = simulation.weights(name)
        np.testing.assert_array_equal(after, np.array(expected["weights"][name], np.float32))
        assert np.any(after != before[name]), name


@pytest.mark.parametrize("layer", [1, 2])
def test_a_cycle_does_what_its_equations_say(digits: images.Images, layer: int) -> None:
    """Echo: the source's counts above rest, nudged by what the reconstruction lacks; code: nudged by that change."""
    settings = replace(defaults("digits", "fixed"), hidden=(20, 15))
    p = Pretraining(gamma=0.7, blend=0.5)
    network = autoencoder.network(digits, settings, p, layer, given(layer, 64, settings.hidden), np.array([3, 7]))
    simulation = Simulation(network)
    weights = {q.name: simulation.weights(q.name).astype(float) for q in simulation.network.projections}
    simulation.run(autoencoder.cycle(layer))  # the signal comes last of its instant: `weights` are those before it

    def read(population: str, variable: str) -> np.ndarray:
        if population == "image":
            return simulation.sources["image"].register("n_free").copy()
        return simulation.state(population, variable)

    below = "image" if layer == 1 else "hidden1"
    source, code = read(below, "n_free"), read("code", "n_free")
    n, m = source.size, code.size
    np.testing.assert_array_equal(read("echo", "n_free"), source + 8.0 * p.rest)
    up = source @ weights[f"{below}_code"].reshape(n, m) + weights["bias_code"]
    np.testing.assert_allclose(read("code", "z"), up, atol=1e-12)
    reconstruction = code @ weights["code_echo"].reshape(m, n) + weights["bias_echo"]
    np.testing.assert_allclose(read("echo", "a_free"), reconstruction, atol=1e-12)
    z = source / 8.0 + p.rest
    room = np.minimum(z, 1.0 + 2.0 * p.rest - z)
    moved = z + np.clip(0.5 / 8.0 * (source - reconstruction), -room, room)
    np.testing.assert_allclose(read("echo", "n_nudged"), np.floor(8.0 * moved + read("echo", "u")))
    change = read("echo", "change") @ weights["echo_code"].reshape(n, m)
    room = np.clip(np.minimum(up, 1.0 - up), 0.0, None)
    moved = np.clip(up + np.clip(0.7 * change, -room, room), 0.0, 1.0)
    np.testing.assert_array_equal(read("code", "n_nudged"), np.floor(8.0 * moved + read("code", "u")))


def test_layers_are_reconstructed_better_and_better(digits: images.Images) -> None:
    """A code that learns misses less of each layer than one of random weights whose top-down synapses alone learn."""
    settings = replace(defaults("digits", "fixed"), hidden=(60, 40))
    learnt, random = (pretrain(digits, settings, Pretraining(epochs=3, eta=eta)) for eta in (2e-5, 0.0))
    for layer in ("hidden1", "hidden2"):
        assert learnt.errors[layer][0] > learnt.errors[layer][1] > learnt.errors[layer][2]
        assert learnt.errors[layer][2] < 0.75 * random.errors[layer][2]
    assert learnt.errors["hidden1"][2] < 0.2


def test_both_ways_of_the_loop_grow_alike(digits: images.Images) -> None:
    settings = replace(defaults("digits", "fixed"), hidden=(60,))
    simulation = Simulation(autoencoder.network(digits, settings, Pretraining(), 1, Stack(), np.arange(1437)))

    def cosine() -> float:
        down, up = simulation.weights("code_echo").reshape(60, 64), simulation.weights("echo_code").reshape(64, 60)
        return float((down.T * up).sum() / np.linalg.norm(down) / np.linalg.norm(up))

    assert abs(cosine()) < 0.1
    simulation.run(simulation.asked_duration)
    assert cosine() > 0.9


@pytest.mark.parametrize("top_down", ["wake", "transpose"])
def test_training_begins_with_the_weights_found(digits: images.Images, top_down: str) -> None:
    settings = replace(defaults("digits", top_down), hidden=(20, 15), epochs=1, passes=1)
    stack = pretrain(digits, settings, Pretraining(epochs=1))
    assert sorted(stack.weights) == ["bias_hidden1", "bias_hidden2", "hidden1_hidden2", "image_hidden1"]
    training = Training(digits, settings, stack)
    simulation = Simulation(training.network)
    for name, weights in stack.weights.items():
        np.testing.assert_array_equal(simulation.weights(name), weights)
    if top_down == "transpose":
        weights = {p.name: simulation.weights(p.name) for p in simulation.network.projections}
        down = weights["hidden2_hidden1"].reshape(15, 20) / 2.0  # mirror's rate is twice that of recirculation
        np.testing.assert_array_equal(down.T.ravel(), stack.weights["hidden1_hidden2"])
    assert training.run().reconstruction == stack.errors


def test_training_networks_of_drawn_weights_are_what_they_were(digits: images.Images) -> None:
    settings = replace(defaults("digits", "wake"), hidden=(20, 15))
    drawn, none = (layered.training_network(digits, settings, np.arange(3), initial) for initial in (None, {}))
    for name in ("image_hidden1", "bias_readout"):
        np.testing.assert_array_equal(Simulation(drawn).weights(name), Simulation(none).weights(name))

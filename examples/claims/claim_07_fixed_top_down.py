"""Claim 7: symmetric weights are not needed: fixed random top-down weights work, and bottom-up ones come to fit them.

A network 64-100-100-10 learns the scanned digits with top-down weights B that are drawn at random and never change.
After each epoch we look at the test errors and at how bottom-up weights W stand to B:
 - alignment: the cosine between W and the transpose of B (0 where they have nothing to do with one another; the error
   that B sends down points downhill where it is above 0);
 - pseudo-inverse near the data: what W and the pseudo-inverse of B make of the activities H of the topmost hidden
   layer that test images evoke (counted spikes, about their means): the cosine between H W and H pinv(B). The same
   cosine with another random matrix in place of B, which W never met, says what chance would give.
Lillicrap, Cownden, Tweed & Akerman 2016, doi:10.1038/ncomms13276.
"""

from dataclasses import replace

import numpy as np

from neuromorph import Simulation
from neuromorph.tasks import images, layered
from neuromorph.tasks.settings import defaults
from neuromorph.tasks.train import Training, alignment


def activities(digits, settings, weights, count):
    """Spikes of the topmost hidden layer for the first test images: array[image, cell]."""
    network = layered.testing_network(digits.test[:count], digits.brightest, replace(settings, passes=1), weights)
    simulation, period = Simulation(network), layered.cycle(settings, training=False)
    simulation.run(layered.FIRST + period - 1.0)  # after its volley, before the next cycle
    rows = []
    for _ in range(count):
        rows.append(simulation.state("hidden2", "n_free"))
        simulation.run(period)
    return np.array(rows)


def fit(weights, down, rows):
    """Cosine, over the data, between what W and what the pseudo-inverse of `down` make of the activity."""
    centred = rows - rows.mean(axis=0)
    by_w = centred @ weights["hidden2_readout"].reshape(rows.shape[1], -1)
    by_inverse = centred @ np.linalg.pinv(down)
    return np.sum(by_w * by_inverse) / np.sqrt(np.sum(by_w**2) * np.sum(by_inverse**2))


def measure(seed=1, hidden=100, epochs=4, test_images=200):
    """Test errors, alignment and fit after each epoch; the first entry is before learning."""
    digits = images.digits()
    settings = replace(defaults("digits", "fixed"), hidden=(hidden, hidden), epochs=epochs, passes=2, seed=seed)
    training = Training(digits, settings)
    simulation = Simulation(training.network)
    down = simulation.weights("readout_hidden2").reshape(10, hidden).astype(float)
    other = np.random.default_rng(seed).standard_normal(down.shape)
    errors, top, lower, inverse, chance = [], [], [], [], []
    for epoch in range(epochs + 1):
        if epoch:
            simulation.run(layered.cycle(settings, training=True) * digits.train_labels.size)
        weights = {p.name: simulation.weights(p.name) for p in simulation.network.projections if p.source != "teacher"}
        counts = training.count(weights, settings.passes).sum(axis=1)
        errors.append(np.mean(counts.argmax(axis=1) != digits.test_labels))
        angles = alignment(settings, weights)
        top.append(angles["alignment_readout_hidden2"])
        lower.append(angles["alignment_hidden2_hidden1"])
        rows = activities(digits, settings, weights, test_images)
        inverse.append(fit(weights, down, rows))
        chance.append(fit(weights, other, rows))
    return {
        "test_errors_percent_before": 100 * errors[0], "test_errors_percent_after": 100 * errors[-1],
        "alignment_readout_before": top[0], "alignment_readout_after": top[-1],
        "alignment_hidden_before": lower[0], "alignment_hidden_after": lower[-1],
        "fit_to_pseudo_inverse_before": inverse[0], "fit_to_pseudo_inverse_after": inverse[-1],
        "fit_to_that_of_another_matrix_after": chance[-1],
        "errors": np.array(errors), "alignment_readout": np.array(top), "alignment_hidden": np.array(lower),
        "fit": np.array(inverse), "fit_chance": np.array(chance),
    }  # fmt: skip


def criteria(result):
    """What the claim demands."""
    growth = result["alignment_hidden_after"] - result["alignment_hidden_before"]
    return {
        "it learns: below 10 % test errors (chance: 90 %)": result["test_errors_percent_after"] < 10,
        "alignment at the readout grows above 0.3": result["alignment_readout_after"] > 0.3,
        "alignment between hidden layers grows, by 0.03 or more": growth > 0.03,
        "near the data W becomes like the pseudo-inverse of B: above 0.5": result["fit_to_pseudo_inverse_after"] > 0.5,
    }


def draw(result, axes):
    """Alignment, fit and errors over the epochs."""
    epochs = np.arange(result["errors"].size)
    axes.plot(epochs, result["alignment_readout"], "o-", label="alignment, readout")
    axes.plot(epochs, result["alignment_hidden"], "s-", label="alignment, between hidden layers")
    axes.plot(epochs, result["fit"], "^-", label="fit to the pseudo-inverse near the data")
    axes.plot(epochs, result["fit_chance"], "^:", color="0.7", label="the same with another random matrix")
    axes.plot(epochs, result["errors"], "k--", label="test errors")
    axes.set(xlabel="epochs", ylabel="cosine, fraction of errors", xticks=epochs)
    axes.legend(frameon=False, fontsize=8)


if __name__ == "__main__":
    import sys

    from neuromorph_cli.main import main

    raise SystemExit(main(["claims", "7", *sys.argv[1:]]))

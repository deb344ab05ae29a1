"""Claim 6: the procedure computes the gradient: forward, reconstruct, blend the top, then pre x change of post.

A network 64-100-100-10 is shown scanned digits (`neuromorph.tasks`; docs/learning.md has the phases of a cycle).
(a) Forward pass: a volley travels up. (b) Its top-down echoes reconstruct each level: how well is measured as the
correlation, over cells and images, of what arrives from above with the activity there, both about their means over the
images; top-down weights learn it (`wake`). (c) The readout moves to the target: its change is compared with the error
derivative. (d) Synapses change by presynaptic activity x change of postsynaptic activity: with transposed top-down
weights their changes over many images are compared, layer by layer, with the gradient that back-propagation computes
in numpy with the same weights for the same images (a comparison: what learns are spikes). Nudges are bounded, so that
changes are along the gradient where nudges are small; with the gain that learns fastest the bounds bend them.
"""

from dataclasses import replace

import numpy as np

from neuromorph import Simulation
from neuromorph.tasks import images, layered
from neuromorph.tasks.settings import defaults

PERIOD = 8.0  # ms, of a cycle with two hidden layers


def simulate(digits, top_down, hidden, order, seed, slower=1.0, gentler=1.0):
    """The network that learns, at `slower` times the usual rates, ready to run, and its settings."""
    usual = defaults("digits", top_down)
    rates = {name: slower * getattr(usual, name) for name in ("eta", "eta_readout", "eta_top_down", "eta_top_readout")}
    gains = {name: gentler * getattr(usual, name) for name in ("gamma", "gamma_top")}
    settings = replace(usual, hidden=(hidden, hidden), seed=seed, **rates, **gains)
    network = layered.training_network(digits, settings, order)
    network.graph.graph["record"] = [{"population": "readout", "variable": "spikes", "indices": [0]}]
    return Simulation(network), settings


def shown(simulation, cycles, names):
    """What cells of a layer show at the end of each cycle: {(layer, variable): array[cycle, cell]}."""
    values = {name: [] for name in names}
    for _ in range(cycles):
        simulation.run(PERIOD)
        for name, rows in values.items():
            rows.append(simulation.state(*name))
    return {name: np.array(rows) for name, rows in values.items()}


def reconstruction(simulation, cycles):
    """(b) Correlation of the top-down charge with the activity of both hidden layers."""
    levels = "hidden1", "hidden2"
    found = shown(simulation, cycles, [(level, v) for level in levels for v in ("n_free", "a_free")])
    centred = {name: (rows - rows.mean(axis=0)).ravel() for name, rows in found.items()}
    return [np.corrcoef(centred[level, "n_free"], centred[level, "a_free"])[0, 1] for level in levels]


def gradients(pixels, labels, weights, settings):
    """Back-propagation in the rate network that the spikes stand for: steps of its weights, and target - p."""
    h, kappa = settings.hidden, settings.kappa
    shapes = {"image_hidden1": (-1, h[0]), "hidden1_hidden2": h, "hidden2_readout": (h[1], 10)}
    w = [weights[name].reshape(shape).astype(float) for name, shape in shapes.items()]
    bias = [weights[f"bias_{name.split('_')[1]}"] for name in shapes]
    counts, charges = [settings.kappa_in * pixels / 16.0], []
    for k in range(3):
        charges.append(counts[-1] @ w[k] + bias[k])
        counts.append(kappa * np.clip(charges[-1], 0, settings.cap))
    error = np.eye(10)[labels] - 1 / (1 + np.exp(-charges[2]))
    steps, delta = [], error
    for k in (2, 1, 0):
        steps.insert(0, counts[k].T @ delta)
        if k:
            delta = (delta @ w[k].T) * ((charges[k - 1] > 0) & (charges[k - 1] < settings.cap))
    return dict(zip(shapes, steps)), error


def agreement(digits, hidden, seed, before, examples, passes, gentler):
    """(c), (d) Cosines of the change at the top with its error, and of the changes of weights with the gradient."""
    order = np.random.default_rng(seed).permutation(digits.train_labels.size)
    trained, _ = simulate(digits, "transpose", hidden, order[:before], seed)
    trained.run(layered.FIRST + PERIOD * before)
    start = {p.name: trained.weights(p.name) for p in trained.network.projections}

    # slowly, so that all changes are those of the same weights; often, so that noise averages out
    these = order[before : before + examples]
    learner, settings = simulate(digits, "transpose", hidden, np.tile(these, passes), seed, 0.1 / passes, gentler)
    for name in start:
        learner.set_weights(name, start[name])
    learner.run(layered.FIRST)
    top = shown(learner, examples, [("readout", "change")])["readout", "change"]
    learner.run(PERIOD * examples * (passes - 1))
    true, error = gradients(digits.train[these], digits.train_labels[these], start, settings)
    steps = [_cosine(learner.weights(name) - start[name], step.ravel()) for name, step in true.items()]
    return _cosine(top, error), np.array(steps)


def measure(seed=1, hidden=100, train=1437, before=200, examples=300, passes=10):
    """Reconstruction before and after learning; agreement of the changes with the gradient, layer by layer."""
    digits = images.digits()
    order = np.random.default_rng(seed).permutation(digits.train_labels.size)[:train]
    looks = min(100, train // 2)
    wake, _ = simulate(digits, "wake", hidden, order, seed)
    wake.run(layered.FIRST)
    early = reconstruction(wake, looks)
    wake.run(PERIOD * (train - 2 * looks))
    late = reconstruction(wake, looks)

    top, gentle = agreement(digits, hidden, seed, before, examples, passes, gentler=0.2)
    _, usual = agreement(digits, hidden, seed, before, examples, passes, gentler=1.0)
    layers = "image_hidden1", "hidden1_hidden2", "hidden2_readout"
    return {
        "reconstruction_of_hidden1_before": early[0], "reconstruction_of_hidden1_after": late[0],
        "reconstruction_of_hidden2_before": early[1], "reconstruction_of_hidden2_after": late[1],
        "change_at_the_top_cosine_with_error": top,
        **{f"small_nudges_cosine_with_gradient_{name}": value for name, value in zip(layers, gentle)},
        **{f"usual_nudges_cosine_with_gradient_{name}": value for name, value in zip(layers, usual)},
        "early": np.array(early), "late": np.array(late), "cosine": gentle, "usual_cosine": usual,
    }  # fmt: skip


def _cosine(a, b):
    return np.sum(a * b) / np.sqrt(np.sum(a**2, dtype=float) * np.sum(b**2, dtype=float))


def criteria(result):
    """What the claim demands."""
    return {
        "(b) every level is reconstructed: correlation above 0.3": result["late"].min() > 0.3,
        "(b) better than before learning": np.all(result["late"] > result["early"]),
        "(c) the top changes by its error: cosine above 0.95": result["change_at_the_top_cosine_with_error"] > 0.95,
        "(d) small nudges: along the gradient, cosine above 0.8 in every layer": result["cosine"].min() > 0.8,
        "(d) usual nudges: downhill, cosine above 0.5 in every layer": result["usual_cosine"].min() > 0.5,
    }


def draw(result, axes):
    """Reconstruction of the levels, and agreement of the weight changes with the gradient."""
    axes.bar(np.arange(2) - 0.2, result["early"], 0.4, label="reconstruction before learning", color="0.75")
    axes.bar(np.arange(2) + 0.2, result["late"], 0.4, label="reconstruction after (wake)")
    axes.bar(np.arange(2, 5) - 0.2, result["cosine"], 0.4, label="weight change with the gradient, small nudges")
    axes.bar(np.arange(2, 5) + 0.2, result["usual_cosine"], 0.4, label="the same, usual nudges")
    names = ["hidden1", "hidden2", "image to\nhidden1", "hidden1 to\nhidden2", "hidden2 to\nreadout"]
    axes.set_xticks(np.arange(5), names)
    axes.set(ylabel="correlation, cosine", ylim=(min(0, result["early"].min()), 1.25))
    axes.legend(frameon=False, loc="upper left", fontsize=8)


if __name__ == "__main__":
    import sys

    from neuromorph_cli.main import main

    raise SystemExit(main(["claims", "6", *sys.argv[1:]]))

"""Claim 10: initial weights matter, and rectified cells equalise the gradients of the layers.

First gradients. Four hidden layers of rectified or of sigmoid cells start with Xavier's weights. How large dE/dz is in
each layer is measured, not computed (claim 2): all cells of a layer are kicked up or down at random by a small charge,
and the change of the error E is read from the spikes of the readout; the mean of (dE / kick)^2 over random kicks and
images is the squared length of the gradient with respect to the layer's total input.
Then learning. A network 64-100-100-10 (top-down weights: mirror) starts with
 - uniform weights between -1/sqrt(n) and 1/sqrt(n), n inputs to a cell;
 - Xavier's, normal with variance 2 / (n_in + n_out): Glorot & Bengio 2010, PMLR 9:249;
 - weights that learnt, layer by layer and without labels, to reconstruct the layer below: top-down synapses by the wake
   rule and bottom-up ones by its mirror image (below), from Xavier's weights on. Slowly: at ten times the rate cells
   end up either silent or at their cap, and then learn badly with labels.
"""

from dataclasses import replace

import numpy as np

from neuromorph import LearningRule, Network, Param, Simulation
from neuromorph.learning.contract import Variable
from neuromorph.learning.registry import registry
from neuromorph.tasks import images, layered
from neuromorph.tasks.settings import defaults
from neuromorph.tasks.train import Training

STARTS = "uniform", "xavier", "pretrained"
CELLS = {"rectified": ("rhythmic", {"cap": np.inf}), "sigmoid": ("rhythmic_readout", {})}
FREE = {"w_min": -np.inf, "w_max": np.inf}
FINE = 2.0**16  # spikes at the activity 1 where gradients are measured: nearly real numbers


class WakeMirrored(LearningRule):
    """dw = eta value (what the reconstruction below misses, about its mean) x n_post: the mirror image of `wake`."""

    name = "wake_mirrored"
    eta = Param(1e-5)
    free, mean = Variable("pre", "n_free"), Variable("pre", "n_mean")
    reconstruction, mean_reconstruction = Variable("pre", "a_free"), Variable("pre", "a_mean")
    above, mean_above = Variable("post", "n_free"), Variable("post", "n_mean")

    def on_signal(w, pre, post, p, value):
        missed = (pre.free - pre.mean) - (pre.reconstruction - pre.mean_reconstruction)
        return w + p.eta * value * missed * (post.above - post.mean_above)


def xavier(random, n_in, n_out):
    """Normal weights of variance 2 / (n_in + n_out), for activities of order 1."""
    return random.standard_normal((n_in, n_out)) * np.sqrt(2 / (n_in + n_out))


def uniform(random, n_in, n_out):
    """Weights between -1/sqrt(n_in) and 1/sqrt(n_in)."""
    return random.uniform(-1, 1, (n_in, n_out)) / np.sqrt(n_in)


def phases(net, cells, delays):
    """The pacemaker's spikes reach the cells as the phases of the cycle."""
    for phase, delay in delays.items():
        net.connect("pacemaker", cells, weight=1.0, delay=delay, receptor=phase, name=f"{phase}_{cells}")


def volley(net, name, patterns, order, kappa, start, period):
    """An input that shows one pattern a cycle."""
    given = {"patterns": patterns, "order": order, "kappa": kappa, "start": start, "interval": period}
    net.add_input(name, "pattern_volley", patterns.shape[1], given)


def gradient_lengths(cells, pixels, labels, depth, size, seed, kick=0.1):
    """Length of the gradient with respect to the total input of each hidden layer, of `cells` of one kind."""
    random = np.random.default_rng(seed)
    count, period = len(pixels), depth + 3.0
    cycles = count * depth * 2  # image by image, layer by layer: kicked one way and the other
    image, layer, way = np.unravel_index(np.arange(cycles), (count, depth, 2))
    directions = np.repeat(random.integers(0, 2, (count * depth, size)), 2, axis=0) ^ way[:, None]
    net = Network("gradients")
    volley(net, "image", pixels, image, FINE, 2.0, period)
    volley(net, "pacemaker", np.ones((1, 1)), 0 * image, 1.0, 1.0, period)
    model, params = CELLS[cells]
    below, n_below = "image", pixels.shape[1]
    for k in range(depth + 1):
        name, n = ("readout", 10) if k == depth else (f"hidden{k}", size)
        net.add_population(
            name, "rhythmic_readout" if k == depth else model, n, {"kappa": FINE} | (params if k < depth else {})
        )
        weight = (xavier(random, n_below, n) / FINE).ravel()
        net.connect(below, name, weight=weight, delay=1.0, receptor="basal", name=f"{below}_{name}")
        phases(net, name, {"start": 1.0, "release": 2.0 + k})
        below, n_below = name, n
    for k in range(depth):
        for sign, bits in ((1, directions), (-1, 1 - directions)):
            volley(net, f"kick{k}_{sign}", bits * (layer == k)[:, None], np.arange(cycles), 1.0, 2.0, period)
            net.connect(f"kick{k}_{sign}", f"hidden{k}", "one_to_one", weight=sign * kick, delay=1.0, receptor="basal")
    net.record("readout", "spikes", indices=[0])
    simulation = Simulation(net, resolution=1.0, seed=seed)
    simulation.run(period)
    error = np.zeros(cycles)
    for cycle in range(cycles):
        p = np.clip(simulation.state("readout", "n_free") / FINE, 1e-9, 1 - 1e-9)
        target = np.arange(10) == labels[image[cycle]]
        error[cycle] = -np.log(np.where(target, p, 1 - p)).sum()
        simulation.run(period)
    slope = (error[::2] - error[1::2]).reshape(count, depth) / (2 * kick)
    return np.sqrt(np.mean(slope**2, axis=0))


def reconstruct(patterns, weights, epochs, seed, eta=2e-6, kappa=8.0):
    """Bottom-up weights after learning to reconstruct `patterns`, and what the cells above then make of them."""
    size, period = weights.shape, 6.0
    random = np.random.default_rng(seed)
    order = np.concatenate([random.permutation(len(patterns)) for _ in range(epochs)] + [np.arange(len(patterns))])
    learnt = epochs * len(patterns)
    net = Network("reconstruct")
    volley(net, "image", patterns, order, kappa, 1.0, period)
    volley(net, "pacemaker", np.ones((1, 1)), 0 * order, 1.0, 1.0, period)
    net.add_signal("learn", start=5.0, interval=period, count=max(learnt, 1), first=1.0, last=0.0, delay=1.0)
    for name, n, release in (("below", size[0], 1.0), ("above", size[1], 2.0)):
        net.add_population(name, "rhythmic", n, {"kappa": kappa})
        phases(net, name, {"start": 1.0, "release": release, "latch": 3.0})
    net.connect("image", "below", "one_to_one", weight=1 / kappa, delay=1.0, receptor="basal")
    for ends, receptor, rule, start in (
        (("below", "above"), "basal", "wake_mirrored", (weights / kappa).ravel()),
        (("above", "below"), "apical", "wake", 0.0),
    ):
        learns = {"rule": rule, "params": {"eta": eta}, "signals": ["learn"], **FREE}
        net.connect(*ends, weight=start, delay=1.0, receptor=receptor, plasticity=learns, name=rule)
    net.record("above", "spikes", indices=[0])
    with registry.override({"wake_mirrored": WakeMirrored}):
        simulation = Simulation(net, resolution=1.0, seed=seed)
    simulation.run(period * learnt + 5.0)
    activity = np.zeros((len(patterns), size[1]))
    for row in activity:
        row[:] = simulation.state("above", "n_free") / kappa
        simulation.run(period)
    return simulation.weights("wake_mirrored").reshape(size) * kappa, activity


def initial(start, digits, hidden, seed, epochs):
    """Weights of the three projections, for activities of order 1."""
    random = np.random.default_rng([seed, 10])
    draw_one = uniform if start == "uniform" else xavier
    weights = [draw_one(random, *ends) for ends in ((digits.train.shape[1], hidden), (hidden, hidden), (hidden, 10))]
    if start == "pretrained":
        patterns = digits.train / digits.brightest
        for k in range(2):
            weights[k], patterns = reconstruct(patterns, weights[k], epochs, seed)
    return weights


def learn(start, digits, hidden, epochs, seed, unsupervised):
    """Fraction of test errors after each epoch of learning with labels."""
    settings = replace(defaults("digits", "mirror"), hidden=(hidden, hidden), epochs=epochs, passes=4, seed=seed)
    training = Training(digits, settings)
    simulation = Simulation(training.network)
    names = "image_hidden1", "hidden1_hidden2", "hidden2_readout"
    for name, weights in zip(names, initial(start, digits, hidden, seed, unsupervised)):
        kappa = settings.kappa_in if name == names[0] else settings.kappa
        simulation.set_weights(name, (weights / kappa).ravel())
    errors = []
    for _ in range(epochs):
        simulation.run(layered.cycle(settings, training=True) * digits.train_labels.size)
        weights = {p.name: simulation.weights(p.name) for p in simulation.network.projections if p.source != "teacher"}
        counts = training.count(weights, settings.passes).sum(axis=1)
        errors.append(np.mean(counts.argmax(axis=1) != digits.test_labels))
    return errors


def measure(seed=1, hidden=100, epochs=3, seeds=6, unsupervised=2, depth=4, kicked=60):
    """Gradient lengths by layer for both kinds of cells; test errors (%) over the epochs for the three starts."""
    digits = images.digits()
    pixels, labels = digits.train[:kicked] / digits.brightest, digits.train_labels[:kicked]
    lengths = {cells: gradient_lengths(cells, pixels, labels, depth, 64, seed) for cells in CELLS}
    result = {f"{cells}_gradient_lowest_over_highest_layer": x[0] / x[-1] for cells, x in lengths.items()}
    for cells, x in lengths.items():
        result[f"{cells}_gradient_factor_by_layer"] = (x[0] / x[-1]) ** (1 / (depth - 1))
    for start in STARTS:
        runs = [learn(start, digits, hidden, epochs, s, unsupervised) for s in range(seed, seed + seeds)]
        curve = 100 * np.array(runs)
        sem = curve.std(axis=0, ddof=min(1, seeds - 1)) / np.sqrt(seeds)
        result |= {
            f"{start}_errors_percent_after_1_epoch": curve[:, 0].mean(),
            f"{start}_standard_error_after_1_epoch": sem[0],
            f"{start}_errors_percent_at_the_end": curve[:, -1].mean(),
            f"{start}_curve": curve.mean(axis=0),
        }  # fmt: skip
    return result | {f"{cells}_lengths": x for cells, x in lengths.items()}


def criteria(result):
    """What the claim demands; errors after one epoch, when the start shows most."""

    def fewer(one, other):
        when = "after_1_epoch"
        gain = result[f"{other}_errors_percent_{when}"] - result[f"{one}_errors_percent_{when}"]
        return gain > 2 * np.hypot(*(result[f"{k}_standard_error_{when}"] for k in (one, other)))

    rectified, sigmoid = (result[f"{cells}_gradient_factor_by_layer"] for cells in CELLS)
    return {
        "rectified: from layer to layer the gradient keeps more than half of its length": 0.5 < rectified < 2,
        "sigmoid: it keeps less than half": sigmoid < 0.5,
        "Xavier's weights learn faster than uniform ones (2 standard errors)": fewer("xavier", "uniform"),
        "pretrained weights learn faster than Xavier's (2 standard errors)": fewer("pretrained", "xavier"),
    }


def draw(result, axes):
    """Gradient lengths by layer; learning from the three starts in small."""
    for cells in CELLS:
        lengths = result[f"{cells}_lengths"]
        axes.semilogy(1 + np.arange(lengths.size), lengths / lengths[-1], "o-", label=f"{cells} cells")
    axes.set(xlabel="hidden layer", ylabel="length of the gradient / that of the highest layer")
    axes.set_xticks(1 + np.arange(lengths.size))
    axes.legend(frameon=False, loc="upper left")
    inset = axes.inset_axes([0.62, 0.12, 0.36, 0.4])
    for start in STARTS:
        inset.plot(1 + np.arange(result[f"{start}_curve"].size), result[f"{start}_curve"], "o-", ms=3, label=start)
    inset.set(xlabel="epochs", ylabel="test errors (%)", ylim=(0, None))
    inset.legend(frameon=False, fontsize=7)


if __name__ == "__main__":
    import sys

    from neuromorph_cli.main import main

    raise SystemExit(main(["claims", "10", *sys.argv[1:]]))

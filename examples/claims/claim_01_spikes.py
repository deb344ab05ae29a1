"""Claim 1: neurons send spikes, not real numbers; random spikes act like dropout, a strong regulariser.

A large network, 64-300-300-10 (top-down weights: mirror), learns from few images until it knows them by heart. How far
it then does worse on images that it has never seen is the gap that a regulariser should narrow. Two tasks: 100 images
with their true labels, and 300 images of which a quarter has labels drawn at random, which can be learnt by heart alone
(Zhang et al. 2017, arXiv:1611.03530). Hidden cells of four kinds:
 - `nothing`: 64 spikes for the activity 1, so many that counts are nearly real numbers;
 - `dropout`: the same, and each cell is silenced for a random half of the images it is shown while it learns
   (Srivastava et al. 2014, JMLR 15:1929);
 - `spikes`: 2 spikes for the activity 1, rounded at random (the same random number in both halves of a cycle);
 - `poisson`: Poisson counts with a mean of 4 for the activity 1.
Rates and initial weights are scaled so that the mean change of what a cell adds up is the same for all kinds.
"""

from dataclasses import replace

import numpy as np

from neuromorph import Simulation
from neuromorph.tasks import images, layered
from neuromorph.tasks.settings import defaults
from neuromorph.tasks.train import Training

KINDS = {
    "nothing": {"kappa": 64.0},
    "dropout": {"kappa": 64.0, "dropout": 0.5},
    "spikes": {"kappa": 2.0},
    "poisson": {"kappa": 4.0, "poisson": True},
}


TASKS = {"true_labels": (100, 50, 0.0), "wrong_labels": (300, 80, 0.25)}  # images, epochs, share of random labels


def scaled(kappa, hidden, epochs, seed, **changes):
    """Settings with `kappa` spikes for the activity 1: a weight is per spike, a change goes with spikes x spikes."""
    usual = defaults("digits", "mirror")
    f = kappa / usual.kappa
    return replace(
        usual, kappa=kappa, kappa_in=kappa, hidden=(hidden, hidden), epochs=epochs, seed=seed,
        eta=usual.eta / f**3, eta_top_down=usual.eta_top_down / f**3,
        eta_readout=usual.eta_readout / f**2, eta_top_readout=usual.eta_top_readout / f,
        top_down_std=usual.top_down_std / f, **changes,
    )  # fmt: skip


def errors(digits, settings):
    """Fractions of errors for the training and the test images, after learning."""
    training = Training(digits, settings)
    simulation = Simulation(training.network)
    simulation.run(layered.cycle(settings, training=True) * settings.epochs * digits.train_labels.size + layered.FIRST)
    weights = {p.name: simulation.weights(p.name) for p in simulation.network.projections if p.source != "teacher"}
    seen = Training(replace(digits, test=digits.train, test_labels=digits.train_labels), settings)
    return [np.mean(t.count(weights, 8).sum(axis=1).argmax(axis=1) != t.images.test_labels) for t in (seen, training)]


def few(digits, count, wrong, seed):
    """The digits with `count` training images, a share `wrong` of which has random labels."""
    random = np.random.default_rng([seed, 1])
    chosen = random.permutation(digits.train_labels.size)[:count]
    labels = np.where(random.random(count) < wrong, random.integers(0, 10, count), digits.train_labels[chosen])
    return replace(digits, train=digits.train[chosen], train_labels=labels)


def measure(seed=1, hidden=300, seeds=3, size=1.0):
    """Training and test errors (%) of each kind and task, and the gap; `size` scales images and epochs."""
    digits, result = images.digits(), {}
    for task, (count, epochs, wrong) in TASKS.items():
        for kind, changes in KINDS.items():
            runs = []
            for one in range(seed, seed + seeds):
                settings = scaled(hidden=hidden, epochs=max(1, int(size * epochs)), seed=one, **changes)
                runs.append(errors(few(digits, int(size * count), wrong, one), settings))
            train, test = 100 * np.array(runs).T
            result |= {
                f"{task}_{kind}_training_errors_percent": train.mean(),
                f"{task}_{kind}_test_errors_percent": test.mean(),
                f"{task}_{kind}_gap_by_seed": test - train,
            }  # fmt: skip
    return result


def criteria(result):
    """What the claim demands; kinds are compared seed by seed, on the same images."""

    def narrower(task, kind):
        gain = result[f"{task}_nothing_gap_by_seed"] - result[f"{task}_{kind}_gap_by_seed"]
        return gain.mean() > 2 * gain.std(ddof=min(1, gain.size - 1)) / np.sqrt(gain.size)

    return {
        f"{task.replace('_', ' ')}: the gap is narrower with {kind} than with nothing (2 standard errors)": narrower(
            task, kind
        )
        for task in TASKS
        for kind in ("dropout", "spikes", "poisson")
    }


def draw(result, axes):
    """Training and test errors of each kind."""
    places = np.arange(len(KINDS))
    for offset, task in ((0, "true_labels"), (len(KINDS) + 1, "wrong_labels")):
        for shift, what in ((-0.2, "training"), (0.2, "test")):
            heights = [result[f"{task}_{kind}_{what}_errors_percent"] for kind in KINDS]
            colour = "0.7" if what == "training" else "C0"
            axes.bar(offset + places + shift, heights, 0.4, color=colour, label=what if offset == 0 else None)
        axes.text(offset + 1.5, -0.12, task.replace("_", " "), ha="center", transform=axes.get_xaxis_transform())
    axes.set_xticks([*places, *(places + len(KINDS) + 1)], [*KINDS, *KINDS], fontsize=8)
    axes.set(ylabel="errors (%)")
    axes.legend(frameon=False)


if __name__ == "__main__":
    import sys

    from neuromorph_cli.main import main

    raise SystemExit(main(["claims", "1", *sys.argv[1:]]))

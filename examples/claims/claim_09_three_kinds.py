"""Claim 9: fixed top-down weights come close to back-propagation with dropout, adaptive ones match it and learn faster.

The lecture's figures are for MNIST and 784-800-800-10: 153 test errors of 10,000 by back-propagation with 50 % dropout,
160 with fixed top-down weights, 150 with adaptive ones. Here the same comparison runs at a reduced size, 64-100-100-10
and the scanned digits, whose test set of 360 images cannot tell such small differences. All kinds are spikes:
 - `backprop`: top-down weights are and stay the transposes of the bottom-up ones, which is what back-propagation uses;
 - `dropout`: the same, and half of the hidden cells, drawn anew for each image, are silenced. With 100 cells and few
   epochs that costs more than it gains, so that the others are compared with the better of the two;
 - `fixed`: top-down weights stay as they were drawn;
 - `wake`: they learn what chance changed below between two looks at an image;
 - `mirror`: they change by the mirror image of the bottom-up rule.
`neuromorph learn mnist` runs them at full size; docs/results.md has the figures.
"""

from dataclasses import replace

import numpy as np

from neuromorph.tasks import images
from neuromorph.tasks.settings import defaults
from neuromorph.tasks.train import Training

KINDS = {
    "backprop": defaults("digits", "transpose"),
    "dropout": replace(defaults("digits", "transpose"), dropout=0.5),
    "fixed": defaults("digits", "fixed"),
    "wake": defaults("digits", "wake", looks=2),
    "mirror": defaults("digits", "mirror"),
}


def measure(seed=1, hidden=100, epochs=8, seeds=3):
    """Test errors (%) of each kind, the mean over seeds: after one epoch and at the end."""
    digits, result = images.digits(), {}
    for kind, usual in KINDS.items():
        curves = []
        for one in range(seed, seed + seeds):
            settings = replace(usual, hidden=(hidden, hidden), epochs=epochs, seed=one)
            curves.append(Training(digits, settings).run().curve)
        curve = 100 * np.array(curves) / digits.test_labels.size
        sem = curve.std(axis=0, ddof=min(1, seeds - 1)) / np.sqrt(seeds)
        result |= {
            f"{kind}_errors_percent_after_1_epoch": curve[:, 0].mean(),
            f"{kind}_errors_percent_at_the_end": curve[:, -1].mean(),
            f"{kind}_standard_error_after_1_epoch": sem[0],
            f"{kind}_standard_error_at_the_end": sem[-1],
            f"{kind}_curve": curve.mean(axis=0),
        }  # fmt: skip
    return result


def criteria(result):
    """What the claim demands."""

    def more(kind, other, when):
        """By how much `kind` makes more errors than `other`, and two standard errors of that."""
        extra = result[f"{kind}_errors_percent_{when}"] - result[f"{other}_errors_percent_{when}"]
        return extra, 2 * np.hypot(*(result[f"{k}_standard_error_{when}"] for k in (kind, other)))

    met = {}
    best = min(("backprop", "dropout"), key=lambda kind: result[f"{kind}_errors_percent_at_the_end"])
    for kind in ("fixed", "wake", "mirror"):
        extra, chance = more(kind, best, "at_the_end")
        met[f"{kind} ends as well as back-propagation, the better of two (2 standard errors)"] = extra < chance
    for kind in ("wake", "mirror"):
        extra, chance = more("fixed", kind, "after_1_epoch")
        met[f"{kind} learns faster than fixed: fewer errors after one epoch (2 standard errors)"] = extra > chance
    return met


def draw(result, axes):
    """Test errors over the epochs."""
    for kind in KINDS:
        curve = result[f"{kind}_curve"]
        axes.semilogy(1 + np.arange(curve.size), curve, "o-", ms=3, label=kind)
    axes.set(xlabel="epochs", ylabel="test errors (%)")
    axes.legend(frameon=False)


if __name__ == "__main__":
    import sys

    from neuromorph_cli.main import main

    raise SystemExit(main(["claims", "9", *sys.argv[1:]]))

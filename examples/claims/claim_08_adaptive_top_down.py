"""Claim 8: slowly adapting top-down weights work better than fixed ones, and learn faster.

A network 64-100-100-10 learns the scanned digits four times over, with several seeds: with top-down weights that stay
as they were drawn (`fixed`), that learn to reconstruct the activity below (`wake_of_one_look`, the wake phase of
wake-sleep: what the lecture proposes) or what chance changed there between two looks at an image (`wake`), and that
change by the mirror image of the bottom-up rule (`mirror`). Speed is the errors after the first epoch, quality those
after the last; all are means over the seeds, and a difference counts where it is above two standard errors.
Hinton, Dayan, Frey & Neal 1995, doi:10.1126/science.7761831; Burbank 2015, doi:10.1371/journal.pcbi.1004566.
"""

from dataclasses import replace

import numpy as np

from neuromorph.tasks import images
from neuromorph.tasks.settings import defaults
from neuromorph.tasks.train import Training

KINDS = {
    "fixed": defaults("digits", "fixed"),
    "wake_of_one_look": defaults("digits", "wake"),
    "wake": defaults("digits", "wake", looks=2),
    "mirror": defaults("digits", "mirror"),
}


def curves(kind, hidden, epochs, seeds):
    """Percentage of test errors: array[seed, epoch]."""
    digits, found = images.digits(), []
    for seed in seeds:
        settings = replace(KINDS[kind], hidden=(hidden, hidden), epochs=epochs, seed=seed)
        found.append(Training(digits, settings).run().curve)
    return 100 * np.array(found) / digits.test_labels.size


def measure(seed=1, hidden=100, epochs=4, seeds=10):
    """Test errors (%) after each epoch, for each kind of top-down weights."""
    errors = {kind: curves(kind, hidden, epochs, range(seed, seed + seeds)) for kind in KINDS}
    result = {}
    for kind, curve in errors.items():
        mean, sem = curve.mean(axis=0), curve.std(axis=0, ddof=min(1, seeds - 1)) / np.sqrt(seeds)
        result |= {
            f"{kind}_errors_percent_after_1_epoch": mean[0],
            f"{kind}_errors_percent_at_the_end": mean[-1],
            f"{kind}_standard_error_after_1_epoch": sem[0],
            f"{kind}_standard_error_at_the_end": sem[-1],
            f"{kind}_curve": mean, f"{kind}_by_seed": curve,
        }  # fmt: skip
    return result


def criteria(result):
    """What the claim demands."""

    def fewer(kind, when):
        gain = result[f"fixed_errors_percent_{when}"] - result[f"{kind}_errors_percent_{when}"]
        return gain > 2 * np.hypot(*(result[f"{k}_standard_error_{when}"] for k in ("fixed", kind)))

    return {
        "wake learns faster than fixed: fewer errors after one epoch (2 standard errors)": fewer(
            "wake", "after_1_epoch"
        ),
        "wake ends better than fixed (2 standard errors)": fewer("wake", "at_the_end"),
        "mirror learns faster than fixed (2 standard errors)": fewer("mirror", "after_1_epoch"),
        "mirror ends better than fixed (2 standard errors)": fewer("mirror", "at_the_end"),
    }


def draw(result, axes):
    """Errors over the epochs, each seed and the mean."""
    for kind, colour in zip(KINDS, ("0.4", "C2", "C0", "C1")):
        epochs = 1 + np.arange(result[f"{kind}_curve"].size)
        axes.plot(epochs, result[f"{kind}_by_seed"].T, ".", color=colour, ms=3)
        axes.plot(epochs, result[f"{kind}_curve"], color=colour, label=kind)
    axes.set(xlabel="epochs", ylabel="test errors (%)", xticks=epochs)
    axes.legend(frameon=False)


if __name__ == "__main__":
    import sys

    from neuromorph_cli.main import main

    raise SystemExit(main(["claims", "8", *sys.argv[1:]]))

"""What each part of the scheme is worth: errors with one thing changed at a time.

    python examples/ablations.py [FOLDER OF MNIST] [EPOCHS]

With adaptive (mirror) top-down weights, on 10,000 training images that are held out; without a folder on the scanned
digits, where 300 are. Besides settings two parts of the cell are taken away:

 - `OwnLuck`: the nudged count is rounded by a number of its own, so that the difference of two counts has the
   noise of both even where there is no error;
 - `OneSided`: the nudge is bounded by silence and cap alone, so that a cell near silence is pushed up further
   than down.
"""

import sys
import time
from dataclasses import replace
from math import inf

from neuromorph.errors import RunError
from neuromorph.kernels.rng import uniform
from neuromorph.models import registry
from neuromorph.models.rhythmic import Rhythmic, _clip, _start, spike_count
from neuromorph.parameters import Param
from neuromorph.tasks import images
from neuromorph.tasks.settings import counted, defaults
from neuromorph.tasks.train import Training

OTHER = 1 << 40  # trials of the second number


class Ablated(Rhythmic):
    """Rhythmic, of which parts can be taken away, and without running means."""

    name = "rhythmic"
    own_luck = Param(0.0, "1", at_least=0, at_most=1, doc="1: the nudged count is rounded by a number of its own")
    one_sided = Param(0.0, "1", at_least=0, at_most=1, doc="1: the nudge is bounded by silence and the cap alone")

    @staticmethod
    def receive(s, x, p, refractory, r):
        keep, gate, trials, u, z, a = _start(s, x, r)
        releases, latches, nudges = x.release > 0.0, x.latch > 0.0, x.nudge > 0.0
        free = spike_count(p.kappa * _clip(z, 0.0, p.cap), u, p.poisson) if releases else keep * s.n_free
        gate = 0.0 if releases else gate
        a_free = a if latches else keep * s.a_free
        a = 0.0 if latches else a
        room = max(0.0, min(z, p.cap - z))
        push = p.gamma * (a - a_free)
        moved = z + (push if p.one_sided > 0.0 else _clip(push, -room, room))
        v = uniform(r.seed, r.stream, r.entity, int(trials) + OTHER) if p.own_luck > 0.0 else u
        nudged = spike_count(p.kappa * _clip(moved, 0.0, p.cap), v, p.poisson) if nudges else keep * s.n_nudged
        change = nudged - free if nudges else keep * s.change
        errors = s.error_spikes + (abs(change) if nudges else 0.0)
        emit = (free if releases else 0.0) + (nudged if nudges else 0.0)
        return z, a, a_free, gate, free, nudged, change, s.n_mean, s.a_mean, errors, 0.0, 0.0, trials, u, emit


class OwnLuck(Ablated):
    """The difference of two counts has the noise of both."""

    name = "rhythmic"
    own_luck = Param(1.0, "1", at_least=0, at_most=1)


class OneSided(Ablated):
    """A cell near silence is pushed up further than down."""

    name = "rhythmic"
    one_sided = Param(1.0, "1", at_least=0, at_most=1)


#: name -> (spikes per unit, changed settings, model instead of rhythmic)
VARIANTS = {
    "kappa 2, no cap": (2, {}, Rhythmic),
    "kappa 1": (1, {}, Rhythmic),
    "kappa 4": (4, {}, Rhythmic),
    "kappa 8": (8, {}, Rhythmic),
    "cap 2": (2, {"cap": 2.0}, Rhythmic),
    "cap 1": (2, {"cap": 1.0}, Rhythmic),
    "Poisson counts": (2, {"poisson": True}, Rhythmic),
    "a fifth of the cells silenced": (2, {"dropout": 0.2}, Rhythmic),
    "momentum 0.9": (2, {"momentum": 0.9}, Rhythmic),
    "two looks": (2, {"looks": 2}, Rhythmic),
    "no luck shared by the two counts": (2, {}, OwnLuck),
    "one-sided nudge": (2, {}, OneSided),
    "one-sided nudge, cap 1": (2, {"cap": 1.0}, OneSided),
}


def errors(shown, kappa, changes, model, epochs):
    """Errors epoch by epoch, spikes of a test image, error spikes of a training image in the last epoch."""
    task = "digits" if shown.name.startswith("digits") else "mnist"
    usual = counted(replace(defaults(task, "mirror", 32), epochs=epochs, passes=1, cap=inf), kappa)
    with registry.registry.override({"rhythmic": model}):
        result = Training(shown, replace(usual, **changes)).run()
    return result.curve, result.test_spikes, result.error_spikes[-1]


def main(folder=None, epochs=3):
    """Print a table of all variants."""
    shown = images.mnist(folder).held_out(10_000) if folder else images.digits().held_out(300)
    for name, (kappa, changes, model) in VARIANTS.items():
        began = time.perf_counter()
        try:
            curve, spikes, wrong = errors(shown, kappa, changes, model, epochs)
            said = f"errors {curve}, {spikes:.0f} spikes, {wrong:.1f} error spikes"
        except RunError:
            said = "activity runs away"
        print(f"{name:34} {said}, {time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:3]))

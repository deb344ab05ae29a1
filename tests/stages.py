"""Runs that are saved on the way and gone on with in another simulation, as a resumed process would."""

from __future__ import annotations

import io

import numpy as np

from neuromorph import Simulation
from neuromorph.engine.memory import MemorySink
from neuromorph.engine.resume import restore, snapshot


class Continued(MemorySink):
    """What one run after the other has recorded."""

    def open(self, run):
        if self.run is None:
            super().open(run)


def through_a_file(arrays):
    """Arrays as a file gives them back."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    return dict(np.load(file, allow_pickle=False))


def run_in_stages(network, resolution, ends, parts=(1,), seed=7, **more):
    """A simulation that was saved at each of `ends` (ms) but the last, and gone on with in another one.

    network : a function that makes it. parts : of each stage, again from the beginning where they are fewer
    """
    sink, saved = Continued(), None
    for k, end in enumerate(ends):
        simulation = Simulation(network(), resolution, seed, parts=parts[k % len(parts)], sink=sink, **more)
        if saved is not None:
            restore(simulation, saved)
        simulation.run_until(end)
        saved = through_a_file(snapshot(simulation))
    return simulation

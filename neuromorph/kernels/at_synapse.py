"""What a synapse makes of a number: its weight within bounds, its place in a table, its slot.

These functions belong to no rule: compiled once, kept, and inlined into the kernels of every rule (kernels/plastic.py),
which compile a fifth faster for it.
"""

from __future__ import annotations

import numpy as np

from neuromorph.kernels.jit import kernel


@kernel(forceinline=True, counted=False)
def bounded(w, w_min, w_max):
    """A weight clipped to the projection's bounds, rounded once to what is stored."""
    return float(np.float32(min(max(w, w_min), w_max)))


@kernel(forceinline=True, counted=False)
def within(since, last):
    """A place in a table of decays."""
    return min(max(since, 0), last)


@kernel(forceinline=True, counted=False)
def slot_of(slot, target, j):
    """Where arrivals of synapse j are added: `slot` has the first one of the population, or one for each synapse."""
    return slot[0] + target[j] if slot.size == 1 else slot[j]

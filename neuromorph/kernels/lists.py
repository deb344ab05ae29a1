"""Active lists: which cells of lazy populations have an arrival at the present tick, each once.

Lists are a tuple of arrays: `waiting` uint8[slots], the number of the list that a slot goes to when something arrives
there, 0 where it stands in it already or its population has none; `touched` int32[slots], where list k of a part begins
at `first[k]` and holds `listed[k]` slots (int64 each); `every` int64, 1 where all cells are visited at every tick.
"""

from __future__ import annotations

import numpy as np

from neuromorph.kernels.jit import kernel


@kernel(forceinline=True)
def enlist(slot, lists):
    """Put a slot on its list, where it has one and does not stand there yet."""
    waiting, touched, first, listed, _ = lists
    which = waiting[slot]
    if which > 0:
        waiting[slot] = 0
        touched[first[which] + listed[which]] = slot
        listed[which] += 1


@kernel
def no_lists():
    """The lists of a network without lazy populations."""
    none = np.empty(0, np.int64)
    return np.empty(0, np.uint8), np.empty(0, np.int32), none, none, none

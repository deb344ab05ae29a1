"""Kernels of exact mode beside the visits of cells (exact_visits.py): what is left to the walk, and who is walked."""

from __future__ import annotations

import collections

import numpy as np

from neuromorph.kernels.exact import BATCH_BITS
from neuromorph.kernels.jit import kernel
from neuromorph.kernels.prefetch import prefetch

#: cells that are visited together
ROOM = 128
_ONE, _2, _3, _4, _6 = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4), np.uint64(6)

#: a few cells that an instant of arrivals visits: place of the synapse, ms since the last own event, weight, state
Visits = collections.namedtuple("Visits", "cell where since clamped weight wake state")
#: arrivals that the walk is left with, in order of time
Aside = collections.namedtuple("Aside", "cell packed")


@kernel(counted=False)
def list_due(low, high, zero, cells, active, total):
    """`list_active` where few cells have arrivals: those of low..high-1 that are marked as due, which ends that."""
    counts, starts, due, dues = cells.count, cells.start, cells.due, cells.dues
    n = 0
    for at in range(np.uint64(low) >> _6, np.uint64(high + 63) >> _6):
        b, c = at << _3, (at << _3) + _4
        busy = dues[b] | dues[b + _ONE] | dues[b + _2] | dues[b + _3]
        if busy | dues[c] | dues[c + _ONE] | dues[c + _2] | dues[c + _3] != 0:
            for eight in range(at << _3, (at + _ONE) << _3):
                if dues[eight] != 0:
                    for k in range(max(eight << _3, np.uint64(low)), min((eight + _ONE) << _3, np.uint64(high))):
                        if due[k]:
                            due[k] = 0
                            active[n] = np.int64(k) - zero
                            starts[k] = total
                            total += counts[k]
                            n += 1
    return n, total


@kernel(counted=False)
def begin_visits(n, batches, words):
    """Put what visits read of batches in order of time; `head` is where the next population's synapses begin."""
    flat = words.reshape(words.size)
    order, at, scale, source = batches.order, batches.at, batches.scale, batches.source
    firsts, lasts = batches.first, batches.last
    time, factor, origin, cursor = batches.time, batches.factor, batches.origin, batches.head
    for e in range(n):
        k = order[e]
        time[e] = at[k]
        factor[e] = scale[k]
        origin[e] = source[k]
        cursor[e] = firsts[k]
        if firsts[k] >= 0:
            for j in range(firsts[k], lasts[k], 8):  # a cache line
                prefetch(flat, 2 * j)


@kernel(forceinline=True)
def put_aside(g, e, receptor, bits, counts, due, aside_cell, packed, n):
    """Leave an arrival of batch `e`, and all that cell g gets later in the window, to the walk."""
    due[g] = 1
    counts[g] += 1
    aside_cell[n] = g
    packed[n] = (e | receptor << BATCH_BITS) << 32 | np.int64(bits)
    return n + 1


@kernel(counted=False)
def deal_aside(n, aside, start, record):
    """`deal` of the arrivals that were put aside."""
    cell, packed = aside.cell, aside.packed
    for k in range(n):
        q = start[cell[k]]
        start[cell[k]] = q + 1
        record[q] = packed[k]

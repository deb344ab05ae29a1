"""Deposit the arrivals of one spike on the grid: c times the weight of each synapse of a row, a delay later.

Belongs to no rule: compiled once and linked into the kernels of every rule (kernels/plastic.py).
"""

from __future__ import annotations

from neuromorph.kernels.at_synapse import slot_of
from neuromorph.kernels.at_synapse_grid import delay_of
from neuromorph.kernels.jit import kernel


@kernel(counted=False)
def deposit_row(ring, tick, c, dense, delay, slot, target, weight, a, b):
    """Add the weights of the synapses a..b-1, c times each, to the rings' rows of the ticks in which they arrive.

    ring : float64[ticks, slots]. weight : float32 of all synapses; delay : ticks; dense : a row of a matrix
    """
    if b == a:
        return
    if dense:
        # one slice of the input row, added with SIMD
        first = slot_of(slot, target, a)
        into = ring[(tick + int(delay[0])) % ring.shape[0], first : first + (b - a)]
        weights = weight[a:b]
        for j in range(weights.size):
            into[j] += c * weights[j]
    elif delay.size == 1 and slot.size == 1:
        into = ring[(tick + int(delay[0])) % ring.shape[0], slot[0] :]
        targets = target[a:b]
        weights = weight[a:b]
        for j in range(targets.size):
            into[targets[j]] += c * weights[j]
    else:
        for j in range(a, b):
            ring[(tick + delay_of(delay, j)) % ring.shape[0], slot_of(slot, target, j)] += c * weight[j]

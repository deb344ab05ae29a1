"""Kernels of the spike calendar: order the spikes of a window and deliver those that fall due.

The calendar holds spikes (base, offset, source, count), never synaptic events: fan-out happens at delivery. Rows of
static synapses are sorted by (source, delay, slot); a slice is the part of a row with one delay.
"""

from __future__ import annotations

import numpy as np

from neuromorph.kernels.jit import kernel


@kernel
def order_grid(first, last, base, source, count, start, end, scratch_base, scratch_source, scratch_count, ticks):
    """Stable counting sort of entries start..end-1 by tick; `ticks` gets first entry of each tick (last - first + 2).

    Entries come population by population and sorted inside each, so the result is ordered by (tick, global id).
    """
    # plain loops: slices of arrays assigned to each other take numba two seconds more to compile
    place = np.empty(ticks.size, np.int64)
    for k in range(ticks.size):
        ticks[k] = 0
    for k in range(start, end):
        ticks[base[k] - first + 1] += 1
    ticks[0] = start
    place[0] = start
    for k in range(1, last - first + 2):
        ticks[k] += ticks[k - 1]
        place[k] = ticks[k]
    for k in range(start, end):
        q = place[base[k] - first] - start
        place[base[k] - first] += 1
        scratch_base[q] = base[k]
        scratch_source[q] = source[k]
        scratch_count[q] = count[k]
    for k in range(start, end):
        base[k] = scratch_base[k - start]
        source[k] = scratch_source[k - start]
        count[k] = scratch_count[k - start]


@kernel
def deliver_grid(
    first, last, ring, bucket_start, bucket_end, source, count, blocks, delays, row, row_start, slice_delay, slice_end,
    synapse,
):  # fmt: skip
    """Add the static arrivals of ticks first..last to the input ring; returns the number of synaptic events.

    input[tick, slot[j]] += count * weight[j], older emissions first, then by source. About 1 ns an event, bound by
    the latency of the scattered additions while a row of the ring stays in cache.

    blocks : ranges of ids with rows; other spikes are passed over unseen (in a network that learns every spike was
    looked up for every delay, 46 microseconds an example)
    """
    events = 0
    horizon = bucket_start.size
    for tick in range(first, last + 1):
        into = ring[tick % ring.shape[0]]
        for d in delays:
            emitted = tick - d
            if emitted < 0:
                continue
            start, end = bucket_start[emitted % horizon], bucket_end[emitted % horizon]
            for block in range(blocks.shape[0] if end > start else 0):
                start = first_at_least(source, blocks[block, 0], start, end)
                stop = first_at_least(source, blocks[block, 1], start, end)
                for k in range(start, stop):
                    g = source[k]
                    q = _slice_of(slice_delay, row[g], row[g + 1], d)
                    if q < 0:
                        continue
                    a = row_start[g]
                    b = a + slice_end[q]
                    a += slice_end[q - 1] if q > row[g] else 0
                    c = np.float64(count[k])
                    synapses = synapse[a:b]
                    for j in range(synapses.size):
                        into[synapses[j]["slot"]] += c * synapses[j]["weight"]
                    events += (b - a) * count[k]
                start = stop
    return events


@kernel(forceinline=True)
def first_at_least(values, value, low, high):
    """First place in low..high-1 of a sorted array that holds `value` or more; `high` where none does."""
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@kernel(forceinline=True)
def _slice_of(slice_delay, low, high, delay):
    """Index of the slice with this delay among low..high-1, -1 where there is none (binary search)."""
    while low < high:
        middle = (low + high) // 2
        if slice_delay[middle] < delay:
            low = middle + 1
        elif slice_delay[middle] > delay:
            high = middle
        else:
            return middle
    return -1

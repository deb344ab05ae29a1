"""Kernels of the spike calendar: order the spikes of a window and deliver those that fall due.

The calendar holds spikes (base, offset, source, count), never synaptic events: fan-out happens at delivery. Rows of
static synapses are sorted by (source, delay, slot); a slice is the part of a row with one delay.
"""

from __future__ import annotations

import numpy as np

from neuromorph.kernels.instants import normalise
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
    first, last, ring, bucket_start, bucket_end, source, count, delays, row, row_start, slice_delay, slice_end, synapse
):
    """Add the static arrivals of ticks first..last to the input ring; returns the number of synaptic events.

    input[tick, slot[j]] += count * weight[j], older emissions first, then by source. About 1 ns an event, bound by
    the latency of the scattered additions while a row of the ring stays in cache.
    """
    events = 0
    horizon = bucket_start.size
    for tick in range(first, last + 1):
        into = ring[tick % ring.shape[0]]
        for d in delays:
            emitted = tick - d
            if emitted < 0:
                continue
            for k in range(bucket_start[emitted % horizon], bucket_end[emitted % horizon]):
                g = source[k]
                q = _slice_of(slice_delay, row[g], row[g + 1], d)
                if q < 0:
                    continue
                a = row_start[g]
                b = a + slice_end[q]
                a += slice_end[q - 1] if q > row[g] else 0
                c = float(count[k])
                synapses = synapse[a:b]
                for j in range(synapses.size):
                    into[synapses[j].slot] += c * synapses[j].weight
                events += (b - a) * count[k]
    return events


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


@kernel
def expand_exact(
    window, low, high, unit, oldest, bucket_start, bucket_end, offset, source, count, row, row_start, slice_delay,
    slice_end, delays, synapse, out_slot, out_offset, out_weight, out_source, out_synapse,
):  # fmt: skip
    """List the static arrivals of (low, high] in `window`, emissions from window `oldest` on.

    Returns their number, or minus the number where `out_*` is too small.
    """
    horizon = bucket_start.size
    n = 0
    limit = out_slot.size
    for emitted in range(max(oldest, 0), window):
        for k in range(bucket_start[emitted % horizon], bucket_end[emitted % horizon]):
            g = source[k]
            q = _first_due(slice_delay, delays, row[g], row[g + 1], offset[k], window - emitted, low, unit)
            j = row_start[g] + (slice_end[q - 1] if q > row[g] else 0)
            while q < row[g + 1]:
                ahead, at = normalise(0, offset[k] + delays[slice_delay[q]], unit)
                if ahead > window - emitted or at > high:
                    break
                end = row_start[g] + slice_end[q]
                while j < end:
                    if n < limit:
                        out_slot[n] = synapse[j].slot
                        out_offset[n] = at
                        out_weight[n] = count[k] * synapse[j].weight
                        out_source[n] = g
                        out_synapse[n] = j
                    n += 1
                    j += 1
                q += 1
    return n if n <= limit else -n


@kernel(forceinline=True)
def _first_due(slice_delay, delays, first, last, offset, ahead, low, unit):
    """First slice of a row whose arrival lies after `low` of the window `ahead` of the emission (binary search)."""
    while first < last:
        middle = (first + last) // 2
        n, at = normalise(0, offset + delays[slice_delay[middle]], unit)
        if n < ahead or (n == ahead and at <= low):
            first = middle + 1
        else:
            last = middle
    return first


@kernel
def bucket_exact(
    n, slot, offset, weight, source, synapse, neuron_of_slot, receptor_of_slot, pointer,
    sorted_offset, sorted_receptor, sorted_weight,
):  # fmt: skip
    """Sort arrivals into one bucket per cell, each ordered by (offset, source, synapse); `pointer` is int64[cells + 1].

    Buckets come nearly sorted (emissions are), so insertion sort inside a bucket is close to linear.
    """
    for i in range(pointer.size):
        pointer[i] = 0
    for k in range(n):
        pointer[neuron_of_slot[slot[k]] + 1] += 1
    for i in range(1, pointer.size):
        pointer[i] += pointer[i - 1]
    place = np.empty(pointer.size, np.int64)
    for i in range(pointer.size):
        place[i] = pointer[i]
    order = np.empty(n, np.int64)
    for k in range(n):
        cell = neuron_of_slot[slot[k]]
        q = place[cell]
        place[cell] += 1
        first = pointer[cell]
        while q > first and _later(order[q - 1], k, offset, source, synapse):
            order[q] = order[q - 1]
            q -= 1
        order[q] = k
    for q in range(n):
        k = order[q]
        sorted_offset[q] = offset[k]
        sorted_receptor[q] = receptor_of_slot[slot[k]]
        sorted_weight[q] = weight[k]


@kernel(forceinline=True)
def _later(a, b, offset, source, synapse):
    """Whether arrival a comes after arrival b in the order (offset, source, synapse)."""
    if offset[a] != offset[b]:
        return offset[a] > offset[b]
    if source[a] != source[b]:
        return source[a] > source[b]
    return synapse[a] > synapse[b]

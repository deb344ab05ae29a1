"""Synapses into their rows: counted, put there by cells, sorted by (delay, slot) and written as 8-byte records."""

from __future__ import annotations

import numpy as np

from neuromorph.kernels.jit import kernel

_32 = np.uint64(32)
_SHORT = 24  # rows up to this length are sorted by insertion


@kernel
def count(source, row):
    """Add to `row` (int32[sources]) the number of synapses of each source in `source`."""
    for k in range(source.size):
        row[source[k]] += 1


@kernel
def scatter(source, target, ordinal, cursor, record):
    """Put (target, ordinal) of synapses into the rows of their sources, at `cursor`, which moves on."""
    for k in range(source.size):
        q = cursor[source[k]]
        cursor[source[k]] = q + 1
        record[q].slot = target[k]
        record[q].bits = ordinal[k]


@kernel
def scatter_cells(source, degree, first, cursor, record):
    """As `scatter` for targets first, first + 1, ... with `degree` synapses each, ordinals counted from 0 in each.

    About 4 ns a synapse, bound by the latency of scattered writes.
    """
    k = 0
    for t in range(first, first + source.size // degree):
        for d in range(degree):
            q = cursor[source[k]]
            cursor[source[k]] = q + 1
            record[q].slot = t
            record[q].bits = d
            k += 1


@kernel
def gather(record, begin, number, degree, target, ordinal):
    """Read what was scattered into rows, `number[r]` synapses from begin[r] on; degree 0: by `scatter`."""
    n = 0
    for r in range(begin.size):
        for q in range(begin[r], begin[r] + number[r]):
            target[n] = record[q].slot
            ordinal[n] = np.int64(record[q].slot) * degree + record[q].bits
            n += 1


@kernel
def ticks(delay, unit, out):
    """Delays in ms as ticks of the grid: rounded, at least 1."""
    for k in range(delay.size):
        out[k] = max(1, np.int32(np.rint(delay[k] / unit)))


@kernel
def rounded(delay):
    """Round float64 delays to 13 significant bits, in place."""
    bits = delay.view(np.int64)
    for k in range(bits.size):
        bits[k] = ((bits[k] + (1 << 39)) >> 40) << 40


@kernel
def codes(delay, low, place, out):
    """Places of rounded delays in the table of delays; `place` is by their leading bits, from `low` on."""
    bits = delay.view(np.int64)
    for k in range(bits.size):
        out[k] = place[(bits[k] >> 40) - low]


@kernel
def extremes(values, low, high):
    """The smallest and largest of `values`, `low` and `high`."""
    for k in range(values.size):
        low = min(low, values[k])
        high = max(high, values[k])
    return low, high


@kernel
def place(segment, slot, bits, code, part, me, row_start, cap, record, slice_delay, slice_end, slices):
    """Sort the rows of a block and write those of part `me`; `slices` gets the number of slices of each row.

    segment : int64[projections, rows + 1], where the synapses of a projection and row are in slot, bits and code
    part : part of each synapse, empty where there is one part
    row_start, cap : int64[rows], where the synapses and the slices of each row are written
    Stable, so that the order of (projection, ordinal) decides last. About 10 ns a synapse of a row of 4,000, two
    passes of 11 bits by slot and one by delay, bound by the latency of dependent loads from cache; 2 ns where rows
    come sorted.
    """
    longest = 1
    for r in range(segment.shape[1] - 1):
        n = 0
        for p in range(segment.shape[0]):
            n += segment[p, r + 1] - segment[p, r]
        longest = max(longest, n)
    key, order = np.empty(longest, np.uint64), np.empty(longest, np.int32)
    spare, histogram = np.empty(longest, np.int32), np.empty(2048, np.int32)
    origin = np.empty(longest, np.int32)
    for r in range(segment.shape[1] - 1):
        n = _collect(segment, r, slot, code, part, me, key, origin)
        done = _sort(key[:n], order, spare, histogram)
        q, s, last = row_start[r], cap[r], np.int64(-1)
        for i in range(n):
            k = done[i]
            delay = np.int64(key[k] >> _32)
            record[q + i].slot = slot[origin[k]]
            record[q + i].bits = bits[origin[k]]
            if delay != last:
                if i:
                    slice_end[s] = i
                    s += 1
                slice_delay[s] = delay
                last = delay
        if n:
            slice_end[s] = n
            s += 1
        slices[r] = s - cap[r]


@kernel
def _collect(segment, r, slot, code, part, me, key, origin):
    """Keys (delay, slot) of one row and part, in the order of (projection, ordinal); returns their number."""
    n = 0
    for p in range(segment.shape[0]):
        for k in range(segment[p, r], segment[p, r + 1]):
            if part.size == 0 or part[k] == me:
                key[n] = (np.uint64(code[k]) << _32) | np.uint64(slot[k])
                origin[n] = k
                n += 1
    return n


@kernel
def _sort(key, order, spare, histogram):
    """Stable order of keys: insertion where they are few, else radix sort by the bits that differ."""
    n = key.size
    differ, sorted_ = np.uint64(0), True
    for i in range(n):
        order[i] = i
        differ |= key[i] ^ key[0]
        sorted_ &= i == 0 or key[i - 1] <= key[i]
    if sorted_:
        return order
    if n <= _SHORT:
        for i in range(1, n):
            j = i
            while j > 0 and key[order[j - 1]] > key[i]:
                order[j] = order[j - 1]
                j -= 1
            order[j] = i
        return order
    width = 11 if n >= 512 else 8
    shift = 0
    while shift < 64:
        bits = differ >> np.uint64(shift)
        if not bits:
            break
        if not bits & np.uint64(1):  # nothing to sort by here
            shift += 1
            continue
        order, spare = _pass(key, order, spare, histogram, shift, width), order
        shift += width
    return order


@kernel
def _pass(key, order, spare, histogram, shift, width):
    mask = np.uint64((1 << width) - 1)
    move = np.uint64(shift)
    for b in range(1 << width):
        histogram[b] = 0
    for i in range(key.size):
        histogram[(key[i] >> move) & mask] += 1
    total = 0
    for b in range(1 << width):
        n = histogram[b]
        histogram[b] = total
        total += n
    for i in range(key.size):
        b = (key[order[i]] >> move) & mask
        spare[histogram[b]] = order[i]
        histogram[b] += 1
    return spare


@kernel
def close_up(cap, slices, slice_delay, slice_end, row):
    """Move the slices of rows together, in place; `row` (int64[rows + 1]) gets the first of each row."""
    n = 0
    for g in range(slices.size):
        row[g] = n
        for s in range(cap[g], cap[g] + slices[g]):
            slice_delay[n] = slice_delay[s]
            slice_end[n] = slice_end[s]
            n += 1
    row[slices.size] = n

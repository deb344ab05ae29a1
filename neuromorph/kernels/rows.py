"""Synapses into their rows: counted, put there by cells, sorted by (delay, slot) and written as 8-byte records."""

from __future__ import annotations

import numpy as np

from neuromorph.kernels.jit import kernel

_32 = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_SHORT = 24  # rows up to this length are sorted by insertion


@kernel
def count(source, row):
    """Add to `row` (int32[sources]) the number of synapses of each source in `source`."""
    for k in range(source.size):
        row[source[k]] += 1


@kernel(forceinline=True)
def _part(cell, edges):
    part = 0
    for e in range(1, edges.size - 1):
        part += cell >= edges[e]
    return part


@kernel
def parts_of(cell, edges, out):
    """The part that owns each cell: part p has the cells edges[p] .. edges[p + 1] - 1."""
    for k in range(cell.size):
        out[k] = _part(cell[k], edges)


@kernel
def count_by_part(target, start, edges, number):
    """Add to `number` (int32[parts, sources]) the synapses of each source, start[r] .. start[r + 1] - 1, by part."""
    for r in range(start.size - 1):
        for k in range(start[r] - start[0], start[r + 1] - start[0]):
            number[_part(target[k], edges), r] += 1


@kernel
def scatter(source, target, ordinal, cursor, record):
    """Put (target, ordinal) of synapses into the rows of their sources, at `cursor`, which moves on."""
    for k in range(source.size):
        q = cursor[source[k]]
        cursor[source[k]] = q + 1
        record[q]["slot"] = target[k]
        record[q]["bits"] = ordinal[k]


@kernel
def scatter_cells(source, degree, first, cursor, record):
    """As `scatter` for targets first, first + 1, ... with `degree` synapses each, ordinals counted from 0 in each.

    About 6 ns a synapse, bound by the latency of scattered writes; 25 ns where the system gives the memory for the
    first time.
    """
    k = 0
    for t in range(first, first + source.size // degree):
        for d in range(degree):
            q = cursor[source[k]]
            cursor[source[k]] = q + 1
            record[q]["slot"] = t
            record[q]["bits"] = d
            k += 1


@kernel
def gather(record, begin, number, degree, target, ordinal):
    """Read what was scattered into rows, `number[r]` synapses from begin[r] on; degree 0: by `scatter`."""
    n = 0
    for r in range(begin.size):
        for q in range(begin[r], begin[r] + number[r]):
            target[n] = record[q]["slot"]
            ordinal[n] = np.int64(record[q]["slot"]) * degree + record[q]["bits"]
            n += 1


@kernel
def ticks(delay, unit, out):
    """Delays in ms as ticks of the grid: rounded, at least 1, at most 2^31 - 1."""
    for k in range(delay.size):
        out[k] = np.int32(min(max(1.0, np.rint(delay[k] / unit)), 2147483647.0))


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
    Stable, so that the order of (projection, ordinal) decides last. 12 ns a synapse of
    a row of 4,000 with 75 delays, three passes of 4 ns, bound by dependent stores and the second level of cache; 20 ns
    in rows of 100; 3 ns where rows come sorted. Memory that the system gives for the first time costs up to 8 ns more.
    """
    longest = 1
    for r in range(segment.shape[1] - 1):
        n = 0
        for p in range(segment.shape[0]):
            n += segment[p, r + 1] - segment[p, r]
        longest = max(longest, n)
    key, spare_key = np.empty(longest, np.uint64), np.empty(longest, np.uint64)
    origin, spare_origin = np.empty(longest, np.int32), np.empty(longest, np.int32)
    histogram = np.empty(2048, np.int32)
    for r in range(segment.shape[1] - 1):
        n = _collect(segment, r, slot, code, part, me, key, origin)
        if _sort(key, origin, spare_key, spare_origin, histogram, n):
            key, spare_key = spare_key, key
            origin, spare_origin = spare_origin, origin
        into = record[row_start[r] : row_start[r] + n]
        s, last = cap[r], np.int64(-1)
        for i in range(into.size):
            delay = np.int64(key[i] >> _32)
            into[i]["slot"] = np.int32(key[i] & _LOW)
            into[i]["bits"] = bits[origin[i]]
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
def _sort(key, origin, spare_key, spare_origin, histogram, n):
    """Sort n keys with their origins, stable: by insertion where they are few, else by radix, the bits that differ.

    Returns whether the result is in the spare arrays.
    """
    differ, ascend = np.uint64(0), True
    for i in range(1, n):
        differ |= key[i] ^ key[0]
        ascend &= key[i - 1] <= key[i]
    if ascend:
        return False
    if n <= _SHORT:
        for i in range(1, n):
            k, o, j = key[i], origin[i], i
            while j > 0 and key[j - 1] > k:
                key[j], origin[j] = key[j - 1], origin[j - 1]
                j -= 1
            key[j], origin[j] = k, o
        return False
    width = 11 if n >= 512 else 8
    moved = False
    shift = 0
    while shift < 64 and differ >> np.uint64(shift):
        if not (differ >> np.uint64(shift)) & np.uint64(1):  # nothing to sort by here
            shift += 1
            continue
        if moved:
            _pass(spare_key, spare_origin, key, origin, histogram, n, shift, width)
        else:
            _pass(key, origin, spare_key, spare_origin, histogram, n, shift, width)
        moved = not moved
        shift += width
    return moved


@kernel
def _pass(key, origin, to_key, to_origin, histogram, n, shift, width):
    """One pass of the radix sort, by `width` bits from `shift` on."""
    mask = np.uint64((1 << width) - 1)
    move = np.uint64(shift)
    for b in range(1 << width):
        histogram[b] = 0
    for i in range(n):
        histogram[np.int64((key[i] >> move) & mask)] += 1
    total = np.int64(0)
    for b in range(1 << width):
        among = histogram[b]
        histogram[b] = total
        total += among
    for i in range(n):
        b = np.int64((key[i] >> move) & mask)  # type: ignore[assignment]
        q = histogram[b]
        to_key[q] = key[i]
        to_origin[q] = origin[i]
        histogram[b] = q + 1


@kernel
def close_up(cap, slices, slice_delay, slice_end, row):
    """Move the slices of rows together, in place; `row` (int[rows + 1]) gets the first of each row."""
    n = 0
    for g in range(slices.size):
        row[g] = n
        for s in range(cap[g], cap[g] + slices[g]):
            slice_delay[n] = slice_delay[s]
            slice_end[n] = slice_end[s]
            n += 1
    row[slices.size] = n

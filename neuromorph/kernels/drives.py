"""Poisson counts on the grid, in blocks of 512 cells: by cell, or where they are rare by block.

**By cell**: one Philox number serves eight cells, sixteen bits each. Of the 65536 values that a word can have, count n
owns floor(65536 P(n)), in ascending order; the few values that are left (one in ten thousand) stand for what rounding
down took from the counts: then the count is the smallest n at which the sum of P(k) - floor(65536 P(k)) / 65536 over
k <= n exceeds that fraction of its whole which a uniform number of its own says. The law is exact to about 2^-50.

Cell i belongs to block b = i // 512, at place c = i % 512 in it; its word is the lower (c even) or upper half (c odd)
of word c // 128 of philox(counter (tick, 64 b + (c // 2) % 64, stream)).

**By block**, where all cells have one mean at all times and it is below 1/8 (fewer than 64 events in a full block): the
total of the m cells of block b in a tick is the smallest n whose distribution function of mean m * mean exceeds the
uniform number (stream, entity b, index tick). Its event j is of cell (word * m) >> 32 of the block, `word` being word
j & 3 of philox(counter (tick, 64 b + (j >> 2), stream + 1)). A Poisson number of events spread uniformly is independent
Poisson counts again; what differs is that a last block whose m is no power of two has cells that are up to 2^-23 more
likely than others, since words have 32 bits. Rates in steps and rates that differ between cells are drawn by cell.
"""

from __future__ import annotations

import numpy as np
from numba import uint32, uint64

from neuromorph.kernels.elementary import exp
from neuromorph.kernels.jit import kernel
from neuromorph.kernels.lists import enlist, no_lists
from neuromorph.kernels.rng import philox, poisson_quantile, uniform

BLOCK = 512
LANES = 64
#: smaller means are drawn by block
RARE = 64.0 / BLOCK
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_16 = np.uint32(16)
_LOW16 = np.uint32(0xFFFF)
WORDS = 65536
PASS = 12  # thresholds that words are compared with at a time
SURELY = 1e-18  # terms of the law beyond its mean that are left out


@kernel
def thresholds(mean):
    """Ends of the words that belong to 0, 1, ... events, uint16[12 n]; words from the last end on belong to none."""
    found = np.empty(1024, np.uint16)
    term = exp(-mean)
    total = 0
    n = 0
    while n < 1023 and (n <= mean or term * WORDS >= 1.0):
        total += int(term * WORDS)
        found[n] = np.uint16(total)
        n += 1
        term *= mean / n
    found[n:] = np.uint16(total)
    return found[: (n + PASS - 1) // PASS * PASS].copy()


@kernel
def count_of_one(mean, key, entity, tick):
    """Count of one cell in one tick; `key` is (seed, stream); the rest comes from stream + 1."""
    c = entity % BLOCK
    w0, w1, w2, w3 = philox(
        uint32(uint64(tick) & _LOW),
        uint32(uint64(tick) >> _32),
        uint32(LANES * (entity // BLOCK) + (c // 2) % LANES),
        uint32(uint64(key[1]) & _LOW),
        uint32(uint64(key[0]) & _LOW),
        uint32(uint64(key[0]) >> _32),
    )
    plane = c // 128
    word = w0 if plane == 0 else (w1 if plane == 1 else (w2 if plane == 2 else w3))
    half = np.int64(word >> _16) if c % 2 else np.int64(word & _LOW16)
    term = exp(-mean)
    end = 0
    n = 0
    while n <= mean or term * WORDS >= 1.0:
        end += int(term * WORDS)
        if half < end:
            return n
        n += 1
        term *= mean / n
    return _left(mean, end, uniform(key[0], key[1] + 1, entity, tick))


@kernel
def _left(mean, end, u):
    """The count of a cell whose word, `end` or above, belongs to no count."""
    goal = u * (1.0 - end / WORDS)
    term = exp(-mean)
    total = term - np.floor(term * WORDS) / WORDS
    n = 0
    while total <= goal and (n <= mean or term > SURELY):
        n += 1
        term *= mean / n
        total += term - np.floor(term * WORDS) / WORDS
    return n


@kernel
def words(tick, block, seed, stream, out):
    """The 256 words of a block into uint32[256]: four planes of 64. About 0.2 ns per cell, bound by multiplications."""
    # 64-bit lanes throughout: products of 32-bit numbers stay one instruction, and the loop becomes SIMD
    m0, m1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
    low, high = uint64(tick) & _LOW, uint64(tick) >> _32
    first, name = uint64(block * LANES), uint64(stream) & _LOW
    s0, s1 = uint64(seed) & _LOW, uint64(seed) >> _32
    plane0, plane1, plane2, plane3 = out[:64], out[64:128], out[128:192], out[192:256]
    for lane in range(LANES):
        c0, c1, c2, c3 = low, high, uint64(first + uint64(lane)), name
        k0, k1 = s0, s1
        for _ in range(10):
            # what stands above the lower 32 bits is left there: the product ignores it
            p0 = m0 * (c0 & _LOW)
            p1 = m1 * (c2 & _LOW)
            c0 = (p1 >> _32) ^ c1 ^ k0
            c1 = p1
            c2 = (p0 >> _32) ^ c3 ^ k1
            c3 = p0
            k0 = (k0 + np.uint64(0x9E3779B9)) & _LOW
            k1 = (k1 + np.uint64(0xBB67AE85)) & _LOW
        plane0[lane] = uint32(c0 & _LOW)
        plane1[lane] = uint32(c1 & _LOW)
        plane2[lane] = uint32(c2 & _LOW)
        plane3[lane] = uint32(c3 & _LOW)


@kernel(forceinline=True)
def _above(u, a, b, c, d):
    """How many of four thresholds a word reaches; sixteen bits throughout: numba would widen a sum to sixty-four."""
    two = np.uint16(np.uint16(u >= a) + np.uint16(u >= b))
    return np.uint16(two + np.uint16(np.uint16(u >= c) + np.uint16(u >= d)))


@kernel
def counts(tick, block, mean, limits, key, words32, words16, out):
    """Counts of the cells of a block in one tick, into uint16[512].

    `limits` are the thresholds of `mean`; words32 uint32[256] and words16 uint16[512] are one scratch buffer. A pass of
    twelve thresholds costs 0.2 ns a cell, bound by comparisons.
    """
    words(tick, block, key[0], key[1], words32)
    for i in range(out.size):
        out[i] = 0
    for k in range(0, limits.size, PASS):
        a, b, c, d = limits[k], limits[k + 1], limits[k + 2], limits[k + 3]
        e, f, g, h = limits[k + 4], limits[k + 5], limits[k + 6], limits[k + 7]
        p, q, r, s = limits[k + 8], limits[k + 9], limits[k + 10], limits[k + 11]
        for i in range(out.size):
            u = words16[i]
            eight = np.uint16(_above(u, a, b, c, d) + _above(u, e, f, g, h))
            out[i] = np.uint16(out[i] + np.uint16(eight + _above(u, p, q, r, s)))
    end = limits[limits.size - 1]
    over = np.uint16(0)
    for i in range(out.size):
        over = np.uint16(over | np.uint16(words16[i] >= end))
    if over:  # one block in twenty
        for i in range(out.size):
            if words16[i] >= end:
                u = uniform(key[0], key[1] + 1, block * BLOCK + i, tick)
                out[i] = np.uint16(_left(mean, np.int64(end), u))


@kernel
def drive(tick, low, high, mean, limits, key, weight, slot, input, scratch, lists):
    """Add weight[i] * count to input[slot + i] for the cells low..high-1 of a Poisson input; returns their sum.

    `tick` is that of the emission; `scratch` (uint32[256], its uint16[512] view, uint16[512]).
    """
    if mean < RARE:
        return drive_rarely(tick, low, high, mean, key, weight, slot, input, scratch, lists)
    into = input[slot : slot + weight.size]
    words32, words16, found = scratch
    total = np.int64(0)
    block = low // BLOCK
    number = into.dtype.type
    while block * BLOCK < high:
        first = max(low, block * BLOCK)
        last = min(high, (block + 1) * BLOCK)
        counts(tick, block, mean, limits, key, words32, words16, found)
        n = found[first - block * BLOCK : last - block * BLOCK]
        to = into[first:last]
        w = weight[first:last]
        drawn = np.uint16(0)
        for i in range(n.size):
            to[i] += number(np.int32(n[i])) * w[i]
        for i in range(n.size):
            drawn = np.uint16(drawn + n[i])
        total += np.int64(drawn)
        block += 1
    return total


@kernel
def pick(tick, block, cells, total, key, picked, found):
    """The cells of the events of a block into picked[:total], and how many events each has into `found` at its place.

    `total` has at most 53 bits of luck, which is about 140 for a mean of 64: it fits into uint32[256]. 3 ns an event.
    """
    w0, w1, w2, w3 = uint32(0), uint32(0), uint32(0), uint32(0)
    for j in range(total):
        if j & 3 == 0:
            w0, w1, w2, w3 = philox(
                uint32(uint64(tick) & _LOW),
                uint32(uint64(tick) >> _32),
                uint32(LANES * block + (j >> 2)),
                uint32(uint64(key[1] + 1) & _LOW),
                uint32(uint64(key[0]) & _LOW),
                uint32(uint64(key[0]) >> _32),
            )
        place = (uint64(w0) * uint64(cells)) >> _32
        picked[j] = uint32(place)
        found[place] = 0
        w0, w1, w2 = w1, w2, w3
    for j in range(total):
        found[picked[j]] += np.uint16(1)


@kernel
def total_of_block(mean, none, key, block, tick):
    """Events of a block in a tick; `mean` is that of the whole block, `none` exp(-mean). About 10 ns where none is."""
    u = uniform(key[0], key[1], block, tick)
    return 0 if u < none else poisson_quantile(mean, u)


@kernel
def drive_rarely(tick, low, high, mean, key, weight, slot, input, scratch, lists):
    """`drive` by block: parts that share a block draw all of it, and each keeps its own cells.

    Only here cells are put on active lists: lazy populations have no other drives, which have more arrivals.
    """
    listing = lists[0].size > 0
    picked, _, found = scratch
    drawn = np.int64(0)
    size = weight.size
    none = exp(-mean * BLOCK)
    for block in range(low // BLOCK, (high + BLOCK - 1) // BLOCK):
        first = block * BLOCK
        cells = min(BLOCK, size - first)
        if cells < BLOCK:
            none = exp(-mean * cells)
        total = total_of_block(mean * cells, none, key, block, tick)
        if total == 0:
            continue
        pick(tick, block, cells, total, key, picked, found)
        for j in range(total):
            place = np.int64(picked[j])
            i = first + place
            if found[place] > 0 and low <= i < high:
                input[slot + i] += float(found[place]) * weight[i]
                if listing:
                    enlist(slot + i, lists)
                drawn += np.int64(found[place])
                found[place] = 0  # a cell that was picked twice has got its count
    return drawn


@kernel
def drive_cells(tick, low, high, input, first, last, drives, scratch, lists):
    """Everything that the drives first..last-1 add at one tick to the cells low..high-1; returns the number of events.

    `drives`: table int64[drives, 9] (slot of cell 0, low, high, delay, last tick before the drive begins, ends of its
    limits, ends of its weights), means, limits, keys, weights, and the totals that are added to.
    """
    table, mean, limits, key, weight, totals = drives
    events = 0
    for d in range(first, last):
        emitted = tick - table[d, 3]
        if emitted > table[d, 4]:
            w = weight[table[d, 7] : table[d, 8]]
            own = limits[table[d, 5] : table[d, 6]]
            total = drive(emitted, low, high, mean[d], own, key[d], w, table[d, 0], input, scratch, lists)
            totals[d] += total
            events += total
    return events


@kernel
def drive_ticks(first, last, ring, table, mean, limits, key, weight, totals, words32, words16, found):
    """`drive_cells` of all drives for the ticks first..last, into the rows of a ring of inputs."""
    events = 0
    scratch, lists = (words32, words16, found), no_lists()
    drives = (table, mean, limits, key, weight, totals)
    for tick in range(first, last + 1):
        row = ring[tick % ring.shape[0]]
        for d in range(table.shape[0]):
            events += drive_cells(tick, table[d, 1], table[d, 2], row, d, d + 1, drives, scratch, lists)
    return events

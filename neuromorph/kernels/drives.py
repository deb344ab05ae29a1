"""Poisson counts on the grid, in blocks of 512 cells: by cell, or where they are rare by block.

**By cell**: one Philox number serves eight cells, sixteen bits each. The count of a cell in a tick is the smallest n
whose distribution function exceeds u = (word + rest) / 65536, with a 16-bit `word` and `rest` a uniform number of its
own. Mostly the word alone decides: only where it equals a threshold floor(65536 P(count <= n)) the rest is drawn. The
law is exact to the 69 bits of u.

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
_15 = np.uint16(15)
UNDECIDED = np.uint16(0x8000)
_LOW16 = np.uint32(0xFFFF)


@kernel
def thresholds(mean):
    """Words that do not decide alone, uint16[4 n]: floor(65536 P(count <= k)) for k = 0, 1, ...; the last are 65535."""
    found = np.full(1024, np.uint16(65535))
    term = exp(-mean)
    total = term
    n = 0
    while n < 1023:
        found[n] = np.uint16(min(65535.0, total * 65536.0))
        n += 1
        if found[n - 1] == 65535:
            break
        term *= mean / n
        total += term
    return found[: (n + 3) // 4 * 4].copy()


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
    half = uint32(word >> _16) if c % 2 else uint32(word & _LOW16)
    return _decided(mean, half, key, entity, tick)


@kernel
def _decided(mean, word, key, entity, tick):
    """The count of a cell whose word is known, its rest drawn."""
    return poisson_quantile(mean, (float(word) + uniform(key[0], key[1] + 1, entity, tick)) / 65536.0)


@kernel
def words(tick, block, seed, stream, out):
    """The 256 words of a block into uint32[256]: four planes of 64. About 0.3 ns per cell, bound by multiplications."""
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
            p0 = m0 * c0
            p1 = m1 * c2
            c0 = (p1 >> _32) ^ c1 ^ k0
            c1 = p1 & _LOW
            c2 = (p0 >> _32) ^ c3 ^ k1
            c3 = p0 & _LOW
            k0 = (k0 + np.uint64(0x9E3779B9)) & _LOW
            k1 = (k1 + np.uint64(0xBB67AE85)) & _LOW
        plane0[lane] = uint32(c0)
        plane1[lane] = uint32(c1)
        plane2[lane] = uint32(c2)
        plane3[lane] = uint32(c3)


@kernel
def counts(tick, block, cells, mean, limits, key, words32, words16, out):
    """Counts of the first `cells` cells of a block in one tick, into uint16[512].

    `limits` are the thresholds of `mean`; words32 uint32[256] and words16 uint16[512] are one scratch buffer.
    """
    words(tick, block, key[0], key[1], words32)
    tied = np.uint16(0)
    for i in range(out.size):
        out[i] = 0
    for k in range(0, limits.size, 4):
        a, b, c, d = limits[k], limits[k + 1], limits[k + 2], limits[k + 3]
        for i in range(out.size):
            u = words16[i]
            # sixteen bits throughout: numba would widen a sum to sixty-four
            two = np.uint16(np.uint16(u > a) + np.uint16(u > b))
            four = np.uint16(two + np.uint16(np.uint16(u > c) + np.uint16(u > d)))
            tie = np.uint16((u == a) | (u == b) | (u == c) | (u == d))
            out[i] = np.uint16(np.uint16(out[i] + four) | np.uint16(tie << _15))
            tied = np.uint16(tied | tie)
    if tied:  # one block in a few: its undecided cells carry the highest bit
        for i in range(out.size):
            if out[i] >= UNDECIDED:
                out[i] = _decided(mean, uint32(words16[i]), key, block * BLOCK + i, tick)


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
    while block * BLOCK < high:
        first = max(low, block * BLOCK)
        last = min(high, (block + 1) * BLOCK)
        counts(tick, block, last - block * BLOCK, mean, limits, key, words32, words16, found)
        n = found[first - block * BLOCK : last - block * BLOCK]
        to = into[first:last]
        w = weight[first:last]
        for i in range(n.size):
            to[i] += float(n[i]) * w[i]
            total += np.int64(n[i])
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

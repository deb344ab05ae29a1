"""Exact mode by sums (kernels/dense.py): what drives send to cells that have many arrivals in every window."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np

from neuromorph.kernels.elementary import exp
from neuromorph.kernels.exact import DONE, EVENTS, MARKS, MORE_DRIVEN, MORE_OWN, NEEDED, PLACE, POPULATION
from neuromorph.kernels.gaps import BLOCK, _minus_log, _uniforms
from neuromorph.kernels.instants import normalise
from neuromorph.kernels.jit import kernel

#: potentials are multiples of it (mV), and sums of up to 2^11 mV exact
QUANTUM = 2.0**-42
_ROUND = 1536.0  # 1.5 * 2^52 quanta: adding it rounds to a multiple
#: far more than rounding: what is nearer to threshold, or to an end, is looked at one by one
SLACK = 1e-9
#: more places in `marks`: the bin, flagged cells of the bin, its first batch, whether the rows are to be read, arrivals
#: of drives
BIN, FLAGGED, FIRST, FRESH, DRIVEN, ALL_MARKS = range(MARKS, MARKS + 6)
#: columns of `populations`: first neuron, first id, cells of the part, slot of cell 0
NEURON, ID, LOW, HIGH, SLOT = range(5)
#: cells whose arrivals are drawn together
CHUNK = 32
_ONE, _3 = np.uint64(1), np.uint64(3)

#: sums of jumps up and down, [bin, sign, slot]; cells that are looked at one by one, by slot; their list; place on it
Sums = collections.namedtuple("Sums", "jumps near flagged place")
#: arrivals of drives, cell by cell, and where a driven cell's begin and end
Driven = collections.namedtuple("Driven", "time begin end")
#: what drawing takes for CHUNK cells: see `emit` and `place`
Chunk = collections.namedtuple(
    "Chunk", "last base offset count lanes entity index even odd gaps emitted rise which local"
)


@kernel(forceinline=True)
def rounded(x):
    """The multiple of QUANTUM nearest to x (mV)."""
    return (x + _ROUND) - _ROUND


@kernel(forceinline=True)
def bin_of(t, per_ms, bins):
    """The bin of an offset: rounding may put it into a neighbour, but equal offsets are in one."""
    return min(int(t * per_ms), bins - 1)


@kernel(counted=False)
def draw(base, high, unit, tau, seed, populations, constants, marks, drives, driven, chunk, sums):
    """Arrivals of the drives up to (base, high), cell by cell, and their jumps into the sums; DONE or what must grow.

    About 9.4 ns an arrival: 2.4 for random numbers and logarithms, 1.4 for the factor of its jump, 3.3 for the chain of
    emissions, 2.2 to add. Cells as SIMD lanes, one row of events below the other, took 14: lanes that are done wait.
    """
    while marks[POPULATION] < populations.shape[0]:
        p = marks[POPULATION]
        low_cell, high_cell = populations[p, LOW], populations[p, HIGH]
        per_drive = (high_cell - low_cell + CHUNK - 1) // CHUNK
        while marks[PLACE] < (drives.of[p + 1] - drives.of[p]) * per_drive:
            d = drives.of[p] + marks[PLACE] // per_drive
            first = low_cell + marks[PLACE] % per_drive * CHUNK
            n = min(CHUNK, high_cell - first)
            most = n * chunk.emitted.shape[1]
            if marks[DRIVEN] + most > driven.time.size:
                marks[NEEDED] = 2 * driven.time.size + most
                return MORE_DRIVEN
            if not emit(base, high, unit, seed, d, first, n, drives, chunk):
                marks[NEEDED] = 2 * chunk.emitted.shape[1]
                return MORE_OWN
            place(d, first, n, populations[p, SLOT], unit, tau, marks, drives, driven, chunk, sums)
            marks[PLACE] += 1
        marks[POPULATION] = p + 1
        marks[PLACE] = 0
    marks[EVENTS] += marks[DRIVEN]
    return DONE


@kernel(counted=False)
def emit(base, high, unit, seed, d, first_cell, n, drives, chunk):
    """Emissions of n cells of a drive that arrive up to (base, high); False where a cell has more than there is room.

    Cells that have used up their gaps get the next BLOCK of them together, for that is done in SIMD.
    """
    drawn, next_base, next_offset, blocks = drives.drawn, drives.next_base, drives.next_offset, drives.block
    delay, interval, stream, of = drives.delay[d], drives.interval[d], drives.stream[d], drives.first[d] + first_cell
    last, bases, offsets, count, lanes = chunk.last, chunk.base, chunk.offset, chunk.count, chunk.lanes
    emitted, gaps, kept = chunk.emitted, chunk.gaps, drives.gaps
    room = emitted.shape[1] - BLOCK
    waiting = 0
    for m in range(n):
        c = of + m
        last[m], bases[m], offsets[m], count[m] = drawn[c], next_base[c], next_offset[c], 0
        if drawn[c] >= 0:
            if not _due(bases[m] - base, offsets[m], delay, high, unit):
                continue
            emitted[m, 0] = _arrival(bases[m] - base, offsets[m], delay, unit)
            count[m] = 1
        lanes[waiting] = m
        waiting += 1
    fresh = False
    while waiting > 0:
        if fresh:
            _fill(seed, stream, first_cell, waiting, chunk)
        still = 0
        for k in range(waiting):
            lane: Any = np.uint64(lanes[k])
            cell: Any = np.uint64(of) + lane
            j, b, o = last[lane], bases[lane] - base, offsets[lane]
            q: Any = np.uint64(count[lane])
            if q > room:
                return False
            block: int = (j + 1) // BLOCK
            step: Any = np.uint64((j + 1) % BLOCK)
            more = True
            if fresh or blocks[cell] == block:
                behind = b * unit
                soon = high - delay - behind - SLACK
                row = gaps[k] if fresh else kept[cell]
                while step < BLOCK:
                    o += row[step] * interval
                    step += _ONE
                    if o > unit:
                        b, o = normalise(b, o, unit)
                        behind = b * unit
                        soon = high - delay - behind - SLACK
                    if o > soon and not _due(b, o, delay, high, unit):
                        more = False
                        break
                    emitted[lane, q] = (o + delay) + behind
                    q += _ONE
                last[lane], bases[lane], offsets[lane], count[lane] = (
                    block * BLOCK + np.int64(step) - 1,
                    b + base,
                    o,
                    np.int64(q),
                )
            if more:
                lanes[still] = np.int64(lane)
                still += 1
            elif fresh:
                blocks[cell] = block
                for g in range(BLOCK):
                    kept[cell, g] = gaps[k, g]
        waiting = still
        fresh = True
    for m in range(n):
        drawn[of + m], next_base[of + m], next_offset[of + m] = last[m], bases[m], offsets[m]
    return True


@kernel(forceinline=True)
def _due(ahead, offset, delay, high, unit):
    # whether what is emitted at offset of the window that lies `ahead` of the present one arrives up to `high` of this
    window, at = normalise(ahead, offset + delay, unit)
    return window < 0 or (window == 0 and at <= high)


@kernel(forceinline=True)
def _arrival(ahead, offset, delay, unit):
    # offset in the present window of what arrives there: `normalise` without its division, but for the window's end
    return (offset + delay) + ahead * unit


@kernel(counted=False)
def _fill(seed, stream, first_cell, n, chunk):
    # the next block of gaps of each waiting cell
    lanes, last, entity, index, gaps = chunk.lanes, chunk.last, chunk.entity, chunk.index, chunk.gaps
    calls = BLOCK // 2
    for k in range(n):
        m = lanes[k]
        for q in range(calls):
            entity[k * calls + q] = first_cell + m
            index[k * calls + q] = (last[m] + 1) // BLOCK * calls + q
    flat = gaps.reshape(gaps.size)
    even, odd = chunk.even[: n * calls], chunk.odd[: n * calls]
    _uniforms_of(seed, stream, entity, index, even, odd)
    _logs_of(even, odd, flat)


@kernel(disjoint=True, counted=False)
def _uniforms_of(seed, stream, entity, index, even, odd):
    for k in range(even.size):
        even[k], odd[k] = _uniforms(seed, stream, entity[k], index[k])


@kernel(disjoint=True, counted=False)
def _logs_of(even, odd, gaps):
    for k in range(even.size):
        even[k] = _minus_log(even[k])
    for k in range(odd.size):
        odd[k] = _minus_log(odd[k])
    for k in range(odd.size):
        gaps[2 * k] = even[k]
        gaps[2 * k + 1] = odd[k]


@kernel(counted=False)
def place(d, first_cell, n, slot0, unit, tau, marks, drives, driven, chunk, sums):
    """From emissions to arrivals, in one list, and the sums of their jumps."""
    emitted, count, rise, which, local = chunk.emitted, chunk.count, chunk.rise, chunk.which, chunk.local
    times, begins, ends, weights = driven.time, driven.begin, driven.end, drives.weight
    of = drives.first[d] + first_cell
    bins = sums.jumps.shape[0]
    begin = marks[DRIVEN]
    at = np.uint64(begin)
    for m in range(n):
        begins[of + m] = np.int64(at)
        for k in range(np.uint64(count[m])):
            times[at + k] = emitted[m, k]
        at += np.uint64(count[m])
        ends[of + m] = np.int64(at)
    end = np.int64(at)
    _factors(unit, 1.0 / tau, bins / unit, bins - 1.0, times[begin:end], rise, which)
    inhibiting = 0
    # four sums a cell and bin, for an addition must not wait for the one before it
    for m in range(n):
        weight = float(weights[of + m])
        inhibiting += 1 if weight < 0.0 else 0
        for k in range(np.uint64(begins[of + m] - begin), np.uint64(ends[of + m] - begin)):
            local[k & _3, np.uint64(which[k]), np.uint64(m)] += rounded(weight * rise[k])
    first = slot0 + first_cell
    for k in range(bins):
        _add(local[0, k, :n], local[1, k, :n], local[2, k, :n], local[3, k, :n])
        if inhibiting < n:
            _add_up(local[0, k, :n], sums.jumps[k, 0, first : first + n])
        if inhibiting > 0:
            _add_down(local[0, k, :n], sums.jumps[k, 1, first : first + n])
        local[0, k, :n] = 0.0
    marks[DRIVEN] = end


@kernel(disjoint=True, counted=False)
def _factors(unit, per_tau, per_ms, last_bin, t, rise, which):
    for k in range(t.size):
        at = unit if t[k] > unit else t[k]
        t[k] = at
        rise[k] = exp(at * per_tau)
        b = at * per_ms
        which[k] = np.int64(last_bin if b > last_bin else b)


@kernel(disjoint=True, counted=False)
def _add(a, b, c, d):
    for m in range(a.size):
        a[m] = (a[m] + b[m]) + (c[m] + d[m])
        b[m] = c[m] = d[m] = 0.0


@kernel(disjoint=True, counted=False)
def _add_up(total, up):
    for m in range(total.size):
        up[m] += total[m] if total[m] > 0.0 else 0.0


@kernel(disjoint=True, counted=False)
def _add_down(total, down):
    for m in range(total.size):
        down[m] += total[m] if total[m] < 0.0 else 0.0

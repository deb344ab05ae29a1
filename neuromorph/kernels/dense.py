"""Exact mode by sums: lif_delta cells that have many arrivals in every window.

The membrane is kept as the potential v at which it would have to stand at the window's beginning: a jump w at t counts
as w exp(t / tau_m), a factor that all cells share, and the threshold rises by it. Jumps and v are rounded to multiples
of QUANTUM, so that their sums are exact: any order, any cut gives the same bits. A window is taken in *bins*. Of a bin
the jumps up and down are summed for each cell (`deliver`), and those cells that the jumps up alone leave below threshold
are done with (`sweep`): nineteen of twenty. For the others, arrivals are looked up (`collect`) and walked through in
order (`resolve`). How a window is divided changes nothing.
"""

from __future__ import annotations

import collections

import numpy as np

from neuromorph.kernels.elementary import exp
from neuromorph.kernels.exact import (
    BASE, BATCHES, CLOSED, DONE, END, EVENTS, LAST_BASE, LAST_OFFSET, MARKS, MORE_BATCHES, MORE_DRIVEN, MORE_OWN,
    MORE_RECORDS, MORE_SPIKES, NEEDED, PHASE, PLACE, POPULATION, SPIKES, UNTIL_BASE, UNTIL_OFFSET, VARIABLES,
    close_window, gather, order_in_time,
)  # fmt: skip
from neuromorph.kernels.gaps import BLOCK, _minus_log, _uniforms
from neuromorph.kernels.instants import normalise
from neuromorph.kernels.jit import kernel
from neuromorph.kernels.prefetch import prefetch

#: potentials are multiples of it (mV), and sums of up to 2^11 mV exact
QUANTUM = 2.0**-42
_ROUND = 1536.0  # 1.5 * 2^52 quanta: adding it rounds to a multiple
#: far more than rounding: what is nearer to threshold, or to an end, is looked at one by one
SLACK = 1e-9
LONG_AGO = -(1 << 61)
#: more places in `marks`: the bin, flagged cells of the bin, its first batch, whether the rows are to be read
BIN, FLAGGED, FIRST, FRESH, DRIVEN, TAKEN, ALL_MARKS = range(MARKS, MARKS + 7)
#: what the kernels do next
FRAME, GATHER, DRAW, BINS, RESOLVE, CLOSE = range(6)
#: columns of `constants`, a row a population
GAIN, E_L, I_E, V_TH, V_RESET, T_REF = range(6)
#: columns of `populations`: first neuron, first id, cells of the part, slot of cell 0
NEURON, ID, LOW, HIGH, SLOT = range(5)
_ONE, _3, _LOW_BITS = np.uint64(1), np.uint64(3), 0xFFFFFFFF
#: cells whose arrivals are drawn together
CHUNK = 32
#: how many flagged cells ahead memory is asked for
AHEAD = 6

#: potential in the window's frame and what it tends to (mV); ms from the window's beginning to the end of refractoriness
Membranes = collections.namedtuple("Membranes", "v rest release")
#: sums of jumps up and down, [bin, sign, slot]; cells that are looked at one by one, by slot; their list; place on it
Sums = collections.namedtuple("Sums", "jumps near flagged place")
#: of each batch in order of time: exp(t / tau_m), first and last synapse
Rise = collections.namedtuple("Rise", "rise first last")
#: arrivals of drives, cell by cell, and where a driven cell's begin and end
Driven = collections.namedtuple("Driven", "time begin end")
#: what drawing takes for CHUNK cells: see `emit` and `place`
Chunk = collections.namedtuple(
    "Chunk", "last base offset count lanes entity index even odd gaps emitted rise which local"
)
#: synapses of a bin's batches that lead to flagged cells; by cell, in order of time; arrivals of one cell
Hits = collections.namedtuple("Hits", "word end start batch weight time jump source factor")


@kernel(forceinline=True)
def rounded(x):
    """The multiple of QUANTUM nearest to x (mV)."""
    return (x + _ROUND) - _ROUND


@kernel(counted=False)
def load(base, unit, tau, populations, constants, cells, membranes):
    """Take the cells' rows into the frame of window `base`."""
    row = cells.row
    v, rest, release = membranes.v, membranes.rest, membranes.release
    for p in range(populations.shape[0]):
        k = constants[p]
        for g in range(populations[p, NEURON] + populations[p, LOW], populations[p, NEURON] + populations[p, HIGH]):
            rest[g] = k[E_L] + (k[I_E] + row[g, VARIABLES + 1]) * k[GAIN]
            b, o = row[g, LAST_BASE], row[g, LAST_OFFSET]
            ub, uo = row[g, UNTIL_BASE], row[g, UNTIL_OFFSET]
            release[g] = np.inf
            if ub > b or (ub == b and uo > o):
                v[g] = -np.inf
                release[g] = (ub - base) * unit + uo
                continue
            h = (base - b) * unit - o
            value = row[g, VARIABLES]
            v[g] = rounded(value if h == 0.0 else rest[g] + (value - rest[g]) * exp(h * (-1.0 / tau)))


@kernel(counted=False)
def frame(unit, tau, populations, membranes):
    """From the frame of one window into that of the next."""
    v, rest, release = membranes.v, membranes.rest, membranes.release
    decay = exp(unit * (-1.0 / tau))
    for p in range(populations.shape[0]):
        for g in range(populations[p, NEURON] + populations[p, LOW], populations[p, NEURON] + populations[p, HIGH]):
            v[g] = rounded(rest[g] + (v[g] - rest[g]) * decay)
            release[g] -= unit


@kernel(counted=False)
def store(base, populations, cells, membranes):
    """Put the membranes back into the cells' rows, as values at the beginning of window `base`."""
    row, v, release = cells.row, membranes.v, membranes.release
    for p in range(populations.shape[0]):
        for g in range(populations[p, NEURON] + populations[p, LOW], populations[p, NEURON] + populations[p, HIGH]):
            if release[g] == np.inf:
                row[g, LAST_BASE], row[g, LAST_OFFSET] = base, 0.0
                row[g, VARIABLES] = v[g]


@kernel(counted=False)
def order_batches(n, unit, tau, batches, rise):
    """Put the batches in order of time, each with the factor that its jumps take."""
    order_in_time(n, batches.at, batches.source, batches.place, unit, batches.order, batches.head)
    order, at, scale, source = batches.order, batches.at, batches.scale, batches.source
    time, factor, origin, rises, firsts, lasts = (
        batches.time, batches.factor, batches.origin, rise.rise, rise.first, rise.last,
    )  # fmt: skip
    for e in range(n):
        k = order[e]
        time[e], factor[e], origin[e] = at[k], scale[k], source[k]
        firsts[e], lasts[e] = batches.first[k], batches.last[k]
    for e in range(n):
        rises[e] = exp(time[e] * (1.0 / tau))


@kernel(forceinline=True)
def _bin(t, per_ms, bins):
    return min(int(t * per_ms), bins - 1)


@kernel(counted=False)
def draw(base, high, unit, tau, seed, populations, constants, marks, drives, driven, chunk, sums):
    """Arrivals of the drives up to (base, high), cell by cell, and their jumps into the sums; DONE or what must grow.

    About 6 ns an arrival: 2.4 for random numbers and logarithms, 2.2 for its place and the factor of its jump.
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
            m = np.uint64(lanes[k])
            c = np.uint64(of) + m
            j, b, o, q = last[m], bases[m] - base, offsets[m], np.uint64(count[m])
            if q > room:
                return False
            block, step = (j + 1) // BLOCK, np.uint64((j + 1) % BLOCK)
            more = True
            if fresh or blocks[c] == block:
                behind = b * unit
                soon = high - delay - behind - SLACK
                while step < BLOCK:
                    o += (gaps[np.uint64(k), step] if fresh else kept[c, step]) * interval
                    step += _ONE
                    if o > unit:
                        b, o = normalise(b, o, unit)
                        behind = b * unit
                        soon = high - delay - behind - SLACK
                    if o > soon and not _due(b, o, delay, high, unit):
                        more = False
                        break
                    emitted[m, q] = (o + delay) + behind
                    q += _ONE
                last[m], bases[m], offsets[m], count[m] = block * BLOCK + np.int64(step) - 1, b + base, o, np.int64(q)
            if more:
                lanes[still] = np.int64(m)
                still += 1
            elif fresh:
                blocks[c] = block
                for step in range(BLOCK):
                    kept[c, step] = gaps[k, step]
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


@kernel(counted=False)
def deliver(first, last, batches, rise, pairs, jumps):
    """Add the jumps of batches first..last-1 to the sums of their bin. About 1.3 ns an arrival.

    The jump is worked out where the weight differs from the one before: a branch that is taken always or never.
    """
    rises, factors, begins, ends = rise.rise, batches.factor, rise.first, rise.last
    stride = np.uint64(jumps.shape[1])
    flat = jumps.reshape(jumps.size)
    for e in range(first, last):
        factor = factors[e] * rises[e]
        if e + 1 < last:
            prefetch(pairs, begins[e + 1])
        known, jump, shift = np.int64(-1), 0.0, np.uint64(0)
        for j in range(np.uint64(begins[e]), np.uint64(ends[e])):
            pair = pairs[j]
            bits = pair >> 32
            if bits != known:
                known = bits
                jump = rounded(float(np.int32(bits).view(np.float32)) * factor)
                shift = stride if bits < 0 else np.uint64(0)
            flat[np.uint64(pair & _LOW_BITS) + shift] += jump


@kernel(disjoint=True, counted=False)
def sweep(threshold, rise, end, v, rest, release, up, down, near):
    """Cells that stay below threshold take their sums; `near` says which ones have to be looked at one by one."""
    for c in range(v.size):
        u, r = v[c], rest[c]
        above = u + up[c] >= r + (threshold - r) * rise - SLACK
        flag = above | (release[c] <= end)
        near[c] = flag
        v[c] = u if flag else u + (up[c] + down[c])
        up[c] = 0.0
        down[c] = 0.0


@kernel(counted=False)
def list_near(near, first, flagged, place, n):
    """Append to `flagged` the slots first + c where near[c]; returns their new number."""
    for at in range(0, near.size, 16):
        end = min(at + 16, near.size)
        busy = 0
        for c in range(at, end):
            busy |= near[c]
        if busy:
            for c in range(at, end):
                flagged[n] = first + c
                place[first + c] = n
                n += near[c]
    return n


@kernel(counted=False)
def collect(first, last, rise, pairs, n_flagged, sums, hits):
    """Find the arrivals of flagged cells among batches first..last-1, and put them in order of (cell, time)."""
    begins, ends, near, place = rise.first, rise.last, sums.near, sums.place
    word, end, start, batch, weight = hits.word, hits.end, hits.start, hits.batch, hits.weight
    n = 0
    for e in range(first, last):
        for j in range(np.uint64(begins[e]), np.uint64(ends[e])):
            pair = pairs[j]
            word[np.uint64(n)] = pair
            n += near[np.uint64(pair & _LOW_BITS)]
        end[e] = n
    for k in range(n_flagged + 1):
        start[k] = 0
    for k in range(n):
        start[place[word[k] & _LOW_BITS] + 1] += 1
    for k in range(n_flagged):
        start[k + 1] += start[k]
    k = 0
    for e in range(first, last):
        while k < end[e]:
            f = place[word[k] & _LOW_BITS]
            q = start[f]
            start[f] = q + 1
            batch[q] = e
            weight[q] = float(np.int32(word[k] >> 32).view(np.float32))
            k += 1
    # start[f] is now the end of the cell's arrivals
    return n


@kernel(counted=False)
def resolve(base, high, unit, tau, bin_, bins, populations, constants, marks, cells, membranes, batches, rise, drives,
            driven, sums, hits, spikes):
    """Walk the flagged cells of a bin through their arrivals; DONE or what must grow."""
    row = cells.row
    v, rests, release = membranes.v, membranes.rest, membranes.release
    times, jumps, sources, factors = hits.time, hits.jump, hits.source, hits.factor
    starts, batch, weight = hits.start, hits.batch, hits.weight
    per_ms = bins / unit
    p = 0
    room = times.size - 1
    flat, width = row.reshape(row.size), row.shape[1]
    for f in range(marks[PLACE], marks[FLAGGED]):
        if f + AHEAD < marks[FLAGGED]:  # scattered lines of memory, asked for while others are worked on
            s = sums.flagged[f + AHEAD]
            ahead = p
            while s >= populations[ahead, SLOT] + populations[ahead, HIGH]:
                ahead += 1
            i = s - populations[ahead, SLOT]
            prefetch(flat, (populations[ahead, NEURON] + i) * width)
            for d in range(drives.of[ahead], drives.of[ahead + 1]):
                at = driven.begin[drives.first[d] + i]
                at += (driven.end[drives.first[d] + i] - at) * bin_ // bins
                prefetch(driven.time, at)
        s = sums.flagged[f]
        while s >= populations[p, SLOT] + populations[p, HIGH]:
            p += 1
        i = s - populations[p, SLOT]
        g = populations[p, NEURON] + i
        begin = starts[f - 1] if f > 0 else 0
        n = starts[f] - begin
        for d in range(drives.of[p], drives.of[p + 1]):
            n += driven.end[drives.first[d] + i] - driven.begin[drives.first[d] + i]
        if n >= room or marks[SPIKES] + n > spikes.offset.size:
            marks[PLACE] = f
            marks[NEEDED] = 2 * n if n >= room else 2 * (marks[SPIKES] + n)
            return MORE_OWN if n >= room else MORE_SPIKES
        # arrivals in order of (time, source): those of synapses are, those of drives are put between
        n = 0
        for k in range(begin, starts[f]):
            e = batch[k]
            times[n], sources[n] = batches.time[e], batches.origin[e]
            factors[n] = rise.rise[e]
            jumps[n] = batches.factor[e] * weight[k]
            n += 1
        for d in range(drives.of[p], drives.of[p + 1]):
            c = drives.first[d] + i
            for k in range(driven.begin[c], driven.end[c]):
                t = driven.time[k]
                if _bin(t, per_ms, bins) == bin_:
                    source = drives.source[d] + i
                    q = n
                    while q > 0 and (times[q - 1] > t or (times[q - 1] == t and sources[q - 1] > source)):
                        times[q], sources[q], factors[q], jumps[q] = (
                            times[q - 1], sources[q - 1], factors[q - 1], jumps[q - 1],
                        )  # fmt: skip
                        q -= 1
                    times[q], sources[q], factors[q], jumps[q] = (
                        t, source, exp(t * (1.0 / tau)), drives.weight[c],
                    )  # fmt: skip
                    n += 1
        u, rest = v[g], rests[g]
        threshold, v_reset, t_ref = constants[p, V_TH], constants[p, V_RESET], constants[p, T_REF]
        ub, uo = row[g, UNTIL_BASE], row[g, UNTIL_OFFSET]
        clamped = release[g] < np.inf
        times[n] = np.inf
        a = 0
        while True:
            t = times[a]
            if clamped and (ub < base or (ub == base and uo <= min(t, high) and _bin(uo, per_ms, bins) <= bin_)):
                u = rounded(rest + (row[g, VARIABLES] - rest) * exp(uo * (1.0 / tau)))
                row[g, UNTIL_BASE] = LONG_AGO
                release[g] = np.inf
                clamped = False
            if t == np.inf:
                break
            jump = 0.0
            change = 0.0
            factor = factors[a]
            while times[a] == t:
                jump += jumps[a]
                change += rounded(jumps[a] * factor)
                a += 1
            if clamped:
                continue
            near = u + jump * factor >= rest + (threshold - rest) * factor - SLACK
            if near and rest + (u - rest) / factor + jump >= threshold:
                k = marks[SPIKES]
                spikes.offset[k], spikes.source[k], spikes.count[k] = t, populations[p, ID] + i, 1
                marks[SPIKES] = k + 1
                m, uo = normalise(0, t + t_ref, unit)
                ub = base + m
                clamped = m > 0 or uo > t
                if clamped:
                    row[g, LAST_BASE], row[g, LAST_OFFSET], row[g, VARIABLES] = base, t, v_reset
                    row[g, UNTIL_BASE], row[g, UNTIL_OFFSET] = ub, uo
                    release[g] = m * unit + uo
                    u = -np.inf
                else:
                    u = rounded(rest + (v_reset - rest) * factor)
            else:
                u += change
        v[g] = u
    return DONE


@kernel(counted=False)
def run(stop, low, high, unit, tau, horizon, closing, seed, populations, constants, marks, calendar, rows, pairs,
        loose, inputs, batches, rise, cells, membranes, sums, drives, driven, chunk, hits, spikes, population_of, spike_counts):
    """Windows marks[BASE]..stop, the first one after `low`, the last one up to `high`.

    Returns DONE, or what must grow before the next call, which goes on from `marks`.
    """
    jumps, near = sums.jumps, sums.near
    bins = jumps.shape[0]
    per_ms = bins / unit
    while marks[BASE] <= stop:
        base = marks[BASE]
        top = high if base == stop else unit
        if marks[PHASE] == FRAME:
            if marks[FRESH]:
                load(base, unit, tau, populations, constants, cells, membranes)
                marks[FRESH] = 0
            else:
                frame(unit, tau, populations, membranes)
            marks[PHASE] = GATHER
        if marks[PHASE] == GATHER:
            n, arrivals, events = gather(base, low, top, unit, base - horizon, calendar, rows, loose, 0, batches)
            if n >= batches.at.size:
                marks[NEEDED] = n
                return MORE_BATCHES
            if arrivals >= hits.word.size:
                marks[NEEDED] = arrivals
                return MORE_RECORDS
            order_batches(n, unit, tau, batches, rise)
            marks[BATCHES] = n
            marks[EVENTS] += events
            marks[PHASE] = DRAW
            marks[POPULATION] = marks[PLACE] = marks[DRIVEN] = 0
        if marks[PHASE] == DRAW:
            need = draw(base, top, unit, tau, seed, populations, constants, marks, drives, driven, chunk, sums)
            if need != DONE:
                return need
            marks[PHASE] = BINS
            marks[BIN] = _bin(low, per_ms, bins)
            marks[FIRST] = 0
        while marks[PHASE] < CLOSE:
            k = marks[BIN]
            if marks[PHASE] == BINS:
                first = marks[FIRST]
                last = first
                while last < marks[BATCHES] and _bin(batches.time[last], per_ms, bins) == k:
                    last += 1
                deliver(first, last, batches, rise, pairs, jumps[k])
                n = 0
                for p in range(populations.shape[0]):
                    zero, slot = populations[p, NEURON], populations[p, SLOT]
                    a, b = populations[p, LOW], populations[p, HIGH]
                    sweep(
                        constants[p, V_TH], exp(k / per_ms * (1.0 / tau)), (k + 1) / per_ms + SLACK,
                        membranes.v[zero + a : zero + b], membranes.rest[zero + a : zero + b],
                        membranes.release[zero + a : zero + b], jumps[k, 0, slot + a : slot + b],
                        jumps[k, 1, slot + a : slot + b], near[slot + a : slot + b])  # fmt: skip
                    n = list_near(near[slot + a : slot + b], slot + a, sums.flagged, sums.place, n)
                if n > 0:
                    collect(first, last, rise, pairs, n, sums, hits)
                marks[FLAGGED] = n
                marks[FIRST] = last
                marks[PLACE] = 0
                marks[PHASE] = RESOLVE
            need = resolve(
                base, top, unit, tau, k, bins, populations, constants, marks, cells, membranes, batches, rise, drives,
                driven, sums, hits, spikes)  # fmt: skip
            if need != DONE:
                return need
            marks[BIN] = k + 1
            marks[PHASE] = BINS if k < _bin(top, per_ms, bins) else CLOSE
        if closing:
            need = close_window(base, top, unit, marks, spikes, inputs, calendar, population_of, spike_counts)
            if need != DONE:
                return need
            marks[CLOSED] = marks[END]
        marks[PHASE] = FRAME
        marks[BASE] = base + 1
        low = 0.0
    store(stop, populations, cells, membranes)
    return DONE

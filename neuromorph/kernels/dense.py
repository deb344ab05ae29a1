"""Exact mode by sums: lif_delta cells that have many arrivals in every window.

The membrane is kept as the potential v at which it would have to stand at the window's beginning: a jump w at t counts
as w exp(t / tau_m), a factor that all cells share, and the threshold rises by it. Jumps and v are rounded to multiples
of QUANTUM, so that their sums are exact: any order, any cut gives the same bits. A window is taken in *bins*. Of a bin
the jumps up and down are summed for each cell (`deliver`), and cells that the jumps up alone leave below threshold are
done with (`sweep`): 97 of 100 in a Brunel network. For the others, arrivals are looked up (`collect`) and walked
through in order (`resolve`). How a window is divided changes nothing.
"""

from __future__ import annotations

import collections

import numpy as np

from neuromorph.kernels.dense_drives import (
    BIN,
    DRIVEN,
    FIRST,
    FLAGGED,
    FRESH,
    HIGH,
    ID,
    LOW,
    NEURON,
    SLACK,
    SLOT,
    bin_of,
    draw,
    rounded,
)
from neuromorph.kernels.elementary import exp
from neuromorph.kernels.exact import (
    BASE,
    BATCHES,
    CLOSED,
    DONE,
    END,
    EVENTS,
    LAST_BASE,
    LAST_OFFSET,
    MORE_BATCHES,
    MORE_OWN,
    MORE_RECORDS,
    MORE_SPIKES,
    NEEDED,
    PHASE,
    PLACE,
    POPULATION,
    SPIKES,
    UNTIL_BASE,
    UNTIL_OFFSET,
    VARIABLES,
    close_window,
    gather,
    order_in_time,
)
from neuromorph.kernels.instants import normalise
from neuromorph.kernels.jit import kernel
from neuromorph.kernels.prefetch import prefetch

LONG_AGO = -(1 << 61)
#: what the kernels do next
FRAME, GATHER, DRAW, BINS, RESOLVE, CLOSE = range(6)
#: columns of `constants`, a row a population
GAIN, E_L, I_E, V_TH, V_RESET, T_REF = range(6)
_LOW_BITS = 0xFFFFFFFF
#: how many flagged cells ahead memory is asked for
AHEAD = 6

#: potential in the window's frame, what it tends to (mV), ms from the window's beginning to the end of refractoriness
Membranes = collections.namedtuple("Membranes", "v rest release")
#: of each batch in order of time: exp(t / tau_m), first and last synapse
Rise = collections.namedtuple("Rise", "rise first last")
#: synapses of a bin's batches that lead to flagged cells; by cell, in order of time; arrivals of one cell
Hits = collections.namedtuple("Hits", "word end start batch weight time jump source factor")


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


@kernel(counted=False)
def deliver(first, last, batches, rise, pairs, jumps):
    """Add the jumps of batches first..last-1 to the sums of their bin. About 1.6 ns an arrival, bound by additions.

    The jump is worked out where the weight differs from the one before: a branch that is taken always or never.
    """
    rises, factors, begins, ends = rise.rise, batches.factor, rise.first, rise.last
    stride = np.uint64(jumps.shape[1])
    flat = jumps.reshape(jumps.size)
    for e in range(first, last):
        count, factor = factors[e], rises[e]
        if e + 1 < last:
            prefetch(pairs, begins[e + 1])
        known, jump, shift = np.int64(-1), 0.0, np.uint64(0)
        for j in range(np.uint64(begins[e]), np.uint64(ends[e])):
            pair = pairs[j]
            bits = pair >> 32
            if bits != known:
                known = bits
                jump = rounded(float(np.int32(bits).view(np.float32)) * count * factor)
                shift = stride if bits < 0 else np.uint64(0)
            flat[np.uint64(pair & _LOW_BITS) + shift] += jump


@kernel(disjoint=True, counted=False)
def sweep(threshold, rise, end, v, rest, release, up, down, near):
    """Cells that stay below threshold take their sums; `near` says which are looked at one by one. 0.6 ns each."""
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
    """Find the arrivals of flagged cells among batches first..last-1, in order of (cell, time). 0.5 ns a synapse."""
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
            driven, sums, hits, spikes):  # fmt: skip
    """Walk the flagged cells of a bin through their arrivals; DONE or what must grow. About 450 ns a cell."""
    row = cells.row
    v, rests, release = membranes.v, membranes.rest, membranes.release
    times, jumps, factors = hits.time, hits.jump, hits.factor
    per_ms = bins / unit
    p = 0
    room = times.size - 1
    for f in range(marks[PLACE], marks[FLAGGED]):
        if f + AHEAD < marks[FLAGGED]:
            _ask(sums.flagged[f + AHEAD], p, bin_, bins, populations, row, drives, driven)
        s = sums.flagged[f]
        while s >= populations[p, SLOT] + populations[p, HIGH]:
            p += 1
        i = s - populations[p, SLOT]
        g = populations[p, NEURON] + i
        n = hits.start[f] - (hits.start[f - 1] if f > 0 else 0)
        for d in range(drives.of[p], drives.of[p + 1]):
            n += driven.end[drives.first[d] + i] - driven.begin[drives.first[d] + i]
        if n >= room or marks[SPIKES] + n > spikes.offset.size:
            marks[PLACE] = f
            marks[NEEDED] = 2 * n if n >= room else 2 * (marks[SPIKES] + n)
            return MORE_OWN if n >= room else MORE_SPIKES
        drive, end_drive = drives.of[p], drives.of[p + 1]
        n = _arrivals_of(f, i, drive, end_drive, tau, bin_, bins, per_ms, batches, rise, drives, driven, hits)
        u, rest = v[g], rests[g]
        threshold, v_reset, t_ref = constants[p, V_TH], constants[p, V_RESET], constants[p, T_REF]
        ub, uo = row[g, UNTIL_BASE], row[g, UNTIL_OFFSET]
        clamped = release[g] < np.inf
        times[n] = np.inf
        a = 0
        while True:
            t = times[a]
            if clamped and ub == base and uo <= min(t, high) and bin_of(uo, per_ms, bins) <= bin_:
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
            # in the window's frame first, which is cheaper; then as it stands, so that what is at rest stays exact
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


@kernel(forceinline=True)
def _ask(s, p, bin_, bins, populations, row, drives, driven):
    # scattered lines of memory of a cell to come, asked for while others are worked on
    while s >= populations[p, SLOT] + populations[p, HIGH]:
        p += 1
    i = s - populations[p, SLOT]
    prefetch(row.reshape(row.size), (populations[p, NEURON] + i) * row.shape[1])
    for d in range(drives.of[p], drives.of[p + 1]):
        at = driven.begin[drives.first[d] + i]
        prefetch(driven.time, at + (driven.end[drives.first[d] + i] - at) * bin_ // bins)


@kernel(forceinline=True)
def _arrivals_of(f, i, drive, end_drive, tau, bin_, bins, per_ms, batches, rise, drives, driven, hits):
    # arrivals in order of (time, source): those of synapses are, those of drives are put between; returns their number
    times, jumps, sources, factors = hits.time, hits.jump, hits.source, hits.factor
    n = 0
    for k in range(hits.start[f - 1] if f > 0 else 0, hits.start[f]):
        e = hits.batch[k]
        times[n], sources[n], factors[n] = batches.time[e], batches.origin[e], rise.rise[e]
        jumps[n] = hits.weight[k] * batches.factor[e]
        n += 1
    for d in range(drive, end_drive):
        c = drives.first[d] + i
        source = drives.source[d] + i
        for k in range(driven.begin[c], driven.end[c]):
            t = driven.time[k]
            if bin_of(t, per_ms, bins) == bin_:
                q = n
                while q > 0 and (times[q - 1] > t or (times[q - 1] == t and sources[q - 1] > source)):
                    times[q], sources[q] = times[q - 1], sources[q - 1]
                    factors[q], jumps[q] = factors[q - 1], jumps[q - 1]
                    q -= 1
                times[q], sources[q] = t, source
                factors[q], jumps[q] = exp(t * (1.0 / tau)), drives.weight[c]
                n += 1
    return n


@kernel(counted=False)
def run(stop, low, high, unit, tau, horizon, closing, seed, populations, constants, marks, calendar, rows, pairs,
        loose, inputs, batches, rise, cells, membranes, sums, drives, driven, chunk, hits, spikes, population_of,
        spike_counts):  # fmt: skip
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
            marks[BIN] = bin_of(low, per_ms, bins)
            marks[FIRST] = 0
        while marks[PHASE] < CLOSE:
            k = marks[BIN]
            if marks[PHASE] == BINS:
                first = marks[FIRST]
                last = first
                while last < marks[BATCHES] and bin_of(batches.time[last], per_ms, bins) == k:
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
            marks[PHASE] = BINS if k < bin_of(top, per_ms, bins) else CLOSE
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

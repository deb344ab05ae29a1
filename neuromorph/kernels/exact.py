"""Kernels of exact mode between the cells: what arrives in a window, by cell; what was emitted, in order of time.

A *batch* is a slice of synapses of one source, with one delay, that falls due: all its arrivals have one instant.
Batches are put in order of time, and their synapses dealt out to the cells in that order, so that each cell's arrivals
are in order without a comparison. An arrival is 8 bytes: the number of its batch and its weight.
"""

from __future__ import annotations

import collections

import numpy as np

from neuromorph.kernels.gaps import BLOCK, fill
from neuromorph.kernels.instants import normalise
from neuromorph.kernels.jit import kernel

NEVER = 1 << 60
#: an arrival is an int64: the bits of its weight, the number of its batch above them, the receptor above that
BATCH_BITS = 24
#: cells that are prepared and walked together
CELLS = 32
BATCH_MASK = (1 << BATCH_BITS) - 1
_BATCH_BITS, _BATCH_MASK, _ONE = np.uint64(BATCH_BITS), np.uint64(BATCH_MASK), np.uint64(1)
_16, _32, _63, _LOW_BITS = np.uint64(16), np.uint64(32), np.uint64(63), 0xFFFFFFFF
ONE_BITS = 0x3F800000  # of a weight of 1
#: cells whose least wake is kept: sixteen
STRETCH_BITS = np.uint64(4)
#: why a kernel returns: all is done, or something must grow (the size that is needed stands in `marks`)
DONE, MORE_BATCHES, MORE_RECORDS, MORE_SPIKES, MORE_CALENDAR, MORE_DRIVEN, MORE_OWN = range(7)
#: columns of a cell's row before its variables
LAST_BASE, LAST_OFFSET, UNTIL_BASE, UNTIL_OFFSET, VARIABLES = range(5)
#: places in `marks`: where in a run the kernels are
BASE, PHASE, POPULATION, PLACE, BATCHES, SPIKES, INPUTS, END, CLOSED, BUCKET, EVENTS, NEEDED, LOOSE, DEALT, MARKS = (
    range(15)
)

#: StaticRows (lowered/compiled.py); words uint32[n, 2]: slot and bits of the weight of each synapse
Rows = collections.namedtuple("Rows", "row row_start slice_delay slice_end delays words")
Calendar = collections.namedtuple("Calendar", "base offset source count bucket_start bucket_end")
#: spikes of inputs, in order of (instant, id)
Inputs = collections.namedtuple("Inputs", "base offset source count")
#: arrivals one by one: of plastic synapses, of currents
Loose = collections.namedtuple("Loose", "slot offset weight source synapse")
#: batches as found, their order in time, and what a cell reads of them in that order
Batches = collections.namedtuple("Batches", "at scale source place first last order head time factor origin")
#: cells of all populations: rows, next window of interest, arrivals (how many, the first), those that have any
#: `least`: at most the least `wake` of each 16 cells; `due` marks cells to be walked, `dues` eight in a number
Cells = collections.namedtuple("Cells", "row wake least due dues count start active n_active own shared")
Slots = collections.namedtuple("Slots", "cell receptor")
#: spikes of the window
Spikes = collections.namedtuple("Spikes", "offset source count archive order head")
#: the arrivals of a few cells, in order of time, inf behind each cell's last; where a cell begins; how many are driven;
#: ms since the one before, and what the model makes of them
Own = collections.namedtuple("Own", "time weight receptor first driven step decay")
#: Poisson inputs that drive a population cell by cell; `of`: first drive of each population
Drives = collections.namedtuple(
    "Drives",
    "of first delay interval receptor source stream weight next_base next_offset drawn block gaps saved time power "
    "kind which begin arrivals",
)


@kernel(counted=False)
def gather(base, low, high, unit, oldest, calendar, rows, loose, n_loose, batches):
    """Find the batches due in (low, high] of window `base`, emissions from window `oldest` on.

    Returns (batches, arrivals, synaptic events); where `batches` is too small nothing beyond its end is written.
    About 10 ns a batch.
    """
    sources, offsets, counts = calendar.source, calendar.offset, calendar.count
    ats, scale, source, place = batches.at, batches.scale, batches.source, batches.place
    firsts, lasts = batches.first, batches.last
    horizon = calendar.bucket_start.size
    n = 0
    arrivals = 0
    events = 0
    limit = ats.size
    for emitted in range(max(oldest, 0), base):
        bucket = emitted % horizon
        for k in range(calendar.bucket_start[bucket], calendar.bucket_end[bucket]):
            g = sources[k]
            end = rows.row[g + 1]
            q = _first_due(rows, rows.row[g], end, offsets[k], base - emitted, low, unit)
            start = np.int64(rows.row_start[g])
            last = start + np.int64(rows.slice_end[q - 1]) if q > rows.row[g] else start
            while q < end:
                ahead, at = normalise(0, offsets[k] + rows.delays[rows.slice_delay[q]], unit)
                if ahead > base - emitted or at > high:
                    break
                first, last = last, start + np.int64(rows.slice_end[q])
                if n < limit:
                    ats[n] = at
                    scale[n] = counts[k]
                    source[n] = g
                    place[n] = first
                    firsts[n] = first
                    lasts[n] = last
                arrivals += last - first  # type: ignore[assignment]
                events += (last - first) * counts[k]
                n += 1
                q += 1
    for k in range(n_loose):
        if n < limit:
            batches.at[n] = loose.offset[k]
            batches.scale[n] = loose.weight[k]
            batches.source[n] = loose.source[k]
            batches.place[n] = loose.synapse[k]
            batches.first[n] = -1 - loose.slot[k]
            batches.last[n] = 0
        arrivals += 1
        n += 1
    return n, arrivals, events


@kernel(forceinline=True)
def _first_due(rows, first, last, offset, ahead, low, unit):
    """First slice of a row whose arrival lies after `low` of the window `ahead` of the emission (binary search)."""
    while first < last:
        middle = (first + last) // 2
        n, at = normalise(0, offset + rows.delays[rows.slice_delay[middle]], unit)
        if n < ahead or (n == ahead and at <= low):
            first = middle + 1
        else:
            last = middle
    return first


@kernel(counted=False)
def order_in_time(n, at, source, place, unit, order, head):
    """Order 0..n-1 by (at, source, place), at in (0, unit]: one bin an entry, then insertion.

    Entries of one instant mostly come in order of source, so that insertion finds little to do. About 10 ns an entry.
    """
    bins = max(n, 1)
    per_ms = bins / unit
    for b in range(bins + 1):
        head[b] = 0
    for k in range(n):
        head[min(int(at[k] * per_ms), bins - 1) + 1] += 1
    for b in range(1, bins + 1):
        head[b] += head[b - 1]
    for k in range(n):
        b = min(int(at[k] * per_ms), bins - 1)
        order[head[b]] = k
        head[b] += 1
    for i in range(1, n):
        k = order[i]
        q = i
        while q > 0 and _later(order[q - 1], k, at, source, place):
            order[q] = order[q - 1]
            q -= 1
        order[q] = k


@kernel(forceinline=True)
def _later(a, b, at, source, place):
    if at[a] != at[b]:
        return at[a] > at[b]
    if source[a] != source[b]:
        return source[a] > source[b]
    return place[a] > place[b]


@kernel(counted=False)
def count_arrivals(n, batches, words, slots, count):
    """How many arrivals each cell has. About 1 ns an arrival, bound by increments in L1 and L2."""
    firsts, lasts, cell = batches.first, batches.last, slots.cell
    for e in range(n):
        first = firsts[e]
        if first < 0:
            count[cell[-1 - first]] += 1
            continue
        for j in range(np.uint64(first), np.uint64(lasts[e])):
            count[cell[words[j, 0]]] += 1


@kernel(counted=False)
def list_active(base, low, high, zero, cells, active, total):
    """List the cells low..high-1 that have arrivals or may fire by themselves in window `base`, in order.

    `active` gets their indices, counted from `zero`; each gets room for its arrivals from `total` on. Returns their
    number and the new total. Which cells are listed cannot be predicted: no branch on it within a stretch of 16, and no
    slices, which would cost more than the stretch (counts of references are atomic).
    """
    counts, wakes, starts = cells.count, cells.wake, cells.start
    n = 0
    for at in range(np.uint64(low), np.uint64(high), _16):
        end = min(at + _16, np.uint64(high))
        busy = 0
        for k in range(at, end):
            busy |= (counts[k] > 0) | (wakes[k] <= base)
        if busy:
            for k in range(at, end):
                count = counts[k]
                active[n] = np.int64(k) - zero
                starts[k] = total
                total += count
                n += (count > 0) | (wakes[k] <= base)
    return n, total


@kernel(counted=False)
def deal(n, batches, words, slots, start, record):
    """Deal the arrivals out to their cells, batch by batch; `start` of a cell ends behind its last one.

    About 3 ns an arrival, bound by as many streams of stores as there are cells.
    """
    order, at, scale, source = batches.order, batches.at, batches.scale, batches.source
    time, factor, origin, firsts, lasts = batches.time, batches.factor, batches.origin, batches.first, batches.last
    cells, receptors = slots.cell, slots.receptor
    for e in range(n):
        k = order[e]
        time[e] = at[k]
        factor[e] = scale[k]
        origin[e] = source[k]
        first = firsts[k]
        if first < 0:
            s = np.uint64(-1 - first)
            q = start[cells[s]]
            start[cells[s]] = q + 1
            record[q] = (e | np.int64(receptors[s]) << BATCH_BITS) << 32 | ONE_BITS
            continue
        for j in range(np.uint64(first), np.uint64(lasts[k])):
            s = np.uint64(words[j, 0])
            cell = np.uint64(cells[s])
            q = np.uint64(start[cell])
            start[cell] = np.int64(q) + 1
            record[q] = (e | np.int64(receptors[s]) << BATCH_BITS) << 32 | np.int64(words[j, 1])


@kernel(counted=False)
def close_window(base, high, unit, marks, spikes, inputs, calendar, population_of, spike_counts):
    """Put the window's spikes into the calendar, in order of (instant, id); returns DONE or what must grow."""
    n = marks[SPIKES]
    k = marks[INPUTS]
    while k < inputs.base.size and inputs.base[k] == base and inputs.offset[k] <= high:
        if n < spikes.offset.size:
            spikes.offset[n] = inputs.offset[k]
            spikes.source[n] = inputs.source[k]
            spikes.count[n] = inputs.count[k]
        n += 1
        k += 1
    end = marks[END]
    if n > spikes.offset.size:
        marks[NEEDED] = n
        return MORE_SPIKES
    if end + n > calendar.base.size:
        marks[NEEDED] = n
        return MORE_CALENDAR
    horizon = calendar.bucket_start.size
    if base > marks[BUCKET]:
        for skipped in range(max(marks[BUCKET] + 1, base + 1 - horizon), base + 1):
            calendar.bucket_start[skipped % horizon] = end
            calendar.bucket_end[skipped % horizon] = end
        marks[BUCKET] = base
    if n > 1:
        order_in_time(n, spikes.offset, spikes.source, spikes.source, unit, spikes.order, spikes.head)
    elif n == 1:
        spikes.order[0] = 0
    for i in range(n):
        s = spikes.order[i]
        calendar.base[end + i] = base
        calendar.offset[end + i] = spikes.offset[s]
        calendar.source[end + i] = spikes.source[s]
        calendar.count[end + i] = spikes.count[s]
        spike_counts[population_of[spikes.source[s]]] += spikes.count[s]
    calendar.bucket_end[base % horizon] = end + n
    marks[INPUTS] = k
    marks[END] = end + n
    marks[SPIKES] = 0
    return DONE


@kernel(counted=False)
def prepare(base, high, unit, zero, place, stop, drive, end_drive, seed, cells, record, batches, drives, own):
    """Bring the arrivals of the active cells place..stop-1 together in `own`, those of drives among them.

    Returns (cells that are ready, what must grow if there are none). Many cells a call, attributes taken out and no
    slices inside loops: numba counts references to arrays with atomic operations, 5 ns each.
    """
    drawn = stop - place
    if end_drive > drive:
        drawn = draw(base, high, unit, zero, place, stop, drive, end_drive, seed, cells, drives)
        if drawn == 0:
            return 0, MORE_DRIVEN
    ready, need = merge(zero, place, place + drawn, end_drive > drive, cells, record, batches, drives, own)
    if ready < drawn:
        undo_driven(zero, place, ready, drawn, drive, end_drive, cells, drives)
    return ready, need


@kernel(counted=False)
def draw(base, high, unit, zero, place, stop, drive, end_drive, seed, cells, drives):
    """Arrivals of drives at the active cells place..stop-1 up to (base, high), cell after cell, inf behind each.

    Returns the number of cells for which there was room. About 7 ns an arrival, more than half of it random numbers.
    """
    active, begin = cells.active, drives.begin
    time, power, kind, which = drives.time, drives.power, drives.kind, drives.which
    first, delays, intervals, receptors, streams = (
        drives.first, drives.delay, drives.interval, drives.receptor, drives.stream,
    )  # fmt: skip
    drawn, next_base, next_offset, block = drives.drawn, drives.next_base, drives.next_offset, drives.block
    gaps, weights, saved = drives.gaps, drives.weight, drives.saved
    limit = time.size - 1
    n = 0
    for m in range(place, stop):
        i = active[zero + m]
        begin[m - place] = n
        for d in range(drive, end_drive):
            c = first[d] + i
            delay, interval = delays[d], intervals[d]
            j, b, o = drawn[c], next_base[c], next_offset[c]
            saved[0, d - drive, m - place] = j
            saved[1, d - drive, m - place] = b
            saved[2, d - drive, m - place] = o
            while n < limit:
                if j >= 0:
                    ahead, arrival = normalise(0, o + delay, unit)
                    if b + ahead > base or (b + ahead == base and arrival > high):
                        break
                    q = n
                    while q > begin[m - place] and time[q - 1] > arrival:  # only where there are two drives
                        time[q], power[q], kind[q], which[q] = time[q - 1], power[q - 1], kind[q - 1], which[q - 1]
                        q -= 1
                    time[q], power[q], kind[q], which[q] = arrival, weights[c], receptors[d], d
                    n += 1
                j += 1
                if block[c] != j // BLOCK:
                    block[c] = j // BLOCK
                    fill(seed, streams[d], i, j // BLOCK, gaps[c])
                o += gaps[c, j % BLOCK] * interval
                if o > unit:
                    b, o = normalise(b, o, unit)
            drawn[c], next_base[c], next_offset[c] = j, b, o
        if n >= limit:
            undo_driven(zero, place, m - place, m - place + 1, drive, end_drive, cells, drives)
            return m - place
        time[n] = np.inf
        n += 1
        begin[m - place + 1] = n
    return stop - place


@kernel(counted=False)
def merge(zero, place, stop, with_drives, cells, record, batches, drives, own):
    """Put arrivals and those of drives in order of (time, source); returns (cells that are ready, what must grow).

    About 1.5 ns an arrival alone. Which list comes next cannot be predicted: no branch on it, and a short chain from
    one step to the next, of a load, a comparison of integers (times are positive: their bits are in order) and an
    addition.
    """
    active, ends, counts = cells.active, cells.start, cells.count
    batch_time, factor, origin = batches.time, batches.factor, batches.origin
    times, weights, receptors, firsts, driven = own.time, own.weight, own.receptor, own.first, own.driven
    time, power, kind, which = drives.time, drives.power, drives.kind, drives.which
    begin, sources = drives.begin, drives.source
    behind = np.uint64(begin[stop - place] if with_drives else 0)
    at = np.uint64(0)
    for m in range(place, stop):
        i = active[zero + m]
        n_record = np.uint64(counts[zero + i])
        first = np.uint64(ends[zero + i]) - n_record
        d = np.uint64(begin[m - place])
        n = np.uint64(begin[m - place + 1] - begin[m - place] - 1 if with_drives else 0)
        if behind + n_record >= np.uint64(time.size):
            return m - place, MORE_DRIVEN
        if at + n + n_record >= np.uint64(times.size):
            return m - place, MORE_OWN
        driven[m - place] = n
        firsts[m - place] = at
        for k in range(n_record):
            packed = record[first + k]
            e = (np.uint64(packed) >> _32) & _BATCH_MASK
            time[behind + k] = batch_time[e]
            power[behind + k] = factor[e] * weight_of(packed)
            kind[behind + k] = packed >> (32 + BATCH_BITS)
        time[behind + n_record] = np.inf
        a = behind
        for _ in range(n + n_record):
            step = _ONE
            if n > 0:
                later = np.float64(time[a]).view(np.int64) - np.float64(time[d]).view(np.int64)
                if later == 0:
                    e = (np.uint64(record[first + (a - behind)]) >> _32) & _BATCH_MASK
                    later = origin[e] - sources[which[d]] - i
                step = np.uint64(later) >> _63  # the sign; of a comparison the compiler would make a branch
            q = d + (a - d) * step
            times[at], weights[at], receptors[at] = time[q], power[q], kind[q]
            a += step
            d += _ONE - step
            at += _ONE
        times[at] = np.inf
        at += _ONE
    return stop - place, DONE


@kernel(forceinline=True)
def weight_of(bits):
    """The weight (float32) whose bits are the lower half of an integer."""
    return float(np.int32(bits & _LOW_BITS).view(np.float32))


@kernel(counted=False)
def undo_driven(zero, place, first, last, drive, end_drive, cells, drives):
    """Take back what `prepare` drew for the cells place + first..place + last - 1: they are to be walked once more."""
    for m in range(first, last):
        for d in range(drive, end_drive):
            c = drives.first[d] + cells.active[zero + place + m]
            drives.drawn[c] = np.int64(drives.saved[0, d - drive, m])
            drives.next_base[c] = np.int64(drives.saved[1, d - drive, m])
            drives.next_offset[c] = drives.saved[2, d - drive, m]


@kernel(counted=False)
def wake_driven(unit, zero, place, n, drive, end_drive, cells, drives):
    """See to it that the active cells place..place + n - 1 are looked at where the next arrival of a drive falls."""
    active, wake, least = cells.active, cells.wake, cells.least
    first, delay, next_base, next_offset = drives.first, drives.delay, drives.next_base, drives.next_offset
    for m in range(place, place + n):
        i = active[zero + m]
        for d in range(drive, end_drive):
            c = first[d] + i
            ahead, _ = normalise(0, next_offset[c] + delay[d], unit)
            wake[zero + i] = min(wake[zero + i], next_base[c] + ahead)
        b = np.uint64(zero + i) >> STRETCH_BITS
        least[b] = min(least[b], wake[zero + i])


@kernel
def emitted_by(drive, size, base, offset, unit, seed, drives, forget):
    """How many events a drive has emitted up to an instant; `forget`: those in flight never arrive."""
    total = 0
    for i in range(size):
        c = drives.first[drive] + i
        j = drives.drawn[c]
        b, o = drives.next_base[c], drives.next_offset[c]
        while j < 0 or b < base or (b == base and o <= offset):
            j += 1
            drives.block[c] = j // BLOCK
            fill(seed, drives.stream[drive], i, j // BLOCK, drives.gaps[c])
            o += drives.gaps[c, j % BLOCK] * drives.interval[drive]
            b, o = normalise(b, o, unit)
        if forget:
            drives.drawn[c] = j
            drives.next_base[c] = b
            drives.next_offset[c] = o
        total += j
    return total

"""Spikes in flight on the grid, in the order of their emission, and the delivery of the slices that fall due.

A spike in flight knows the tick at which the next slice of its row arrives. Taking that slice, it is put on the list of
due slices, and the spike waits for the slice after. So a spike costs once per delay of its row, never per synapse;
where none of 64 neighbours is due, they are passed over together. Due slices come in the order (class of the source,
emission tick, source), on which neither the number of parts nor any cut has an influence. Sources of one class reach
the same receptors, so that what their slices are added to is half as large and stays in the cache.
"""

from __future__ import annotations

import numpy as np

from neuromorph.kernels.jit import kernel
from neuromorph.kernels.lists import enlist
from neuromorph.kernels.prefetch import prefetch

#: synapses of a slice that are asked for together, and pieces ahead of the one being added that are asked for: the
#: lines of a slice of 1,250 are more than a core can wait for at once (1.26 to 0.94 ns an event; 64 and 4, 8, 12: 1.2)
PIECE = 128
AHEAD = 4
LINE = 8  # synapses of 8 bytes in a cache line
FIRST_OF_LINE = ~np.int64(LINE - 1)
GROUP = 64  # spikes that share the earliest tick at which one of them is due
NEVER = 1 << 62
CLASSES = 3


@kernel
def launch(tick, source, count, end, flight, class_of, row, row_start, slice_delay):
    """Put one spike into flight, emitted at `tick`; returns the number of spikes that were ever launched."""
    due, place, last, at, first, emitted, counted, sort, soonest = flight
    q = row[source]
    if q == row[source + 1]:
        return end
    e = end & (due.size - 1)
    due[e] = tick + slice_delay[q]
    place[e] = q
    last[e] = row[source + 1]
    at[e] = row_start[source]
    first[e] = row_start[source]
    emitted[e] = tick
    counted[e] = count
    sort[e] = class_of[source]
    soonest[e // GROUP] = min(soonest[e // GROUP], due[e])
    return end + 1


@kernel
def take_due(tick, begin, end, flight, slice_delay, slice_end, due_n, due_start, due_end, due_count):
    """List the slices due at `tick` of the spikes begin..end-1, by class; returns the first spike left."""
    due, place, last, at, first, emitted, counted, sort, soonest = flight
    due_n[:] = 0
    for group in range(begin // GROUP, (end + GROUP - 1) // GROUP):
        g = group & (soonest.size - 1)
        if soonest[g] > tick:
            continue
        next_due = np.int64(NEVER)
        for e in range(GROUP * g, GROUP * g + GROUP):
            if due[e] == tick:
                q = place[e]
                c = sort[e]
                n = due_n[c]
                due_n[c] = n + 1
                due_start[c, n] = at[e]
                due_end[c, n] = first[e] + slice_end[q]
                due_count[c, n] = counted[e]
                at[e] = due_end[c, n]
                q += 1
                place[e] = q
                due[e] = emitted[e] + slice_delay[q] if q < last[e] else NEVER
            next_due = min(next_due, due[e])
        soonest[g] = next_due
    while begin < end and due[begin & (due.size - 1)] == NEVER:
        begin += 1
    return begin


@kernel
def launch_again(ticks, sources, counts, now, flight, class_of, row, row_start, slice_delay, slice_end, due):
    """Put spikes into an empty flight, in order, and pass over their slices due up to `now`; returns begin and end."""
    begin, end = 0, 0
    for k in range(ticks.size):
        end = launch(ticks[k], sources[k], counts[k], end, flight, class_of, row, row_start, slice_delay)
    if ticks.size > 0:
        for tick in range(ticks[0] + 1, now + 1):
            begin = take_due(tick, begin, end, flight, slice_delay, slice_end, due[0], due[1], due[2], due[3])
    return begin, end


@kernel(forceinline=True)
def _end_of_piece(q, end):
    """Where the piece of a slice that begins at synapse q ends: with a cache line."""
    return min((q + PIECE) & FIRST_OF_LINE, end)


@kernel(forceinline=True)
def _ask_for(k, q, n, due_start, due_end, synapse):
    """Ask for the piece that begins at synapse q of slice k; returns where the next one begins."""
    if k < n:
        end = _end_of_piece(q, due_end[k])
        for j in range(q & FIRST_OF_LINE, end, LINE):
            prefetch(synapse, j)
        if end < due_end[k]:
            return k, end
        k += 1
        if k < n:
            return k, due_start[k]
    return k, np.int64(0)


@kernel
def deliver(due_n, due_start, due_end, due_count, synapse, into):
    """Add what is due, class by class; returns the number of synaptic events."""
    events = 0
    for c in range(CLASSES):
        events += add(due_n[c], due_start[c], due_end[c], due_count[c], synapse, into)
    return events


@kernel
def add(n, due_start, due_end, due_count, synapse, into):
    """Add n slices: into[slot[j]] += count * weight[j]; returns the number of synaptic events.

    What limits it is how fast synapses come from memory: slices are scattered, hence the prefetch. 0.65 ns an event
    where they are in the cache already, whatever the number of slots up to 100 KB.
    """
    events = 0
    ahead, q = 0, due_start[0]
    for _ in range(AHEAD):
        ahead, q = _ask_for(ahead, q, n, due_start, due_end, synapse)
    for k in range(n):
        c = due_count[k]
        start = due_start[k]
        while start < due_end[k]:
            end = _end_of_piece(start, due_end[k])
            ahead, q = _ask_for(ahead, q, n, due_start, due_end, synapse)
            part = synapse[start:end]
            if c == 1:
                for j in range(part.size):
                    into[np.uint32(part[j]["slot"])] += part[j]["weight"]
            else:
                for j in range(part.size):
                    into[np.uint32(part[j]["slot"])] += c * part[j]["weight"]
            start = end
        events += (due_end[k] - due_start[k]) * c
    return events


@kernel
def deliver_listing(due_n, due_start, due_end, due_count, synapse, into, lists):
    """`deliver` in a network with lazy populations: what is added to is put on the active lists."""
    events = 0
    for c in range(CLASSES):
        events += add_listing(due_n[c], due_start[c], due_end[c], due_count[c], synapse, into, lists)
    return events


@kernel
def add_listing(n, due_start, due_end, due_count, synapse, into, lists):
    """`add` and put what is added to on the active lists."""
    events = 0
    ahead, q = 0, due_start[0]
    for _ in range(AHEAD):
        ahead, q = _ask_for(ahead, q, n, due_start, due_end, synapse)
    for k in range(n):
        c = due_count[k]
        start = due_start[k]
        while start < due_end[k]:
            end = _end_of_piece(start, due_end[k])
            ahead, q = _ask_for(ahead, q, n, due_start, due_end, synapse)
            part = synapse[start:end]
            for j in range(part.size):
                into[np.uint32(part[j]["slot"])] += c * part[j]["weight"]
                enlist(part[j]["slot"], lists)
            start = end
        events += (due_end[k] - due_start[k]) * c
    return events

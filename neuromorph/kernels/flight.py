"""Spikes in flight on the grid: a wheel of ticks, and the delivery of the slices that fall due.

A spike stands in the list of the tick at which the next slice of its row arrives. Taking it out, its slice is put on
the list of due slices, and the spike is moved to the tick of the slice after. So a spike costs once per delay of its
row, never per synapse and never per tick that it waits.
"""

from __future__ import annotations

from neuromorph.kernels.jit import kernel
from neuromorph.kernels.lists import enlist
from neuromorph.kernels.prefetch import prefetch

#: slices ahead of the one being added that are asked for; three do no better
AHEAD = 2
LINE = 8  # synapses of 8 bytes in a cache line


@kernel
def launch(tick, source, count, free, n_free, flight_source, flight_count, flight_tick, place, following, head, tail,
           row, slice_delay):  # fmt: skip
    """Put one spike on the wheel, emitted at `tick`; returns the number of places left."""
    q = row[source]
    if q == row[source + 1]:
        return n_free
    n_free -= 1
    e = free[n_free]
    flight_source[e] = source
    flight_count[e] = count
    flight_tick[e] = tick
    place[e] = q
    _join(e, tick + slice_delay[q], following, head, tail)
    return n_free


@kernel(forceinline=True)
def _join(e, tick, following, head, tail):
    """Append spike e to the list of a tick."""
    at = tick % head.size
    following[e] = -1
    if head[at] < 0:
        head[at] = e
    else:
        following[tail[at]] = e
    tail[at] = e


@kernel
def take_due(tick, free, n_free, flight_source, flight_count, flight_tick, place, following, head, tail, row,
             row_start, slice_delay, slice_end, due_start, due_end, due_count):  # fmt: skip
    """List the slices due at `tick`; returns (their number, places left). About 5 ns a slice, bound by latency."""
    at = tick % head.size
    e = head[at]
    head[at] = -1
    n = 0
    while e >= 0:
        next_e = following[e]
        q = place[e]
        source = flight_source[e]
        first = row_start[source]
        due_start[n] = first + slice_end[q - 1] if q > row[source] else first
        due_end[n] = first + slice_end[q]
        due_count[n] = flight_count[e]
        n += 1
        q += 1
        if q < row[source + 1]:
            place[e] = q
            _join(e, flight_tick[e] + slice_delay[q], following, head, tail)
        else:
            free[n_free] = e
            n_free += 1
        e = next_e
    return n, n_free


@kernel(forceinline=True)
def _ask_for(k, due_start, due_end, synapse):
    for j in range(due_start[k], due_end[k], LINE):
        prefetch(synapse, j)


@kernel
def deliver(n, due_start, due_end, due_count, synapse, into):
    """Add n slices to the inputs: into[slot[j]] += count * weight[j]; returns the number of synaptic events.

    The sums are exact in float64 (weights are float32), so that the order of slices does not show. What limits it is
    the latency of memory: slices are scattered, hence the prefetch.
    """
    events = 0
    for k in range(min(AHEAD, n)):
        _ask_for(k, due_start, due_end, synapse)
    for k in range(n):
        if k + AHEAD < n:
            _ask_for(k + AHEAD, due_start, due_end, synapse)
        part = synapse[due_start[k] : due_end[k]]
        if due_count[k] == 1:
            for j in range(part.size):
                into[part[j].slot] += part[j].weight
        else:
            c = float(due_count[k])
            for j in range(part.size):
                into[part[j].slot] += c * part[j].weight
        events += part.size * due_count[k]
    return events


@kernel
def deliver_listing(n, due_start, due_end, due_count, synapse, into, lists):
    """`deliver` in a network with lazy populations: what is added to is put on the active lists."""
    events = 0
    for k in range(min(AHEAD, n)):
        _ask_for(k, due_start, due_end, synapse)
    for k in range(n):
        if k + AHEAD < n:
            _ask_for(k + AHEAD, due_start, due_end, synapse)
        part = synapse[due_start[k] : due_end[k]]
        c = float(due_count[k])
        for j in range(part.size):
            into[part[j].slot] += c * part[j].weight
            enlist(part[j].slot, lists)
        events += part.size * due_count[k]
    return events

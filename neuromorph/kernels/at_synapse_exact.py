"""When a synapse sees what, in exact mode: instants are (base, offset).

The same names as in kernels/at_synapse_grid.py: kernels of rules (kernels/plastic.py) are made of one or the other.
They belong to no rule: compiled once, kept, and inlined.
"""

from __future__ import annotations

from neuromorph.kernels.elementary import exp
from neuromorph.kernels.instants import normalise
from neuromorph.kernels.jit import kernel


@kernel(forceinline=True, counted=False)
def delay_of(delay, j):
    """Delay of synapse j: one for all, or one each."""
    return float(delay[0] if delay.size == 1 else delay[j])


@kernel(forceinline=True, counted=False)
def time_seen(base, offset, delay, u):
    """When a synapse sees a postsynaptic event.

    The very arithmetic by which spikes arrive: a tie of the two is a tie.
    """
    return normalise(base, offset + delay, u)


@kernel(forceinline=True, counted=False)
def decay_over(since, table, row, ms, tau):
    """How far a trace falls in `since` units of delays; `row` is its place in the table."""
    return exp(-(since * ms) / tau)


@kernel(forceinline=True, counted=False)
def at_most(a, a_offset, b, b_offset):
    """Whether instant a is not later than instant b."""
    return a < b or (a == b and a_offset <= b_offset)


@kernel(forceinline=True, counted=False)
def earlier(a, a_offset, b, b_offset):
    """Whether instant a is earlier than instant b."""
    return a < b or (a == b and a_offset < b_offset)


@kernel(forceinline=True, counted=False)
def reached(event_base, event_offset, delay, base, offset, u):
    """Whether a synapse has seen an event by an instant."""
    seen_base, seen_offset = time_seen(event_base, event_offset, delay, u)
    return at_most(seen_base, seen_offset, base, offset)


@kernel(forceinline=True, counted=False)
def last_before(e, bases, offsets, prev, base, offset, delay, u):
    """The last event, of those from e back, that the synapse saw strictly before an instant; -1: none in the log."""
    while e >= 0:
        seen_base, seen_offset = time_seen(bases[e], offsets[e], delay, u)
        if earlier(seen_base, seen_offset, base, offset):
            break
        e = prev[e]
    return e

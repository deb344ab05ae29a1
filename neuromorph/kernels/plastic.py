"""Template of the kernels of one learning rule: bring rows up to date, learn at spikes and signals, deposit arrivals.

A row (the synapses of one source) is visited when its source spikes: missed postsynaptic spikes are replayed in order
of their time at the synapse (spike + delay), then on_pre is called, then the arrivals are deposited. Postsynaptic
history is a log with one linked list per cell. `u` and `ms` turn instants into the unit of delays and into ms.
Measured on one core of an EPYC 9004 at 2.6 GHz: a row of a matrix as kernels/matrix.py says, a signal 6 ns at each of
few changed synapses where the rule reads postsynaptic traces, else 2 to 3 ns (packed; each reads a line of L3), 0.2 to
0.3 ns a synapse of a whole row (read and written in L3); pair STDP on a grid goes by whole rows (kernels/recent.py,
13.5 ns a synaptic event); one by one it is 22 ns, and was 98 to 115 with references counted (kernels/jit.py). Decays
over whole ticks come from a table.
A copy of each cell's latest event in a cache line of its own was slower (1.4 x).
Results do not depend on when rows are swept: traces are (value, instant of the last own spike), never rebased.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from neuromorph.kernels.codegen import load, render
from neuromorph.kernels.elementary import exp
from neuromorph.kernels.flatten import flatten
from neuromorph.kernels.jit import kernel
from neuromorph.kernels.plastic_lines import STRUCTS, template_lines
from neuromorph.learning.contract import LearningRule

_TEMPLATE = """
import collections

import numpy as np

from neuromorph.kernels.at_synapse import bounded, slot_of, within
from neuromorph.kernels.{at_synapse} import at_most, decay_over, delay_of, earlier, last_before, reached, time_seen
from neuromorph.kernels.deposit import deposit_row
from neuromorph.kernels.elementary import exp
from neuromorph.kernels.instants import instant_number, normalise
from neuromorph.kernels.jit import kernel
from neuromorph.kernels.rng import uniform
from neuromorph.kernels.matrix import deliver_matrix

Pre = collections.namedtuple("Pre", {pre_fields!r})
Post = collections.namedtuple("Post", {post_fields!r})
P = collections.namedtuple("P", {parameters!r})
Syn = collections.namedtuple("Syn", {states!r})


@kernel(counted=False{inner})
def append(size, base, offset, index, count, archive, columns, low, high, {structs}):
    # Append the spikes low..high-1 of the postsynaptic population (in time order per cell) to the size[0] events of the
    # history; returns their new number, -1 where there is no room.
    p = P({parameter_values})
    n = size[0]
    if n + high - low > history.base.size:
        return -1
    for k in range(low, high):
        t = index[k]
        e = history.head[t]
        {y_at_append}
        {recent_at_append}
        history.base[n] = base[k]
        history.offset[n] = {offset_at_append}
        history.cell[n] = t
        history.count[n] = count[k]
        history.prev[n] = e
        for q in range(columns.size):
            history.v[q, n] = archive[k, columns[q]]
        history.head[t] = n
        n += 1
    size[0] = n
    return n


@kernel(counted=False)
def compact(n, base, offset, largest_delay, {structs}):
    # Drop events that every synapse has seen; the last dropped one of each cell becomes its floor. Returns the length.
    for t in range(history.head.size):
        history.head[t] = -1
    m = 0
    for e in range(n):
        t = history.cell[e]
        sb, so = time_seen(history.base[e], history.offset[e], largest_delay, rule.u)
        if earlier(sb, so, base, offset):
            {floor_from_event}
            history.floor_base[t] = history.base[e]
            history.floor_offset[t] = history.offset[e]
            continue
        history.base[m] = history.base[e]
        history.offset[m] = history.offset[e]
        history.cell[m] = t
        history.count[m] = history.count[e]
        history.prev[m] = history.head[t]
        for q in range(history.y.shape[0]):
            history.y[q, m] = history.y[q, e]
        for q in range(history.v.shape[0]):
            history.v[q, m] = history.v[q, e]
        history.head[t] = m
        m += 1
    return m


@kernel(forceinline=True, counted=False, inner=True)
def _replay(w, i, j, base, offset, rows, synapse, source, history, rule):
    # Postsynaptic events that reach synapse j in (seen, instant], in order.
    p = P({parameter_values})
    t = rows.target[j]
    d = delay_of(rows.delay, j)
    seen, seen_offset = source.seen_base[i], source.seen_offset[i]
    e = history.head[t]
    while e >= 0 and not reached(history.base[e], history.offset[e], d, base, offset, rule.u):
        e = history.prev[e]
    if e < 0 or reached(history.base[e], history.offset[e], d, seen, seen_offset, rule.u):
        return w
    # one missed event is the common case; of more the later ones wait
    n = 0
    q = history.prev[e]
    while q >= 0 and not reached(history.base[q], history.offset[q], d, seen, seen_offset, rule.u):
        history.stack[n] = e
        n += 1
        e = q
        q = history.prev[e]
    while True:
        {x_at_event}
        {y_before_event}
        {load_state_at_event}
        pre = Pre({pre_values_post_hook})
        post = Post({post_values_post_hook})
        {call_on_post}
        w = bounded(w, rule.w_min, rule.w_max)
        if n == 0:
            return w
        n -= 1
        e = history.stack[n]


{learn_row}


@kernel(counted=False{inner})
def visit(start, end, base, offset, spike_source, spike_count, first_id, n_pre, {outbox}, {structs}):
    # Presynaptic spikes start..end-1 of the calendar; returns the synaptic events (on the grid), or (next spike,
    # pending, synaptic events). Where nobody listens (deaf) a matrix that only adds is left alone.
    p = P({parameter_values})
    events = 0
    {matrix}
    for k in range(start, end):
        i = spike_source[k] - first_id
        if i < 0 or i >= n_pre:
            continue
        tb = base[k]
        to = offset[k]
        c = np.float64(spike_count[k])  # uncompiled, float times float32 would stay float32
        a = rows.row[i]
        b = rows.row[i + 1]
        {room}
        {x_at_visit}
        {row_loop}
        {deposit}
        {store_x}
        source.base[i] = tb
        source.offset[i] = to
        source.seen_base[i] = tb
        source.seen_offset[i] = to
        events += (b - a) * spike_count[k]
    return {visited}


@kernel(counted=False{inner})
def sweep(base, offset, {structs}):
    # Bring every synapse up to an instant.
    for i in range(source.base.size):
        for j in range(rows.row[i], rows.row[i + 1]):
            {sweep_body}
        source.seen_base[i] = base
        source.seen_offset[i] = offset
    return 0


@kernel(forceinline=True, counted=False, inner=True)
def _targets(rows, history):
    # the cells that any row may reach: first, one past the last
    if rows.dense and rows.row.size > 1:
        return rows.low, rows.low + rows.row[1] - rows.row[0]
    return 0, history.head.size


@kernel(disjoint=True, counted=False, inner=True)
def _learn_rows(base, offset, value, low, changed, n_changed, {changed_values}{variables}{structs}):
    # A third factor for rows that may change; `changed` targets, counted from `low`, with what the rule reads of them.
    p = P({parameter_values})
    weight = rows.weight
    for i in range(source.base.size):
        {skip_row}
        a = rows.row[i]
        b = rows.row[i + 1]
        {x_at_signal}
        {signal_loop}
    return 0


@kernel(counted=True{inner})
def signal(base, offset, value, {variables}{structs}):
    # A third factor at an instant, for every synapse (or those that the rule does not promise to leave unchanged).
    if rows.known.size > 0:
        rows.known[0] = 0
    {changed_cells}
    return _learn_rows(base, offset, value, low, changed, n_changed, {changed_values}{variables}{structs})


@kernel(counted=False)
def choose(base, offset, given_up, {variables}{structs}):
    # Which synapses the rule gives up at an instant, up to which they have been swept.
    p = P({parameter_values})
    for i in range(source.base.size):
        a = rows.row[i]
        b = rows.row[i + 1]
        {x_at_signal}
        {choose_loop}
    return 0


@kernel(counted=False{inner})
def list_changed(first, end, results, {places}every_changed, n_every, {structs}):
    # For each of the examples first..end-1 the cells that the rule does not promise to leave alone, from `low` on.
    low, high = _targets(rows, history)
    for k in range(first, end):
        {post_views}
        {list_changed}
    return 0


@kernel(disjoint=True, counted=False{inner})
def signals(first, end, n, which, at, values, results, {places}every_changed, n_every, {structs}):
    # `signal` for n events in order, for the rows first..end-1: event m ends example which[m] of a minibatch, and what
    # its cells showed then stands in a row of `results`. A row of weights stays in L1 while all examples change it.
    p = P({parameter_values})
    weight = rows.weight
    low, high = _targets(rows, history)
    offset = 0.0
    for i in range(first, end):
        a = rows.row[i]
        b = rows.row[i + 1]
        for m in range(n):
            k = which[m]
            base = at[m]
            value = values[m]
            changed = every_changed[k]
            n_changed = n_every[k]
            {skip_unchanged}
            {pre_views}
            {skip_row}
            {post_views}
            {signal_loop_of_batch}
    return 0
"""


@kernel(disjoint=True, counted=False)
def push(first, end, row, weight, previous, momentum, w_min, w_max):
    """Add `momentum` times its last change, weight - previous, to each weight of the rows first..end-1.

    `previous` holds the weights before then. Bound by memory: it reads and writes both arrays.
    """
    w, before = weight[row[first] : row[end]], previous[row[first] : row[end]]
    for k in range(w.size):
        now = w[k]
        moved = np.float64(now) + momentum * (np.float64(now) - np.float64(before[k]))
        before[k] = now
        w[k] = min(max(moved, w_min), w_max)
    return 0


@kernel
def keep_past(tick, now, past):
    """Put by the values `now`, those of the tick before `tick`, in the ring `past`; returns 0, the events."""
    past[(tick - 1) % past.shape[0], :] = now
    return 0


@kernel
def decays(ms, tau, ticks):
    """exp(-k ms / tau) for k = 0 .. ticks - 1, as a rule's kernels would compute it."""
    out = np.empty(ticks)
    for k in range(ticks):
        out[k] = exp(-(k * ms) / tau)
    return out


def plastic_kernels(rule: type[LearningRule], exact: bool) -> ModuleType:
    """Module with append, compact, visit, sweep, signal and signals for one rule and kind of resolution.

    Its `ARGUMENTS` says which fields of the structs each of them ends with.
    """
    hooks: dict[str, Any] = {name: getattr(hook, "__func__", hook) for name, hook in rule.hooks().items()}
    text, arguments = flatten(render(_TEMPLATE, template_lines(rule, exact)), STRUCTS)
    return load(f"{text}\n\nARGUMENTS = {arguments!r}\n", hooks, f"rule {rule.__name__}")

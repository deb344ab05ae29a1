"""The loop over windows on the grid, compiled: emit, deliver, advance, collect, order, learn, by calling steps.

It serves every network: what to call stands in int64 tables, one row a step (address, table, ...; kernels/steps.py).
It returns where only Python can go on (an array is full, a kernel is missing), and resumes at that very place when
called again. A window in which a population that rests has no arrival costs it nothing, one with arrivals at few of its
receptors runs the kernel compiled for those; a matrix onto cells that do not listen (`Receptor.gate`) is only counted.
"""

from __future__ import annotations

import numpy as np

from neuromorph.kernels.calendar import order_grid
from neuromorph.kernels.jit import kernel
from neuromorph.kernels.steps import call

#: places in `progress`: last tick that is done, where to resume, numbers of spikes in the calendar (ordered, all),
#: first spike of the window, room that is needed, history that is full, next scheduled signal, cells without a kernel
TICK, PHASE, CLOSED, END, FIRST_SPIKE, NEEDED, HISTORY, SIGNAL, CELLS = range(9)
#: what the driver returns
DONE, CALENDAR_FULL, HISTORY_FULL, KERNEL_MISSING = range(4)
#: how plastic projections take turns: a window at a time, a tick, a spike
BY_WINDOW, BY_TICK, BY_SPIKE = range(3)
ADVANCE, COLLECT, LEARN = range(3)  # phases


@kernel
def run_windows(
    progress, last, window, turns, sources, static, advance, collect, histories, plastic, signals, listeners, due, sent,
    values, held, cells, chosen, marks, deaf, rests, arrives, spikes, rows_of, events, spike_counts, base, source,
    count, bucket_start, bucket_end,
):  # fmt: skip
    """Run the ticks up to `last` in windows of `window` ticks; returns DONE or what keeps it from going on.

    sources, static, advance, collect, histories, plastic : steps; then for sources, plastic the number of the emitter
    whose spikes they are, for histories that and the part; for plastic also the target, the delay in ticks, the
    receptors that open its gate (0: it has none) and the step that tells whether it is closed
    signals : steps, those of signal s are listeners[s] to listeners[s + 1] - 1; they find the value in held[0]
    due, sent, values : tick, signal and value of what is scheduled, in order; windows are cut there
    cells : (emitter, part, receptors that choose the kernel); chosen[cells, receptors] the row of `advance`, or -1
    marks : (emitter, target, delay in ticks, receptors, row of `plastic` or -1) of all projections onto cells that rest
    deaf : of each row of plastic, whether nobody listens to the spikes of the window
    rests : of each emitter; arrives : int64[ring, emitters], receptors at which anything may arrive at a tick, as bits
    spikes : of each emitter in the window, rows_of[emitter, part] where its part's begin; events, spike_counts : totals
    """
    while True:
        if progress[PHASE] == ADVANCE:
            _send(progress, signals, listeners, due, sent, values, held)
            if progress[TICK] >= last:
                return DONE
        first = progress[TICK] + 1
        end = min(progress[TICK] + window, last)
        if progress[SIGNAL] < due.size:
            end = min(end, due[progress[SIGNAL]])
        if progress[PHASE] == ADVANCE:
            if _missing(first, end, progress, cells, chosen, arrives):
                return KERNEL_MISSING
            _advance(first, end, sources, static, advance, cells, chosen, rests, arrives, spikes, rows_of, events)
            progress[PHASE] = COLLECT
        if progress[PHASE] == COLLECT:
            n = spikes.sum()
            if progress[END] + n > base.size:
                progress[NEEDED] = n
                return CALENDAR_FULL
            for e in range(spikes.size):
                if spikes[e] > 0:
                    spike_counts[e] += call(collect[e, 0], collect[e, 1], spikes[e], progress[END], 0)
                    progress[END] += spikes[e]
            progress[FIRST_SPIKE] = progress[CLOSED]
            _close(first, end, progress, base, source, count, bucket_start, bucket_end)
            _mark(first, end, last, marks, plastic, deaf, arrives, spikes)
            progress[HISTORY] = 0
            progress[PHASE] = LEARN
        if progress[END] > progress[FIRST_SPIKE]:
            while progress[HISTORY] < histories.shape[0]:
                h = progress[HISTORY]
                e = histories[h, 2]
                a = rows_of[e, histories[h, 3]]
                b = rows_of[e, histories[h, 3] + 1]
                if b > a and call(histories[h, 0], histories[h, 1], a, b, 0) < 0:
                    progress[NEEDED] = b - a
                    return HISTORY_FULL
                progress[HISTORY] += 1
            _visit(turns, progress, plastic, deaf, spikes, base, events)
        progress[TICK] = end
        progress[PHASE] = ADVANCE


@kernel
def _send(progress, signals, listeners, due, sent, values, held):
    # what is scheduled up to now
    while progress[SIGNAL] < due.size and due[progress[SIGNAL]] <= progress[TICK]:
        k = progress[SIGNAL]
        held[0] = values[k]
        run_signals(signals[listeners[sent[k]] : listeners[sent[k] + 1]], due[k])
        progress[SIGNAL] += 1


@kernel(forceinline=True)
def _arriving(first, end, arrives, e):
    # receptors of an emitter at which anything may arrive in a window
    found = 0
    for tick in range(first, end + 1):
        found |= arrives[tick % arrives.shape[0], e]
    return found


@kernel
def _missing(first, end, progress, cells, chosen, arrives):
    # whether cells lack the kernel for what arrives; they and the receptors are left in `progress`
    for k in range(cells.shape[0]):
        receptors = _arriving(first, end, arrives, cells[k, 0]) & cells[k, 2]
        if chosen[k, receptors] < 0:
            progress[CELLS] = k
            progress[NEEDED] = receptors
            return True
    return False


@kernel
def _advance(first, end, sources, static, advance, cells, chosen, rests, arrives, spikes, rows_of, events):
    for k in range(sources.shape[0]):
        spikes[sources[k, 2]] = call(sources[k, 0], sources[k, 1], first, end, 0)
    for k in range(static.shape[0]):
        events[0] += call(static[k, 0], static[k, 1], first, end, 0)
    for k in range(cells.shape[0]):
        e = cells[k, 0]
        part = cells[k, 1]
        rows_of[e, part + 1] = rows_of[e, part]
        receptors = _arriving(first, end, arrives, e)
        if receptors != 0 or rests[e] == 0:
            q = chosen[k, receptors & cells[k, 2]]
            rows_of[e, part + 1] = call(advance[q, 0], advance[q, 1], first, end, rows_of[e, part])
        spikes[e] = rows_of[e, part + 1]
    for tick in range(first, end + 1):
        arrives[tick % arrives.shape[0], :] = 0


@kernel
def _close(first, end, progress, base, source, count, bucket_start, bucket_end):
    # order the window's spikes by (tick, id) and open a bucket for each tick
    a = progress[CLOSED]
    b = progress[END]
    if first == end or a == b:
        for tick in range(first, end + 1):
            bucket_start[tick % bucket_start.size] = a
            bucket_end[tick % bucket_start.size] = b
    else:
        ticks = np.empty(end - first + 2, np.int64)
        x, y, z = np.empty(b - a, np.int64), np.empty(b - a, np.int64), np.empty(b - a, np.int64)
        order_grid(first, end, base, source, count, a, b, x, y, z, ticks)
        for tick in range(first, end + 1):
            bucket_start[tick % bucket_start.size] = ticks[tick - first]
            bucket_end[tick % bucket_start.size] = ticks[tick - first + 1]
    progress[CLOSED] = b


@kernel
def _mark(first, end, last, marks, plastic, deaf, arrives, spikes):
    # cells that rest are woken at the ticks at which something may arrive; gates are looked at once it is known whether
    # anything is to open them
    for gated in range(2):
        for k in range(marks.shape[0]):
            row = marks[k, 4]
            has_gate = row >= 0 and plastic[row, 5] != 0
            if spikes[marks[k, 0]] > 0 and has_gate == (gated == 1) and not (has_gate and deaf[row]):
                for tick in range(first, end + 1):
                    arrives[(tick + marks[k, 2]) % arrives.shape[0], marks[k, 1]] |= marks[k, 3]
        for k in range(plastic.shape[0] if gated == 0 else 0):
            # Python may set a gate once `last` is reached: what arrives later is delivered whatever it is
            deaf[k] = 0
            reached = end + plastic[k, 4]
            may_be = plastic[k, 5] != 0 and spikes[plastic[k, 2]] > 0 and reached <= last
            if may_be and _arriving(end + 1, reached, arrives, plastic[k, 3]) & plastic[k, 5] == 0:
                deaf[k] = call(plastic[k, 6], plastic[k, 7], 0, 0, 0)


@kernel
def is_closed(gate):
    """Whether no cell listens."""
    for i in range(gate.size):
        if gate[i] != 0.0:
            return 0
    return 1


@kernel
def _visit(turns, progress, plastic, deaf, spikes, base, events):
    # rows of the window's presynaptic spikes; plastic arrivals are summed as they are emitted, so the projections take
    # turns as finely as the order of the sums asks for
    start = progress[FIRST_SPIKE]
    while start < progress[CLOSED]:
        end = progress[CLOSED]
        if turns == BY_SPIKE:
            end = start + 1
        elif turns == BY_TICK:
            end = start + 1
            while end < progress[CLOSED] and base[end] == base[start]:
                end += 1
        for k in range(plastic.shape[0]):
            if spikes[plastic[k, 2]] > 0:
                events[0] += call(plastic[k, 0], plastic[k, 1], start, end, deaf[k])
        start = end


@kernel
def collect_spikes(n, end, first_id, out_base, out_index, out_count, base, source, count):
    """Append n spikes of one emitter to the calendar from place `end` on; returns the sum of their counts."""
    total = 0
    for k in range(n):
        base[end + k] = out_base[k]
        source[end + k] = first_id + out_index[k]
        count[end + k] = out_count[k]
        total += out_count[k]
    return total


@kernel
def run_step(address, table, a, b, c):
    """Call one step from Python."""
    return call(address, table, a, b, c)


@kernel
def run_signals(steps, tick):
    """Call each step of a signal that arrives at a tick."""
    for k in range(steps.shape[0]):
        call(steps[k, 0], steps[k, 1], tick, 0, 0)

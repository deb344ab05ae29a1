"""Minibatches: threads take examples, and then rows of weights, from a common counter until none is left.

An example runs through the compiled loop of kernels/driver.py from a state that is the same for all, so that it does
not matter which thread takes it. Weights are read alone meanwhile.
Measured on an EPYC 9004 at 2.6 GHz, 784-800-800-10 with mirror weights, minibatches of 32, 200 us an example on one
thread: 155 us run it (the visits of kernels/matrix.py, bound by L3), 35 us apply its signals (rows in L1), and 10 us
are serial, in Python. On two threads 105 to 125 us; the rest is waiting for the second thread and for the last example.
"""

from __future__ import annotations

from neuromorph.kernels import driver
from neuromorph.kernels.barrier import meet, take
from neuromorph.kernels.jit import kernel
from neuromorph.kernels.steps import call

EXAMPLES, LISTS, ROWS = 0, 8, 16  # three counters, a cache line apart


@kernel
def run_examples(
    taken, n, begin, period, current, number, fresh, kept, draws, state, until, long_ago, ring, shown, results, last,
    spans, totals, wrong, progress, window, turns, sources, static, advance, collect, histories, plastic, signals,
    listeners, due, sent, values, held, cells, chosen, marks, deaf, rests, arrives, spikes, rows_of, events,
    spike_counts, base, source, count, bucket_start, bucket_end,
):  # fmt: skip
    """Run examples until n have been taken; returns DONE, or what driver.run_windows cannot go on from.

    taken : common counters; begin, period : ticks; current[0] : the example in hand, -1: none; number : of this thread
    fresh : float64[state], what all begin with, but for the places `kept`, which each example advances by `draws`
    state, until : all that cells and registers hold; ring, progress ... bucket_end : as driver.run_windows takes them
    shown : (first, end) of stretches of the state that go into an example's row of `results`
    last : the state of the last example; spans : of each its thread and its spikes in that one's calendar
    totals : of each synaptic events, then spikes by emitter
    wrong[0] : set where an example took another number of draws than the first, and any
    """
    while True:
        if current[0] < 0:
            k = take(taken, EXAMPLES)
            if k >= n:
                return driver.DONE
            current[0] = k
            _begin(k, begin + k * period, fresh, kept, draws, state, until, long_ago, ring, progress, deaf, arrives,
                   events, spike_counts, bucket_start, bucket_end)  # fmt: skip
            spans[k, 0] = number
            spans[k, 1] = progress[driver.CLOSED]
        k = current[0]
        reached = driver.run_windows(
            progress, begin + (k + 1) * period, window, turns, sources, static, advance, collect, histories, plastic,
            signals, listeners, due, sent, values, held, cells, chosen, marks, deaf, rests, arrives, spikes, rows_of,
            events, spike_counts, base, source, count, bucket_start, bucket_end,
        )  # fmt: skip
        if reached != driver.DONE:
            return reached
        _end(k, fresh, kept, draws, state, shown, results, wrong)
        spans[k, 2] = progress[driver.CLOSED]
        totals[k, 0] = events[0]
        totals[k, 1:] = spike_counts
        if k == n - 1:
            last[:] = state
        current[0] = -1


@kernel
def _begin(k, tick, fresh, kept, draws, state, until, long_ago, ring, progress, deaf, arrives, events,
           spike_counts, bucket_start, bucket_end):  # fmt: skip
    state[:] = fresh
    for q in range(kept.size):
        state[kept[q]] += k * draws[q]
    until[:] = long_ago
    ring[:] = 0.0
    progress[driver.TICK] = tick
    progress[driver.PHASE] = driver.ADVANCE
    bucket_start[:] = progress[driver.CLOSED]
    bucket_end[:] = progress[driver.CLOSED]
    deaf[:] = 0
    arrives[:] = 0
    arrives[(tick + 1) % arrives.shape[0]] = -1
    events[0] = 0
    spike_counts[:] = 0


@kernel
def _end(k, fresh, kept, draws, state, shown, results, wrong):
    at = 0
    for q in range(shown.shape[0]):
        n = shown[q, 1] - shown[q, 0]
        results[k, at : at + n] = state[shown[q, 0] : shown[q, 1]]
        at += n
    for q in range(kept.size):
        taken = state[kept[q]] - (fresh[kept[q]] + k * draws[q])
        if taken != draws[q] and taken != 0.0:
            wrong[0] = 1


@kernel
def add_changes(n, results, column, fresh, values):
    """What n examples that began with `fresh` left in columns of `results`: the first, and changes by the others."""
    values[:] = 0.0
    for k in range(1, n):
        row = results[k, column : column + values.size]
        for i in range(values.size):
            values[i] += row[i] - fresh[i]
    values += results[0, column : column + values.size]


@kernel
def apply_signals(taken, meeting, threads, lists, rows):
    """Do the tasks (address, table, low, high, events) of `lists`, then those of `rows`, until all have been done.

    lists : cells that examples low..high-1 have changed; rows : rows low..high-1 of the weights of a projection
    """
    k = take(taken, LISTS)
    while k < lists.shape[0]:
        call(lists[k, 0], lists[k, 1], lists[k, 2], lists[k, 3], 0)
        k = take(taken, LISTS)
    meet(meeting, threads)
    k = take(taken, ROWS)
    while k < rows.shape[0]:
        call(rows[k, 0], rows[k, 1], rows[k, 2], rows[k, 3], rows[k, 4])
        k = take(taken, ROWS)
    meet(meeting, threads)

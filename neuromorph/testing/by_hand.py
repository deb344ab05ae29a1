"""Pair STDP written by hand into the engine's loop over spikes: what the generated kernel is measured against.

The same arrays, the same algorithm (each cell's three latest spikes are tried at every synapse of a row, and the list
of all is walked where that is not enough), and no trace of the contract: no hooks, no namedtuples, parameters as
numbers. Sparse rows of one delay, on the grid.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from neuromorph.engine import learning
from neuromorph.kernels import plastic
from neuromorph.kernels.codegen import load
from neuromorph.kernels.recent import RECENT

_TEMPLATE = """
import numpy as np

from neuromorph.kernels.elementary import exp
from neuromorph.kernels.jit import kernel


@kernel(forceinline=True, counted=False)
def _stored(w, low, high):
    return float(np.float32(min(max(w, low), high)))


@kernel(forceinline=True, counted=False)
def _fall(since, table, ms, tau):
    return table[since] if 0 <= since < table.size else exp(-(since * ms) / tau)


@kernel(disjoint=True, counted=False)
def _row(target, weights, late, now, seen, own, d, a_plus, a_minus, low, high, recent, own_x, x_table, y, y_table):
    horizon, unseen, last, n = now - d, seen - d, x_table.size - 1, 0
    for j in range(target.size):
        t = target[j] * 3
        before = weights[j]
        w = float(before)
        b0, b1, b2 = recent[t], recent[t + 1], recent[t + 2]
        bad = b2 > unseen
        up = _stored(w + a_plus * (own_x * x_table[min(max(b2 + d - own, 0), last)]), low, high)
        w = up if (b2 > unseen) & (b2 <= horizon) else w
        up = _stored(w + a_plus * (own_x * x_table[min(max(b1 + d - own, 0), last)]), low, high)
        w = up if (b1 > unseen) & (b1 <= horizon) else w
        up = _stored(w + a_plus * (own_x * x_table[min(max(b0 + d - own, 0), last)]), low, high)
        w = up if (b0 > unseen) & (b0 <= horizon) else w
        since = horizon - b2
        since = horizon - b1 if b1 < horizon else since
        since = horizon - b0 if b0 < horizon else since
        down = y[t + 2]
        down = y[t + 1] if b1 < horizon else down
        down = y[t] if b0 < horizon else down
        bad |= (since > last) & (down != 0.0)
        bad |= b2 >= horizon
        w = _stored(w - a_minus * (down * y_table[min(max(since, 0), last)]), low, high)
        weights[j] = before if bad else np.float32(w)
        late[j] = bad
        n += bad
    return n


@kernel(counted=False)
def visit({arguments}):
    tau_plus, tau_minus, a_plus, a_minus = rule_p[0], rule_p[1], rule_p[2], rule_p[3]
    low, high, ms, d = rule_w_min, rule_w_max, rule_ms, int(rows_delay[0])
    x_table, y_table, every_y = rule_decay[0], rule_decay[1], history_y_after[0]
    events = 0
    for k in range(start, end):
        i = spike_source[k] - first_id
        if i < 0 or i >= n_pre:
            continue
        now, count, a, b = base[k], spike_count[k], rows_row[i], rows_row[i + 1]
        seen, own, own_x = source_seen_base[i], source_base[i], source_x[0, i]
        x = own_x * _fall(now - own, x_table, ms, tau_plus)
        targets, weights = rows_target[a:b], rows_weight[a:b]
        every = now - own >= x_table.size
        n_late = 1 if every else _row(targets, weights, history_late, now, seen, own, d, a_plus, a_minus, low, high,
                                      history_recent, own_x, x_table, every_y, y_table)
        if n_late > 0:
            for j in range(b - a):
                if not every and history_late[j] == 0:
                    continue
                t, w, n = targets[j], float(weights[j]), 0
                e = history_head[t]
                while e >= 0 and history_base[e] + d > now:
                    e = history_prev[e]
                while e >= 0 and history_base[e] + d > seen:
                    history_stack[n] = e
                    n += 1
                    e = history_prev[e]
                while n > 0:
                    n -= 1
                    since = history_base[history_stack[n]] - own + d
                    w = _stored(w + a_plus * (own_x * _fall(since, x_table, ms, tau_plus)), low, high)
                e = history_head[t]
                while e >= 0 and history_base[e] + d >= now:
                    e = history_prev[e]
                at, y = (history_base[e], history_y[0, e]) if e >= 0 else (history_floor_base[t], history_floor_y[0, t])
                w = _stored(w - a_minus * (y * _fall(now - at - d, y_table, ms, tau_minus)), low, high)
                weights[j] = w
        into = ring[(now + d) % ring.shape[0], rows_slot[0] :]
        c = float(count)
        for j in range(targets.size):
            into[targets[j]] += c * weights[j]
        source_before[0, i] = x
        source_x[0, i] = x + c
        source_base[i], source_offset[i] = now, 0.0
        source_seen_base[i], source_seen_offset[i] = now, 0.0
        events += (b - a) * count
    return events
"""


def visit_by_hand(generated: Any) -> Any:
    """The kernel, with the arguments of the generated one that it stands in for."""
    assert RECENT == 3
    function = getattr(generated, "py_func", generated)
    text = _TEMPLATE.replace("{arguments}", ", ".join(inspect.signature(function).parameters))
    return load(text, {}, "pair STDP by hand").visit


@contextmanager
def pair_stdp_by_hand() -> Iterator[None]:
    """Simulations made inside the block run pair_stdp with the loop written by hand."""
    generated = plastic.plastic_kernels

    def kernels(rule: Any, exact: bool) -> Any:
        module = generated(rule, exact)
        if rule.__name__ != "PairSTDP":
            return module
        return SimpleNamespace(**{**vars(module), "visit": visit_by_hand(module.visit)})

    learning.plastic.plastic_kernels = kernels  # type: ignore[assignment]
    try:
        yield
    finally:
        learning.plastic.plastic_kernels = generated

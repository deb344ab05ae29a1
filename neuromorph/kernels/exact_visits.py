"""Template of exact mode for arrivals that change nothing but a state: a visit each, many cells in SIMD at a time.

`wake` of a cell is the window in which it may fire by itself, end its refractoriness, or hear from a drive. Until then
an arrival takes it from its last own event to the present one, whatever else arrives in the window: slices of synapses
are followed in order of time, without dealing their arrivals out to the cells first. What does not fit is put *aside*,
dealt out and walked (exact_cells.py): cells that are due, those that the arrival fires, and instants at which a cell
may have more than one sum of arrivals. The walk does the same arithmetic: who is visited changes no result.
"""

from __future__ import annotations

from types import ModuleType

from neuromorph.kernels.codegen import load, render
from neuromorph.kernels.exact import STRETCH_BITS, VARIABLES
from neuromorph.kernels.visits import ROOM
from neuromorph.kernels.watch import watcher
from neuromorph.models.contract import NeuronModel

_HOOKS = ("advance", "receive", "fires", "quiet")

_VISIT = """
import collections
import numpy as np

from neuromorph.kernels.exact import (
    LAST_BASE, LAST_OFFSET, NEVER, ONE_BITS, STRETCH_BITS, UNTIL_BASE, UNTIL_OFFSET, weight_of,
)
from neuromorph.kernels.jit import kernel
from neuromorph.kernels.prefetch import prefetch
from neuromorph.kernels.visits import put_aside

R = collections.namedtuple("R", ["seed", "stream", "entity"])
S = collections.namedtuple("S", {variables!r})
X = collections.namedtuple("X", {receptors!r})
P = collections.namedtuple("P", {parameters!r})
FAR = 1e6  # ms
NEARER = 1.0 - 1e-12  # rounding must not make a bound later
ROOM = {room}
STRETCH = 1 << {stretch}
ONE = np.uint64(1)
NONE = 0xFFFFFFFFFFFFFFFF


@kernel(disjoint=True, counted=False)
def step(n, base, at, unit, zero, r, driven, seed, stream, shared, own, cell, since, clamped, weight, wake,
         {flat}):
    # State of n cells after an arrival, `since` ms after their last own event, and when they may do something by
    # themselves; -1: at once. No branches: a loop in SIMD, 10 ns a cell (lif_exp, most of it
    # exp).
    {shared_parameters}
    per_unit = NEARER / unit
    for k in range(np.uint64((n + 7) // 8 * 8)):  # what is left of the last eight would be taken one by one
        g = cell[k]
        {own_parameters}
        still = clamped[k] > 0.0
        {unpack} = advance_state(S({old}), since[k], p, still)
        {unpack} = receive(S({names}), X({inputs}), p, still, R(seed, stream, g - zero))
        ahead = base + np.floor((at + min({quiet}, FAR)) * per_unit)
        ahead = min(ahead, wake[k]) if driven else ahead
        ahead = -1.0 if fires(S({names}), p) > 0 else ahead
        wake[k] = wake[k] if still else ahead
        {store}


@kernel(counted=False)
def rouse(base, unit, low, high, zero, driven, seed, stream, shared, cells, visits):
    # Find the cells low..high-1 whose wake is due. Where it is only a bound on crossings that ends, look on from the
    # window's beginning; where that does not carry beyond the window, or anything else is due, mark the cell as due.
    rows, wakes, least, due, own = cells.row, cells.wake, cells.least, cells.due, cells.own
    cell, since, clamped, weight, wake = visits.cell, visits.since, visits.clamped, visits.weight, visits.wake
    {state_rows}
    m = 0
    for b in range(np.uint64(low) >> STRETCH_BITS, (np.uint64(high + STRETCH - 1)) >> STRETCH_BITS):
        if least[b] > base:
            continue
        soonest = NEVER
        for g in range(b << STRETCH_BITS, min((b + ONE) << STRETCH_BITS, np.uint64(wakes.size))):
            if wakes[g] > base or g < np.uint64(low) or g >= np.uint64(high):
                soonest = min(soonest, wakes[g])
                continue
            lb, lo = rows[g, LAST_BASE], rows[g, LAST_OFFSET]
            ub, uo = rows[g, UNTIL_BASE], rows[g, UNTIL_OFFSET]
            bound = wakes[g] == base and lb < base and (ub < lb or (ub == lb and uo <= lo))
            due[g] = 1
            if bound and not driven and m < ROOM:
                cell[m] = np.int64(g)
                since[m] = (base - lb) * unit - lo
                clamped[m] = 0.0
                weight[m] = 0.0
                {load}
                m += 1
        least[b] = soonest
    if m > 0:
        step(m, base, 0.0, unit, zero, 0, False, seed, stream, shared, own, cell, since, clamped, weight, wake, {flat})
    for k in range(np.uint64(m)):
        if wake[k] > base:
            g = np.uint64(cell[k])
            due[g] = 0
            wakes[g] = np.int64(wake[k])
            least[g >> STRETCH_BITS] = min(least[g >> STRETCH_BITS], wakes[g])


@kernel(counted=False)
def visit(base, unit, n, zero, slot0, size, driven, seed, stream, shared, cells, batches, words, visits, aside,
          n_aside):
    # The arrivals of all batches at a population; returns how many arrivals have been put aside. About 21 ns an arrival
    # while rows are in cache (lif_exp), half of it in `step`.
    rows, wakes, counts, least, due, own = (
        cells.row, cells.wake, cells.count, cells.least, cells.due, cells.own)
    time, factor, order, firsts, lasts, cursor = (
        batches.time, batches.factor, batches.order, batches.first, batches.last, batches.head)
    cell, where, since, clamped, weight, wake = (
        visits.cell, visits.where, visits.since, visits.clamped, visits.weight, visits.wake)
    {state_rows}
    aside_cell, packed = aside.cell, aside.packed
    flat, width = rows.reshape(rows.size), rows.shape[1]
    slot_end = np.uint64(slot0 + {n_receptors} * size)
    for e in range(n):
        if cursor[e] < 0:
            s = -1 - cursor[e]
            if slot0 <= s < slot0 + {n_receptors} * size:
                r = (s - slot0) // size
                g = zero + s - slot0 - r * size
                n_aside = put_aside(g, e, r, ONE_BITS, counts, due, aside_cell, packed, n_aside)
            continue
        j, last = np.uint64(cursor[e]), np.uint64(lasts[order[e]])
        if j == last or words[j, 0] >= slot_end:
            continue
        at, scale = time[e], factor[e]
        r = (np.int64(words[j, 0]) - slot0) // size
        shift = np.uint64(zero - slot0 - r * size)  # from a slot to its cell, modulo 2^64
        stop = j
        while stop < last and words[stop, 0] < slot_end:
            prefetch(flat, np.int64(words[stop, 0] + shift) * width)
            stop += ONE
        cursor[e] = np.int64(stop)
        alone = (e == 0 or time[e - 1] < at) and (e == n - 1 or at < time[e + 1])
        if not alone or np.int64(words[stop - ONE, 0]) >= slot0 + (r + 1) * size:  # several sums at one instant
            for q in range(j, stop):
                r = (np.int64(words[q, 0]) - slot0) // size
                g = np.int64(words[q, 0]) - slot0 - r * size + zero
                n_aside = put_aside(g, e, r, words[q, 1], counts, due, aside_cell, packed, n_aside)
            continue
        q = j
        while q < stop:
            m = 0
            before = np.uint64(NONE)
            while q < stop:
                g = words[q, 0] + shift
                if due[g]:
                    n_aside = put_aside(np.int64(g), e, r, words[q, 1], counts, due, aside_cell, packed, n_aside)
                elif g == before:  # a synapse between the same two cells
                    weight[m - 1] += scale * weight_of(words[q, 1])
                elif m == ROOM:
                    break
                else:
                    lb, lo = rows[g, LAST_BASE], rows[g, LAST_OFFSET]
                    ub, uo = rows[g, UNTIL_BASE], rows[g, UNTIL_OFFSET]
                    cell[m] = np.int64(g)
                    where[m] = np.int64(q)
                    since[m] = (base - lb) * unit + (at - lo)
                    still = ub > lb or (ub == lb and uo > lo)
                    clamped[m] = 1.0 if still else 0.0
                    weight[m] = scale * weight_of(words[q, 1])
                    wake[m] = float(wakes[g]) if driven else (ub if still else 0.0)
                    {load}
                    m += 1
                    before = g
                q += ONE
            step(m, base, at, unit, zero, r, driven, seed, stream, shared, own, cell, since, clamped, weight, wake,
                 {flat})
            for k in range(np.uint64(m)):
                g = np.uint64(cell[k])
                if wake[k] < 0.0:
                    b = np.uint64(where[k])
                    while b < stop and words[b, 0] + shift == g:
                        n_aside = put_aside(np.int64(g), e, r, words[b, 1], counts, due, aside_cell, packed, n_aside)
                        b += ONE
                    continue
                rows[g, LAST_BASE], rows[g, LAST_OFFSET] = base, at
                {save}
                soon = np.int64(wake[k])
                wakes[g] = soon
                b = g >> STRETCH_BITS
                if soon > base:
                    least[b] = min(least[b], soon)
                else:
                    due[g] = 1
    return n_aside
"""


def visiting(kinds: tuple[tuple[type[NeuronModel], tuple[str, ...]], ...]) -> bool:
    """Whether cells can be visited: all models say for how long a cell is quiet (never in a debug run)."""
    return watcher() is None and all(hasattr(model, "quiet") for model, _ in kinds)


def visit_kernels(kind: tuple[type[NeuronModel], tuple[str, ...]]) -> ModuleType:
    """Module with `rouse` and `visit` for one kind of population."""
    model, own = kind
    hooks = {("advance_state" if h == "advance" else h): getattr(model, h) for h in _HOOKS}
    parameters, receptors = list(model.parameters()), [r.name for r in model.receptors]
    names = [f"v{j}" for j in range(len(model.variables()))]
    row = {name: j for j, name in enumerate(own)}
    values = ", ".join(f"own[g, {row[q]}]" if q in row else f"shared[{j}]" for j, q in enumerate(parameters))
    lines: dict[str, object] = {
        "variables": list(model.variables()),
        "receptors": receptors,
        "parameters": parameters,
        "n_receptors": len(receptors),
        "room": ROOM,
        "stretch": int(STRETCH_BITS),
        "names": ", ".join(names),
        "unpack": ", ".join(names) + ("," if len(names) == 1 else ""),
        "flat": ", ".join(f"s{j}" for j in range(len(names))),
        "old": ", ".join(f"s{j}[k]" for j in range(len(names))),
        "shared_parameters": [] if own else [f"p = P({values})"],
        "own_parameters": [f"p = P({values})"] if own else [],
        "quiet": f"quiet(S({', '.join(names)}), p)",
        "inputs": ", ".join(f"weight[k] if r == {j} else 0.0" for j in range(len(receptors))),
        "store": [f"s{j}[k] = v{j}" for j in range(len(names))],
        "state_rows": [f"s{j} = visits.state[{j}]" for j in range(len(names))],
        "load": [f"s{j}[m] = rows[g, {VARIABLES + j}]" for j in range(len(names))],
        "save": [f"rows[g, {VARIABLES + j}] = s{j}[k]" for j in range(len(names))],
    }
    return load(render(_VISIT, lines), hooks, f"{model.name}, {'own' if own else 'shared'} parameters, visits")

"""Templates of exact mode: a walk for each kind of population, and a driver over windows for those of a network.

A kind is a model with or without parameters of each cell's own. The walk takes a cell from one own event to the next:
arrivals, threshold crossings between them, the end of refractoriness. A cell's row is (last own event, end of
refractoriness, variables), and `wake` the window before which it does nothing by itself; `codegen` injects the hooks.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from neuromorph.kernels.codegen import load, render
from neuromorph.kernels.exact import VARIABLES
from neuromorph.kernels.exact_visits import visit_kernels, visiting
from neuromorph.models.contract import NeuronModel

Kind = tuple[type[NeuronModel], tuple[str, ...]]
_HOOKS = ("advance", "crossing", "receive", "fires", "reset", "quiet", "decays", "advance_by")

_WALK = """
import collections

import numpy as np

from neuromorph.kernels.exact import (
    CELLS, DONE, LAST_BASE, LAST_OFFSET, MORE_SPIKES, NEVER, STRETCH_BITS, UNTIL_BASE,
    UNTIL_OFFSET, prepare, undo_driven, wake_driven,
)
from neuromorph.kernels.instants import elapsed, normalise
from neuromorph.kernels.jit import kernel
from neuromorph.kernels.prefetch import prefetch

R = collections.namedtuple("R", ["seed", "stream", "entity"])
FAR = 1e6  # ms
LOOKS = 1
ZERO, ONE = np.uint64(0), np.uint64(1)  # an index that may be negative would be tested for it
END_OF_WINDOW, ARRIVAL, RELEASE, CROSSING = range(4)

S = collections.namedtuple("S", {variables!r})
X = collections.namedtuple("X", {receptors!r})
P = collections.namedtuple("P", {parameters!r})


@kernel(counted=False)
def walk(base, high, unit, zero, first_id, seed, stream, place, n_active, shared, drive, end_drive, cells, record,
             batches, mine, drives, spikes, n):
    # The active cells of a population from number `place` on; returns (spikes, next number, what must grow).
    # `fresh`: the last own event is the arrival before the next one, so that the decays in between are known.
    reach = {reach}
    active, rows, ends, counts, wakes, own = cells.active, cells.row, cells.start, cells.count, cells.wake, cells.own
    least = cells.least
    time, weights, receptors, firsts, driven = mine.time, mine.weight, mine.receptor, mine.first, mine.driven
    spike_offset, spike_source, spike_count, archive = spikes.offset, spikes.source, spikes.count, spikes.archive
    limit = spike_offset.size
    flat, width = rows.reshape(rows.size), rows.shape[1]
    first_driven, drawn, next_base, next_offset = drives.first, drives.drawn, drives.next_base, drives.next_offset
    {shared_parameters}
    arrivals = 0
    ready = 0
    r = 0
    for m in range(place, n_active):
        if r == ready:
            if end_drive > drive and ready > 0:
                wake_driven(unit, zero, m - ready, ready, drive, end_drive, cells, drives)
            until_cell = min(m + CELLS, n_active)
            for k in range(m, until_cell):  # scattered lines of memory: all are under way while the first is waited for
                j = (zero + active[zero + k]) * width
                prefetch(flat, j)
                prefetch(flat, j + width - 1)
                for d in range(drive, end_drive):
                    c = first_driven[d] + active[zero + k]
                    prefetch(drawn, c)
                    prefetch(next_base, c)
                    prefetch(next_offset, c)
            ready, need = prepare(
                base, high, unit, zero, m, until_cell, drive, end_drive, seed, cells, record, batches, drives, mine)
            r = 0
            if ready == 0:
                drives.arrivals[0] += arrivals
                return n, m, need
            {steps}
        i = active[zero + m]
        g = np.uint64(zero + i)
        a = np.uint64(firsts[r])
        r += 1
        {own_parameters}
        {load_state}
        lb, lo = rows[g, LAST_BASE], rows[g, LAST_OFFSET]
        ub, uo = rows[g, UNTIL_BASE], rows[g, UNTIL_OFFSET]
        sb = float(wakes[g])
        behind = (base - lb) * unit
        clamped = ub > lb or (ub == lb and uo > lo)
        until = uo if ub == base else (-np.inf if ub < base else np.inf)
        safe = np.inf if sb > base else -np.inf
        start = n
        fresh = True
        arrival = time[a]
        while True:
            target = min(arrival, high)
            event = ARRIVAL if arrival <= high else END_OF_WINDOW
            h = behind + (target - lo)
            if clamped:
                if until <= target:
                    event = RELEASE
                    h = (ub - lb) * unit + (uo - lo)
            elif h > 0.0 and target >= safe:
                c = 0.0
                {quiet}
                if c > h:
                    if event == END_OF_WINDOW:
                        cb, co = normalise(0, lo + min(c, FAR), unit)
                        sb = lb + cb
                        break
                else:
                    ahead = h + 1e-9 * unit if event == ARRIVAL else max(h + reach, 2.0 * h)
                    c = crossing(S({names}), ahead, p)
                    if c < np.inf:
                        cb, co = normalise(0, lo + c, unit)
                        cb += lb
                        if cb < base or (cb == base and (co < target or (co == target and event != ARRIVAL))):
                            event = CROSSING
                            h = c
                        elif event == END_OF_WINDOW:
                            sb = cb
                    elif event == END_OF_WINDOW:
                        if ahead == np.inf:
                            sb = NEVER
                        else:
                            cb, co = normalise(0, lo + ahead, unit)
                            sb = lb + cb
            if event == END_OF_WINDOW:
                break
            {advance}
            sb, safe = -1.0, -np.inf
            fresh = event == ARRIVAL
            if event == RELEASE:
                lb, lo = ub, uo
                behind = (base - lb) * unit
                clamped = False
                continue
            lb, lo = base, target
            behind = 0.0
            if event == CROSSING:
                lo = co
                n_spikes = 1
            else:
                {clear_inputs}
                while arrival == target:
                    receptor, weight = receptors[a], weights[a]
                    {add_inputs}
                    a += ONE
                    arrival = time[a]
                {unpack} = receive(S({names}), X({inputs}), p, clamped, R(seed, stream, i))
                n_spikes = 0 if clamped else fires(S({names}), p)
            if n_spikes > 0:
                if n >= limit:
                    undo_driven(zero, m - r + 1, r - 1, ready, drive, end_drive, cells, drives)
                    if end_drive > drive:
                        wake_driven(unit, zero, m - r + 1, r - 1, drive, end_drive, cells, drives)
                    drives.arrivals[0] += arrivals
                    return start, m, MORE_SPIKES
                {archive}
                spike_offset[n] = lo
                spike_source[n] = first_id + i
                spike_count[n] = n_spikes
                n += 1
                {unpack} = reset(S({names}), p)
                cb, uo = normalise(0, lo + {refractory}, unit)
                ub = lb + cb
                clamped = cb > 0 or uo > lo
                until = uo if cb == 0 else np.inf
        if clamped:
            sb = ub
        rows[g, LAST_BASE], rows[g, LAST_OFFSET] = lb, lo
        rows[g, UNTIL_BASE], rows[g, UNTIL_OFFSET] = ub, uo
        {store_state}
        wakes[g] = np.int64(sb)
        least[g >> STRETCH_BITS] = min(least[g >> STRETCH_BITS], wakes[g])
        counts[g] = 0
        arrivals += driven[r - 1]
    if end_drive > drive and ready > 0:
        wake_driven(unit, zero, n_active - ready, ready, drive, end_drive, cells, drives)
    drives.arrivals[0] += arrivals
    return n, n_active, DONE


{decays_kernel}


@kernel
def evaluate(base, offset, unit, chosen, rows, shared, own, out):
    # State of the chosen cells at an instant at or after their last own event; nothing is moved.
    for m in range(chosen.size):
        i = chosen[m]
        g = i
        p = P({evaluate_parameters})
        {load_state}
        lb, lo = rows[g, LAST_BASE], rows[g, LAST_OFFSET]
        ub, uo = rows[g, UNTIL_BASE], rows[g, UNTIL_OFFSET]
        clamped = ub > lb or (ub == lb and uo > lo)
        if clamped and (ub < base or (ub == base and uo <= offset)):
            {unpack} = advance_state(S({names}), elapsed(lb, lo, ub, uo, unit), p, True)
            lb, lo = ub, uo
            clamped = False
        h = elapsed(lb, lo, base, offset, unit)
        if h > 0.0:
            {unpack} = advance_state(S({names}), h, p, clamped)
        {store_out}


@kernel
def firing(chosen, values, shared, own):
    # Place of the first of these cells that would fire at once with such values of its variables; -1: none.
    for m in range(chosen.size):
        i = chosen[m]
        if fires(S({given_values}), P({evaluate_parameters})) > 0:
            return m
    return -1
"""

_DRIVER = """
from neuromorph.kernels.exact import (
    BASE, BATCHES, CLOSED, DEALT, DONE, END, EVENTS, LOOSE, MORE_BATCHES, MORE_RECORDS, NEEDED, PHASE, PLACE,
    POPULATION, SPIKES, close_window, count_arrivals, deal, gather, list_active, order_in_time,
)
from neuromorph.kernels.jit import kernel
from neuromorph.kernels.visits import begin_visits, deal_aside, list_due


@kernel(counted=False)
def run(stop, low, high, unit, horizon, closing, seed, populations, streams, marks, calendar, rows, loose, inputs,
        batches, slots, cells, record, mine, visits, aside, spikes, drives, population_of, spike_counts):
    # Windows from marks[BASE] to `stop`, the first one after `low`, the last one up to `high`. Returns DONE, or what
    # must grow before the next call, which goes on from `marks`.
    # populations: (first neuron, first id, low, high, kind, first slot, size). Windows with marks[DEALT] arrivals or
    # more deal them out to the cells before these are walked; else cells are visited, and those put aside are walked.
    while marks[BASE] <= stop:
        base = marks[BASE]
        top = high if base == stop else unit
        if marks[PHASE] == 0:
            n, arrivals, events = gather(
                base, low, top, unit, base - horizon, calendar, rows, loose, marks[LOOSE], batches)
            if n >= batches.at.size:
                marks[NEEDED] = n
                return MORE_BATCHES
            if arrivals >= record.size:
                marks[NEEDED] = arrivals
                return MORE_RECORDS
            order_in_time(n, batches.at, batches.source, batches.place, unit, batches.order, batches.head)
            dealt = arrivals >= marks[DEALT]
            n_aside = 0
            total = 0
            if dealt:
                count_arrivals(n, batches, rows.words, slots, cells.count)
            else:
                begin_visits(n, batches, rows.words)
                for p in range(populations.shape[0]):
                    {visits}
            for p in range(populations.shape[0]):
                zero = populations[p, 0]
                low_cell, high_cell, active = zero + populations[p, 2], zero + populations[p, 3], cells.active[zero:]
                if dealt:
                    cells.n_active[p], total = list_active(base, low_cell, high_cell, zero, cells, active, total)
                else:
                    cells.n_active[p], total = list_due(low_cell, high_cell, zero, cells, active, total)
            if dealt:
                deal(n, batches, rows.words, slots, cells.start, record)
            else:
                deal_aside(n_aside, aside, cells.start, record)
            marks[EVENTS] += events
            marks[PHASE] = 1
            marks[POPULATION] = 0
            marks[PLACE] = 0
        if marks[PHASE] == 1:
            while marks[POPULATION] < populations.shape[0]:
                p = marks[POPULATION]
                n = marks[SPIKES]
                place = marks[PLACE]
                need = DONE
                if cells.n_active[p] > 0:
                    {dispatch}
                marks[SPIKES] = n
                if need != DONE:
                    marks[PLACE] = place
                    marks[NEEDED] = 2 * spikes.offset.size
                    return need
                marks[PLACE] = 0
                marks[POPULATION] = p + 1
            marks[PHASE] = 2
        if closing:
            need = close_window(base, top, unit, marks, spikes, inputs, calendar, population_of, spike_counts)
            if need != DONE:
                return need
            marks[CLOSED] = marks[END]
        marks[PHASE] = 0
        marks[BASE] = base + 1
        low = 0.0
    return DONE
"""

# bounds say until when there is no crossing, each looking on from where the last one ended: most cells get an arrival
# before that, and one that does cross is approached in a few steps
_QUIET = """
c = quiet(S({names}), p)
for _ in range(LOOKS):
    if c > (h + unit if event == END_OF_WINDOW else h):
        break
    {later} = advance_state(S({names}), c, p, False)
    c += quiet(S({later_names}), p)
""".strip().split("\n")

# the time from each arrival to the one before it, from a cell's first to its last own event
_STEPS = """
for k in range(ready):
    g = np.uint64(zero + active[zero + m + k])
    mine.step[firsts[k]] = (base - rows[g, LAST_BASE]) * unit + (time[firsts[k]] - rows[g, LAST_OFFSET])
decays_of_steps(firsts, ready, firsts[ready - 1] + driven[ready - 1] + counts[g] + 1, time, mine.step, mine.decay, p)
""".strip().split("\n")

_DECAYS = """
@kernel(counted=False)
def decays_of_steps(firsts, ready, n, time, step, decay, p):
    # Loops without branches, which become SIMD: a scalar exp takes ten times as long.
    first = 0
    for k in range(1, ready + 1):
        end = firsts[k] if k < ready else n
        for j in range(np.uint64(first + 1), np.uint64(end)):
            step[j] = time[j] - time[j - ONE]
        first = end
    for j in range(np.uint64(n)):
        {decays_of_j} = decays(step[j], p)
""".strip().split("\n")

_ADVANCE = """
if fresh and event == ARRIVAL:
    {decays} = {known_decays}
else:
    {decays} = decays(h, p)
{unpack} = advance_by(S({names}), h, ({decays}), p, clamped)
""".strip().split("\n")

_DISPATCH = """if populations[p, 4] == {k}:
    n, place, need = walk_{k}(
        base, top, unit, populations[p, 0], populations[p, 1], seed, streams[p], place, cells.n_active[p],
        cells.shared[p], drives.of[p], drives.of[p + 1], cells, record, batches, mine, drives, spikes, n)"""


_VISIT = """if populations[p, 4] == {k}:
    driven = drives.of[p + 1] > drives.of[p]
    rouse_{k}(
        base, unit, populations[p, 0] + populations[p, 2], populations[p, 0] + populations[p, 3], populations[p, 0],
        driven, seed, streams[p], cells.shared[p], cells, visits)
    n_aside = visit_{k}(
        base, unit, n, populations[p, 0], populations[p, 5], populations[p, 6], driven, seed, streams[p],
        cells.shared[p], cells, batches, rows.words, visits, aside, n_aside)"""


def walk_kernels(kind: Kind) -> ModuleType:
    """Module with `walk`, `evaluate` and `firing` for one kind of population."""
    model, own = kind
    hooks = {("advance_state" if h == "advance" else h): getattr(model, h) for h in _HOOKS if hasattr(model, h)}
    return load(_fill(_WALK, model, own), hooks, f"{model.name}, {'own' if own else 'shared'} parameters")


def driver(kinds: tuple[Kind, ...]) -> Any:
    """The kernel `run` for a network of populations of these kinds."""
    kernels = {f"walk_{k}": walk_kernels(kind).walk for k, kind in enumerate(kinds)}
    if visiting(kinds):
        kernels |= {f"visit_{k}": visit_kernels(kind).visit for k, kind in enumerate(kinds)}
        kernels |= {f"rouse_{k}": visit_kernels(kind).rouse for k, kind in enumerate(kinds)}

    def each(text: str) -> list[str]:
        return [line for k in range(len(kinds)) for line in text.replace("{k}", str(k)).split("\n")] or ["pass"]

    label = "windows of " + "; ".join(model.name for model, _ in kinds)
    return load(
        render(_DRIVER, {"dispatch": each(_DISPATCH), "visits": each(_VISIT if visiting(kinds) else "pass")}),
        kernels,
        label,
    ).run


def _fill(template: str, model: type[NeuronModel], own: tuple[str, ...]) -> str:
    parameters = list(model.parameters())
    receptors = [r.name for r in model.receptors]
    names = [f"v{j}" for j in range(len(model.variables()))]
    row = {name: j for j, name in enumerate(own)}

    def values(cell: str) -> str:
        return ", ".join(f"own[{cell}, {row[q]}]" if q in row else f"shared[{j}]" for j, q in enumerate(parameters))

    later: dict[str, object] = {"names": ", ".join(names), "later_names": ", ".join(f"l{j}" for j in range(len(names)))}
    later["later"] = ", ".join(f"l{j}" for j in range(len(names))) + ("," if len(names) == 1 else "")
    k = len(model.decay_names) if not own else 0
    decays: dict[str, object] = {
        "names": ", ".join(names),
        "unpack": ", ".join(names) + ("," if len(names) == 1 else ""),
        "decays": "".join(f"d{j}, " for j in range(k)).strip(),
        "decays_of_j": "".join(f"decay[{j}, j], " for j in range(k)).strip(),
        "known_decays": "".join(f"mine.decay[{j}, a], " for j in range(k)).strip(),
    }
    advance = ["{unpack} = advance_state(S({names}), h, p, clamped)"]
    lines: dict[str, object] = {
        "steps": _STEPS if k else [],
        "decays_kernel": [render(line, decays) for line in _DECAYS] if k else [],
        "advance": [render(line, decays) for line in (_ADVANCE if k else advance)],
        "variables": list(model.variables()),
        "receptors": receptors,
        "parameters": parameters,
        "names": ", ".join(names),
        "unpack": ", ".join(names) + ("," if len(names) == 1 else ""),
        "reach": "np.inf" if model.closed_crossing else "1.0 + 2.0 * unit",
        "refractory": f"p.{model.refractory}" if model.refractory else "0.0",
        "shared_parameters": [] if own else [f"p = P({values('i')})"],
        "own_parameters": [f"p = P({values('g')})"] if own else [],
        "evaluate_parameters": values("i"),
        "load_state": [f"v{j} = rows[g, {VARIABLES + j}]" for j in range(len(names))],
        "store_state": [f"rows[g, {VARIABLES + j}] = v{j}" for j in range(len(names))],
        "quiet": [render(line, later) for line in _QUIET] if hasattr(model, "quiet") else [],
        "store_out": [f"out[{j}, m] = v{j}" for j in range(len(names))],
        "given_values": ", ".join(f"values[{j}, m]" for j in range(len(names))),
        "clear_inputs": [f"x{j} = 0.0" for j in range(len(receptors))],
        "add_inputs": [f"x{j} += weight if receptor == {j} else 0.0" for j in range(len(receptors))],
        "inputs": ", ".join(f"x{j}" for j in range(len(receptors))),
        "archive": ["if archive.shape[0] > 0:"] + [f"    archive[n, {j}] = v{j}" for j in range(len(names))],
    }
    return render(template, lines)

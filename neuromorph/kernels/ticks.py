"""Template of the run loop of a static network on the grid: many ticks in one call, one call per thread.

Each thread owns one part of every population, and the synapses onto it. Within a window (at most the smallest delay)
threads need nothing of each other; at its end they meet, and each takes the spikes of all into flight.
"""

from __future__ import annotations

from types import ModuleType

from neuromorph.kernels.codegen import load, render
from neuromorph.kernels.grid_cells import IMPORTS, STEP, Kind, hooks, kind_lines, label, step_arguments
from neuromorph.kernels.lazy_cells import LAZY

_IMPORTS = """
from neuromorph.kernels.barrier import meet
from neuromorph.kernels.drives import drive_cells
from neuromorph.kernels.flight import deliver, deliver_listing, launch, take_due
from neuromorph.kernels.lists import enlist

SWEEP = 512
"""

_RUN = """


@kernel(counted={listing})
def run(part, parts, first, last, window, unit, epoch, state_of_barrier, seed, segment, input, waiting, touched,
        first_listed, listed, every, queue_tick, queue_index, queue_count,
        queue, drive_table, drive_mean, drive_limits, drive_key, drive_weight, drive_totals, scratch32, scratch16,
        counts16, row, row_start, slice_delay, slice_end, synapse, class_of, flight_due, flight_place, flight_last,
        flight_at, flight_first, flight_tick, flight_count, flight_class, soonest, due_n, due_start, due_end, due_count,
        box_tick, box_source, box_count, box_n, short,
        calendar_tick, calendar_source, calendar_count, progress, taken, fired, pairs, no_archive, {kind_arguments}):
    # Ticks first..last of one part, or fewer where room is short; `progress` (next tick, first spike in flight, end of
    # the calendar, synaptic events, end of the spikes in flight) is read and written. See engine/ticks.py.
    begin = progress[1]
    end = progress[2]
    launched = progress[4]
    events = 0
    box = 0
    scratch = (scratch32, scratch16, counts16)
    lists = (waiting, touched, first_listed, listed, every)
    drives = (drive_table, drive_mean, drive_limits, drive_key, drive_weight, drive_totals)
    flight = (flight_due, flight_place, flight_last, flight_at, flight_first, flight_tick, flight_count, flight_class,
              soonest)
    start = first
    while start <= last:
        stop = min(start + window - 1, last)
        out_tick = box_tick[box, part]
        out_source = box_source[box, part]
        out_count = box_count[box, part]
        n = 0
        for tick in range(start, stop + 1):
            now = np.int32(tick - epoch)
            begin = take_due(tick, begin, launched, flight, slice_delay, slice_end, due_n, due_start, due_end,
                             due_count)
            {before}
            for k in range(segment.shape[0]):
                kind = segment[k, 0]
                id_ = segment[k, 1]
                low = segment[k, 2]
                high = segment[k, 3]
                size = segment[k, 4]
                slot = segment[k, 5]
                column = segment[k, 6]
                which = segment[k, 7]
                stream = segment[k, 8]
                active = segment[k, 9]
                first_drive = segment[k, 10]
                last_drive = segment[k, 11]
                if kind < 0:
                    q = queue[which, 0]
                    while q < queue[which, 1] and queue_tick[q] == tick:
                        out_tick[n] = tick
                        out_source[n] = id_ + queue_index[q]
                        out_count[n] = queue_count[q]
                        n += 1
                        q += 1
                    queue[which, 0] = q
                {dispatch}
            {after}
        box_n[box, part] = n
        meet(state_of_barrier, parts)
        for p in range(parts):
            taken[p] = 0
        enough = True
        for p in range(parts):
            enough = enough and short[box, p] == 0
        while True:
            best = -1
            for p in range(parts):
                if taken[p] < box_n[box, p] and (
                    best < 0
                    or box_tick[box, p, taken[p]] < box_tick[box, best, taken[best]]
                    or (box_tick[box, p, taken[p]] == box_tick[box, best, taken[best]]
                        and box_source[box, p, taken[p]] < box_source[box, best, taken[best]])
                ):
                    best = p
            if best < 0:
                break
            q = taken[best]
            taken[best] += 1
            launched = launch(box_tick[box, best, q], box_source[box, best, q], box_count[box, best, q], launched,
                              flight, class_of, row, row_start, slice_delay)
            if part == 0:
                calendar_tick[end] = box_tick[box, best, q]
                calendar_source[end] = box_source[box, best, q]
                calendar_count[end] = box_count[box, best, q]
            end += 1
        box = 1 - box
        # said to the others at the next meeting, so that all stop at the same one
        room = min(flight_due.size - 64 - (launched - begin), calendar_tick.size - end)
        short[box, part] = 1 if room < 2 * box_tick.shape[2] * parts else 0
        start = stop + 1
        if not enough:
            break
    progress[0] = start
    progress[1] = begin
    progress[2] = end
    progress[3] += events
    progress[4] = launched
"""


def tick_kernels(kinds: tuple[Kind, ...]) -> ModuleType:
    """Module with `run` for a network whose populations are of these kinds."""
    text, functions = IMPORTS, {}
    arguments: list[str] = []
    dispatch: list[str] = []
    for k, kind in enumerate(kinds):
        text += render(LAZY if kind.lazy else STEP, kind_lines(kind, k))
        functions.update(hooks(kind, k))
        arguments += kind_arguments(kind, k)
        dispatch += _call(kind, k)
    listing = any(kind.lazy for kind in kinds)
    due = "due_n, due_start, due_end, due_count, synapse, input"
    lines = [f"events += deliver_listing({due}, lists)" if listing else f"events += deliver({due})"]
    straight = any(kind.straight for kind in kinds)
    # what steps refer to comes before them
    text = _IMPORTS + text + render(_RUN, {
        "kind_arguments": ", ".join(arguments), "dispatch": dispatch, "listing": listing,
        "before": [] if straight else lines, "after": lines if straight else [],
    })  # fmt: skip
    return load(text, functions, "the run loop of " + "; ".join(map(label, kinds)))


def kind_arguments(kind: Kind, k: int) -> list[str]:
    """Names of the arrays of all cells of a kind, in the order that `run` takes them."""
    return [f"{name}_of_{k}" for name in step_arguments(kind) if name not in _in_inputs(kind)]


def _in_inputs(kind: Kind) -> dict[str, int]:
    """The arrays of a kind that are parts of the inputs, and the receptors whose slots they are."""
    held = {f"input_{r}": r for r in kind.inputs}
    variables = list(kind.model.variables())
    return held | {f"state_{variables.index(kind.model.receptors[r].into)}": r for r in kind.straight}


def _call(kind: Kind, k: int) -> list[str]:
    """Lines that cut the arrays of a kind to some cells of a segment and take these through a tick."""
    arguments = []
    cells = "low : {0} + high" if kind.lazy else "a : {0} + b"
    held = _in_inputs(kind)
    for name in step_arguments(kind):
        if name in held:
            first = f"slot + {held[name]} * size"
            arguments.append(f"input[{first} + {cells.format(first)}]")
        elif name.startswith("shared"):
            arguments.append(f"{name}_of_{k}[which]")
        else:
            arguments.append(f"{name}_of_{k}[column + {cells.format('column')}]")
    values = ", ".join(arguments)
    drive = "events += drive_cells(tick, {}, input, first_drive, last_drive, drives, scratch, lists)"
    if kind.lazy:
        listed = f"unit, slot + {kind.live[0]} * size + low, active, lists"
        rest = f"id_ + low, low, seed, stream, {listed}, fired, out_tick, out_source, out_count, n"
        return [f"if kind == {k}:", f"    {drive.format('low, high')}", f"    n = step_{k}(tick, {values}, {rest})"]
    # some cells at a time, so that what is drawn for them is still near
    rest = "id_ + a, a, seed, stream, fired, pairs, out_tick, out_source, out_count, no_archive, n"
    lines = [f"n = step_{k}(tick, now, {values}, {rest})", drive.format("a, b")]
    return [
        f"if kind == {k}:",
        "    a = low",
        "    while a < high:",
        "        b = min((a // SWEEP + 1) * SWEEP, high)",
        *(f"        {line}" for line in (lines if kind.straight else reversed(lines))),
        "        a = b",
    ]

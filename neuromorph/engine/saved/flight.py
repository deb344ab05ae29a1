"""Saved spikes: those of the calendar that may still be delivered, and what has been delivered and is on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.engine.dense_windows import DenseWindows
from neuromorph.engine.exact_windows import ExactWindows
from neuromorph.engine.learning import Pending
from neuromorph.engine.saved.arrays import Arrays, Saved, check_indices, check_lengths, fill, indices, taken, under
from neuromorph.engine.ticks import TickLoop
from neuromorph.engine.windows import GridWindows

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine

_CALENDAR = {"base": "i", "offset": "f", "source": "i", "count": "i"}
#: an arrival of a plastic synapse: when, where, how much, and by which synapse (projection, ordinal)
_PENDING = {"base": "i", "offset": "f", "slot": "i", "weight": "f", "source": "i", "projection": "i", "ordinal": "i"}


def save(engine: Engine) -> Arrays:
    """All that is on its way."""
    windows: Any = engine.windows
    out: Arrays = {}
    if not isinstance(windows, TickLoop):
        out |= under("calendar", engine.calendar.saved())
    if isinstance(windows, ExactWindows):
        out |= under("pending", _with_ordinals(engine, windows.pending))
        if isinstance(windows, DenseWindows):
            out["sums_hold"] = np.int64(windows._sums_hold)
        return out
    out["ring"] = windows.ring.copy()
    if isinstance(windows, GridWindows):
        return out | {"arrives": windows._arrives.copy()}
    return out | {"epoch": np.int64(windows._epoch)} | under("flight", windows.in_flight())


def load(engine: Engine, saved: Saved) -> None:
    """Put all under way that was."""
    windows: Any = engine.windows
    if not isinstance(windows, TickLoop):
        columns = {name: taken(saved, f"calendar/{name}", (None,), kind) for name, kind in _CALENDAR.items()}
        check_indices(columns["source"], "calendar/source", engine.network.n_ids)
        check_lengths(columns, "calendar")
        buckets, n = engine.calendar.bucket_start.shape, columns["base"].size + 1
        starts, ends = (indices(saved, f"calendar/{name}", buckets, n) for name in ("bucket_start", "bucket_end"))
        engine.calendar.put_back(columns, starts, ends, taken(saved, "calendar/place", (2,), "i"))
    if isinstance(windows, ExactWindows):
        arrivals = {name: taken(saved, f"pending/{name}", (None,), kind) for name, kind in _PENDING.items()}
        check_indices(arrivals["slot"], "pending/slot", engine.network.n_slots)
        check_indices(arrivals["source"], "pending/source", engine.network.n_ids)
        check_lengths(arrivals, "pending")
        _put_pending(engine, windows.pending, arrivals)
        if isinstance(windows, DenseWindows):
            windows._sums_hold = bool(taken(saved, "sums_hold", ()))
        return
    fill(windows.ring, saved, "ring")
    if isinstance(windows, GridWindows):
        fill(windows._arrives, saved, "arrives")
        windows.count_from(engine.spike_counts, engine.synaptic_events)
        return
    windows._epoch = int(taken(saved, "epoch", ()))
    flight = {name: taken(saved, f"flight/{name}", (None,), "i") for name in ("tick", "source", "count")}
    check_indices(flight["source"], "flight/source", engine.network.n_ids)
    check_lengths(flight, "flight")
    windows.put_in_flight(*flight.values())


def _with_ordinals(engine: Engine, pending: Pending) -> dict[str, Any]:
    """Arrivals with the ordinals of their synapses, which are the same whatever the parts."""
    n = pending.n
    columns = {name: getattr(pending, name)[:n].copy() for name in ("base", "offset", "slot", "weight", "source")}
    number, place = pending.synapse[:n] >> 40, pending.synapse[:n] & ((1 << 40) - 1)
    ordinal = np.zeros(n, np.int64)
    for mine, part in _of_parts(engine, columns["slot"], number):
        ordinal[mine] = part.rows.origin[place[mine]]
    return columns | {"projection": number, "ordinal": ordinal}


def _put_pending(engine: Engine, pending: Pending, columns: dict[str, Any]) -> None:
    n = columns["base"].size
    pending.grow(n)
    pending.n = n
    for name in ("base", "offset", "slot", "weight", "source"):
        getattr(pending, name)[:n] = columns[name]
    number, known = columns["projection"], np.zeros(n, bool)
    for mine, part in _of_parts(engine, columns["slot"], number):
        known[mine] = True
        check_indices(columns["ordinal"][mine], "pending/ordinal", int(part.rows.origin.max(initial=-1)) + 1)
        place = np.zeros(int(part.rows.origin.max(initial=-1)) + 1, np.int64)
        place[part.rows.origin] = np.arange(part.rows.origin.size)
        pending.synapse[:n][mine] = (number[mine] << 40) + place[columns["ordinal"][mine]]
    check_indices(number[~known], "pending/projection", 0)  # of none that learns


def _of_parts(engine: Engine, slot: Any, number: Any) -> Any:
    """Which arrivals come by the synapses of each plastic part."""
    network = engine.network
    neuron = network.neuron_of_slot[slot] if slot.size else np.zeros(0, np.int64)
    for k, projection in enumerate(network.projections, start=1):
        if projection.name in engine.plastic:
            cells = engine.cells[projection.target]
            first = cells.neurons.first_neuron
            for low, high, part in zip(cells.bounds[:-1], cells.bounds[1:], engine.plastic[projection.name]):
                yield np.flatnonzero((number == k) & (neuron >= first + low) & (neuron < first + high)), part

"""Saved plastic projections: weights, states and traces of synapses, and the postsynaptic spikes that they may miss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.engine.learning import PlasticPart
from neuromorph.engine.saved.arrays import Arrays, Saved, fill, indices, taken, under
from neuromorph.lowered.compiled import Projection

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine

#: arrays by postsynaptic cell (last axis), of which each part has its own cells'
_FLOORS = ("floor_y", "floor_base", "floor_offset")
_RECENT = ("recent", "recent_count", "y_before", "y_after")
_EVENTS = ("base", "offset", "cell", "count", "y", "v")
_SOURCE = ("x", "before", "base", "offset", "seen_base", "seen_offset")


def save(engine: Engine) -> Arrays:
    """What every plastic projection has come to; brings its synapses up to now, which changes no result."""
    out: Arrays = {}
    for projection in engine.network.projections:
        for part in engine.plastic.get(projection.name, ()):
            part.settle(engine.now)
        if projection.name in engine.plastic:
            out |= under(f"plastic/{projection.name}", _of(engine, projection))
    return out


def load(engine: Engine, saved: Saved) -> None:
    """Give every plastic projection what it had come to."""
    for projection in engine.network.projections:
        if projection.name in engine.plastic:
            _put(engine, projection, saved, f"plastic/{projection.name}")


def _of(engine: Engine, projection: Projection) -> dict[str, Any]:
    parts = engine.plastic[projection.name]
    first, n = parts[0], projection.connections.n
    out: dict[str, Any] = {"weight": np.zeros(n, np.float32)}
    for name in ("state", "base", "offset"):
        values = getattr(first.synapse, name)
        held = any(getattr(part.synapse, name).shape[-1] for part in parts)
        out[f"synapse_{name}"] = np.zeros((*values.shape[:-1], n if held else 0), values.dtype)
    if first.rewired:
        out["grown_from"] = np.zeros(n, np.int64)
    for part in parts:
        origin = part.rows.origin
        out["weight"][origin] = part.weight
        for name in ("state", "base", "offset"):
            values = getattr(part.synapse, name)
            if values.shape[-1]:
                out[f"synapse_{name}"][..., origin] = values
        if first.rewired:
            out["grown_from"][origin] = part.sources()
    out |= {f"source_{name}": getattr(first.source, name).copy() for name in _SOURCE}
    # parts look back as far as their own delays, so that of one another may be the deeper
    out["past"] = max((part.past(engine.now[0]) for part in parts), key=lambda past: past.shape[1])
    return out | _history(engine, projection) | _volleys(parts)


def _history(engine: Engine, projection: Projection) -> dict[str, Any]:
    """Postsynaptic spikes, those of each part after the other, and what each cell's earlier ones left."""
    parts = engine.plastic[projection.name]
    columns = [part.events() for part in parts]
    out = {f"event_{name}": np.concatenate([c[name] for c in columns], axis=-1) for name in _EVENTS}
    for name in (*_FLOORS, *_RECENT):
        out[f"history_{name}"] = getattr(parts[0].history, name).copy()
        for mine, part in _stretches(engine, projection, out[f"history_{name}"].shape[-1]):
            out[f"history_{name}"][..., mine] = getattr(part.history, name)[..., mine]
    return out


def _volleys(parts: list[PlasticPart]) -> dict[str, Any]:
    """What the last whole volley of a matrix came to, which other parts sum anew."""
    out: Arrays = {}
    for k, part in enumerate(parts):
        if part._known.any():
            out |= {f"volley_{k}_of_{len(parts)}": part._rows.volley[0], f"total_{k}_of_{len(parts)}": part._rows.total}
    return out


def _put(engine: Engine, projection: Projection, saved: Saved, where: str) -> None:
    n = projection.connections.n
    weight = taken(saved, f"{where}/weight", (n,), "f")
    sources = engine.network.population(projection.source).size
    grown = indices(saved, f"{where}/grown_from", (n,), sources) if f"{where}/grown_from" in saved else None
    parts = engine.plastic[projection.name]
    for k, part in enumerate(parts):
        if grown is not None:
            part.rewire(grown[part.rows.origin], np.zeros(part.weight.size, bool), engine.now)
        origin = part.rows.origin
        part.weight[:] = weight[origin]
        for name in ("state", "base", "offset"):
            values = getattr(part.synapse, name)
            kept = taken(saved, f"{where}/synapse_{name}", (*values.shape[:-1], None))
            if values.shape[-1]:
                values[...] = kept[..., origin]
        for name in _SOURCE:
            fill(getattr(part.source, name), saved, f"{where}/source_{name}")
        names, _, cells = part.past(engine.now[0]).shape
        part.put_past(taken(saved, f"{where}/past", (names, None, cells), "f"), engine.now[0])
        if f"{where}/volley_{k}_of_{len(parts)}" in saved:
            fill(part._rows.volley[0], saved, f"{where}/volley_{k}_of_{len(parts)}")
            fill(part._rows.total, saved, f"{where}/total_{k}_of_{len(parts)}")
            part._known[:] = 1
    _put_history(engine, projection, saved, where)


def _put_history(engine: Engine, projection: Projection, saved: Saved, where: str) -> None:
    cell = taken(saved, f"{where}/event_cell", (None,), "i")
    cells = engine.cells[projection.target]
    for low, high, part in zip(cells.bounds[:-1], cells.bounds[1:], engine.plastic[projection.name]):
        mine = np.flatnonzero((cell >= low) & (cell < high))
        old = {"base": "i", "offset": "f", "count": "i"}
        columns = {name: taken(saved, f"{where}/event_{name}", cell.shape, kind)[mine] for name, kind in old.items()}
        for name in ("y", "v"):
            rows = getattr(part.history, name).shape[0]
            columns[name] = taken(saved, f"{where}/event_{name}", (rows, cell.size), "f")[:, mine]
        part.put_events(columns | {"cell": cell[mine]})
        for name in (*_FLOORS, *_RECENT):
            fill(getattr(part.history, name), saved, f"{where}/history_{name}")


def _stretches(engine: Engine, projection: Projection, size: int) -> Any:
    """The places of each part's cells on an axis of so many, the same number for each cell."""
    cells = engine.cells[projection.target]
    each = size // max(cells.neurons.size, 1)
    for low, high, part in zip(cells.bounds[:-1], cells.bounds[1:], engine.plastic[projection.name]):
        yield slice(int(low) * each, int(high) * each), part

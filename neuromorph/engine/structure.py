"""Structural plasticity: between windows, synapses that their rule gives up grow anew from other sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.engine.agenda import REWIRING
from neuromorph.kernels import rng
from neuromorph.kernels.rewire import regrow
from neuromorph.lowered.compiled import Projection

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine

#: one row of a table of synapses
SYNAPSE = [
    ("projection", "U64"), ("source", "i8"), ("target", "i8"), ("weight", "f4"), ("delay_ms", "f8"), ("receptor", "i1"),
]  # fmt: skip


def begin(engine: Engine) -> None:
    """Put the first occasion of each projection that rewires itself on the agenda."""
    for projection in engine.network.projections:
        if projection.plasticity is not None and projection.plasticity.rewire_every > 0.0:
            every = projection.plasticity.rewire_every
            number = max(1, int(engine.time / every))
            while not engine.is_to_come(engine.clock.instant(number * every)):
                number += 1
            _next(engine, projection, number)


def _next(engine: Engine, projection: Projection, number: int) -> None:
    def action(_name: str, _value: float) -> None:
        rewire(engine, projection, number)
        _next(engine, projection, number + 1)

    at = engine.clock.instant(number * projection.plasticity.rewire_every)  # type: ignore[union-attr]
    engine.agenda.push(at, REWIRING, projection.name, number, 0.0, action)


def rewire(engine: Engine, projection: Projection, number: int) -> int:
    """Ask the rule which synapses it gives up, and move those to new sources; returns how many have moved.

    Each keeps its target, delay and ordinal, and begins again with the weight and the states that it once began with.
    """
    parts, made = engine.plastic[projection.name], projection.connections
    source, target = np.zeros(made.n, np.int64), np.zeros(made.n, np.int64)
    given_up = np.zeros(made.n, np.bool_)
    for part in parts:
        source[part.rows.origin], target[part.rows.origin] = part.sources(), part.rows.target
        read = [(projection.source, v) for v in part.pre_variables]
        read += [(projection.target, v) for v in part.post_variables]
        given_up[part.rows.origin] = part.given_up(engine.now, [shown(engine, *item) for item in read])
    order = np.argsort(target, kind="stable")
    first = np.searchsorted(target[order], np.arange(engine.network.population(projection.target).size + 1))
    same, allowed = projection.source == projection.target, made.spec.arguments
    autapses, multapses = (bool(allowed.get(name, False)) for name in ("autapses", "multapses"))
    key = engine.network.seed, rng.stream(f"{projection.name}/growth")
    n = engine.network.population(projection.source).size
    if not regrow(given_up, source, target, order, first, n, autapses or not same, multapses, *key, number):
        return 0
    for part in parts:
        part.rewire(source[part.rows.origin], given_up[part.rows.origin], engine.now)
    moved = np.flatnonzero(given_up)
    engine.sink.rewired(projection.name, engine.time, moved, source[moved])
    return moved.size


def shown(engine: Engine, population: str, name: str) -> NDArray[np.float64]:
    """What a rule reads of a population now: a variable of the cells' model, or a register of an input."""
    if population in engine.sources:
        return np.asarray(engine.sources[population].register(name))
    cells = engine.cells[population]
    return np.ascontiguousarray(cells.values(name, *engine.now, np.arange(cells.neurons.size)))


def table(engine: Engine, projection: Projection, source: ArrayLike | None, target: ArrayLike | None) -> NDArray[Any]:
    """Synapses of a projection as they are now (SYNAPSE), of all cells or of some sources and targets."""
    drawn, weights = projection.connections.draw(), engine.weights(projection.name)
    sources = np.array(drawn.source)
    if projection.plasticity is not None and projection.plasticity.rewire_every > 0.0:
        for part in engine.plastic[projection.name]:
            sources[part.rows.origin] = part.sources()
    keep = np.ones(weights.size, bool)
    if source is not None:
        keep &= np.isin(sources, np.atleast_1d(source))
    if target is not None:
        keep &= np.isin(drawn.target, np.atleast_1d(target))
    out = np.empty(int(keep.sum()), SYNAPSE)
    out["projection"] = projection.name
    out["source"], out["target"] = sources[keep], drawn.target[keep]
    out["weight"], out["receptor"] = weights[keep], drawn.receptor[keep]
    out["delay_ms"] = np.broadcast_to(drawn.delay_ms, weights.size)[keep]
    return out

"""Rows of plastic synapses and of static matrices, by projection and split by target."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.graph.description import PlasticitySpec
from neuromorph.graph.values import Constant
from neuromorph.kernels.connect import count_rows
from neuromorph.learning.contract import Unchanging
from neuromorph.lowered.clock import Clock
from neuromorph.lowered.compiled import Neurons, Plasticity, PlasticRows
from neuromorph.lowered.connections import Connections, Wiring
from neuromorph.lowered.partition import bounds, part_of

#: synapses from which on a static all-to-all projection is a matrix
MATRIX = 4096


def slots(wiring: Wiring, target: Neurons) -> NDArray[np.int32]:
    """Input slot of each synapse."""
    slot = target.slot0 + wiring.receptor.astype(np.int64) * target.size + wiring.target
    return slot.astype(np.int32)


def _first_slot(wiring: Wiring, target: Neurons) -> NDArray[np.int32]:
    return np.array([target.slot0 + int(wiring.receptor[0]) * target.size], np.int32)


def is_static_matrix(made: Connections, clock: Clock) -> bool:
    """Whether static synapses are better kept as a matrix, whose rows are added with SIMD (0.1, not 1 ns each)."""
    if clock.exact or made.spec.rule != "all_to_all" or made.n < MATRIX or not isinstance(made.spec.delay, Constant):
        return False
    receptor = made.receptors_of(made.weights((0, made.n))) if made.receptor is None else np.empty(0)
    return bool(np.all(receptor == receptor[:1]))


def plasticity(wiring: Wiring, target: Neurons, clock: Clock, parts: int, n_source: int) -> Plasticity:
    """Plastic synapses of one projection, split by target."""
    spec = wiring.spec.plasticity
    if spec is None or spec.frozen:
        spec = PlasticitySpec(Unchanging, {}, -np.inf, np.inf)
    low, high = spec.w_min, spec.w_max
    side = _side(wiring, target)
    if low is None:
        low = 0.0 if side > 0 else -np.inf
    if high is None:
        high = 0.0 if side < 0 else np.inf
    edges = bounds(target.size, parts)
    part = part_of(wiring.target, target.size, parts)
    rows = [
        _plastic_rows(wiring, target, clock, np.flatnonzero(part == k), n_source, int(edges[k]), int(edges[k + 1]))
        for k in range(parts)
    ]
    parameters = np.array([spec.params[k] for k in spec.rule.parameters()], float)
    return Plasticity(spec.rule, parameters, float(low), float(high), spec.signals, tuple(rows), spec.rewire_every)


def _side(wiring: Wiring, target: Neurons) -> int:
    """The side of zero on which weights begin, 0 for both; where all are zero, the one that their receptor takes."""
    positive, negative = bool(np.any(wiring.weight > 0)), bool(np.any(wiring.weight < 0))
    if positive or negative:
        return int(positive) - int(negative)
    signs = {target.model.receptors[int(r)].sign for r in wiring.receptor}
    return -1 if signs == {-1} else 1


def _plastic_rows(
    wiring: Wiring, target: Neurons, clock: Clock, mine: NDArray[np.int64], n_source: int, low: int, high: int
) -> PlasticRows:
    delay = np.atleast_1d(clock.steps(wiring.delay_ms))
    own = delay.size > 1
    _, rank = np.unique(delay[mine], return_inverse=True) if own else (None, np.zeros(mine.size, np.int64))
    key = rank.astype(np.int64) * max(target.size, 1) + wiring.target[mine]
    order, row = _rows_by_source(wiring.source[mine].astype(np.int64), key, n_source)
    place = mine[order]
    cells = wiring.target[place]
    same_receptor = wiring.receptor.size > 0 and bool(np.all(wiring.receptor == wiring.receptor[0]))
    return PlasticRows(
        low=low,
        high=high,
        row=row,
        target=cells,
        slot=_first_slot(wiring, target) if same_receptor else slots(wiring, target)[place],
        delay=delay[place] if own else delay,
        weight=wiring.weight[place],
        origin=place.astype(np.int32) if place.size < 1 << 31 else place,
        dense=same_receptor and not own and _is_matrix(cells, row, low, high),
    )


def _is_matrix(cells: NDArray[np.int32], row: NDArray[np.int64], low: int, high: int) -> bool:
    """Whether every row holds the cells low..high-1, each once and in order."""
    width = high - low
    if not width or np.any(np.diff(row) != width):
        return False
    return bool(np.all(cells.reshape(-1, width) == np.arange(low, high, dtype=np.int32)))


def _rows_by_source(source: Any, key: NDArray[np.int64], n_sources: int) -> tuple[Any, Any]:
    """Order that sorts synapses by (source, key), stable, and the row pointer int64[n_sources + 1]."""
    order, row, ascending = count_rows(source, key, n_sources)
    # rules make synapses in such an order that with one delay this is never needed; numba's argsort compiles for 4 s
    return (order if ascending else np.lexsort((key, source))), row

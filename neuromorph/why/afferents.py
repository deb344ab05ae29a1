"""The synapses onto one neuron: drawn again from the description, a few cells at a time, and no others kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.graph.description import ProjectionSpec
from neuromorph.lowered.connections import Connections, connections
from neuromorph.lowered.draw import ranges
from neuromorph.why.recording import Recording

#: synapses that are drawn at a time
PIECE = 1 << 22


@dataclass(frozen=True, eq=False)
class Afferents:
    """Synapses onto one neuron, in the order in which arrivals of one instant are added.

    projections : their descriptions, those that have a synapse here
    projection : int64[n], place in `projections`; source : int64[n], index in its population
    weight : float32[n], unit of the receptor, as at time 0; delay_ms : float64[n]; receptor : int64[n]
    ordinal : int64[n], number of the synapse in its projection
    """

    population: str
    index: int
    projections: tuple[ProjectionSpec, ...]
    projection: NDArray[np.int64]
    source: NDArray[np.int64]
    weight: NDArray[np.float32]
    delay_ms: NDArray[np.float64]
    receptor: NDArray[np.int64]
    ordinal: NDArray[np.int64]

    @property
    def plastic(self) -> NDArray[np.bool_]:
        """bool[n]: whether a synapse learns."""
        return np.array([is_plastic(p) for p in self.projections], bool)[self.projection]


def is_plastic(projection: ProjectionSpec) -> bool:
    """Whether the weights of a projection change."""
    return projection.plasticity is not None and not projection.plasticity.frozen


def afferents(recording: Recording, population: str, index: int) -> Afferents:
    """All synapses onto a neuron, currents aside."""
    found: list[tuple[Any, ...]] = []
    specs: list[ProjectionSpec] = []
    for spec in recording.description.projections:
        if spec.target != population or spec.delay is None:
            continue
        made = connect(recording, spec)
        source, ordinal = onto(made, index)
        if not ordinal.size:
            continue
        weight = made.weights(ordinal)
        receptor = made.receptors_of(weight) if made.receptor is None else np.full(ordinal.size, made.receptor)
        found.append((np.full(ordinal.size, len(specs)), source, weight, made.delays(ordinal), receptor, ordinal))
        specs.append(spec)
    columns = [np.concatenate([f[k] for f in found]) if found else np.zeros(0) for k in range(6)]
    projection, source = columns[0].astype(np.int64), columns[1].astype(np.int64)
    first_id = np.array([_first_id(recording, p.source) for p in specs], np.int64)
    plastic = np.array([is_plastic(p) for p in specs], bool)
    ids = first_id[projection] + source
    order = np.lexsort((columns[5], projection, columns[3], plastic[projection], ids))
    typed = zip(columns, (np.int64, np.int64, np.float32, np.float64, np.int64, np.int64))
    return Afferents(population, index, tuple(specs), *(column[order].astype(kind) for column, kind in typed))


def connect(recording: Recording, spec: ProjectionSpec) -> Connections:
    """The connections of a projection."""
    source, target = recording.spec(spec.source), recording.spec(spec.target)
    model: Any = target.model
    exact = recording.clock.exact
    positions = (source.positions, target.positions)
    return connections(spec, (source.size, target.size), model, recording.seed, exact, positions)


def onto(made: Connections, index: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(sources, ordinals) of the synapses onto cell `index`."""
    if made.side == "list":
        sources, targets = made.endpoints()
        ordinal = np.flatnonzero(targets == index)
        return sources[ordinal].astype(np.int64), ordinal
    if made.side == "target":
        ordinal = np.arange(made.start[index], made.start[index + 1])
        return made.partners(index, index + 1).astype(np.int64), ordinal
    cells = made.start.size - 1
    each = max(1, PIECE // max(1, made.n // max(cells, 1)))
    found = []
    for first, last in ranges(cells, each):
        place = np.flatnonzero(made.partners(first, last) == index)
        ordinal = place + made.start[first]
        found.append((np.searchsorted(made.start, ordinal, side="right") - 1, ordinal))
    return tuple(np.concatenate([f[k] for f in found] or [np.zeros(0, np.int64)]) for k in range(2))  # type: ignore[return-value]


def _first_id(recording: Recording, population: str) -> int:
    """Place of a population's first cell in the order of ids: populations by name."""
    emitting = [spec for spec in recording.description.populations if spec.kind != "current"]
    return sum(spec.size for spec in emitting if spec.name < population)

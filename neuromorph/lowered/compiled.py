"""The lowered network: immutable flat arrays, all that the engine needs. Nothing here refers to the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.graph.description import RecordSpec, SignalSpec
from neuromorph.kernels.synapse import SYNAPSE as SYNAPSE
from neuromorph.learning.contract import LearningRule
from neuromorph.lowered.clock import Clock
from neuromorph.lowered.connections import Connections
from neuromorph.models.contract import CurrentModel, InputModel, NeuronModel


@dataclass(frozen=True, eq=False)
class Neurons:
    """A population of neurons.

    first_id : global id of cell 0; first_neuron : place of cell 0 among all neurons
    slot0 : input slot of receptor r, cell i is slot0 + r * size + i
    parameters : {name: float64[1] or float64[size]}, units of the model
    initial : float64[variables, size], the state at time 0 and after a reset
    live : numbers of the receptors that anything arrives at
    """

    name: str
    model: type[NeuronModel]
    size: int
    first_id: int
    first_neuron: int
    slot0: int
    parameters: dict[str, NDArray[np.float64]]
    initial: NDArray[np.float64]
    live: tuple[int, ...]

    @property
    def own(self) -> tuple[str, ...]:
        """Parameters that kernels read per cell: all of them where any differs, so that two kernels serve a model."""
        return tuple(self.parameters) if any(v.size != 1 for v in self.parameters.values()) else ()


@dataclass(frozen=True, eq=False)
class Input:
    """A population of sources: parameters as its model's `prepare` takes them."""

    name: str
    model: type[InputModel]
    size: int
    first_id: int
    parameters: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Current:
    """A current into cells: `slot[row[c]:row[c + 1]]` and `weight` are the targets of channel c."""

    name: str
    model: type[CurrentModel]
    size: int
    parameters: dict[str, Any]
    row: NDArray[np.int64]
    slot: NDArray[np.int32]
    weight: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Drive:
    """A Poisson input whose cell i does nothing but drive cell i of one population.

    slot : input slot of cell 0; weight : float32[size]; delay : ticks or ms; rate : events per ms of each cell
    """

    input: str
    population: str
    slot: int
    weight: NDArray[np.float32]
    delay: float
    rate: float


@dataclass(frozen=True, eq=False)
class StaticRows:
    """Static synapses of one part, sorted by (source, delay, slot, projection, ordinal): 8 bytes each.

    A slice is the part of a row with one delay. Slice q of source g holds the synapses from row_start[g] +
    slice_end[q - 1] (0 for the first of a row) to row_start[g] + slice_end[q].

    row, row_start : int32[sources + 1] (int64 from 2^31 synapses on), first slice and first synapse of a source
    slice_delay : uint16[slices] (int32 where that is too small), ticks on the grid, place in `delays` in exact mode
    slice_end : uint16[slices] (uint32 where a row is too long), end of the slice, counted from the start of its row
    delays : float64[codes], ascending, ms; empty on the grid
    synapse : SYNAPSE[n]
    """

    row: NDArray[Any]
    row_start: NDArray[Any]
    slice_delay: NDArray[Any]
    slice_end: NDArray[Any]
    delays: NDArray[np.float64]
    synapse: NDArray[Any]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(int(array.nbytes) for array in vars(self).values())


@dataclass(frozen=True, eq=False)
class PlasticRows:
    """Plastic synapses of one projection and part, sorted by (source, delay, target, ordinal).

    row : int64[sources of the projection + 1]; target : int32[n], cell of the population
    slot : int32[n], or int32[1] where all have one receptor: that of cell 0
    delay : float64[1] or float64[n], ticks or ms; weight : float32[n], initial; origin : int32[n] or int64[n], ordinals
    dense : every source has all cells low..high-1 of the part as targets, in order
    """

    low: int
    high: int
    row: NDArray[np.int64]
    target: NDArray[np.int32]
    slot: NDArray[np.int32]
    delay: NDArray[np.float64]
    weight: NDArray[np.float32]
    origin: NDArray[Any]
    dense: bool


@dataclass(frozen=True, eq=False)
class Plasticity:
    """How a projection learns."""

    rule: type[LearningRule]
    parameters: NDArray[np.float64]
    w_min: float
    w_max: float
    signals: tuple[str, ...]
    parts: tuple[PlasticRows, ...]
    rewire_every: float = 0.0  # ms; 0: never


@dataclass(frozen=True, eq=False)
class Projection:
    """A projection; its synapses are drawn again from `connections` where anybody asks for them.

    drive : number of the drive that the projection is (-1: none)
    """

    name: str
    source: str
    target: str
    connections: Connections
    unit: str
    plasticity: Plasticity | None
    drive: int = -1

    @property
    def static(self) -> bool:
        """Whether its synapses are among the static rows."""
        return self.plasticity is None and self.drive < 0


@dataclass(frozen=True, eq=False)
class CompiledNetwork:
    """Everything about a network that does not change while it runs."""

    clock: Clock
    seed: int
    parts: int
    neurons: tuple[Neurons, ...]
    inputs: tuple[Input, ...]
    currents: tuple[Current, ...]
    projections: tuple[Projection, ...]
    static: tuple[StaticRows, ...]
    drives: tuple[Drive, ...]
    signals: tuple[SignalSpec, ...]
    records: tuple[RecordSpec, ...]
    n_ids: int
    n_slots: int
    n_neurons: int
    neuron_of_slot: NDArray[np.int32]
    receptor_of_slot: NDArray[np.int8]
    smallest_delay: float  # ticks or ms
    largest_delay: float

    def population(self, name: str) -> Neurons | Input:
        """The neurons or input called `name`; KeyError where there is none."""
        found: dict[str, Neurons | Input] = {p.name: p for p in self.neurons}
        found.update({p.name: p for p in self.inputs})
        return found[name]

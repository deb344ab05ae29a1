"""The lowered network: immutable flat arrays, all that the engine needs. Nothing here refers to the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.graph.description import RecordSpec, SignalSpec
from neuromorph.learning.contract import LearningRule
from neuromorph.lowered.clock import Clock
from neuromorph.models.contract import CurrentModel, InputModel, NeuronModel


@dataclass(frozen=True, eq=False)
class Neurons:
    """A population of neurons.

    first_id : global id of cell 0; first_neuron : place of cell 0 among all neurons
    slot0 : input slot of receptor r, cell i is slot0 + r * size + i
    parameters : {name: float64[1] or float64[size]}, units of the model
    initial : float64[variables, size], the state at time 0 and after a reset
    """

    name: str
    model: type[NeuronModel]
    size: int
    first_id: int
    first_neuron: int
    slot0: int
    parameters: dict[str, NDArray[np.float64]]
    initial: NDArray[np.float64]

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
class StaticRows:
    """Static synapses of one part, sorted by (source, delay, slot, projection, ordinal).

    row : int64[sources + 1], slices of a source; slice_delay : float64 or int64[slices], ticks or ms
    slice_start : int64[slices + 1], first synapse; slot : int32[n]; weight : float32[n]
    origin : int64[n], place of each synapse in the concatenation of all static projections
    """

    row: NDArray[np.int64]
    slice_delay: NDArray[Any]
    slice_start: NDArray[np.int64]
    slot: NDArray[np.int32]
    weight: NDArray[np.float32]
    origin: NDArray[np.int64]


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


@dataclass(frozen=True, eq=False)
class Projection:
    """Endpoints of a projection's synapses in order of ordinal, and where its weights live.

    source_index, target_index : int32[n]; delay_ms : float64[1] or float64[n]; receptor : int8[n]
    static_start : place of ordinal 0 in the concatenation of static projections (-1: plastic)
    """

    name: str
    source: str
    target: str
    source_index: NDArray[np.int32]
    target_index: NDArray[np.int32]
    delay_ms: NDArray[np.float64]
    receptor: NDArray[np.int8]
    unit: str
    static_start: int
    plasticity: Plasticity | None


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

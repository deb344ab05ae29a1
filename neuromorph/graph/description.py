"""A checked network, flat and immutable: what `lowered` reads. Every number is in ms, mV, pA, pF, nS, Hz or um.

`describe` makes it from a Network. Nothing in it depends on the order in which the network was built: populations
are sorted by name, projections by (source, target, name), signals and records by name.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.graph.values import Value
from neuromorph.learning.contract import LearningRule
from neuromorph.models.contract import CurrentModel, InputModel, NeuronModel

Model = type[NeuronModel] | type[InputModel] | type[CurrentModel]


@dataclass(frozen=True, eq=False)
class PopulationSpec:
    """`size` cells (or sources) of one model.

    params : {parameter: Constant, Array[size] or Distribution} for every declared number parameter, defaults filled
    arrays : {array parameter: numbers of any shape; float64, or the dtype of a given array} where given
    texts : {text parameter: str} where given; a parameter called `path` is absolute or relative to the process
    initial : {variable: Constant, Array[size], Distribution or SameAs(parameter)} for every variable of a neuron model
    positions : float64[size, d] in um with d = 1, 2 or 3, or None
    node_names : for single neurons gathered from a plain graph, their nodes by index; None for a population
    """

    name: str
    model: Model
    size: int
    params: dict[str, Value]
    arrays: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    initial: dict[str, Value] = field(default_factory=dict)
    positions: NDArray[np.float64] | None = None
    node_names: tuple[Hashable, ...] | None = None

    @property
    def kind(self) -> str:
        """`neuron`, `input` (emits spikes) or `current` (injects pA)."""
        if issubclass(self.model, NeuronModel):
            return "neuron"
        return "input" if issubclass(self.model, InputModel) else "current"


@dataclass(frozen=True, eq=False)
class PlasticitySpec:
    """How the weights of a projection change.

    params : {parameter: float} for every declared parameter
    w_min, w_max : bounds in the weight's unit, None where the sign of the initial weights decides
    frozen : keep the weights, but run traces and deliver as usual
    signals : names of the signals that call `on_signal`, sorted
    rewire_every : ms between two calls of `rewire`, 0 where the rule has none
    """

    rule: type[LearningRule]
    params: dict[str, float]
    w_min: float | None = None
    w_max: float | None = None
    frozen: bool = False
    signals: tuple[str, ...] = ()
    rewire_every: float = 0.0


@dataclass(frozen=True, eq=False)
class ProjectionSpec:
    """Connections from one population to one receptor of another.

    rule, arguments : the connection rule with every argument it takes, defaults filled:

        one_to_one       none
        all_to_all       autapses
        bernoulli        probability, autapses
        fixed_indegree   indegree, autapses, multapses
        fixed_outdegree  outdegree, autapses, multapses
        fixed_total      total, autapses, multapses
        explicit         sources int64[n], targets int64[n] (population indices, in the order of the synapses)
        distance         probability (at distance 0), profile ("gaussian": exp(-d^2 / (2 length_um^2)), "exponential":
                         exp(-d / length_um)), length_um, autapses

        `autapses` matter (and may be False) only where source and target are the same population.
    weight : Constant, Array (one per synapse, in the order of the rule; all_to_all and one_to_one: source index first,
        fixed_indegree: target first, fixed_outdegree: source first) or Distribution, in the unit of the receptor
    delay : same, ms; None for a projection from a current
    receptor : its name, or None where the sign of each weight decides between the receptors that are not explicit
    """

    name: str
    source: str
    target: str
    rule: str
    arguments: dict[str, Any]
    weight: Value
    delay: Value | None
    receptor: str | None = None
    plasticity: PlasticitySpec | None = None


@dataclass(frozen=True, eq=False)
class SignalSpec:
    """A third factor: events at `times` + delay with `values`, or each spike of `population`, arriving a delay later.

    times, values : float64[n], ms and any unit, sorted by (time, value); empty where a population sends it
    delay : ms, above 0
    """

    name: str
    times: NDArray[np.float64]
    values: NDArray[np.float64]
    population: str | None
    delay: float


@dataclass(frozen=True, eq=False)
class RecordSpec:
    """What is recorded: `kind` "spikes" (of a population), "state" (a variable of a population) or "weight".

    name : the population, or the projection where kind is "weight"
    variable : "spikes", the state variable, or "weight"
    unit : canonical unit of what is recorded; "" for spikes
    interval : ms between two readings (0 for spikes)
    start, stop : ms; spikes in (start, stop], readings in [start, stop]
    indices : int64[n], ascending: cells of the population, or ordinals of synapses; None for all
    """

    kind: str
    name: str
    variable: str
    unit: str = ""
    interval: float = 0.0
    indices: NDArray[np.int64] | None = None
    start: float = 0.0
    stop: float = math.inf


@dataclass(frozen=True)
class RunSpec:
    """How the network asks to be run: duration in ms (None: not stated), resolution in ms (None: exact), seed."""

    duration: float | None = None
    resolution: float | None = 0.1
    seed: int = 1


@dataclass(frozen=True, eq=False)
class Description:
    """The whole network, checked.

    `populations` holds neurons, inputs and currents; `records` holds an entry for every recording, those of spikes that
    nobody asked for included (all neurons, no inputs, where there is no entry for spikes).
    """

    name: str
    text: str
    populations: tuple[PopulationSpec, ...]
    projections: tuple[ProjectionSpec, ...]
    signals: tuple[SignalSpec, ...]
    records: tuple[RecordSpec, ...]
    run: RunSpec

    def population(self, name: str) -> PopulationSpec:
        """The population called `name`; KeyError where there is none."""
        return {p.name: p for p in self.populations}[name]

"""Many copies of one neuron, run at once: each as it was but for what is left out of its arrivals or changed in it.

Copy 0 gets everything that arrived from the beginning of the run on. At the instant where copies begin they take over
its state, and from then on each gets its own weights of what arrives. So what a copy does is what the neuron would have
done, however nonlinear its model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.engine.cells import Cells
from neuromorph.engine.exact_cells import ExactCells
from neuromorph.engine.lazy_cells import LazyCells
from neuromorph.graph.network import Network
from neuromorph.kernels import exact as columns
from neuromorph.lowered import draw
from neuromorph.registration import registered_name
from neuromorph.why.afferents import connect, onto
from neuromorph.why.arrivals import Arrivals
from neuromorph.why.recording import Recording

LINES, PACE = "!lines", "!pace"


class Copies:
    """Copies of the neuron that `arrivals` belong to.

    begins_ms : when copies begin (ms); no arrival and no spike of the neuron falls on it, or it is a tick
    weights : float64[arrivals after that, copies], what each copy gets of each; copy 0 is to have the real ones
    parameters : {name: float64[copies]} of copies whose parameters differ; copy 0 is to have its own
    """

    def __init__(
        self,
        recording: Recording,
        arrivals: Arrivals,
        begins_ms: float,
        weights: NDArray[np.float64],
        parameters: dict[str, NDArray[np.float64]] | None = None,
    ) -> None:
        from neuromorph.simulate import Simulation

        self.recording, self.begins_ms = recording, begins_ms
        self.population = arrivals.afferents.population
        late = recording.milliseconds(arrivals.at_base, arrivals.at_offset) > begins_ms
        assert weights.shape[0] == np.count_nonzero(late)
        self.size = weights.shape[1]
        line = _lines(arrivals, late)
        network = Network("copies")
        add_neuron(network, recording, self.population, arrivals.afferents.index, self.size, parameters)
        _add_lines(network, arrivals, late, line, weights)
        if recording.clock.exact:
            add_pace(network, recording, self.population)
        resolution: Any = "exact" if recording.clock.exact else recording.clock.unit
        self.simulation = Simulation(network, resolution, recording.seed, memory_check=False)
        if line.size:
            give(self.simulation.sources[LINES], arrivals, line)
        self.simulation.run_until(begins_ms)
        become(self.simulation.cells[self.population])

    def run_until(self, time_ms: float) -> None:
        """Run all copies up to an instant (ms)."""
        self.simulation.run_until(max(time_ms, self.simulation.time))

    def values(self, variable: str) -> NDArray[np.float64]:
        """A state variable of every copy now."""
        return self.simulation.state(self.population, variable)

    def spikes(self, copy: int) -> NDArray[np.float64]:
        """Spike times (ms) of one copy so far; before the copies began only those of copy 0 mean anything."""
        times, index = self.simulation.spikes(self.population)
        return np.asarray(times[index == copy])

    def first_spikes(self) -> NDArray[np.float64]:
        """The first spike (ms) of each copy since they began; nan where there is none yet."""
        times, index = self.simulation.spikes(self.population)
        out = np.full(self.size, np.nan)
        late = times > self.begins_ms
        first, place = np.unique(index[late], return_index=True)
        out[first] = times[late][place]
        return out


def add_neuron(
    network: Network,
    recording: Recording,
    population: str,
    index: int,
    size: int,
    parameters: dict[str, NDArray[np.float64]] | None = None,
) -> None:
    """Add `size` cells like neuron `index` of a population, under its name, and the currents that it gets."""
    lowered, spec = recording.neurons(population), recording.spec(population)
    own = {k: float(v[index] if v.size > 1 else v[0]) for k, v in lowered.parameters.items() if v.size}
    variables = lowered.model.variables()
    initial = {v: float(lowered.initial[k, index]) for k, v in enumerate(variables) if v in spec.initial}
    given = own | {k: v.tolist() for k, v in (parameters or {}).items()}
    network.add_population(population, registered_name(lowered.model), size, given, initial)
    for projection in recording.description.projections:
        if projection.target != population or projection.delay is not None:
            continue
        made = connect(recording, projection)
        channel, ordinal = onto(made, index)
        if not ordinal.size:
            continue
        source = recording.spec(projection.source)
        if source.name not in network.graph:
            drawn = {
                k: draw.values(v, source.size, recording.seed, f"{source.name}/{k}") for k, v in source.params.items()
            }
            params = {k: v.tolist() for k, v in (drawn | source.arrays).items()}
            network.add_input(source.name, registered_name(source.model), source.size, params)
        network.connect(
            source.name, population, "explicit", weight=np.repeat(made.weights(ordinal).astype(float), size),
            receptor=projection.receptor, name=projection.name, sources=np.repeat(channel, size),
            targets=np.tile(np.arange(size), ordinal.size),
        )  # fmt: skip


def add_pace(network: Network, recording: Recording, population: str) -> None:
    """A synapse along which nothing ever comes: its delay is that of the run's windows, and so is then the smallest."""
    receptor = recording.neurons(population).model.receptors[0].name
    network.add_input(PACE, "spike_train", 1, {"times": [], "indices": []})
    network.connect(PACE, population, "explicit", 0.0, recording.clock.unit, receptor, sources=[0], targets=[0])


def give(source: Any, arrivals: Arrivals, line: NDArray[np.int64]) -> None:
    """Have an input emit what was emitted, to the bit, on these lines: times in ms would be rounded."""
    order = np.lexsort((line, arrivals.offset, arrivals.base))
    size = source.arrays[5]
    source.arrays = (
        arrivals.base[order], arrivals.offset[order], line[order], arrivals.count[order], np.zeros(1, np.int64), size,
    )  # fmt: skip


def _lines(arrivals: Arrivals, late: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number of the line of each arrival, in the order of synapses: one a synapse and weight, then one an arrival."""
    own = np.where(late, np.arange(arrivals.size), -1)
    keys = np.array([(arrivals.synapse), own, arrivals.weight.view(np.int64)])
    return np.asarray(np.unique(keys, axis=1, return_inverse=True)[1], np.int64).reshape(-1)


def _add_lines(
    network: Network,
    arrivals: Arrivals,
    late: NDArray[np.bool_],
    line: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> None:
    """Connect each line: what comes early to copy 0, what comes late to the copies that are to have it."""
    if not line.size:
        return
    found = arrivals.afferents
    network.add_input(LINES, "spike_train", int(line.max()) + 1, {"times": [], "indices": []})
    first = np.flatnonzero(~late)[np.unique(line[~late], return_index=True)[1]]
    which, copy = np.nonzero(weights)
    place = np.concatenate([first, np.flatnonzero(late)[which]])
    weight = np.concatenate([arrivals.weight[first], weights[which, copy]])
    target = np.concatenate([np.zeros(first.size, np.int64), copy])
    model: Any = None
    receptors = found.receptor[arrivals.synapse[place]]
    from neuromorph.models.registry import registry

    model = registry.get(network.graph.nodes[found.population]["model"])
    for number in np.unique(receptors).tolist():
        mine = receptors == number
        synapse = arrivals.synapse[place[mine]]
        network.connect(
            LINES, found.population, "explicit", weight=weight[mine], delay=found.delay_ms[synapse],
            receptor=model.receptors[number].name, sources=line[place[mine]], targets=target[mine],
        )  # fmt: skip


def become(cells: Cells) -> None:
    """Give all cells of a population the state of the first one."""
    grid: Any = cells
    if isinstance(cells, ExactCells):
        width = columns.VARIABLES + len(cells.variables)
        cells.rows[:, :width] = cells.rows[0, :width]
        cells.wake[:] = -1
        return
    for row in cells.state:
        row[:] = row[0]
    grid.until[:] = grid.until[0]
    if isinstance(cells, LazyCells):
        cells.since[:] = cells.since[0]
        cells._lists.every[cells._lists.number[cells.neurons.name]] = 1
        cells._lists.wake(cells.neurons.name, np.arange(cells.neurons.size))

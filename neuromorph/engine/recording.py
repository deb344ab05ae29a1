"""What is recorded and when: readings of states and weights on the agenda, spikes out of the calendar."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.engine.sink import RunDescription, SpikeSink, StateChannel, WeightChannel
from neuromorph.errors import Problem, RunError
from neuromorph.graph.description import RecordSpec
from neuromorph.lowered.compiled import CompiledNetwork, Neurons

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine, Instant

NEVER = np.iinfo(np.int64).max


class Recorder:
    """Turns the network's records into channels of a sink and fills them."""

    def __init__(
        self, network: CompiledNetwork, sink: SpikeSink, about: dict[str, Any], provenance: dict[str, Any]
    ) -> None:
        self.network = network
        self.sink = sink
        states = [r for r in network.records if r.kind == "state"]
        weights = [r for r in network.records if r.kind == "weight"]
        self.states = [self._state_channel(r) for r in states]
        self.weights = [self._weight_channel(r) for r in weights]
        self._ordinals = [r.indices for r in weights]
        self._weights_at: dict[int, float] = {}
        self.spans = [(r.interval, r.start, r.stop) for r in (*states, *weights)]
        self._populations = self._recorded_populations()
        clock = network.clock
        self.description = RunDescription(
            resolution_ms=None if clock.exact else clock.unit,
            window_ms=clock.unit,
            populations={name: network.population(name).size for name in self._populations},
            states=self.states,
            weights=self.weights,
            signals=[s.name for s in network.signals],
            network=about,
            provenance=provenance,
        )

    def _state_channel(self, record: RecordSpec) -> StateChannel:
        size = self.network.population(record.name).size
        cells = np.arange(size) if record.indices is None else record.indices
        return StateChannel(record.name, record.variable, record.unit, cells.astype(np.int64), record.interval)

    def _weight_channel(self, record: RecordSpec) -> WeightChannel:
        projection = {p.name: p for p in self.network.projections}[record.name]
        chosen = slice(None) if record.indices is None else record.indices
        source, target = (end[chosen].astype(np.int64) for end in projection.connections.endpoints())
        ends = (projection.source, projection.target)
        return WeightChannel(projection.name, *ends, projection.unit, source, target, record.interval)

    def _recorded_populations(self) -> dict[str, tuple[NDArray[np.bool_], Instant, Instant]]:
        """For each population whose spikes are recorded: which of its cells, and after and up to which instants."""
        found: dict[str, tuple[NDArray[np.bool_], Instant, Instant]] = {}
        for record in self.network.records:
            if record.kind == "spikes":
                chosen = np.zeros(self.network.population(record.name).size, bool)
                chosen[slice(None) if record.indices is None else record.indices] = True
                stop = self.network.clock.instant(record.stop) if record.stop < np.inf else (NEVER, 0.0)
                found[record.name] = chosen, self.network.clock.instant(record.start), stop
        return found

    def steps(self, channel: int) -> Iterator[float]:
        """Times (ms) of a channel's readings (states before weights): multiples of the interval in [start, stop]."""
        interval, start, stop = self.spans[channel]
        step = int(np.ceil(start / interval - 1e-9))
        while step * interval <= stop:
            yield step * interval
            step += 1

    def read_states(self, channel: int, simulation: Engine) -> None:
        """Write one reading of a state channel."""
        about = self.states[channel]
        cells = simulation.cells[about.population]
        values = cells.values(about.variable, *simulation.now, about.indices)
        self.sink.state(channel, simulation.time, np.array(values))

    def read_weights(self, channel: int, simulation: Engine) -> None:
        """Write one reading of a weight channel."""
        self._weights_at[channel] = simulation.time
        values = simulation.weights(self.weights[channel].projection)
        ordinals = self._ordinals[channel]
        self.sink.weight(channel, simulation.time, values if ordinals is None else values[ordinals])

    def read_last_weights(self, simulation: Engine) -> None:
        """What had been learnt where a run ends early."""
        for channel in range(len(self.weights)):
            if self._weights_at.get(channel) != simulation.time:
                self.read_weights(channel, simulation)

    def listens(self, after: int, up_to: int) -> bool:
        """Whether spikes of the base steps (after, up_to] are recorded."""
        return any(start[0] < up_to and after < stop[0] for _, start, stop in self._populations.values())

    def take_spikes(self, simulation: Engine) -> None:
        """Hand the ordered spikes of the calendar to the sink."""
        calendar = simulation.calendar
        part = slice(calendar.taken, calendar.closed)
        calendar.taken = calendar.closed
        if self._populations:
            # what nobody records is not looked at: a task that learns records its last cycles
            low = min(start for _, start, _ in self._populations.values())[0]
            high = max(stop for _, _, stop in self._populations.values())[0]
            first, last = np.searchsorted(calendar.base[part], [low, high + 1])
            part = slice(part.start + int(first), part.start + int(last))
        source = calendar.source[part]
        if not source.size:
            return
        for name, (chosen, start, stop) in self._populations.items():
            population = self.network.population(name)
            mine = np.flatnonzero((source >= population.first_id) & (source < population.first_id + population.size))
            mine = _between(calendar.base[part], calendar.offset[part], mine, start, stop)
            index = source[mine] - population.first_id
            if not chosen.all():
                mine, index = mine[chosen[index]], index[chosen[index]]
            if not mine.size:
                continue
            count = calendar.count[part][mine]
            if not 0 <= count.min() <= count.max() <= MOST_AT_ONCE:  # a float beyond int64 is a negative count
                fix = "Bound the cells (rhythmic: cap), or lower the rates of learning."
                raise RunError(Problem("activity has run away: too many spikes of a cell to record", name, fix=fix))
            if np.any(count != 1):
                mine, index = np.repeat(mine, count), np.repeat(index, count)
            self.sink.spikes(name, calendar.base[part][mine], calendar.offset[part][mine], index)


MOST_AT_ONCE = 1 << 22  # spikes of a cell at one instant that are recorded


def _between(base: Any, offset: Any, mine: Any, start: Instant, stop: Instant) -> Any:
    """Those of the (ordered) entries `mine` whose instant lies in (start, stop]."""
    if not mine.size:
        return mine
    first, last = (base[mine[0]], offset[mine[0]]), (base[mine[-1]], offset[mine[-1]])
    if first > start and last <= stop:
        return mine
    b, o = base[mine], offset[mine]
    after = (b > start[0]) | ((b == start[0]) & (o > start[1]))
    return mine[after & ((b < stop[0]) | ((b == stop[0]) & (o <= stop[1])))]


def post_variables_of(network: CompiledNetwork) -> set[str]:
    """Populations whose state must be archived at each spike, since a rule reads it in on_post."""
    return {
        p.target
        for p in network.projections
        if p.plasticity is not None
        and "on_post" in p.plasticity.rule.hooks()
        and p.plasticity.rule.variables("post")
        and isinstance(network.population(p.target), Neurons)
    }

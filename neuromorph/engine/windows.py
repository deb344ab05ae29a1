"""Windows of a run: emit, deliver, advance the cells, order the spikes, visit the plastic rows."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.engine.cells import Cells
from neuromorph.engine.learning import PlasticPart
from neuromorph.engine.schedule import schedule
from neuromorph.engine.sources import Source
from neuromorph.graph.description import SignalSpec
from neuromorph.graph.values import Constant
from neuromorph.kernels import calendar as kernels
from neuromorph.kernels import driver
from neuromorph.kernels.steps import Step, make_step
from neuromorph.lowered.compiled import CompiledNetwork, Projection

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine, Instant


#: windows that the compiled loop runs before Python looks after interrupts and the recorder: at least, at most, and the
#: seconds of wall time beyond which there are no more of them
STRETCH, LONGEST, LONG = 64, 1 << 12, 0.02
#: a projection with more distinct delays keeps the cells of its target from resting
MARKS = 64
#: with more receptors or fewer cells one kernel serves whatever arrives: each takes seconds to compile
CHOICES, MANY = 8, 64


def listeners(engine: Engine) -> tuple[list[tuple[Any, str]], list[tuple[Any, str, int]]]:
    """Plastic parts with their source population, and those that remember spikes with their target and number."""
    visited, remembering = [], []
    for emitter in engine.emitters:
        name = _spec(emitter).name
        for p in engine.network.projections:
            if p.source == name:
                visited += [(part, name) for part in engine.plastic.get(p.name, ())]
            if p.target == name:
                parts = enumerate(engine.plastic.get(p.name, ()))
                remembering += [(part, name, number) for number, part in parts if part.remembers]
    return visited, remembering


def _spec(emitter: Cells | Source) -> Any:
    return emitter.neurons if isinstance(emitter, Cells) else emitter.input


def longest_window(network: CompiledNetwork) -> int:
    """Ticks of a window: the smallest delay, but no more than keeps the buffers of a window small.

    One, where a rule looks back at what cells showed at each tick.
    """
    plastic = [p.plasticity.rule for p in network.projections if p.plasticity is not None]
    if network.clock.exact or any(rule.reads_past() for rule in plastic):
        return 1
    return int(min(network.smallest_delay, max(1, (1 << 21) // max(network.n_ids, 1))))


class GridWindows:
    """Windows of ticks, run by a compiled loop; arrivals are coalesced per tick in a ring of input rows."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        network = engine.network
        plastic = [r.largest_delay for parts in engine.plastic.values() for r in parts]
        rows = engine.window + 1 + int(max(plastic, default=0.0))
        self.ring = np.zeros((rows, network.n_slots))
        self._turns = _turns(network)
        self._number = {_spec(e).name: k for k, e in enumerate(engine.emitters)}
        n = len(engine.emitters)
        self.progress = np.zeros(9, np.int64)
        self._spikes, self._spike_counts = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._rows_of = np.zeros((n, network.parts + 1), np.int64)
        self._events = np.zeros(1, np.int64)
        self._rests = self._resting()
        self._wanted: set[tuple[int, int]] = set()  # kernels for some receptors alone: (row of cells, receptors)
        self._arrives = np.full((int(network.largest_delay) + engine.window + 1, n), -1, np.int64)
        self._stretch = STRETCH
        self._marks: tuple[NDArray[np.int64], ...] = ()
        self._built: tuple[Any, ...] = ()
        self._steps: list[NDArray[np.int64]] = []
        self._kept: list[Step] = []
        self._signals = [s.name for s in network.signals]
        self._held = np.zeros(1)  # value of the signal that is applied
        self._fill_past()
        self._due, self._sent, self._values = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)

    def boundary(self, now: Instant, one: bool = False) -> Instant:
        """Where the windows that begin now end: one of them, or as many as are run at a stretch."""
        engine = self.engine
        single = one or engine.currents or engine.signals_of_populations
        return now[0] + engine.window * (1 if single else self._stretch), 0.0

    def settle(self) -> None:
        """Bring counts up to now: they are."""

    def clear(self) -> None:
        """Forget all arrivals to come."""
        self.ring[:] = 0.0
        self.engine.drives.clear(self.engine.now[0])
        self._fill_past()

    def _fill_past(self) -> None:
        for part, cells in self._looking_back():
            part.fill_past(cells)

    def _looking_back(self) -> list[tuple[PlasticPart, Cells]]:
        """Plastic parts whose rule reads what the targets were a delay ago, with those."""
        engine = self.engine
        every = [(part, p.target) for p in engine.network.projections for part in engine.plastic.get(p.name, ())]
        return [(part, engine.cells[target]) for part, target in every if part.past_variables]

    def advance(self, now: Instant, stop: Instant) -> None:
        """Run the ticks (now, stop]."""
        engine, calendar, progress = self.engine, self.engine.calendar, self.progress
        for current in engine.currents:
            current.drive_grid(now[0] + 1, stop[0], self.ring)
        began = monotonic()
        progress[driver.TICK] = now[0]
        sent = int(progress[driver.SIGNAL])
        reached = -1
        while reached != driver.DONE:
            progress[driver.CLOSED], progress[driver.END] = calendar.closed, calendar.end
            reached = driver.run_windows(progress, stop[0], *self.arguments())
            calendar.reached(int(progress[driver.TICK]), int(progress[driver.CLOSED]), int(progress[driver.END]))
            if reached == driver.CALENDAR_FULL:
                calendar.make_room(int(progress[driver.NEEDED]))
            elif reached == driver.HISTORY_FULL:
                part = self._remembering[int(progress[driver.HISTORY])][0]
                part.make_room(int(progress[driver.NEEDED]), (int(progress[driver.TICK]), 0.0))
            elif reached == driver.KERNEL_MISSING:
                self.want()
        took = monotonic() - began
        if stop[0] - now[0] >= engine.window * self._stretch:
            self._stretch = min(2 * self._stretch, LONGEST) if took < LONG / 2 else self._stretch
        if took > LONG:
            self._stretch = max(self._stretch // 2, STRETCH)
        for k in range(sent, int(progress[driver.SIGNAL])):
            time = engine.clock.milliseconds(int(self._due[k]), 0.0)
            engine.sink.signal(self._signals[self._sent[k]], time, float(self._values[k]))
        engine.spike_counts.update(zip(self._number, self._spike_counts.tolist()))
        engine.synaptic_events = int(self._events[0])
        for name, n in engine.drives.take_totals():
            engine.spike_counts[name] += n
        if engine.signals_of_populations:
            engine.emitted(int(progress[driver.FIRST_SPIKE]), calendar.closed)

    def arguments(self) -> tuple[Any, ...]:
        """What the compiled loop works on, made anew where arrays have been replaced."""
        self._build()
        calendar = self.engine.calendar
        return (
            self.engine.window, self._turns, *self._steps, self._due, self._sent, self._values, self._held,
            *self._choice, *self._marks, self._rests, self._arrives, self._spikes, self._rows_of, self._events,
            self._spike_counts, calendar.base, calendar.source, calendar.count, calendar.bucket_start,
            calendar.bucket_end,
        )  # fmt: skip

    def want(self) -> None:
        """Have a kernel made for the receptors that the compiled loop lacks one for."""
        self._wanted.add((int(self.progress[driver.CELLS]), int(self.progress[driver.NEEDED])))
        self._built = ()

    def count_from(self, spike_counts: dict[str, int], synaptic_events: int) -> None:
        """Count on from what there has been before."""
        self._spike_counts[:] = [spike_counts[name] for name in self._number]
        self._events[0] = synaptic_events

    def schedule(self, specs: tuple[SignalSpec, ...]) -> None:
        """Take over the signals whose times are given, those that have not been sent."""
        self._due, self._sent, self._values = schedule(specs, self.engine.clock)
        if self.engine.goes_on:
            self.progress[driver.SIGNAL] = np.searchsorted(self._due, self.engine.now[0], side="right")

    def signal(self, now: Instant, name: str, value: float) -> None:
        """Apply an event of a signal to all synapses that listen to it."""
        self._build()
        rows, listeners = self._steps[-2:]
        k = self._signals.index(name)
        self._held[0] = value
        driver.run_signals(rows[listeners[k] : listeners[k + 1]], now[0])

    def _signal_steps(self, name: str) -> list[Step]:
        found = list(self.engine.listening(name))
        steps = [step for part, _ in found for step in part.sweeping()]
        return steps + [part.signalled([self._variable(*r) for r in read], self._held) for part, read in found]

    def _variable(self, population: str, name: str) -> NDArray[np.float64]:
        if population in self.engine.sources:
            return np.asarray(self.engine.sources[population].register(name))
        cells = self.engine.cells[population]
        return cells.state[cells.variables.index(name)]

    def _stale(self) -> bool:
        """Whether an array that steps hold has been replaced."""
        arrays = self._replaceable()
        return len(arrays) != len(self._built) or any(a is not b for a, b in zip(arrays, self._built))

    def _replaceable(self) -> tuple[Any, ...]:
        engine = self.engine
        plastic = [a for parts in engine.plastic.values() for part in parts for a in (part.history, part.weight)]
        return engine.calendar.base, *engine.synapse, *plastic

    def _build(self) -> None:
        """Make all steps, where there are none yet or an array that they hold has been replaced."""
        if not self._stale():
            return
        engine, number = self.engine, self._number
        visited, self._remembering = listeners(engine)
        sources = [(s.emitting(), number[name]) for name, s in engine.sources.items()]
        static = [(step,) for k in range(len(engine.network.static)) for step in self._delivering(k)]
        static += [(step,) for step in engine.drives.driving(self.ring)]
        static += [(step,) for part, cells in self._looking_back() for step in part.keeping(cells)]
        advance = self._advancing()
        collect = [(self._collecting(e),) for e in engine.emitters]
        histories = [(p.remembering(engine.cells[name]), number[name], part) for p, name, part in self._remembering]
        gates = self._gates([part for part, _ in visited])
        visits = [(part.visiting(engine.calendar, self.ring), number[name]) for part, name in visited]
        plastic = [(*visit, *gate) for visit, gate in zip(visits, gates)]
        if not self._marks:  # `deaf` outlives a rebuilding in the middle of a window
            self._marks = self._marking([part for part, _ in visited]), np.zeros(len(visited), np.int64)
        every: list[tuple[list[Any], int]] = [
            (sources, 3), (static, 2), (advance, 2), (collect, 2), (histories, 4), (plastic, 8),
        ]  # fmt: skip
        signals = [self._signal_steps(name) for name in self._signals]
        every.append(([(step,) for steps in signals for step in steps], 2))
        self._kept = [row[0] for rows, _ in every for row in rows]
        self._steps = [_table([(*row[0].pair, *row[1:]) for row in rows], width) for rows, width in every]
        self._steps.append(np.cumsum([0, *map(len, signals)]))
        self._built = self._replaceable()

    def _delivering(self, k: int) -> list[Step]:
        engine, rows = self.engine, self.engine.network.static[k]
        if not rows.synapse.size:
            return []
        calendar = engine.calendar
        values = {
            "ring": self.ring, "bucket_start": calendar.bucket_start, "bucket_end": calendar.bucket_end,
            "source": calendar.source, "count": calendar.count, "blocks": _blocks(engine.network, rows.row),
            "delays": np.unique(rows.slice_delay).astype(np.int64)[::-1].copy(), "row": rows.row,
            "row_start": rows.row_start, "slice_delay": rows.slice_delay, "slice_end": rows.slice_end,
            "synapse": engine.synapse[k],
        }  # fmt: skip
        return [make_step(kernels.deliver_grid, f"deliver_grid(a, b, {', '.join(values)})", values)]

    def _collecting(self, emitter: Cells | Source) -> Step:
        calendar = self.engine.calendar
        values = {
            "first_id": _spec(emitter).first_id, "out_base": emitter.out_base, "out_index": emitter.out_index,
            "out_count": emitter.out_count, "base": calendar.base, "source": calendar.source, "count": calendar.count,
        }  # fmt: skip
        return make_step(driver.collect_spikes, f"collect_spikes(a, b, {', '.join(values)})", values)

    def _advancing(self) -> list[tuple[Step]]:
        """Steps of all cells, whatever arrives, and those wanted for some receptors; sets which serves what."""
        engine, parts = self.engine, self.engine.network.parts
        cells = [(name, c, part) for name, c in engine.cells.items() for part in range(parts)]
        rows, steps = [], [(c.advancing(part, self.ring),) for _, c, part in cells]  # type: ignore[attr-defined]
        for name, c, part in cells:
            n = len(c.neurons.model.receptors)
            chooses = self._rests[self._number[name]] and n <= CHOICES and c.neurons.size >= MANY
            rows.append((self._number[name], part, _bits(c.neurons.live) if chooses else 0))
        chosen = np.full((len(rows), max((r[2] for r in rows), default=0) + 1), -1, np.int64)
        for k, row in enumerate(rows):
            chosen[k, [0, row[2]]] = k  # with nothing that arrives none is called
        for k, receptors in sorted(self._wanted):
            _, c, part = cells[k]
            live = tuple(r for r in c.neurons.live if receptors >> r & 1)
            chosen[k, receptors] = len(steps)
            steps.append((c.advancing(part, self.ring, live),))  # type: ignore[attr-defined]
        self._choice = _table(rows, 3), chosen
        return steps

    def _resting(self) -> NDArray[np.uint8]:
        """Which emitters are cells that rest without arrivals."""
        network, number = self.engine.network, self._number
        rests = np.zeros(len(number), np.uint8)
        if not network.currents:
            for p in network.neurons:
                rests[number[p.name]] = p.model.rests
        for projection in network.projections:
            target = number[projection.target]
            if rests[target] and (projection.drive >= 0 or self._delays(projection).size > MARKS):
                rests[target] = 0
        return rests

    def _delays(self, projection: Projection) -> NDArray[np.int64]:
        """Distinct delays of a projection in ticks."""
        made = projection.connections
        delay = made.spec.delay
        every = delay.value if isinstance(delay, Constant) else made.delays((0, made.n))
        return np.unique(self.engine.network.clock.steps(every)).astype(np.int64)

    def _marking(self, visited: list[PlasticPart]) -> NDArray[np.int64]:
        """What may wake cells that rest: (emitter, target, delay, receptors, row among the plastic parts or -1)."""
        marks = []
        for projection in self.engine.network.projections:
            target = self._number[projection.target]
            if self._rests[target]:  # and so no drive, which emits nothing, is among its sources
                source = self._number[projection.source]
                parts = self.engine.plastic.get(projection.name)
                rows = [-1] if parts is None else [visited.index(part) for part in parts]
                delays, receptors = self._delays(projection).tolist(), _bits(_receptors(projection))
                marks += [(source, target, d, receptors, row) for d in delays for row in rows]
        return _table(marks, 5)

    def _gates(self, visited: list[PlasticPart]) -> list[tuple[int, ...]]:
        """Of each plastic part: target, delay, receptors that open its gate, and the step that tells of a shut one."""
        network, found = self.engine.network, {}
        self._kept_gates = []
        for p in network.projections:
            for part in self.engine.plastic.get(p.name, ()):
                found[id(part)] = (self._number[p.target], 0, 0, 0, 0)
                model, receptors = network.population(p.target).model, _receptors(p)
                gate = model.receptors[min(receptors)].gate if len(receptors) == 1 else None  # type: ignore[union-attr]
                if gate is None or not part.only_adds or not self._rests[self._number[p.target]]:
                    continue
                opener = [r.name for r in model.receptors].index(gate[1])  # type: ignore[union-attr]
                openers = [q for q in network.projections if q.target == p.target and opener in _receptors(q)]
                delay = int(part.largest_delay)
                if all(np.all(self._delays(q) >= delay) for q in openers):
                    closed = make_step(driver.is_closed, "is_closed(gate)", {"gate": self._variable(p.target, gate[0])})
                    self._kept_gates.append(closed)
                    found[id(part)] = (self._number[p.target], delay, 1 << opener, *closed.pair)
        return [found[id(part)] for part in visited]


def _receptors(projection: Projection) -> set[int]:
    """Numbers of the receptors that a projection may reach."""
    made = projection.connections
    return {made.receptor} if made.receptor is not None else set(made.receptors)


def _bits(numbers: Iterable[int]) -> int:
    return sum(1 << k for k in set(numbers))


def _blocks(network: CompiledNetwork, row: NDArray[Any]) -> NDArray[np.int64]:
    """Ranges of ids, first and one past the last, of the populations that have rows."""
    every: list[Any] = [*network.neurons, *network.inputs]
    ends = sorted((p.first_id, p.first_id + p.size) for p in every)
    blocks: list[tuple[int, int]] = []
    for low, high in ends:
        if row[high] > row[low]:
            joined = bool(blocks) and blocks[-1][1] == low
            low = blocks.pop()[0] if joined else low
            blocks.append((low, high))
    return _table(blocks, 2)


def _table(rows: list[Any], width: int) -> NDArray[np.int64]:
    return np.array(rows, np.int64).reshape(len(rows), width)


def _turns(network: CompiledNetwork) -> int:
    """How finely plastic projections take turns: two that add to the same inputs of cells by tick, by spike where they
    come from one population."""
    sources: dict[tuple[str, int], list[str]] = {}
    for p in network.projections:
        made = p.connections
        for receptor in _receptors(p):
            if p.plasticity is not None and made.n:
                sources.setdefault((p.target, receptor), []).append(p.source)
    if any(len(s) > len(set(s)) for s in sources.values()):
        return driver.BY_SPIKE
    return driver.BY_TICK if any(len(s) > 1 for s in sources.values()) else driver.BY_WINDOW

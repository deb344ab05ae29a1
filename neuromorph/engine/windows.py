"""Windows of a run: emit, deliver, advance the cells, order the spikes, visit the plastic rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.engine.cells import Cells
from neuromorph.engine.sources import Source
from neuromorph.graph.values import Constant
from neuromorph.kernels import calendar as kernels
from neuromorph.kernels import driver
from neuromorph.kernels.steps import Step, make_step
from neuromorph.lowered.compiled import CompiledNetwork

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine, Instant


#: windows that the compiled loop runs before Python looks after interrupts and the recorder
STRETCH = 64
#: a projection with more distinct delays keeps the cells of its target from resting
MARKS = 64


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
        self.progress = np.zeros(7, np.int64)
        self._spikes, self._spike_counts = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._rows_of = np.zeros((n, network.parts + 1), np.int64)
        self._events = np.zeros(1, np.int64)
        self._rests, self._marks = self._resting()
        self._awake = np.ones((int(network.largest_delay) + engine.window + 1, n), np.uint8)
        self._built: tuple[Any, ...] = ()
        self._steps: list[NDArray[np.int64]] = []
        self._kept: list[Step] = []
        self._signals: dict[str, tuple[NDArray[np.int64], NDArray[np.float64], list[Step]]] = {}

    def boundary(self, now: Instant, one: bool = False) -> Instant:
        """Where the windows that begin now end: one of them, or as many as are run at a stretch."""
        engine = self.engine
        single = one or engine.currents or engine.signals_of_populations
        return now[0] + engine.window * (1 if single else STRETCH), 0.0

    def settle(self) -> None:
        """Bring counts up to now: they are."""

    def clear(self) -> None:
        """Forget all arrivals to come."""
        self.ring[:] = 0.0
        self.engine.drives.clear(self.engine.now[0])

    def advance(self, now: Instant, stop: Instant) -> None:
        """Run the ticks (now, stop]."""
        engine, calendar, progress = self.engine, self.engine.calendar, self.progress
        for current in engine.currents:
            current.drive_grid(now[0] + 1, stop[0], self.ring)
        progress[driver.TICK] = now[0]
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
            self.engine.window, self._turns, *self._steps, self._marks, self._rests, self._awake, self._spikes,
            self._rows_of, self._events, self._spike_counts, calendar.base, calendar.source, calendar.count,
            calendar.bucket_start, calendar.bucket_end,
        )  # fmt: skip

    def signal(self, now: Instant, name: str, value: float) -> None:
        """Apply an event of a signal to all synapses that listen to it."""
        if name not in self._signals or self._stale():
            self._build()
            self._signals[name] = self._signal_steps(name)
        rows, held, _ = self._signals[name]
        for part, _read in self.engine.listening(name):
            part.sweep(now)
        held[0] = value
        driver.run_signals(rows, now[0])

    def _signal_steps(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.float64], list[Step]]:
        held = np.zeros(1)
        steps = []
        for part, read in self.engine.listening(name):
            steps.append(part.signalled([self._variable(*item) for item in read], held))
        return _table([s.pair for s in steps], 2), held, steps

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
        histories = [part.history for parts in engine.plastic.values() for part in parts]
        return engine.calendar.base, *engine.synapse, *histories

    def _build(self) -> None:
        """Make all steps, where there are none yet or an array that they hold has been replaced."""
        if not self._stale():
            return
        engine, number = self.engine, self._number
        self._signals.clear()
        visited, self._remembering = listeners(engine)
        sources = [(s.emitting(), number[name]) for name, s in engine.sources.items()]
        static = [(step,) for k in range(len(engine.network.static)) for step in self._delivering(k)]
        static += [(step,) for step in engine.drives.driving(self.ring)]
        cells = [
            (c.advancing(part, self.ring), number[name], part)  # type: ignore[attr-defined]
            for name, c in engine.cells.items()
            for part in range(engine.network.parts)
        ]
        collect = [(self._collecting(e),) for e in engine.emitters]
        histories = [(p.remembering(engine.cells[name]), number[name], part) for p, name, part in self._remembering]
        plastic = [(part.visiting(engine.calendar, self.ring), number[name]) for part, name in visited]
        every: list[tuple[list[Any], int]] = [
            (sources, 3), (static, 2), (cells, 4), (collect, 2), (histories, 4), (plastic, 3),
        ]  # fmt: skip
        self._kept = [row[0] for rows, _ in every for row in rows]
        self._steps = [_table([(*row[0].pair, *row[1:]) for row in rows], width) for rows, width in every]
        self._built = self._replaceable()

    def _delivering(self, k: int) -> list[Step]:
        engine, rows = self.engine, self.engine.network.static[k]
        if not rows.synapse.size:
            return []
        calendar = engine.calendar
        values = {
            "ring": self.ring, "bucket_start": calendar.bucket_start, "bucket_end": calendar.bucket_end,
            "source": calendar.source, "count": calendar.count,
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

    def _resting(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Which emitters are cells that rest without arrivals, and what may wake them: (emitter, target, delay)."""
        network, number = self.engine.network, self._number
        rests = np.zeros(len(number), np.uint8)
        if not network.currents:
            for p in network.neurons:
                rests[number[p.name]] = p.model.rests
        marks = []
        for projection in network.projections:
            if not rests[number[projection.target]]:
                continue
            made = projection.connections
            delay = made.spec.delay
            every = delay.value if isinstance(delay, Constant) else made.delays((0, made.n))
            delays = np.unique(network.clock.steps(every)).astype(np.int64)
            if delays.size > MARKS or projection.drive >= 0:
                rests[number[projection.target]] = 0
            else:
                marks += [(number[projection.source], number[projection.target], d) for d in delays.tolist()]
        return rests, _table([m for m in marks if rests[m[1]]], 3)


def _table(rows: list[Any], width: int) -> NDArray[np.int64]:
    return np.array(rows, np.int64).reshape(len(rows), width)


def _turns(network: CompiledNetwork) -> int:
    """How finely plastic projections take turns: two that add to the same inputs of cells by tick, by spike where they
    come from one population."""
    sources: dict[tuple[str, int], list[str]] = {}
    for p in network.projections:
        made = p.connections
        for receptor in {made.receptor} if made.receptor is not None else set(made.receptors):
            if p.plasticity is not None and made.n:
                sources.setdefault((p.target, receptor), []).append(p.source)
    if any(len(s) > len(set(s)) for s in sources.values()):
        return driver.BY_SPIKE
    return driver.BY_TICK if any(len(s) > 1 for s in sources.values()) else driver.BY_WINDOW

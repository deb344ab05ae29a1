"""Minibatches: examples that run independently, each on a replica of the cells, and learn together.

Time is cut into examples of one length. Those of a minibatch all begin with the same weights and the same fresh state,
and run ahead on any number of threads, through the compiled loop of every network on the grid. Each leaves what its
cells show at its end; the signals that arrive then are applied by the rule's kernel to every synapse, in the order of
the examples. So the same bytes come out whatever the number of threads, and minibatches of one are learning online.

What the rules must promise, since weights are frozen meanwhile: LearningRule.waits_for_signals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.engine.cells import LONG_AGO, Cells
from neuromorph.engine.schedule import Schedule, schedule
from neuromorph.engine.windows import GridWindows
from neuromorph.errors import InputError, Problem
from neuromorph.kernels import driver, examples
from neuromorph.kernels.barrier import barrier
from neuromorph.kernels.plastic_lines import variable_names
from neuromorph.kernels.steps import Step, make_step

if TYPE_CHECKING:
    from neuromorph.engine.learning import PlasticPart
    from neuromorph.engine.simulation import Engine, Instant
    from neuromorph.graph.description import SignalSpec

#: what a thread takes at once: rows of a projection, examples whose changes are listed
ROWS, EXAMPLES = 32, 8


@dataclass(frozen=True)
class Batches:
    """How a run is cut: examples of `period` ms, the first from time 0, `size` of them to a minibatch.

    epoch : a new minibatch begins after so many examples, whatever the size of the last one (0: never)
    threads : what examples and rows of weights are shared among; results do not depend on it
    """

    period: float
    size: int
    epoch: int = 0
    threads: int = 1

    @property
    def noted(self) -> dict[str, str]:
        """What the provenance of a run says."""
        return {"minibatch": str(self.size)}

    def of(self, example: int) -> tuple[int, int]:
        """First example and length of the minibatch that holds an example."""
        epoch, place = divmod(example, self.epoch) if self.epoch else (0, example)
        first = epoch * self.epoch + place // self.size * self.size
        return first, min(self.size, (epoch + 1) * self.epoch - first) if self.epoch else self.size


class BatchWindows:
    """The windows of a run in minibatches; `lanes` makes engines of the same network, which share its weights."""

    def __init__(self, engine: Engine, batches: Batches, lanes: Callable[[], Engine]) -> None:
        _check(engine, batches)
        self.engine, self.batches = engine, batches
        self.period = int(round(batches.period / engine.clock.unit))
        self.layout = _Layout(engine)
        loading = Lock()
        self._lanes = [_Lane(k, lanes(), engine, self.layout, loading) for k in range(batches.threads)]
        self._pool = ThreadPoolExecutor(batches.threads - 1) if batches.threads > 1 else None
        self._taken, self._meeting = np.zeros(16, np.int64), barrier()
        read = [(p, part) for p in engine.network.projections for part in engine.plastic.get(p.name, ())]
        self._columns, self._shown, width = self.layout.shown(p for p, _ in read)
        self._results = np.zeros((batches.size, width))
        self._last = np.zeros(self.layout.size)
        self._spans = np.zeros((batches.size, 3), np.int64)
        self._totals = np.zeros((batches.size, 1 + len(engine.emitters)), np.int64)
        self._emitters = [_name(e) for e in engine.emitters]
        self._draws = np.full(self.layout.kept.size, -1.0)
        learning = [(p, part) for p, part in read if part.learns_at_signal]
        self._learners = [_Learner(p, part, self._columns, self._results) for p, part in learning]
        self._events: list[tuple[int, int, float, str]] = []  # example, tick, value, name of signals to be learnt from
        self._first, self._n = 0, 0  # the minibatch that has been run ahead
        self._scheduled: Schedule = schedule((), engine.clock)
        self._next = 0  # of the scheduled events

    def boundary(self, now: Instant, one: bool = False) -> Instant:
        """Where the minibatch that is going on at `now` ends; an example, where one window is asked for."""
        example = now[0] // self.period
        first, n = (example, 1) if one else self.batches.of(example)
        return (first + n) * self.period, 0.0

    def settle(self) -> None:
        """Bring counts and weights up to now."""
        self.flush()

    def clear(self) -> None:
        """Forget what has been run ahead."""
        self.flush()
        self._n = 0

    def advance(self, now: Instant, stop: Instant) -> None:
        """Run the ticks (now, stop]: a minibatch at a time ahead, and of that what is asked for."""
        tick = now[0]
        while tick < stop[0]:
            example = tick // self.period
            if not self._first <= example < self._first + self._n:
                self._run(example, tick)
            end = min(stop[0], (self._first + self._n) * self.period)
            self._hand_over(tick, end)
            self._note_scheduled(end)
            tick = end

    def schedule(self, specs: tuple[SignalSpec, ...]) -> None:
        """Take over the signals whose times are given."""
        self._scheduled = schedule(specs, self.engine.clock)

    def signal(self, now: Instant, name: str, value: float) -> None:
        """Note an event of a signal for all synapses that listen to it; weights change when they are needed."""
        self._note(now[0], name, value)

    def _note_scheduled(self, end: int) -> None:
        """Note the scheduled events up to a tick."""
        due, sent, values = self._scheduled
        until = int(np.searchsorted(due, end, side="right"))
        coming, self._next = slice(self._next, until), until
        for tick, k, value in zip(due[coming].tolist(), sent[coming].tolist(), values[coming].tolist()):
            name = self.engine.network.signals[k].name
            self._note(tick, name, value)
            self.engine.sink.signal(name, self.engine.clock.milliseconds(tick, 0.0), value)

    def _note(self, tick: int, name: str, value: float) -> None:
        k = tick // self.period - 1 - self._first
        if tick % self.period or not 0 <= k < self._n:
            time, fix = self.engine.clock.milliseconds(tick, 0.0), "Send it at the end of an example."
            allowed = "multiples of the period"
            raise InputError(Problem("a signal within an example", f"signals.{name}", time, allowed, fix))
        if len(self._events) == self.batches.size:
            self.flush()
        self._events.append((k, tick, value, name))

    def flush(self) -> None:
        """Apply the signals that have been noted, in order."""
        if not self._events:
            return
        learning = [learner for learner in self._learners if learner.note(self._events)]
        for learner in learning:
            learner.part.forget_volley()
        self._events.clear()
        threads = len(self._lanes)
        lists = [task for learner in learning for task in learner.lists(self._n)]
        rows = [task for learner in learning for task in learner.rows()]
        if rows:
            tables = [np.array(tasks, np.int64) for tasks in (lists, rows)]
            self._together([partial(examples.apply_signals, self._taken, self._meeting, threads, *tables)] * threads)

    def _together(self, works: list[Callable[[], Any]], taken: int = 0) -> None:
        """Do the same work on all threads, from the number `taken` of the common counter on."""
        self._taken[:] = 0
        self._taken[0] = taken
        waiting = [self._pool.submit(work) for work in works[1:]] if self._pool is not None else []
        works[0]()
        for one in waiting:
            one.result()

    def _run(self, example: int, tick: int) -> None:
        """Run the minibatch that holds an example, from that on."""
        if tick % self.period:
            raise InputError(Problem("a minibatch begins within an example", "run", self.engine.time))
        self.flush()
        first, n = self.batches.of(example)
        self._first, self._n = example, first + n - example
        fresh = self.layout.fresh(self.engine)
        done = 0
        if self._draws.size and self._draws[0] < 0:  # what an example draws is seen in the first
            self._draws[:] = 0.0
            self._examples(fresh, tick, 0, 1)
            self._draws[:] = self._last[self.layout.kept] - fresh[self.layout.kept]
            done = 1
        if done < self._n and self._examples(fresh, tick, done, self._n):
            fix = "Learn online."
            raise InputError(Problem("examples take different numbers of random draws", "minibatches", fix=fix))
        self.layout.carry_on(self.engine, self._last, fresh, self._results, self._columns, self._n)

    def _examples(self, fresh: NDArray[np.float64], tick: int, first: int, n: int) -> bool:
        """Run examples first..n-1 of the minibatch that begins at a tick; whether one took unexpected draws."""
        for lane in self._lanes:
            lane.engine.synapse = self.engine.synapse
            lane.wrong[0] = 0
            lane.windows.arguments()  # kernels are loaded by one thread
            if first == 0:
                lane.clear()
        common = (
            n, tick, self.period, fresh, self.layout.kept, self._draws, self._shown, self._results, self._last,
            self._spans, self._totals,
        )  # fmt: skip
        self._together([partial(lane.run, self._taken, *common) for lane in self._lanes], first)
        return any(lane.wrong[0] for lane in self._lanes)

    def _hand_over(self, tick: int, end: int) -> None:
        """Give the engine the spikes of the ticks (tick, end] of this minibatch, and totals of examples that end."""
        engine = self.engine
        first, last = tick // self.period - self._first, end // self.period - self._first
        if engine.recorder.listens(tick, end):
            for k in range(first, last + (end % self.period > 0)):
                self._hand_over_spikes(k, tick, end)
        events, *spikes = self._totals[first:last].sum(axis=0).tolist()
        engine.synaptic_events += events
        for name, count in zip(self._emitters, spikes):
            engine.spike_counts[name] += count

    def _hand_over_spikes(self, k: int, tick: int, end: int) -> None:
        """Give the engine the spikes of example k, of the ticks (tick, end]."""
        number, a, b = self._spans[k].tolist()
        kept, calendar = self._lanes[number].engine.calendar, self.engine.calendar
        a, b = a + np.searchsorted(kept.base[a:b], (tick, end), side="right")
        calendar.make_plain_room(int(b - a))
        at = calendar.end
        for name in ("base", "source", "count"):
            getattr(calendar, name)[at : at + b - a] = getattr(kept, name)[a:b]
        calendar.end = calendar.closed = int(at + b - a)


class _Layout:
    """Where the state of a network stands in one array: the variables of all cells, then the registers of inputs."""

    def __init__(self, engine: Engine) -> None:
        self.place: dict[tuple[str, str], slice] = {}
        size = 0
        for name, variable, n in _stretches(engine):
            self.place[name, variable] = slice(size, size + n)
            size += n
        self.size = size
        self.carried = {
            (c.neurons.name, name): v
            for c in engine.cells.values()
            for name, v in c.neurons.model.variables().items()
            if v.kept or v.running
        }
        kept = [np.arange(self.size)[self.place[at]] for at, v in self.carried.items() if v.kept]
        self.kept = np.concatenate([np.empty(0, np.int64), *kept])
        self._initial = np.zeros(self.size)
        for cells, row, at in self._rows(engine):
            self._initial[self.place[at]] = cells.neurons.initial[row]

    def shown(self, projections: Any) -> tuple[dict[tuple[str, str], int], NDArray[np.int64], int]:
        """What an example leaves: first column of each variable, stretches of the state, number of columns."""
        names = [at for at, v in self.carried.items() if v.running]
        for p in projections:
            names += [(p.source, v.name) for v in p.plasticity.rule.variables("pre").values()]
            names += [(p.target, v.name) for v in p.plasticity.rule.variables("post").values()]
        columns: dict[tuple[str, str], int] = {}
        stretches, width = [], 0
        for at in dict.fromkeys(names):
            columns[at] = width
            stretches.append((self.place[at].start, self.place[at].stop))
            width += self.place[at].stop - self.place[at].start
        return columns, np.array(stretches, np.int64).reshape(-1, 2), width

    def fresh(self, engine: Engine) -> NDArray[np.float64]:
        """The state that all examples of a minibatch begin with: the initial one, and what is carried on."""
        fresh = self._initial.copy()
        for cells, row, at in self._rows(engine):
            if at in self.carried:
                fresh[self.place[at]] = cells.state[row]
        return fresh

    def carry_on(self, engine: Engine, last: Any, fresh: Any, results: Any, columns: Any, n: int) -> None:
        """The state after n examples: the last one's, but running variables add up their changes in order."""
        for cells, row, at in self._rows(engine):
            cells.state[row] = last[self.place[at]]
            if at in self.carried and self.carried[at].running:
                examples.add_changes(n, results, columns[at], fresh[self.place[at]], cells.state[row])

    def _rows(self, engine: Engine) -> Iterator[tuple[Cells, int, tuple[str, str]]]:
        for cells in engine.cells.values():
            for row, name in enumerate(cells.variables):
                yield cells, row, (cells.neurons.name, name)


class _Lane:
    """What runs one example after another on a thread: an engine whose weights are those of another."""

    def __init__(self, number: int, engine: Engine, main: Engine, layout: _Layout, loading: Lock) -> None:
        self.number, self.engine = number, engine
        self._loading = loading  # kernels are loaded by one thread at a time
        assert isinstance(engine.windows, GridWindows)
        self.windows: GridWindows = engine.windows
        engine.calendar.before_drop = None
        for name, parts in engine.plastic.items():
            for part, owner in zip(parts, main.plastic[name]):
                part.share(owner.weight)
        self.state = np.zeros(layout.size)
        self.until = np.full(sum(c.neurons.size for c in engine.cells.values()), LONG_AGO)
        first = 0
        for name, cells in engine.cells.items():
            n = cells.neurons.size
            at = [layout.place[name, v] for v in cells.variables]
            cells.state = self.state[at[0].start : at[-1].stop].reshape(len(at), n)
            cells.until = self.until[first : first + n]  # type: ignore[attr-defined]
            first += n
        for name, source in engine.sources.items():
            for register in source.input.model.registers:
                own = source.register(register)
                view = self.state[layout.place[name, register]]
                source.arrays = tuple(view if array is own else array for array in source.arrays)
        self.wrong = np.zeros(1, np.int64)
        self._current = np.array([-1])

    def clear(self) -> None:
        """Forget the spikes of the last minibatch."""
        self.engine.calendar.end = self.engine.calendar.closed = 0
        self.windows.progress[[driver.CLOSED, driver.END]] = 0
        for parts in self.engine.plastic.values():
            for part in parts:
                part.forget_volley()

    def run(self, taken: Any, n: int, begin: int, period: int, fresh: Any, kept: Any, draws: Any, shown: Any,
            results: Any, last: Any, spans: Any, totals: Any) -> None:  # fmt: skip
        """Run examples until n of the minibatch have been taken."""
        reached = -1
        while reached != driver.DONE:
            reached = examples.run_examples(
                taken, n, begin, period, self._current, self.number, fresh, kept, draws, self.state, self.until,
                LONG_AGO, self.windows.ring, shown, results, last, spans, totals, self.wrong, self.windows.progress,
                *self.windows.arguments(),
            )  # fmt: skip
            if reached == driver.CALENDAR_FULL:
                self._make_room()
            elif reached == driver.KERNEL_MISSING:
                with self._loading:
                    self.windows.want()
                    self.windows.arguments()

    def _make_room(self) -> None:
        """Twice the calendar: all spikes of a minibatch are kept until it has been handed over."""
        calendar = self.engine.calendar
        extra = max(int(self.windows.progress[driver.NEEDED]), calendar.base.size)
        for name in ("base", "source", "count"):
            old = getattr(calendar, name)
            setattr(calendar, name, np.concatenate([old, np.zeros(extra, np.int64)]))


class _Learner:
    """A plastic part, and the events of signals that it learns from next."""

    def __init__(self, projection: Any, part: PlasticPart, columns: Any, results: NDArray[np.float64]) -> None:
        self.part = part
        self._signals = set(projection.plasticity.signals)
        self._n = 0
        size = results.shape[0]
        self._event = {"which": np.zeros(size, np.int64), "at": np.zeros(size, np.int64), "value": np.zeros(size)}
        names = [(projection.source, v) for v in part.pre_variables]
        names += [(projection.target, v) for v in part.post_variables]
        places = {f"{v}_at": columns[at] for v, at in zip(variable_names(part.plasticity.rule), names)}
        shown = {"results": results, **places}
        shown |= {"every_changed": np.zeros((size, part.n_post), np.int64), "n_every": np.zeros(size, np.int64)}
        self._listing = self._step("list_changed", "a, b", shown)
        self._learning = self._step("signals", "a, b, c", self._event | shown)

    def _step(self, name: str, bounds: str, values: dict[str, Any]) -> Step:
        call = f"{name}({bounds}, {', '.join([*values, *self.part.flat])})"
        return make_step(getattr(self.part.module, name), call, values | self.part.flat)

    def note(self, events: list[tuple[int, int, float, str]]) -> bool:
        """Take the events of the signals that are listened to; whether there are any."""
        mine = [event[:3] for event in events if event[3] in self._signals]
        self._n = len(mine)
        for array, values in zip(self._event.values(), zip(*mine)):
            array[: self._n] = values
        return bool(mine)

    def lists(self, n: int) -> list[tuple[int, ...]]:
        """Tasks that list the cells that each of n examples has changed."""
        return [(*self._listing.pair, k, min(k + EXAMPLES, n), 0) for k in range(0, n, EXAMPLES)]

    def rows(self) -> list[tuple[int, ...]]:
        """Tasks that change rows of weights."""
        n = self.part.n_pre
        return [(*self._learning.pair, a, min(a + ROWS, n), self._n) for a in range(0, n, ROWS)]


def _name(emitter: Any) -> str:
    return str((emitter.neurons if hasattr(emitter, "neurons") else emitter.input).name)


def _stretches(engine: Engine) -> list[tuple[str, str, int]]:
    """(population, variable or register, size) in the order in which they stand in the state."""
    found = [(c.neurons.name, v, c.neurons.size) for c in engine.cells.values() for v in c.variables]
    registers = [(s.input, r) for s in engine.sources.values() for r in s.input.model.registers]
    return found + [(p.name, register, p.size) for p, register in registers]


def _check(engine: Engine, batches: Batches) -> None:
    """InputError for whatever cannot be run in minibatches."""
    network, problems = engine.network, []
    for name, value in (("size", batches.size), ("threads", batches.threads)):
        if value < 1:
            problems.append(Problem(f"{name} is not a number of them", "minibatches", value, "1 or more"))
    if network.clock.exact:
        problems.append(Problem("minibatches run on the grid", "resolution", "exact", "a number of ms"))
    elif not batches.period > 0 or abs(batches.period / network.clock.unit % 1) > 1e-9:
        allowed = f"multiples of {network.clock.unit:g} ms"
        problems.append(Problem("examples are whole numbers of ticks long", "period", batches.period, allowed))
    for p in network.projections:
        if p.plasticity is not None and not p.plasticity.rule.waits_for_signals():
            allowed = "a rule with on_signal alone and without traces"
            where = f"projections.{p.name}.plasticity"
            problems.append(Problem("changes weights within an example", where, p.plasticity.rule.__name__, allowed))
    if network.currents:
        problems.append(Problem("currents do not run in minibatches", f"inputs.{network.currents[0].name}"))
    for drive in network.drives:
        fix = "Record its spikes."
        problems.append(Problem("an input that nobody records does not run in minibatches", drive.input, fix=fix))
    for spec in engine.signals_of_populations:
        problems.append(Problem("signals of populations are not for minibatches", f"signals.{spec.name}"))
    for record in network.records:
        if record.kind == "state":
            problems.append(Problem("states are not recorded in minibatches", f"{record.name}.{record.variable}"))
    if problems:
        raise InputError(*problems)

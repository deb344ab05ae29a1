"""Minibatches: examples that run independently, each on a replica of the cells, and learn together.

Time is cut into examples of one length. Those of a minibatch all begin with the same weights and the same fresh state,
and run ahead on any number of threads, through the compiled loop of every network on the grid. Each leaves what its
cells show at its end; the signals that arrive then are applied by the rule's kernel to every synapse in the order of the
examples. So the same bytes come out whatever the number of threads, and minibatches of one are learning online.

What the rules must promise, since weights are frozen meanwhile: LearningRule.waits_for_signals.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.engine.cells import LONG_AGO
from neuromorph.engine.windows import GridWindows
from neuromorph.errors import InputError, Problem
from neuromorph.kernels import driver, examples
from neuromorph.kernels.plastic_lines import variable_names
from neuromorph.kernels.steps import Step, make_step

if TYPE_CHECKING:
    from neuromorph.engine.learning import PlasticPart
    from neuromorph.engine.simulation import Engine, Instant

#: rows of a projection that a thread takes at once
ROWS = 32


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

    def of(self, example: int) -> tuple[int, int]:
        """First example and length of the minibatch that holds an example."""
        epoch, place = divmod(example, self.epoch) if self.epoch else (0, example)
        first = epoch * self.epoch + place // self.size * self.size
        return first, min(self.size, (epoch + 1) * self.epoch - first) if self.epoch else self.size


class BatchWindows:
    """The windows of a run in minibatches; what `lanes` (engines of the same network) hold is theirs alone but weights."""

    def __init__(self, engine: Engine, batches: Batches, lanes: Callable[[], Engine]) -> None:
        _check(engine, batches)
        self.engine, self.batches = engine, batches
        self.period = int(round(batches.period / engine.clock.unit))
        self.layout = _Layout(engine)
        self._lanes = [_Lane(k, lanes(), engine, self.layout) for k in range(batches.threads)]
        self._pool = ThreadPoolExecutor(batches.threads - 1) if batches.threads > 1 else None
        self._taken = np.zeros(16, np.int64)
        read = [(p, part) for p in engine.network.projections for part in engine.plastic.get(p.name, ())]
        self._columns, self._shown, width = self.layout.shown(p for p, _ in read)
        self._results = np.zeros((batches.size, width))
        self._last = np.zeros(self.layout.size)
        self._spans = np.zeros((batches.size, 3), np.int64)
        self._totals = np.zeros((batches.size, 1 + len(engine.emitters)), np.int64)
        self._draws = np.full(self.layout.kept.size, -1.0)
        self._learners = [
            _Learner(p, part, self._columns, self._results) for p, part in read if part.learns_at_signal
        ]
        self._first, self._n = 0, 0  # the minibatch that has been run ahead

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
            end = min(stop[0], (example + 1) * self.period)
            self._hand_over(example, tick, end)
            tick = end

    def signal(self, now: Instant, name: str, value: float) -> None:
        """Note an event of a signal for all synapses that listen to it; weights change when they are needed."""
        k = now[0] // self.period - 1 - self._first
        if now[0] % self.period or not 0 <= k < self._n:
            fix = "Send it at the end of an example."
            raise InputError(
                Problem("a signal within an example", f"signals.{name}", self.engine.time, "multiples of the period", fix)
            )
        listening = [part for part, _ in self.engine.listening(name)]
        for learner in self._learners:
            if any(learner.part is part for part in listening):
                if learner.n == learner.which.size:
                    self.flush()
                learner.note(k, now[0], value)

    def flush(self) -> None:
        """Apply the signals that have been noted, in order."""
        tasks = [task for learner in self._learners for task in learner.tasks(self._n)]
        if tasks:
            table = np.array(tasks, np.int64)
            self._together([partial(examples.apply_signals, self._taken, table)] * len(self._lanes))
            for learner in self._learners:
                learner.n = 0

    def _together(self, works: list[Callable[[], Any]], taken: int = 0) -> None:
        """Do the same work on all threads, from the number `taken` of the common counter on."""
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
        """Run examples first..n-1 of the minibatch that begins at a tick; whether one took other draws than expected."""
        for lane in self._lanes:
            lane.engine.synapse = self.engine.synapse
            lane.wrong[0] = 0
            if first == 0:
                lane.clear()
        common = (
            n, tick, self.period, fresh, self.layout.kept, self._draws, self._shown, self._results, self._last,
            self._spans, self._totals,
        )  # fmt: skip
        self._together([partial(lane.run, self._taken, *common) for lane in self._lanes], first)
        return any(lane.wrong[0] for lane in self._lanes)

    def _hand_over(self, example: int, tick: int, end: int) -> None:
        """Give the engine the spikes of the ticks (tick, end] of an example, and its totals when it ends."""
        engine, k = self.engine, example - self._first
        if engine.recorder.listens(tick, end):
            number, a, b = self._spans[k].tolist()
            kept = self._lanes[number].engine.calendar
            a, b = a + np.searchsorted(kept.base[a:b], (tick, end), side="right")
            engine.calendar.make_plain_room(int(b - a))
            calendar, at = engine.calendar, engine.calendar.end
            for name in ("base", "source", "count"):
                getattr(calendar, name)[at : at + b - a] = getattr(kept, name)[a:b]
            calendar.end = calendar.closed = int(at + b - a)
        if end == (example + 1) * self.period:
            totals = self._totals[k].tolist()
            engine.synaptic_events += totals[0]
            for emitter, count in zip(engine.emitters, totals[1:]):
                engine.spike_counts[_name(emitter)] += count


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
        fresh = np.zeros(self.size)
        for cells in engine.cells.values():
            for row, name in enumerate(cells.variables):
                at = cells.neurons.name, name
                fresh[self.place[at]] = (cells.state if at in self.carried else cells.neurons.initial)[row]
        return fresh

    def carry_on(self, engine: Engine, last: Any, fresh: Any, results: Any, columns: Any, n: int) -> None:
        """The state after n examples: the last one's, but that changes of running variables are added up in order."""
        for cells in engine.cells.values():
            for row, name in enumerate(cells.variables):
                at = cells.neurons.name, name
                place = self.place[at]
                cells.state[row] = last[place]
                if at in self.carried and self.carried[at].running:
                    found = results[:n, columns[at] : columns[at] + cells.neurons.size]
                    cells.state[row] = found[0]
                    for k in range(1, n):
                        cells.state[row] += found[k] - fresh[place]


class _Lane:
    """What runs one example after another on a thread: an engine whose weights are those of another."""

    def __init__(self, number: int, engine: Engine, main: Engine, layout: _Layout) -> None:
        self.number, self.engine = number, engine
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

    def _make_room(self) -> None:
        """Twice the calendar: all spikes of a minibatch are kept until it has been handed over."""
        calendar = self.engine.calendar
        extra = max(int(self.windows.progress[driver.NEEDED]), calendar.base.size)
        for name in ("base", "source", "count"):
            old = getattr(calendar, name)
            setattr(calendar, name, np.concatenate([old, np.zeros(extra, np.int64)]))


class _Learner:
    """A plastic part and the events of signals that it has yet to learn from."""

    def __init__(self, projection: Any, part: PlasticPart, columns: Any, results: NDArray[np.float64]) -> None:
        self.part = part
        self.n = 0
        size = results.shape[0]
        self.which, self.at, self.value = np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size)
        names = [(projection.source, v) for v in part.pre_variables]
        names += [(projection.target, v) for v in part.post_variables]
        places = dict(zip([f"{v}_at" for v in variable_names(part.plasticity.rule)], [columns[at] for at in names]))
        changed = {"every_changed": np.zeros((size, part.n_post), np.int64), "n_every": np.zeros(size, np.int64)}
        events = {"which": self.which, "at": self.at, "value": self.value}
        self._listing = self._step("list_changed", "c", {"results": results, **places, **changed})
        self._learning = self._step("signals", "a, b, c", {**events, "results": results, **places, **changed})

    def _step(self, name: str, bounds: str, values: dict[str, Any]) -> Step:
        values = values | self.part.flat
        return make_step(getattr(self.part.module, name), f"{name}({bounds}, {', '.join(values)})", values)

    def note(self, k: int, tick: int, value: float) -> None:
        """An event at the end of example k of the minibatch."""
        self.which[self.n], self.at[self.n], self.value[self.n] = k, tick, value
        self.n += 1

    def tasks(self, n: int) -> list[tuple[int, ...]]:
        """What is to be done for the events noted: rows of weights, a stretch to a task."""
        if not self.n:
            return []
        listing = np.array([(*self._listing.pair, 0, 0, n)], np.int64)
        examples.apply_signals(np.zeros(16, np.int64), listing)
        rows = range(0, self.part.n_pre, ROWS)
        return [(*self._learning.pair, a, min(a + ROWS, self.part.n_pre), self.n) for a in rows]


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
            problems.append(Problem("changes weights within an example", where, p.plasticity.rule.name, allowed))  # type: ignore[attr-defined]
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

"""Minibatches: examples that run independently, each on a replica of the cells, and learn together.

Time is cut into examples of one length. Those of a minibatch all begin with the same weights and the same fresh state,
and run ahead on any number of threads, through the compiled loop of every network on the grid. Each leaves what its
cells show at its end; the signals that arrive then are applied by the rule's kernel to every synapse, in the order of
the examples. So the same bytes come out whatever the number of threads, and minibatches of one are learning online.

What the rules must promise, since weights are frozen meanwhile: LearningRule.waits_for_signals.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.engine.batch_learning import Events, Learner
from neuromorph.engine.lanes import Lane, Layout
from neuromorph.engine.schedule import Schedule, schedule
from neuromorph.errors import InputError, Problem
from neuromorph.kernels import examples
from neuromorph.kernels.barrier import barrier

if TYPE_CHECKING:
    from neuromorph.engine.learning import PlasticPart
    from neuromorph.engine.simulation import Engine, Instant
    from neuromorph.graph.description import SignalSpec


@dataclass(frozen=True)
class Batches:
    """How a run is cut: examples of `period` ms, the first from time 0, `size` of them to a minibatch.

    epoch : a new minibatch begins after so many examples, whatever the size of the last one (0: never)
    momentum : how much of its change in the last minibatch each weight repeats before it learns from the next
    (heavy ball: Polyak 1964, doi:10.1016/0041-5553(64)90137-5), from 0 to less than 1
    threads : what examples and rows of weights are shared among; results do not depend on it
    """

    period: float
    size: int
    epoch: int = 0
    threads: int = 1
    momentum: float = 0.0

    @property
    def noted(self) -> dict[str, str]:
        """What the provenance of a run says."""
        return {"minibatch": str(self.size)} | ({"momentum": str(self.momentum)} if self.momentum else {})

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
        self.layout = Layout(engine)
        loading = Lock()
        self._lanes = [Lane(k, lanes(), engine, self.layout, loading) for k in range(batches.threads)]
        self._pool = ThreadPoolExecutor(batches.threads - 1) if batches.threads > 1 else None
        self._taken, self._meeting = np.zeros(24, np.int64), barrier()
        read = [(p, part) for p in engine.network.projections for part in engine.plastic.get(p.name, ())]
        self._columns, self._shown, width = self.layout.shown(p for p, _ in read)
        self._results = np.zeros((batches.size, width))
        self._last = np.zeros(self.layout.size)
        self._spans = np.zeros((batches.size, 3), np.int64)
        self._totals = np.zeros((batches.size, 1 + len(engine.emitters)), np.int64)
        self._emitters = [_name(e) for e in engine.emitters]
        self._draws = np.full(self.layout.kept.size, -1.0)
        learning = [(p, part) for p, part in read if part.learns_at_signal]
        self._heard: dict[tuple[str, ...], Events] = {}
        self._learners = [self._learner(p, part) for p, part in learning]
        self._events: list[tuple[int, int, float, str]] = []  # example, tick, value, name of signals to be learnt from
        self._first, self._n = 0, 0  # the minibatch that has been run ahead
        self._scheduled: Schedule = schedule((), engine.clock)
        self._next, self._begins = 0, 0  # of the scheduled events; the tick of the first example

    def _learner(self, projection: Any, part: PlasticPart) -> Learner:
        signals = projection.plasticity.signals
        heard = self._heard.setdefault(signals, Events(signals, self.batches.size))
        return Learner(projection, part, self._columns, self._results, heard, self.batches.momentum)

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

    def within(self, tick: int) -> bool:
        """Whether a minibatch that has begun is not over at a tick."""
        first = tick // self.period
        return bool(tick % self.period) or self._first < first < self._first + self._n

    def begin_at(self, tick: int) -> None:
        """Begin with the example at a tick: the events of signals before it are over."""
        self._first, self._n, self._begins = 0, 0, tick

    def schedule(self, specs: tuple[SignalSpec, ...]) -> None:
        """Take over the signals whose times are given."""
        self._scheduled = schedule(specs, self.engine.clock)
        self._next = int(np.searchsorted(self._scheduled[0], self._begins, side="right")) if self._begins else 0

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
        tasks = self._applying()
        if tasks is not None:
            self._together([partial(self._apply, *tasks)] * len(self._lanes))

    def _applying(self) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """Tasks that apply the signals that have been noted, which are forgotten; None where nothing changes."""
        for heard in self._heard.values() if self._events else ():
            heard.take(self._events)
        learning = [learner for learner in self._learners if learner.heard.n] if self._events else []
        self._events.clear()
        for learner in learning:
            learner.part.forget_volley()
        if not learning:
            return None
        first = [x.lists(self._n) for x in learning] + [x.pushes() for x in learning if x.waits_for_push]
        return np.concatenate(first), np.concatenate([x.rows() for x in learning])

    def _apply(self, lists: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        examples.apply_signals(self._taken, self._meeting, len(self._lanes), lists, rows)

    def _together(self, works: list[Callable[[], Any]], done: int = 0) -> None:
        """Do works on all threads, `done` examples of the minibatch having been run."""
        self._taken[:] = 0
        self._taken[examples.EXAMPLES] = done
        waiting = [self._pool.submit(work) for work in works[1:]] if self._pool is not None else []
        works[0]()
        for one in waiting:
            one.result()

    def _run(self, example: int, tick: int) -> None:
        """Run the minibatch that holds an example, from that on."""
        if tick % self.period:
            raise InputError(Problem("a minibatch begins within an example", "run", self.engine.time))
        tasks = self._applying()
        first, n = self.batches.of(example)
        self._first, self._n = example, first + n - example
        for learner in self._learners:
            learner.begin()
        fresh = self.layout.fresh(self.engine)
        done = 0
        if self._draws.size and self._draws[0] < 0:  # what an example draws is seen in the first
            self._draws[:] = 0.0
            self._examples(fresh, tick, 0, 1, tasks)
            tasks = None
            self._draws[:] = self._last[self.layout.kept] - fresh[self.layout.kept]
            done = 1
        if done < self._n and self._examples(fresh, tick, done, self._n, tasks):
            fix = "Learn online."
            raise InputError(Problem("examples take different numbers of random draws", "minibatches", fix=fix))
        self.layout.carry_on(self.engine, self._last, fresh, self._results, self._columns, self._n)

    def _examples(self, fresh: NDArray[np.float64], tick: int, first: int, n: int, tasks: Any) -> bool:
        """Apply `tasks`, then run examples first..n-1 of the minibatch that begins at a tick.

        Returns whether one took unexpected draws.
        """
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

        def work(lane: Lane) -> None:
            if tasks is not None:
                self._apply(*tasks)
            lane.run(self._taken, *common)

        self._together([partial(work, lane) for lane in self._lanes], first)
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


def _name(emitter: Any) -> str:
    return str((emitter.neurons if hasattr(emitter, "neurons") else emitter.input).name)


def _check(engine: Engine, batches: Batches) -> None:
    """InputError for whatever cannot be run in minibatches."""
    network, problems = engine.network, []
    for name, value in (("size", batches.size), ("threads", batches.threads)):
        if value < 1:
            problems.append(Problem(f"{name} is not a number of them", "minibatches", value, "1 or more"))
    if not 0.0 <= batches.momentum < 1.0:
        problems.append(Problem("momentum out of range", "minibatches", batches.momentum, "0 to less than 1"))
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

"""Replicas of the cells of a network, on which the examples of a minibatch run; they share its weights."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.engine.cells import LONG_AGO, Cells
from neuromorph.engine.windows import GridWindows
from neuromorph.kernels import driver, examples

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine


class Layout:
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


class Lane:
    """What runs one example after another on a thread: an engine whose weights are those of another."""

    def __init__(self, number: int, engine: Engine, main: Engine, layout: Layout, loading: Lock) -> None:
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


def _stretches(engine: Engine) -> list[tuple[str, str, int]]:
    """(population, variable or register, size) in the order in which they stand in the state."""
    found = [(c.neurons.name, v, c.neurons.size) for c in engine.cells.values() for v in c.variables]
    registers = [(s.input, r) for s in engine.sources.values() for r in s.input.model.registers]
    return found + [(p.name, register, p.size) for p, register in registers]

"""Lazy populations on the grid: state at each cell's last own event, and the lists of cells with an arrival."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.engine.cells import GridCells
from neuromorph.kernels.grid_cells import step_arguments
from neuromorph.lowered.clock import Clock
from neuromorph.lowered.compiled import CompiledNetwork, Neurons
from neuromorph.lowered.partition import bounds

LINE = 8  # int64 in a cache line


class ActiveLists:
    """The active lists of all lazy populations, one for each part, as kernels/lists.py describes them."""

    def __init__(self, network: CompiledNetwork, lazy: list[Neurons]) -> None:
        self.number = {p.name: k for k, p in enumerate(lazy, start=1)}
        self._bounds = [p.slot0 + p.live[0] * p.size + bounds(p.size, network.parts) for p in lazy]
        slots, width = (network.n_slots if lazy else 0), len(lazy) + 1 + LINE  # parts write to lines of their own
        self._waiting = np.zeros(slots, np.uint8)
        self._touched = np.zeros(slots, np.int32)
        self._first = np.zeros((network.parts, width), np.int64)
        self._listed = np.zeros((network.parts, width), np.int64)
        self.every = np.zeros(width, np.int64)
        for k, ends in enumerate(self._bounds, start=1):
            self._waiting[ends[0] : ends[-1]] = k
            self._first[:, k] = ends[:-1]

    def arrays(self, part: int) -> tuple[Any, ...]:
        """The lists of a part."""
        return self._waiting, self._touched, self._first[part], self._listed[part], self.every

    def listed(self, name: str) -> NDArray[np.int64]:
        """The cells of a population that are visited at the next tick, part by part."""
        k = self.number[name]
        ranges = zip(self._first[:, k], self._listed[:, k])
        slots = [self._touched[first : first + n] for first, n in ranges]
        return np.concatenate(slots).astype(np.int64) - self._bounds[k - 1][0]

    def only(self, name: str, cells: NDArray[np.int64]) -> None:
        """Have these cells of a population visited at the next tick, and no others."""
        k = self.number[name]
        ends = self._bounds[k - 1]
        self._waiting[ends[0] : ends[-1]] = k
        self._listed[:, k] = 0
        self.wake(name, cells)

    def wake(self, name: str, cells: NDArray[np.int64]) -> None:
        """See to it that cells of a population are visited at the next tick."""
        k = self.number[name]
        ends = self._bounds[k - 1]
        slots = ends[0] + np.unique(cells)
        for part, (low, high) in enumerate(zip(ends[:-1], ends[1:])):
            new = slots[(slots >= low) & (slots < high)]
            new = new[self._waiting[new] > 0]
            first = self._first[part, k] + self._listed[part, k]
            self._touched[first : first + new.size] = new
            self._waiting[new] = 0
            self._listed[part, k] += new.size


class LazyCells(GridCells):
    """A population whose cells are visited at ticks with an arrival; `since` holds the tick of each last own event."""

    def __init__(self, neurons: Neurons, clock: Clock, seed: int, parts: int, window: int, archived: bool) -> None:
        super().__init__(neurons, clock, seed, parts, window, archived)
        self.kind = replace(self.kind, lazy=True)
        self.since = np.zeros(neurons.size, np.int64)

    def join(self, lists: ActiveLists, evaluate: Any) -> None:
        """Take the active lists and the kernel that reads; all cells are visited at the first tick."""
        self._lists, self._evaluate = lists, evaluate
        lists.wake(self.neurons.name, np.arange(self.neurons.size))

    def listed(self) -> tuple[NDArray[np.int64], bool]:
        """The cells that are visited at the next tick, and whether all are at every tick."""
        every = bool(self._lists.every[self._lists.number[self.neurons.name]])
        return self._lists.listed(self.neurons.name), every

    def list_again(self, cells: NDArray[np.int64], every: bool) -> None:
        """Have these cells visited at the next tick, or all at every tick."""
        self._lists.only(self.neurons.name, cells)
        self._lists.every[self._lists.number[self.neurons.name]] = every

    def all_values(self, base: int, offset: float, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """All state variables of some cells at the present tick: float64[variables, cells]."""
        named = {
            **{f"state_{k}": row for k, row in enumerate(self.state)},
            **{f"own_{k}": row for k, row in enumerate(self.own)},
            **{f"own_c_{k}": row for k, row in enumerate(self.own_c)},
            "until": self.until, "refractory": self.refractory, "since": self.since, "shared": self.shared,
            "shared_c": self.shared_c,
        }  # fmt: skip
        held = [named[name] for name in step_arguments(self.kind) if name in named]
        out = np.empty((len(self.variables), np.size(cells)))
        self._evaluate(base, self.clock.unit, np.asarray(cells, np.int64), *held, out)
        return out

    def assign(self, row: int, cells: NDArray[np.int64], values: Any, base: int, offset: float) -> None:
        """Set a state variable of some cells now; that is an own event of theirs.

        Where they may fire by themselves then, all cells are visited at every tick from now on.
        """
        new = self.all_values(base, offset, cells)
        new[row] = values
        self.state[:, cells] = new
        self.since[cells] = base
        p = self.neurons
        receptors = {p.model.receptors[r].name for r in p.live}
        if not p.model.silent_between_arrivals(p.parameters, dict(zip(self.variables, self.state)), receptors):
            self._lists.every[self._lists.number[p.name]] = 1
        self._lists.wake(p.name, cells)

    def settle(self, base: int, offset: float) -> None:
        """Make now the tick of every cell's state; all cells are visited at the next one."""
        every = np.arange(self.neurons.size)
        self.state[:] = self.all_values(base, offset, every)
        self.since[:] = base
        self._lists.wake(self.neurons.name, every)

    def reset(self, base: int, offset: float) -> None:
        """Back to the initial state, not refractory."""
        super().reset(base, offset)
        self.since[:] = base
        self._lists.every[self._lists.number[self.neurons.name]] = 0
        self._lists.wake(self.neurons.name, np.arange(self.neurons.size))

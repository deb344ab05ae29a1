"""A population in exact mode: state at each cell's last own event, evaluated from there."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.engine.cells import LONG_AGO, Cells
from neuromorph.errors import InputError, Problem
from neuromorph.kernels import exact as columns
from neuromorph.lowered.clock import Clock
from neuromorph.lowered.compiled import Neurons


class ExactCells(Cells):
    """A population advanced from event to event; `rows` and `wake` are its part of the network's arrays."""

    def __init__(self, neurons: Neurons, clock: Clock, seed: int, parts: int, window: int, archived: bool) -> None:
        super().__init__(neurons, clock, seed, parts, window, archived)
        self.rows = np.zeros((neurons.size, columns.VARIABLES + len(self.variables)))
        self.rows[:, columns.LAST_BASE], self.rows[:, columns.LAST_OFFSET] = -1, clock.unit
        self.rows[:, columns.UNTIL_BASE] = LONG_AGO
        self.rows[:, columns.VARIABLES :] = self.state.T
        self._own = self.own.T

    def place(self, module: ModuleType, rows: Any, wake: Any, own: Any) -> None:
        """Move into the network's arrays: the cells' rows, the windows of interest, the parameters of their own."""
        width = self.rows.shape[1]
        rows[:, :width] = self.rows
        wake[:] = -1
        own[:, : self.own.shape[0]] = self.own.T
        self.rows, self.wake, self._own = rows, wake, own
        self.state = rows[:, columns.VARIABLES : width].T
        self._evaluate, self._firing = module.evaluate, module.firing
        self._check_quiet(np.arange(self.neurons.size), self.state)

    def all_values(self, base: int, offset: float, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """All state variables of some cells at the present instant: float64[variables, cells]."""
        out = np.empty((len(self.variables), cells.size))
        self._evaluate(base, offset, self.clock.unit, cells, self.rows, self.shared, self._own, out)
        return out

    def assign(self, row: int, cells: NDArray[np.int64], values: Any, base: int, offset: float) -> None:
        """Set a state variable of some cells now; that is an own event of theirs."""
        new = self.all_values(base, offset, cells)
        new[row] = values
        self._check_quiet(cells, new)
        self.state[:, cells] = new
        self._now(cells, base, offset)

    def settle(self, base: int, offset: float) -> None:
        """Make now the instant of every cell's state, which sums (kernels/dense.py) keep as of a window's beginning."""
        self.state[:] = self.all_values(base, offset, np.arange(self.neurons.size))
        self._now(slice(None), base, offset)

    def _now(self, cells: Any, base: int, offset: float) -> None:
        self.rows[cells, columns.LAST_BASE], self.rows[cells, columns.LAST_OFFSET] = base, offset
        self.wake[cells] = -1

    def _check_quiet(self, cells: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Raise InputError where a cell would fire at this very instant, which belongs to the past."""
        k = int(self._firing(cells, np.ascontiguousarray(values), self.shared, self._own))
        if k >= 0:
            where = f"{self.neurons.name}[{cells[k]}]"
            fix = "Set a state below the threshold, or run on the grid, where the cell fires a tick later."
            raise InputError(Problem("exact mode cannot start at or above the threshold", where, fix=fix))

    def reset(self, base: int, offset: float) -> None:
        """Back to the initial state, not refractory."""
        self._restore_initial()
        self._now(slice(None), base, offset)
        self.rows[:, columns.UNTIL_BASE], self.rows[:, columns.UNTIL_OFFSET] = LONG_AGO, 0.0

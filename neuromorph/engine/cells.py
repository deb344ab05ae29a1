"""The mutable state of a population of neurons, and how it is advanced over a window."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import InputError, Problem
from neuromorph.kernels import neurons as kernels
from neuromorph.kernels import rng
from neuromorph.kernels.steps import Step, make_step
from neuromorph.lowered.clock import Clock
from neuromorph.lowered.compiled import Neurons
from neuromorph.lowered.partition import bounds

LONG_AGO = np.iinfo(np.int64).min // 4


class Cells(ABC):
    """State float64[variables, size], refractoriness, and the buffers that receive the spikes of a window."""

    def __init__(self, neurons: Neurons, clock: Clock, seed: int, parts: int, window: int, archived: bool) -> None:
        self.neurons = neurons
        self.clock = clock
        self.variables = list(neurons.model.variables())
        self.state = neurons.initial.copy()
        self.bounds = bounds(neurons.size, parts)
        self.n = 0  # spikes of the window
        self.rows_of_part = np.zeros(parts + 1, np.int64)
        self.key = (seed, rng.stream(f"{neurons.name}/cell"))
        capacity = max(window * neurons.size, 16) if not clock.exact else max(2 * neurons.size, 1024)
        self.out_base = np.zeros(capacity, np.int64)
        self.out_offset = np.zeros(capacity if clock.exact else 0)
        self.out_index = np.zeros(capacity, np.int64)
        self.out_count = np.zeros(capacity, np.int64)
        self._archived = archived
        self.archive = np.zeros((capacity if archived else 0, len(self.variables)))
        names = list(neurons.model.parameters())
        self.shared = np.array([neurons.parameters[k][0] if neurons.parameters[k].size else 0.0 for k in names])
        own = [np.broadcast_to(neurons.parameters[k], neurons.size) for k in neurons.own]
        self.own = np.array(own, float).reshape(len(own), neurons.size)
        self.refractory_ms = neurons.parameters[neurons.model.refractory] if neurons.model.refractory else np.zeros(1)

    def values(self, variable: str, base: int, offset: float, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """Values of a state variable at the present instant."""
        return self.all_values(base, offset, cells)[self.variables.index(variable)]

    def all_values(self, base: int, offset: float, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """All state variables of some cells at the present instant: float64[variables, cells]."""
        return self.state[:, cells]

    @abstractmethod
    def assign(self, row: int, cells: NDArray[np.int64], values: Any, base: int, offset: float) -> None:
        """Set a state variable of some cells now."""

    @abstractmethod
    def reset(self, base: int, offset: float) -> None:
        """Back to the initial state, not refractory."""

    def _restore_initial(self) -> None:
        """The initial state, but for the variables that a reset keeps."""
        kept = [k for k, v in enumerate(self.neurons.model.variables().values()) if v.kept]
        counters = self.state[kept].copy()
        self.state[:] = self.neurons.initial
        self.state[kept] = counters

    def _parameters_struct(self) -> Any:
        """Parameters as the hook `coefficients` takes them: attributes of arrays, or of numbers where shared."""
        from types import SimpleNamespace

        return SimpleNamespace(
            **{k: v if v.size > 1 else float(v[0]) for k, v in self.neurons.parameters.items() if v.size}
        )


class GridCells(Cells):
    """A population advanced tick by tick."""

    def __init__(self, neurons: Neurons, clock: Clock, seed: int, parts: int, window: int, archived: bool) -> None:
        super().__init__(neurons, clock, seed, parts, window, archived)
        self.until = np.full(neurons.size, LONG_AGO)
        self.fired = np.zeros(neurons.size, np.int64)
        self.refractory = np.rint(self.refractory_ms / clock.unit).astype(np.int64)
        switches = {} if neurons.own else {k: float(neurons.parameters[k][0]) for k in neurons.model.switches}
        self._kernel = kernels.grid_kernels(neurons.model, neurons.own, switches).advance
        self._set_coefficients()

    def _set_coefficients(self) -> None:
        names = self.neurons.model.coefficient_names
        size = self.neurons.size
        found: Any = self.neurons.model.coefficients(self._parameters_struct(), self.clock.unit) if size else ()
        values = [found[k] for k in names] if isinstance(found, dict) else list(found)
        values = values if size else [0.0] * len(names)
        own = bool(self.neurons.own)
        self.shared_c = np.array([0.0 if own else float(np.ravel(v)[0]) for v in values])
        rows = [np.broadcast_to(v, size) for v in values] if own else []
        self.own_c = np.array(rows, float).reshape(len(rows), size)

    def advancing(self, part: int, ring: NDArray[np.float64]) -> Step:
        """Step that runs a part's cells over the ticks a..b; the spikes go to row c on; returns the next free row."""
        values = {
            "low": int(self.bounds[part]), "high": int(self.bounds[part + 1]), "ring": ring,
            "slot0": self.neurons.slot0, "size": self.neurons.size, "state": self.state, "until": self.until,
            "refractory": self.refractory, "shared": self.shared, "own": self.own, "shared_c": self.shared_c,
            "own_c": self.own_c, "seed": self.key[0], "stream": self.key[1], "fired": self.fired,
            "out_base": self.out_base, "out_index": self.out_index, "out_count": self.out_count,
            "archive": self.archive,
        }  # fmt: skip
        return make_step(self._kernel, f"advance(a, b, {', '.join(values)}, c)", values)

    def assign(self, row: int, cells: NDArray[np.int64], values: Any, base: int, offset: float) -> None:
        """Set a state variable of some cells now."""
        self.state[row, cells] = values

    def reset(self, base: int, offset: float) -> None:
        """Back to the initial state, not refractory."""
        self._restore_initial()
        self.until[:] = LONG_AGO


class ExactCells(Cells):
    """A population advanced from event to event; state is that at each cell's last own event."""

    def __init__(self, neurons: Neurons, clock: Clock, seed: int, parts: int, window: int, archived: bool) -> None:
        super().__init__(neurons, clock, seed, parts, window, archived)
        self.last_base, self.last_offset = np.full(neurons.size, -1), np.full(neurons.size, clock.unit)
        self.until_base, self.until_offset = np.full(neurons.size, LONG_AGO), np.zeros(neurons.size)
        self.safe_base, self.safe_offset = np.full(neurons.size, -1), np.zeros(neurons.size)
        module = kernels.exact_kernels(neurons.model, neurons.own)
        self._kernel, self._evaluate, self._firing = module.advance, module.evaluate, module.firing
        self._check_quiet(np.arange(neurons.size), self.state)

    def advance(self, base: int, high: float, pointer: Any, offset: Any, receptor: Any, weight: Any) -> None:
        """Run to (base, high) with arrivals bucketed by cell; `pointer` begins at this population's cell 0."""
        n = 0
        for part in range(self.bounds.size - 1):
            cell, end = int(self.bounds[part]), int(self.bounds[part + 1])
            while cell < end:
                n, cell = self._kernel(
                    base, high, self.clock.unit, cell, end, pointer, offset, receptor, weight, self.state,
                    self.last_base, self.last_offset, self.until_base, self.until_offset, self.safe_base,
                    self.safe_offset, self.refractory_ms,
                    self.shared, self.own, self.key[0], self.key[1], self.out_base, self.out_offset, self.out_index,
                    self.out_count, self.archive, n, self.out_base.size,
                )  # fmt: skip
                if cell < end:
                    self._grow()
            self.rows_of_part[part + 1] = n
        self.n = n

    def _grow(self) -> None:
        for name in ("out_base", "out_offset", "out_index", "out_count"):
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.zeros_like(old)]))
        if self._archived:
            self.archive = np.concatenate([self.archive, np.zeros_like(self.archive)])

    def all_values(self, base: int, offset: float, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """All state variables of some cells at the present instant: float64[variables, cells]."""
        out = np.empty((len(self.variables), cells.size))
        self._evaluate(
            base, offset, self.clock.unit, cells, self.state, self.last_base, self.last_offset, self.until_base,
            self.until_offset, self.shared, self.own, out,
        )  # fmt: skip
        return out

    def assign(self, row: int, cells: NDArray[np.int64], values: Any, base: int, offset: float) -> None:
        """Set a state variable of some cells now; that is an own event of theirs."""
        new = self.all_values(base, offset, cells)
        new[row] = values
        self._check_quiet(cells, new)
        self.state[:, cells] = new
        self.last_base[cells], self.last_offset[cells] = base, offset
        self.safe_base[cells] = -1

    def _check_quiet(self, cells: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Raise InputError where a cell would fire at this very instant, which belongs to the past."""
        k = int(self._firing(cells, values, self.shared, self.own))
        if k >= 0:
            where = f"{self.neurons.name}[{cells[k]}]"
            fix = "Set a state below the threshold, or run on the grid, where the cell fires a tick later."
            raise InputError(Problem("exact mode cannot start at or above the threshold", where, fix=fix))

    def reset(self, base: int, offset: float) -> None:
        """Back to the initial state, not refractory."""
        self._restore_initial()
        self.last_base[:], self.last_offset[:] = base, offset
        self.safe_base[:] = -1
        self.until_base[:], self.until_offset[:] = LONG_AGO, 0.0

"""The mutable state of a population of neurons, and how it is advanced over a window."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.kernels import rng
from neuromorph.kernels.grid_cells import Kind, grid_kernels
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
        self.state: Any = neurons.initial.copy()  # by variable; a list where rows stand among the inputs
        self.bounds = bounds(neurons.size, parts)
        self.n = 0  # spikes of the window
        self.rows_of_part = np.zeros(parts + 1, np.int64)
        self.key = (seed, rng.stream(f"{neurons.name}/cell"))
        capacity = max(window * neurons.size, 16) if not clock.exact else 0
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
        return np.array([row[cells] for row in self.state], float).reshape(len(self.state), np.size(cells))

    @abstractmethod
    def assign(self, row: int, cells: NDArray[np.int64], values: Any, base: int, offset: float) -> None:
        """Set a state variable of some cells now."""

    @abstractmethod
    def reset(self, base: int, offset: float) -> None:
        """Back to the initial state, not refractory."""

    def _restore_initial(self) -> None:
        """The initial state, but for the variables that a reset keeps."""
        for row, initial, variable in zip(self.state, self.neurons.initial, self.neurons.model.variables().values()):
            if not variable.kept:
                row[:] = initial

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
        switches = () if neurons.own else tuple((k, float(neurons.parameters[k][0])) for k in neurons.model.switches)
        self.kind = Kind(neurons.model, neurons.own, neurons.live, switches)
        self.until = np.full(neurons.size, LONG_AGO)
        self.fired = np.zeros(2 * (neurons.size // 2 + 1), np.int32)
        ticks = np.rint(self.refractory_ms / clock.unit).astype(np.int64)
        self.refractory = np.ascontiguousarray(np.broadcast_to(ticks, neurons.size))
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

    def advancing(self, part: int, ring: NDArray[np.float64], live: tuple[int, ...] | None = None) -> Step:
        """Step that runs a part's cells over the ticks a..b; the spikes go to row c on; returns the next free row.

        live : numbers of the receptors at which anything may arrive in those ticks (all that anything may ever)
        """
        kind = self.kind if live is None else replace(self.kind, live=live)
        values = {
            "low": int(self.bounds[part]), "high": int(self.bounds[part + 1]), "ring": ring,
            "slot0": self.neurons.slot0, "size": self.neurons.size, "state": self.state, "until": self.until,
            "refractory": self.refractory, "shared": self.shared, "own": self.own, "shared_c": self.shared_c,
            "own_c": self.own_c, "seed": self.key[0], "stream": self.key[1], "fired": self.fired,
            "pairs": self.fired.view(np.int64), "out_base": self.out_base, "out_index": self.out_index,
            "out_count": self.out_count, "archive": self.archive,
        }  # fmt: skip
        return make_step(grid_kernels(kind).advance, f"advance(a, b, {', '.join(values)}, c)", values)

    def assign(self, row: int, cells: NDArray[np.int64], values: Any, base: int, offset: float) -> None:
        """Set a state variable of some cells now."""
        self.state[row][cells] = values

    def reset(self, base: int, offset: float) -> None:
        """Back to the initial state, not refractory."""
        self._restore_initial()
        self.until[:] = np.iinfo(self.until.dtype).min // 4

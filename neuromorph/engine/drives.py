"""Poisson inputs that are drawn where they arrive: their tables, weights and totals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.kernels import drives as kernels
from neuromorph.kernels import rng
from neuromorph.kernels.steps import Step, make_step
from neuromorph.lowered.compiled import CompiledNetwork
from neuromorph.lowered.partition import bounds


class DriveTable:
    """The drives of a network on the grid, by part, as kernels take them."""

    def __init__(self, network: CompiledNetwork) -> None:
        self.drives = sorted(network.drives, key=lambda d: d.slot)  # those of a population side by side
        self.inputs = {d.input for d in self.drives}
        self._weight = [d.weight.copy() for d in self.drives]
        unit = network.clock.unit
        self._mean = np.array([d.rate * unit for d in self.drives], float)
        limits = [kernels.thresholds(mean) for mean in self._mean]
        self._limits = np.concatenate([*limits, np.empty(0, np.uint16)])
        keys = [(network.seed, rng.stream(f"{d.input}/spikes")) for d in self.drives]
        self._key = np.array(keys, np.int64).reshape(-1, 2)
        self._tables = [self._table(limits, part, network.parts) for part in range(network.parts)]
        self._totals = [np.zeros(len(self.drives), np.int64) for _ in range(network.parts)]
        self._scratch = [np.zeros(256, np.uint32) for _ in range(network.parts)]
        self._counts = [np.zeros(512, np.uint16) for _ in range(network.parts)]

    def _table(self, limits: list[Any], part: int, parts: int) -> NDArray[np.int64]:
        """One row a drive: slot of cell 0, low, high, delay, last tick before it, ends of its limits and weights."""
        table = np.zeros((len(self.drives), 9), np.int64)
        first_limit = first_weight = 0
        for row, drive, limit in zip(table, self.drives, limits):
            size = drive.weight.size
            low, high = bounds(size, parts)[part : part + 2]
            limit_end, weight_end = first_limit + limit.size, first_weight + size
            row[:] = drive.slot, low, high, drive.delay, 0, first_limit, limit_end, first_weight, weight_end
            first_limit, first_weight = limit_end, weight_end
        return table

    def ranges(self, populations: list[str]) -> dict[str, tuple[int, int]]:
        """Which drives each of some populations has: (first, last + 1)."""
        driven = [d.population for d in self.drives]
        return {
            name: (driven.index(name), driven.index(name) + driven.count(name)) if name in driven else (0, 0)
            for name in populations
        }

    def arrays(self, part: int) -> tuple[Any, ...]:
        """What `drive_tick` takes for one part."""
        weight = np.concatenate([*self._weight, np.empty(0, np.float32)])
        scratch = self._scratch[part]
        return (
            self._tables[part], self._mean, self._limits, self._key, weight, self._totals[part], scratch,
            scratch.view(np.uint16), self._counts[part],
        )  # fmt: skip

    def driving(self, ring: NDArray[np.float64]) -> list[Step]:
        """Steps that add what arrives in the ticks a..b to the ring of inputs and return the number of events."""
        names = ["table", "mean", "limits", "key", "weight", "totals", "words32", "words16", "found"]
        steps = []
        for part in range(len(self._tables) if self.drives else 0):
            values = {"ring": ring, **dict(zip(names, self.arrays(part)))}
            steps.append(make_step(kernels.drive_ticks, f"drive_ticks(a, b, {', '.join(values)})", values))
        return steps

    def weight(self, name: str) -> NDArray[np.float32]:
        """The weights of the drive of an input, float32[size], as they are now."""
        return next(w for w, d in zip(self._weight, self.drives) if d.input == name)

    def take_totals(self) -> list[tuple[str, int]]:
        """(input, number of events) since the last call."""
        found = np.sum(self._totals, axis=0)
        for total in self._totals:
            total[:] = 0
        return [(d.input, int(n)) for d, n in zip(self.drives, found)]

    def since(self) -> NDArray[np.int64]:
        """Of each drive the tick after which its events count: what it emitted before has been forgotten."""
        return np.array(self._tables[0][:, 4])

    def begin_after(self, ticks: NDArray[np.int64]) -> None:
        """Forget what each drive emitted up to a tick of its own."""
        for table in self._tables:
            table[:, 4] = ticks

    def clear(self, tick: int) -> None:
        """Forget what was emitted up to a tick."""
        for table in self._tables:
            table[:, 4] = tick

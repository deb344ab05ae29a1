"""The mutable state of an input that emits spikes."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuromorph.kernels import rng
from neuromorph.kernels.steps import Step, make_step
from neuromorph.lowered.clock import Clock
from neuromorph.lowered.compiled import Input


class Source:
    """An input's arrays and the buffers that receive its spikes of a window."""

    def __init__(self, source: Input, clock: Clock, seed: int, window: int) -> None:
        self.input = source
        self.clock = clock
        # "<population>/volley" for patterns: section 5 of docs/design.md
        name = "volley" if source.model.registers else "spikes"
        self._key = (seed, rng.stream(f"{source.name}/{name}"))
        self.arrays = self.prepared()
        self._kernel = source.model.kernel(clock.exact)
        capacity = max(source.size * (2 if clock.exact else window), 1024)
        self.out_base = np.zeros(capacity, np.int64)
        self.out_offset = np.zeros(capacity)
        self.out_index = np.zeros(capacity, np.int64)
        self.out_count = np.zeros(capacity, np.int64)
        self.n = 0
        self._due = 0

    def prepared(self) -> Any:
        """The arrays as they are before the first spike."""
        return self.input.model.prepare(self.input.parameters, self.input.size, self.clock, self._key)

    def emit_grid(self, first: int, last: int) -> None:
        """Emit the spikes of ticks first..last."""
        self.n = 0
        if self._due <= last:
            self._due = self.input.model.due(self.arrays, first)
        if self._due > last:
            return
        self.n = self._kernel(
            self.arrays, first, last, self.out_base, self.out_offset, self.out_index, self.out_count, 0
        )

    def emitting(self) -> Step:
        """Step that emits the spikes of ticks a..b and returns their number (grid)."""
        values = {
            "arrays": self.arrays, "out_base": self.out_base, "out_offset": self.out_offset,
            "out_index": self.out_index, "out_count": self.out_count,
        }  # fmt: skip
        name = getattr(self._kernel, "py_func", self._kernel).__name__
        return make_step(self._kernel, f"{name}(arrays, a, b, out_base, out_offset, out_index, out_count, 0)", values)

    def emit_exact(self, base: int, low: float, high: float) -> None:
        """Emit the spikes of (low, high] of a window."""
        self.n, cell = self._exact(base, low, high, 0, 0)
        while cell < self.input.size:
            for name in ("out_base", "out_offset", "out_index", "out_count"):
                old = getattr(self, name)
                setattr(self, name, np.concatenate([old, np.zeros_like(old)]))
            self.n, cell = self._exact(base, low, high, self.n, cell)

    def _exact(self, base: int, low: float, high: float, n: int, cell: int) -> Any:
        return self._kernel(
            self.arrays, base, low, high, self.clock.unit, self.out_base, self.out_offset, self.out_index,
            self.out_count, n, cell, self.out_base.size,
        )  # fmt: skip

    def register(self, name: str) -> Any:
        """A register of the input, float64[size]."""
        return self.input.model.register(self.arrays, name)

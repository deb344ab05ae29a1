"""Currents into cells: piecewise constant, delivered to the receptor `current` as changes at their very instant."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.kernels import rng
from neuromorph.lowered.clock import Clock
from neuromorph.lowered.compiled import Current

NEVER = 1 << 62


class CurrentState:
    """A current's channels: what each injects now, and (dc) its changes to come."""

    def __init__(self, current: Current, clock: Clock, seed: int) -> None:
        self.current = current
        self.clock = clock
        self.key = (seed, rng.stream(f"{current.name}/current"))
        self.value = np.zeros(current.size)  # pA, of each channel now
        self.known = current.model.steps is not None
        if self.known:
            times, channel, value = current.model.steps(current.parameters, current.size)
            base, offset = clock.instants(times)
            order = np.lexsort((channel, offset, base))
            self._base, self._offset = base[order], offset[order]
            self._channel, self._value = np.asarray(channel)[order], np.asarray(value, float)[order]
        self._next = 0

    def seek(self, now: tuple[int, float]) -> None:
        """Have the next change be the first one after an instant; what a branch injects otherwise begins right then."""
        if not self.known:
            return
        passed = (self._base < now[0]) | ((self._base == now[0]) & (self._offset <= now[1]))
        self._next = int(np.count_nonzero(passed))
        due = np.zeros_like(self.value)
        due[self._channel[: self._next]] = self._value[: self._next]  # of several the last one holds
        new = np.flatnonzero(due != self.value)
        base, offset = (now[0], np.nextafter(now[1], np.inf)) if now[1] < self.clock.unit else (now[0] + 1, 1e-9)
        at = (base, offset) if self.clock.exact else (now[0] + 1, 0.0)
        for name, values in (("_base", at[0]), ("_offset", at[1]), ("_channel", new), ("_value", due[new])):
            before = getattr(self, name)
            setattr(self, name, np.insert(before, self._next, np.broadcast_to(values, new.size)))

    def begin(self) -> None:
        """Put what is in force at time 0 into `value`."""
        while self.known and self._next < self._base.size and self._base[self._next] <= 0 - self.clock.exact:
            self._pop()

    def next_change(self, tick: int) -> int | None:
        """First tick from `tick` on at which something may change (grid); None: never again."""
        if not self.known:
            return tick
        return max(int(self._base[self._next]), tick) if self._next < self._base.size else None

    def drive_grid(self, first: int, last: int, ring: NDArray[np.float64]) -> None:
        """Add the changes of ticks first..last to the input ring."""
        if self.known:
            while self._next < self._base.size and self._base[self._next] <= last:
                self._change_known(ring, int(self._base[self._next]))
            return
        for tick in range(first, last + 1):
            value = self.current.model.sample(
                self.current.parameters, self.current.size, tick, self.clock.unit, self.key
            )
            if value is not None:
                change = np.repeat(value - self.value, np.diff(self.current.row)) * self.current.weight
                np.add.at(ring[tick % ring.shape[0]], self.current.slot, change)
                self.value = value

    def _change_known(self, ring: NDArray[np.float64], tick: int) -> None:
        slots, change = self._pop()
        np.add.at(ring[tick % ring.shape[0]], slots, change)

    def _pop(self) -> tuple[Any, Any]:
        k = self._next
        self._next += 1
        channel = int(self._channel[k])
        part = slice(self.current.row[channel], self.current.row[channel + 1])
        change = (self._value[k] - self.value[channel]) * self.current.weight[part]
        self.value[channel] = self._value[k]
        return self.current.slot[part], change

    def arrivals(self, base: int, high: float) -> list[tuple[float, Any, Any]]:
        """Changes up to (base, high) in exact mode: (offset, slots, pA) each."""
        out = []
        while self._next < self._base.size and (self._base[self._next], self._offset[self._next]) <= (base, high):
            offset = float(self._offset[self._next])
            out.append((offset, *self._pop()))
        return out

    def next_base(self) -> int:
        """The base of the next change that is known beforehand."""
        return int(self._base[self._next]) if self.known and self._next < self._base.size else NEVER

    def present(self) -> tuple[Any, Any]:
        """(slots, pA) of what is injected now, to restore cells after a reset."""
        return self.current.slot, np.repeat(self.value, np.diff(self.current.row)) * self.current.weight

"""The time of a run: what a base step is, and how milliseconds become instants (base, offset)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.kernels.instants import normalise


@dataclass(frozen=True)
class Clock:
    """`unit` (ms) is the tick on the grid, or the look-ahead window in exact mode (see docs/design.md, section 3)."""

    unit: float
    exact: bool

    def instants(self, times: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Instants of times in ms: ticks with offset 0 on the grid, (window, offset in (0, unit]) in exact mode."""
        time = np.asarray(times, dtype=float)
        if not self.exact:
            return np.rint(time / self.unit).astype(np.int64), np.zeros(time.shape)
        base = np.ceil(time / self.unit).astype(np.int64) - 1
        base -= time - base * self.unit <= 0.0
        # what rounding puts beyond the end of a window is at its end
        return base, np.minimum(time - base * self.unit, self.unit)

    def recorded(
        self, base: NDArray[np.int64], offset: NDArray[np.float64], unit: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Instants of another clock, of base steps of `unit` ms, in this one's: to the last bit of their offsets."""
        if not self.exact:
            return self.instants(base * unit + offset)
        if unit == self.unit:
            return base - (offset <= 0.0), np.where(offset <= 0.0, unit, offset)
        begin, rest = _product(base, unit)
        mine = np.ceil((begin + (rest + offset)) / self.unit).astype(np.int64) - 1
        for beside in (True, True, False):  # rounding may have put it into a window beside its own, or on an edge
            mine_begin, mine_rest = _product(mine, self.unit)
            within = ((begin - mine_begin) + offset) + (rest - mine_rest)  # what cancels, before what is small
            if beside:
                mine += (within > self.unit).astype(np.int64) - (within <= 0.0)
        return mine, np.clip(within, np.nextafter(0.0, 1.0), self.unit)

    def instant(self, time: float) -> tuple[int, float]:
        """Instant of one time in ms."""
        base, offset = self.instants([time])
        return int(base[0]), float(offset[0])

    def after(self, base: int, offset: float, delay: float) -> tuple[int, float]:
        """Instant at which what was sent at (base, offset) arrives after `delay` ms: the arithmetic of spikes."""
        if not self.exact:
            return base + max(1, round(delay / self.unit)), 0.0
        later, rest = normalise(base, offset + delay, self.unit)
        return int(later), float(rest)

    def milliseconds(self, base: int, offset: float) -> float:
        """Time in ms of an instant."""
        return base * self.unit + offset

    def has(self, offset: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Where an offset (ms) is that of an instant."""
        return (offset >= 0.0) & (offset <= self.unit)

    def steps(self, delay: ArrayLike) -> NDArray[np.float64]:
        """Delays in the unit of kernels: ticks on the grid, at least one (half a tick is one), ms in exact mode."""
        delays = np.asarray(delay, dtype=float)
        return delays if self.exact else np.maximum(1.0, np.rint(delays / self.unit))


def _product(count: NDArray[np.int64], unit: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """count * unit (count below 2^53) as a float and what its rounding left (Dekker 1971, doi:10.1007/BF01397083)."""
    a = count.astype(np.float64)
    product = a * unit
    a_high, unit_high = _high(a), _high(np.float64(unit))
    a_low, unit_low = a - a_high, unit - unit_high
    rest = ((a_high * unit_high - product) + a_high * unit_low + a_low * unit_high) + a_low * unit_low
    return product, rest


def _high(value: Any) -> Any:
    """The upper 26 bits of a float."""
    shifted = value * 134217729.0  # 2^27 + 1
    return shifted - (shifted - value)

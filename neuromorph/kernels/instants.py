"""Instants: (base, offset), base counting units (look-ahead windows in exact mode, ticks on the grid).

In exact mode the offset (ms) lies in (0, unit]; on the grid it is 0 and the unit is the tick.
"""

from __future__ import annotations

import math

import numpy as np

from neuromorph.kernels.jit import kernel


@kernel(forceinline=True)
def elapsed(base, offset, later_base, later_offset, unit):
    """Milliseconds between two instants; exact to rounding however late they are."""
    return (later_base - base) * unit + (later_offset - offset)


@kernel(forceinline=True)
def normalise(base, offset, unit):
    """The same instant with its offset in (0, unit]; a function of (offset, unit) alone, so no cut can change it.

    What rounding puts at the beginning of a window, or beyond its end, is at the end of one.
    """
    n = int(math.ceil(offset / unit)) - 1
    rest = offset - n * unit
    if rest <= 0.0:
        n -= 1
        rest = offset - n * unit
    return base + n, min(rest, unit)


@kernel(forceinline=True)
def instant_number(base, offset):
    """An instant of exact mode as the index of a random number: the bits of its offset, mixed with its base."""
    return np.float64(offset).view(np.int64) ^ np.int64(base)

"""Partition by target: each part owns a range of the cells of every population, and their incoming synapses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def bounds(size: int, parts: int) -> NDArray[np.int64]:
    """First cell of each part of a population, and its size at the end: int64[parts + 1]."""
    return np.arange(parts + 1, dtype=np.int64) * size // parts


def part_of(index: NDArray[np.int32], size: int, parts: int) -> NDArray[np.int64]:
    """The part that owns each of the given cells."""
    return np.searchsorted(bounds(size, parts), index, side="right") - 1

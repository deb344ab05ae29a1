"""exp(A h) of small matrices, for cells of all parameters at once: coefficients of linear systems in a circle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# scaled to a norm below 1/2, the terms after these are below 2^-53
_TERMS = 18


def exponential(rows: list[list[Any]], h: float) -> NDArray[np.float64]:
    """exp(A h) by scaling, a Taylor series and squaring.

    rows : n rows of n numbers or arrays (one number per cell), broadcast together
    Returns float64[n, n, cells], or [n, n] where all are numbers.
    """
    cells = np.broadcast_shapes(*(np.shape(a) for row in rows for a in row))
    matrix = np.array([[np.broadcast_to(a, cells) for a in row] for row in rows], float) * h
    matrix = np.moveaxis(matrix.reshape(len(rows), len(rows), -1), -1, 0)
    norm = np.abs(matrix).sum(axis=2).max(initial=0.0)
    halvings = max(0, int(np.ceil(np.log2(max(norm, 1e-300)))) + 1)
    small = matrix / 2.0**halvings
    term = total = np.broadcast_to(np.eye(len(rows)), small.shape)
    for k in range(1, _TERMS):
        term = term @ small / k
        total = total + term
    for _ in range(halvings):
        total = total @ total
    return np.moveaxis(total, 0, -1).reshape(len(rows), len(rows), *cells)

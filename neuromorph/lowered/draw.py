"""Values become numbers: every draw is a function of (seed, name, index), so that any range can be drawn on its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.graph.values import Array, Constant, Distribution, Value
from neuromorph.kernels import draw, rng

#: which numbers of a value: first and last + 1, or int64 indices
Which = tuple[int, int] | NDArray[np.int64]


def values(value: Value, n: int, seed: int, name: str) -> NDArray[np.float64]:
    """Numbers of a Value: float64[1] for a constant, else float64[n]."""
    return np.array([value.value]) if isinstance(value, Constant) else numbers(value, (0, n), seed, name)


def numbers(value: Value, which: Which, seed: int, name: str) -> NDArray[np.float64]:
    """Some of the numbers of a Value: float64, one for each index."""
    n = which[1] - which[0] if isinstance(which, tuple) else which.size
    if isinstance(value, Constant):
        return np.full(n, value.value)
    if isinstance(value, Array):
        chosen = slice(*which) if isinstance(which, tuple) else which
        return np.array(value.values[chosen], dtype=float)
    assert isinstance(value, Distribution)
    a = value.args
    scale = (a["low"], a["high"]) if value.kind == "uniform" else (a["mean"], a.get("std", 0.0))
    how = (draw.KINDS[value.kind], *map(float, scale), float(value.low), float(value.high), seed, rng.stream(name))
    out = np.empty(n)
    if isinstance(which, tuple):
        draw.numbers(*how, which[0], out)
    else:
        draw.numbers_at(*how, which, out)
    return out


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(work: Callable[..., Any], pieces: Sequence[tuple[Any, ...]], threads: int) -> list[Any]:
    """Results of `work(*piece)` for all pieces, in order; kernels release the interpreter's lock."""
    if threads == 1 or len(pieces) < 2:
        return [work(*piece) for piece in pieces]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda piece: work(*piece), pieces))


def ranges(n: int, size: int) -> list[tuple[int, int]]:
    """0..n cut into pieces of `size`: (first, last + 1)."""
    return [(a, min(a + size, n)) for a in range(0, n, size)]

"""Random spike trains of every temper for the tests of analysis."""

from __future__ import annotations

import numpy as np


def random_trains(seed: int, size: int = 20, duration_ms: float = 2000.0) -> tuple[np.ndarray, np.ndarray]:
    """(times in ms, ids) in order of time: regular, Poisson and bursting neurons, and some that are silent."""
    rng = np.random.default_rng(seed)
    times, ids = [], []
    for neuron in range(size - 2):  # the last two are silent
        shape = (0.4, 1.0, 8.0)[neuron % 3]
        gaps = rng.gamma(shape, rng.uniform(5.0, 60.0) / shape, 1000)
        train = np.cumsum(gaps)
        train = train[train < duration_ms - 1e-3]
        times.append(train)
        ids.append(np.full(len(train), neuron))
    times, ids = np.concatenate(times), np.concatenate(ids)
    order = np.argsort(times)
    return times[order], ids[order]

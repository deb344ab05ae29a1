"""Signals whose times are given: their events in the order in which they arrive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.graph.description import SignalSpec

#: of every event: its arrival in ticks (int64), the number of its signal (int64) and its value
Schedule = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


def schedule(specs: Sequence[SignalSpec], clock: Any) -> Schedule:
    """Every event of the signals of a network, in the order (arrival, name of the signal, number of the event)."""
    if not specs:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    delays = [clock.after(0, 0.0, s.delay)[0] for s in specs]
    due = np.concatenate([clock.instants(s.times)[0] + delay for s, delay in zip(specs, delays)])
    sent = np.repeat(np.arange(len(specs)), [s.times.size for s in specs])
    name = np.argsort(np.argsort([s.name for s in specs]))[sent]
    order = np.lexsort((name, due))
    values = np.concatenate([s.values for s in specs]).astype(float)
    return due[order], sent[order], values[order]

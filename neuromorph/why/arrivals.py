"""What arrived at one neuron, and when: the spikes of its sources, each along its synapse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.why.afferents import Afferents
from neuromorph.why.recording import Recording, Spikes


@dataclass(frozen=True, eq=False)
class Arrivals:
    """Arrivals in order of (instant, order of the synapses); of n spikes of one instant, one with count n.

    synapse : int64[n], place among the afferents
    base, offset : instants of emission; at_base, at_offset : of arrival
    count : int64[n]; weight : float64[n], of one spike, as it was delivered
    """

    afferents: Afferents
    synapse: NDArray[np.int64]
    base: NDArray[np.int64]
    offset: NDArray[np.float64]
    at_base: NDArray[np.int64]
    at_offset: NDArray[np.float64]
    count: NDArray[np.int64]
    weight: NDArray[np.float64]

    @property
    def size(self) -> int:
        """Number of arrivals."""
        return int(self.synapse.size)

    def chosen(self, which: Any) -> Arrivals:
        """Some of them."""
        columns = ("synapse", "base", "offset", "at_base", "at_offset", "count", "weight")
        return replace(self, **{name: getattr(self, name)[which] for name in columns})


def arrivals(recording: Recording, found: Afferents, stop_ms: float) -> Arrivals:
    """Everything that was emitted before `stop_ms` towards a neuron, with weights as at time 0.

    Raises InputError where the trace lacks the spikes of a source.
    """
    clock = recording.clock
    columns: list[list[Any]] = [[] for _ in range(5)]
    for number, spec in enumerate(found.projections):
        mine = np.flatnonzero(found.projection == number)
        spikes = recording.spikes(spec.source, np.unique(found.source[mine]), stop_ms)
        place, synapse = _pairs(spikes, found.source[mine])
        synapse = mine[synapse]
        for column, values in zip(columns, (synapse, *(c[place] for c in (spikes.base, spikes.offset, spikes.count)))):
            column.append(values)
    synapse, base, offset, count = (np.concatenate([*c, np.zeros(0, np.int64)]) for c in columns[:4])
    synapse, base, count = synapse.astype(np.int64), base.astype(np.int64), count.astype(np.int64)
    delay = clock.steps(found.delay_ms)[synapse]
    if clock.exact:
        ahead, at_offset = clock.instants(offset + delay)  # bit for bit what kernels/instants.py does
        at_base = base + ahead
    else:
        at_base, at_offset = base + delay.astype(np.int64), np.zeros(base.size)
    order = np.lexsort((synapse, at_offset, at_base))
    every: tuple[Any, ...] = (
        synapse,
        base,
        offset,
        at_base,
        at_offset,
        count,
        found.weight.astype(np.float64)[synapse],
    )
    return Arrivals(found, *(column[order] for column in every))


def _pairs(spikes: Spikes, source: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(places of spikes, places of synapses) of all spikes along all synapses of their cells."""
    order = np.argsort(source, kind="stable")
    first = np.searchsorted(source[order], spikes.index, side="left")
    last = np.searchsorted(source[order], spikes.index, side="right")
    each = last - first
    place = np.repeat(np.arange(spikes.index.size), each)
    within = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
    return place, order[np.repeat(first, each) + within]

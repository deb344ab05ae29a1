"""What neurons respond to: counts after events with labels, and how selective they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from neuromorph.analysis.blocks import Block, Floats, Ints
from neuromorph.analysis.counts import finite
from neuromorph.analysis.spikes import _ratio
from neuromorph.errors import InputError, Problem


class Selectivity(NamedTuple):
    """How each neuron responds to labels.

    labels: what the columns are. mean: float64[size, labels], mean count after an event of each label. preferred:
    int64[size], the column of the largest. sparseness: float64[size], 0 (the same for all) to 1 (one label alone).
    explained: float64[size], the share of the variance of its counts that the label explains, 0 to 1.
    """

    labels: list[str]
    mean: Floats
    preferred: Ints
    sparseness: Floats
    explained: Floats


def selectivity(
    times: Floats, ids: Ints, size: int, events_ms: ArrayLike, labels: Sequence[object], window_ms: tuple[float, float]
) -> Selectivity:
    """Return how selective each neuron is for the labels of events.

    The response to an event at t is the number of spikes with t + window_ms[0] <= time < t + window_ms[1]. With the
    mean responses r_l to the L labels:

    sparseness = (1 - (sum_l r_l / L)^2 / (sum_l r_l^2 / L)) / (1 - 1 / L)
    explained = sum_l n_l (r_l - r)^2 / sum over events of (response - r)^2, also called eta squared

    nan where a neuron never responds, or never differently, and with one label.

    Parameters
    ----------
    times: float64[n], instant of each spike (ms), in any order.
    ids: int64[n], which neuron emitted it, 0 <= id < size.
    events_ms: float64[m], instants of the events (ms), in any order.
    labels: m labels, taken as text.
    window_ms: first and last (ms) after the event; the first may be below 0.

    Raises InputError as `Responses`.

    Vinje & Gallant 2000, Science 287:1273, doi:10.1126/science.287.5456.1273.
    """
    return Responses(size, events_ms, labels, window_ms).add(Block.of(times, ids)).result()


class Responses:
    """Accumulates counts after events, by neuron and label.

    Raises InputError without events, for an event that is no finite time, another number of labels than of events, and
    an empty window.
    """

    def __init__(
        self, size: int, events_ms: ArrayLike, labels: Sequence[object], window_ms: tuple[float, float]
    ) -> None:
        events = finite("events_ms", events_ms)
        if len(events) != len(labels):
            raise InputError(Problem("as many labels as events are needed", "labels", len(labels), f"{len(events)}"))
        if not len(events):
            raise InputError(Problem("there are no events", "events_ms", fix="Give at least one."))
        if not window_ms[0] < window_ms[1]:
            raise InputError(Problem("the window is empty", "window_ms", window_ms, "the first below the last"))
        order = np.argsort(events, kind="stable")
        self.size, self.window_ms, self.events_ms = size, window_ms, events[order]
        self.labels, label = np.unique([str(name) for name in labels], return_inverse=True)
        self.label: Ints = label[order].astype(np.int64)
        self._sum, self._squares = np.zeros((size, len(self.labels))), np.zeros(size)
        self._open: dict[int, Ints] = {}
        self._done = 0

    def add(self, block: Block) -> Responses:
        """Take the next spikes."""
        if not block.times.size:
            return self
        low = np.searchsorted(block.times, self.events_ms + self.window_ms[0])
        high = np.searchsorted(block.times, self.events_ms + self.window_ms[1])
        reached = int(np.searchsorted(self.events_ms + self.window_ms[0], block.times[-1], side="right"))
        for k in range(self._done, reached):
            counts = np.bincount(block.ids[low[k] : high[k]], minlength=self.size)
            self._open[k] = self._open[k] + counts if k in self._open else counts
            if self.events_ms[k] + self.window_ms[1] <= block.times[-1]:
                self._close(k)
        while self._done < reached and self._done not in self._open:
            self._done += 1
        return self

    def _close(self, k: int) -> None:
        counts = self._open.pop(k)
        self._sum[:, self.label[k]] += counts
        self._squares += counts.astype(np.float64) ** 2

    def result(self) -> Selectivity:
        """Return how selective the neurons are; takes no more blocks after."""
        for k in list(self._open):
            self._close(k)
        many = np.bincount(self.label, minlength=len(self.labels)).astype(np.float64)
        mean, number = self._sum / many, len(self.labels)
        power = _ratio(mean.mean(axis=1) ** 2, np.square(mean).mean(axis=1))
        sparseness = (1.0 - power) / (1.0 - 1.0 / number) if number > 1 else np.full(self.size, np.nan)
        overall = self._sum.sum(axis=1) / many.sum()
        between = (many * (mean - overall[:, None]) ** 2).sum(axis=1)
        total = self._squares - many.sum() * overall**2
        explained = _ratio(between, np.where(total > 1e-9, total, 0.0))  # counts are whole: less is rounding
        explained = explained if number > 1 else np.full(self.size, np.nan)
        return Selectivity(self.labels.tolist(), mean, mean.argmax(axis=1), sparseness, explained)

"""Spikes in flight: each slice falls due once, at its tick, in the order of class, emission and source."""

from __future__ import annotations

import numpy as np
import pytest

from neuromorph.kernels.flight import CLASSES, GROUP, NEVER, deliver, launch, take_due
from neuromorph.kernels.synapse import SYNAPSE

SOURCES = 9
CLASS = np.arange(SOURCES) % CLASSES


@pytest.fixture
def rows():
    """Rows of a few slices each, the last without synapses: (row, row_start, slice_delay, slice_end)."""
    random = np.random.default_rng(3)
    delays = [np.sort(random.choice(np.arange(1, 30), k, replace=False)) for k in (1, 4, 2, 7, 1, 3, 5, 2, 0)]
    row = np.cumsum([0, *map(len, delays)]).astype(np.int32)
    lengths = [random.integers(1, 5, len(d)) for d in delays]
    row_start = np.cumsum([0, *(n.sum() for n in lengths)]).astype(np.int32)
    ends = np.concatenate([np.cumsum(n) for n in lengths]).astype(np.uint16)
    return row, row_start, np.concatenate(delays).astype(np.uint16), ends


def test_slices_fall_due_in_their_order(rows):
    row, row_start, slice_delay, slice_end = rows
    random = np.random.default_rng(1)
    size = 4 * GROUP  # spikes go round several times
    arrays = [np.full(size, NEVER), *(np.zeros(size, np.int64) for _ in range(7)), np.full(size // GROUP, NEVER)]
    flight = tuple(arrays)
    due_n, due = np.zeros(CLASSES, np.int64), [np.zeros((CLASSES, size), np.int64) for _ in range(3)]
    expected: dict[int, list[tuple[int, ...]]] = {}
    begin = end = launched = 0
    for tick in range(1, 400):
        begin = take_due(tick, begin, end, flight, slice_delay, slice_end, due_n, *due)
        found = [tuple(int(a[c, k]) for a in due) for c in range(CLASSES) for k in range(due_n[c])]
        assert found == [entry[3:] for entry in sorted(expected.pop(tick, []))]
        for source in np.flatnonzero(random.random(SOURCES) < 0.3).tolist():
            count = int(random.integers(1, 3))
            end = launch(tick, source, count, end, flight, CLASS, row, row_start, slice_delay)
            launched += row[source] < row[source + 1]
            first = int(row_start[source])
            start = first
            for q in range(row[source], row[source + 1]):
                stop = first + int(slice_end[q])
                entry = (int(CLASS[source]), tick, source, start, stop, count)
                expected.setdefault(tick + int(slice_delay[q]), []).append(entry)
                start = stop
        assert end == launched
        assert end - begin < size - GROUP
    assert end > 2 * size


def test_what_is_due_is_added_with_its_count():
    random = np.random.default_rng(2)
    synapse = np.zeros(3000, SYNAPSE)
    synapse["slot"], synapse["weight"] = random.integers(0, 50, 3000), random.normal(size=3000)
    due_n = np.array([2, 0, 1])
    start, end = np.array([[3, 500], [0, 0], [2990, 0]]), np.array([[10, 2000], [0, 0], [3000, 0]])
    count = np.array([[1, 2], [0, 0], [3, 0]])
    into, expected, events = np.zeros(50), np.zeros(50), 0
    for c in range(CLASSES):
        for k in range(due_n[c]):
            part = synapse[start[c, k] : end[c, k]]
            np.add.at(expected, part["slot"], count[c, k] * part["weight"].astype(float))
            events += part.size * int(count[c, k])
    assert deliver(due_n, start, end, count, synapse, into) == events
    np.testing.assert_allclose(into, expected, rtol=1e-13)

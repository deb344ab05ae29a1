"""Connection rules drawn by counter, cell by cell of the side that the rule counts on: any range on its own.

`partners` of cells first .. first + n - 1 come cell by cell, those of one cell in the order of their draws.
"""

from __future__ import annotations

import math

import numpy as np

from neuromorph.kernels.draw import index_below, indices_below, uniforms_from
from neuromorph.kernels.elementary import exp, log
from neuromorph.kernels.jit import kernel


@kernel
def partners(first, degree, n_free, same, distinct, seed, stream, out):
    """`degree[k]` partners of cell first + k among `n_free` cells, into int32 `out`.

    `same` leaves the cell itself out (no autapses); `distinct` draws again what was drawn before (no multapses), and
    where more than half are taken draws those left out. About 0.8 ns a partner, 2.5 ns distinct ones.
    """
    allowed = n_free - 1 if same else n_free
    taken = np.full(allowed if distinct else 0, -1, np.int32)
    rest = np.empty(allowed if distinct else 0, np.int32)
    a = 0
    for k in range(degree.size):
        i = first + k
        mine = out[a : a + degree[k]]
        a += degree[k]
        if not distinct:
            indices_below(seed, stream, i, 0, allowed, mine)
        elif 2 * mine.size <= allowed:
            _distinct(seed, stream, i, k, allowed, taken, mine)
        else:
            _distinct(seed, stream, i, k, allowed, taken, rest[: allowed - mine.size])
            n = 0
            for j in range(allowed):
                if taken[j] != k:
                    mine[n] = j
                    n += 1
        if same:
            for j in range(mine.size):
                mine[j] += mine[j] >= i


@kernel
def _distinct(seed, stream, entity, mark, allowed, taken, out):
    """Indices below `allowed`, none twice; `taken` holds `mark` where one is."""
    indices_below(seed, stream, entity, 0, allowed, out)
    draw = out.size
    for k in range(out.size):
        while taken[out[k]] == mark:
            out[k] = index_below(seed, stream, entity, draw, allowed)
            draw += 1
        taken[out[k]] = mark


@kernel
def count_drawn(first, last, n, seed, stream, count):
    """Add to `count` (int32[n]) how often each of n cells is among the draws first..last-1 (first a multiple of 4).

    About 1.5 ns a draw while the counts stay in cache.
    """
    chunk = np.empty(1024, np.int32)
    for a in range(first, last, 1024):
        some = chunk[: min(1024, last - a)]
        indices_below(seed, stream, 0, a, n, some)
        for k in range(some.size):
            count[some[k]] += 1


@kernel
def count_distinct(total, n, room, seed, stream, count):
    """How many of `total` different pairs each of n cells has, which allows `room` of them: int32[n] `count`.

    A pair drawn before is drawn again, which happens to a cell in proportion to the pairs that it has.
    """
    draw = 0
    for _ in range(total):
        while True:
            i = index_below(seed, stream, 0, draw, n)
            pair = index_below(seed, stream, 0, draw + 1, room)
            draw += 2
            if pair >= count[i]:
                break
        count[i] += 1


@kernel
def bernoulli(first, last, n_target, probability, same, seed, stream, count, out):
    """Partners of sources first..last-1, each with this probability; gaps between them are geometric.

    `count` (int32[last - first]) gets their numbers, int32 `out` the targets unless it is empty. Returns the sum.
    """
    allowed = n_target - 1 if same else n_target
    if probability <= 0.0:
        count[:] = 0
        return 0
    scale = log(1.0 - probability) if probability < 1.0 else -math.inf
    chunk = np.empty(64)
    n = 0
    for i in range(first, last):
        before = n
        j = -1
        draw = 0
        while j < allowed:
            if draw % 64 == 0:
                uniforms_from(seed, stream, i, draw, chunk)
                for k in range(64):
                    chunk[k] = log(1.0 - chunk[k]) / scale
            gap = chunk[draw % 64]
            draw += 1
            j = j + 1 + int(gap) if gap < allowed else allowed
            if j < allowed:
                if n < out.size:
                    out[n] = j + 1 if same and j >= i else j
                n += 1
        count[i - first] = n - before
    return n


@kernel
def by_distance(first, last, position, other, probability, length, gaussian, same, seed, stream, count, out):
    """Partners with probability * exp(-d^2 / (2 length^2)) or probability * exp(-d / length); as `bernoulli`."""
    n = 0
    chunk = np.empty(64)
    for i in range(first, last):
        before = n
        for j in range(other.shape[0]):
            if j % 64 == 0:
                uniforms_from(seed, stream, i, j, chunk)
            square = 0.0
            for k in range(position.shape[1]):
                square += (position[i, k] - other[j, k]) ** 2
            decay = exp(-square / (2.0 * length * length)) if gaussian else exp(-math.sqrt(square) / length)
            if chunk[j % 64] < probability * decay and not (same and j == i):
                if n < out.size:
                    out[n] = j
                n += 1
        count[i - first] = n - before
    return n


@kernel
def all_others(first, last, n_target, same, out):
    """All targets of sources first..last-1, themselves left out where `same`."""
    n = 0
    for i in range(first, last):
        for j in range(n_target):
            if not (same and j == i):
                out[n] = j
                n += 1


@kernel
def count_rows(source, key, n_sources):
    """Stable order of synapses by source, the row pointer int64[n_sources + 1], and whether keys ascend in rows."""
    row = np.zeros(n_sources + 1, np.int64)
    for g in source:
        row[g + 1] += 1
    for g in range(n_sources):
        row[g + 1] += row[g]
    place = np.empty(n_sources, np.int64)
    for g in range(n_sources):
        place[g] = row[g]
    order = np.empty(source.size, np.int64)
    ascending = True
    for j in range(source.size):
        g = source[j]
        q = place[g]
        place[g] += 1
        order[q] = j
        if q > row[g] and key[order[q - 1]] > key[j]:
            ascending = False
    return order, row, ascending

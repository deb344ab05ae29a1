"""Connection rules drawn by counter, keyed on the side that is natural, so that any part can be built on its own."""

from __future__ import annotations

import math

import numpy as np

from neuromorph.kernels.jit import kernel
from neuromorph.kernels.rng import uniform


@kernel
def fixed_degree(n_fixed, n_free, degree, same, multapses, seed, stream):
    """`degree` partners for each of `n_fixed` cells among `n_free`; int32[n_fixed, degree].

    `same` excludes the cell itself (autapses). Without multapses a partner drawn before is drawn again.
    """
    partner = np.empty((n_fixed, degree), np.int32)
    taken = np.full(n_free, -1, np.int64)
    for i in range(n_fixed):
        draw = 0
        for k in range(degree):
            while True:
                j = int(uniform(seed, stream, i, draw) * n_free)
                draw += 1
                if (same and j == i) or (not multapses and taken[j] == i):
                    continue
                break
            taken[j] = i
            partner[i, k] = j
    return partner


@kernel
def bernoulli(n_source, n_target, probability, same, seed, stream, source, target):
    """Pairs with independent probability, source first; gaps are geometric. Returns their number, stored up to room."""
    n = 0
    room = source.size
    scale = math.log1p(-probability) if probability < 1.0 else -np.inf
    for i in range(n_source):
        j = -1
        draw = 0
        while True:
            if probability < 1.0:
                gap = math.log(1.0 - uniform(seed, stream, i, draw)) / scale
                draw += 1
                if gap >= n_target:
                    break
                j += 1 + int(gap)
            else:
                j += 1
            if j >= n_target:
                break
            if same and j == i:
                continue
            if n < room:
                source[n] = i
                target[n] = j
            n += 1
    return n


@kernel
def by_distance(from_position, to_position, probability, length, gaussian, same, seed, stream, source, target):
    """Pairs with probability * exp(-d^2 / (2 length^2)) or probability * exp(-d / length); source first."""
    n = 0
    room = source.size
    for i in range(from_position.shape[0]):
        for j in range(to_position.shape[0]):
            if same and j == i:
                continue
            square = 0.0
            for k in range(from_position.shape[1]):
                square += (from_position[i, k] - to_position[j, k]) ** 2
            decay = math.exp(-square / (2.0 * length * length)) if gaussian else math.exp(-math.sqrt(square) / length)
            if uniform(seed, stream, i, j) < probability * decay:
                if n < room:
                    source[n] = i
                    target[n] = j
                n += 1
    return n


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

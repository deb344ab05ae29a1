"""Kernels of the inputs that emit spikes. Each appends to (out_base, out_offset, out_index, out_count) from row n on.

Grid kernels have room for one row per tick and cell and return the new n. Exact kernels get a `limit` and return
(n, next cell): a next cell below the size means "make room and call again from there".
"""

from __future__ import annotations

import math

import numpy as np

from neuromorph.kernels.drives import BLOCK, RARE, count_of_one, pick, total_of_block
from neuromorph.kernels.elementary import exp
from neuromorph.kernels.gaps import gap
from neuromorph.kernels.instants import normalise
from neuromorph.kernels.jit import kernel
from neuromorph.kernels.rng import poisson_quantile, uniform

#: a Poisson count of a larger mean is the sum of counts of at most this mean
LARGEST_MEAN = 30.0
NEVER = np.iinfo(np.int64).max // 4


@kernel
def poisson_count(mean, key, entity, tick):
    """Poisson count of one tick; a mean above 30 is shared among several draws. About 20 ns, two random numbers."""
    parts = int(math.ceil(mean / LARGEST_MEAN))
    n = count_of_one(mean / parts, key, entity, tick)
    for k in range(1, parts):
        n += poisson_quantile(mean / parts, uniform(key[0], key[1] + 1, entity, tick + (k << 48)))
    return n


@kernel
def _rare_grid(mean, key, size, first, last, out_base, out_index, out_count, n):
    """Poisson counts drawn by block."""
    picked, found = np.empty(256, np.uint32), np.zeros(BLOCK, np.uint16)
    for tick in range(first, last + 1):
        for block in range((size + BLOCK - 1) // BLOCK):
            cells = min(BLOCK, size - block * BLOCK)
            total = total_of_block(mean * cells, exp(-mean * cells), key, block, tick)
            if total == 0:
                continue
            pick(tick, block, cells, total, key, picked, found)
            for place in range(cells):
                if found[place] > 0:
                    out_base[n] = tick
                    out_index[n] = block * BLOCK + place
                    out_count[n] = found[place]
                    n += 1
                    found[place] = 0
    return n


@kernel
def poisson_grid(arrays, first, last, out_base, out_offset, out_index, out_count, n):
    """Independent Poisson counts per tick and cell; `arrays`: mean[steps, cells or 1], step tick, key, size.

    One small mean of all cells at all times is drawn by block, as kernels/drives.py says.
    """
    mean, step_tick, key, size = arrays
    if mean.size == 1 and mean[0, 0] < RARE:
        return _rare_grid(mean[0, 0], key, size[0], first, last, out_base, out_index, out_count, n)
    step = 0
    for tick in range(first, last + 1):
        while step + 1 < step_tick.size and tick > step_tick[step + 1]:
            step += 1
        for i in range(size[0]):
            q = i % mean.shape[1]
            if mean[step, q] > 0.0:
                count = poisson_count(mean[step, q], key, i, tick)
                if count > 0:
                    out_base[n] = tick
                    out_index[n] = i
                    out_count[n] = count
                    n += 1
    return n


@kernel
def _next_event(rate, step_time, i, base, offset, need, unit):
    """Instant at which the integral of the rate (per ms) since (base, offset) reaches `need`."""
    q = i % rate.shape[1]
    time = base * unit + offset
    step = 0
    while step + 1 < step_time.size and time >= step_time[step + 1]:
        step += 1
    while True:
        r = rate[step, q]
        if step + 1 >= step_time.size:
            return normalise(base, offset + need * (1.0 / r), unit) if r > 0.0 else (NEVER, 0.0)
        rest = step_time[step + 1] - (base * unit + offset)
        if r * rest >= need and r > 0.0:
            return normalise(base, offset + need * (1.0 / r), unit)
        need -= r * rest
        step += 1
        ahead = math.ceil(step_time[step] / unit) - 1
        base = int(ahead)
        offset = step_time[step] - base * unit


@kernel
def poisson_exact(
    arrays, base, low_offset, high_offset, unit, out_base, out_offset, out_index, out_count, n, start, limit
):
    """Poisson events by exponential gaps in continuous time; the next event of each cell is its state."""
    rate, step_time, key, size, next_base, next_offset, draws = arrays
    for i in range(start, size[0]):
        if draws[i] == 0:
            draws[i] = 1
            need = gap(key[0], key[1], i, 0)
            next_base[i], next_offset[i] = _next_event(rate, step_time, i, -1, unit, need, unit)
        while next_base[i] < base or (next_base[i] == base and next_offset[i] <= high_offset):
            if n >= limit:
                return n, i
            out_base[n] = next_base[i]
            out_offset[n] = next_offset[i]
            out_index[n] = i
            out_count[n] = 1
            n += 1
            need = gap(key[0], key[1], i, draws[i])
            draws[i] += 1
            next_base[i], next_offset[i] = _next_event(rate, step_time, i, next_base[i], next_offset[i], need, unit)
    return n, size[0]


@kernel
def train_grid(arrays, first, last, out_base, out_offset, out_index, out_count, n):
    """Spikes given beforehand, as (tick, index, count) in that order."""
    tick, offset, index, count, position, size = arrays
    k = position[0]
    while k < tick.size and tick[k] < first:  # a minibatch passes over what other threads are shown
        k += 1
    while k < tick.size and tick[k] <= last:
        out_base[n] = tick[k]
        out_index[n] = index[k]
        out_count[n] = count[k]
        n += 1
        k += 1
    position[0] = k
    return n


@kernel
def train_exact(
    arrays, base, low_offset, high_offset, unit, out_base, out_offset, out_index, out_count, n, start, limit
):
    """Spikes given beforehand, as (base, offset, index, count) in that order."""
    at, offset, index, count, position, size = arrays
    k = position[0]
    while k < at.size and (at[k] < base or (at[k] == base and offset[k] <= high_offset)):
        if n >= limit:
            position[0] = k
            return n, 0
        out_base[n] = at[k]
        out_offset[n] = offset[k]
        out_index[n] = index[k]
        out_count[n] = count[k]
        n += 1
        k += 1
    position[0] = k
    return n, max(size[0], 1)


@kernel
def _present(patterns, order, gain, key, n_free, k, base, offset, out_base, out_offset, out_index, out_count, n):
    """The volley of cycle k: cell i emits floor(u + kappa scale pattern[i]) spikes."""
    pattern = patterns[order[k]]
    for i in range(pattern.size):
        n_free[i] = 0.0
        if pattern[i] > 0:
            count = int(math.floor(uniform(key[0], key[1], i, k) + gain[0] * (gain[1] * pattern[i])))
            if count > 0:
                n_free[i] = count
                out_base[n] = base
                out_offset[n] = offset
                out_index[n] = i
                out_count[n] = count
                n += 1
    return n


@kernel
def volley_grid(arrays, first, last, out_base, out_offset, out_index, out_count, n):
    """Volleys of patterns, one a cycle, at ticks start + k interval."""
    patterns, order, gain, key, n_free, when, place = arrays
    for tick in range(first, last + 1):
        k = (tick - int(when[0])) // int(when[1])
        if k >= 0 and k < order.size and int(when[0]) + k * int(when[1]) == tick:
            n = _present(
                patterns, order, gain, key, n_free, k, tick, 0.0, out_base, out_offset, out_index, out_count, n
            )
    return n


@kernel
def volley_exact(
    arrays, base, low_offset, high_offset, unit, out_base, out_offset, out_index, out_count, n, start, limit
):
    """Volleys of patterns, one a cycle, at start + k interval (ms)."""
    patterns, order, gain, key, n_free, when, place = arrays
    while place[0] < order.size:
        k = place[0]
        at, offset = normalise(0, when[0] + k * when[1], unit)
        if at > base or (at == base and offset > high_offset):
            break
        if n + patterns.shape[1] > limit:
            return n, 0
        n = _present(patterns, order, gain, key, n_free, k, at, offset, out_base, out_offset, out_index, out_count, n)
        place[0] = k + 1
    return n, max(patterns.shape[1], 1)

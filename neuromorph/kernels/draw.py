"""Random numbers of whole projections, by counter: any range of them can be drawn on its own.

One call of Philox gives four words of 32 bits. Index j of an entity takes word j & 3 of call j >> 2; number i of a
distribution takes the words 2 (i & 1) and 2 (i & 1) + 1 of call i >> 1, attempt a of it those of entity a.
"""

from __future__ import annotations

import math

import numpy as np
from numba import uint32, uint64

from neuromorph.kernels.elementary import exp, log, sine_of_turns
from neuromorph.kernels.jit import kernel
from neuromorph.kernels.rng import philox

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_11 = np.uint64(11)
_2_53 = 1.0 / 9007199254740992.0
#: kinds of a distribution, as kernels know them
KINDS = {"normal": 0, "lognormal": 1, "uniform": 2, "exponential": 3}
_NORMAL, _LOGNORMAL, _UNIFORM = 0, 1, 2


@kernel(forceinline=True)
def _call(seed, stream, entity, index):
    return philox(
        uint32(uint64(index) & _LOW),
        uint32(uint64(index) >> _32),
        uint32(uint64(entity) & _LOW),
        uint32(uint64(stream) & _LOW),
        uint32(uint64(seed) & _LOW),
        uint32(uint64(seed) >> _32),
    )


@kernel(forceinline=True)
def _double(high, low):
    """Uniform in [0, 1) with 53 bits, from two words."""
    return float(((uint64(high) << _32) | uint64(low)) >> _11) * _2_53


@kernel(forceinline=True)
def _below(word, n):
    """A word as an index below n < 2^32 (each with probability 1 / n up to 2^-32)."""
    return np.int32((uint64(word) * uint64(n)) >> _32)


@kernel(forceinline=True)
def index_below(seed, stream, entity, j, n):
    """Index j of an entity: uniform among 0..n-1."""
    a, b, c, d = _call(seed, stream, entity, j >> 2)
    k = j & 3
    return _below(a if k == 0 else b if k == 1 else c if k == 2 else d, n)


@kernel
def indices_below(seed, stream, entity, first, n, out):
    """Indices first, first + 1, ... (first a multiple of 4) of an entity, uniform among 0..n-1, into int32 `out`.

    0.6 ns each in SIMD of eight lanes, bound by the 20 multiplications of a call.
    """
    whole = out.size >> 2
    call = first >> 2
    into = out[: 4 * whole]
    for c in range(whole):
        w0, w1, w2, w3 = _call(seed, stream, entity, call + c)
        into[4 * c] = _below(w0, n)
        into[4 * c + 1] = _below(w1, n)
        into[4 * c + 2] = _below(w2, n)
        into[4 * c + 3] = _below(w3, n)
    for k in range(4 * whole, out.size):
        out[k] = index_below(seed, stream, entity, first + k, n)


@kernel(forceinline=True)
def _pair(seed, stream, entity, call, normal):
    """Two numbers of a distribution before it is scaled: normal (Box & Muller 1958) or uniform in [0, 1)."""
    w0, w1, w2, w3 = _call(seed, stream, entity, call)
    u, v = _double(w0, w1), _double(w2, w3)
    if not normal:
        return u, v
    radius = math.sqrt(-2.0 * log(1.0 - u))
    return radius * sine_of_turns(v + 0.25), radius * sine_of_turns(v)


@kernel(forceinline=True)
def _scaled(kind, a, b, x):
    """A standard number made one of the distribution (a, b): (mean, std), (low, high) or (mean, -)."""
    if kind == _NORMAL:
        return a + b * x
    if kind == _LOGNORMAL:
        return exp(a + b * x)
    if kind == _UNIFORM:
        return a + (b - a) * x
    return -a * log(1.0 - x)


@kernel
def _again(kind, a, b, low, high, seed, stream, i, attempt):
    """Number i of a distribution, from this attempt on the first inside the bounds."""
    while True:
        u, v = _pair(seed, stream, attempt, i >> 1, kind <= _LOGNORMAL)
        x = _scaled(kind, a, b, v if i & 1 else u)
        if low <= x <= high:
            return x
        attempt += 1


@kernel
def _normals(seed, stream, call, out):
    for c in range(out.size >> 1):
        out[2 * c], out[2 * c + 1] = _pair(seed, stream, 0, call + c, True)


@kernel
def _uniforms(seed, stream, call, out):
    for c in range(out.size >> 1):
        out[2 * c], out[2 * c + 1] = _pair(seed, stream, 0, call + c, False)


@kernel
def numbers(kind, a, b, low, high, seed, stream, first, out):
    """Numbers first, first + 1, ... of a distribution into float64 `out`, each drawn again until in [low, high].

    Normal 3.8 ns each (bounded ones 5), lognormal 4.9, exponential 3.1, uniform 1.6; bound by arithmetic.
    """
    start = first & 1
    if start and out.size:
        out[0] = _again(kind, a, b, low, high, seed, stream, first, 0)
    even = out[start : start + ((out.size - start) & ~1)]
    if kind <= _LOGNORMAL:
        _normals(seed, stream, (first + start) >> 1, even)
    else:
        _uniforms(seed, stream, (first + start) >> 1, even)
    for k in range(even.size):
        even[k] = _scaled(kind, a, b, even[k])
    for k in range(even.size):
        if not low <= even[k] <= high:
            even[k] = _again(kind, a, b, low, high, seed, stream, first + start + k, 1)
    if start + even.size < out.size:
        out[out.size - 1] = _again(kind, a, b, low, high, seed, stream, first + out.size - 1, 0)


@kernel
def numbers_at(kind, a, b, low, high, seed, stream, ordinal, out):
    """Numbers at scattered ordinals (int64[n]) of a distribution into float64[n] `out`.

    Normal 8 ns each: one call for each, half of which is thrown away.
    """
    if kind <= _LOGNORMAL:
        for k in range(ordinal.size):
            u, v = _pair(seed, stream, 0, ordinal[k] >> 1, True)
            out[k] = v if ordinal[k] & 1 else u
    else:
        for k in range(ordinal.size):
            u, v = _pair(seed, stream, 0, ordinal[k] >> 1, False)
            out[k] = v if ordinal[k] & 1 else u
    for k in range(ordinal.size):
        out[k] = _scaled(kind, a, b, out[k])
    for k in range(ordinal.size):
        if not low <= out[k] <= high:
            out[k] = _again(kind, a, b, low, high, seed, stream, ordinal[k], 1)


@kernel
def uniforms_from(seed, stream, entity, first, out):
    """Uniform numbers first, first + 1, ... (first even) of an entity into float64 `out`."""
    even = out[: out.size & ~1]
    for c in range(even.size >> 1):
        even[2 * c], even[2 * c + 1] = _pair(seed, stream, entity, (first >> 1) + c, False)
    if out.size & 1:
        out[out.size - 1], _ = _pair(seed, stream, entity, (first + out.size - 1) >> 1, False)

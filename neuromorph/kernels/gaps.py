"""Gaps of Poisson processes in continuous time: exponential numbers of mean 1, two from one call of Philox.

Gap j of a cell is -ln(u), u uniform in (0, 1] with 53 bits: of the four words at the counter j // 2 the first two where
j is even, the last two where it is odd.
"""

from __future__ import annotations

import numpy as np
from numba import uint64

from neuromorph.kernels.elementary import _LN2_HIGH, _LN2_LOW, _SQRT_HALF_BITS
from neuromorph.kernels.jit import kernel
from neuromorph.kernels.rng import _LOW, _M0, _M1, _W0, _W1, _2_53, _11, _32

#: gaps that are drawn together, eight calls of Philox side by side in SIMD lanes
BLOCK = 16


@kernel(forceinline=True)
def _uniforms(seed, stream, entity, index):
    # two uniform numbers in (0, 1] of one call of Philox. 64-bit lanes whose upper halves are zero, and a signed shift
    # result: with uint32 words or an unsigned conversion LLVM does not vectorise the loop of `fill`
    c0, c1 = uint64(index) & _LOW, uint64(index) >> _32
    c2, c3 = uint64(entity) & _LOW, uint64(stream) & _LOW
    k0, k1 = uint64(seed) & _LOW, uint64(seed) >> _32
    for _ in range(10):
        p0 = _M0 * c0
        p1 = _M1 * c2
        c0, c1 = (p1 >> _32) ^ c1 ^ k0, p1 & _LOW
        c2, c3 = (p0 >> _32) ^ c3 ^ k1, p0 & _LOW
        k0 = (k0 + _W0) & _LOW
        k1 = (k1 + _W1) & _LOW
    first = float(np.int64(((c0 << _32) | c1) >> _11)) * _2_53
    return 1.0 - first, 1.0 - float(np.int64(((c2 << _32) | c3) >> _11)) * _2_53


@kernel(forceinline=True)
def _minus_log(u):
    # the polynomial of elementary.log without what only numbers outside (0, 1] need
    bits = np.float64(u).view(np.int64)
    k = (bits - _SQRT_HALF_BITS) >> 52
    f = float(np.int64(bits - (k << 52)).view(np.float64)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    z2 = z * z
    tail = z * (
        ((0.666666666666667 + 0.39999999999899505 * z) + (0.28571428625975487 + 0.2222221113479508 * z) * z2)
        + ((0.18182889125261723 + 0.15331721600556042 * z) + 0.14616449685043406 * z2) * (z2 * z2)
    )
    square = 0.5 * f * f
    exponent = float(k)
    return ((square - (s * (square + tail) + exponent * _LN2_LOW)) - f) - exponent * _LN2_HIGH


@kernel
def gap(seed, stream, entity, j):
    """Gap j of a cell, an exponential number of mean 1. About 12 ns, nearly all of it Philox."""
    u, v = _uniforms(seed, stream, entity, j >> 1)
    return _minus_log(v if j & 1 else u)


@kernel
def fill(seed, stream, entity, block, out):
    """Gaps BLOCK * block and on of a cell into out, BLOCK of them: the numbers of `gap` at 3.5 ns each."""
    # lengths that the compiler does not know: it would unroll the loops instead of vectorising them
    half = out.size >> 1
    for k in range(half):
        out[2 * k], out[2 * k + 1] = _uniforms(seed, stream, entity, block * half + k)
    for k in range(out.size):
        out[k] = _minus_log(out[k])

"""Random numbers by counter: every draw is a function of (seed, stream, entity, index), Philox4x32-10.

Salmon, Moraes, Dror & Shaw 2011, doi:10.1145/2063384.2063405. Scattered draws cost about 9 ns each (ten rounds of two
32 x 32 -> 64 bit multiplications, arithmetic-bound).
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numba import uint32, uint64

from neuromorph.kernels.elementary import exp, log, sine_of_turns
from neuromorph.kernels.jit import kernel

_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint64(0x9E3779B9)
_W1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_11 = np.uint64(11)
_2_53 = 1.0 / 9007199254740992.0


def stream(name: str) -> int:
    """Return the 32-bit stream of a name: the first four bytes, little endian, of its SHA-256."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")


@kernel(forceinline=True)
def philox(c0, c1, c2, c3, k0, k1):
    """Four 32-bit words from a 128-bit counter and a 64-bit key, ten rounds (all arguments uint32)."""
    for _ in range(10):
        # 32 x 32 -> 64 bit products; everything else stays 32 bits wide
        p0 = _M0 * uint64(c0)
        p1 = _M1 * uint64(c2)
        n0 = uint32(uint32(p1 >> _32) ^ c1 ^ k0)
        n2 = uint32(uint32(p0 >> _32) ^ c3 ^ k1)
        c1 = uint32(p1 & _LOW)
        c3 = uint32(p0 & _LOW)
        c0 = n0
        c2 = n2
        k0 = uint32((uint64(k0) + _W0) & _LOW)  # wraps without a warning when not compiled
        k1 = uint32((uint64(k1) + _W1) & _LOW)
    return c0, c1, c2, c3


@kernel(forceinline=True)
def uniform(seed, stream_id, entity, index):
    """Uniform in [0, 1) with 53 bits (arguments int64, seed non-negative)."""
    c0, c1, _, _ = philox(
        uint32(uint64(index) & _LOW),
        uint32(uint64(index) >> _32),
        uint32(uint64(entity) & _LOW),
        uint32(uint64(stream_id) & _LOW),
        uint32(uint64(seed) & _LOW),
        uint32(uint64(seed) >> _32),
    )
    return float(((uint64(c0) << _32) | uint64(c1)) >> _11) * _2_53


@kernel
def uniforms(seed, stream_id, entities, indices):
    """Uniform numbers for arrays of (entity, index): float64[n] in [0, 1)."""
    out = np.empty(entities.size)
    for i in range(out.size):
        out[i] = uniform(seed, stream_id, entities[i], indices[i])
    return out


@kernel
def exponential(seed, stream_id, entity, index):
    """Exponential with mean 1."""
    return -log(1.0 - uniform(seed, stream_id, entity, index))


@kernel
def normal(seed, stream_id, entity, index):
    """Standard normal by Box & Muller 1958, doi:10.1214/aoms/1177706645; takes the draws 2 index and 2 index + 1."""
    u = 1.0 - uniform(seed, stream_id, entity, 2 * index)
    v = uniform(seed, stream_id, entity, 2 * index + 1)
    return math.sqrt(-2.0 * log(u)) * sine_of_turns(v + 0.25)


@kernel
def poisson_quantile(mean, u):
    """The smallest n whose Poisson distribution function exceeds u (inversion; mean up to about 700)."""
    term = exp(-mean)
    total = term
    n = 0
    while u >= total and n < 10_000:
        n += 1
        term *= mean / n
        total += term
        if term < 1e-18 and n > mean:
            break
    return n

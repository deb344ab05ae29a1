"""Answers of cascades of first-order filters: what closed forms of triangular linear systems are made of.

A cascade of filters with rates r0 ... rn answers an impulse by c(h) = (e^(-r0 t) * e^(-r1 t) * ... * e^(-rn t))(h), the
convolution: h^n times the n-th divided difference of exp. Written with differences of rates it cancels where these are
close; here it is positive and symmetric for any rates, equal ones and zero among them.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.kernels.elementary import exp, quotients
from neuromorph.kernels.jit import kernel

#: filters in the longest cascade that has a kernel
LONGEST = 4
# terms of the series about the mean of arguments within 1 of each other: the rest is below 2^-53
_TERMS = 19


@kernel(forceinline=True)
def cascade2(h, a, exp_a, b, exp_b):
    """Answer (ms) at h of two filters of rates a and b (1/ms), given exp(-a h) and exp(-b h)."""
    return h * quotients(a * h, exp_a, b * h, exp_b)[0]


@kernel(forceinline=True)
def cascade3(h, a, exp_a, b, exp_b, c, exp_c):
    """Answer (ms^2) at h of three filters, given their exponentials; within 20 times 2^-52 (1 + least rate times h)."""
    # sorted: a is the slowest, c the fastest
    if a > b:
        a, exp_a, b, exp_b = b, exp_b, a, exp_a
    if b > c:
        b, exp_b, c, exp_c = c, exp_c, b, exp_b
    if a > b:
        a, exp_a, b, exp_b = b, exp_b, a, exp_a
    return h * h * _second(a * h, exp_a, b * h, exp_b, c * h, exp_c)


@kernel
def cascade4(h, a, exp_a, b, exp_b, c, exp_c, d, exp_d):
    """Answer (ms^3) at h of four filters, given their exponentials."""
    if a > b:
        a, exp_a, b, exp_b = b, exp_b, a, exp_a
    if c > d:
        c, exp_c, d, exp_d = d, exp_d, c, exp_c
    if a > c:
        a, exp_a, c, exp_c = c, exp_c, a, exp_a
    if b > d:
        b, exp_b, d, exp_d = d, exp_d, b, exp_b
    if b > c:
        b, exp_b, c, exp_c = c, exp_c, b, exp_b
    w, x, y, z = a * h, b * h, c * h, d * h
    if z - w >= 1.0:
        first = _second(w, exp_a, x, exp_b, y, exp_c)
        return h * h * h * (first - _second(x, exp_b, y, exp_c, z, exp_d)) / (z - w)
    mean = 0.25 * (w + x + y + z)
    return h * h * h * exp(-mean) * _series(w - mean, x - mean, y - mean, z - mean, 6.0, 3.0)


@kernel(forceinline=True)
def _second(x, exp_x, y, exp_y, z, exp_z):
    # of x <= y <= z: the integral of exp(-(x u + y v + z w)) over u + v + w = 1
    if z - x >= 1.0:
        return (quotients(x, exp_x, y, exp_y)[0] - quotients(y, exp_y, z, exp_z)[0]) / (z - x)
    mean = (x + y + z) / 3.0
    return exp(-mean) * _series(x - mean, y - mean, z - mean, 0.0, 2.0, 2.0)


@kernel
def _series(x, y, z, w, factorial, n):
    # sum over k of (-1)^k h_k / (n + k)!, h_k the sum of all products of k of the arguments; an argument 0 adds none
    power, two, three, four = 1.0, 1.0, 1.0, 1.0
    total = 0.0
    for _ in range(_TERMS):
        total += four / factorial
        n += 1.0
        factorial *= -n
        power *= x
        two = two * y + power
        three = three * z + two
        four = four * w + three
    return total


@kernel
def _answers(h, rates, out):
    for i in range(out.size):
        a, b = rates[0, i], rates[1, i]
        exp_a, exp_b = exp(-a * h), exp(-b * h)
        if rates.shape[0] == 2:
            out[i] = cascade2(h, a, exp_a, b, exp_b)
            continue
        c = rates[2, i]
        exp_c = exp(-c * h)
        if rates.shape[0] == 3:
            out[i] = cascade3(h, a, exp_a, b, exp_b, c, exp_c)
        else:
            d = rates[3, i]
            out[i] = cascade4(h, a, exp_a, b, exp_b, c, exp_c, d, exp(-d * h))


def cascades(h: float, *rates: ArrayLike) -> NDArray[np.float64]:
    """Answer at h (ms) of cascades with these rates (1/ms; two to four numbers or arrays, broadcast together)."""
    given = np.broadcast_arrays(*(np.asarray(r, dtype=np.float64) for r in rates))
    out = np.empty(given[0].size)
    _answers(float(h), np.array([r.ravel() for r in given]), out)
    return out.reshape(given[0].shape)[()]


@kernel(forceinline=True)
def highest(x, rate, drive):
    """At least the greatest value of x from now on, where dx/dt = u - rate x and u is at most `drive` (rate >= 0)."""
    if drive <= rate * x:
        return x
    return drive / rate if rate > 0.0 else math.inf


@kernel(forceinline=True)
def lowest(x, rate, drive):
    """At most the least value of x from now on, where dx/dt = u - rate x and u is at least `drive` (rate >= 0)."""
    if drive >= rate * x:
        return x
    return drive / rate if rate > 0.0 else -math.inf

"""Functions that equations may use beside arithmetic, from our own exp and log: the same bytes on every machine."""

from __future__ import annotations

from neuromorph.kernels.elementary import exp, log, sine_of_turns
from neuromorph.kernels.jit import kernel

_TURNS = 0.15915494309189535  # 1 / (2 pi)


@kernel(forceinline=True)
def square(x):
    """x^2."""
    return x * x


@kernel(forceinline=True)
def cube(x):
    """x^3."""
    return x * x * x


@kernel
def whole_power(x, n):
    """x^n for a whole n, by squaring."""
    result, base, left = 1.0, x, abs(n)
    while left > 0:
        if left & 1:
            result *= base
        base *= base
        left >>= 1
    return result if n >= 0 else 1.0 / result


@kernel(forceinline=True)
def power(x, y):
    """x^y for x > 0, as exp(y log x); 0 where x is 0 and y above it, NaN for x below it."""
    return exp(y * log(x))


@kernel(forceinline=True)
def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + exp(-x))


@kernel(forceinline=True)
def tanh(x):
    """Hyperbolic tangent, within 4e-16; relatively so too below 0.3, by its series."""
    y = abs(x)
    e = exp(-2.0 * y)
    far = (1.0 - e) / (1.0 + e)
    z = x * x
    # continued fraction of Lambert, to 2^-53 for y < 0.3
    near = y / (1.0 + z / (3.0 + z / (5.0 + z / (7.0 + z / (9.0 + z / (11.0 + z / 13.0))))))
    value = near if y < 0.3 else far
    return value if x >= 0.0 else -value


@kernel(forceinline=True)
def clip(x, low, high):
    """x, but at least `low` and at most `high`."""
    return min(max(x, low), high)


@kernel(forceinline=True)
def sin(x):
    """Sine of x (radians, |x| below 10^15)."""
    return sine_of_turns(x * _TURNS)


@kernel(forceinline=True)
def cos(x):
    """Cosine of x (radians, |x| below 10^15)."""
    return sine_of_turns(x * _TURNS + 0.25)


@kernel(forceinline=True)
def relative_exp(x):
    """(e^x - 1) / x without cancellation, 1 at x = 0."""
    y = abs(x)
    if y >= 0.5:
        return (exp(x) - 1.0) / x
    total, term = 1.0, 1.0
    for k in range(2, 16):
        term *= x / k
        total += term
    return total

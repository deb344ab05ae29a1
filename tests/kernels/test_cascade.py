"""Answers of cascades of filters, for far, near and equal rates."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromorph.kernels.cascade import cascades, highest, lowest

RATE = st.one_of(st.floats(0.0, 20.0), st.sampled_from([0.0, 0.1, 0.1 + 1e-12, 0.1001, 0.5, 0.5 * (1 + 1e-9), 3.0]))


def answer(h, rates):
    """The divided difference of exp(-r h) by its partial fractions, with digits enough for near rates."""
    with mpmath.workdps(120):
        # rates that are equal are parted by less than what is compared
        apart = [mpmath.mpf(r) + k * mpmath.mpf(10) ** -25 for k, r in enumerate(rates)]
        total = mpmath.mpf(0)
        for r in apart:
            product = mpmath.mpf(1)
            for other in apart:
                product *= other - r if other is not r else 1
            total += mpmath.exp(-r * h) / product
        return float(total)


@settings(max_examples=150, deadline=None)
@given(st.floats(0.01, 30.0), st.lists(RATE, min_size=2, max_size=4))
def test_as_computed_with_120_digits(h, rates):
    bound = 40 * 2**-52 * (2 + min(rates) * h)
    expected = answer(h, rates)
    for order in itertools.islice(itertools.permutations(rates), 6):
        assert cascades(h, *order) == pytest.approx(expected, rel=bound, abs=1e-280)


def test_of_equal_rates_it_is_a_power_times_an_exponential():
    for n in (2, 3, 4):
        assert cascades(3.0, *[0.7] * n) == pytest.approx(
            3.0 ** (n - 1) / math.factorial(n - 1) * math.exp(-2.1), rel=1e-14
        )


def test_rates_may_differ_between_cells():
    rates = np.array([0.1, 0.2, 0.4])
    found = cascades(2.0, rates, 0.2, 1.0)
    assert found.shape == (3,)
    np.testing.assert_array_equal(found, [cascades(2.0, r, 0.2, 1.0) for r in rates])


@pytest.mark.parametrize(("x", "rate", "drive"), [(1.0, 0.5, 2.0), (9.0, 0.5, 2.0), (-1.0, 0.0, 0.0), (2.0, 0.3, -1.0)])
def test_bounds_hold_for_every_drive_within_theirs(x, rate, drive):
    ahead = np.linspace(0.0, 50.0, 200)
    for u in (drive, drive - 1.0):
        path = x + (u - rate * x) * (ahead if rate == 0.0 else (1 - np.exp(-rate * ahead)) / rate)
        assert path.max() <= highest(x, rate, drive) + 1e-12
        assert path.min() >= lowest(x, rate, drive - 1.0) - 1e-12
    assert highest(1.0, 0.0, 1e-3) == math.inf
    assert lowest(1.0, 0.0, -1e-3) == -math.inf

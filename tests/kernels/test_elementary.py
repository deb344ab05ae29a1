"""Own exp, log, sine and difference quotients against 60-digit decimals."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

from neuromorph.kernels import elementary
from neuromorph.kernels.elementary import (
    exp,
    exps,
    log,
    logs,
    quotient_arrays,
    quotients,
    sine_of_turns,
    sines_of_turns,
)

PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534")


@pytest.fixture(autouse=True)
def _digits():
    with localcontext() as context:
        context.prec = 60
        yield


def worst_ulp(values, references):
    return max(
        float(abs(Decimal(float(v)) - r) / Decimal(math.ulp(float(r)))) for v, r in zip(values, references, strict=True)
    )


@pytest.mark.parametrize(
    ("low", "high"), [(-1e-3, 1e-3), (-1, 1), (-40, 0), (-708, 709.7), (-745, -708.5)], ids=str
)  # fmt: skip
def test_exp_is_within_092_ulp(low, high):
    x = np.random.default_rng(1).uniform(low, high, 2000)
    assert worst_ulp(exps(x), [Decimal(float(v)).exp() for v in x]) < 0.92


def test_exp_at_the_borders():
    values = exps([0.0, -0.0, -math.inf, math.inf, 709.79, -745.2, -1e300, 1e300])
    np.testing.assert_array_equal(values, [1.0, 1.0, 0.0, math.inf, math.inf, 0.0, 0.0, math.inf])
    assert exp(-745.1) == 5e-324
    assert math.isfinite(exp(709.78))
    assert math.isnan(exp(math.nan))


def test_log_is_within_086_ulp():
    rng = np.random.default_rng(2)
    x = np.concatenate((rng.uniform(0.5, 2, 2000), 1 + rng.normal(0, 1e-4, 500), np.exp(rng.uniform(-740, 709, 2000))))
    assert worst_ulp(logs(x), [Decimal(float(v)).ln() for v in x]) < 0.86


def test_log_at_the_borders():
    values = logs([1.0, 0.0, -0.0, math.inf])
    np.testing.assert_array_equal(values, [0.0, -math.inf, -math.inf, math.inf])
    assert math.isnan(log(-1.0))
    assert math.isnan(log(-math.inf))
    assert math.isnan(log(math.nan))
    assert log(5e-324) == pytest.approx(-744.4400719213812, rel=1e-15)


def test_log_undoes_exp():
    x = np.linspace(-700, 700, 1001)
    np.testing.assert_allclose(logs(exps(x)), x, rtol=0, atol=4e-16 * 2)


def test_sine_of_turns_is_within_4e_16():
    def sine(turns):
        total = term = angle = 2 * PI * (turns - turns.to_integral_value())
        n = 1
        while abs(term) > Decimal(10) ** -50:
            n += 2
            term *= -angle * angle / ((n - 1) * n)
            total += term
        return total

    rng = np.random.default_rng(3)
    x = np.concatenate((rng.uniform(-0.5, 0.5, 500), rng.uniform(0.24, 0.26, 200), rng.uniform(-1e6, 1e6, 300)))
    errors = [abs(Decimal(float(s)) - sine(Decimal(float(v)))) for s, v in zip(sines_of_turns(x), x, strict=True)]
    assert float(max(errors)) < 4e-16
    assert [sine_of_turns(v) for v in (0.0, 0.25, 0.5, -0.25, 7.0)] == [0.0, 1.0, 0.0, -1.0, 0.0]


@pytest.mark.parametrize("nearness", [0, 1e-15, 1e-12, 1e-8, 1e-4, 0.1, 0.5, 3.0], ids=str)
def test_difference_quotients_of_near_and_distant_arguments(nearness):
    rng = np.random.default_rng(4)
    for a in (float(v) for v in 10 ** rng.uniform(-5, 1.5, 300)):
        b = a * (1 + nearness) if rng.random() < 0.5 else a / (1 + nearness)
        first, second = quotients(a, exp(-a), b, exp(-b))
        A, B = Decimal(a), Decimal(b)
        if A == B:
            exact = (-A).exp(), (-A).exp() / 2
        else:
            with localcontext() as context:
                context.prec = 100
                quotient = ((-A).exp() - (-B).exp()) / (B - A)
                exact = quotient, (quotient - (-B).exp()) / (B - A)
        allowed = 2.0**-52 * (1 + min(a, b))
        assert float(abs(Decimal(first) / exact[0] - 1)) < 1.5 * allowed
        assert float(abs(Decimal(second) / exact[1] - 1)) < 5 * allowed


def test_arrays_keep_their_shape_and_the_bits_of_single_calls():
    x = np.linspace(-3, 3, 12).reshape(3, 4)
    for loop, single in ((exps, exp), (sines_of_turns, sine_of_turns)):
        np.testing.assert_array_equal(loop(x), np.array([[single(v) for v in row] for row in x.tolist()]))
    np.testing.assert_array_equal(logs(x + 4), [[log(v) for v in row] for row in (x + 4).tolist()])
    assert np.ndim(exps(1.0)) == 0
    first, second = quotient_arrays(np.array([0.1, 0.2]), 0.3)
    expected = [quotients(a, exp(-a), 0.3, exp(-0.3)) for a in (0.1, 0.2)]
    np.testing.assert_array_equal(np.array([first, second]).T, expected)


def test_uncompiled_functions_give_the_same_bits():
    for name, values in (
        ("exp", (-745.1, -3.2, 0.7, 700.0)),
        ("log", (5e-324, 0.3, 7.0)),
        ("sine_of_turns", (0.3, 1e5)),
    ):
        function = getattr(elementary, name)
        plain = getattr(function, "py_func", function)
        assert [plain(v) for v in values] == [function(v) for v in values]
    plain = getattr(quotients, "py_func", quotients)
    for a, b in ((0.1, 0.4), (0.4, 0.1), (0.3, 0.3), (0.1, 4.0)):
        assert plain(a, exp(-a), b, exp(-b)) == quotients(a, exp(-a), b, exp(-b))

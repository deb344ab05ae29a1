"""First crossings against a dense scan of an independent evaluation of the membrane."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar

from neuromorph.kernels.crossing import first_crossing, first_crossing_constant, no_crossing_before

TAU = st.floats(0.1, 50.0)
NUMBER = st.floats(-10.0, 10.0).map(lambda v: 0.0 if abs(v) < 1e-6 else v)


def membrane(t, f, drive, tau_m, p0, p1, tau_p, q0, q1, tau_q):
    """f(t) by integrals over u in (0, 1), Gauss-Legendre where the rates are near, else in closed form."""
    t = np.asarray(t, float)
    value = drive + (f - drive) * np.exp(-t / tau_m)
    for x0, x1, tau in ((p0, p1, tau_p), (q0, q1, tau_q)):
        decay, decay_m, rate = np.exp(-t / tau), np.exp(-t / tau_m), 1 / tau_m - 1 / tau
        if abs(rate) * max(tau, tau_m) > 0.2:
            first = (decay - decay_m) / rate
            value = value + x0 * first + x1 * (t * decay - first) / rate
        else:
            x, w = np.polynomial.legendre.leggauss(40)
            u, w = (x + 1) / 2, w / 2
            kernel = np.exp(-np.multiply.outer(t, (1 - u) / tau_m + u / tau))
            value = value + x0 * t * (kernel @ w) + x1 * t * t * (kernel @ (w * u))
    return value


@st.composite
def membranes(draw):
    tau_m, tau_p, tau_q = draw(TAU), draw(TAU), draw(TAU)
    equal = draw(st.sampled_from(["none", "none", "p = q", "m = q", "all", "m ~ p", "p ~ q"]))
    near = 1 + draw(st.sampled_from([1e-3, 1e-6, 1e-9, 1e-12, 1e-15]))
    tau_q = {"p = q": tau_p, "m = q": tau_m, "all": tau_m, "p ~ q": tau_p * near}.get(equal, tau_q)
    tau_p = {"all": tau_m, "m ~ p": tau_m * near}.get(equal, tau_p)
    alpha = draw(st.booleans())
    p0, q0 = draw(NUMBER), draw(NUMBER)
    p1, q1 = (draw(NUMBER), draw(NUMBER)) if alpha else (0.0, 0.0)
    f, drive = -draw(st.floats(1e-3, 10.0)), draw(st.one_of(st.just(0.0), NUMBER))
    return f, drive, tau_m, p0, p1, tau_p, q0, q1, tau_q


def scan(m, end, points=4000):
    """Times from 0 to `end`, denser at the start, and f there."""
    t = end * np.linspace(0, 1, points) ** 3
    return t, membrane(t, *m)


def slowest(m):
    return max(m[2], m[5], m[8])


@settings(max_examples=300, deadline=None)
@given(membranes())
@example((-4.778968876600695, 0.267, 0.65, 9.887, -4.155, 9.793889937350508, -4.942, 3.07, 9.793890035289408))
def test_the_first_crossing_is_a_root_and_nothing_crosses_before_it(m):
    t = first_crossing(*m, math.inf)
    size = 1e-12 * (1 + abs(m[0]) + abs(m[1]) + abs(m[3]) * m[5] + abs(m[6]) * m[8] + abs(m[4]) * m[5] ** 2)
    size += 1e-12 * abs(m[7]) * m[8] ** 2
    if t < math.inf:
        assert abs(membrane(t, *m)) < size
    times, values = scan(m, min(t, 40 * slowest(m)))
    assert values[:-1].max() < size


@settings(max_examples=200, deadline=None)
@given(membranes(), st.floats(0.0, 60.0))
def test_the_horizon_decides_whether_but_never_what(m, horizon):
    t = first_crossing(*m, math.inf)
    horizons = [horizon]
    if t < math.inf:
        horizons += [t, math.nextafter(t, math.inf), math.nextafter(t, 0.0), t * (1 + 1e-12), 2 * t, 1.5 * t + 1e-3]
    for h in horizons:
        assert first_crossing(*m, h) == (t if t <= h else math.inf)


@settings(max_examples=500, deadline=None)
@given(membranes())
def test_no_crossing_comes_before_the_bound(m):
    bound = no_crossing_before(*m)
    assert bound >= 0.0
    assert first_crossing(*m, 1e4) >= bound * (1 - 1e-12)


def test_the_bound_is_of_use():
    # 3 mV below threshold with a current of 0.5 mV/ms: 6 ms at least; with as much inhibition beside it, longer
    assert no_crossing_before(-3.0, -3.0, 10.0, 0.5, 0.0, 2.0, 0.0, 0.0, 5.0) == pytest.approx(6.0, rel=1e-6)
    assert no_crossing_before(-3.0, -3.0, 10.0, 0.5, 0.0, 2.0, -0.4, 0.0, 5.0) > 5.9
    assert no_crossing_before(-3.0, -4.0, 10.0, 0.1, 0.0, 2.0, 0.0, 0.0, 5.0) == math.inf


def humps(m):
    """Local maxima of f as (time, value), each polished."""
    times, values = scan(m, 40 * slowest(m))
    inner = np.flatnonzero((values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:])) + 1
    found = []
    for k in inner:
        bounds = (times[k - 1], times[k + 1])
        best = minimize_scalar(lambda t: -membrane(t, *m), bounds=bounds, method="bounded", options={"xatol": 1e-12})
        found.append((best.x, -best.fun))
    return found


def under_threshold(m, shift):
    """The same membrane with the threshold moved up by `shift`."""
    return m[0] - shift, m[1] - shift, *m[2:]


@settings(max_examples=200, deadline=None)
@given(membranes(), st.sampled_from([1e-3, 1e-5, 1e-7, 1e-9]))
def test_a_peak_that_grazes_the_threshold_crosses_or_does_not(m, gap):
    tops = humps(m)
    if not tops:
        return
    when, top = max(tops, key=lambda hump: hump[1])
    gap *= 1 + abs(top) + abs(m[1])
    if m[0] >= top - gap:
        return
    t = first_crossing(*under_threshold(m, top - gap), math.inf)
    assert t <= when + 1e-6
    assert first_crossing(*under_threshold(m, max(top, m[1]) + gap), math.inf) == math.inf


def test_of_two_excursions_the_first_counts_however_short():
    # a fast pulse of excitation, inhibition, then a slow drive across the threshold
    m = (-1.0, 1.0, 20.0, 8.0, 0.0, 0.5, -3.0, 0.0, 5.0)
    (when, top), *_ = humps(m)
    assert top < m[1]
    for gap in (1e-2, 1e-4, 1e-6, 1e-8, 1e-10):
        short = under_threshold(m, top - gap)
        t = first_crossing(*short, math.inf)
        assert t < when
        assert when - t == pytest.approx(math.sqrt(2 * gap / abs(curvature(m, when))), rel=0.1)
        late = first_crossing(*under_threshold(m, top + gap), math.inf)
        assert late > 5 * when
        assert membrane(late, *under_threshold(m, top + gap)) == pytest.approx(0, abs=1e-12)


def curvature(m, t, d=1e-3):
    return (membrane(t + d, *m) - 2 * membrane(t, *m) + membrane(t - d, *m)) / d**2


def test_four_extrema_of_two_alpha_currents():
    # slope, bend and line of the chain all have roots here: a dip, a hump, a dip, then the drive takes over
    m = (-2.0, 0.5, 8.0, -6.0, 14.0, 0.4, 3.0, -2.0, 2.5)
    times, values = scan(m, 200.0, 200_000)
    crossing = times[np.argmax(values >= 0)]
    step = np.diff(times).max()
    assert first_crossing(*m, math.inf) == pytest.approx(crossing, abs=step)
    exact = brentq(lambda t: float(membrane(t, *m)), crossing - step, crossing, xtol=1e-15)
    assert first_crossing(*m, math.inf) == pytest.approx(exact, abs=1e-12)


def test_nearly_equal_time_constants_pass_into_equal_ones():
    for equal in (
        (-3.0, -1.0, 10.0, 2.0, 0.5, 10.0, -0.5, 0.3, 10.0),
        (-3.0, -1.0, 10.0, 2.0, 0.0, 4.0, -0.5, 0.0, 4.0),
    ):
        limit = first_crossing(*equal, math.inf)
        assert limit < math.inf
        for difference in 10.0 ** np.arange(-2, -17, -1):
            near = *equal[:8], equal[8] * (1 + difference)
            assert first_crossing(*near, math.inf) == pytest.approx(limit, abs=20 * difference + 1e-13)


def test_currents_may_change_places():
    m = (-3.0, -1.0, 10.0, 2.0, 0.5, 3.0, -0.5, 0.3, 7.0)
    swapped = *m[:3], *m[6:9], *m[3:6]
    assert first_crossing(*m, math.inf) == pytest.approx(first_crossing(*swapped, math.inf), rel=1e-14)


def test_at_threshold_already():
    assert first_crossing(0.0, -1.0, 10.0, 0.0, 0.0, 2.0, 0.0, 0.0, 2.0, 1.0) == 0.0
    assert first_crossing_constant(0.0, -1.0, 10.0, 1.0) == 0.0


def test_a_drive_that_ends_at_threshold_never_reaches_it():
    assert first_crossing(-1.0, 0.0, 10.0, 0.0, 0.0, 2.0, 0.0, 0.0, 3.0, math.inf) == math.inf
    assert first_crossing_constant(-1.0, 0.0, 10.0, math.inf) == math.inf
    # a pulse on top of it does, once
    t = first_crossing(-1.0, 0.0, 10.0, 2.0, 0.0, 2.0, 0.0, 0.0, 3.0, math.inf)
    assert membrane(t, -1.0, 0.0, 10.0, 2.0, 0.0, 2.0, 0.0, 0.0, 3.0) == pytest.approx(0, abs=1e-14)


@given(st.floats(1e-6, 30.0), st.floats(1e-6, 30.0), st.floats(0.1, 100.0), st.floats(0.0, 200.0))
def test_a_constant_drive_in_closed_form(below, drive, tau_m, horizon):
    t = first_crossing_constant(-below, drive, tau_m, math.inf)
    assert t == pytest.approx(tau_m * math.log1p(below / drive), rel=1e-9, abs=1e-14 * tau_m)
    assert first_crossing_constant(-below, drive, tau_m, horizon) == (t if t <= horizon else math.inf)
    general = first_crossing(-below, drive, tau_m, 0.0, 0.0, 2.0, 0.0, 0.0, 3.0, math.inf)
    assert general == pytest.approx(t, abs=1e-12 * tau_m * (1 + below / drive))


def test_uncompiled_code_gives_the_same_bits():
    plain = getattr(first_crossing, "py_func", first_crossing)
    for m in ((-1.0, 1.0, 20.0, 8.0, 0.0, 0.5, -3.0, 0.0, 5.0), (-2.0, 0.5, 8.0, -6.0, 14.0, 0.4, 3.0, -2.0, 2.5)):
        assert plain(*m, math.inf) == first_crossing(*m, math.inf) < math.inf

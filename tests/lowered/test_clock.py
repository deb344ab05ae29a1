"""Instants: where milliseconds fall, and what a delay adds."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromorph.lowered.clock import Clock

UNITS = st.sampled_from([1.0, 0.1, 0.7, 1.5, 0.01, 3.7e-3])


@settings(deadline=None)
@given(unit=UNITS, times=st.lists(st.floats(0.0, 1e4), min_size=1, max_size=20))
def test_exact_instants_lie_in_their_window_and_keep_order(unit, times):
    clock = Clock(unit, exact=True)
    base, offset = clock.instants(times)
    assert np.all((offset > 0.0) & (offset <= unit))
    assert base * unit + offset == pytest.approx(times, abs=1e-12, rel=1e-15)
    order = sorted(range(len(times)), key=lambda k: times[k])
    keys = [(int(base[k]), float(offset[k])) for k in order]
    assert keys == sorted(keys)


@pytest.mark.parametrize(("time", "instant"), [(0.0, (-1, 0.5)), (0.25, (0, 0.25)), (0.5, (0, 0.5)), (2.75, (5, 0.25))])
def test_a_window_holds_its_end(time, instant):
    clock = Clock(0.5, exact=True)
    assert clock.instant(time) == instant
    assert clock.milliseconds(*instant) == time


@pytest.mark.parametrize("unit", [0.1, 0.3, 0.7, 1.0 / 3.0, 1.1])
def test_times_that_rounding_puts_on_the_edge_of_a_window_are_at_its_end(unit):
    """33 / 0.1 is 330, but 329 x 0.1 + 0.1 is less than 33 and 330 x 0.1 is 33: neither is inside a window."""
    clock = Clock(unit, exact=True)
    for k in range(1, 3000):
        for time in (k * unit, np.nextafter(k * unit, 0.0), np.nextafter(k * unit, 1e9)):
            for base, offset in (clock.instant(time), clock.after(0, unit, time - unit) if k > 1 else (0, unit)):
                assert 0.0 < offset <= unit
                assert base * unit + offset == pytest.approx(time, rel=1e-15)


@settings(deadline=None)
@given(unit=UNITS, base=st.integers(0, 10**7), share=st.floats(1e-6, 1.0), delay=st.floats(1.0, 50.0))
def test_a_delay_moves_an_exact_instant_by_what_the_contract_says(unit, base, share, delay):
    """s = offset + d, n = ceil(s / L) - 1, (base + n, s - n L)."""
    offset, delay = share * unit, delay * unit
    later, rest = Clock(unit, exact=True).after(base, offset, delay)
    n = math.ceil((offset + delay) / unit) - 1
    assert 0.0 < rest <= unit
    assert abs(later - base - n) <= 1  # rounding may put it on the other side of a window's end
    assert (later - base) * unit + rest == pytest.approx(offset + delay, rel=1e-15)


@pytest.mark.parametrize(("delay", "ticks"), [(0.05, 1), (0.1, 1), (0.14, 1), (0.16, 2), (1.5, 15), (1000.0, 10_000)])
def test_delays_on_the_grid_are_ticks_and_at_least_one(delay, ticks):
    clock = Clock(0.1, exact=False)
    assert clock.steps(delay) == ticks
    assert clock.after(7, 0.0, delay) == (7 + ticks, 0.0)
    assert clock.instant(0.3) == (3, 0.0)
    assert Clock(0.1, exact=True).steps(delay) == delay


@settings(deadline=None)
@given(old=UNITS, new=UNITS, base=st.integers(0, 10**12), share=st.floats(0.0, 1.0))
def test_recorded_instants_keep_their_last_bit(old, new, base, share):
    """As in rational arithmetic: within half a unit in the last place of the offset."""
    offset = share * old
    found, within = Clock(new, exact=True).recorded(np.array([base]), np.array([offset]), old)
    time = Fraction(base) * Fraction(old) + Fraction(offset)
    error = abs(Fraction(int(found[0])) * Fraction(new) + Fraction(float(within[0])) - time)
    assert 0.0 < within[0] <= new
    assert error <= 2 * Fraction(float(np.spacing(new)))


def test_recorded_ticks_are_ticks_again():
    clock = Clock(0.1, exact=False)
    assert [a.tolist() for a in clock.recorded(np.array([3, 40]), np.zeros(2), 0.1)] == [[3, 40], [0.0, 0.0]]

"""Products and quotients of units, and parameters as texts."""

from __future__ import annotations

import pytest

from neuromorph.equations.quantities import parameter
from neuromorph.errors import InputError, PluginError
from neuromorph.parameters import Param
from neuromorph.units import compound_unit, is_canonical, quantity


@pytest.mark.parametrize(
    ("text", "shown", "factor"),
    [
        ("nS*mV", "pA", 1.0), ("pA*GOhm", "mV", 1.0), ("pF/nS", "ms", 1.0), ("pF*mV/ms", "pA", 1.0),
        ("Hz", "1/ms", 1e-3), ("nA/s", "pA/ms", 1.0), ("MOhm*nA", "mV", 1.0), ("mV^2", "mV^2", 1.0),
        ("mV**-1", "1/mV", 1.0), ("", "1", 1.0), ("pA/ms/mV", "nS/ms", 1.0), ("mV*ms", "mV*ms", 1.0),
        ("uS", "nS", 1e3), ("ms^3*um", "ms^3*um", 1.0),
    ],
)  # fmt: skip
def test_units_are_coherent(text, shown, factor):
    found = compound_unit(text)
    assert str(found) == shown
    assert found.factor == pytest.approx(factor)


def test_canonical_units_are_made_of_canonical_ones():
    assert all(map(is_canonical, ("mV", "pA/ms", "1/ms", "nS*mV^2", "1", "GOhm", "Hz")))
    assert not any(map(is_canonical, ("V", "nA/ms", "mv", "", "sec", "MOhm")))


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [("3 nA/s", "pA/ms", 3.0), ("20 Hz", "1/ms", 0.02), ("0.5", "pA/ms", 0.5), ("2 1/s", "Hz", 2.0),
     ("5 nS", "pA/mV", 5.0)],
)  # fmt: skip
def test_quantities_in_compound_units(text, unit, value):
    assert quantity(text, unit) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "unit", "words"),
    [
        ("3 mV/ms", "pA/ms", "here: unit 'mV/ms' where pA/ms is meant, found '3 mV/ms' (allowed: units of pA/ms)"),
        ("3 pA/mss", "pA/ms", "here: unknown unit 'mss', found 'pA/mss'. Did you mean 'ms'?"),
        ("3 pA//ms", "pA/ms", "here: not a unit, found 'pA//ms'"),
        ("3 mV", "pA/ms", "here: unit 'mV' where pA/ms is meant"),
        pytest.param(10**400, "mV", "here: number too large, found 1000000", id="large"),
    ],
)
def test_what_is_no_such_quantity(text, unit, words):
    with pytest.raises(InputError) as error:
        quantity(text, unit, "here")
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("10 ms", Param(10.0, "ms")),
        ("0.1 nA above 0  # drive", Param(100.0, "pA", above=0.0, doc="drive")),
        ("0.5 at least 0 and at most 1", Param(0.5, "1", at_least=0.0, at_most=1.0)),
        ("-70 mV above -0.1 V below 0 mV", Param(-70.0, "mV", above=-100.0, below=0.0)),
        ("3 nA/s", Param(3.0, "pA/ms")),
        ("4 mV/ms", Param(4.0, "mV/ms")),
        ("100 MOhm", Param(0.1, "GOhm")),
        (7, Param(7.0)),
        (Param(1.0, "pF", above=0), Param(1.0, "pF", above=0)),
    ],
)
def test_parameters_as_texts(given, found):
    assert parameter(given, "here") == found


def test_a_range_needs_a_bound():
    with pytest.raises(PluginError, match="here: not a range, found 'below'"):
        parameter("10 ms below", "here")

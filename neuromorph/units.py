"""Units are checked once, at the border: inside, every number is in ms, mV, pA, pF, nS or Hz.

These are coherent (pA = nS mV = pF mV/ms, mV = pA GOhm) but for Hz, which is 1e-3/ms. Products and quotients of units,
such as pA/ms, are units too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from neuromorph.errors import InputError, Problem, suggestion

#: unit -> (canonical unit, factor)
UNITS: dict[str, tuple[str, float]] = {
    "us": ("ms", 1e-3), "ms": ("ms", 1.0), "s": ("ms", 1e3), "min": ("ms", 6e4),
    "uV": ("mV", 1e-3), "mV": ("mV", 1.0), "V": ("mV", 1e3),
    "pA": ("pA", 1.0), "nA": ("pA", 1e3), "uA": ("pA", 1e6),
    "pF": ("pF", 1.0), "nF": ("pF", 1e3),
    "nS": ("nS", 1.0), "uS": ("nS", 1e3),
    "Hz": ("Hz", 1.0), "kHz": ("Hz", 1e3),
    "GOhm": ("GOhm", 1.0), "MOhm": ("GOhm", 1e-3), "Gohm": ("GOhm", 1.0), "Mohm": ("GOhm", 1e-3),
    "um": ("um", 1.0), "mm": ("um", 1e3),
    "1": ("1", 1.0), "": ("1", 1.0),
}  # fmt: skip

#: canonical unit -> powers of ms, mV, pA and um
_POWERS: dict[str, tuple[int, int, int, int]] = {
    "1": (0, 0, 0, 0), "ms": (1, 0, 0, 0), "mV": (0, 1, 0, 0), "pA": (0, 0, 1, 0), "um": (0, 0, 0, 1),
    "pF": (1, -1, 1, 0), "nS": (0, -1, 1, 0), "GOhm": (0, 1, -1, 0), "Hz": (-1, 0, 0, 0),
}  # fmt: skip
Powers = tuple[Fraction, ...]
NO_UNIT: Powers = (Fraction(0),) * 4


@dataclass(frozen=True)
class Unit:
    """A unit as powers of ms, mV, pA and um, times a factor."""

    powers: Powers
    factor: float = 1.0

    def __mul__(self, other: Unit) -> Unit:
        return Unit(tuple(a + b for a, b in zip(self.powers, other.powers)), self.factor * other.factor)

    def __truediv__(self, other: Unit) -> Unit:
        return Unit(tuple(a - b for a, b in zip(self.powers, other.powers)), self.factor / other.factor)

    def __pow__(self, exponent: Fraction | int) -> Unit:
        return Unit(tuple(a * exponent for a in self.powers), self.factor ** float(exponent))

    @property
    def bare(self) -> bool:
        """Whether it is a pure number."""
        return self.powers == NO_UNIT

    def __str__(self) -> str:
        """The simplest product or quotient of canonical units with these powers."""
        return _named(self.powers)


def simple_unit(name: str) -> Unit | None:
    """The unit called `name`, such as nA; None where there is none."""
    if name not in UNITS:
        return None
    canonical, factor = UNITS[name]
    powers = tuple(Fraction(n) for n in _POWERS[canonical])
    return Unit(powers, factor * (1e-3 if canonical == "Hz" else 1.0))


_FACTOR = re.compile(r"\s*([*/])\s*(1|[A-Za-z]+)\s*(?:(?:\*\*|\^)\s*(-?\d+))?")


def compound_unit(text: str, where: str = "") -> Unit:
    """The unit of a text such as "mV", "pA/ms", "1/ms" or "nS*mV^2"; raises InputError where it is none."""
    rest, unit = f"*{text.strip() or '1'}", Unit(NO_UNIT)
    while rest.strip():
        match = _FACTOR.match(rest)
        if match is None:
            allowed = 'a product or quotient of units, such as "pA/ms" or "1/ms"'
            raise InputError(Problem("not a unit", where, text, allowed))
        found = simple_unit(match[2])
        if found is None:
            raise InputError(
                Problem(f"unknown unit '{match[2]}'", where, text, fix=suggestion(match[2], filter(None, UNITS)))
            )
        found = found ** int(match[3] or 1)
        unit = unit * found if match[1] == "*" else unit / found
        rest = rest[match.end() :]
    return unit


def is_canonical(text: str) -> bool:
    """Whether a unit is made of ms, mV, pA, pF, nS, GOhm, Hz, um and 1 alone."""
    parts = re.split(r"\s*[*/]\s*", re.sub(r"(\*\*|\^)\s*-?\d+", "", text))
    return all(part in UNITS and UNITS[part] == (part, 1.0) for part in parts)


def _named(powers: Powers) -> str:
    """A text for powers: one canonical unit, else the shortest product and quotient of a few, else all bases."""
    names = ["1", "mV", "ms", "pA", "pF", "nS", "um", "GOhm"]
    vectors = {n: tuple(Fraction(k) for k in _POWERS[n]) for n in names}
    for name in names:
        if vectors[name] == powers:
            return name
    pairs = [(a, b) for b in names[1:] for a in names]
    for a, b in pairs:
        if tuple(x - y for x, y in zip(vectors[a], vectors[b])) == powers:
            return f"{a}/{b}"
    for k, a in enumerate(names[1:], 1):
        for b in names[k:]:
            if tuple(x + y for x, y in zip(vectors[a], vectors[b])) == powers:
                return f"{a}^2" if a == b else f"{a}*{b}"
    for a, b in pairs:
        for c in names[1:]:
            if tuple(x - y - z for x, y, z in zip(vectors[a], vectors[b], vectors[c])) == powers:
                return f"{a}/{b}/{c}"
    bases = zip(("ms", "mV", "pA", "um"), powers)
    return "*".join(name if n == 1 else f"{name}^{n}" for name, n in bases if n)


_QUANTITY = re.compile(
    r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z1]*|[A-Za-z1][A-Za-z0-9*/^\s-]*)\s*$"
)


def quantity(value: object, unit: str, where: str = "") -> float:
    """Return `value` (a number in `unit`, or text such as "20 ms") as a float in `unit`.

    Raises InputError for text that is no quantity, for an unknown unit and for one of another kind.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise InputError(Problem("number too large", where, value, "up to 1.8e308")) from None
    match = _QUANTITY.match(value) if isinstance(value, str) else None
    if match is None:
        raise InputError(Problem("not a quantity", where, value, f'a number in {unit}, or text such as "20 {unit}"'))
    number, name = float(match[1]), match[2]
    if not name:
        return number
    same = [known for known, (kind, _) in UNITS.items() if kind == unit and known]
    if not name.isalnum() or (unit not in UNITS and name in UNITS):
        found, wanted = compound_unit(name, where), compound_unit(unit)
        if found.powers != wanted.powers:
            raise InputError(Problem(f"unit '{name}' where {unit} is meant", where, value, f"units of {unit}"))
        return number * (found.factor / wanted.factor)
    if name not in UNITS:
        raise InputError(Problem(f"unknown unit '{name}'", where, value, f"units of {unit}", suggestion(name, same)))
    canonical, factor = UNITS[name]
    if canonical != unit:
        raise InputError(Problem(f"unit '{name}' where {unit} is meant", where, value, f"units of {unit}"))
    return number * factor

"""Units are checked once, at the border: inside, every number is in ms, mV, pA, pF, nS or Hz."""

from __future__ import annotations

import re

from neuromorph.errors import InputError, Problem, suggestion

#: unit -> (canonical unit, factor)
UNITS: dict[str, tuple[str, float]] = {
    "us": ("ms", 1e-3), "ms": ("ms", 1.0), "s": ("ms", 1e3), "min": ("ms", 6e4),
    "uV": ("mV", 1e-3), "mV": ("mV", 1.0), "V": ("mV", 1e3),
    "pA": ("pA", 1.0), "nA": ("pA", 1e3), "uA": ("pA", 1e6),
    "pF": ("pF", 1.0), "nF": ("pF", 1e3),
    "nS": ("nS", 1.0), "uS": ("nS", 1e3),
    "Hz": ("Hz", 1.0), "kHz": ("Hz", 1e3),
    "um": ("um", 1.0), "mm": ("um", 1e3),
    "1": ("1", 1.0), "": ("1", 1.0),
}  # fmt: skip

_QUANTITY = re.compile(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z1]*)\s*$")


def quantity(value: object, unit: str, where: str = "") -> float:
    """Return `value` (a number in `unit`, or text such as "20 ms") as a float in `unit`.

    Raises InputError for text that is no quantity, for an unknown unit and for one of another kind.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _QUANTITY.match(value) if isinstance(value, str) else None
    if match is None:
        raise InputError(Problem("not a quantity", where, value, f'a number in {unit}, or text such as "20 {unit}"'))
    number, name = float(match[1]), match[2]
    if not name:
        return number
    same = [known for known, (kind, _) in UNITS.items() if kind == unit and known]
    if name not in UNITS:
        raise InputError(Problem(f"unknown unit '{name}'", where, value, f"units of {unit}", suggestion(name, same)))
    canonical, factor = UNITS[name]
    if canonical != unit:
        raise InputError(Problem(f"unit '{name}' where {unit} is meant", where, value, f"units of {unit}"))
    return number * factor

"""How a model, an input or a rule declares its parameters: default, unit, range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from neuromorph.errors import Problem

T = TypeVar("T")


@dataclass(frozen=True)
class Param:
    """A parameter with its default, canonical unit (ms, mV, pA, pF, nS, Hz, um or 1) and range.

    `above` and `below` are exclusive bounds, `at_least` and `at_most` inclusive ones.
    """

    default: float
    unit: str = "1"
    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None
    doc: str = ""

    @property
    def allowed(self) -> str:
        """The range in words, such as `above 0 ms`."""
        words = []
        for word, bound in (
            ("above", self.above),
            ("at least", self.at_least),
            ("below", self.below),
            ("at most", self.at_most),
        ):
            if bound is not None:
                words.append(f"{word} {bound:g}")
        unit = "" if self.unit == "1" else f" {self.unit}"
        return (" and ".join(words) + unit) if words else f"a finite number{unit and ' in' + unit}"

    def problem(self, values: object, where: str) -> Problem | None:
        """The first value outside the range, as a Problem; None where all are inside."""
        array = np.atleast_1d(np.asarray(values, dtype=float))
        bad = np.isnan(array)
        if self.at_most is None and self.below is None:
            bad |= np.isneginf(array)
        else:
            bad |= np.isinf(array)
        if self.above is not None:
            bad |= ~(array > self.above)
        if self.at_least is not None:
            bad |= ~(array >= self.at_least)
        if self.below is not None:
            bad |= ~(array < self.below)
        if self.at_most is not None:
            bad |= ~(array <= self.at_most)
        if not bad.any():
            return None
        index = int(np.argmax(bad))
        place = where if array.size == 1 else f"{where}[{index}]"
        value = float(array[index])
        return Problem("value out of range" if not math.isnan(value) else "not a number", place, value, self.allowed)


def declared(cls: type, kind: type[T]) -> dict[str, T]:
    """Class attributes of the given declaration kind, base classes first, in order of writing."""
    found: dict[str, T] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, kind):
                found[name] = value
            elif name in found:
                del found[name]
    return found

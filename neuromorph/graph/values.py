"""Values as people write them, read once into four small classes, in canonical units.

A value is a number, text with a unit ("20 ms"), a list or array, a table `{distribution = "normal", ...}` or a
reference `{file = "x.npz", array = "name"}`. Nothing is drawn here: a Distribution is only a description.

The functions that read take a list of problems and add to it; what could not be read comes back as None.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import InputError, Problem, suggestion
from neuromorph.graph.beside import beside
from neuromorph.numpy_files import ArrayFile, NotArrays
from neuromorph.parameters import Param
from neuromorph.units import quantity

#: distribution -> its arguments; those in units of the value, and of its logarithm for lognormal
DISTRIBUTIONS = {
    "normal": ("mean", "std"),
    "lognormal": ("mean", "std"),
    "uniform": ("low", "high"),
    "exponential": ("mean",),
}
#: a normal number lies further out than this many standard deviations once in 1e15: in no network that fits
_FAR = 8.0
#: bounds that keep less than this of a distribution would be drawn again and again
_SMALLEST_SHARE = 1e-4
_KINDS_OF_NUMBER = "biuf"


@dataclass(frozen=True)
class Constant:
    """One number for every neuron or synapse."""

    value: float


@dataclass(frozen=True, eq=False)
class Array:
    """One number per neuron or synapse, float64[n]."""

    values: NDArray[np.float64]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Array) and np.array_equal(self.values, other.values, equal_nan=True)

    def __hash__(self) -> int:
        return hash(self.values.tobytes())


@dataclass(frozen=True)
class Distribution:
    """A random number per neuron or synapse, drawn again until it lies in [low, high].

    `kind` and `args`: normal (mean, std), lognormal (mean, std: of the natural logarithm of the number in its
    canonical unit), uniform (low, high: in [low, high)), exponential (mean). The bounds `low` and `high` are
    infinite where none are given; those of a uniform distribution are in `args` alone.
    """

    kind: str
    args: dict[str, float] = field(default_factory=dict)
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True)
class SameAs:
    """The value that this neuron has in the named parameter (only in `initial`)."""

    parameter: str


Value = Constant | Array | Distribution | SameAs


def read_number(value: object, unit: str, where: str, problems: list[Problem]) -> float | None:
    """Read one number, in `unit`; bool, NaN and everything that is no quantity are problems."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    try:
        number = quantity(value, unit, where)
    except InputError as error:
        problems.extend(error.problems)
        return None
    if math.isnan(number):
        problems.append(Problem("not a number", where, number, "a finite number"))
        return None
    return number


def read_value(
    value: object, unit: str, where: str, problems: list[Problem], folder: Path | None = None
) -> Constant | Array | Distribution | None:
    """Read a value of any of the forms above; `folder` is where file references start."""
    if isinstance(value, Mapping) and "file" not in value:
        return _read_distribution(value, unit, where, problems)
    if isinstance(value, Mapping | list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0):
        array = read_array(value, unit, where, problems, folder)
        return None if array is None else Array(np.asarray(array, np.float64))
    number = read_number(value, unit, where, problems)
    return None if number is None else Constant(number)


def read_array(
    value: object, unit: str, where: str, problems: list[Problem], folder: Path | None = None
) -> NDArray[Any] | None:
    """Read a list (of numbers or of text with units), an array of numbers, or a reference to one in a file.

    The dtype of an array is kept; lists become float64. NaN is a problem.
    """
    array: NDArray[Any] | None
    if isinstance(value, Mapping):
        array = _read_file(value, where, problems, folder)
    elif isinstance(value, np.ndarray) and value.dtype.kind in _KINDS_OF_NUMBER:
        array = value
    elif isinstance(value, list | tuple | np.ndarray):
        array = _read_list(list(value), unit, where, problems)
    else:
        array = None
        problems.append(Problem("not a list or array", where, value, "a list, an array or {file, array}"))
    if array is None:
        return None
    bad = np.isnan(array) if array.dtype.kind == "f" else np.zeros(0, bool)
    if bad.any():
        spot = ", ".join(str(i) for i in np.argwhere(bad)[0])
        problems.append(Problem("not a number", f"{where}[{spot}]", math.nan, "finite numbers"))
        return None
    return array


def _read_list(values: list[Any], unit: str, where: str, problems: list[Problem]) -> NDArray[np.float64] | None:
    plain = plain_numbers(values)
    if plain is not None:
        return plain
    if values and all(isinstance(row, list | tuple | np.ndarray) for row in values):
        rows = [_read_list(list(row), unit, f"{where}[{i}]", problems) for i, row in enumerate(values)]
        if any(row is None for row in rows):
            return None
        if len({row.shape for row in rows if row is not None}) > 1:
            problems.append(Problem("rows of unequal length", where, sorted({len(row) for row in values})))
            return None
        return np.array(rows)
    numbers = [read_number(item, unit, f"{where}[{i}]", problems) for i, item in enumerate(values)]
    return None if None in numbers else np.array(numbers, np.float64)


def is_numeric(values: list[Any]) -> bool:
    """Whether a list holds nothing but plain numbers (neither bool nor text): fast for long lists."""
    return set(map(type, values)) <= {int, float, np.float64, np.float32, np.int64, np.int32}


def plain_numbers(values: list[Any]) -> NDArray[np.float64] | None:
    """A list as an array where it `is_numeric`; None where it is not, or a whole number is beyond all floats."""
    if not is_numeric(values):
        return None
    try:
        return np.array(values, np.float64)
    except OverflowError:  # which number it was is found when they are read one by one
        return None


def _read_file(value: Mapping[str, Any], where: str, problems: list[Problem], folder: Path | None) -> Any:
    problems_before = len(problems)
    for key in value:
        if key not in ("file", "array"):
            problems.append(Problem(f"unknown key '{key}'", where, fix=suggestion(key, ("file", "array"))))
    if not isinstance(value.get("file"), str):
        problems.append(Problem("no file is named", where, dict(value), '{file = "x.npz", array = "name"}'))
    if len(problems) > problems_before:
        return None
    try:
        held = ArrayFile(beside(folder, value["file"], where))
        name = str(value.get("array")) if held.names != [""] else ""
        if name not in held.names:
            fix = suggestion(name, held.names)
            problems.append(Problem(f"no array '{name}' in {value['file']}", where, fix=fix))
            return None
        array = held.read([name])[name]
    except (OSError, NotArrays) as error:
        said = error.strerror if isinstance(error, OSError) else "It is no whole .npy or .npz file of numbers"
        problems.append(Problem("cannot read the file", where, value["file"], fix=f"{said}."))
        return None
    except InputError as error:  # it does not fit, or lies elsewhere
        problems.extend(error.problems)
        return None
    if array.dtype.kind not in _KINDS_OF_NUMBER:
        problems.append(Problem("not an array of numbers", where, str(array.dtype)))
        return None
    return array


def _read_distribution(value: Mapping[str, Any], unit: str, where: str, problems: list[Problem]) -> Distribution | None:
    kind = value.get("distribution")
    if not isinstance(kind, str) or kind not in DISTRIBUTIONS:
        what = "not a value" if kind is None else f"unknown distribution '{kind}'"
        problems.append(Problem(what, where, dict(value), fix=suggestion(str(kind), DISTRIBUTIONS)))
        return None
    found: list[Problem] = []
    known = dict.fromkeys((*DISTRIBUTIONS[kind], "low", "high"))
    for key in value:
        if key != "distribution" and key not in known:
            found.append(Problem(f"unknown key '{key}' of distribution {kind}", where, fix=suggestion(key, known)))
    for key in DISTRIBUTIONS[kind]:
        if key not in value:
            found.append(Problem(f"distribution {kind} needs '{key}'", where))
    numbers = {}
    for key in known:
        if key in value:
            own_unit = "1" if kind == "lognormal" and key in ("mean", "std") else unit
            numbers[key] = read_number(value[key], own_unit, f"{where}.{key}", found)
    problems += found
    if found:
        return None
    args = {key: float(numbers.pop(key)) for key in DISTRIBUTIONS[kind]}  # type: ignore[arg-type]
    result = Distribution(kind, args, numbers.get("low", -math.inf), numbers.get("high", math.inf))  # type: ignore[arg-type]
    wrong = _distribution_problem(result, where)
    problems += [wrong] if wrong else []
    return None if wrong else result


def _distribution_problem(d: Distribution, where: str) -> Problem | None:
    if not all(math.isfinite(number) for number in d.args.values()):
        return Problem(f"distribution {d.kind} needs finite numbers", where, d.args)
    if d.args.get("std", 0.0) < 0:
        return Problem("value out of range", f"{where}.std", d.args["std"], "at least 0")
    if d.kind == "exponential" and d.args["mean"] <= 0:
        return Problem("value out of range", f"{where}.mean", d.args["mean"], "above 0")
    low, high = (d.args["low"], d.args["high"]) if d.kind == "uniform" else (d.low, d.high)
    if not low < high:
        return Problem("low must be below high", where, (low, high))
    if _share(d) < _SMALLEST_SHARE:
        what = f"bounds leave less than {_SMALLEST_SHARE:g} of the distribution"
        return Problem(what, where, (d.low, d.high), fix="Move the bounds or the mean.")
    return None


def _share(d: Distribution) -> float:
    """Probability that one draw lies within the bounds."""
    if d.kind == "uniform":
        return 1.0
    if d.args.get("std") == 0.0:
        low, high = support(d)
        return float(low <= high)
    return _cumulative(d, d.high) - _cumulative(d, d.low)


def _cumulative(d: Distribution, x: float) -> float:
    mean = d.args["mean"]
    if d.kind == "exponential":
        return -math.expm1(-max(x, 0.0) / mean)
    if d.kind == "lognormal":
        x = math.log(x) if x > 0 else -math.inf
    return 0.5 * math.erfc((mean - x) / (d.args["std"] * math.sqrt(2)))


def support(value: Value) -> tuple[float, float]:
    """Smallest and largest number that a value can hold; for a distribution, all but 1e-15 of its draws."""
    if isinstance(value, Constant):
        return value.value, value.value
    if isinstance(value, Array):
        return (float(value.values.min()), float(value.values.max())) if value.values.size else (math.inf, -math.inf)
    if isinstance(value, SameAs):
        return -math.inf, math.inf
    low, high = _unbounded_support(value)
    return max(low, value.low), min(high, value.high)


def _unbounded_support(d: Distribution) -> tuple[float, float]:
    if d.kind == "uniform":
        return d.args["low"], math.nextafter(d.args["high"], -math.inf)
    if d.kind == "exponential":
        return 1e-15 * d.args["mean"], 35.0 * d.args["mean"]
    low, high = d.args["mean"] - _FAR * d.args["std"], d.args["mean"] + _FAR * d.args["std"]
    return (math.exp(low), math.exp(min(high, 700.0))) if d.kind == "lognormal" else (low, high)


def range_problem(value: Value, param: Param, where: str) -> Problem | None:
    """The first number of a value outside the range of a parameter, as a Problem."""
    if isinstance(value, Constant):
        return param.problem(value.value, where)
    if isinstance(value, Array):
        return param.problem(value.values, where) if value.values.size else None
    if isinstance(value, SameAs):
        return None
    for end in support(value):
        if param.problem(end, where) is not None:
            shown = "{:.6g} to {:.6g}".format(*support(value))
            fix = "Give the distribution bounds `low` and `high`."
            return Problem("values out of range can be drawn", where, shown, param.allowed, fix)
    return None


def finite_problem(value: Value, where: str) -> Problem | None:
    """The first infinite number of a value, as a Problem."""
    if isinstance(value, SameAs) or (isinstance(value, Array) and not value.values.size):
        return None
    for end in support(value):
        if not math.isfinite(end):
            return Problem("must be finite", where, end)
    return None


def sort_key(value: Value | None) -> tuple[int, float, str]:
    """A key that orders values of any kind, by their content."""
    if value is None:
        return 0, 0.0, ""
    if isinstance(value, Constant):
        return 1, value.value, ""
    if isinstance(value, Array):
        return 2, 0.0, hashlib.sha256(value.values.tobytes()).hexdigest()
    return 3, 0.0, repr(value)

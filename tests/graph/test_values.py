from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromorph.graph.values import (
    Array,
    Constant,
    Distribution,
    SameAs,
    finite_problem,
    range_problem,
    read_array,
    read_value,
    sort_key,
    support,
)
from neuromorph.parameters import Param


def read(value, unit="ms", folder=None):
    problems = []
    result = read_value(value, unit, "here", problems, folder)
    return result if not problems else "\n".join(map(str, problems))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (20, 20.0),
        ("20 ms", 20.0),
        ("0.02 s", 20.0),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3.0),
        (np.array(2.0), 2.0),
        ("1e3 us", 1.0),
    ],
)
def test_a_number_is_a_constant_in_the_canonical_unit(value, expected):
    assert read(value) == Constant(pytest.approx(expected))


def test_lists_and_arrays_become_float64_arrays():
    assert read([1, 2.5]) == Array(np.array([1.0, 2.5]))
    assert read(["1 s", 2, "3 ms"]) == Array(np.array([1000.0, 2.0, 3.0]))
    assert read(np.arange(3, dtype=np.int32)) == Array(np.array([0.0, 1.0, 2.0]))
    assert read([]) == Array(np.array([]))
    assert read([[1, "2 s"], [3, 4]]) == Array(np.array([[1.0, 2000.0], [3.0, 4.0]]))


def test_arrays_are_equal_by_content_and_hash_alike():
    one, other = Array(np.array([1.0, 2.0])), Array(np.array([1.0, 2.0]))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Array(np.array([1.0, 3.0]))


def test_distributions_are_described_in_canonical_units():
    assert read({"distribution": "normal", "mean": "1 s", "std": 10, "low": "1 ms"}) == Distribution(
        "normal", {"mean": 1000.0, "std": 10.0}, low=1.0
    )
    assert read({"distribution": "uniform", "low": 1, "high": "2 s"}) == Distribution(
        "uniform", {"low": 1.0, "high": 2000.0}
    )
    assert read({"distribution": "exponential", "mean": 5, "high": 9}) == Distribution(
        "exponential", {"mean": 5.0}, high=9.0
    )
    logarithm = {"distribution": "lognormal", "mean": -1.0, "std": 0.5}
    assert read(logarithm) == Distribution("lognormal", {"mean": -1.0, "std": 0.5})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, 'here: not a quantity, found True (allowed: a number in ms, or text such as "20 ms")'),
        (None, "here: not a quantity, found None"),
        ("fast", "here: not a quantity, found 'fast'"),
        ("20 mss", "here: unknown unit 'mss', found '20 mss' (allowed: units of ms). Did you mean 'ms'?"),
        ("20 mV", "here: unit 'mV' where ms is meant"),
        (math.nan, "here: not a number, found nan"),
        ([1.0, math.nan], "here[1]: not a number, found nan"),
        ([1, "2 mV"], "here[1]: unit 'mV' where ms is meant"),
        ([[1, 2], [3]], "here: rows of unequal length, found [1, 2]"),
        (np.array(["a"]), "here[0]: not a quantity, found 'a'"),
        ({"a": 1}, "here: not a value, found {'a': 1}"),
        ({"distribution": "normall"}, "here: unknown distribution 'normall'"),
        ({"distribution": "normall"}, "Did you mean 'normal'?"),
        ({"distribution": "normal", "mean": 1}, "here: distribution normal needs 'std'"),
        ({"distribution": "normal", "mean": 1, "std": 1, "men": 2}, "unknown key 'men' of distribution normal"),
        (
            {"distribution": "normal", "mean": 1, "std": -1},
            "here.std: value out of range, found -1.0 (allowed: at least 0)",
        ),
        ({"distribution": "normal", "mean": "1 mV", "std": 1}, "here.mean: unit 'mV' where ms is meant"),
        ({"distribution": "normal", "mean": math.inf, "std": 1}, "distribution normal needs finite numbers"),
        ({"distribution": "lognormal", "mean": "1 ms", "std": 1}, "here.mean: unit 'ms' where 1 is meant"),
        ({"distribution": "exponential", "mean": 0}, "here.mean: value out of range, found 0.0 (allowed: above 0)"),
        ({"distribution": "uniform", "low": 2, "high": 2}, "here: low must be below high, found (2.0, 2.0)"),
        ({"distribution": "normal", "mean": 0, "std": 1, "low": 3, "high": 2}, "here: low must be below high"),
        (
            {"distribution": "normal", "mean": 0, "std": 1, "low": 9},
            "here: bounds leave less than 0.0001 of the distribution",
        ),
        ({"distribution": "normal", "mean": 0, "std": 0, "low": 9}, "Move the bounds or the mean."),
        ({"distribution": "exponential", "mean": 1, "low": 50}, "bounds leave less than"),
        ({"distribution": "lognormal", "mean": 0, "std": 1, "high": 0}, "bounds leave less than"),
        ({"file": "no.npz", "array": "a"}, "here: cannot read the file, found 'no.npz'"),
        ({"file": 3}, "here: no file is named"),
        ({"file": "x.npz", "aray": "a"}, "here: unknown key 'aray'. Did you mean 'array'?"),
    ],
)
def test_what_is_no_value_is_a_problem(value, words):
    assert words in read(value)


def test_read_array_takes_no_number():
    problems = []
    assert read_array(3.0, "ms", "here", problems) is None
    assert str(problems[0]).startswith(
        "here: not a list or array, found 3.0 (allowed: a list, an array or {file, array})"
    )


def test_file_references_start_at_the_folder(tmp_path):
    np.savez(tmp_path / "x.npz", weights=np.array([1.0, 2.0]), names=np.array(["a"]))
    np.save(tmp_path / "one.npy", np.array([3]))
    assert read({"file": "x.npz", "array": "weights"}, folder=tmp_path) == Array(np.array([1.0, 2.0]))
    assert read({"file": "one.npy"}, folder=tmp_path) == Array(np.array([3.0]))
    wrong = read({"file": "x.npz", "array": "weigths"}, folder=tmp_path)
    assert wrong == "here: no array 'weigths' in x.npz. Did you mean 'weights'?"
    assert "here: not an array of numbers, found '<U1'" in read({"file": "x.npz", "array": "names"}, folder=tmp_path)


def test_the_dtype_of_an_array_is_kept():
    problems = []
    pixels = np.zeros((2, 3), np.uint8)
    assert read_array(pixels, "1", "here", problems) is pixels


@given(
    st.sampled_from(["normal", "uniform", "exponential", "lognormal"]),
    st.floats(0.1, 3),
    st.floats(0.1, 2),
    st.integers(0, 2**32),
)
def test_draws_lie_in_the_support(kind, mean, std, seed):
    args = {
        "normal": {"mean": mean, "std": std},
        "lognormal": {"mean": mean, "std": std},
        "exponential": {"mean": mean},
    }
    value = Distribution(kind, args.get(kind, {"low": mean, "high": mean + std}))
    rng = np.random.default_rng(seed)
    drawn = {
        "normal": lambda: rng.normal(mean, std, 1000),
        "lognormal": lambda: rng.lognormal(mean, std, 1000),
        "exponential": lambda: rng.exponential(mean, 1000),
        "uniform": lambda: rng.uniform(mean, mean + std, 1000),
    }[kind]()
    low, high = support(value)
    assert low <= drawn.min() <= drawn.max() <= high


def test_support_ends_at_the_bounds():
    assert support(Distribution("normal", {"mean": 0.0, "std": 1.0}, low=-1.0)) == (-1.0, 8.0)
    assert support(Constant(3.0)) == (3.0, 3.0)
    assert support(Array(np.array([]))) == (math.inf, -math.inf)
    assert support(SameAs("V_th")) == (-math.inf, math.inf)


def test_a_range_is_checked_at_the_ends_of_the_support():
    positive = Param(1.0, "ms", above=0)
    wide = Distribution("normal", {"mean": 1.5, "std": 0.75})
    assert str(range_problem(wide, positive, "here")) == (
        "here: values out of range can be drawn, found '-4.5 to 7.5' (allowed: above 0 ms). "
        "Give the distribution bounds `low` and `high`."
    )
    assert range_problem(Distribution("normal", {"mean": 87.8, "std": 8.78}), positive, "here") is None
    assert range_problem(Distribution("exponential", {"mean": 1.0}), positive, "here") is None
    assert range_problem(Distribution("uniform", {"low": 0.0, "high": 1.0}), Param(0.5, below=1.0), "here") is None
    assert str(range_problem(Array(np.array([1.0, -2.0])), positive, "here")).startswith("here[1]: value out of range")
    assert range_problem(Array(np.array([])), positive, "here") is None
    assert range_problem(SameAs("tau_m"), positive, "here") is None
    assert str(finite_problem(Constant(math.inf), "here")) == "here: must be finite, found inf"
    assert finite_problem(SameAs("tau_m"), "here") is None


def test_values_of_all_kinds_can_be_sorted():
    values = [None, Constant(2.0), Constant(1.0), Array(np.array([1.0])), Distribution("exponential", {"mean": 1.0})]
    assert sorted(values, key=sort_key)[:3] == [None, Constant(1.0), Constant(2.0)]

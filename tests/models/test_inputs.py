"""What is wrong with the arrays of an input is said, with the first number that is wrong and where it stands."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuromorph.models.inputs import PatternVolley, Poisson, SpikeTrain

PATTERNS = np.array([[1.0, 1.0], [2.0, 3.0]])


@pytest.mark.parametrize(
    ("model", "given", "sentence"),
    [
        (
            Poisson,
            {"rates": [1.0]},
            "`rates` and `times` must both be given and have the same length, found 1 and nothing",
        ),
        (
            Poisson,
            {"rates": [1.0], "times": [0.0, 1.0]},
            "`times` must both be given and have the same length, found 1 and 2",
        ),
        (Poisson, {"rates": [], "times": []}, "`times` must both be given and have the same length, found 0 and 0"),
        (Poisson, {"rates": [1.0], "times": [5.0]}, "`times` must ascend from 0 ms, found 5 at position 0"),
        (
            Poisson,
            {"rates": [1.0] * 3, "times": [0.0, 5.0, 5.0]},
            "`times` must ascend from 0 ms, found 5 at position 2",
        ),
        (
            Poisson,
            {"rates": [1.0, -2.0], "times": [0.0, 5.0]},
            "`rates` must be finite and at least 0 Hz, found -2 at position 1",
        ),
        (
            Poisson,
            {"rates": [math.inf], "times": [0.0]},
            "`rates` must be finite and at least 0 Hz, found inf at position 0",
        ),
        (SpikeTrain, {"times": [1.0, 0.0]}, "`times` must be finite and above 0 ms, found 0 at position 1"),
        (SpikeTrain, {"times": [math.inf]}, "`times` must be finite and above 0 ms, found inf at position 0"),
        (
            SpikeTrain,
            {"times": [1.0], "indices": [0, 1]},
            "`times` and `indices` must have the same length, found 1 and 2",
        ),
        (PatternVolley, {"order": [0]}, "`patterns` must be given, as an array of (number of patterns) x (size)"),
        (PatternVolley, {"patterns": [1.0], "order": [0]}, "`patterns` must be given, as an array of"),
        (PatternVolley, {"patterns": PATTERNS}, "`order` must be given: the pattern of each cycle"),
        (
            PatternVolley,
            {"patterns": -PATTERNS, "order": [0]},
            "`patterns` must be finite and at least 0, found -1 at position 0",
        ),
        (
            PatternVolley,
            {"patterns": PATTERNS * math.inf, "order": [0]},
            "`patterns` must be finite and at least 0, found inf at position 0",
        ),
        (
            PatternVolley,
            {"patterns": PATTERNS, "order": [0, 2]},
            "`order` must hold whole numbers from 0 to 1, found 2 at position 1",
        ),
        (
            PatternVolley,
            {"patterns": PATTERNS, "order": [-1]},
            "`order` must hold whole numbers from 0 to 1, found -1 at position 0",
        ),
        (
            PatternVolley,
            {"patterns": PATTERNS, "order": [1, 0.5]},
            "`order` must hold whole numbers from 0 to 1, found 0.5 at position 1",
        ),
    ],
)
def test_what_is_wrong_with_an_array(model, given, sentence):
    (found,) = model.validate(given)
    assert sentence in found


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (Poisson, {}),
        (Poisson, {"rates": [0.0, 1.0], "times": [0.0, 5.0]}),
        (SpikeTrain, {}),
        (SpikeTrain, {"times": [2.0, 1.0], "indices": [0, 1]}),
        (PatternVolley, {"patterns": PATTERNS, "order": []}),
        (PatternVolley, {"patterns": PATTERNS.astype(np.uint8), "order": np.array([0, 1], np.int32)}),
    ],
)
def test_nothing_is_wrong(model, given):
    assert model.validate(given) == []

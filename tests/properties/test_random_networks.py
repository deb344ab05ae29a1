"""Any network of the series: what the oracle says, and the same bytes however it is described, split, cut and saved.

100 networks; 2,000 with NEUROMORPH_LONG=1 (docs/reliability.md). Networks in which something hangs on rounding are no
evidence against the oracle (see oracle.py), but their bytes are compared all the same.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import random_networks as series
import twin_rules
from comparison import differences
from neuromorph import Simulation
from properties.test_same_bytes import left_by, network, resolution, shuffled
from stages import run_in_stages

LONG = bool(os.environ.get("NEUROMORPH_LONG"))
EACH = 1000 if LONG else 50
#: by default those of tests/engine/test_against_oracle.py, whose kernels are compiled there
NUMBERS = st.integers(0, 99_999 if LONG else 99)
DURATION = 48.0  # ms
CUTS = st.lists(st.integers(1, int(DURATION * 2**10) - 1).map(lambda k: k / 2**10), max_size=3, unique=True).map(sorted)
MANY = settings(max_examples=EACH, deadline=None, derandomize=True)


@pytest.fixture(autouse=True)
def _rules():
    with twin_rules.registered():
        yield


@pytest.mark.parametrize("mode", ["exact", "grid"])
def test_any_network(mode):
    grazes = []

    @MANY
    @given(
        number=NUMBERS, cuts=CUTS, parts=st.lists(st.integers(1, 3), min_size=1, max_size=3),
        random=st.randoms(use_true_random=False),
    )  # fmt: skip
    def compare(number, cuts, parts, random):
        how = resolution(number, mode)
        found = differences(series.network(number, how), how, DURATION, seed=7, cuts=cuts, parts=parts[0])
        grazes.append(bool(found["grazes"]))
        assert found["grazes"] or found["problems"] == []
        whole = Simulation(network(number, mode), how, 7)
        whole.run_until(DURATION)
        described = shuffled(network(number, mode), random)
        assert left_by(run_in_stages(lambda: described, how, [*cuts, DURATION], parts)) == left_by(whole)

    compare()
    assert sum(grazes) < 0.1 * len(grazes), "too many networks hang on rounding to be evidence"

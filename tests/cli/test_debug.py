"""neuromorph run --debug, and what an ordinary run says of weights that are no numbers."""

from __future__ import annotations

import json

import pytest

from neuromorph import Trace

RULE = '''
from neuromorph.learning.contract import LearningRule, State


class Grows(LearningRule):
    """Too large for a float32 at the third spike."""

    n = State(0.0)

    def on_pre(w, pre, post, p, syn):
        return w * (1e30 if syn.n > 0.5 else 1.0), syn.n + 1.0
'''
NETWORK = """
[run]
duration = "10 ms"
resolution = 0.5
[populations.cell]
model = "lif_delta"
[inputs.i]
model = "spike_train"
params = { times = [2.0, 4.0, 7.0] }
[[projections]]
source = "i"
target = "cell"
weight = 0.5
delay = 1.0
plasticity = { rule = "grows" }
[[record]]
projection = "i_cell"
variable = "weight"
interval = 1.0
"""


@pytest.fixture
def grows(folder):
    (folder / "grows.py").write_text(RULE)
    (folder / "grows.toml").write_text(NETWORK)
    return "run", "grows.toml", "--plugin", "grows.py", "-o", "x.h5"


@pytest.mark.parametrize("resolution", ["exact", "0.5"])
def test_debug_stops_at_the_first_weight_that_is_not_finite(call, grows, resolution):
    answer = call(*grows, "--debug", "--resolution", resolution)
    assert (answer.code, answer.out) == (1, "")
    lines = answer.err.splitlines()
    assert lines[0] == "neuromorph: --debug: hooks run uncompiled, many times slower, on one thread"
    assert lines[1] == "neuromorph: i_cell[0]: on_pre of rule grows turned weight into inf, at 7 ms"
    assert lines[2].endswith("grows.py, line 10: def on_pre(w, pre, post, p, syn):")
    assert lines[3:] == [
        "neuromorph: from i[0] to cell[0], delay 1 ms",
        "neuromorph: before: weight = 5.00000008e+29, n = 2",
        "neuromorph: after: weight = inf, n = 3",
        "neuromorph: it saw pre.count = 1, syn.n = 2",
    ]
    with Trace("x.h5") as trace:
        assert trace.summary()["status"] == "failed"


def test_debug_is_silent_where_asked_and_all_is_well(call, folder):
    answer = call("run", "tiny.toml", "--duration", 2, "-o", "x.h5", "--debug", "--quiet")
    assert answer == (0, "", "")


def test_an_ordinary_run_ends_with_a_warning_and_exit_code_1(call, grows):
    answer = call(*grows, "--json")
    assert answer.code == 1
    assert answer.err == (
        "neuromorph: warning: weights of projection 'i_cell' are not finite "
        "(1 of 1; first: i_cell[0] from i[0] to cell[0]). "
        "Run again with --debug (in Python: debug=True) to see where that began.\n"
    )
    assert json.loads(answer.out)["status"] == "complete"
    with Trace("x.h5") as trace:  # nothing that was recorded is lost
        recorded = trace.weights("i_cell")
    assert recorded.times.tolist() == [float(t) for t in range(11)]
    assert recorded.values[:, 0].tolist() == [0.5] * 4 + [pytest.approx(5e29)] * 3 + [float("inf")] * 4

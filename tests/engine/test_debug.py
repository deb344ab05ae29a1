"""Debug runs: the same results as ordinary ones, and a stop at the right synapse or cell, time and hook."""

from __future__ import annotations

import inspect
import math
import warnings

import numpy as np
import pytest

import random_networks as series
import twin_rules
from engine import faulty
from neuromorph import Network, Simulation
from neuromorph.debugging import HookError
from neuromorph.engine.minibatch import Batches
from neuromorph.errors import InputError, NotFinite, RunError
from neuromorph.learning.registry import registry as rules
from neuromorph.models.registry import registry as models

BOTH = pytest.mark.parametrize("resolution", ["exact", 0.5], ids=["exact", "grid"])


@pytest.fixture(autouse=True)
def _registered():
    with rules.override(faulty.RULES), models.override(faulty.MODELS):
        yield


def stopped(network, resolution, duration=20.0):
    """The error at which a debug run stops, with what it says in lines."""
    simulation = Simulation(network, resolution, debug=True)
    with pytest.raises(HookError) as caught:
        simulation.run(duration)
    return caught.value.call, str(caught.value).splitlines()


def line_of(cls, text):
    """File and number of the line of a class, or of the module, that holds a text."""
    lines = inspect.getsource(inspect.getmodule(cls)).splitlines()
    return f"{inspect.getfile(cls)}, line {next(n for n, line in enumerate(lines, 1) if text in line)}"


# -- rules ------------------------------------------------------------------------------------------------------------


@BOTH
def test_a_division_by_zero_names_synapse_time_hook_and_line(resolution):
    call, lines = stopped(faulty.learner("divides"), resolution)
    assert (call.place, call.hook, call.time, call.before) == ("p[3]", "on_pre", 3.0, {"weight": 0.25})
    assert lines == [
        "p[3]: on_pre of rule divides raised ZeroDivisionError: float division by zero, at 3 ms",
        f"{line_of(faulty.Divides, '# divides')}: return w + 1e-3 * pre.x / gap  # divides",
        "from i[1] to c[1], delay 1.5 ms",
        "before: weight = 0.25",
        "it saw pre.x = 0, pre.count = 1, p.tau = 20",
    ]


@BOTH
def test_a_weight_that_overflows_stops_at_the_third_spike(resolution):
    call, lines = stopped(faulty.learner("overflows"), resolution)
    assert (call.place, call.hook, call.time) == ("p[3]", "on_pre", 9.0)
    assert lines[0] == "p[3]: on_pre of rule overflows turned weight into inf, at 9 ms"
    assert lines[3:] == [
        "before: weight = 0.25, n = 2", "after: weight = inf, n = 3",
        "it saw pre.count = 1, syn.n = 2",
    ]  # fmt: skip


@BOTH
def test_an_upper_bound_makes_an_overflow_harmless(resolution):
    simulation = Simulation(faulty.learner("overflows", w_max=1.0), resolution, debug=True)
    simulation.run(20.0)
    assert simulation.weights("p").tolist() == [0.5, 0.5, 0.5, 1.0]


@BOTH
def test_a_state_that_overflows_at_a_signal(resolution):
    """e of p[3] is 1e200 after the signal at 4 ms, 1e400 after that of 10 ms or a spike: what comes first."""
    call, lines = stopped(faulty.learner("runaway"), resolution)
    # the spike of 6 ms is seen at 7.5 ms
    assert (call.place, call.hook, call.time) == ("p[3]", "on_post", 7.5)
    assert lines[0] == "p[3]: on_post of rule runaway turned e into inf, at 7.5 ms"
    assert call.before["e"] == pytest.approx(1e200)
    assert call.after["weight"] == 0.25


@BOTH
def test_a_weight_that_is_no_number_after_a_signal(resolution):
    call, lines = stopped(faulty.learner("unsure"), resolution)
    assert (call.place, call.hook, call.time) == ("p[3]", "on_signal", 14.0)
    assert lines[0] == "p[3]: on_signal of rule unsure turned weight into nan, at 14 ms"
    assert call.seen["value"] == 2.0
    assert math.isfinite(call.seen["post.V_m"])


@BOTH
def test_a_hook_that_raises(resolution):
    call, lines = stopped(faulty.learner("misspelt"), resolution)
    assert (call.place, call.hook, call.time) == ("p[0]", "on_post", 7.5)
    assert "raised NameError: name 'gian' is not defined, at 7.5 ms" in lines[0]
    assert lines[1].startswith(line_of(faulty.Misspelt, "gian * post.count"))


@BOTH
@pytest.mark.parametrize(
    ("rule", "words"),
    [("twovalues", "returned (0.25, 0.25), expected one number"), ("forgets", "returned None, expected one number")],
)
def test_a_hook_that_returns_something_else(resolution, rule, words):
    call, lines = stopped(faulty.learner(rule), resolution)
    name = "two_values" if rule == "twovalues" else rule
    assert lines[0] == f"p[3]: on_pre of rule {name} {words}, at 3 ms"
    assert call.after == {}


@BOTH
def test_an_index_beyond_a_table_in_a_compiled_helper(resolution):
    call, lines = stopped(faulty.learner("beyondtable"), resolution)
    assert (call.place, call.time) == ("p[3]", 3.0)
    assert "raised IndexError: index 7 is out of bounds" in lines[0]
    assert lines[1].startswith(line_of(faulty.BeyondTable, "# beyond the table"))


def test_a_signal_sent_by_hand_is_watched():
    simulation = Simulation(faulty.learner("unsure"), 0.5, debug=True)
    with pytest.raises(HookError, match="on_signal of rule unsure turned weight into nan, at 0 ms"):
        simulation.signal("r", 3.0)


def test_what_was_simulated_before_the_stop_is_kept(tmp_path):
    from neuromorph import Trace

    path = tmp_path / "x.h5"
    with pytest.raises(HookError), Simulation(faulty.learner("overflows"), 0.5, trace=path, debug=True) as simulation:
        simulation.run(20.0)
    with Trace(path) as trace:
        assert trace.summary()["status"] == "failed"
        assert 6.0 <= trace.simulated_ms <= 9.0
        assert trace.spikes("c")[0].tolist() == [6.0, 6.0]


def test_the_debugger_may_be_left(monkeypatch):
    import bdb

    def leave(*_):
        raise bdb.BdbQuit

    monkeypatch.setattr("builtins.breakpoint", leave)

    simulation = Simulation(faulty.learner("halts"), 0.5, debug=True)
    with pytest.raises(RunError, match="^the debugger was left$"):
        simulation.run(5.0)


# -- models -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("learns", [False, True], ids=["static", "plastic"])
def test_a_propagator_that_runs_away(learns):
    """v = 1e10 at 4 ms, 1e20 at 4.5 ms, and so on: 1e320 at 6.5 ms."""
    network = faulty.cells("square", [0.5, 1e10])
    if learns:
        network.connect("i", "cells", weight=0.0, delay=1.0, name="q", plasticity="pair_stdp")
    call, lines = stopped(network, 0.5)
    assert (call.place, call.hook, call.time) == ("cells[1]", "propagate", 6.5)
    assert lines[0] == "cells[1]: propagate of model square turned v into inf, at 6.5 ms"
    assert call.before["v"] == pytest.approx(1e160)
    assert lines[-1] == "it saw s.v = 1e+160, clamped = 0"


@BOTH
@pytest.mark.parametrize("learns", [False, True], ids=["static", "plastic"])
def test_a_reset_that_goes_wrong(resolution, learns):
    network = faulty.cells("jumper", [1.0, 1.5, 2.5])
    if learns:
        network.connect("i", "cells", weight=0.0, delay=1.0, name="q", plasticity="pair_stdp")
    call, lines = stopped(network, resolution)
    assert (call.place, call.hook, call.time) == ("cells[2]", "reset", 4.0)
    assert lines[0] == "cells[2]: reset of model jumper turned u into inf, at 4 ms"
    assert (call.before, call.after) == ({"v": 2.5, "u": 1.0}, {"v": 0.0, "u": math.inf})


@BOTH
def test_a_model_that_raises(resolution):
    call, lines = stopped(faulty.cells("jumper", [1.0, -3.0]), resolution)
    assert (call.place, call.hook, call.time) == ("cells[1]", "receive", 4.0)
    assert "raised ValueError" in lines[0]
    assert lines[1].startswith(line_of(faulty.Jumper, "math.log(-1.0)"))
    assert "x.delta = -3" in lines[-1]


# -- the same results -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "mode"), [(1, "exact"), (3, "exact"), (2, "grid"), (3, "grid")])
def test_a_debug_run_that_ends_gives_the_same_bytes(number, mode):
    resolution = mode if mode == "exact" else series.tick(number)
    found = []
    with twin_rules.registered():
        for debug in (False, True):
            simulation = Simulation(series.network(number, resolution), resolution, seed=7, debug=debug)
            simulation.run(40.0)
            states = {
                (n, v): simulation.state(n, v).tobytes() for n, c in simulation.cells.items() for v in c.variables
            }
            found.append((simulation.synapses().tobytes(), states, simulation.spike_counts))
    assert sum(found[0][2].values()) > 20
    assert found[0] == found[1]


# -- what cannot be debugged, and ordinary runs -----------------------------------------------------------------------


def test_minibatches_and_single_precision_are_refused():
    network = faulty.cells("jumper", [1.0])
    with pytest.raises(InputError, match="minibatches cannot be debugged"):
        Simulation(network, 0.5, debug=True, batches=object.__new__(Batches))
    with pytest.raises(InputError, match="a debug run is in float64, found 'float32'"):
        Simulation(network, 0.5, debug=True, precision="float32")


WORDS = (
    r"weights of projection 'p' are not finite \(1 of 4; first: p\[3\] from i\[1\] to c\[1\]\). "
    r"Run again with --debug \(in Python: debug=True\) to see where that began"
)


@BOTH
def test_an_ordinary_run_warns_once_when_weights_are_read(resolution):
    simulation = Simulation(faulty.learner("overflows"), resolution)
    simulation.run(20.0)
    with pytest.warns(NotFinite, match=WORDS):
        weights = simulation.weights("p")
    assert weights.tolist() == [0.5, 0.5, 0.5, math.inf]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulation.close()


def test_an_ordinary_run_warns_at_its_end():
    simulation = Simulation(faulty.learner("overflows"), 0.5)
    simulation.run(20.0)
    with pytest.warns(NotFinite, match=WORDS):
        assert simulation.close()["status"] == "complete"


def test_nothing_is_said_of_finite_weights():
    network = Network("fine")
    network.add_population("c", "lif_delta", 1)
    network.add_input("i", "spike_train", 1, {"times": [1.0]})
    network.connect("i", "c", weight=0.5, delay=1.0, name="p", plasticity="pair_stdp")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulation = Simulation(network, 0.5)
        simulation.run(3.0)
        assert np.isfinite(simulation.weights("p")).all()
        simulation.close()
    assert simulation.not_finite("p") == ""

"""What compiled code cannot raise ends the run all the same."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from neuromorph import Network, Simulation
from neuromorph.errors import RunError
from neuromorph.learning.contract import LearningRule
from neuromorph.learning.registry import registry


class RaisesAtSignal(LearningRule):
    """Raises when a signal of value 2 arrives."""

    def on_signal(w, pre, post, p, value):
        if value > 1.5:
            raise ValueError("not two")
        return w


def small() -> Network:
    network = Network("small")
    network.add_input("noise", "poisson", size=2, params={"rate": "5 kHz"})
    network.add_population("cells", "lif_delta", size=2)
    network.connect("noise", "cells", "one_to_one", weight=1.0, delay=1.0)
    return network


def unraisable(error: BaseException, where: str = "<numba.core.cpu.CPUContext>") -> SimpleNamespace:
    """What Python hands over where compiled code called by address raises."""
    return SimpleNamespace(object=where, exc_value=error, exc_type=type(error), exc_traceback=None, err_msg=None)


@pytest.mark.parametrize("resolution", [0.1, "exact"])
def test_a_signal_at_which_a_rule_raises(resolution):
    with registry.override({"raises_at_signal": RaisesAtSignal}):
        network = small()
        network.add_signal("reward", times=[1.0], values=[1.0])
        network.connect(
            "noise", "cells", "all_to_all", weight=0.1, delay=1.0,
            plasticity={"rule": "raises_at_signal", "signals": ["reward"]},
        )  # fmt: skip
        simulation = Simulation(network, resolution=resolution)
        simulation.run(5.0)
        simulation.signal("reward", 1.0)
        said = (
            r"test_hook_failures.py, line 21: on_signal raised ValueError: not two, after 5 ms, up to which all is rec"
        )
        with pytest.raises(RunError, match=said):
            simulation.signal("reward", 2.0)


def test_an_exception_without_a_place():
    simulation = Simulation(small())
    with pytest.raises(RunError) as caught:
        simulation.run(10.0, lambda engine: sys.unraisablehook(unraisable(ValueError("what"))))
    assert str(caught.value).startswith("a compiled hook: it raised ValueError: what, after ")
    assert isinstance(caught.value.__cause__, ValueError)


def test_memory_that_runs_out_in_compiled_code():
    simulation = Simulation(small())
    with pytest.raises(MemoryError, match="^Allocation failed$"):
        simulation.run(10.0, lambda engine: sys.unraisablehook(unraisable(MemoryError("Allocation failed"))))


def test_what_others_cannot_raise_goes_where_it_went(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    simulation = Simulation(small())
    other = unraisable(ValueError("in a destructor"), "<function __del__>")
    simulation.run(1.0, lambda engine: sys.unraisablehook(other))
    assert told
    assert all(item is other for item in told)
    sys.unraisablehook("after")
    assert told[-1] == "after"

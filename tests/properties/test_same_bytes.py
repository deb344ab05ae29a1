"""Same seed, same bytes: however a network is described, wherever its run is cut, however it is split."""

from __future__ import annotations

import random as shuffling
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuromorph import Network, Simulation, Trace

DURATION = 60.0


def pieces() -> dict[str, list[Any]]:
    """Calls that describe a network with everything in it: random inputs, plasticity, signals, currents, readings."""
    lif = {"I_e": 200.0, "tau_m": {"distribution": "uniform", "low": 8.0, "high": 14.0}}
    stdp = {"rule": "pair_stdp", "params": {"a_plus": 20.0, "a_minus": 22.0}, "w_max": 600.0}
    nodes = [
        (
            "add_population",
            ("cells", "lif_exp", 12, lif, {"V_m": {"distribution": "uniform", "low": -70, "high": -56}}),
            {},
        ),
        ("add_population", ("alphas", "lif_alpha", 7), {}),
        ("add_input", ("noise", "poisson", 10, {"rate": 400.0}), {}),
        ("add_input", ("beat", "spike_train", 2, {"times": [5.0, 5.0, 9.5, 33.25], "indices": [0, 1, 0, 1]}), {}),
        ("add_input", ("step", "dc_current", 1, {"amplitude": 150.0, "start": 20.0, "stop": 40.0}), {}),
    ]
    edges = [
        ("connect", ("noise", "cells", "fixed_indegree", 500.0, 1.5), {"indegree": 5}),
        ("connect", ("noise", "alphas", "bernoulli", 300.0, {"distribution": "uniform", "low": 0.7, "high": 2.5}),
         {"probability": 0.6}),
        ("connect", ("cells", "cells", "fixed_outdegree", {"distribution": "normal", "mean": 200.0, "std": 30.0, "low": 0.0},
                     {"distribution": "uniform", "low": 0.7, "high": 3.0}), {"outdegree": 4, "plasticity": stdp}),
        ("connect", ("cells", "alphas", "fixed_total", -200.0, 0.75), {"total": 30, "multapses": True}),
        ("connect", ("alphas", "cells", "all_to_all", 100.0, 2.0), {"plasticity": {**stdp, "rule": "stdp_derivative",
                     "params": {"eta": 40.0}}, "name": "derivative"}),
        ("connect", ("beat", "cells", "all_to_all", 400.0, 1.0), {"name": "kick"}),
        ("connect", ("beat", "cells", "all_to_all", 300.0, 1.0), {"name": "second_kick"}),
        ("connect", ("step", "alphas", "all_to_all", 1.0), {}),
    ]  # fmt: skip
    rest = [
        ("record", ("cells", "V_m", 2.5), {}),
        ("record", ("alphas", "I_ex", 5.0), {"indices": [1, 3]}),
        ("record", (), {"projection": "cells_cells", "interval": 15.0}),
        *(("record", (name, "spikes"), {}) for name in ("cells", "alphas", "noise")),
    ]
    return {"nodes": nodes, "edges": edges, "rest": rest}


def build(order: int = 0) -> Network:
    parts = pieces()
    network = Network("everything")
    for kind in ("nodes", "edges", "rest"):
        calls = parts[kind]
        if order:
            shuffling.Random(order).shuffle(calls)
        for method, positional, named in calls:
            getattr(network, method)(*positional, **named)
    return network


def result(resolution: Any, cuts: Any = (), order: int = 0, parts: int = 1, seed: int = 3, look: bool = False) -> bytes:
    """Everything that a run leaves behind, as bytes."""
    simulation = Simulation(build(order), resolution=resolution, seed=seed, parts=parts)
    now = 0.0
    for cut in [*sorted(cuts), DURATION]:
        simulation.run(cut - now)
        now = cut
        if look:
            simulation.state("cells", "V_m")
            simulation.weights("cells_cells")
    simulation._take_spikes()
    out = []
    for name in ("cells", "alphas", "noise"):
        out += [a.tobytes() for a in simulation.sink.instants(name)]
    for channel in (0, 1):
        out += [np.asarray(a).tobytes() for a in simulation.sink.states(channel)]
    out += [np.asarray(a).tobytes() for a in simulation.sink.weights(0)]
    for name in ("cells_cells", "derivative"):
        out.append(simulation.weights(name).tobytes())
    for population in ("cells", "alphas"):
        out.append(simulation.state(population, "V_m").tobytes())
    assert len(out[0]) > 8 * 100
    return b"|".join(out)


@pytest.fixture(scope="module")
def whole() -> dict[Any, bytes]:
    return {resolution: result(resolution) for resolution in ("exact", 0.25)}


@pytest.mark.parametrize("resolution", ["exact", 0.25])
def test_two_runs(resolution: Any, whole: dict[Any, bytes]) -> None:
    assert result(resolution) == whole[resolution]
    assert result(resolution, seed=4) != whole[resolution]


@pytest.mark.parametrize("resolution", ["exact", 0.25])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(order=st.integers(1, 10**6))
def test_insertion_order(resolution: Any, order: int, whole: dict[Any, bytes]) -> None:
    assert result(resolution, order=order) == whole[resolution]


@pytest.mark.parametrize("resolution", ["exact", 0.25])
def test_half_and_half(resolution: Any, whole: dict[Any, bytes]) -> None:
    assert result(resolution, cuts=[30.0]) == whole[resolution]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(cuts=st.lists(st.floats(0.01, 59.9), max_size=5, unique=True), look=st.booleans())
def test_cuts_anywhere_in_exact_mode(cuts: list[float], look: bool, whole: dict[Any, bytes]) -> None:
    assert result("exact", cuts=cuts, look=look) == whole["exact"]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(ticks=st.lists(st.integers(1, 239), max_size=5, unique=True), look=st.booleans())
def test_cuts_at_any_tick_of_the_grid(ticks: list[int], look: bool, whole: dict[Any, bytes]) -> None:
    assert result(0.25, cuts=[0.25 * t for t in ticks], look=look) == whole[0.25]


@pytest.mark.parametrize("resolution", ["exact", 0.25])
@pytest.mark.parametrize("parts", [2, 3])
def test_parts(resolution: Any, parts: int, whole: dict[Any, bytes]) -> None:
    assert result(resolution, parts=parts) == whole[resolution]


@pytest.mark.parametrize("resolution", ["exact", 0.25])
def test_file_and_memory_hold_the_same(resolution: Any, tmp_path: Any) -> None:
    memory = Simulation(build(), resolution=resolution, seed=3)
    memory.run(DURATION)
    file = Simulation(build(), resolution=resolution, seed=3, trace=tmp_path / "x.h5")
    file.run(DURATION)
    file.close()
    with Trace(tmp_path / "x.h5") as trace:
        for name in ("cells", "alphas", "noise"):
            for a, b in zip(memory.spikes(name), trace.spikes(name)):
                np.testing.assert_allclose(a, b, rtol=1e-15)
            for a, b in zip(memory.sink.instants(name), trace.instants(name)):
                np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(memory.sink.states(1)[1], trace.state("cells", "V_m").values)
        np.testing.assert_array_equal(memory.sink.weights(0)[1], trace.weights("cells_cells").values)

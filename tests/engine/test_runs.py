"""How runs add up, and what may be set between them."""

from __future__ import annotations

import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.errors import InputError, RunError


def kicked(resolution: object) -> Simulation:
    network = Network("kicked")
    network.add_input("kick", "spike_train", 1, {"times": [99.3]})
    network.add_population("cell", "lif_delta", 1)
    network.connect("kick", "cell", "one_to_one", weight=20.0, delay=0.7)
    return Simulation(network, resolution=resolution)


@pytest.mark.parametrize("resolution", ["exact", 0.1])
def test_a_thousand_runs_of_a_tenth_end_where_one_of_a_hundred_does(resolution: object) -> None:
    """0.1 is no binary fraction: summed in floats, a thousand of them fall short of the spike at 100 ms."""
    one, many = kicked(resolution), kicked(resolution)
    one.run(100.0)
    for _ in range(1000):
        many.run(0.1)
    assert one.time == many.time == 100.0
    assert one.spikes("cell")[0].tolist() == many.spikes("cell")[0].tolist() == [100.0]


def test_a_duration_may_have_a_unit() -> None:
    simulation = kicked(0.1)
    simulation.run("0.02 s")
    assert simulation.time == 20.0
    with pytest.raises(InputError, match="run: unknown unit 'sec'"):
        simulation.run("1 sec")
    with pytest.raises(InputError, match="duration is not a time, found -1"):
        simulation.run(-1.0)


def test_weights_keep_to_signs_bounds_and_float32() -> None:
    network = Network("signs")
    network.add_population("a", "lif_cond_exp", 2)
    network.add_population("b", "lif_exp", 2)
    network.connect("a", "a", "all_to_all", weight=1.0, name="conductance")
    network.connect("a", "b", "all_to_all", weight=1.0, name="bounded", plasticity={"rule": "pair_stdp", "w_max": 2.0})
    simulation = Simulation(network, resolution=0.1)
    with pytest.raises(InputError, match=r"conductance: weight out of range, found -30.0 \(allowed: 0 to 3.4"):
        simulation.set_weights("conductance", -30.0)
    with pytest.raises(InputError, match=r"conductance: weight out of range, found 1e\+300"):
        simulation.set_weights("conductance", 1e300)
    with pytest.raises(InputError, match=r"bounded: weight out of range, found 2.5 \(allowed: 0 to 2\)"):
        simulation.set_weights("bounded", [1.0, 2.5, 1.0, 1.0])
    with pytest.raises(InputError, match=r"bounded\[1\]: value is not finite, found nan"):
        simulation.set_weights("bounded", [1.0, np.nan, 1.0, 1.0])
    simulation.set_weights("bounded", 1.5)
    assert simulation.weights("bounded").tolist() == [1.5] * 4


@pytest.mark.parametrize("count", [np.iinfo(np.int64).min, 1 << 23])
def test_counts_beyond_all_reason_are_named(count: int) -> None:
    """A float beyond int64 becomes a negative count."""
    made = Network("away")
    made.add_input("x", "spike_train", 1, {"times": [1.0, 3.0], "indices": [0, 0]})
    made.record("x", "spikes")
    simulation = Simulation(made, resolution=1.0)

    def spoil(engine: object) -> None:
        engine.calendar.count[:] = count  # type: ignore[attr-defined]

    with pytest.raises(RunError, match=r"x: activity has run away.*Bound the cells \(rhythmic: cap\)"):
        simulation.run(6.0, spoil)

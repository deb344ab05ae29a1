"""Every ordering rule of docs/design.md: the engine keeps it, and would be caught if it did not.

The oracle can turn each rule round. On the scenario in which a rule shows, the engine must agree with the oracle under
the contract and must disagree with the oracle under the turned rule.
"""

from __future__ import annotations

import numpy as np
import pytest

import oracle
import twin_rules
from comparison import for_oracle, record_everything, run_engine
from neuromorph import Network, Simulation
from oracle_examples import SCENARIOS

ON_GRID_ONLY = ("plastic_first", "emission_first", "propagate_first")
FLIPPED = dict(oracle.Rules().flipped())
CASES = [(name, mode) for name in FLIPPED for mode in ("grid", "exact") if mode == "grid" or name not in ON_GRID_ONLY]


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_rule_is_kept_and_breaking_it_would_show(name, mode):
    scenario = SCENARIOS[name] if mode == "grid" else {**SCENARIOS[name], "resolution": "exact"}
    found = engine(scenario)
    assert found == judged(oracle.simulate(scenario), scenario)
    assert found != judged(oracle.simulate(scenario, FLIPPED[name]), scenario)


def engine(scenario):
    """What the engine makes of a network for the oracle, in the form of `judged`."""
    with twin_rules.registered():
        simulation = Simulation(translated(scenario), resolution=scenario["resolution"], seed=scenario["seed"])
        simulation.run(scenario["duration"])
    times, indices = simulation.spikes("c")
    state = {v: simulation.state("c", v) for v in simulation.cells["c"].variables if v != "emit"}
    result = {
        "spikes": list(zip(times.tolist(), indices.tolist())),
        "weights": {name: simulation.weights(name).astype(float).tolist() for name in scenario["projections"]},
        "state": {v: values.tolist() for v, values in state.items()},
    }
    if scenario.get("probes"):
        read_at, values = simulation.sink.states(0)
        result["probes"] = [values[read_at == t][0].tolist() for t in scenario["probes"]]
    return result


def judged(result, scenario):
    """What is wanted by the oracle's result: spikes in their order (1e-9 ms), weights bit for bit, states to 1e-12."""
    spikes = [(pytest.approx(t, abs=1e-9), i) for t, _, i, n in result["spikes"] for _ in range(n)]
    found = {
        "spikes": spikes,
        "weights": result["weights"],
        "state": {v: _close(values) for v, values in result["state"]["c"].items() if v != "emit"},
    }
    if scenario.get("probes"):
        found["probes"] = [_close(probe["state"]["c"]["V_m"]) for probe in result["probes"]]
    return found


def _close(values):
    # the engine's exp and the oracle's differ by rounding, the rules by far more
    return [pytest.approx(float(v), abs=1e-12, rel=1e-12) for v in values]


def translated(scenario):
    """A scenario of oracle_examples as a Network; whole times are ticks of 1 ms."""
    network = Network("scenario")
    cells = scenario["populations"]["c"]
    network.add_population("c", cells["model"], cells["size"], cells["params"], cells["initial"])
    spikes = [(t, i) for t, i, n in scenario["inputs"]["i"]["spikes"] for _ in range(n)]
    given = {"times": [float(t) for t, _ in spikes], "indices": [i for _, i in spikes]}
    network.add_input("i", "spike_train", scenario["inputs"]["i"]["size"], given)
    for name, signal in scenario.get("signals", {}).items():
        network.add_signal(name, times=signal["times"], values=signal["values"], delay=signal["delay"])
    network.add_signal("never", times=[])
    for name, p in scenario["projections"].items():
        plasticity = p.get("plasticity")
        if plasticity is not None and not isinstance(plasticity["rule"], str):
            plasticity = {**plasticity, "rule": "order", "signals": plasticity.get("signals", ["never"])}
        network.connect(
            p["source"], p["target"], "explicit", weight=p["weights"], delay=[float(d) for d in p["delays"]],
            receptor=p["receptor"], plasticity=plasticity, name=name, sources=p["sources"], targets=p["targets"],
        )  # fmt: skip
    if scenario.get("probes"):
        network.record("c", "V_m", interval=1.0)
        network.record("c", "spikes")
    return network


# -- sums of numbers so unlike that their order shows -------------------------------------------------------------


@pytest.mark.parametrize("number", range(16))
@pytest.mark.parametrize("mode", ["exact", "grid"])
def test_wild_sums_are_added_in_the_stated_order(mode, number):
    """All arrivals of a cell fall on one instant; large ones cancel, and what was added before them is lost.

    The cells start at rest at 0 mV, so that V is the sum itself: that of the oracle, bit for bit. Several inputs
    project in parallel, on the grid some of them plastic; windows are one tick long or more, and runs are cut.
    """
    random = np.random.default_rng([number, 7])
    network = _wild(random, plastic=mode == "grid")
    resolution = mode if mode == "exact" else 0.5
    record_everything(network)
    cuts = sorted(random.uniform(0.0, 8.0, number % 3).tolist())
    simulation = run_engine(network, resolution, 8.0, cuts=cuts, parts=1 + number % 2)
    described = for_oracle(simulation, 8.0, network)
    found = simulation.state("c", "V_m").tolist()
    assert found == oracle.simulate(described)["state"]["c"]["V_m"]
    turned = [oracle.simulate(described, FLIPPED[rule]) for rule in ("sums_in_order", "emission_first")]
    assert any(found != other["state"]["c"]["V_m"] for other in turned)


def _wild(random, plastic):
    network = Network("wild")
    network.add_population("c", "lif_delta", 2, {"E_L": 0.0, "V_reset": 0.0, "V_th": 1e30})
    for name in ("a", "b", "d"):
        emitted = 0.5 * random.integers(1, 4, 4)
        network.add_input(name, "spike_train", 4, {"times": emitted, "indices": np.arange(4)})
        for number in range(random.integers(1, 4)):
            sources, order = random.integers(0, 4, 8), random.permutation(8)
            learns = plastic and random.random() < 0.8
            large = np.array([2.0**60, 2.0**60, -(2.0**60), -(2.0**60)])
            weight = np.concatenate([large, 2.0 ** random.integers(-9, 10, 4)])[order]
            network.connect(
                name, "c", "explicit", sources=sources, targets=np.tile([0, 1], 4)[order], weight=weight,
                delay=8.0 - emitted[sources], name=f"{name}{number}",
                plasticity={"rule": "stdp_derivative", "w_min": -1e30, "w_max": 1e30} if learns else None,
            )  # fmt: skip
    # of no weight, but its delay makes windows of one tick
    network.connect("a", "c", weight=0.0, delay=float(random.choice([0.5, 4.0])), name="window")
    return network


def test_a_static_matrix_is_summed_among_the_plastic():
    """64 x 64 static synapses are a matrix on the grid; its arrivals come before those of sparse ones."""
    network = Network("matrix")
    network.add_population("c", "lif_delta", 64, {"E_L": 0.0, "V_reset": 0.0, "V_th": 1e30})
    network.add_input("a", "spike_train", 64, {"times": [2.0], "indices": [0]})
    network.add_input("b", "spike_train", 64, {"times": [2.0], "indices": [0]})
    sparse = {"sources": [0, 1], "targets": [0, 0]}
    network.connect("a", "c", "explicit", weight=[2.0**60, 0.0], delay=2.0, name="sparse", **sparse)
    network.connect("b", "c", "all_to_all", weight=1.0, delay=2.0, name="matrix")
    network.connect("b", "c", "explicit", weight=[-(2.0**60), 0.0], delay=2.0, name="sparse_too", **sparse)
    record_everything(network)
    simulation = run_engine(network, 1.0, 4.0)
    expected = oracle.simulate(for_oracle(simulation, 4.0, network))
    assert simulation.state("c", "V_m").tolist() == expected["state"]["c"]["V_m"] == [0.0, *[1.0] * 63]
    turned = oracle.simulate(for_oracle(simulation, 4.0, network), FLIPPED["plastic_first"])
    assert turned["state"]["c"]["V_m"][0] == 1.0

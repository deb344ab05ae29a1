"""The oracle's cells that learn and its plasticity, by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from oracle import MODELS, Rules, simulate, uniform
from oracle_examples import CHARGES, PHASES, SIGNAL, Order, learns, net, paired, weight
from oracle_rules import Watch

BOTH = pytest.mark.parametrize("resolution", ["exact", 1.0], ids=["exact", "grid"])


# -- cells that learn ---------------------------------------------------------------------------------------------


def cycle(resolution, model="rhythmic", params=None, spikes=((1.0, 1, 1), (4.0, 2, 2), (6.0, 2, 3)), **more):
    return simulate(net(resolution, 9.0, (model, params or {}), 1, [(1.0, 0, 1), *spikes], PHASES + CHARGES, **more))


@BOTH
def test_a_cycle_by_hand(resolution):
    found = cycle(resolution, params={"gamma": 4.0, "tau_mean": 50.0})
    assert found["spikes"] == [(4.0, "c", 0, 2), (8.0, "c", 0, 3)]  # z = 0.5; z' = 0.5 + 4 (0.1875 - 0.125)
    assert {k: v[0] for k, v in found["state"]["c"].items()} == dict(
        z=0.5, a=0.1875, a_free=0.125, gate=0.0, n_free=2.0, n_nudged=3.0, change=1.0, n_mean=0.04, a_mean=0.0025,
        error_spikes=1.0, n_step=2.0, luck_step=0.0, trials=1.0, u=uniform(7, "c/cell", 0, 1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("params", "basal", "apical", "counts"),
    [
        ({}, [(4.0, 1, 1)], 0, (0, 0)),  # the gate is closed after the release
        ({}, [(1.0, 1, 2)], 3, (4, 4)),  # at the cap nothing is nudged
        ({"gamma": 800.0}, [(1.0, 1, 1)], 3, (2, 4)),  # clipped to the room above
        ({"gamma": 800.0}, [(1.0, 1, 1)], -1, (2, 0)),  # and, the room being symmetric, below
        ({"gamma": 800.0, "cap": 0.75}, [(1.0, 1, 1)], -1, (2, 1)),
        ({"cap": math.inf, "kappa": 2.0, "gamma": 800.0}, [(1.0, 1, 6)], 3, (6, 12)),
        ({"cap": 0.25}, [(1.0, 1, 1)], 0, (1, 1)),
    ],
)
def test_counts_and_clips(params, basal, apical, counts):
    found = cycle(1.0, params=params, spikes=[*basal, (6.0, 2, apical)] if apical > 0 else [*basal, (4.0, 2, -apical)])
    state = found["state"]["c"]
    if apical < 0:  # the free charge exceeds the nudged one
        assert state["a_free"] == [0.0625]
    assert (state["n_free"][0], state["n_nudged"][0]) == counts
    assert [n for *_, n in found["spikes"]] == [n for n in counts if n]


def test_each_start_draws_the_next_number_of_its_cell():
    spikes = [(1, 0, 1), (3, 0, 1), (5, 0, 1)]
    links = [{**PHASES[0], "ends": (0, j, 1.0, 1)} for j in range(2)]
    found = simulate(net(1.0, 9.0, ("rhythmic", {}), 2, spikes, links, probes=[2, 4, 6]))
    drawn = [p["state"]["c"]["u"] for p in found["probes"]]
    assert drawn == [[uniform(7, "c/cell", j, k) for j in range(2)] for k in (1, 2, 3)]


def test_readout_is_nudged_towards_the_apical_charge():
    found = cycle(1.0, "rhythmic_readout", {"blend": 0.5}, spikes=[(4.0, 2, 1), (6.0, 2, 16)])["state"]["c"]
    assert (found["n_free"][0], found["n_nudged"][0], found["change"][0]) == (32, 48, 16)
    charged = cycle(1.0, "rhythmic_readout", {"kappa": 2.0**20}, spikes=[(1.0, 1, 4)])["state"]["c"]
    assert charged["n_free"][0] == pytest.approx(2**20 / (1 + math.exp(-2)), abs=1)
    assert charged["n_nudged"] == [0.0]


def test_poisson_counts_invert_the_distribution_function():
    model, watch = MODELS["rhythmic"], Watch(Rules())
    p = dict(model.parameters, kappa=6.0, poisson=1.0)
    for u in [0.0, *(uniform(1, "u", 0, k) for k in range(200)), 0.999999]:
        below = [sum(math.exp(-3) * 3**k / math.factorial(k) for k in range(n + 1)) for n in range(40)]
        assert model.count(0.5, {"u": u}, p, watch) == next(n for n in range(40) if below[n] > u)
    assert model.count(0.5, {"u": math.exp(-3.0)}, p, watch) == 1.0
    assert watch.grazes == 0


# -- plasticity ---------------------------------------------------------------------------------------------------

f32 = np.float32


@BOTH
def test_pair_stdp_by_hand(resolution):
    found = weight(paired([(10, 2), (20, 1)], [15, 25], learns("pair_stdp", delay=1), resolution))
    w = f32(1.0 + 0.01 * 2 * math.exp(-6 / 20))  # the postsynaptic spike at 15 is seen at 16
    w = f32(w - 0.0105 * math.exp(-4 / 20))
    assert found == f32(w + 0.01 * (2 * math.exp(-16 / 20) + math.exp(-6 / 20)))


@BOTH
def test_a_coincident_pair_contributes_nothing(resolution):
    assert weight(paired([(10, 1)], [9], learns("pair_stdp", delay=1), resolution)) == 1.0


def test_a_spike_near_the_instant_of_a_trace_is_a_graze():
    link = learns("pair_stdp", delay=1)
    assert [simulate(paired([(10, 1)], [9 + d], link, "exact"))["grazes"] > 0 for d in (0, 5e-10, 5e-9)] == [0, 1, 0]


def test_stdp_derivative_by_hand():
    found = weight(paired([(20, 1)], [9, 15], learns("stdp_derivative", {"eta": 0.5}, delay=2)))
    fast, slow = (math.exp(-9 / tau) + math.exp(-3 / tau) for tau in (10, 100))
    assert found == f32(1.0 + 0.5 * (fast / 10 - slow / 100))


@pytest.mark.parametrize(
    ("initial", "options", "end"),
    [(0.0, {"params": {"a_minus": -0.01, "tau_minus": 1e12}}, f32(0.01)), (0.005, {}, 0.0),
     (-0.005, {}, f32(-0.0155)), (-0.005, {"w_min": -0.01}, f32(-0.01)), (0.5, {"frozen": True}, 0.5),
     (0.5, {"w_max": 0.25}, f32(0.2395))],
)  # fmt: skip
def test_bounds_follow_the_sign_unless_given(initial, options, end):
    link = learns("pair_stdp", weight=initial, **{"params": {"tau_minus": 1e12}, **options})
    assert weight(paired([(10, 1)], [8], link)) == pytest.approx(float(end), abs=1e-12)


@pytest.mark.parametrize(
    ("rule", "params", "end"),
    [
        ("recirculation", {"eta": 0.5}, 1 + 0.5 * 2 * 3 * 4),
        ("mirror", {"eta": 0.25}, 1 + 0.25 * 2 * 7 * 5),
        ("wake", {"eta": 0.25}, 1 + 0.25 * 2 * 3 * ((5 - 2) - (0.5 - 0.25))),
        ("wake_clamped", {"eta": 0.25}, 1 + 0.25 * 2 * 10 * ((5 - 2) - (0.5 - 0.25))),
        ("wake_looks", {"eta": 0.25}, 1 + 0.25 * 2 * 0.5 * (3 - 0.5 * 1)),
    ],
)
@BOTH
def test_rules_of_the_cycle_read_registers(resolution, rule, params, end):
    network = net(resolution, 9.0, ("rhythmic", {}), 1, [], [{**learns(rule, params, signals=["s"]), "source": "b"}],
                  initial=dict(n_free=5.0, change=4.0, n_mean=2.0, a_free=0.5, a_mean=0.25, luck_step=0.5),
                  signals={"s": {"times": [3.0], "values": [2.0], "delay": 1.0}})  # fmt: skip
    above = dict(n_free=3.0, n_nudged=10.0, change=7.0, n_mean=1.0, n_step=3.0)
    network["populations"]["b"] = {"model": "rhythmic", "size": 1, "initial": above}
    assert weight(network) == end


def test_an_input_shows_the_latest_entry_of_its_registers():
    registers = {"registers": {"n_free": [(1, 0, 3), (4, 0, 5), (6, 0, 9), (2, 1, 99)]}}
    network = net(1.0, 9.0, ("rhythmic", {}), links=[learns("recirculation", {"eta": 1.0}, signals=["s"])],
                  initial={"change": 1.0}, inputs=registers, **SIGNAL)  # fmt: skip
    for time, n_free in ((4, 5), (3, 5), (2, 3)):  # arriving a tick later, with value 3
        network["signals"] = {"s": {**SIGNAL["signals"]["s"], "times": [time]}}
        assert weight(network) == 1.0 + 3.0 * n_free


def test_a_population_signals_its_counts_after_the_delay():
    link = learns(Order(), signals=["s"])
    network = net(1.0, 9.0, ("lif_delta", {}), 1, [(3, 1, 5)], [link], signals={"s": {"population": "i", "delay": 6}})
    assert weight(network) == 1.0 + 5.0
    assert weight({**network, "duration": 8.0}) == 1.0


@BOTH
def test_a_rule_of_ones_own_has_states_and_sees_V_before_the_reset(resolution):
    seen = []

    def on_post(w, pre, post, syn):
        seen.append((post.V_m, post.count, pre.x, syn.slow, syn.kept))
        return w, 1.0, syn.kept + 1.0

    rule = SimpleNamespace(traces_pre={"x": 10.0}, states={"slow": (2.0, 5.0), "kept": (0.0, None)}, on_post=on_post)
    simulate(paired([(2, 3)], [9, 12], learns(rule, weight=0.0, delay=2), resolution))
    V, count, x, slow, kept = zip(*seen, strict=True)
    assert V == (-50.0, -50.0)
    assert (count, kept) == ((1, 1), (0.0, 1.0))
    assert x == pytest.approx((3 * math.exp(-0.9), 3 * math.exp(-1.2)), rel=1e-12)
    assert slow == pytest.approx((2 * math.exp(-11 / 5), math.exp(-3 / 5)), rel=1e-12)

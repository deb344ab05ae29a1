"""The oracle judges the engine, so it is judged first: by closed forms, by examples done by hand, rule by rule."""

from __future__ import annotations

import ast
import hashlib
import math
import random
from pathlib import Path

import numpy as np
import pytest

from oracle import MODELS, Rules, philox, simulate, uniform
from oracle_examples import CHARGES, PHASES, SCENARIOS, SIGNAL, learns, net, weight
from oracle_models import first_crossing

E = math.e
BOTH = pytest.mark.parametrize("resolution", ["exact", 1.0], ids=["exact", "grid"])


def times(network):
    result = simulate(network)
    assert result["grazes"] == 0
    return [t for t, *_ in result["spikes"]]


# -- random numbers and independence ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_gives_the_published_words(counter, key, words):
    counter, key, words = (tuple(int(w, 16) for w in text.split()) for text in (counter, key, words))
    assert philox(counter, key) == words


def test_uniform_places_seed_stream_entity_and_index():
    word = int.from_bytes(hashlib.sha256(b"c/cell").digest()[:4], "little")
    seed, index = 5 + (9 << 32), 3 + (4 << 32)
    a, b, *_ = philox((3, 4, 11, word), (5, 9))
    assert uniform(seed, "c/cell", 11, index) == ((a * 2**32 + b) // 2**11) / 2**53


def test_nothing_of_neuromorph_is_imported():
    for path in Path(__file__).parents[1].glob("oracle*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [n for n in names if n.split(".")[0] == "neuromorph"]


# -- closed forms -------------------------------------------------------------------------------------------------


def test_constant_current_fires_with_the_textbook_period():
    first = 10 * math.log(20 / 5)  # 500 pA lead to E_L + 20 mV, 15 mV are needed
    found = times(net(duration=80.0, cells=("lif_delta", {"I_e": 500.0})))
    assert found == pytest.approx([first + k * (first + 2) for k in range(len(found))], abs=1e-9)
    assert len(found) == math.floor((80 - first) / (first + 2)) + 1


def test_current_counts_from_its_instant_on():
    found = times(net(currents=[(2.5, "c", 0, 500.0), (18.5, "c", 0, -500.0)], duration=40.0))
    assert found == pytest.approx([2.5 + 10 * math.log(4)], abs=1e-9)
    on_grid = simulate(net(1.0, currents=[(0, "c", 0, 500.0), (3, "c", 0, -500.0)], duration=5.0, probes=[0, 1, 4]))
    found = [p["state"]["c"]["V_m"][0] + 70 for p in on_grid["probes"]]
    assert found == pytest.approx([0, -20 * math.expm1(-0.1), -20 * math.expm1(-0.3) * math.exp(-0.1)], abs=1e-12)
    assert on_grid["probes"][0]["state"]["c"]["I_stim"] == [500.0]


@pytest.mark.parametrize("model", ["lif_exp", "lif_alpha"])
@pytest.mark.parametrize("tau", [(10, 2), (2, 10), (3, 3), (3, 3 * (1 + 1e-9)), (3, 3.3), (0.5, 40)])
def test_synaptic_currents_against_matrix_exponentials(model, tau):
    tau_m, tau_ex = tau
    params = dict(tau_m=tau_m, tau_syn_ex=tau_ex, tau_syn_in=1.5, I_e=20.0, V_th=1e3)
    spikes = [(1.0, 0, 1), (2.0, 1, 2)]
    links = [(0, 0, 300.0, 1.0), {"ends": (1, 0, -100.0, 2.0), "receptor": "inhibitory"}]
    found = simulate(net("exact", 12.0, (model, params), spikes=spikes, links=links))["state"]["c"]
    order = 2 if model == "lif_alpha" else 1  # state: 1, V - E_L, then the chain of each synapse
    A = np.diag([0.0, -1 / tau_m] + [-1 / tau_ex] * order + [-1 / 1.5] * order)
    A[1, [0, 1 + order, 1 + 2 * order]] = 20.0 / 250, 1 / 250, 1 / 250
    if order == 2:
        A[3, 2] = A[5, 4] = 1.0
    step = sum(np.linalg.matrix_power(A / 16, n) / math.factorial(n) for n in range(25))
    jump = np.zeros((2, 2 + 2 * order))
    jump[0, 2] = 300.0 * (E / tau_ex if order == 2 else 1)
    jump[1, 2 + order] = -200.0 * (E / 1.5 if order == 2 else 1)
    y = np.eye(2 + 2 * order)[0]
    for ms, arrival in ((2, jump[0]), (2, jump[1]), (8, 0.0)):
        y = np.linalg.matrix_power(step, ms * 16) @ y + arrival
    got = [found["V_m"][0] + 70, found["I_ex"][0], found["I_in"][0]]
    assert got == pytest.approx([y[1], y[1 + order], y[1 + 2 * order]], abs=1e-10)


@pytest.mark.parametrize(("model", "form"), [("lif_exp", lambda t: t), ("lif_alpha", lambda t: E * t * t / 4)])
def test_equal_time_constants_have_the_textbook_form(model, form):
    params = dict(tau_m=2.0, tau_syn_ex=2.0, V_th=1e3)
    found = simulate(net("exact", 6.0, (model, params), spikes=[(1.0, 0, 1)], links=[(0, 0, 100.0, 1.0)], probes=[5.0]))
    assert found["probes"][0]["state"]["c"]["V_m"][0] == pytest.approx(-70 + 0.4 * form(3) * math.exp(-1.5), abs=1e-12)


@pytest.mark.parametrize("model", ["lif_delta", "lif_exp", "lif_alpha"])
def test_grid_and_exact_agree_where_nothing_crosses(model):
    links = [(n, n % 2, 4.0 + n, 1.0 + n) for n in range(4)]
    runs = [
        simulate(net(r, 30.0, (model, {"V_th": 0.0}), 2, [(float(3 * n + 2), n, n + 1) for n in range(4)], links))
        for r in ("exact", 0.5)
    ]
    assert runs[0]["events"] == runs[1]["events"] == 4
    for variable, values in runs[0]["state"]["c"].items():
        assert runs[1]["state"]["c"][variable] == pytest.approx(values, abs=1e-12)


def test_exact_and_grid_tell_one_story_of_a_recurrent_network():
    draw = random.Random(3)
    spikes = [(draw.randrange(1, 160) / 4, draw.randrange(4), 1) for _ in range(60)]
    links = [(i, j, 900.0, 1.0) for i in range(4) for j in range(5) if draw.random() < 0.6]
    for i in range(5):
        links.append({"ends": (i, (i + 1) % 5, 500.0, 1.5), "source": "c"})
        links.append({"ends": (i, (i + 2) % 5, -700.0, 1.5), "source": "c", "receptor": "inhibitory"})
    exact, grid = (simulate(net(r, 40.0, ("lif_exp", {}), 5, spikes, links)) for r in ("exact", 2.0**-8))
    assert len(exact["spikes"]) > 20
    assert [s[1:] for s in sorted(exact["spikes"], key=lambda s: s[2])] == [
        s[1:] for s in sorted(grid["spikes"], key=lambda s: s[2])
    ]
    for i in range(5):
        pairs = ([s[0] for s in run["spikes"] if s[2] == i] for run in (exact, grid))
        assert all(abs(a - b) < 0.05 for a, b in zip(*pairs, strict=True))


# -- crossings ----------------------------------------------------------------------------------------------------


def peaks(gap, weight=1000.0):
    """One exponential current whose peak exceeds V_th by `gap` mV; returns the network and the instant of the peak."""
    t = math.log(10 / 2) / (1 / 2 - 1 / 10)
    height = weight / 250 * (math.exp(-t / 10) - math.exp(-t / 2)) / (1 / 2 - 1 / 10)
    return net(
        cells=("lif_exp", {"V_th": -70 + height - gap}), spikes=[(1.0, 0, 1)], links=[(0, 0, weight, 1.0)]
    ), 2 + t


def test_short_excursions_are_found_and_near_misses_are_not():
    network, t = peaks(1e-5)
    assert times(network) == pytest.approx([t], abs=0.02)
    assert times(network)[0] < t
    assert times(peaks(-1e-5)[0]) == []


@pytest.mark.parametrize("gap", [1e-10, -1e-10, 3e-8])
def test_grazes_are_counted(gap):
    assert simulate(peaks(gap)[0])["grazes"] > 0


def test_a_search_that_an_arrival_overtakes_grazes_nothing():
    network, t = peaks(1e-10)
    assert 6.0 < t < 6.1  # foreseen in the stretch that begins at 6
    network["inputs"]["i"]["spikes"].append((t - 1.01, 1, 1))
    stop = {"sources": [1], "weights": [-1000.0], "receptor": "inhibitory"}
    network["projections"]["stop"] = {**network["projections"]["p0"], **stop}
    assert times(network) == []


@pytest.mark.parametrize(("late", "change"), [(5e-10, 1.0), (2 + 5e-10, 1.0), (2 - 5e-10, 1.0), (-5e-11, -1.0)])
def test_arrivals_too_near_a_crossing_or_the_end_of_refractoriness_are_grazes(late, change):
    def grazes(late):
        spikes = [(10 * math.log(4) - 1 + late, 0, 1)]
        network = net(cells=("lif_delta", {"I_e": 500.0}), spikes=spikes, links=[(0, 0, change, 1.0)])
        return simulate(network)["grazes"]

    assert grazes(late) > 0
    assert grazes(late + math.copysign(1e-6, late)) == 0


@pytest.mark.parametrize("model", ["lif_delta", "lif_exp", "lif_alpha"])
def test_bounds_of_the_search_hold(model):
    draw, model = random.Random(1), MODELS[model]
    for _ in range(50):
        p = dict(model.parameters, **{k: draw.choice([0.2, 2.0, 7.0, 10.0]) for k in model.parameters if "tau" in k})
        s = {k: draw.uniform(-900, 900) for k in model.initial(p)} | {"V_m": draw.uniform(-90, -55)}
        highest, bend = model.reach(s, p)
        h = min(p[k] for k in p if "tau" in k) / 50
        V = np.array([model.advance(s, p, n * h, False)["V_m"] for n in range(400)])
        assert V.max() <= highest + 1e-9
        assert np.abs(np.diff(V, 2)).max() / h**2 <= bend * (1 + 1e-6) + 1e-6


def test_first_of_many_crossings_is_found():
    def wave(t):
        return math.sin(40 * t) + t, 40 * math.cos(40 * t) + 1

    found, grazed = first_crossing(wave, 1600.0, 0.0, 10.0, 1.5)
    scan = next(t for t in np.arange(0, 2, 1e-5) if wave(t)[0] >= 1.5)
    assert found == pytest.approx(scan, abs=1e-5)
    assert wave(found)[0] == pytest.approx(1.5, abs=1e-9)
    assert grazed is None
    assert first_crossing(wave, 1600.0, 0.0, 0.4, 1.5) == (None, None)


# -- refractoriness, sums, ties -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("t_ref", "fired"), [(0.0, [2, 3, 4, 5, 6]), (1.0, [2, 3, 4, 5, 6]), (2.0, [2, 4, 6]), (3.0, [2, 5])]
)
@BOTH
def test_arrival_at_the_end_of_refractoriness_counts(resolution, t_ref, fired):
    spikes = [(float(t), 0, 1) for t in range(1, 6)]
    assert times(net(resolution, 7.0, ("lif_delta", {"t_ref": t_ref}), 1, spikes, [(0, 0, 15.0, 1.0)])) == fired


@BOTH
def test_currents_integrate_and_V_is_clamped_while_refractory(resolution):
    spikes = [(1.0, 0, 1), (2.0, 1, 1)]
    links = [{"ends": (0, 0, 20.0, 1.0)}, {"ends": (1, 0, 100.0, 1.0), "receptor": "current"}]
    found = simulate(net(resolution, 6.0, ("lif_delta", {}), 1, spikes, links, probes=[4.0, 5.0]))
    read = [p["state"]["c"]["V_m"][0] for p in found["probes"]]
    assert read == pytest.approx([-70, -70 - 4 * math.expm1(-0.1)], abs=1e-12)


@BOTH
def test_simultaneous_arrivals_are_summed_before_the_test(resolution):
    spikes = [(1.0, 0, 1), (1.0, 1, 1), (5.0, 0, 1)]
    assert times(net(resolution, 9.0, spikes=spikes, links=[(0, 0, 20.0, 1.0), (1, 0, -20.0, 1.0)])) == [6.0]


@BOTH
def test_a_count_is_one_event_and_equal_entries_add_up(resolution):
    found = simulate(net(resolution, 9.0, spikes=[(1.0, 0, 2), (1.0, 0, 1)], links=[(0, 0, 5.0, 1.0)]))
    assert found["spikes"] == [(2.0, "c", 0, 1)]
    assert found["events"] == 1


def test_ticks_delays_and_results_on_a_fine_grid():
    found = simulate(net(0.1, 1.0, spikes=[(0.3, 0, 1), (5, 1, 1)], links=[(0, 0, 15.0, 0.05), (1, 0, 40.0, 3)]))
    assert found["spike_ticks"] == [(4, "c", 0, 1)]  # the second, at tick 8, is discarded while refractory
    assert found["spikes"][0][0] == pytest.approx(0.4)


def test_an_accidental_tie_is_a_graze_and_a_meant_one_is_not():
    exact = net(spikes=[(1.0, 0, 1)], links=[(0, 0, 15.0, 1.0)])
    assert simulate(exact)["grazes"] == 0
    decayed = 1.0 * math.exp(-0.1)
    near = net(1.0, spikes=[(1, 0, 1), (2, 1, 1)], links=[(0, 0, 1.0, 1), (1, 0, 4.0, 1)],
               cells=("lif_delta", {"V_th": -66 + decayed}))  # fmt: skip
    assert simulate(near)["grazes"] > 0


def test_a_static_matrix_is_summed_among_the_plastic():
    network = SCENARIOS["plastic_first"]
    matrix = {**network["projections"]["p0"], "plasticity": None, "matrix": True}
    turned = {**network, "projections": {**network["projections"], "p0": matrix}}
    assert simulate(turned)["state"] == simulate(network)["state"]
    matrix["matrix"] = False
    assert simulate(turned)["state"] != simulate(network)["state"]


def test_ids_follow_names_and_parallel_projections_too():
    network = net(1.0, 2.0, spikes=[(1, 0, 1)], links=[(0, 0, w, 1) for w in (2.0**60, -(2.0**60), 1.0)])
    network["projections"] = dict(reversed(network["projections"].items()))
    assert simulate(network)["state"]["c"]["V_m"] == [-69.0]
    network = net(
        1.0, 2.0, size=2, spikes=[(1, 0, 1)], links=[(0, 1, 15.0, 1), {"ends": (0, 0, 15.0, 1), "target": "b"}]
    )
    network["populations"]["b"] = {"model": "lif_delta", "size": 1}
    assert simulate(network)["spikes"] == [(2.0, "b", 0, 1), (2.0, "c", 1, 1)]


@BOTH
def test_weights_are_float32_and_values_may_differ_between_cells(resolution):
    cells = ("lif_delta", {"E_L": [-60.0, -50.0], "V_th": 0.0})
    network = net(resolution, 2.0, cells, 2, [(1.0, 0, 1)], [(0, 1, 0.1, 1.0)], initial={"V_m": [-60.0, -50.0]})
    found = simulate(network)
    assert found["weights"] == {"p0": [float(np.float32(0.1))]}
    assert found["state"]["c"]["V_m"] == [-60.0, -50.0 + float(np.float32(0.1))]


def test_insertion_order_changes_nothing():
    network = SCENARIOS["plastic_first"]
    turned = {k: dict(reversed(v.items())) if isinstance(v, dict) else v for k, v in network.items()}
    turned["inputs"]["i"]["spikes"] = network["inputs"]["i"]["spikes"][::-1]
    assert simulate(turned) == simulate(network)


# -- the Runge-Kutta models ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "params", "initial"),
    [
        ("lif_cond_exp", {"tau_syn_ex": 2.0}, {"g_ex": 8.0, "g_in": 3.0}),
        ("izhikevich", {}, {"V_m": -60.0, "u": -10.0}),
        ("adex", {"I_e": 300.0}, {"I_ex": 100.0, "I_in": -50.0}),
    ],
)
def test_fourth_order(model, params, initial):
    def V(dt):
        return simulate(net(dt, 4.0, (model, params), initial=initial))["state"]["c"]["V_m"][0]

    best = V(1 / 256)
    assert 13 < (V(0.25) - best) / (V(0.125) - best) < 20


def test_conductance_arrivals_and_equilibrium():
    params = {"tau_syn_ex": 1e9, "V_th": 0.5}
    found = simulate(net(0.5, 200.0, ("lif_cond_exp", params), 1, [(1, 0, 2)], [(0, 0, 5.0, 1)]))["state"]["c"]
    assert found["g_ex"][0] == pytest.approx(10.0, rel=1e-6)
    assert found["V_m"][0] == pytest.approx(16.6667 * -70 / 26.6667, rel=1e-6)


def test_izhikevich_resets_and_takes_delta():
    found = simulate(net(0.5, 1.0, ("izhikevich", {}), 1, [(1, 0, 1)], [(0, 0, 200.0, 1)]))
    assert found["spike_ticks"] == [(2, "c", 0, 1)]
    quiet = simulate(net(0.5, 1.0, ("izhikevich", {})))["state"]["c"]
    assert found["state"]["c"] == {"V_m": [-65.0], "u": [quiet["u"][0] + 8.0], "I_stim": [0.0]}


def test_adex_adapts_while_V_is_clamped():
    cells = ("adex", {"t_ref": 1.0, "V_peak": -50.0})
    found = simulate(net(0.5, 1.5, cells, initial={"V_m": -49.0}, probes=[1, 3]))
    w, later = (p["state"]["c"]["w_ad"][0] for p in found["probes"])
    goal = 4 * (-60 + 70.6)
    assert 80.5 < w < 81.5
    assert later == pytest.approx(goal + (w - goal) * math.exp(-1.0 / 144), abs=1e-9)
    assert found["state"]["c"]["V_m"] == [-60.0]


def test_the_exponential_of_adex_is_cut_at_the_peak():
    found = simulate(net(1.0, 1.0, ("adex", {}), initial={"V_m": -1.0}))  # uncut, its stages leave the floats
    assert found["spikes"] == [(1.0, "c", 0, 1)]


# -- every rule of order can be turned round ------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "rules"), list(Rules().flipped()), ids=lambda v: v if isinstance(v, str) else "")
def test_turning_a_rule_round_shows(name, rules):
    network = SCENARIOS[name]
    assert simulate(network, rules) != simulate(network)
    if name not in ("plastic_first", "emission_first", "propagate_first"):  # those that only the grid has
        in_ms = {**network, "resolution": "exact"}
        assert simulate(in_ms, rules) != simulate(in_ms)


@pytest.mark.parametrize(
    ("name", "end"),
    [("on_post_first", 3.0), ("on_signal_last", 7.0), ("clip_after_every_hook", 1.5), ("signals_by_name", 17.0)],
)
def test_order_of_hooks(name, end):
    assert weight(SCENARIOS[name]) == end


@pytest.mark.parametrize(
    ("name", "V"),
    [("sums_in_order", 1.0), ("plastic_first", 0.0), ("emission_first", 0.0), ("propagate_first", math.exp(-0.1))],
)
def test_order_of_sums(name, V):
    until = {"emission_first": 4.0}.get(name, 3.0)
    assert simulate({**SCENARIOS[name], "duration": until})["state"]["c"]["V_m"] == [pytest.approx(V - 70, abs=1e-12)]


def test_readings_hold_their_instant_after_the_reset():
    assert simulate(SCENARIOS["record_after_reset"])["probes"][0]["state"]["c"]["V_m"] == [-70.0]
    assert simulate(SCENARIOS["record_last"])["probes"][0]["state"]["c"]["V_m"] == [-69.0]


# -- mistakes -------------------------------------------------------------------------------------------------------

TOO_MANY = ("rhythmic", {"kappa": 1e4, "poisson": 1.0})
NO_REGISTER = net(1.0, cells=("rhythmic", {}), links=[learns("recirculation", {"eta": 1.0}, signals=["s"])], **SIGNAL)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (net(cells=("lif_delta", {"tau": 1.0})), "c: parameter 'tau' is unknown, known are tau_m"),
        (net(initial={"V": 1.0}), "c: variable 'V' is unknown"),
        (net(links=[{"ends": (0, 0, 1.0, 1.0), "receptor": "excitatory"}]), "c has no receptor 'excitatory'"),
        (net(links=[(0, 0, 1.0, 0.0)]), "p0: delay 0.0 is not above zero"),
        (net(1.0, links=[(0, 0, 1.0, 0.49)]), "p0: delay 0.49 is not above zero, or under half a tick"),
        (net(cells=("adex", {})), "adex has no closed form and runs on the grid only"),
        (net(initial={"V_m": -55.0}), "V_m starts at or above the threshold"),
        (net(spikes=[(0.0, 0, 1)]), "cell event at 0.0, but a run begins after 0"),
        (net(links=[learns("mirror")]), "mirror: parameter 'eta' has no default and is not given"),
        (NO_REGISTER, "i: no 'n_free' to read"),
        (net(1.0, cells=TOO_MANY, spikes=[(1, 1, 2), (1, 0, 1)], links=PHASES + CHARGES),
         "a Poisson mean of 10000 is above 700"),
    ],
)  # fmt: skip
def test_mistakes_are_named(network, words):
    with pytest.raises((ValueError, AttributeError), match=words):
        simulate(network)

"""Rules of pairs and triplets of spikes on NEST's trains: the weights are NEST's (tests/peers/nest_rules.py).

NEST keeps weights in float64, ours are rounded to float32 after each of up to 490 hooks, by 2^-25 at most where a
weight is between 1/2 and 1: a random walk that alone limits the agreement, to some 1e-6. With weights in float64 the
rules' hooks come to NEST's numbers to 1e-12.
"""

from __future__ import annotations

import numpy as np
import pytest

from library import in_float64
from library.same_spikes import learnt, network_of, peer

NEST = peer("nest_rules.json")


def of_power_law(q, target):
    return {"tau_plus": q["tau_plus"], "tau_minus": target["tau_minus"], "eta": q["lambda"], "alpha": q["alpha"]} | {
        k: q[k] for k in ("mu_plus", "mu_minus") if k in q
    }


def of_morrison(q, target):
    taus = {"tau_plus": q["tau_plus"], "tau_minus": target["tau_minus"]}
    return taus | {"eta": q["lambda"], "alpha": q["alpha"], "mu": q["mu"]}


def of_pairs(q, target):
    taus = {"tau_plus": q["tau_plus"], "tau_minus": target["tau_minus"]}
    return taus | {"a_plus": q["lambda"] * q["Wmax"], "a_minus": q["lambda"] * q["alpha"] * q["Wmax"]}


def of_triplets(q, target):
    taus = {"tau_plus": q["tau_plus"], "tau_x": q["tau_plus_triplet"]}
    taus |= {"tau_minus": target["tau_minus"], "tau_y": target["tau_minus_triplet"]}
    names = {"a2_plus": "Aplus", "a3_plus": "Aplus_triplet", "a2_minus": "Aminus", "a3_minus": "Aminus_triplet"}
    return taus | {ours: q[theirs] for ours, theirs in names.items()}


def of_inhibition(q, target):
    assert target["tau_minus"] == q["tau"]
    return {"tau": q["tau"], "eta": q["eta"], "rho_0": q["alpha"] / (2e-3 * q["tau"])}


#: our rule -> NEST's cases, and how its parameters read here
CASES = [
    ("pair_stdp", "additive", of_pairs),
    ("power_law_stdp", "additive", of_power_law),
    ("power_law_stdp", "multiplicative", of_power_law),
    ("power_law_stdp", "guetig", of_power_law),
    ("power_law_stdp", "van_rossum", of_power_law),
    ("morrison_stdp", "morrison", of_morrison),
    ("nearest_stdp", "symmetric", of_pairs),
    ("pre_centered_stdp", "pre_centered", of_pairs),
    ("restricted_stdp", "restricted", of_pairs),
    ("triplet_stdp", "triplet", of_triplets),
    ("inhibitory_stdp", "vogels", of_inhibition),
]


#: exact mode calls the same hooks: one rule with traces and one with States
RUNS = [(1.0, *one) for one in CASES] + [("exact", *one) for one in CASES if one[1] in ("guetig", "restricted")]


def plasticity(rule, case, params):
    """The options of the projection for one of NEST's cases."""
    given = NEST["cases"][case]
    high = given["params"].get("Wmax", 10.0)
    return {"rule": rule, "params": params(given["params"], given["target"]), "w_min": 0.0, "w_max": high}


@pytest.mark.parametrize(("resolution", "rule", "case", "params"), RUNS, ids=[f"{r}-{n}-{c}" for r, n, c, _ in RUNS])
def test_weights_are_nests_on_the_same_spikes(resolution, rule, case, params):
    """Four synapses, 20 s, 126 to 320 presynaptic spikes, read 19 times."""
    given = NEST["cases"][case]
    network = network_of(NEST["pre"], NEST["post"], 1.0, given["weight"], plasticity(rule, case, params))
    found, expected = learnt(network, NEST["checkpoints"], resolution), np.array(given["weights"])
    assert np.ptp(expected, axis=0).min() > 0.01
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("rule", "case", "params"), CASES, ids=[f"{n}-{c}" for n, c, _ in CASES])
def test_only_the_rounding_of_weights_is_between_us_and_nest(rule, case, params):
    """The same hooks with weights in float64, on the third synapse."""
    given, options, k = NEST["cases"][case], plasticity(rule, case, params), 2
    bounds = options["w_min"], options["w_max"]
    spikes = NEST["pre"][k], NEST["post"][k], ()
    found = in_float64.weights(rule, options["params"], *spikes, 1.0, given["weight"], bounds, NEST["checkpoints"])
    assert found == pytest.approx(np.array(given["weights"])[:, k], rel=1e-12)

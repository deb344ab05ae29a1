"""reward_stdp beside NEST's stdp_dopamine_synapse with a volume transmitter, on the same spikes.

NEST's dopamine n jumps by 1 / tau_n at a spike of the dopaminergic cell, one delay (1 ms) after it; its transmitter
brings weights up to date in every step, so what was read there after 1000 ms and two steps more is that of 1002 ms.
Ours is brought up to date at spikes and signals: a signal of value 0 goes with each reading.
"""

from __future__ import annotations

import numpy as np
import pytest

from library import in_float64
from library.same_spikes import learnt, network_of, peer

NEST = peer("nest_rules.json")
GIVEN = NEST["cases"]["dopamine"]
Q = GIVEN["params"]
PARAMS = {
    "tau_plus": Q["tau_plus"],
    "tau_minus": GIVEN["target"]["tau_minus"],
    "tau_c": Q["tau_c"],
    "tau_d": Q["tau_n"],
}
PARAMS |= {"a_plus": Q["A_plus"], "a_minus": Q["A_minus"]}
READ = [t + 2.0 for t in NEST["checkpoints"]]
SIGNAL = sorted([(t + 1.0, 1.0 / Q["tau_n"]) for t in NEST["dopamine"]] + [(t, 0.0) for t in READ])
EXPECTED = np.array(GIVEN["weights"])


def test_weights_are_nests_on_the_same_spikes():
    """20 s, some twenty spikes of dopamine, read 19 times; float32 weights limit it, by 3e-8 at each event."""
    options = {"rule": "reward_stdp", "params": PARAMS, "w_min": -10.0, "w_max": 10.0, "signals": ["dopamine"]}
    network = network_of(NEST["pre"], NEST["post"], 1.0, GIVEN["weight"], options)
    times, values = zip(*SIGNAL)
    network.add_signal("dopamine", times=np.array(times) - 1.0, values=values, delay=1.0)
    assert np.ptp(EXPECTED, axis=0).min() > 0.01
    found = learnt(network, READ, 1.0)
    assert found == pytest.approx(EXPECTED, rel=1e-6, abs=1e-6)


def test_only_the_rounding_of_weights_is_between_us_and_nest():
    for k in range(4):
        spikes = NEST["pre"][k], NEST["post"][k], SIGNAL
        found = in_float64.weights("reward_stdp", PARAMS, *spikes, 1.0, GIVEN["weight"], (-10.0, 10.0), READ)
        assert found == pytest.approx(EXPECTED[:, k], rel=1e-12)

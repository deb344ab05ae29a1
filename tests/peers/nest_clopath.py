"""What NEST's clopath_synapse makes of given inputs, written to tests/data/nest_clopath.json.

    python tests/peers/nest_clopath.py          # with NEST 3.10 installed; run by hand, the result is committed

The target is aeif_psc_delta_clopath. `linear`: without the exponential and below threshold, shaken by strong inputs, so
that membrane and filters are linear and both simulators solve them to rounding; depression and potentiation apart.
`pairing`: the protocol of NEST's example (Clopath et al. 2010, fig. 2b), five pairs at 10 to 50 Hz, 10 ms apart either
way. Filtered potentials are not delayed (delay_u_bars = 0).
"""

from __future__ import annotations

import json
from pathlib import Path

import nest
import numpy as np

OUT = Path(__file__).parents[1] / "data" / "nest_clopath.json"
H, START, DURATION, EVERY = 0.1, 1000.0, 5000.0, 400.0
RULE = {"A_LTD": 14e-5, "A_LTP": 8e-5, "theta_minus": -70.6, "theta_plus": -45.3, "delay_u_bars": 0.0}
LINEAR = {"Delta_T": 0.0, "V_th_rest": 30.0, "V_th_max": 30.4, "V_peak": 33.0}
PAIRED = {"b": 0.0805, "V_reset": -49.6, "V_clamp": 33.0, "t_clamp": 2.0, "t_ref": 0.0}


def weights(cell, pre, drive, drive_weight, weight, times):
    """Weight of the synapse from a parrot that spikes at `pre` after each of `times`, of which all are in `pre`."""
    nest.ResetKernel()
    nest.set_verbosity("M_ERROR")
    nest.resolution = H
    target, source = nest.Create("aeif_psc_delta_clopath", params=cell), nest.Create("parrot_neuron")
    for times_of, to, strength in ((pre, source, 1.0), (drive, target, drive_weight)):
        shifted = np.round(np.array(times_of) - H, 1)
        generator = nest.Create("spike_generator", params={"spike_times": shifted})
        nest.Connect(generator, to, syn_spec={"delay": H, "weight": strength})
    nest.Connect(source, target, syn_spec={"synapse_model": "clopath_synapse", "weight": weight, "delay": H})
    found, now = [], 0.0
    for time in times:
        nest.Simulate(round(time + 0.2 - now, 1))
        now = round(time + 0.2, 1)
        found.append(float(nest.GetConnections(synapse_model="clopath_synapse").weight))
    return found


def train(random, rate, extra=()):
    """Times (ms, multiples of H) of a random train, and those of `extra`.

    From START on: NEST's threshold begins at its default and takes so long to forget it.
    """
    ticks = np.flatnonzero(random.random(round(DURATION / H)) < 1e-3 * rate * H)
    return sorted({*np.round(ticks[ticks * H > START] * H, 1).tolist(), *extra})


def main():
    random = np.random.default_rng(5)
    times = np.arange(START + EVERY, DURATION, EVERY).tolist()
    pre, drive = train(random, 30.0, times), train(random, 120.0)
    # nothing is pending at a reading: the last 20 ms before it are quiet
    drive = [t for t in drive if all(not 0.0 <= time - t < 20.0 for time in times)]
    result = {"nest": nest.__version__, "rule": RULE, "linear": {"pre": pre, "drive": drive, "times": times}}
    kinds = {
        "depression": {"A_LTP": 0.0},
        "homeostatic": {"A_LTP": 0.0, "A_LTD_const": False, "u_ref_squared": 60.0**2},
        "potentiation": {"A_LTD": 0.0, "A_LTP": 2e-5},
    }
    for name, change in kinds.items():
        cell = RULE | LINEAR | change
        result["linear"][name] = {"cell": cell, "weights": weights(cell, pre, drive, 16.0, 0.5, times)}
    result["pairing"] = {"cell": RULE | PAIRED, "protocols": []}
    for lag in (10.0, -10.0):
        for frequency in (10.0, 20.0, 30.0, 40.0, 50.0):
            post = np.round(20.0 + 1e3 / frequency * np.arange(5), 1)
            pre = np.round(np.append(post - lag, post[-1] + 1e3 / frequency - lag), 1).tolist()
            found = weights(RULE | PAIRED, pre, post, 80.0, 0.5, [pre[-1]])
            one = {"frequency": frequency, "lag": lag, "pre": pre, "drive": post.tolist(), "weight": found[0]}
            result["pairing"]["protocols"].append(one)
    OUT.write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()

"""What NEST's plastic synapses make of given spike trains, written to tests/data/nest_rules.json.

    python tests/peers/nest_rules.py          # with NEST 3.10 installed; run by hand, the result is committed

Four synapses, each between two parrot neurons that repeat a given train; the plastic synapse arrives at the target's
port 1, which a parrot does not repeat. All spikes are at even ms and the (dendritic) delay is 1 ms, so that no synapse
ever sees two spikes at once. At each of the `checkpoints` all sources spike, and the weights are read after it: NEST
brings a synapse up to date at presynaptic spikes alone.
"""

from __future__ import annotations

import json
from pathlib import Path

import nest
import numpy as np

OUT = Path(__file__).parents[1] / "data" / "nest_rules.json"
DURATION, EVERY, DELAY = 20_000, 1_000, 1.0
PLAIN = {"tau_minus": 34.0}
STDP = {"tau_plus": 17.0, "lambda": 0.01, "alpha": 0.5, "Wmax": 1.0}
#: case -> (synapse, its parameters, those of the target, initial weight)
CASES = {
    "additive": ("stdp_synapse", STDP | {"mu_plus": 0.0, "mu_minus": 0.0}, PLAIN, 0.5),
    "multiplicative": ("stdp_synapse", STDP | {"mu_plus": 1.0, "mu_minus": 1.0}, PLAIN, 0.5),
    "guetig": ("stdp_synapse", STDP | {"mu_plus": 0.4, "mu_minus": 0.3}, PLAIN, 0.5),
    "van_rossum": ("stdp_synapse", STDP | {"mu_plus": 0.0, "mu_minus": 1.0}, PLAIN, 0.5),
    "morrison": ("stdp_pl_synapse_hom", {"tau_plus": 17.0, "lambda": 0.01, "alpha": 0.5, "mu": 0.4}, PLAIN, 0.5),
    "symmetric": ("stdp_nn_symm_synapse", STDP | {"mu_plus": 0.0, "mu_minus": 0.0}, PLAIN, 0.5),
    "pre_centered": ("stdp_nn_pre_centered_synapse", STDP | {"mu_plus": 0.0, "mu_minus": 0.0}, PLAIN, 0.5),
    "restricted": ("stdp_nn_restr_synapse", STDP | {"mu_plus": 0.0, "mu_minus": 0.0}, PLAIN, 0.5),
    "triplet": (
        "stdp_triplet_synapse",
        {"tau_plus": 16.8, "tau_plus_triplet": 101.0, "Aplus": 5e-4, "Aplus_triplet": 1.2e-3}
        | {"Aminus": 1.5e-3, "Aminus_triplet": 2.3e-4, "Wmax": 10.0},
        {"tau_minus": 33.7, "tau_minus_triplet": 125.0},
        0.5,
    ),
    "vogels": (
        "vogels_sprekeler_synapse", {"tau": 20.0, "eta": 0.01, "alpha": 0.4, "Wmax": 5.0}, {"tau_minus": 20.0}, 0.5
    ),
}  # fmt: skip
DOPAMINE = {"A_plus": 0.02, "A_minus": 0.01, "tau_plus": 17.0, "tau_c": 1000.0, "tau_n": 200.0, "b": 0.0}
DOPAMINE |= {"Wmin": -10.0, "Wmax": 10.0}


def trains(random, rates, extra=()):
    """Even times (ms) from 4 on of a Bernoulli train for each rate (Hz), and those of `extra`."""
    slots = np.arange(4, DURATION, 2)
    return [sorted({*slots[random.random(slots.size) < 2e-3 * rate].tolist(), *extra}) for rate in rates]


def parrots(given, params=None):
    """Parrot neurons that spike at the given times."""
    cells = nest.Create("parrot_neuron", len(given), params=params or {})
    for cell, times in zip(cells, given):
        source = nest.Create("spike_generator", params={"spike_times": np.array(times) - 1.0})
        nest.Connect(source, cell, syn_spec={"delay": 1.0})
    return cells


def fresh():
    nest.ResetKernel()
    nest.set_verbosity("M_ERROR")
    nest.resolution = 1.0


def weights(model, params, target, weight, pre, post, checkpoints, dopamine=None):
    """Weights of all synapses after each checkpoint."""
    fresh()
    if dopamine is not None:
        transmitter = nest.Create("volume_transmitter")
        nest.Connect(parrots([dopamine]), transmitter, syn_spec={"delay": 1.0})
        nest.SetDefaults(model, {**params, "volume_transmitter": transmitter})
        params = {}
    if model.endswith("_hom"):
        nest.SetDefaults(model, params)
        params = {}
    sources, targets = parrots(pre), parrots(post, target)
    spec = {"synapse_model": model, "weight": weight, "delay": DELAY, "receptor_type": 1, **params}
    nest.Connect(sources, targets, "one_to_one", spec)
    found = []
    for before, t in zip([0, *checkpoints], checkpoints):
        nest.Simulate(float(t - before) + (2.0 if before == 0 else 0.0))
        found.append(list(np.atleast_1d(nest.GetConnections(synapse_model=model).weight)))
    return found


def delivered(params, pre):
    """What tsodyks2_synapse delivers at each spike of each source."""
    fresh()
    recorder = nest.Create("weight_recorder")
    nest.CopyModel("tsodyks2_synapse", "recorded", {"weight_recorder": recorder})
    sources, targets = parrots(pre), nest.Create("parrot_neuron", len(pre))
    nest.Connect(
        sources, targets, "one_to_one", {"synapse_model": "recorded", "delay": DELAY, "receptor_type": 1, **params}
    )
    nest.Simulate(float(DURATION) + 5.0)
    events = recorder.events
    return [events["weights"][events["targets"] == target.global_id].tolist() for target in targets]


def main():
    random = np.random.default_rng(6)
    checkpoints = list(range(EVERY, DURATION, EVERY))
    # nearest-neighbour synapses of NEST take time 0 for a presynaptic spike until there is one: there is, at 2 ms
    pre = trains(random, (10.0, 10.0, 15.0, 5.0), [2, *checkpoints])
    post = trains(random, (8.0, 12.0, 8.0, 4.0))
    dopamine = trains(random, (1.0,))[0]
    result = {"nest": nest.__version__, "pre": pre, "post": post, "dopamine": dopamine, "checkpoints": checkpoints}
    result["cases"] = {
        name: {"model": model, "params": params, "target": target, "weight": weight}
        | {"weights": weights(model, params, target, weight, pre, post, checkpoints)}
        for name, (model, params, target, weight) in CASES.items()
    }
    found = weights("stdp_dopamine_synapse", DOPAMINE, PLAIN, 0.5, pre, post, checkpoints, dopamine)
    result["cases"]["dopamine"] = {
        "model": "stdp_dopamine_synapse", "params": DOPAMINE, "target": PLAIN, "weight": 0.5, "weights": found,
    }  # fmt: skip
    short = [train[:200] for train in pre]
    result["short_term"] = {"model": "tsodyks2_synapse", "trains": short}
    for name, U, tau_rec, tau_fac in (("depressing", 0.5, 800.0, 5.0), ("facilitating", 0.05, 100.0, 1000.0)):
        params = {"U": U, "tau_rec": tau_rec, "tau_fac": tau_fac, "weight": 2.0, "u": U, "x": 1.0}
        result["short_term"][name] = {"params": params, "delivered": delivered(params, short)}
    OUT.write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()

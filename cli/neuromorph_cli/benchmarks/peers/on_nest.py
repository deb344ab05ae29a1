"""A case on NEST 3; see the package for what comes in and goes out."""

import importlib.metadata
import json
import resource
import sys
import time

import nest
import numpy as np

MODELS = {"lif_delta": "iaf_psc_delta", "lif_exp": "iaf_psc_exp"}


def main():
    request = json.load(sys.stdin)
    network = request["network"]
    start(request)
    began = time.perf_counter()
    populations = {p["name"]: population(p, request["precise"]) for p in network["populations"]}
    before = resident()
    for number, p in enumerate(network["projections"]):
        connect(p, number, populations)
    memory = resident() - before
    poisson = "poisson_generator_ps" if request["precise"] else "poisson_generator"
    for d in network["drive"]:
        generator = nest.Create(poisson, params={"rate": d["rate"]})
        nest.Connect(generator, populations[d["target"]], syn_spec={"weight": d["weight"], "delay": d["delay"]})
    kick(network.get("kick"), populations)
    recorder = nest.Create("spike_recorder")
    for cells in populations.values():
        nest.Connect(cells, recorder)  # 31 kB a cell in NEST 3.10, which are no synapses
    before = resident()
    nest.Prepare()  # sorts them, and lists each one's target
    memory += resident() - before
    built = time.perf_counter()
    nest.Run(request["warm_ms"])
    wall, cpu = time.perf_counter(), time.process_time()
    nest.Run(request["duration_ms"])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    times, senders = recorder.events["times"], recorder.events["senders"]
    kept = times > request["warm_ms"]
    np.savez(request["spikes"], times=times[kept], cells=senders[kept] - 1)  # cells were made first: ids from 1
    print(json.dumps({
        "version": f"NEST {importlib.metadata.version('nest-simulator')}", "build_s": built - began, "wall_s": wall,
        "cpu_s": cpu, "peak_mb": peak, "synapse_bytes": memory * 2**20,
    }))  # fmt: skip


def start(request):
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.local_num_threads = request["threads"]
    nest.resolution = request["tick"]
    nest.rng_seed = request["seed"] + 1
    nest.keep_source_table = False  # a fifth less memory


def population(p, precise):
    cells = nest.Create(MODELS[p["model"]] + ("_ps" if precise else ""), p["size"], p["params"])
    potential = p["V_m"]
    if isinstance(potential, dict) and "uniform" in potential:
        potential = nest.random.uniform(*potential["uniform"])
    elif isinstance(potential, dict):
        mean, std, high = potential["normal"]
        potential = nest.math.redraw(nest.random.normal(mean, std), min=-1e9, max=high)
    cells.V_m = potential
    return cells


def connect(p, number, populations):
    weight, delay = p["weight"], p["delay"]
    synapse = {"delay": delay, "weight": weight}
    if "stdp" in p:  # additive: mu = 0
        s = p["stdp"]
        model = "stdp_synapse"
        synapse |= {
            "Wmax": s["w_max"], "lambda": s["a_plus"] / s["w_max"], "alpha": s["a_minus"] / s["a_plus"],
            "tau_plus": s["tau"], "mu_plus": 0.0, "mu_minus": 0.0,
        }  # fmt: skip
    elif isinstance(weight, dict):
        mean, std = weight["normal"]
        side = {"min": 0.0, "max": np.inf} if mean > 0 else {"min": -np.inf, "max": 0.0}
        synapse["weight"] = nest.math.redraw(nest.random.normal(mean, std), **side)
        model = "static_synapse"
    else:  # one weight for all saves NEST 8 bytes a synapse
        model = "static_synapse_hom_w"
        del synapse["weight"]
    if isinstance(delay, dict):
        mean, std, low = delay["normal"]
        synapse["delay"] = nest.math.redraw(nest.random.normal(mean, std), min=low, max=np.inf)
    name = f"projection{number}"  # NEST numbers at most 2^27 synapses of a model: one model each
    nest.CopyModel(model, name, {"weight": weight} if "weight" not in synapse else {})
    rule = {"rule": "fixed_total_number", "N": p["total"]} if "total" in p else {
        "rule": "fixed_indegree", "indegree": p["indegree"],
    }  # fmt: skip
    nest.Connect(populations[p["source"]], populations[p["target"]], rule, {"synapse_model": name, **synapse})


def kick(k, populations):
    if k is not None:
        generator = nest.Create("spike_generator", params={"spike_times": [k["time"]]})
        first = populations[k["target"]][: k["count"]]
        nest.Connect(generator, first, syn_spec={"weight": k["weight"], "delay": k["delay"]})


def resident():
    """Resident memory in MB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


main()

"""A case on Brian2, its fastest target: C++ standalone; see the package for what comes in and goes out.

Timed is what the generated program says of its own measured stretch, so neither code generation nor compilation nor
the drawing of synapses counts. That is processor time (std::clock) of all its threads; wall time is taken to be as much
by thread, which favours Brian2.
"""

import importlib.metadata
import json
import resource
import shutil
import sys
import tempfile
import time

import numpy as np
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    PoissonInput,
    SpikeGeneratorGroup,
    SpikeMonitor,
    Synapses,
    defaultclock,
    device,
    ms,
    mV,
    prefs,
    seed,
    set_device,
)

EQUATIONS = {
    "lif_delta": "dv/dt = -(v - E_L)/tau_m : volt (unless refractory)",
    "lif_exp": """dv/dt = (ge + gi - (v - E_L))/tau_m : volt (unless refractory)
                  dge/dt = -ge/tau_syn_ex : volt
                  dgi/dt = -gi/tau_syn_in : volt""",
}
STDP = """w : volt
          dx/dt = -x/tau : 1 (event-driven)
          dy/dt = -y/tau : 1 (event-driven)"""

PARTS = 1000  # of a Poisson process: Brian2 draws a binomial count of so many


def main():
    request = json.load(sys.stdin)
    folder = tempfile.mkdtemp(prefix="neuromorph-brian2-")
    try:
        print(json.dumps(simulate(request, folder)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def simulate(request, folder):
    began = time.perf_counter()
    set_device("cpp_standalone", directory=folder, build_on_run=False)
    prefs.devices.cpp_standalone.openmp_threads = request["threads"] if request["threads"] > 1 else 0
    defaultclock.dt = request["tick"] * ms
    seed(request["seed"])
    network, groups, warm, measured = describe(request)
    network.run(warm * ms)
    network.run(measured * ms)
    device.build(directory=folder, compile=True, run=False, debug=False)
    compiled = time.perf_counter()
    device.run(folder, with_output=False, run_args=[])
    return answer(request, groups, time.perf_counter() - began, compiled - began)


def describe(request):
    """The whole network is one group where models and parameters agree: Brian2 is faster so."""
    data = request["network"]
    groups, objects = {}, []
    p = data["populations"][0]
    if any((q["model"], q["params"]) != (p["model"], p["params"]) for q in data["populations"]):
        sys.exit("populations that differ in model or parameters are not written for Brian2")
    everyone = group(p, sum(q["size"] for q in data["populations"]))
    first = 0
    for q in data["populations"]:
        groups[q["name"]] = everyone[first : first + q["size"]]
        potential(groups[q["name"]], q["V_m"])
        first += q["size"]
    objects.append(everyone)
    random = np.random.default_rng(request["seed"])
    objects += [projection(p, groups, data["populations"][0]["model"], random) for p in data["projections"]]
    for d in data["drive"]:
        objects.append(PoissonInput(groups[d["target"]], "v", PARTS, d["rate"] / PARTS * Hz, weight=d["weight"] * mV))
    if "kick" in data:
        k = data["kick"]
        generator = SpikeGeneratorGroup(1, [0], [k["time"]] * ms)
        synapse = Synapses(generator, groups[k["target"]], on_pre="v += kick", namespace={"kick": k["weight"] * mV})
        synapse.connect(i=np.zeros(k["count"], int), j=np.arange(k["count"]))
        synapse.delay = k["delay"] * ms - defaultclock.dt
        objects += [generator, synapse]
    monitor = SpikeMonitor(everyone)
    return Network(*objects, monitor), monitor, request["warm_ms"], request["duration_ms"]


def group(p, size):
    params = p["params"]
    names = {k: params[k] * (ms if k.startswith("tau") else mV) for k in params if k not in ("C_m", "t_ref")}
    if p["model"] == "lif_exp" and params["C_m"] != params["tau_m"]:
        sys.exit("lif_exp is written for C_m = tau_m in number, where a weight in pA is one in mV")
    return NeuronGroup(
        size, EQUATIONS[p["model"]], threshold="v >= V_th", reset="v = V_reset", refractory=params["t_ref"] * ms,
        method="exact", namespace=names,
    )  # fmt: skip


def potential(cells, value):
    if isinstance(value, dict):
        low, high = value["uniform"]
        cells.v = f"{low}*mV + {high - low}*mV*rand()"
    else:
        cells.v = value * mV


def projection(p, groups, model, random):
    source, target = groups[p["source"]], groups[p["target"]]
    # Brian2 tests thresholds before synapses act: an arrival is felt a tick later than elsewhere
    weight, delay = p["weight"] * mV, p["delay"] * ms - defaultclock.dt
    variable = "v" if model == "lif_delta" else "ge" if p["weight"] > 0 else "gi"
    if "stdp" in p:
        s = p["stdp"]
        names = {"tau": s["tau"] * ms, "up": s["a_plus"] * mV, "down": s["a_minus"] * mV, "top": s["w_max"] * mV}
        synapse = Synapses(
            source, target, STDP, on_pre="w = clip(w - down*y, 0*volt, top)\nv_post += w\nx += 1",
            on_post="y += 1\nw = clip(w + up*x, 0*volt, top)", delay={"pre": delay}, namespace=names,
        )  # fmt: skip
    else:
        later = {"delay": delay} if delay > defaultclock.dt / 2 else {}
        synapse = Synapses(source, target, on_pre=f"{variable}_post += weight", namespace={"weight": weight}, **later)
    n = p["indegree"] * target.stop - p["indegree"] * target.start
    size = source.stop - source.start
    synapse.connect(
        i=random.integers(0, size, n).astype(np.int32),
        j=np.repeat(np.arange(target.stop - target.start, dtype=np.int32), p["indegree"]),
    )
    if "stdp" in p:
        synapse.w = weight
    return synapse


def answer(request, monitor, total, compiled):
    """`device._last_run_time` is of the last run alone: the measured stretch."""
    cpu = float(device._last_run_time)
    wall = cpu / request["threads"]
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    times, cells = np.asarray(monitor.t / ms), np.asarray(monitor.i)
    kept = times > request["warm_ms"]
    np.savez(request["spikes"], times=times[kept], cells=cells[kept])
    return {
        "version": f"Brian2 {importlib.metadata.version('brian2')}", "build_s": total - wall, "compile_s": compiled,
        "wall_s": wall, "cpu_s": cpu, "peak_mb": usage.ru_maxrss / 1024, "synapse_bytes": None,
    }  # fmt: skip


main()

"""Run one case once, here: reads a request (one JSON object) on standard input, prints the answer on its last line."""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from typing import Any


def main() -> None:
    """Answer the request on standard input."""
    print(json.dumps(answer(json.load(sys.stdin))))


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What the case's module measures; a network's is this one."""
    module = importlib.import_module(f"neuromorph_cli.benchmarks.{request['module']}")
    found: dict[str, Any] = module.measure(request)
    return found


def measure(request: dict[str, Any]) -> dict[str, Any]:
    """Build the request's network, warm up and time a stretch; the spikes of that go to the file `spikes`."""
    import numpy as np

    from neuromorph import __version__
    from neuromorph_cli.benchmarks import sizes

    began = time.perf_counter()
    simulation = simulate(described(request["network"]), request)
    built = time.perf_counter() - began
    simulation.run(request["warm_ms"])
    events, wall, cpu = simulation.synaptic_events, time.perf_counter(), time.process_time()
    simulation.run(request["duration_ms"])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = peak_mb()
    times, cells = spikes(simulation, request["network"])
    kept = times > request["warm_ms"]
    np.savez(request["spikes"], times=times[kept], cells=cells[kept])
    return {
        "version": f"neuromorph {__version__}", "build_s": built, "wall_s": wall, "cpu_s": cpu, "peak_mb": peak,
        "synapse_bytes": sizes.synapse_bytes(simulation.network), "all_events": simulation.synaptic_events - events,
    }  # fmt: skip


def simulate(network: Any, request: dict[str, Any], **more: Any) -> Any:
    """A Simulation of the network at the request's resolution, seed and number of threads."""
    from neuromorph.simulate import Simulation

    more["precision"] = request.get("precision", "float64")
    return Simulation(network, request["resolution"], request["seed"], parts=request["threads"], **more)


def described(data: dict[str, Any]) -> Any:
    """The Network of a case's data (neuromorph_cli.benchmarks.networks says what that holds)."""
    from neuromorph.graph.network import Network

    network = Network()
    for p in data["populations"]:
        network.add_population(p["name"], p["model"], p["size"], p["params"], {"V_m": _potential(p["V_m"])})
    sizes = {p["name"]: p["size"] for p in data["populations"]}
    for p in data["projections"]:
        count = {"total": p["total"]} if "total" in p else {"indegree": p["indegree"]}
        network.connect(
            p["source"], p["target"], "fixed_total" if "total" in p else "fixed_indegree", _weight(p["weight"]),
            _delay(p["delay"]), plasticity=_plasticity(p.get("stdp")), autapses=True, multapses=True, **count,
        )  # fmt: skip
    for d in data["drive"]:
        source = network.add_input(f"drive_{d['target']}", "poisson", sizes[d["target"]], {"rate": d["rate"]})
        network.connect(source, d["target"], "one_to_one", d["weight"], d["delay"])
    if "kick" in data:
        k = data["kick"]
        network.add_input("kick", "spike_train", 1, {"times": [k["time"]]})
        network.connect(
            "kick", k["target"], "explicit", k["weight"], k["delay"], sources=[0] * k["count"],
            targets=list(range(k["count"])),
        )  # fmt: skip
    return network


def _potential(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "uniform" in value:
        low, high = value["uniform"]
        return {"distribution": "uniform", "low": low, "high": high}
    mean, std, high = value["normal"]
    return {"distribution": "normal", "mean": mean, "std": std, "high": high}


def _weight(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    mean, std = value["normal"]
    return {"distribution": "normal", "mean": mean, "std": std, ("low" if mean > 0 else "high"): 0.0}


def _delay(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    mean, std, low = value["normal"]
    return {"distribution": "normal", "mean": mean, "std": std, "low": low}


def _plasticity(stdp: Any) -> dict[str, Any] | None:
    if stdp is None:
        return None
    params = {"tau_plus": stdp["tau"], "tau_minus": stdp["tau"], "a_plus": stdp["a_plus"], "a_minus": stdp["a_minus"]}
    return {"rule": "pair_stdp", "params": params, "w_min": 0.0, "w_max": stdp["w_max"]}


def spikes(simulation: Any, data: dict[str, Any]) -> tuple[Any, Any]:
    """All recorded spikes: (times in ms, cells counted through all populations in the order of the data)."""
    import numpy as np

    times, cells = [], []
    first = 0
    for p in data["populations"]:
        when, which = simulation.spikes(p["name"])
        times.append(when)
        cells.append(which + first)
        first += p["size"]
    return np.concatenate(times), np.concatenate(cells)


def peak_mb() -> float:
    """Largest resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

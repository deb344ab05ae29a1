"""Run one network in the engine and in the oracle, and say where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import oracle
import twin_rules
from neuromorph import Network, Simulation
from neuromorph.kernels import rng
from neuromorph.lowered.rows import places
from neuromorph.models.contract import InputModel


def record_everything(network: Network) -> None:
    """Record the spikes of every population, inputs included: the oracle takes them as given."""
    known = {r.get("population") for r in network.graph.graph.get("record", []) if r.get("variable") == "spikes"}
    for name, data in network.populations.items():
        if name not in known and "current" not in data["model"]:
            network.record(str(name), "spikes")


def run_engine(
    network: Network, resolution: str | float, duration: float, seed: int = 1, cuts: Sequence[float] = (), **more: Any
) -> Simulation:
    """The engine's run, in pieces that end at `cuts` (ms); spikes in memory."""
    simulation = Simulation(network, resolution=resolution, seed=seed, **more)
    for begin, end in zip([0.0, *cuts], [*cuts, duration]):
        simulation.run(end - begin)
    return simulation


def for_oracle(simulation: Simulation, duration: float, network: Network | None = None) -> dict[str, Any]:
    """The oracle's description of a run: drawn parameters, weights and delays, and inputs as they spiked.

    With the `network`, bounds of weights are given to the oracle as they were described, not as they were lowered.
    """
    compiled = simulation.network
    exact = compiled.clock.exact
    described = {data.get("name"): data for _, _, data in network.projections} if network is not None else {}
    return {
        "resolution": "exact" if exact else compiled.clock.unit,
        "duration": duration,
        "seed": compiled.seed,
        "populations": {
            p.name: {
                "model": p.model.name,
                "size": p.size,
                "params": {k: np.broadcast_to(v, p.size).tolist() for k, v in p.parameters.items()},
                "initial": {v: p.initial[k].tolist() for k, v in enumerate(p.model.variables()) if v != "emit"},
            }
            for p in compiled.neurons
        },
        "inputs": {p.name: _input(simulation, p) for p in compiled.inputs},
        "currents": _currents(simulation),
        "projections": {p.name: _projection(p, compiled, described.get(p.name)) for p in compiled.projections},
        "signals": {
            s.name: {"population": s.population, "delay": s.delay}
            if s.population
            else {"times": s.times.tolist(), "values": s.values.tolist(), "delay": s.delay}
            for s in compiled.signals
        },
        "probes": sorted({t for t, *_ in _readings(simulation)}),
    }


def _input(simulation: Simulation, p: Any) -> dict[str, Any]:
    base, offset, index = simulation.sink.instants(p.name)  # type: ignore[attr-defined]
    exact = simulation.clock.exact
    times = base * simulation.clock.unit + offset if exact else base
    found: dict[tuple[float, int], int] = {}
    for t, i in zip(times.tolist(), index.tolist()):
        found[t, i] = found.get((t, i), 0) + 1
    spikes = [(t, i, n) for (t, i), n in sorted(found.items())]
    registers = {}
    if issubclass(p.model, InputModel) and p.model.registers:
        registers = {"n_free": _counts(p, spikes, exact, simulation.clock.unit)}
    return {"size": p.size, "spikes": spikes, "registers": registers}


def _counts(p: Any, spikes: list[Any], exact: bool, unit: float) -> list[Any]:
    """The register n_free: at every volley the count of each cell, zero where it is silent."""
    start, interval = float(p.parameters["start"][0]), float(p.parameters["interval"][0])
    fired = {(t, i): n for t, i, n in spikes}
    out = []
    for k in range(np.size(p.parameters["order"])):
        time: float = start + k * interval
        if not exact:
            time = round(time / unit)
        near = {i: n for (t, i), n in fired.items() if abs(t - time) < 1e-9}
        out += [(time, i, near.get(i, 0)) for i in range(p.size)]
    return out


def _currents(simulation: Simulation) -> list[Any]:
    """(time, population, cell, change in pA) of every current, in order of time."""
    compiled, out = simulation.network, []
    for current in compiled.currents:
        held = np.zeros(current.size)
        for at, c, value in _changes(simulation, current):
            for q in range(current.row[c], current.row[c + 1]):
                p, cell = _cell_of(compiled, int(current.slot[q]))
                out.append((at, p, cell, float((value - held[c]) * current.weight[q])))
            held[c] = value
    return out


def _changes(simulation: Simulation, current: Any) -> list[tuple[float, int, float]]:
    """(time or tick, channel, new value) of one current."""
    clock = simulation.clock
    if getattr(current.model, "steps", None) is not None:
        times, channels, values = current.model.steps(current.parameters, current.size)
        at = times.tolist() if clock.exact else np.rint(times / clock.unit).astype(int).tolist()
        return list(zip(at, channels.tolist(), values.tolist()))
    key = (simulation.network.seed, rng.stream(f"{current.name}/current"))
    out = []
    for tick in range(1, simulation.now[0] + 1):
        value = current.model.sample(current.parameters, current.size, tick, clock.unit, key)
        out += [] if value is None else [(tick, c, float(v)) for c, v in enumerate(value)]
    return out


def _cell_of(compiled: Any, slot: int) -> tuple[str, int]:
    for p in compiled.neurons:
        width = p.size * len(p.model.receptors)
        if p.slot0 <= slot < p.slot0 + width:
            return p.name, (slot - p.slot0) % p.size
    raise AssertionError(slot)


def _projection(p: Any, compiled: Any, described: Any) -> dict[str, Any]:
    target = {q.name: q for q in compiled.neurons}[p.target]
    drawn = p.connections.draw()
    n = drawn.source.size
    receptors = [target.model.receptors[int(r)].name for r in drawn.receptor]
    assert len(set(receptors)) <= 1, "one receptor a projection in these tests"
    weights: Any = np.zeros(n, np.float32)
    if p.plasticity is not None:
        for rows in p.plasticity.parts:
            weights[rows.origin] = rows.weight
    else:
        for rows, (ordinal, place) in zip(compiled.static, places(compiled, p)):
            weights[ordinal] = rows.synapse["weight"][place]
    matrix = p.plasticity is not None and not p.plasticity.rule.hooks()
    return {
        "source": p.source,
        "target": p.target,
        "receptor": receptors[0] if receptors else target.model.receptors[0].name,
        "sources": drawn.source.tolist(),
        "targets": drawn.target.tolist(),
        "weights": [float(w) for w in weights],
        "delays": np.broadcast_to(drawn.delay_ms, n).tolist(),  # ms: the oracle rounds to ticks by itself
        "matrix": matrix,
        "plasticity": None if p.plasticity is None or matrix else _plasticity(p.plasticity, described),
    }


def _plasticity(p: Any, described: Any) -> dict[str, Any]:
    params = dict(zip(p.rule.parameters(), p.parameters.tolist()))
    name = p.rule.name
    bounds = {"w_min": p.w_min, "w_max": p.w_max}
    if described is not None:
        bounds = {k: described["plasticity"].get(k) for k in bounds}
    given = {} if name in twin_rules.RULES else {"params": params}
    return {"rule": twin_rules.twin(name, params), "signals": list(p.signals), "frozen": False, **given, **bounds}


def engine_spikes(simulation: Simulation) -> list[tuple[float, str, int, int]]:
    """Spikes of the neurons as (ms, or tick on the grid, population, index, count)."""
    found: dict[tuple[float, str, int], int] = {}
    ids = {p.name: p.first_id for p in simulation.network.neurons}
    for p in simulation.network.neurons:
        base, offset, index = simulation.sink.instants(p.name)  # type: ignore[attr-defined]
        times = base * simulation.clock.unit + offset if simulation.clock.exact else base
        for t, i in zip(times.tolist(), index.tolist()):
            found[t, p.name, i] = found.get((t, p.name, i), 0) + 1
    rows = [(t, name, i, n) for (t, name, i), n in found.items()]
    return sorted(rows, key=lambda r: (r[0], ids[r[1]] + r[2]))


def differences(
    network: Network, resolution: str | float, duration: float, seed: int = 1, **more: Any
) -> dict[str, Any]:
    """Run both; returns {"spikes": number, "grazes", "problems": sentences, "simulation": the engine's}."""
    record_everything(network)
    simulation = run_engine(network, resolution, duration, seed, **more)
    expected = oracle.simulate(for_oracle(simulation, duration, network))
    problems = _spike_problems(simulation, expected) + _weight_problems(simulation, expected)
    problems += _state_problems(simulation, expected) + _reading_problems(simulation, expected)
    counts = {"spikes": len(expected["spikes"]), "grazes": expected["grazes"]}
    return {**counts, "problems": problems, "simulation": simulation}


def _spike_problems(simulation: Simulation, expected: dict[str, Any]) -> list[str]:
    exact = simulation.clock.exact
    found = engine_spikes(simulation)
    wanted = expected["spikes"] if exact else expected["spike_ticks"]
    problems = []
    if len(found) != len(wanted):
        problems.append(f"{len(found)} spikes, expected {len(wanted)}")
    for a, b in zip(found, wanted):
        if a[1:] != tuple(b)[1:] or abs(a[0] - b[0]) > (1e-9 if exact else 0):
            problems.append(f"spike {a}, expected {tuple(b)}")
            break
    return problems


def _weight_problems(simulation: Simulation, expected: dict[str, Any]) -> list[str]:
    return [
        problem
        for name, weights in expected["weights"].items()
        for problem in _unlike(f"weight of {name}", simulation.weights(name), weights, 1e-6)
    ]


def _state_problems(simulation: Simulation, expected: dict[str, Any]) -> list[str]:
    return [
        problem
        for name, variables in expected["state"].items()
        for variable, values in variables.items()
        if variable != "emit"
        for problem in _unlike(f"{name}.{variable}", simulation.state(name, variable), values, 1e-8)
    ]


def _readings(simulation: Simulation) -> list[tuple[float, str, str, Any, Any]]:
    """(time, "state" or "weight", of what, indices, values) of every recorded reading."""
    recorder, sink = simulation.recorder, simulation.sink
    out = []
    for k, c in enumerate(recorder.states):
        times, values = sink.states(k)  # type: ignore[attr-defined]
        out += [(float(t), "state", (c.population, c.variable), c.indices, v) for t, v in zip(times, values)]
    for k, w in enumerate(recorder.weights):
        times, values = sink.weights(k)  # type: ignore[attr-defined]
        out += [(float(t), "weight", w.projection, slice(None), v) for t, v in zip(times, values)]
    return out


def _reading_problems(simulation: Simulation, expected: dict[str, Any]) -> list[str]:
    probes = {probe["time"]: probe for probe in expected["probes"]}
    problems = []
    for time, kind, what, indices, values in _readings(simulation):
        probe = probes[min(probes, key=lambda t: abs(t - time))]
        wanted = probe["weights"][what] if kind == "weight" else probe["state"].get(what[0], {}).get(what[1], [])
        problems += _unlike(f"{what} at {time}", values, np.array(wanted)[indices], 1e-6 if kind == "weight" else 1e-8)
    return problems


def _unlike(what: str, found: Any, wanted: Any, tolerance: float) -> list[str]:
    found, wanted = np.asarray(found, float), np.asarray(wanted, float)
    if found.shape != wanted.shape:
        return [f"{what} has shape {found.shape}, expected {wanted.shape}"]
    wrong = ~np.isclose(found, wanted, rtol=tolerance, atol=1e-9 if tolerance > 1e-7 else tolerance)
    k = int(np.argmax(wrong)) if wrong.size else 0
    return [f"{what}[{k}] is {found[k]}, expected {wanted[k]}"] if wrong.any() else []

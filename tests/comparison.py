"""Run one network in the engine and in the oracle, and say where they differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import oracle

from neuromorph import Network, Simulation
from neuromorph.models.contract import InputModel


def run_engine(network: Network, resolution: str | float, duration: float, seed: int = 1, **more: Any) -> Simulation:
    """The engine's run; spikes in memory."""
    simulation = Simulation(network, resolution=resolution, seed=seed, **more)
    simulation.run(duration)
    return simulation


def for_oracle(simulation: Simulation, duration: float) -> dict[str, Any]:
    """The oracle's description of a run: drawn parameters, weights and delays, and inputs as they spiked."""
    compiled = simulation.network
    exact = compiled.clock.exact
    names = {s.name: s for s in compiled.signals}
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
        "projections": {p.name: _projection(p, exact, compiled) for p in compiled.projections},
        "signals": {
            name: {"population": s.population, "delay": s.delay}
            if s.population
            else {"times": s.times.tolist(), "values": s.values.tolist(), "delay": s.delay}
            for name, s in names.items()
        },
    }


def _input(simulation: Simulation, p: Any) -> dict[str, Any]:
    base, offset, index = simulation.sink.instants(p.name)
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
    compiled = simulation.network
    out = []
    for current in compiled.currents:
        times, channels, values = current.model.steps(current.parameters, current.size)
        held = np.zeros(current.size)
        for t, c, v in zip(times, channels, values):
            for q in range(current.row[c], current.row[c + 1]):
                p, cell = _cell_of(compiled, int(current.slot[q]))
                at = float(t) if compiled.clock.exact else round(float(t) / compiled.clock.unit)
                out.append((at, p, cell, float((v - held[c]) * current.weight[q])))
            held[c] = v
    return out


def _cell_of(compiled: Any, slot: int) -> tuple[str, int]:
    for p in compiled.neurons:
        width = p.size * len(p.model.receptors)
        if p.slot0 <= slot < p.slot0 + width:
            return p.name, (slot - p.slot0) % p.size
    raise AssertionError(slot)


def _projection(p: Any, exact: bool, compiled: Any) -> dict[str, Any]:
    target = {q.name: q for q in compiled.neurons}[p.target]
    n = p.source_index.size
    delay = np.broadcast_to(p.delay_ms, n)
    delays = delay.tolist() if exact else np.rint(delay / compiled.clock.unit).astype(int).tolist()
    receptors = [target.model.receptors[int(r)].name for r in p.receptor]
    assert len(set(receptors)) <= 1, "one receptor a projection in these tests"
    weights: Any = np.zeros(n, np.float32)
    if p.plasticity is not None:
        for rows in p.plasticity.parts:
            weights[rows.origin] = rows.weight
    else:
        for rows in compiled.static:
            mine = (rows.origin >= p.static_start) & (rows.origin < p.static_start + n)
            weights[rows.origin[mine] - p.static_start] = rows.weight[mine]
    plastic = None
    if p.plasticity is not None:
        names = list(p.plasticity.rule.parameters())
        plastic = {
            "rule": p.plasticity.rule.name,
            "params": dict(zip(names, p.plasticity.parameters.tolist())),
            "w_min": p.plasticity.w_min,
            "w_max": p.plasticity.w_max,
            "signals": list(p.plasticity.signals),
            "frozen": False,
        }
    return {
        "source": p.source,
        "target": p.target,
        "receptor": receptors[0] if receptors else target.model.receptors[0].name,
        "sources": p.source_index.tolist(),
        "targets": p.target_index.tolist(),
        "weights": [float(w) for w in weights],
        "delays": delays,
        "plasticity": plastic,
    }


def engine_spikes(simulation: Simulation) -> list[tuple[float, str, int, int]]:
    """Spikes of the neurons as (ms, or tick on the grid, population, index, count)."""
    found: dict[tuple[float, str, int], int] = {}
    ids = {p.name: p.first_id for p in simulation.network.neurons}
    for p in simulation.network.neurons:
        base, offset, index = simulation.sink.instants(p.name)
        times = base * simulation.clock.unit + offset if simulation.clock.exact else base
        for t, i in zip(times.tolist(), index.tolist()):
            found[t, p.name, i] = found.get((t, p.name, i), 0) + 1
    rows = [(t, name, i, n) for (t, name, i), n in found.items()]
    return sorted(rows, key=lambda r: (r[0], ids[r[1]] + r[2]))


def differences(network: Network, resolution: str | float, duration: float, seed: int = 1, **more: Any) -> dict[str, Any]:
    """Run both; returns {"spikes": number, "grazes", "problems": sentences}."""
    for name, data in network.populations.items():
        data.setdefault("size", 1)
        network.record(str(name), "spikes") if "current" not in data["model"] else None
    simulation = run_engine(network, resolution, duration, seed, **more)
    simulation._take_spikes()
    expected = oracle.simulate(for_oracle(simulation, duration))
    found = engine_spikes(simulation)
    wanted = expected["spikes"] if simulation.clock.exact else expected["spike_ticks"]
    problems = []
    if len(found) != len(wanted):
        first = next((k for k, (a, b) in enumerate(zip(found, wanted)) if a[1:] != tuple(b)[1:]), -1)
        problems.append(f"{len(found)} spikes, expected {len(wanted)}; first difference at {first}")
    for a, b in zip(found, wanted):
        if a[1:] != tuple(b)[1:] or abs(a[0] - b[0]) > (1e-9 if simulation.clock.exact else 0):
            problems.append(f"spike {a}, expected {tuple(b)}")
            break
    for name, weights in expected["weights"].items():
        plastic = any(p.name == name and p.plasticity is not None for p in simulation.network.projections)
        got = simulation.weights(name)
        if plastic and len(weights) and not np.allclose(got, weights, rtol=1e-6, atol=1e-9):
            k = int(np.argmax(np.abs(got - np.array(weights))))
            problems.append(f"weight {name}[{k}] is {got[k]}, expected {weights[k]}")
    for name, variables in expected["state"].items():
        for variable, values in variables.items():
            if variable == "emit":
                continue
            got_state = simulation.state(name, variable)
            if not np.allclose(got_state, values, rtol=1e-8, atol=1e-8):
                k = int(np.argmax(np.abs(got_state - np.array(values))))
                problems.append(f"{name}.{variable}[{k}] is {got_state[k]}, expected {values[k]}")
    return {"spikes": len(wanted), "grazes": expected["grazes"], "problems": problems}

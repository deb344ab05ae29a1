"""A neuron with its synapses as they learnt: run again from what its sources emitted, hook by hook."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import InputError, Problem
from neuromorph.graph.description import ProjectionSpec
from neuromorph.graph.network import Network
from neuromorph.registration import registered_name
from neuromorph.why.afferents import Afferents, connect, is_plastic
from neuromorph.why.arrivals import Arrivals
from neuromorph.why.copies import add_neuron, add_pace
from neuromorph.why.recording import JUST_AFTER, Recording

if TYPE_CHECKING:
    from neuromorph.debugging import HookCall
    from neuromorph.simulate import Simulation

#: hooks that come before what a presynaptic spike of the same instant delivers
BEFORE = ("on_post", "on_pre", "transmit")


def delivered(recording: Recording, found: Arrivals, stop_ms: float) -> Arrivals:
    """The arrivals with the weights that plastic synapses delivered."""
    rules = [p.plasticity.rule for p in found.afferents.projections if p.plasticity is not None and is_plastic(p)]
    if not any({"transmit", "on_signal"} & set(rule.hooks()) for rule in rules):
        return _sampled(recording, found)
    calls = replay(recording, found, stop_ms)
    weight = found.weight.copy()
    emitted = recording.milliseconds(found.base, found.offset)
    plastic = found.afferents.plastic
    for synapse in np.flatnonzero(plastic).tolist():
        mine = np.flatnonzero(found.synapse == synapse)
        if mine.size:
            weight[mine] = _weights_at(calls.get(synapse, []), emitted[mine], float(found.afferents.weight[synapse]))
    return replace(found, weight=weight)


def replay(recording: Recording, found: Arrivals, stop_ms: float) -> dict[int, list[HookCall]]:
    """What the hooks of each plastic synapse of a neuron did up to `stop_ms`, by its place among the afferents.

    The neuron gets what its sources emitted, fires as it did, and its synapses learn, hooks run as plain Python.
    Raises InputError where a rule reads what only the whole network has.
    """
    afferents = found.afferents
    for spec in afferents.projections:
        _check(recording, spec)
    simulation, places = _simulation(recording, found)
    calls: dict[int, list[HookCall]] = {}

    def note(call: HookCall) -> None:
        name, _, ordinal = call.place.removesuffix("]").rpartition("[")
        calls.setdefault(places[name][int(ordinal)], []).append(call)

    assert simulation.watch is not None
    simulation.watch.listeners.append(note)
    simulation.run_until(stop_ms)
    for name in places:
        simulation.weights(name)  # brings synapses up to now
    for mine in calls.values():
        mine.sort(key=lambda call: call.time)  # stable: hooks of one instant stay in order
    return calls


def _sampled(recording: Recording, found: Arrivals) -> Arrivals:
    """Weights read after each emission: the hooks run compiled, but nothing tells them from what comes at once."""
    for spec in found.afferents.projections:
        _check(recording, spec)
    simulation, places = _simulation(recording, found, debug=False)
    weight = found.weight.copy()
    emitted = recording.milliseconds(found.base, found.offset)
    mine = np.flatnonzero(found.afferents.plastic[found.synapse])
    order = mine[np.argsort(emitted[mine], kind="stable")]
    later = JUST_AFTER if recording.clock.exact else 0.0
    now = np.zeros(found.afferents.weight.size)
    cuts = np.flatnonzero(np.diff(emitted[order], prepend=-1.0))
    for together in np.split(order, cuts[1:]) if order.size else ():
        simulation.run_until(max(float(emitted[together[0]]) + later, simulation.time))
        for name, synapses in places.items():
            now[synapses] = simulation.weights(name)
        weight[together] = now[found.synapse[together]]
    return replace(found, weight=weight)


def _check(recording: Recording, spec: ProjectionSpec) -> None:
    if not is_plastic(spec):
        return
    assert spec.plasticity is not None
    rule, where = spec.plasticity.rule, f"{recording.path}: {spec.name}"
    if "rewire" in rule.hooks():
        fix = "Look at what was recorded of the projection."
        what = f"{registered_name(rule)} moves its synapses, which are not the same all along"
        raise InputError(Problem(what, where, fix=fix))
    if rule.variables("pre"):
        read = ", ".join(v.name for v in rule.variables("pre").values())
        fix = "Record the weights, and run the network with --debug."
        what = f"{registered_name(rule)} reads {read} of the cells that send, which only the whole network has"
        raise InputError(Problem(what, where, fix=fix))


def _simulation(recording: Recording, found: Arrivals, debug: bool = True) -> tuple[Simulation, dict[str, list[int]]]:
    """The neuron with its synapses, and the place among the afferents of each synapse of each plastic projection."""
    from neuromorph.simulate import Simulation

    afferents = found.afferents
    network = Network("synapses")
    add_neuron(network, recording, afferents.population, afferents.index, 1)
    cells = _add_sources(network, recording, afferents)
    places: dict[str, list[int]] = {}
    for number, spec in enumerate(afferents.projections):
        mine = np.flatnonzero(afferents.projection == number)
        mine = mine[np.argsort(afferents.ordinal[mine])]
        source = np.searchsorted(cells[spec.source], afferents.source[mine])
        network.connect(
            _sending(spec.source), afferents.population, "explicit", afferents.weight[mine].astype(float),
            afferents.delay_ms[mine], spec.receptor, _plasticity(recording, spec), spec.name,
            sources=source, targets=np.zeros(mine.size, np.int64),
        )  # fmt: skip
        if is_plastic(spec):
            places[spec.name] = mine.tolist()
    _add_signals(network, recording, afferents)
    if recording.clock.exact:
        add_pace(network, recording, afferents.population)
    resolution: Any = "exact" if recording.clock.exact else recording.clock.unit
    simulation = Simulation(network, resolution, recording.seed, debug=debug, memory_check=False)
    for name, ids in cells.items():
        _give(simulation, recording, found, name, ids)
    for name, synapses in places.items():
        _keep_ordinals(simulation, name, afferents.ordinal[synapses])
    return simulation, places


def _sending(population: str) -> str:
    """What the sources of a population are called: as a prefix keeps the order of names, that of ids stays."""
    return f"from {population}"


def _add_sources(network: Network, recording: Recording, afferents: Afferents) -> dict[str, NDArray[np.int64]]:
    """An input for each population of sources; returns which of its cells it stands for."""
    cells: dict[str, NDArray[np.int64]] = {}
    for number, spec in enumerate(afferents.projections):
        mine = afferents.source[afferents.projection == number]
        cells[spec.source] = np.union1d(cells.get(spec.source, mine), mine)
    for name, ids in cells.items():
        network.add_input(_sending(name), "spike_train", ids.size, {"times": [], "indices": []})
    return cells


def _plasticity(recording: Recording, spec: ProjectionSpec) -> dict[str, Any] | None:
    """The plasticity of a projection, with the bounds that all its weights together gave it."""
    if not is_plastic(spec):
        return None
    plastic = spec.plasticity
    assert plastic is not None
    low, high = plastic.w_min, plastic.w_max
    if low is None or high is None:
        made = connect(recording, spec)
        weight = made.weights((0, made.n))
        positive, negative = bool(np.any(weight > 0)), bool(np.any(weight < 0))
        if positive and not negative:
            low = 0.0 if low is None else low
        if negative and not positive:
            high = 0.0 if high is None else high
    bounds = {k: v for k, v in (("w_min", low), ("w_max", high)) if v is not None and np.isfinite(v)}
    heard = {"signals": list(plastic.signals)} if "on_signal" in plastic.rule.hooks() else {}
    return {"rule": registered_name(plastic.rule), "params": dict(plastic.params), **bounds, **heard}


def _add_signals(network: Network, recording: Recording, afferents: Afferents) -> None:
    """The signals that the synapses hear: as they were given, or as they arrived where a population sent them."""
    heard = {name for p in afferents.projections if is_plastic(p) for name in p.plasticity.signals}  # type: ignore[union-attr]
    for signal in recording.description.signals:
        if signal.name not in heard:
            continue
        if signal.population is None:
            _add(network, signal, signal.times, signal.values)
            continue
        times, values = recording.trace.signals.get(signal.name, (np.zeros(0), np.zeros(0)))
        _add(network, signal, times - signal.delay, values)


def _add(network: Network, signal: Any, times: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    network.add_signal(signal.name, times=times.tolist(), values=values.tolist(), delay=signal.delay)


def _give(simulation: Simulation, recording: Recording, found: Arrivals, name: str, ids: NDArray[np.int64]) -> None:
    """Have the cells of an input emit what those that it stands for did."""
    source = simulation.sources.get(_sending(name))
    if source is None:  # nothing comes from there
        return
    afferents = found.afferents
    spec = np.array([p.source == name for p in afferents.projections], bool)
    mine = spec[afferents.projection[found.synapse]]
    index = np.searchsorted(ids, afferents.source[found.synapse[mine]])
    base, offset, count = found.base[mine], found.offset[mine], found.count[mine]
    order = np.lexsort((index, offset, base))  # the same spike along several synapses is one
    base, offset, index, count = base[order], offset[order], index[order], count[order]
    new = np.ones(base.size, bool)
    new[1:] = (np.diff(base) != 0) | (np.diff(offset) != 0) | (np.diff(index) != 0)
    source.arrays = (base[new], offset[new], index[new], count[new], np.zeros(1, np.int64), source.arrays[5])


def _keep_ordinals(simulation: Simulation, name: str, ordinal: NDArray[np.int64]) -> None:
    """Have synapses draw the random numbers of those that they stand for."""
    for part in simulation.plastic[name]:
        if part.synapse.ordinal.size:
            part.synapse = part.synapse._replace(ordinal=np.ascontiguousarray(ordinal[part.rows.origin]))
            part._flatten()


def _weights_at(calls: list[HookCall], times: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """What a synapse delivers at each of some times of emission (ms): what the last hook before had made of it."""
    values = np.array([weight, *(c.after["weight"] if c.delivered is None else c.delivered for c in calls)])
    when, early = np.array([c.time for c in calls]), np.array([c.hook in BEFORE for c in calls], bool)
    before = np.searchsorted(when, times, side="left")
    out = np.empty(times.size)
    for k, t in enumerate(times):
        known = int(before[k])
        while known < when.size and when[known] == t and early[known]:
            known += 1
        out[k] = values[known]
    return out

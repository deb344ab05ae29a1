"""Lowering: a checked Description becomes flat arrays, once, for one resolution and seed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import DescriptionError, InputError, Problem
from neuromorph.graph.cells import drawn_problems
from neuromorph.graph.description import Description, PopulationSpec, ProjectionSpec
from neuromorph.graph.values import SameAs
from neuromorph.lowered import draw, drives, synapses
from neuromorph.lowered.clock import Clock
from neuromorph.lowered.compiled import CompiledNetwork, Current, Drive, Input, Neurons, Projection
from neuromorph.models.contract import NeuronModel

#: reads the spikes of a population of a trace: (path, population) -> (times in ms, indices)
SpikeReader = Callable[[str, str], tuple[NDArray[np.float64], NDArray[np.int64]]]
MANY_WINDOWS = 1e5  # per second


@dataclass(frozen=True, eq=False)
class Wiring:
    """The synapses of one projection as drawn, in order of ordinal."""

    spec: ProjectionSpec
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    weight: NDArray[np.float32]
    delay_ms: NDArray[np.float64]
    receptor: NDArray[np.int8]


def compile_network(
    description: Description,
    resolution: float | None,
    seed: int,
    parts: int = 1,
    read_spikes: SpikeReader | None = None,
) -> CompiledNetwork:
    """Lower a description for `resolution` (ms; None: exact), a seed and a number of parts.

    Raises DescriptionError where a drawn delay does not fit the resolution, InputError where `parts` is no number.
    """
    if parts < 1:
        raise InputError(Problem("parts is not a number of parts", "", parts, "1 or above"))
    wirings = [_wire(description, spec, seed) for spec in description.projections]
    clock = Clock(resolution, False) if resolution is not None else _exact_clock(description, wirings)
    neurons, inputs = _populations(description, seed, read_spikes)
    slots = _slots(neurons)
    everyone: list[Any] = [*neurons, *inputs]
    first_id = {p.name: p.first_id for p in everyone}
    currents, projections, static_rows, driven = _projections(description, wirings, clock, neurons, first_id, parts, seed)
    delays = [np.atleast_1d(clock.steps(w.delay_ms)) for w in wirings if w.delay_ms.size]
    delays += [np.atleast_1d(clock.steps(s.delay)) for s in description.signals]
    _check_delays(wirings, clock)
    return CompiledNetwork(
        clock=clock,
        seed=seed,
        parts=parts,
        neurons=neurons,
        inputs=inputs,
        currents=currents,
        projections=projections,
        static=static_rows,
        drives=driven,
        signals=description.signals,
        records=description.records,
        n_ids=sum(p.size for p in everyone),
        n_slots=slots[0].size,
        n_neurons=sum(p.size for p in neurons),
        neuron_of_slot=slots[0],
        receptor_of_slot=slots[1],
        smallest_delay=min((float(d.min()) for d in delays), default=clock.unit if clock.exact else 1.0),
        largest_delay=max((float(d.max()) for d in delays), default=clock.unit if clock.exact else 1.0),
    )


def _wire(description: Description, spec: ProjectionSpec, seed: int) -> Wiring:
    source, target = description.population(spec.source), description.population(spec.target)
    positions = (source.positions, target.positions)
    pre, post = draw.pairs(spec, source.size, target.size, seed, positions)
    n = pre.size
    weight = np.broadcast_to(draw.values(spec.weight, n, seed, f"{spec.name}/weight"), n).astype(np.float32)
    delay = draw.values(spec.delay, n, seed, f"{spec.name}/delay") if spec.delay is not None else np.empty(0)
    assert issubclass(target.model, NeuronModel)
    receptor = synapses.receptors(target.model, spec.receptor, weight)
    return Wiring(spec, pre, post, weight, delay, receptor)


def _exact_clock(description: Description, wirings: list[Wiring]) -> Clock:
    """The look-ahead window of exact mode is the smallest delay."""
    smallest = [float(w.delay_ms.min()) for w in wirings if w.delay_ms.size and w.source.size]
    smallest += [s.delay for s in description.signals]
    unit = min(smallest, default=1.0)
    if unit <= 0.0:
        raise DescriptionError(Problem("a drawn delay is not above zero", "projections", unit, "above 0 ms"))
    if 1e3 / unit > MANY_WINDOWS:
        warnings.warn(f"the smallest delay, {unit:g} ms, makes {1e3 / unit:.3g} windows a second", stacklevel=3)
    return Clock(unit, True)


def _check_delays(wirings: list[Wiring], clock: Clock) -> None:
    if clock.exact:
        return
    short = [
        Problem(
            "delay under half a tick", f"projections.{w.spec.name}.delay", float(w.delay_ms.min()),
            f"at least {clock.unit / 2:g} ms at a resolution of {clock.unit:g} ms",
        )
        for w in wirings
        if w.delay_ms.size and w.delay_ms.min() < clock.unit / 2
    ]  # fmt: skip
    if short:
        raise DescriptionError(*short)


def _populations(
    description: Description, seed: int, read_spikes: SpikeReader | None
) -> tuple[tuple[Neurons, ...], tuple[Input, ...]]:
    neurons: list[Neurons] = []
    inputs: list[Input] = []
    first_id = first_neuron = slot0 = 0
    for spec in description.populations:
        if spec.kind == "current":
            continue
        if issubclass(spec.model, NeuronModel):
            parameters = _parameters(spec, seed)
            initial = _initial(spec, parameters, seed)
            neurons.append(
                Neurons(spec.name, spec.model, spec.size, first_id, first_neuron, slot0, parameters, initial)
            )
            first_neuron += spec.size
            slot0 += spec.size * len(spec.model.receptors)
        else:
            inputs.append(Input(spec.name, spec.model, spec.size, first_id, _input_parameters(spec, seed, read_spikes)))  # type: ignore[arg-type]
        first_id += spec.size
    return tuple(neurons), tuple(inputs)


def _parameters(spec: PopulationSpec, seed: int) -> dict[str, NDArray[np.float64]]:
    drawn = {k: draw.values(v, spec.size, seed, f"{spec.name}/{k}") for k, v in spec.params.items()}
    problems = drawn_problems(spec, drawn)
    if problems:
        raise DescriptionError(*problems)
    # one number for all where all are equal: the kernel then keeps it in a register
    return {k: v[:1] if v.size > 1 and np.all(v == v[0]) else v for k, v in drawn.items()}


def _initial(spec: PopulationSpec, parameters: dict[str, NDArray[np.float64]], seed: int) -> NDArray[np.float64]:
    rows = []
    for variable in spec.model.variables():  # type: ignore[union-attr]
        value = spec.initial[variable]
        if isinstance(value, SameAs):
            row = parameters[value.parameter]
        else:
            row = draw.values(value, spec.size, seed, f"{spec.name}/initial/{variable}")
        rows.append(np.broadcast_to(row, spec.size))
    return np.array(rows, dtype=float).reshape(len(rows), spec.size)


def _input_parameters(spec: PopulationSpec, seed: int, read_spikes: SpikeReader | None) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        k: draw.values(v, spec.size, seed, f"{spec.name}/{k}") for k, v in spec.params.items()
    }
    parameters.update(spec.arrays)
    if "path" in spec.texts:
        if read_spikes is None:
            raise DescriptionError(
                Problem("no reader for spike files", f"inputs.{spec.name}", fix="Use neuromorph.Simulation.")
            )
        parameters["times"], parameters["indices"] = read_spikes(spec.texts["path"], spec.texts.get("population", ""))
        needed = int(parameters["indices"].max(initial=-1)) + 1
        if needed > spec.size:
            fix = f"Give the input a size of at least {needed}."
            where = f"inputs.{spec.name}.size"
            raise DescriptionError(Problem("smaller than the recorded population", where, spec.size, fix=fix))
    return parameters


def _slots(neurons: tuple[Neurons, ...]) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """Cell (among all neurons) and receptor of each input slot."""
    cells = [np.tile(np.arange(p.first_neuron, p.first_neuron + p.size), len(p.model.receptors)) for p in neurons]
    receptors = [np.repeat(np.arange(len(p.model.receptors)), p.size) for p in neurons]
    empty = [np.empty(0, np.int64)]
    return np.concatenate(cells + empty).astype(np.int32), np.concatenate(receptors + empty).astype(np.int8)


def _projections(
    description: Description,
    wirings: list[Wiring],
    clock: Clock,
    neurons: tuple[Neurons, ...],
    first_id: dict[str, int],
    parts: int,
    seed: int,
) -> tuple[tuple[Current, ...], tuple[Projection, ...], tuple[Any, ...], tuple[Drive, ...]]:
    by_name = {p.name: p for p in neurons}
    currents: list[Current] = []
    projections: list[Projection] = []
    static: list[Wiring] = []
    driven: list[Drive] = []
    silent = drives.silent_inputs(description)
    placed = 0
    for wiring in wirings:
        spec = wiring.spec
        target = by_name[spec.target]
        source = description.population(spec.source)
        if source.kind == "current":
            currents.append(_current(source, wiring, target, seed))
            continue
        plasticity = None
        start, number = placed, -1
        drive = drives.drive(source, wiring, target, clock) if spec.source in silent else None
        if (spec.plasticity is not None and not spec.plasticity.frozen) or synapses.is_static_matrix(wiring, clock):
            plasticity = synapses.plasticity(wiring, target, clock, parts, source.size)
            start = -1
        elif drive is not None:
            start, number = -1, len(driven)
            driven.append(drive)
        else:
            static.append(wiring)
            placed += wiring.source.size
        unit = target.model.receptors[int(wiring.receptor[0]) if wiring.receptor.size else 0].unit
        projections.append(
            Projection(
                spec.name, spec.source, spec.target, wiring.source, wiring.target, wiring.delay_ms, wiring.receptor,
                unit, start, plasticity, number,
            )
        )  # fmt: skip
    n_ids = max((first_id[p.name] + p.size for p in description.populations if p.name in first_id), default=0)
    rows = synapses.static_rows(static, by_name, first_id, n_ids, clock, parts)
    return tuple(currents), tuple(projections), rows, tuple(driven)


def _current(spec: PopulationSpec, wiring: Wiring, target: Neurons, seed: int) -> Current:
    parameters: dict[str, Any] = {
        k: draw.values(v, spec.size, seed, f"{spec.name}/{k}") for k, v in spec.params.items()
    }
    parameters.update(spec.arrays)
    order = np.argsort(wiring.source, kind="stable")
    row = np.zeros(spec.size + 1, np.int64)
    np.add.at(row, wiring.source + 1, 1)
    return Current(
        spec.name, spec.model, spec.size, parameters, np.cumsum(row),  # type: ignore[arg-type]
        synapses.slots(wiring, target)[order], wiring.weight[order].astype(np.float64),
    )  # fmt: skip

"""Lowering: a checked Description becomes flat arrays, once, for one resolution and seed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import DescriptionError, InputError, Problem
from neuromorph.graph.cells import drawn_problems
from neuromorph.graph.description import Description, PopulationSpec, ProjectionSpec
from neuromorph.graph.values import Distribution, SameAs, support
from neuromorph.lowered import draw, drives, synapses
from neuromorph.lowered.clock import Clock
from neuromorph.lowered.compiled import CompiledNetwork, Current, Drive, Input, Neurons, Plasticity, Projection
from neuromorph.lowered.connections import Connections, Wiring, connections, receptors
from neuromorph.lowered.rows import static_rows
from neuromorph.models.contract import NeuronModel

#: windows a second, of which a run is warned
MANY_WINDOWS = 1e5


class RecordedSpikes(NamedTuple):
    """Spikes of a file: `times` (ms) and `ids`, and (base, offset in ms, base step in ms) where it has instants."""

    times: NDArray[np.float64]
    ids: NDArray[np.int64]
    instants: tuple[NDArray[np.int64], NDArray[np.float64], float] | None = None


#: reads the spikes of a population of a trace: (path, population)
SpikeReader = Callable[[str, str], RecordedSpikes]


def compile_network(
    description: Description,
    resolution: float | None,
    seed: int,
    parts: int = 1,
    read_spikes: SpikeReader | None = None,
    threads: int | None = None,
) -> CompiledNetwork:
    """Lower a description for `resolution` (ms; None: exact), a seed and a number of parts.

    `threads` (by default two, or one where there is one core) share the work; nothing depends on their number.

    Raises DescriptionError where a drawn delay does not fit the resolution, InputError where `parts` is no number.
    """
    if parts < 1:
        raise InputError(Problem("parts is not a number of parts", "", parts, "1 or above"))
    threads = min(2, draw.cores()) if threads is None else threads
    made = [_connect(description, spec, seed, resolution is None, threads) for spec in description.projections]
    extremes = [_delay_extremes(c, resolution, threads) for c in made if c.n and not _known_from_rows(c, resolution)]
    clock = Clock(resolution, False) if resolution is not None else _exact_clock(description, extremes)
    longest = max((float(clock.steps(high)) for _, high in extremes), default=0.0)
    if not clock.exact and longest >= 2**31:
        raise MemoryError(f"Unable to allocate a calendar of {longest:g} ticks")
    neurons, inputs = _populations(description, seed, read_spikes, _live_receptors(made))
    slots = _slots(neurons)
    everyone: list[Any] = [*neurons, *inputs]
    first_id = {p.name: p.first_id for p in everyone}
    currents, projections, driven = _projections(description, made, clock, neurons, parts, seed)
    n_ids = sum(p.size for p in everyone)
    static = [p.connections for p in projections if p.static]
    rows = static_rows(static, {p.name: p for p in neurons}, first_id, n_ids, clock, parts, threads)
    delays = [float(clock.steps(end)) for both in extremes for end in both]
    delays += [float(clock.steps(s.delay)) for s in description.signals]
    if not clock.exact:
        delays += [float(end(r.slice_delay)) for r in rows if r.slice_delay.size for end in (np.min, np.max)]
    return CompiledNetwork(
        clock=clock,
        seed=seed,
        parts=parts,
        neurons=neurons,
        inputs=inputs,
        currents=currents,
        projections=projections,
        static=rows,
        drives=driven,
        signals=description.signals,
        records=description.records,
        n_ids=n_ids,
        n_slots=slots[0].size,
        n_neurons=sum(p.size for p in neurons),
        neuron_of_slot=slots[0],
        receptor_of_slot=slots[1],
        smallest_delay=min(delays, default=clock.unit if clock.exact else 1.0),
        largest_delay=max(delays, default=clock.unit if clock.exact else 1.0),
    )


def _connect(description: Description, spec: ProjectionSpec, seed: int, exact: bool, threads: int) -> Connections:
    source, target = description.population(spec.source), description.population(spec.target)
    assert issubclass(target.model, NeuronModel)
    positions = (source.positions, target.positions)
    return connections(spec, (source.size, target.size), target.model, seed, exact, positions, threads)


def _live_receptors(made: list[Connections]) -> dict[str, set[int]]:
    """Receptors that anything may arrive at, by population."""
    live: dict[str, set[int]] = {}
    for c in made:
        live.setdefault(c.spec.target, set()).update(c.receptors if c.receptor is None else [c.receptor])
    return live


def _exact_clock(description: Description, extremes: list[tuple[float, float]]) -> Clock:
    """The look-ahead window of exact mode is the smallest delay."""
    smallest = [low for low, _ in extremes]
    smallest += [s.delay for s in description.signals]
    unit = min(smallest, default=1.0)
    if unit <= 0.0:
        raise DescriptionError(Problem("a drawn delay is not above zero", "projections", unit, "above 0 ms"))
    if 1e3 / unit > MANY_WINDOWS:
        warnings.warn(f"the smallest delay, {unit:g} ms, makes {1e3 / unit:.3g} windows a second", stacklevel=3)
    return Clock(unit, True)


def _known_from_rows(made: Connections, resolution: float | None) -> bool:
    """Whether a projection has no delay, or its drawn ones fit the grid and are seen in the rows of synapses."""
    delay, plastic = made.spec.delay, made.spec.plasticity
    if delay is None:
        return True
    fits = resolution is not None and support(delay)[0] >= resolution / 2
    return isinstance(delay, Distribution) and fits and (plastic is None or plastic.frozen)


def _delay_extremes(made: Connections, resolution: float | None, threads: int) -> tuple[float, float]:
    """The smallest and largest delay in ms; raises where one is under half a tick."""
    low, high = made.delay_extremes(threads)
    if resolution is not None and low < resolution / 2:
        problem = Problem(
            "delay under half a tick", f"projections.{made.spec.name}.delay", low,
            f"at least {resolution / 2:g} ms at a resolution of {resolution:g} ms",
        )  # fmt: skip
        raise DescriptionError(problem)
    return low, high


def _populations(
    description: Description, seed: int, read_spikes: SpikeReader | None, live: dict[str, set[int]]
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
            reached = tuple(sorted(live.get(spec.name, ())))
            neurons.append(
                Neurons(spec.name, spec.model, spec.size, first_id, first_neuron, slot0, parameters, initial, reached)
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
        found = read_spikes(spec.texts["path"], spec.texts.get("population", ""))
        parameters |= {"times": found.times, "indices": found.ids, "instants": found.instants}
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
    description: Description, made: list[Connections], clock: Clock, neurons: tuple[Neurons, ...], parts: int, seed: int
) -> tuple[tuple[Current, ...], tuple[Projection, ...], tuple[Drive, ...]]:
    by_name = {p.name: p for p in neurons}
    currents: list[Current] = []
    projections: list[Projection] = []
    driven: list[Drive] = []
    silent = drives.silent_inputs(description)
    for c in made:
        spec, target = c.spec, by_name[c.spec.target]
        source = description.population(spec.source)
        if spec.delay is None:
            currents.append(_current(source, c.draw(), target, seed))
            continue
        plasticity = _plasticity(c, target, clock, parts)
        drive = drives.drive(source, c, target, clock) if spec.source in silent and plasticity is None else None
        unit = target.model.receptors[receptors(target.model, spec.receptor)[0]].unit
        number = -1 if drive is None else len(driven)
        driven += [drive] if drive is not None else []
        projections.append(Projection(spec.name, spec.source, spec.target, c, unit, plasticity, number))
    return tuple(currents), tuple(projections), tuple(driven)


def _plasticity(made: Connections, target: Neurons, clock: Clock, parts: int) -> Plasticity | None:
    """Plastic synapses of a projection and those of a static matrix; None for static ones, which go into rows."""
    plastic = made.spec.plasticity is not None and not made.spec.plasticity.frozen
    if not plastic and not synapses.is_static_matrix(made, clock):
        return None
    return synapses.plasticity(made.draw(), target, clock, parts, made.n_source)


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

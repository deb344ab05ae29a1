"""A trace as a Neo block, which PyNN, Elephant and Viziphant speak; kept as a NIX file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph import limits
from neuromorph.analysis.table import interval
from neuromorph.export.files import about, new_file, package
from neuromorph.export.tables import Part, signals
from neuromorph.traces.chunks import Spikes, spike_chunks

if TYPE_CHECKING:
    import neo

    from neuromorph.traces.reader import Trace

#: bytes of a SpikeTrain beside its times
TRAIN = 4_000


def to_neo(
    trace: Trace,
    populations: Sequence[str] | None = None,
    start_ms: float | None = None,
    stop_ms: float | None = None,
) -> neo.Block:
    """Return a Neo block of one segment: a SpikeTrain for each cell, silent ones included, and what else was recorded.

    Times are in ms, to the bit. SpikeTrains are annotated with `population` and `neuron`; those of exact runs have the
    array annotations `base` and `offset_ms`. States are AnalogSignals where they were read at equal intervals, else
    IrregularlySampledSignals, with the array annotation `neuron`; weights are IrregularlySampledSignals with `source`
    and `target`; signals are Events with the array annotation `value`. Learning curves are not in it.

    Raises InputError where neo is missing, the interval is empty or there is too little memory, TraceError for a
    population that is not in the trace.
    """
    core = package("neo", "a Neo block")
    start, stop = interval(trace, start_ms, stop_ms)
    part = Part(populations, start_ms, stop_ms)
    cells = sum(trace.populations[name] for name in part.names(trace))
    limits.need(TRAIN * cells, "SpikeTrains of all cells take", str(trace.path), "Name fewer populations.")
    notes = {key: value for key, value in about(trace).items() if isinstance(value, str | int | float)}
    block = core.Block(name=trace.path.name, **notes)
    segment = core.Segment(name="run")
    block.segments.append(segment)
    for name in part.names(trace):
        segment.spiketrains.extend(list(_trains(core, trace, name, part, start, stop)))
    for signal in _states(core, trace, part):
        kept = segment.analogsignals if isinstance(signal, core.AnalogSignal) else segment.irregularlysampledsignals
        kept.append(signal)
    segment.irregularlysampledsignals.extend(_weights(core, trace, part))
    segment.events.extend(_events(core, trace, part))
    return block


def spikes_by_cell(
    trace: Trace, name: str, start_ms: float | None, stop_ms: float | None
) -> tuple[Spikes, NDArray[np.int64]]:
    """Return the spikes of a population, cell by cell in order of time, and where those of each cell end."""
    chunks = list(spike_chunks(trace, name, start_ms, stop_ms))
    count, size = sum(len(chunk.ids) for chunk in chunks), trace.populations[name]
    fix = "Take a part of it: give start_ms and stop_ms, or a format that is written piece by piece."
    limits.need(96 * count + 8 * size, "sorting the spikes by cell takes", str(trace.path), fix)
    joined: list[Any] = [None if parts[0] is None else np.concatenate(parts) for parts in zip(*chunks)]
    order = np.argsort(joined[1], kind="stable")
    ends = np.cumsum(np.bincount(joined[1], minlength=size))
    joined = [None if array is None else array[order] for array in joined]
    return Spikes(*joined), ends.astype(np.int64)


def _trains(core: Any, trace: Trace, name: str, part: Part, start: float, stop: float) -> Iterator[Any]:
    spikes, ends = spikes_by_cell(trace, name, part.start_ms, part.stop_ms)
    last = float(spikes.times.max(initial=stop))  # by rounding, or of a foreign recording
    for cell, (low, high) in enumerate(zip([0, *ends[:-1].tolist()], ends.tolist())):
        instants = {}
        if spikes.base is not None and spikes.offset_ms is not None:
            instants = {"base": spikes.base[low:high], "offset_ms": spikes.offset_ms[low:high]}
        yield core.SpikeTrain(
            spikes.times[low:high], units="ms", t_start=start, t_stop=max(stop, last), name=f"{name}/{cell}",
            array_annotations=instants, population=name, neuron=cell,
        )  # fmt: skip


def _states(core: Any, trace: Trace, part: Part) -> Iterator[Any]:
    for population, variable in trace.states:
        if part.populations is not None and population not in part.populations:
            continue
        found = trace.state(population, variable, part.start_ms, part.stop_ms)
        notes: dict[str, Any] = {"name": f"{population}/{variable}", "population": population, "variable": variable}
        notes |= {"array_annotations": {"neuron": found.indices}, "units": _unit(found.unit)}
        step = found.times[1] - found.times[0] if len(found.times) > 1 else 0.0
        regular = found.times[0] + step * np.arange(len(found.times)) if step > 0 else np.zeros(0)
        if step > 0 and np.allclose(regular, found.times, rtol=0, atol=1e-6 * step):
            times = {"t_start": found.times[0] * _ms(), "sampling_period": step * _ms()}
            yield core.AnalogSignal(found.values, **times, **notes)
        elif len(found.times):
            yield core.IrregularlySampledSignal(found.times, found.values, time_units="ms", **notes)


def _weights(core: Any, trace: Trace, part: Part) -> Iterator[Any]:
    for projection in trace.projections:
        found = trace.weights(projection, part.start_ms, part.stop_ms)
        if found.values.size:
            yield core.IrregularlySampledSignal(
                found.times, found.values, units=_unit(found.unit), time_units="ms", name=f"weights of {projection}",
                projection=projection, array_annotations={"source": found.source, "target": found.target},
            )  # fmt: skip


def _events(core: Any, trace: Trace, part: Part) -> Iterator[Any]:
    for name, times, values in signals(trace, part):
        labels = np.array([f"{value:g}" for value in values], dtype="U")
        yield core.Event(times * _ms(), labels=labels, name=name, array_annotations={"value": values})


def _ms() -> Any:
    return package("quantities", "a Neo block").ms


def _unit(unit: str) -> Any:
    """A unit of ours as one of `quantities`; what it does not know is dimensionless."""
    quantities = package("quantities", "a Neo block")
    try:
        return quantities.Quantity(1.0, unit if unit not in ("1", "") else "dimensionless").units
    except (LookupError, ValueError, SyntaxError):
        return quantities.dimensionless


def write(trace: Trace, path: Path, table: str, part: Part, force: bool) -> int:
    """Write the block to a NIX file; returns the number of spikes."""
    package("nixio", "a NIX file")
    nix = package("neo.io.nixio", "a NIX file").NixIO
    block = to_neo(trace, part.populations, part.start_ms, part.stop_ms)
    with new_file(path, force) as aside:
        file = nix(str(aside), "ow")
        try:
            file.write_block(block)
        finally:
            file.close()
    return sum(len(train) for train in block.segments[0].spiketrains)


def read(path: Path) -> dict[str, Spikes]:
    """Read the spikes of a NIX file that was written here; what is wrong with it comes as neo says it."""
    package("nixio", "a NIX file")
    file = package("neo.io.nixio", "a NIX file").NixIO(str(path), "ro")
    try:
        block = file.read_block()
    finally:
        file.close()
    parts: dict[str, list[tuple[Any, ...]]] = {}
    for train in block.segments[0].spiketrains:
        cell = np.full(len(train), train.annotations["neuron"], np.int64)
        instants = [train.array_annotations[name] for name in ("base", "offset_ms") if name in train.array_annotations]
        times = np.asarray(train.rescale("ms").magnitude)
        parts.setdefault(str(train.annotations["population"]), []).append((times, cell, *map(np.asarray, instants)))
    return {name: in_order([np.concatenate(arrays) for arrays in zip(*of)]) for name, of in parts.items()}


def in_order(arrays: Sequence[NDArray[Any]]) -> Spikes:
    """Spikes in order of time, those of one time by cell."""
    order = np.lexsort((arrays[1], arrays[0]))
    return Spikes(*(array[order] for array in arrays))

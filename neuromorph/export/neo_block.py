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
from neuromorph.export.tables import Part, regular_step, signals
from neuromorph.traces.stream import Spikes, SpikeStream

if TYPE_CHECKING:
    import neo

    from neuromorph.traces.reader import Trace

#: array annotations of the trains of exact runs
INSTANTS = {"base": np.int64, "offset_ms": np.float64}
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
    array annotations `base` and `offset_ms`. States and weights are AnalogSignals where they were read at equal
    intervals, else IrregularlySampledSignals, with the array annotations `neuron`, or `source` and `target`; signals
    are Events with the array annotation `value`. Learning curves are not in it.

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
    for signal in [*_states(core, trace, part), *_weights(core, trace, part)]:
        kept = segment.analogsignals if isinstance(signal, core.AnalogSignal) else segment.irregularlysampledsignals
        kept.append(signal)
    segment.events.extend(list(_events(core, trace, part)))
    return block


def spikes_by_cell(
    trace: Trace, name: str, start_ms: float | None, stop_ms: float | None
) -> tuple[Spikes, NDArray[np.int64]]:
    """Return the spikes of a population, cell by cell in order of time, and where those of each cell end."""
    chunks = list(SpikeStream(trace, name, start_ms, stop_ms).pieces())
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
        if part.populations is None or population in part.populations:
            found = trace.state(population, variable, part.start_ms, part.stop_ms)
            notes = {"population": population, "variable": variable}
            columns = {"neuron": found.indices}
            yield from _signal(core, f"{population}/{variable}", found.times, found.values, found.unit, columns, notes)


def _weights(core: Any, trace: Trace, part: Part) -> Iterator[Any]:
    for projection in trace.projections:
        found = trace.weights(projection, part.start_ms, part.stop_ms)
        columns = {"source": found.source, "target": found.target}
        name, notes = f"weights of {projection}", {"projection": projection}
        yield from _signal(core, name, found.times, found.values, found.unit, columns, notes)


def _signal(
    core: Any,
    name: str,
    times: NDArray[np.float64],
    values: NDArray[Any],
    unit: str,
    columns: dict[str, NDArray[Any]],
    notes: dict[str, str],
) -> Iterator[Any]:
    """A signal of Neo's, with array annotations of its columns; of no values none."""
    given = {"units": _unit(unit), "name": name, "array_annotations": columns, **notes}
    step = regular_step(times)
    if values.size and step:
        yield core.AnalogSignal(values, t_start=times[0] * _ms(), sampling_period=step * _ms(), **given)
    elif values.size:
        yield core.IrregularlySampledSignal(times, values, time_units="ms", **given)


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
        notes = train.array_annotations
        kept = [name for name in INSTANTS if name in notes]
        instants = [np.asarray(notes[name]).astype(INSTANTS[name]) for name in kept]  # NIX knows no type of no numbers
        times = np.asarray(train.rescale("ms").magnitude)
        parts.setdefault(str(train.annotations["population"]), []).append((times, cell, *instants))
    return {name: in_order([np.concatenate(arrays) for arrays in zip(*of)]) for name, of in parts.items()}


def in_order(arrays: Sequence[NDArray[Any]]) -> Spikes:
    """Spikes in order of time, those of one time by cell."""
    order = np.lexsort((arrays[1], arrays[0]))
    return Spikes(*(array[order] for array in arrays))

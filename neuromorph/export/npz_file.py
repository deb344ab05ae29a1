"""Everything in a trace as arrays of numpy, in one file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from neuromorph.export.files import about, new_file, read_about
from neuromorph.export.tables import Part, columns, signals
from neuromorph.numpy_files import ArrayFile
from neuromorph.traces.schema import escape, unescape
from neuromorph.traces.stream import Spikes, SpikeStream

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: array of a population's spikes -> its type, and which field of `Spikes` it is
SPIKES = {"time_ms": ("<f8", 0), "neuron": ("<i8", 1), "base": ("<i8", 2), "offset_ms": ("<f8", 3)}


def write(trace: Trace, path: Path, table: str, part: Part, force: bool) -> int:
    """Write all tables; returns the number of spikes. Arrays are called KIND/NAME/COLUMN, `/` in names as %2F."""
    spikes = 0
    with new_file(path, force) as aside, ZipFile(aside, "w", ZIP_STORED) as archive:
        said = about(trace) | {"populations": {name: trace.populations[name] for name in part.names(trace)}}
        _put(archive, "about", np.array(json.dumps(said, default=str)))
        for name in part.names(trace):
            spikes += _write_spikes(archive, trace, name, part)
        for name, array in _others(trace, part):
            _put(archive, name, array)
    return spikes


def _write_spikes(archive: ZipFile, trace: Trace, name: str, part: Part) -> int:
    """A column at a time: each is gone through from the beginning, so that no more than a piece is held."""
    stream = SpikeStream(trace, name, part.start_ms, part.stop_ms)
    for column in ("time_ms", *columns(trace, "spikes")[2:]):
        kind, field = SPIKES[column]
        with archive.open(f"spikes/{escape(name)}/{column}.npy", "w", force_zip64=True) as file:
            npy.write_array_header_2_0(file, {"descr": kind, "fortran_order": False, "shape": (len(stream),)})  # type: ignore[arg-type]
            for piece in stream.pieces():
                array = piece[field]
                assert array is not None
                file.write(np.ascontiguousarray(array, kind).tobytes())
    return len(stream)


def _others(trace: Trace, part: Part) -> Iterator[tuple[str, NDArray[Any]]]:
    span = (part.start_ms, part.stop_ms)
    for population, variable in trace.states:
        if part.populations is None or population in part.populations:
            state = trace.state(population, variable, *span)
            place = f"states/{escape(population)}/{escape(variable)}"
            yield from _named(place, time_ms=state.times, value=state.values, neuron=state.indices, unit=state.unit)
    for projection in trace.projections:
        found = trace.weights(projection, *span)
        ends = {"source": found.source, "target": found.target}
        yield from _named(f"weights/{escape(projection)}", time_ms=found.times, weight=found.values, **ends)
        yield f"weights/{escape(projection)}/unit", np.array(found.unit)
    for name, times, values in signals(trace, part):
        yield from _named(f"signals/{escape(name)}", time_ms=times, value=values)
    for name, values in trace.learning.items():
        yield from _named(f"learning/{escape(name)}", value=values, unit=trace.learning_units[name])


def _named(place: str, **arrays: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    for name, array in arrays.items():
        yield f"{place}/{name}", np.asarray(array)


def _put(archive: ZipFile, name: str, array: NDArray[Any]) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        npy.write_array(file, np.asanyarray(array, order="C"), allow_pickle=False)


def read(path: Path) -> dict[str, Spikes]:
    """Read the spikes; KeyError where there are none, ValueError or InputError for what is no such file."""
    file = ArrayFile(path)
    said = read_about(str(file.read(["about"])["about"]), path)
    found = {}
    for name in said["populations"]:
        place = f"spikes/{escape(name)}/"
        arrays = file.read([one for one in file.names if one.startswith(place)])
        found[name] = Spikes(*(arrays[place + column] for column in SPIKES if place + column in arrays))
        if len({len(array) for array in found[name] if array is not None}) > 1:
            raise ValueError(f"as many times as neurons are needed of {unescape(escape(name))}")
    return found

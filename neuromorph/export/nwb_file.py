"""A trace in Neurodata Without Borders, for archives: spikes as units, states, weights and signals as time series."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.analysis.table import interval
from neuromorph.export.files import about, new_file, package, read_about
from neuromorph.export.neo_block import in_order, spikes_by_cell
from neuromorph.export.tables import Part, regular_step, signals
from neuromorph.traces.stream import Spikes

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: a column of numbers for each spike -> what it is; in units of NWB times are in seconds, which loses bits
RAGGED = {
    "spike_times_ms": "the same times in ms, to the last bit",
    "base": "number of the window; an instant is base * window_ms + offset_ms",
    "offset_ms": "time in the window (ms)",
}


def write(trace: Trace, path: Path, table: str, part: Part, force: bool) -> int:
    """Write an NWB file; returns the number of spikes."""
    nwb = package("pynwb", "nwb")
    start, stop = interval(trace, part.start_ms, part.stop_ms)
    said = about(trace)
    made = datetime.fromtimestamp(trace.path.stat().st_mtime, UTC)
    ended = f" It was {said['status']} at {trace.simulated_ms:g} ms." if trace.summary()["ended_early"] else ""
    file = nwb.NWBFile(
        session_description=f"A network simulated by neuromorph: {trace.path.name}.{ended}",
        identifier=str(trace.path.name),
        session_start_time=made,  # of a simulation nothing better is known than when its trace was finished
        notes=json.dumps(said, default=str),
        experiment_description=str(trace.network.get("network", {}).get("description") or "A simulation."),
    )
    file.subject = nwb.file.Subject(subject_id="simulation", description="A simulated network: there was no animal.")
    spikes = _units(nwb, file, trace, part, start, stop)
    _series(nwb, file, trace, part)
    if trace.network:
        file.add_scratch(json.dumps(trace.network), name="network", description="The network, as in a network file.")
    with new_file(path, force) as aside, nwb.NWBHDF5IO(str(aside), "w") as out:
        out.write(file)
    return spikes


def _units(nwb: Any, file: Any, trace: Trace, part: Part, start: float, stop: float) -> int:
    """The units table as whole columns: `add_unit` for each cell takes a hundred times as long."""
    common = package("hdmf.common", "nwb")
    names, columns, ends, cells, populations = part.names(trace), [], [0], [], []
    for name in names:
        found, end = spikes_by_cell(trace, name, part.start_ms, part.stop_ms)
        ends += (end + ends[-1]).tolist()
        columns.append(found)
        cells.append(np.arange(len(end)))
        populations += [name] * len(end)
    count = len(populations)
    kept: list[Any] = [np.concatenate(of) if of and of[0] is not None else None for of in zip(*columns)] or [None] * 4
    if not count:
        return 0
    data = {"spike_times": kept[0] / 1000.0}
    if trace.resolution_ms is None:
        data["spike_times_ms"] = kept[0]
    data |= {name: array for name, array in zip(("base", "offset_ms"), kept[2:]) if array is not None}
    made = []
    for name, array in data.items():
        column = common.VectorData(name=name, data=array, description=RAGGED.get(name, "times of spikes (s)"))
        made += [common.VectorIndex(name=f"{name}_index", data=np.array(ends[1:], np.uint64), target=column), column]
    observed = common.VectorData(
        name="obs_intervals",
        description="what was simulated (s)",
        data=np.tile([[start / 1e3, stop / 1e3]], (count, 1)),
    )
    made += [common.VectorIndex(name="obs_intervals_index", data=np.arange(1, count + 1), target=observed), observed]
    made.append(common.VectorData(name="population", data=populations, description="population of the cell"))
    made.append(common.VectorData(name="neuron", data=np.concatenate(cells), description="index in the population"))
    units = nwb.misc.Units(
        name="units", description="every cell, silent ones too", columns=made, id=np.arange(count),
        colnames=[*data, "obs_intervals", "population", "neuron"],
        resolution=None if trace.resolution_ms is None else trace.resolution_ms / 1000.0,
    )  # fmt: skip
    file.units = units
    return len(kept[0])


def _series(nwb: Any, file: Any, trace: Trace, part: Part) -> None:
    for population, variable in trace.states:
        if part.populations is None or population in part.populations:
            found = trace.state(population, variable, part.start_ms, part.stop_ms)
            cells = f"columns are the neurons {found.indices.tolist()} of {population}"
            _add(nwb, file, f"{population}.{variable}", found.values, found.times, found.unit, cells)
    for projection in trace.projections:
        weights = trace.weights(projection, part.start_ms, part.stop_ms)
        pairs = json.dumps(list(zip(weights.source.tolist(), weights.target.tolist())))
        _add(nwb, file, f"weights of {projection}", weights.values, weights.times, weights.unit,
             f"columns are the synapses of [source, target] {pairs}")  # fmt: skip
    for name, times, values in signals(trace, part):
        _add(nwb, file, f"signal {name}", values, times, "1", "events of a third factor")


def _add(
    nwb: Any, file: Any, name: str, values: NDArray[Any], times: NDArray[Any], unit: str, description: str
) -> None:
    if values.size:
        name = name.replace("/", "%2F").replace(":", "%3A")
        step = regular_step(times)
        clock = {"starting_time": times[0] / 1000.0, "rate": 1000.0 / step} if step else {"timestamps": times / 1000.0}
        unit = "n.a." if unit == "1" else unit
        file.add_acquisition(nwb.TimeSeries(name=name, data=values, unit=unit, description=description, **clock))


def read(path: Path) -> dict[str, Spikes]:
    """Read the spikes of an NWB file that was written here; what is wrong with it comes as pynwb says it."""
    nwb = package("pynwb", "nwb")
    with nwb.NWBHDF5IO(str(path), "r", load_namespaces=False) as io:  # those of pynwb, none of the file's
        file = io.read()
        said = read_about(file.notes, path)
        units = file.units
        if units is None:
            return {}
        ends = np.asarray(units["spike_times"].data[:], np.int64)
        populations, cells = np.asarray(units["population"].data[:], str), np.asarray(units["neuron"].data[:], np.int64)
        seconds = np.asarray(units["spike_times"].target.data[:], np.float64)
        arrays = [np.asarray(units[name].target.data[:]) for name in RAGGED if name in units.colnames]
    if "spike_times_ms" not in units.colnames:  # on a grid the tick is known, and with it every bit
        arrays.insert(0, np.rint(seconds * 1000.0 / said["window_ms"]) * said["window_ms"])
    owner = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    found = {}
    for name in dict.fromkeys(populations.tolist()):
        mine = populations[owner] == name
        times, *instants = (array[mine] for array in arrays)
        found[name] = in_order([times, cells[owner[mine]], *instants])
    return found

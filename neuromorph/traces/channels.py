"""What the groups of a trace hold: rows, clocks, sizes, and the rows of an interval."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from neuromorph.traces.guard import check_there, read
from neuromorph.traces.opening import LONGEST, is_spikes
from neuromorph.units import UNITS

#: ids that are looked at at a time, to find out how many cells a foreign recording has
IDS = 1 << 20


def rows_of(file: h5py.File, group: h5py.Group, dataset: str) -> int:
    """How many rows of a channel are whole: of an unfinished file, those that its writer committed."""
    if "committed" not in file:
        return len(group[dataset])
    rows = int(file["committed"][int(group.attrs["channel"])])
    check_there(group[dataset], rows)
    return rows


def size_of(population: h5py.Group) -> int:
    """How many cells a population has: what it says, or one more than the largest id that spiked."""
    if "size" not in population.attrs:
        ids = population["node_ids"]
        parts = (read(ids, slice(k, k + IDS)).astype(np.int64) for k in range(0, len(ids), IDS))
        return 1 + max((int(np.max(part, initial=-1)) for part in parts), default=-1)
    size = int(population.attrs["size"])
    if not 0 <= size < 2**31:
        raise ValueError(f"no population has {size} cells")
    return size


def checked_ids(times: NDArray[Any], ids: NDArray[Any], size: int) -> NDArray[np.int64]:
    """Ids of spikes as int64; ValueError where they are not those of `size` cells, or not one for each time."""
    ids = ids.astype(np.int64)
    if times.shape != ids.shape or times.ndim != 1:
        raise ValueError("as many times as ids are needed")
    if ids.size and (ids.min() < 0 or ids.max() >= size or not np.abs(times).max() < LONGEST):
        raise ValueError(f"spikes at no time, or of cells that a population of {size} has not")
    return ids


def checked_offsets(offset: NDArray[Any]) -> NDArray[np.float64]:
    """Offsets of spikes (ms); ValueError where one is no number."""
    if not np.all(np.isfinite(offset)):
        raise ValueError("spikes at no time: an offset is no number")
    return np.asarray(offset, np.float64)


def check_instants(
    base: NDArray[Any], offset: NDArray[np.float64], window_ms: float, times: NDArray[np.float64]
) -> None:
    """ValueError where instants are not one for each time (ms), within its window, at that time."""
    if not base.shape == offset.shape == times.shape:
        raise ValueError("as many instants as ids are needed")
    inside = (offset >= 0.0) & (offset <= window_ms)
    if not np.all(inside & (np.abs(base * window_ms + offset - times) <= 1e-6 + 1e-9 * np.abs(times))):
        raise ValueError("an instant that is not at its time")


def values_of(dataset: h5py.Dataset, rows: slice, *shape: int) -> NDArray[Any]:
    """Rows of a dataset; ValueError where they have another shape than their times and cells say."""
    values = read(dataset, rows)
    if values.shape != shape:
        raise ValueError(f"{dataset.name} has not one value for each time and cell")
    return values


def clock_of(population: h5py.Group) -> tuple[h5py.Dataset, float]:
    """The dataset that holds the times of spikes, and what its unit is in ms."""
    if "timestamps" not in population:
        return _list(population["base"]), float(population.file.attrs["window_ms"])
    units = population["timestamps"].attrs.get("units", "ms")
    units = units.decode() if isinstance(units, bytes) else str(units)
    return _list(population["timestamps"]), UNITS.get(units, ("ms", 1.0))[1]


def _list(times: h5py.Dataset) -> h5py.Dataset:
    """The same dataset; ValueError where it is no list: a row of it might be of any length."""
    if len(times.shape) != 1:
        raise ValueError(f"{times.name} is no list of times")
    return times


def is_sorted(population: h5py.Group) -> bool:
    """Whether spikes are in order of time; others write `sorting` as text."""
    sorting = population.attrs.get("sorting", "none")
    sorting = sorting.decode() if isinstance(sorting, bytes) else sorting
    return sorting == "by_time" if isinstance(sorting, str) else int(sorting) == 2


def reports(file: h5py.File) -> list[tuple[str, str]]:
    """Keys of the recorded states; SONATA's links beside them are none."""
    groups = file.get("report", {})
    return [(p, v) for p, of in groups.items() for v in of if _is_group(of, v) and "mapping" in of[v]]


def _is_group(group: h5py.Group, name: str) -> bool:
    """Whether a member is a group, without opening it: SONATA's view may be damaged (guard.py)."""
    return group.get(name, getclass=True) is h5py.Group


def channels(file: h5py.File) -> Iterator[tuple[h5py.Group, str]]:
    """Everything that has times."""
    for population in file["spikes"].values():
        if is_spikes(population):
            yield population, "node_ids"
    for population, variable in reports(file):
        yield file["report"][population][variable], "mapping/times"
    for kind in ("weights", "signals"):
        for group in file.get(kind, {}).values():
            yield group, "times"


def last_time(file: h5py.File, group: h5py.Group, name: str) -> float:
    """When the last row of a channel was (ms); 0 without any."""
    rows = rows_of(file, group, name)
    times, unit_ms = clock_of(group) if name == "node_ids" else (_list(group[name]), 1.0)
    if not rows:
        return 0.0
    last = times[rows - 1] if name != "node_ids" or is_sorted(group) else np.max(read(times, slice(0, rows)))
    return unit_ms * float(last)


def between(
    file: h5py.File, group: h5py.Group, name: str, start_ms: float | None, stop_ms: float | None
) -> tuple[NDArray[np.float64], slice]:
    """Times of an interval and the rows they are in."""
    rows = rows_of(file, group, name)
    span = search(_list(group[name]), rows, start_ms, stop_ms)
    return read(group[name], span), span


def search(
    times: Any, rows: int, start: float | None, stop: float | None, unit_ms: float = 1.0, first: int = 0
) -> slice:
    """Rows with start <= time < stop, found by bisection: a dataset is read at some 25 places, not as a whole."""

    def place(bound: float) -> int:
        return bisect_left(times, bound, 0, rows, key=lambda time: time * unit_ms)

    low = max(first, 0 if start is None else place(start))
    return slice(low, max(low, rows if stop is None else place(stop)))

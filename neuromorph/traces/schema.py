"""The layout of a trace file: names, types and attributes, in the form that traces/README.md describes."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuromorph._version import __version__
from neuromorph.engine.sink import RunDescription, StateChannel, WeightChannel

SCHEMA_VERSION = 1
FORMAT = "neuromorph trace"
#: SONATA: every file begins with these two root attributes.
SONATA = {"magic": np.uint32(0x0A7A), "version": np.array([0, 1], dtype=np.uint32)}
#: libsonata reads `sorting` only as an enum, never as text.
SORTING = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="u1")
JSON_MARK = "json:"
#: groups and datasets of a running file that a finished one does without
SCAFFOLD = ("committed", "journal")


def running_path(path: Path) -> Path:
    """Where a run records until it ends: next to the final path, so that renaming stays on one file system."""
    return path.parent / (path.name + ".part")


def final_path(path: Path) -> Path:
    """Where the recording `path` will be once it is finished."""
    return path.parent / path.name.removesuffix(".part")


def escape(name: str) -> str:
    """Return `name` as the name of one HDF5 object: '/' would nest and '.' means the group itself."""
    text = name.replace("%", "%25").replace("/", "%2F")
    return text.replace(".", "%2E") if set(text) == {"."} else text


def unescape(name: str) -> str:
    """Undo `escape`."""
    return name.replace("%2F", "/").replace("%2E", ".").replace("%25", "%")


def put_attributes(attributes: h5py.AttributeManager, values: Mapping[str, Any]) -> None:
    """Store numbers and text as such, anything else as JSON text that starts with `json:`."""
    for key, value in values.items():
        plain = isinstance(value, bool | int | float | np.generic | str)
        if not plain or (isinstance(value, str) and value.startswith(JSON_MARK)):
            value = JSON_MARK + to_json(value)
        elif isinstance(value, int) and not -(2**63) <= value < 2**64:
            value = JSON_MARK + str(value)
        attributes[escape(key)] = value


def get_attributes(attributes: h5py.AttributeManager) -> dict[str, Any]:
    """Undo `put_attributes`."""
    found = {}
    for key, value in attributes.items():
        if isinstance(value, bytes):
            value = value.decode()
        if isinstance(value, str) and value.startswith(JSON_MARK):
            value = json.loads(value[len(JSON_MARK) :])
        elif isinstance(value, np.generic):
            value = value.item()
        found[unescape(key)] = value
    return found


def to_json(value: Any) -> str:
    """Return JSON text; arrays become lists."""
    return json.dumps(value, default=lambda x: x.tolist() if isinstance(x, np.ndarray | np.generic) else str(x))


class Channel:
    """One stream of rows: blocks are kept in memory until `write` appends them to its growing datasets.

    `name` is its group, `number` its place in `/committed`, `rows` how many rows the datasets hold.
    """

    def __init__(self, group: h5py.Group, number: int, datasets: list[h5py.Dataset]) -> None:
        group.attrs["channel"] = number
        self.name = str(group.name)
        self.number = number
        self.rows = 0
        self._datasets = datasets
        self._blocks: list[tuple[np.ndarray, ...]] = []

    def add(self, *columns: np.ndarray) -> int:
        """Keep one block, one array per dataset, all of the same length; return its size in bytes."""
        self._blocks.append(columns)
        return sum(column.nbytes for column in columns)

    def columns(self, blocks: list[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
        """What the datasets get of the blocks."""
        return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]

    @property
    def growth(self) -> int:
        """By how many bytes the file may grow when this is written: the data and, per dataset, a chunk for the rest."""
        data = sum(column.nbytes for block in self._blocks for column in block)
        chunks = sum(dataset.dtype.itemsize * math.prod(dataset.chunks) for dataset in self._datasets)
        return 2 * data + chunks if self._blocks else 0

    def write(self) -> None:
        """Append what was kept."""
        if not self._blocks:
            return
        columns = self.columns(self._blocks)
        end = self.rows + len(columns[0])
        for dataset, column in zip(self._datasets, columns, strict=True):
            dataset.resize(end, axis=0)
            dataset[self.rows :] = column
        self.rows = end
        self._blocks.clear()


class SpikeChannel(Channel):
    """Takes (base, offset_ms, node_ids) and writes times as well: time = base * window_ms + offset_ms."""

    def __init__(self, group: h5py.Group, number: int, datasets: list[h5py.Dataset], run: RunDescription) -> None:
        super().__init__(group, number, datasets)
        self._window_ms, self._exact = run.window_ms, run.resolution_ms is None
        self._last_ms = -np.inf

    def columns(self, blocks: list[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
        """Times in ascending order, node ids and, in exact mode, the instants themselves."""
        base, offset_ms, node_ids = super().columns(blocks)
        times = base * self._window_ms + offset_ms
        # Rounded to ms, a spike at the end of a window can come out one ulp after the first of the next window.
        times[0] = max(times[0], self._last_ms)
        np.maximum.accumulate(times, out=times)
        self._last_ms = times[-1]
        return [times, node_ids, base, offset_ms] if self._exact else [times, node_ids]


def create(file: h5py.File, run: RunDescription, recording: str = "") -> dict[tuple[str, str | int], Channel]:
    """Lay out every group and empty dataset of `run`; nothing can be added once a file is followed.

    `recording` is the name of the recording that goes on here; a new one gets a random name.
    Returns the channels by ("spikes", population), ("report", number), ("weights", number), ("signals", name) and
    ("journal", "").
    """
    resolution: float | str = "exact" if run.resolution_ms is None else run.resolution_ms
    for key, value in SONATA.items():
        file.attrs[key] = value
    mine = {"format": FORMAT, "schema_version": SCHEMA_VERSION, "neuromorph_version": __version__}
    mine |= {"recording": recording or uuid.uuid4().hex, "status": "running"}
    put_attributes(file.attrs, mine | {"resolution_ms": resolution, "window_ms": run.window_ms})
    for name in ("spikes", "report", "weights", "signals", "learning", "network", "provenance"):
        file.create_group(name).attrs["schema_version"] = SCHEMA_VERSION
    # of fixed length: one of variable length goes through HDF5's metadata cache, which from 32 MiB on lets go of the
    # dataset's header before it is written, so that others take its place (HDF5 2.0.0)
    file["network"]["json"] = np.bytes_(to_json(run.network))
    put_attributes(file["provenance"].attrs, run.provenance)

    count = len(run.populations) + len(run.states) + len(run.weights) + len(run.signals) + 1
    # Every dataset that holds anything takes a whole chunk of the running file, hence small ones where there are many.
    chunk_bytes = min(2**19, max(2**13, 2**25 // count))
    number = iter(range(count))
    channels: dict[tuple[str, str | int], Channel] = {}
    for population, size in sorted(run.populations.items()):
        group = file["spikes"].create_group(escape(population))
        channels["spikes", population] = _spikes(group, next(number), size, chunk_bytes, run)
    for i, (state, name) in enumerate(_unique(run.states, lambda s: f"{escape(s.population)}/{escape(s.variable)}")):
        channels["report", i] = _report(file["report"].create_group(name), next(number), state, chunk_bytes)
    for i, (weight, name) in enumerate(_unique(run.weights, lambda w: escape(w.projection))):
        channels["weights", i] = _weights(file["weights"].create_group(name), next(number), weight, chunk_bytes)
    for signal in sorted(set(run.signals)):
        group = file["signals"].create_group(escape(signal))
        columns = [_growing(group, "times", "f8", "ms", chunk_bytes), _growing(group, "values", "f8", "1", chunk_bytes)]
        channels["signals", signal] = Channel(group, next(number), columns)
    journal = file.create_group("journal")
    channels["journal", ""] = Channel(journal, next(number), [_growing(journal, "text", "u1", None, chunk_bytes)])
    # The last thing that a flush writes: how many rows of each channel are whole.
    file.create_dataset("committed", data=np.zeros(count, dtype=np.int64))
    return channels


def _growing(
    group: h5py.Group, name: str, dtype: str, unit: str | None, chunk_bytes: int, width: int | None = None
) -> h5py.Dataset:
    shape, item = ((), 1) if width is None else ((width,), max(1, min(width, 2**16)))
    rows = max(1, chunk_bytes // (np.dtype(dtype).itemsize * item))
    chunks = (rows,) if width is None else (rows, item)
    limit = (None, *(n or None for n in shape))  # HDF5 takes no fixed length of zero
    dataset = group.create_dataset(name, (0, *shape), maxshape=limit, dtype=dtype, chunks=chunks)
    if unit is not None:
        dataset.attrs["units"] = unit
    return dataset


def _spikes(group: h5py.Group, number: int, size: int, chunk_bytes: int, run: RunDescription) -> Channel:
    group.attrs.create("sorting", 2, dtype=SORTING)
    group.attrs.update({"size": size, "units": "ms"})
    layout: list[tuple[str, str, str | None]] = [("timestamps", "f8", "ms"), ("node_ids", "u8", None)]
    if run.resolution_ms is None:
        layout += [("base", "i8", None), ("offset_ms", "f8", "ms")]
    return SpikeChannel(group, number, [_growing(group, *column, chunk_bytes) for column in layout], run)


def _report(group: h5py.Group, number: int, state: StateChannel, chunk_bytes: int) -> Channel:
    """SONATA's element report with one element per cell."""
    cells = len(state.indices)
    group.attrs.update({"units": state.unit, "interval_ms": state.interval_ms})
    mapping = group.create_group("mapping")
    mapping["node_ids"] = np.asarray(state.indices, dtype=np.uint64)
    mapping["node_ids"].attrs["sorted"] = np.uint8(1)
    mapping["index_pointers"] = np.arange(cells + 1, dtype=np.uint64)
    mapping["element_ids"] = np.zeros(cells, dtype=np.uint32)
    times = _growing(mapping, "times", "f8", "ms", chunk_bytes)
    return Channel(group, number, [times, _growing(group, "data", "f8", state.unit, chunk_bytes, cells)])


def _weights(group: h5py.Group, number: int, weight: WeightChannel, chunk_bytes: int) -> Channel:
    ends = {"source_population": weight.source_population, "target_population": weight.target_population}
    group.attrs.update(ends | {"units": weight.unit, "interval_ms": weight.interval_ms})
    group["source_node_ids"] = np.asarray(weight.source_index, dtype=np.uint64)
    group["target_node_ids"] = np.asarray(weight.target_index, dtype=np.uint64)
    synapses = len(weight.source_index)
    times = _growing(group, "times", "f8", "ms", chunk_bytes)
    return Channel(group, number, [times, _growing(group, "values", "f4", weight.unit, chunk_bytes, synapses)])


def _unique(items: list[Any], name: Any) -> Iterator[tuple[Any, str]]:
    """Pair each item with its name; a second one of the same name gets `_2` and so on."""
    seen: set[str] = set()
    for item in items:
        base = unique = name(item)
        count = 1
        while unique in seen:
            count += 1
            unique = f"{base}_{count}"
        seen.add(unique)
        yield item, unique

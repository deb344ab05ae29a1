"""Turn the form in which a run records into the finished one, which every SONATA reader opens."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuromorph.errors import InputError, Problem, suggestion
from neuromorph.traces.guard import check_there, read
from neuromorph.traces.schema import SCAFFOLD, escape, put_attributes

COMPRESSIONS = ("zstd",)
BLOCK_BYTES = 2**23


def codec(compression: str | None) -> dict[str, Any]:
    """Return h5py's options for a compression; raises InputError for an unknown one or where hdf5plugin is missing."""
    if compression is None:
        return {}
    if compression not in COMPRESSIONS:
        fix = suggestion(compression, COMPRESSIONS)
        raise InputError(Problem("unknown compression", "trace", compression, "None or 'zstd'", fix))
    try:
        import hdf5plugin
    except ImportError:
        fix = "pip install 'neuromorph[compress]'"
        raise InputError(Problem("compression 'zstd' needs the package hdf5plugin", "trace", fix=fix)) from None
    return {**hdf5plugin.Zstd(clevel=3), "shuffle": True}


def finish(source: h5py.File, final: Path, summary: Mapping[str, Any], compression: str | None) -> None:
    """Copy the running file `source` into the finished form at `final`, which appears whole or not at all."""
    temporary = final.with_name(final.name + ".finishing")
    size = 0 if compression else source.id.get_filesize()
    if shutil.disk_usage(final.parent).free < size:
        raise OSError(errno.ENOSPC, f"the finished file needs {size / 1e6:,.1f} MB of free disk space")
    try:
        with written(temporary) as target:
            _copy(source, target, source["committed"][:], None, codec(compression))
            if compression is not None:
                target.attrs["compression"] = compression
            complete(target, journal_text(source), summary)
        settle(temporary, final)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


@contextmanager
def written(path: Path) -> Iterator[h5py.File]:
    """A new file that is closed at the end of the block, even after a failed write."""
    file = h5py.File(path, "w")
    try:
        yield file
        file.flush()
    except BaseException:
        give_up(file)
        raise
    file.close()


def give_up(file: h5py.File) -> None:
    """Close a file after a failed write, after which HDF5 crashes at exit: have it write elsewhere from now on."""
    with tempfile.TemporaryFile(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as elsewhere:
        os.dup2(elsewhere.fileno(), file.id.get_vfd_handle())
    file.close()


def settle(temporary: Path, final: Path) -> None:
    """Rename once the bytes are on the disk, so that a power cut leaves the old file or the new one."""
    descriptor = os.open(temporary, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    os.replace(temporary, final)


def complete(file: h5py.File, journal: bytes, summary: Mapping[str, Any]) -> None:
    """Add what is known only at the end: curves, the summary, and the names under which SONATA looks for reports."""
    for name, (values, units) in curves(journal).items():
        dataset = file["learning"].create_dataset(escape(name), data=values)
        dataset.attrs["units"] = units
    file.visititems(_without_channel)
    for population in file["report"].values():
        _sonata_report(population)
    put_attributes(file.attrs, summary)


def _without_channel(_: str, item: h5py.HLObject) -> None:
    item.attrs.pop("channel", None)


def journal_line(name: str, values: np.ndarray, units: str) -> bytes:
    """One append to a curve. No dataset can be made while a file is followed, hence lines of JSON."""
    line = {"name": name, "units": units, "shape": values.shape, "values": values.ravel().tolist()}
    return json.dumps(line).encode() + b"\n"


def journal_text(file: h5py.File) -> bytes:
    """The bytes of the journal of a running file, as far as they are whole."""
    group = file["journal"]
    rows = int(file["committed"][int(group.attrs["channel"])])
    check_there(group["text"], rows)
    return bytes(read(group["text"], slice(0, rows)))


def curves(journal: bytes) -> dict[str, tuple[np.ndarray, str]]:
    """Put the lines of a journal together: name -> (values, units)."""
    parts: dict[str, list[np.ndarray]] = {}
    units: dict[str, str] = {}
    for text in journal.splitlines():
        line = json.loads(text)
        parts.setdefault(line["name"], []).append(np.array(line["values"], dtype=np.float64).reshape(line["shape"]))
        units[line["name"]] = line["units"]
    return {name: (np.concatenate(blocks), units[name]) for name, blocks in parts.items()}


def _copy(
    source: h5py.Group, target: h5py.Group, committed: np.ndarray, rows: int | None, options: Mapping[str, Any]
) -> None:
    """Copy a group and all below it; a growing dataset only as far as its channel is committed."""
    for key in source.attrs:
        target.attrs.create(key, source.attrs[key], dtype=source.attrs.get_id(key).dtype)
    ticks = bool(options) and "timestamps" in source and "base" not in source
    for name, item in source.items():
        if name in SCAFFOLD:
            continue
        if isinstance(item, h5py.Group):
            inside = int(committed[item.attrs["channel"]]) if "channel" in item.attrs else rows
            _copy(item, target.create_group(name), committed, inside, options)
        elif ticks and name == "timestamps":
            _copy_rows(item, target, "base", rows, options, float(source.file.attrs["window_ms"]))
        else:
            _copy_rows(item, target, name, rows, options)


def _copy_rows(
    source: h5py.Dataset,
    target: h5py.Group,
    name: str,
    rows: int | None,
    options: Mapping[str, Any],
    window_ms: float | None = None,
) -> None:
    """Copy a dataset in blocks; with `window_ms`, times on the grid become integer ticks, which compress."""
    grows = source.shape and source.maxshape[0] is None
    if not grows:
        target.file.copy(source, target, name)
        return
    if rows is None:
        raise ValueError(f"{source.name} belongs to no channel")
    check_there(source, rows)
    shape = (rows, *source.shape[1:])
    dtype = source.dtype if window_ms is None else np.dtype(np.int64)
    storage = dict(options, chunks=True) if options and 0 not in shape else {}
    copy = target.create_dataset(name, shape, dtype=dtype, **storage)
    step = max(1, BLOCK_BYTES // max(1, source.dtype.itemsize * int(np.prod(source.shape[1:]))))
    if storage and copy.chunks[0] > 1:
        step = -(-step // copy.chunks[0]) * copy.chunks[0]  # whole chunks: each is compressed once
    for start in range(0, rows, step):
        block = source[start : min(start + step, rows)]
        copy[start : start + len(block)] = block if window_ms is None else np.rint(block / window_ms)
    if window_ms is None:
        for key in source.attrs:
            copy.attrs[key] = source.attrs[key]


def _sonata_report(population: h5py.Group) -> None:
    """Give each report its regular time axis, and show one also as SONATA's only variable of the population."""
    reports = dict(population.items())
    for report in reports.values():
        times = report["mapping/times"]
        start = float(times[0]) if len(times) else 0.0
        interval = float(report.attrs["interval_ms"])
        axis = report["mapping"].create_dataset("time", data=[start, start + len(times) * interval, interval])
        axis.attrs["units"] = "ms"
    if not reports or {"data", "mapping"} & set(reports):
        return
    name = "V_m" if "V_m" in reports else next(iter(reports))
    data = population[name]["data"]
    population["mapping"] = population[name]["mapping"]
    population.attrs["sonata_variable"] = name
    # libsonata takes nothing but float32: HDF5 converts when this view of the float64 values is read.
    view = h5py.VirtualLayout(shape=data.shape, dtype=np.float32)
    if data.size:
        path = data.name.replace("%", "%%")  # HDF5 reads a lone % of a name as the number of a block
        view[...] = h5py.VirtualSource(".", path, shape=data.shape, dtype=data.dtype)
    population.create_virtual_dataset("data", view).attrs["units"] = data.attrs["units"]

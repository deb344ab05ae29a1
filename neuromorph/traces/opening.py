"""Open a file as a trace, or say in one paragraph why it is none and what to do."""

from __future__ import annotations

import ctypes
import difflib
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import h5py
from h5py import h5f, h5p

from neuromorph.errors import Problem, TraceError
from neuromorph.traces import lock
from neuromorph.traces.guard import check_content
from neuromorph.traces.schema import FORMAT, SCHEMA_VERSION, get_attributes, running_path

#: root attributes, by what they are
_TIMES, _COUNTS = ("simulated_ms", "window_ms", "resolution_ms"), ("spikes", "input_spikes", "synaptic_events")
#: ms, 30,000 years: so many ticks, and bins of a statistic, can be counted
LONGEST = 1e15
_TEXTS = ("status", "recording", "neuromorph_version", "compression")
#: what h5py, numpy and the reader raise where a file is not as it should be (NeuromorphError is none of these)
_DAMAGE = (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError)
SIGNATURE = b"\x89HDF\r\n\x1a\n"


def find(path: Path) -> Path:
    """Return the file to open for `path`: itself, or the recording of a run that has not finished it."""
    part = running_path(path)
    if path.exists() or not part.exists():
        return path
    return part


def open_trace(path: Path) -> tuple[Path, h5py.File | None, int | None]:
    """Return what `find` found and what `open_file` makes of it."""
    found = find(path)
    try:
        return found, *open_file(found)
    except TraceError:
        if found == path or not path.exists():
            raise
        return path, *open_file(path)  # the run has ended in between


def open_file(path: Path) -> tuple[h5py.File | None, int | None]:
    """Open a file that nobody writes any more; of a followed or killed recording, open only a descriptor.

    A recording is to be opened by `open_recording` anew for each reading. The descriptor is there to try its
    writer's lock. Raises TraceError for what is missing, no HDF5 file, damaged, or not to be followed.
    """
    with reading(path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            head = os.read(descriptor, 12).ljust(12, b"\0")
            # Superblock 3 with the marks "open for writing" and "may be followed": running, or killed.
            if head[8] == 3 and head[11] & 0b101 == 0b101:
                return None, descriptor
            if not lock.is_free(descriptor, lock.FOLLOWED):
                fix = "Try again in a moment."
                raise TraceError(Problem("is being made by a run that cannot be followed yet", str(path), fix=fix))
            _check_signature(path, head)
            file = h5py.File(path, "r")
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return file, None


def open_recording(path: Path, alive: bool) -> h5py.File:
    """Open a followed (`alive`) or killed recording, without HDF5's lock, which would pass for a writer's.

    Where something does not match its checksum, HDF5 takes a writer to be at it and waits, twice as long each time, a
    hundred times: of a killed recording, which is then damaged, everything is to be read once.
    Opened anew each time instead of refreshed: with HDF5 2.0, `refresh` of one handle of a dataset leaves every
    other handle of this process, the writer's too, reading the first chunk in place of all others.
    """
    library = None if alive else _library()
    if library is None:
        return h5py.File(path, "r", swmr=True, locking=False)
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_fclose_degree(h5f.CLOSE_STRONG)
    access.set_file_locking(False, True)
    library.H5Pset_metadata_read_attempts(ctypes.c_int64(access.id), ctypes.c_uint(1))  # h5py has no name for it
    return h5py.File(h5f.open(os.fsencode(path), h5f.ACC_RDONLY | h5f.ACC_SWMR_READ, access))


@cache
def _library() -> ctypes.CDLL | None:
    """The HDF5 that h5py has loaded; None where the system does not say which that is."""
    try:
        found = re.findall(r"/\S*/libhdf5(?:-\w+)?\.so\S*", Path("/proc/self/maps").read_text())
        return ctypes.CDLL(found[0])
    except (OSError, IndexError):
        return None


def check_root(file: h5py.File, path: Path) -> dict[str, Any]:
    """Return the root attributes of a trace, none of a foreign SONATA spike file; raises TraceError for others."""
    where = str(path)
    check_content(file, path)
    attributes = get_attributes(file.attrs)
    spikes = file.get("spikes")
    if not isinstance(spikes, h5py.Group):
        fix = "Give a trace written by neuromorph, or a SONATA spike file."
        raise TraceError(Problem("an HDF5 file without the group /spikes: not a trace", where, fix=fix))
    if attributes.get("format") == FORMAT:
        version = attributes.get("schema_version")
        if version != SCHEMA_VERSION:
            fix = "Read it with the neuromorph that wrote it, or a newer one."
            raise TraceError(Problem("unknown schema version", where, version, str(SCHEMA_VERSION), fix))
        if "compression" in attributes:
            _need_hdf5plugin(where)
        _check_values(attributes)
        return attributes
    if "gids" in spikes:
        fix = "Convert it to /spikes/<population>/{timestamps, node_ids}, for instance with bmtk."
        raise TraceError(Problem("uses SONATA's old layout /spikes/gids", where, fix=fix))
    if not any(is_spikes(group) for group in spikes.values()):
        fix = "SONATA spikes are in /spikes/<population>/{timestamps, node_ids}."
        raise TraceError(Problem("an HDF5 file without spikes in /spikes: not a trace", where, fix=fix))
    return {}


def _check_values(attributes: dict[str, Any]) -> None:
    """Raise ValueError for a root attribute of a trace that is not what it should be."""
    for name, value in attributes.items():
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if name in _TIMES and not (number and 0 <= value < LONGEST) and (name, value) != ("resolution_ms", "exact"):
            raise ValueError(f"{name} is no time")
        if name in _COUNTS and not (isinstance(value, int) and 0 <= value < 2**63):
            raise ValueError(f"{name} is no count")
        if name in _TEXTS and not isinstance(value, str):
            raise ValueError(f"{name} is no text")
    if attributes.get("window_ms", 1.0) == 0 or attributes.get("resolution_ms", 1.0) == 0:
        raise ValueError("a step of no length")


def is_spikes(group: Any) -> bool:
    """Whether this is a population in SONATA's layout, or in ours with ticks for times."""
    return isinstance(group, h5py.Group) and "node_ids" in group and ("timestamps" in group or "base" in group)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what HDF5 says of a damaged file into a TraceError."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise TraceError(Problem("no such file", str(path), fix=_similar(path))) from None
    except IsADirectoryError:
        raise TraceError(Problem("is a folder, not a file", str(path), fix=_similar(path / "x"))) from None
    except PermissionError:
        raise TraceError(Problem("may not be read", str(path), fix="Ask its owner for the right to read it.")) from None
    except _DAMAGE as error:
        said = " ".join(str(error).split()).replace("Unable to synchronously open file ", "")
        fix = "Copy it again from where it was made, or run the simulation again."
        raise TraceError(Problem(f"cut short or damaged: {said}", str(path), fix=fix)) from error


def _check_signature(path: Path, head: bytes) -> None:
    """Raise TraceError where this is no HDF5 file; `head` is how it begins."""
    if not path.stat().st_size:
        fix = "The run that should have written it ended before it began; run it again."
        raise TraceError(Problem("the file is empty", str(path), fix=fix))
    if not head.startswith(SIGNATURE) and not h5py.is_hdf5(path):
        fix = "Give a trace written by neuromorph, or a SONATA spike file."
        raise TraceError(Problem("not an HDF5 file: not a trace", str(path), fix=fix))


def _similar(path: Path) -> str:
    """Which file may have been meant."""
    if not path.parent.is_dir():
        return f"{path.parent} is no folder." if path.parent.exists() else f"The folder {path.parent} does not exist."
    names = sorted(p.name for p in path.parent.iterdir() if p.suffix in (".h5", ".hdf5", ".part", path.suffix))
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Traces there: {', '.join(names[:8])}." if names else f"There is no trace in {path.parent}."


def _need_hdf5plugin(where: str) -> None:
    try:
        import hdf5plugin  # noqa: F401  registers the filter
    except ImportError:
        fix = "pip install 'neuromorph[compress]'"
        raise TraceError(Problem("compressed with zstd, which needs the package hdf5plugin", where, fix=fix)) from None

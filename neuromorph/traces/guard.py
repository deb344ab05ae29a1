"""Whether an HDF5 file is content alone, and no larger than it says: looked at once, before anything of it is read.

HDF5 can name other files (external links, external storage, virtual datasets), groups within themselves, programs to
unpack with, and datasets of any size that take no room. A trace does none of that.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5t, h5z
from numpy.typing import NDArray

from neuromorph import limits
from neuromorph.errors import Problem, TraceError
from neuromorph.traces import heaps
from neuromorph.traces.links import TooDeep, all_links

#: groups within groups; a trace has four
DEPTH = 8
#: a chunk is unpacked as a whole
CHUNK = 1 << 26
#: bytes that a dataset may have without room in the file
SLACK = 1 << 20
#: filters that pack, and how many bytes they make of one at most
ZSTD = 32015
PACKING = {h5z.FILTER_DEFLATE: 1032, h5z.FILTER_LZF: 1032, ZSTD: 1 << 15}
ALLOWED = {h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32, *PACKING}
_NUMBERS = (h5t.INTEGER, h5t.FLOAT)
#: what must be groups: at the root, and everything in some of those; whoever iterates a dataset reads all its rows
ROOMS = (b"spikes", b"report", b"weights", b"signals", b"learning", b"network", b"provenance")
OF_GROUPS = (b"report", b"weights", b"signals")


def check_content(file: h5py.File, path: Path) -> None:
    """Look at every link, dataset and attribute of a file; raises TraceError for what no trace has."""
    where, size = str(path), _size(file)
    try:
        links = all_links(file, DEPTH)
    except TooDeep as error:
        raise _refused("groups are nested too deeply", where, str(error).encode(), f"at most {DEPTH} levels") from None
    if size <= heaps.WHOLE and heaps.unsound(file):
        raise _refused("a heap without end", where, b"/")
    committed = _committed(file, links, where, size)
    found = {b"/": file.id}
    first: dict[int, bytes] = {}
    for name, kind, address in links:
        if name.startswith(b"report/") and name.endswith(b"/data") and name.count(b"/") == 2:
            continue  # the view that SONATA reads: we do not, and HDF5 dies of some that are damaged
        if kind != h5l.TYPE_HARD:
            raise _refused("a link out of its group, such as to another file", where, name)
        if address in first and not (_shared(name) and _shared(first[address])):
            raise _refused("two names for one object", where, name)
        first.setdefault(address, name)
        found[name] = h5o.open(file.id, name)
        _check_place(found[name], where, name)
        if isinstance(found[name], h5d.DatasetID):
            _check_dataset(found[name], where, name, size, committed)
    if size > heaps.WHOLE and heaps.unsound(file, [one for one in found.values() if isinstance(one, h5d.DatasetID)]):
        raise _refused("a heap without end", where, b"/")
    for name, one in found.items():
        _check_attributes(one, where, name, size)


def _shared(name: bytes) -> bool:
    """Whether an object may have several names: the mapping of a report, as SONATA asks for (schema.py)."""
    return name.rsplit(b"/", 1)[-1] == b"mapping" and name.count(b"/") in (2, 3)


def _check_place(found: Any, where: str, name: bytes) -> None:
    """A dataset may not stand where a group belongs, nor a list where one text does."""
    room, _, rest = name.partition(b"/")
    group = (room in ROOMS and not rest) or (room in OF_GROUPS and b"/" not in rest)
    if group and not isinstance(found, h5g.GroupID):
        raise _refused("not a group", where, name)
    if name == b"network/json" and not (isinstance(found, h5d.DatasetID) and found.shape == ()):
        raise _refused("not one text", where, name)


def read(dataset: h5py.Dataset, rows: slice = slice(None)) -> NDArray[Any]:
    """Rows of a dataset, which must fit into memory; raises InputError where they do not, ValueError for no rows."""
    if not dataset.shape or len(dataset.shape) > 2:
        raise ValueError(f"{dataset.name} has no rows")
    first, last, _ = rows.indices(dataset.shape[0])
    width = math.prod(dataset.shape[1:]) * dataset.dtype.itemsize
    what, fix = f"{dataset.name} takes", "Read a part of it: give start and stop."
    limits.need(2 * max(last - first, 0) * width, what, dataset.file.filename, fix)  # and what is made of it
    return np.asarray(dataset[rows])


def check_there(dataset: h5py.Dataset, rows: int) -> None:
    """Raise ValueError where the first rows of a growing dataset cannot be in its file, or in memory."""
    found = dataset.id
    size = _size(dataset.file)
    width = math.prod(dataset.shape[1:]) * dataset.dtype.itemsize
    most = _unpacked(found.get_create_plist(), dataset.name, b"") * min(found.get_storage_size(), size)
    if not 0 <= rows <= dataset.shape[0] or rows * width > most + SLACK:
        raise ValueError(f"{dataset.name} has no {rows} rows")


def _size(file: h5py.File) -> int:
    """Bytes of the file that is open, whatever it says and wherever it has been moved."""
    return os.fstat(file.id.get_vfd_handle()).st_size


def _committed(file: h5py.File, links: list[tuple[bytes, int, int]], where: str, size: int) -> bool:
    """Whether this is the form in which a run records: datasets may be longer than what is in them."""
    if (b"committed", h5l.TYPE_HARD) not in (link[:2] for link in links):
        return False
    found = h5o.open(file.id, b"committed")
    if not isinstance(found, h5d.DatasetID):
        raise _refused("not a dataset", where, b"committed")
    _check_dataset(found, where, b"committed", size, False)
    return True


def _check_dataset(found: h5d.DatasetID, where: str, name: bytes, size: int, recording: bool) -> None:
    how = found.get_create_plist()
    if how.get_layout() == h5d.VIRTUAL:
        raise _refused("a view of other datasets, such as of another file", where, name)
    if how.get_external_count():
        raise _refused("its data are in another file", where, name)
    kind = found.get_type()
    text = kind.get_class() == h5t.STRING and (not kind.is_variable_str() or found.shape == ())
    if kind.get_class() not in _NUMBERS and not text:
        raise _refused("neither numbers nor text", where, name)
    most = _unpacked(how, where, name)
    if how.get_layout() == h5d.CHUNKED and math.prod(how.get_chunk()) * kind.get_size() > CHUNK:
        raise _refused("a chunk too large", where, name, f"at most {limits.spelled(CHUNK)}")
    if len(found.shape) > 2 or 0 in found.shape or recording:  # a recording is read as far as it is committed
        return
    declared = math.prod(found.shape) * kind.get_size()
    if declared > most * min(found.get_storage_size(), size) + SLACK:
        what = f"{limits.spelled(declared)} that are not in the file"
        raise _refused(what, where, name)


def _unpacked(how: Any, where: str, name: bytes) -> int:
    """How many bytes come of one at most."""
    filters = [how.get_filter(k)[0] for k in range(how.get_nfilters())]
    packing = [PACKING[code] for code in filters if code in PACKING]
    if set(filters) - ALLOWED or len(packing) > 1:
        raise _refused("packed in an unknown way", where, name, "shuffle, and one of deflate, lzf, zstd")
    return packing[0] if packing else 1


def _check_attributes(found: Any, where: str, name: bytes, size: int) -> None:
    for k in range(h5a.get_num_attrs(found)):
        attribute = h5a.open(found, index=k)
        kind, count = attribute.get_type(), math.prod(attribute.shape or ())
        plain = kind.get_class() in (*_NUMBERS, h5t.STRING, h5t.ENUM)
        many = kind.get_class() == h5t.STRING and kind.is_variable_str() and attribute.shape != ()
        if not plain or many or count * kind.get_size() > size:
            raise _refused(f"attribute '{attribute.name.decode(errors='replace')}' is none of a trace", where, name)


def _refused(what: str, where: str, name: bytes, allowed: str = "") -> TraceError:
    fix = "Give a trace written by neuromorph, or a SONATA spike file."
    return TraceError(Problem(f"{name.decode(errors='replace')}: {what}", where, allowed=allowed, fix=fix))

"""HDF5's global heaps, where text of variable length lies: looked through before HDF5 does.

HDF5 (2.0.0) goes through the objects of a heap by their sizes, and never ends where one of them is 0.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import h5py
from h5py import h5d

MARK, HEADER = b"GCOL\x01", 16
#: a file is searched as a whole up to this size, a larger one where no data are
WHOLE = 1 << 26
_BLOCK = 1 << 20


def unsound(file: h5py.File, datasets: Iterable[h5d.DatasetID] = ()) -> bool:
    """Whether a file has a heap that HDF5 would not get past; the numbers of `datasets` are passed over."""
    descriptor = file.id.get_vfd_handle()
    size = os.fstat(descriptor).st_size
    heaps = (at for first, last in _between(datasets, size) for at in _heaps(descriptor, first, last))
    return any(not _sound(descriptor, at, size) for at in heaps)


def _between(datasets: Iterable[h5d.DatasetID], size: int) -> Iterator[tuple[int, int]]:
    """The spans of a file where no numbers of datasets are."""
    end = 0
    for first, length in sorted(place for found in datasets for place in _places(found)):
        if first > end:
            yield end, first
        end = max(end, first + length)
    yield end, size


def _places(found: h5d.DatasetID) -> Iterator[tuple[int, int]]:
    layout = found.get_create_plist().get_layout()
    if layout == h5d.CONTIGUOUS and found.get_offset() is not None:
        yield found.get_offset(), found.get_storage_size()
    elif layout == h5d.CHUNKED:
        for k in range(found.get_num_chunks()):
            chunk = found.get_chunk_info(k)
            yield chunk.byte_offset, chunk.size


def _heaps(descriptor: int, first: int, last: int) -> Iterator[int]:
    """Where heaps begin; blocks overlap, so that none is missed between two."""
    for start in range(first, last, _BLOCK):
        block = os.pread(descriptor, min(_BLOCK + len(MARK) - 1, last - start), start)
        at = block.find(MARK)
        while at >= 0:
            yield start + at
            at = block.find(MARK, at + 1)


def _sound(descriptor: int, at: int, size: int) -> bool:
    """Whether the objects of the heap at a place fill it."""
    length = int.from_bytes(os.pread(descriptor, 8, at + 8), "little")
    if at + length > size or length > WHOLE:  # HDF5 takes what is not there for zeros
        return False
    heap, place = os.pread(descriptor, length, at), HEADER
    while place + HEADER <= length:
        number = int.from_bytes(heap[place : place + 2], "little")
        bytes_ = int.from_bytes(heap[place + 8 : place + HEADER], "little")
        step = HEADER + -(-bytes_ // 8) * 8 if number else bytes_
        if step < HEADER or step > length - place:
            return False
        place += step
    return True

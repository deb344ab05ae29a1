"""Headers of HDF5's objects, read without HDF5: where groups keep the names in them, looked at before HDF5 does.

Names of groups in the oldest form, and of files beside a dataset, lie in local heaps. HDF5 (2.0.0) makes a list of what
is free in one before anything else, and where that goes round, it goes on until memory is full.
Format: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import h5py

#: kinds of messages in a header
DATASPACE, LINK_INFO, FILES, CONTINUED, NAMES = 0x01, 0x02, 0x07, 0x10, 0x11
#: blocks that one header may be cut into, and bytes of each
BLOCKS, BLOCK = 1 << 10, 1 << 24
#: bytes of the names in one group
NAMES_BYTES = 1 << 28
_FREE_END = 1


class Damaged(ValueError):
    """What no header of a trace is like."""


@dataclass(frozen=True)
class Bytes:
    """The bytes of a file; addresses in it count from `base`."""

    descriptor: int
    base: int
    size: int

    def at(self, address: int, length: int) -> bytes:
        """So many bytes; Damaged where they are not there."""
        if address + length > self.size - self.base:
            raise Damaged("an address outside the file")
        return os.pread(self.descriptor, length, self.base + address)

    def root(self) -> int:
        """The address of the root group."""
        version = self.at(0, 9)[8]
        place = {0: 64, 1: 68}.get(version, 36)
        return _number(self.at(place, 8))


def bytes_of(file: h5py.File) -> Bytes:
    """What is under an open file; Damaged where its addresses have another length than 8 bytes."""
    if file.id.get_create_plist().get_sizes() != (8, 8):
        raise Damaged("addresses of another length than 8 bytes")
    descriptor = file.id.get_vfd_handle()
    return Bytes(descriptor, file.userblock_size, os.fstat(descriptor).st_size)


def is_group(bytes_: Bytes, address: int) -> bool:
    """Whether the object at an address is a group; Damaged where its header, or a heap of names, is unsound."""
    kinds = set()
    for kind, data in _messages(bytes_, address):
        kinds.add(kind)
        if kind in (NAMES, FILES):
            _check_heap(bytes_, _number(data[8:16]))
    group = bool(kinds & {LINK_INFO, NAMES})
    if group and DATASPACE in kinds:
        raise Damaged("a group that is a dataset")
    return group


def _check_heap(bytes_: Bytes, address: int) -> None:
    """Damaged where the free blocks of a local heap do not end."""
    head = bytes_.at(address, 32)
    size, free, place = (_number(head[k : k + 8]) for k in (8, 16, 24))
    if not head.startswith(b"HEAP"):
        raise Damaged("no heap of names where one should be")
    if size > NAMES_BYTES:
        raise Damaged("more names than a file of ours has")
    heap, seen = bytes_.at(place, size), set()
    while free != _FREE_END:
        if free in seen or free + 16 > size:
            raise Damaged("a heap of names without end")
        seen.add(free)
        free = _number(heap[free : free + 8])


def _messages(bytes_: Bytes, address: int) -> Iterator[tuple[int, bytes]]:
    """(kind, data) of every message of the header of an object, in whatever blocks it has been cut."""
    if bytes_.at(address, 4) == b"OHDR":
        flags = bytes_.at(address, 6)[5]
        place = 6 + 16 * bool(flags & 0x20) + 4 * bool(flags & 0x10)
        width = 1 << (flags & 3)
        length = _number(bytes_.at(address + place, width))
        todo = [(address + place + width, length)]
        head, kind_bytes, frame = 4 + 2 * bool(flags & 4), 1, 4  # each further block: a mark, and a checksum
    else:
        todo = [(address + 16, _number(bytes_.at(address + 8, 4)))]
        head, kind_bytes, frame = 8, 2, 0
    for number, (first, length) in enumerate(todo):  # grows on the way
        if number >= BLOCKS or length > BLOCK:
            raise Damaged("a header without end")
        block, at = bytes_.at(first, length), 0
        while at + head <= length:
            kind, size = _number(block[at : at + kind_bytes]), _number(block[at + kind_bytes : at + kind_bytes + 2])
            data = block[at + head : at + head + size]
            if kind == CONTINUED:
                todo.append((_number(data[:8]) + frame, max(_number(data[8:16]) - 2 * frame, 0)))
            yield kind, data
            at += head + size


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")

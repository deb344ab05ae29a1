"""All links of an HDF5 file, each group looked at (headers.py) before HDF5 is asked what is in it."""

from __future__ import annotations

from typing import Any

import h5py
from h5py import h5l, h5o

from neuromorph.traces import headers


class TooDeep(Exception):
    """Groups within groups, deeper than may be; the name of the last."""


def all_links(file: h5py.File, depth: int) -> list[tuple[bytes, int, int]]:
    """(path, kind, address of what it leads to) of every link; a group of two names is gone into by one alone.

    Raises TooDeep where groups are nested more than `depth` levels deep, headers.Damaged where HDF5 may not come back.
    """
    found: list[tuple[bytes, int, int]] = []
    name = b"/"
    try:
        bytes_ = headers.bytes_of(file)
        root = bytes_.root()
        todo, seen = [b""] if headers.is_group(bytes_, root) else [], {root}
        while todo:
            inside = todo.pop()
            for last, kind, address in _links_of(file, inside):
                name = inside + b"/" + last if inside else last
                found.append((name, kind, address))
                if kind == h5l.TYPE_HARD and address == root:
                    raise headers.Damaged("a group within itself")
                if kind != h5l.TYPE_HARD or not headers.is_group(bytes_, address):
                    continue
                if name.count(b"/") >= depth:  # HDF5 goes down by recursion
                    raise TooDeep(name.decode(errors="replace"))
                if address not in seen:
                    todo.append(name)
                seen.add(address)
    except headers.Damaged as error:
        raise headers.Damaged(f"{name.decode(errors='replace')}: {error}") from None
    return found


def _links_of(file: h5py.File, inside: bytes) -> list[tuple[bytes, int, int]]:
    """(name, kind, address of what it leads to) of the links of one group."""
    found: list[tuple[bytes, int, int]] = []

    def note(name: bytes, info: Any) -> None:
        found.append((name, info.type, info.u))

    group = h5o.open(file.id, inside or b"/")
    group.links.iterate(note, info=True)
    return found

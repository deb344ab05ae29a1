"""Whether an HDF5 file of another layout (NWB, NIX) is content alone, before the library of that layout opens it."""

from __future__ import annotations

import math
import posixpath
from pathlib import Path

import h5py
from h5py import h5d, h5g, h5l, h5o

from neuromorph import limits
from neuromorph.errors import Problem, TraceError
from neuromorph.traces.guard import SLACK, _size, _unpacked
from neuromorph.traces.links import TooDeep, all_links

#: groups within groups; NIX has a dozen
DEPTH = 32


def check_content_alone(path: Path) -> None:
    """Raise TraceError where a file leads to others, has groups within themselves, or is larger than it can be.

    Other links within the file, text and references are left to the library that reads it. What h5py says of a damaged
    file comes as it is.
    """
    where = str(path)
    with h5py.File(path, "r") as file:
        size = _size(file)
        try:
            links = all_links(file, DEPTH)
        except TooDeep as error:
            raise _refused("groups are nested too deeply", where, str(error).encode()) from None
        groups = {b"/": h5o.get_info(file.id).addr}
        for name, kind, address in links:
            if kind not in (h5l.TYPE_HARD, h5l.TYPE_SOFT):
                raise _refused("a link to another file", where, name)
            one = h5o.open(file.id, name) if kind == h5l.TYPE_HARD else None
            if isinstance(one, h5d.DatasetID):
                _check_dataset(one, where, name, size)
            elif isinstance(one, h5g.GroupID):
                groups[b"/" + name] = address
        _check_groups(file, groups, [name for name, kind, _ in links if kind == h5l.TYPE_SOFT], where)


def _check_groups(file: h5py.File, groups: dict[bytes, int], soft: list[bytes], where: str) -> None:
    """Raise TraceError where some group is within itself, by way of links of either kind."""
    import networkx as nx

    inside = [(groups[posixpath.dirname(name)], address) for name, address in groups.items() if name != b"/"]
    for name in soft:
        target = posixpath.normpath(posixpath.join(b"/", posixpath.dirname(name), file.id.links.get_val(name)))
        if target in groups:
            inside.append((groups[posixpath.dirname(b"/" + name)], groups[target]))
    if not nx.is_directed_acyclic_graph(nx.DiGraph(inside)):
        raise _refused("a group within itself", where, b"/")


def _check_dataset(found: h5d.DatasetID, where: str, name: bytes, size: int) -> None:
    how = found.get_create_plist()
    if how.get_layout() == h5d.VIRTUAL or how.get_external_count():
        raise _refused("its data are in another file", where, name)
    declared = math.prod(found.shape or ()) * found.get_type().get_size()
    if declared > _unpacked(how, where, name) * min(found.get_storage_size(), size) + SLACK:
        raise _refused(f"{limits.spelled(declared)} that are not in the file", where, name)


def _refused(what: str, where: str, name: bytes) -> TraceError:
    fix = "Export it again, with `neuromorph export`."
    return TraceError(Problem(f"{name.decode(errors='replace')}: {what}", where, fix=fix))

"""Links and headers of HDF5 files, read without HDF5: as it finds them, and what is refused before it looks."""

from __future__ import annotations

import re

import h5py
import numpy as np
import pytest
from h5py import h5f, h5p

from neuromorph.traces import headers
from neuromorph.traces.links import TooDeep, all_links


def fill(file):
    """Groups of few and of many members, in headers of one and of several blocks."""
    deep = file.create_group("a/b/c")
    deep["numbers"] = np.arange(3)
    for k in range(60):
        file.create_group(f"many/member {k} {'x' * k}")
        file["a"].attrs[f"attribute {k}"] = np.arange(k)
    file["same"] = file["a/b"]
    file["soft"] = h5py.SoftLink("/a/b")


@pytest.mark.parametrize("form", ["earliest", "latest"])
@pytest.mark.parametrize("block", [0, 512])
def test_every_link_is_found(tmp_path, form, block):
    with h5py.File(tmp_path / "a.h5", "w", libver=form, userblock_size=block, track_order=False) as file:
        fill(file)
    with h5py.File(tmp_path / "a.h5", "r") as file:
        visited: set[int] = set()
        file.id.links.visit(lambda name, info: visited.add(info.u), info=True)
        found = all_links(file, 8)
        assert {address for _, _, address in found} == visited
        assert len(found) == len({name for name, _, _ in found}) == 67  # the group of two names is gone into once
        address = {name: at for name, _, at in found}
        assert address[b"same"] == address[b"a/b"] == h5py.h5o.get_info(file["a/b"].id).addr


def test_too_deep(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_group("/".join("abcdefghi"))
        file.flush()
        assert len(all_links(file, 9)) == 9
        with pytest.raises(TooDeep) as refused:
            all_links(file, 8)
    assert refused.value.args == ("a/b/c/d/e/f/g/h/i",)


@pytest.fixture
def plain(tmp_path):
    """A file in the oldest form: its content, and where the header of its group and of its dataset begin."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver="earliest") as file:
        file.create_group("group/inside")
        file["numbers"] = np.arange(3)
    with h5py.File(path, "r") as file:
        at = {name: address for name, _, address in all_links(file, 8)}
    return path, bytearray(path.read_bytes()), at


def refusal(path, content):
    path.write_bytes(content)
    with h5py.File(path, "r") as file, pytest.raises(headers.Damaged) as refused:
        all_links(file, 8)
    return str(refused.value)


def put(content, at, *numbers):
    content[at : at + 8 * len(numbers)] = b"".join(number.to_bytes(8, "little") for number in numbers)


def heap_of(content, number):
    """Where heap `number` of names begins, and its content."""
    at = [found.start() for found in re.finditer(b"HEAP", bytes(content))][number]
    return at, int.from_bytes(content[at + 24 : at + 32], "little")


def test_a_heap_of_names_without_end(plain):
    path, content, _ = plain
    at, inside = heap_of(content, 1)
    put(content, at + 16, 8)
    put(content, inside + 8, 8, 16)  # a free block, which names itself as the next one
    assert refusal(path, content).endswith(": a heap of names without end")


def test_no_heap_of_names(plain):
    path, content, _ = plain
    at, _ = heap_of(content, 1)
    content[at : at + 4] = b"HEAQ"
    assert refusal(path, content).endswith(": no heap of names where one should be")


def test_more_names_than_can_be(plain):
    path, content, _ = plain
    at, _ = heap_of(content, 1)
    put(content, at + 8, headers.NAMES_BYTES + 1)
    assert refusal(path, content).endswith(": more names than a file of ours has")


def test_the_root_within_itself(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_group("group")["again"] = file["/"]
    with (
        h5py.File(tmp_path / "a.h5", "r") as file,
        pytest.raises(headers.Damaged, match="again: a group within itself"),
    ):
        all_links(file, 8)


def test_names_outside_the_file(plain):
    path, content, _ = plain
    at, _ = heap_of(content, 1)
    put(content, at + 24, 1 << 40)
    assert refusal(path, content).endswith(": an address outside the file")


def test_a_header_without_end(plain):
    path, content, at = plain
    first = at[b"group"] + 16
    content[first : first + 8] = bytes([headers.CONTINUED, 0, 16, 0, 0, 0, 0, 0])
    put(content, first + 8, first, 24)
    assert refusal(path, content).endswith("group: a header without end")


def test_a_group_that_is_a_dataset(plain):
    path, content, at = plain
    first = at[b"numbers"] + 16
    assert content[first] == headers.DATASPACE
    second = first + 8 + int.from_bytes(content[first + 2 : first + 4], "little")
    content[second] = headers.LINK_INFO
    assert refusal(path, content).endswith("numbers: a group that is a dataset")


def test_addresses_of_four_bytes(tmp_path):
    path = tmp_path / "a.h5"
    how = h5p.create(h5p.FILE_CREATE)
    how.set_sizes(4, 4)
    h5f.create(str(path).encode(), h5f.ACC_TRUNC, how).close()
    assert refusal(path, path.read_bytes()) == "/: addresses of another length than 8 bytes"

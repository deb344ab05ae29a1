"""Images and recordings: unpacked no further than they say, and named by numbers alone."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from fuzz import readers
from neuromorph import limits
from neuromorph.errors import InputError
from neuromorph.tasks.images import fashion
from neuromorph.tasks.recordings import nmnist

NAME = "train-images-idx3-ubyte"


def idx(*shape: int, content: bytes = b"") -> bytes:
    return bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape) + content


def refusal(folder: Path, content: bytes, packed: bool = False) -> str:
    readers._idx(folder)
    (folder / NAME).unlink()
    (folder / (NAME + ".gz" * packed)).write_bytes(gzip.compress(content) if packed else content)
    tracemalloc.start()
    with pytest.raises(InputError) as caught:
        fashion(folder)
    assert tracemalloc.get_traced_memory()[1] < 1 << 21
    tracemalloc.stop()
    return str(caught.value)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("shape", [(2**32 - 1,) * 3, (2**32 - 1, 0, 2**32 - 1), (60_000, 2800, 2800), (1,) * 200, ()])
def test_what_a_head_claims_is_not_allocated(tmp_path, shape, packed):
    assert "is no IDX file of bytes" in refusal(tmp_path, idx(*shape, content=bytes(100)), packed)


def test_what_is_packed_is_unpacked_as_far_as_the_head_says(tmp_path):
    assert "is no IDX file of bytes, found 25" in refusal(
        tmp_path, idx(2, 2, 2, content=bytes(50_000_000)), packed=True
    )


def test_images_that_do_not_fit(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "available", lambda: 10)
    monkeypatch.setattr(limits, "SMALL", 0)
    assert "its images take 16 bytes. 10 bytes are available. Get it again." in refusal(
        tmp_path, idx(2, 2, 2, content=bytes(8))
    )


def test_images_of_no_pixels(tmp_path):
    assert "images of no pixels" in refusal(tmp_path, idx(2, 0, 7))


@pytest.mark.parametrize("line", ["../x 1", "/etc/x 1", "1" * 300 + " 1", "\u0663 1", "\xff 1", "1 \x1b[2J"])
def test_lists_name_recordings_by_number_alone(tmp_path, line):
    readers._events(tmp_path)
    (tmp_path / "train.txt").write_bytes(b"#sample #class\n" + line.encode("latin-1" if "\xff" in line else "utf-8"))
    with pytest.raises(
        InputError, match=r"train.txt: is no list of recordings, found '.*a number and a digit in each line"
    ):
        nmnist(tmp_path)

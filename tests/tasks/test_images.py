"""Data sets: what is read, and what is said where it cannot be."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from neuromorph.errors import InputError
from neuromorph.tasks import images

SHARED = Path(os.environ.get("NEUROMORPH_SHARED", Path(__file__).parents[3] / "shared"))


def test_digits_split() -> None:
    pytest.importorskip("sklearn", reason="the extra `learn` is not installed")
    found = images.digits()
    assert found.train.shape == (1437, 64)
    assert found.test.shape == (360, 64)
    assert found.train.max() == found.brightest == 16
    assert np.bincount(found.test_labels, minlength=10).min() > 20


def test_mnist_from_idx_files() -> None:
    folder = SHARED / "data" / "mnist"
    if not folder.is_dir():
        pytest.skip("MNIST is not at hand beside the checkout")
    found = images.mnist(folder)
    assert found.train.shape == (60000, 784)
    assert found.test.shape == (10000, 784)
    assert found.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert found.train.max() == 255


def test_mnist_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file train-images-idx3-ubyte.*MD5 6bbc9ace898e44ae57da46a324031adb"):
        images.mnist(None)
    with pytest.raises(InputError, match="four IDX files"):
        images.mnist(tmp_path)


def test_foreign_and_damaged_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "train-images-idx3-ubyte.gz"
    file.write_bytes(gzip.compress(b"\0\0\x08\x01\0\0\0\x01\x05"))
    with pytest.raises(InputError, match="is not MNIST's file.*Get it again"):
        images.mnist(tmp_path)
    file.write_bytes(gzip.compress(b"\0\0\x08\x01\0\0\0\x01\x05")[:-6])
    with pytest.raises(InputError, match="cannot be unpacked"):
        images.mnist(tmp_path)


def _idx(*shape: int, content: bytes | None = None) -> bytes:
    size = int(np.prod(shape))
    head = b"\0\0\x08" + bytes([len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
    return head + (bytes(k % 7 for k in range(size)) if content is None else content)


def test_fashion_from_any_four_idx_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file train-images-idx3-ubyte.*dataset-fashion-mnist"):
        images.fashion(tmp_path)
    for name, n in (("train", 5), ("t10k", 3)):
        (tmp_path / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(_idx(n, 2, 3)))
        (tmp_path / f"{name}-labels-idx1-ubyte").write_bytes(_idx(n))
    found = images.fashion(tmp_path)
    assert (found.name, found.train.shape, found.test.shape, found.brightest) == ("fashion", (5, 6), (3, 6), 255.0)
    np.testing.assert_array_equal(found.train.ravel(), np.arange(30) % 7)
    np.testing.assert_array_equal(found.test_labels, [0, 1, 2])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("train-labels-idx1-ubyte", _idx(4), "as many labels as images are needed, found 4"),
        ("train-labels-idx1-ubyte", _idx(5, content=b"\x01\x02\x0a\x00\x00"), "labels are not ten classes, found 10"),
        ("train-images-idx3-ubyte", _idx(30), r"images \(n x rows x columns\) and labels \(n\) are needed"),
        ("t10k-images-idx3-ubyte", _idx(3, 3, 3), r"images \(n x rows x columns\) and labels \(n\) are needed"),
        ("train-images-idx3-ubyte", _idx(5, 2, 3)[:-1], "is no IDX file of bytes, found 45"),
        ("train-images-idx3-ubyte", b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "is no IDX file of bytes"),
    ],
)
def test_idx_files_that_are_none(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    for half, n in (("train", 5), ("t10k", 3)):
        (tmp_path / f"{half}-images-idx3-ubyte").write_bytes(_idx(n, 2, 3))
        (tmp_path / f"{half}-labels-idx1-ubyte").write_bytes(_idx(n))
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        images.fashion(tmp_path)

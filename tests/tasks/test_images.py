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

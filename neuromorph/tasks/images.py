"""Images to learn: scikit-learn's scanned digits, and MNIST from its four IDX files."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import InputError, Problem

#: MNIST's files: what they hold, and the MD5 of their uncompressed content
MNIST_FILES = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


@dataclass(frozen=True, eq=False)
class Images:
    """A data set split for training and test.

    train, test : uint8[n, pixels]; train_labels, test_labels : int64[n], 0 to 9; brightest : value of a white pixel
    """

    name: str
    train: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    brightest: float

    def held_out(self, n: int) -> Images:
        """The last n training images in place of the test images: to choose settings without a look at these.

        Raises InputError where no training image would be left.
        """
        total = self.train_labels.size
        if not 0 < n < total:
            raise InputError(Problem("cannot hold out so many images", "--hold-out", n, f"1 to {total - 1}"))
        train, labels = self.train, self.train_labels
        return replace(self, train=train[:-n], train_labels=labels[:-n], test=train[-n:], test_labels=labels[-n:])


def digits() -> Images:
    """The 1,797 digits of 8 x 8 pixels that scikit-learn ships (Alpaydin & Kaynak 1998, UCI, doi:10.24432/C50P49).

    Split: the first 1,437 of numpy's default_rng(0).permutation(1797) to train, the other 360 to test.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise InputError(
            Problem("scikit-learn is not installed", "learn digits", fix="Run: pip install 'neuromorph[learn]'")
        ) from None
    data = load_digits()
    order = np.random.default_rng(0).permutation(data.target.size)
    pixels, labels = data.data.astype(np.uint8)[order], data.target.astype(np.int64)[order]
    return Images("digits", pixels[:1437], labels[:1437], pixels[1437:], labels[1437:], 16.0)


def mnist(folder: str | Path | None) -> Images:
    """MNIST: 60,000 images to train and 10,000 to test, 28 x 28 (LeCun, Cortes & Burges; doi:10.1109/5.726791).

    folder : holds the four IDX files, gzipped or not. Raises InputError that says where they come from.
    """
    parts: list[Any] = [_idx(folder, name) for name in MNIST_FILES]
    train, train_labels, test, test_labels = parts
    for pixels, labels, name in ((train, train_labels, "train"), (test, test_labels, "t10k")):
        if pixels.shape[0] != labels.size:
            raise InputError(Problem("as many labels as images are needed", f"{folder}/{name}", labels.size))
    return Images(
        "mnist", train.reshape(train.shape[0], -1), train_labels.astype(np.int64),
        test.reshape(test.shape[0], -1), test_labels.astype(np.int64), 255.0,
    )  # fmt: skip


def _idx(folder: str | Path | None, name: str) -> NDArray[np.uint8]:
    path = None if folder is None else next((p for p in _names(Path(folder), name) if p.is_file()), None)
    if path is None:
        listing = "; ".join(f"{file} (MD5 {md5})" for file, md5 in MNIST_FILES.items())
        there = folder is None or Path(folder).is_dir()
        raise InputError(
            Problem(
                f"no file {name}[.gz]" if there else "no such folder", f"--data {folder}" if folder else "learn mnist",
                fix="Get MNIST's four IDX files (from its authors' page or a mirror such as OpenML or Hugging Face) "
                f"and name their folder with --data. Uncompressed they are: {listing}.",
            )
        )  # fmt: skip
    raw = path.read_bytes()
    try:
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        said = str(error).rstrip(".")
        raise InputError(Problem(f"cannot be unpacked: {said}", str(path), fix="Get it again.")) from None
    found = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    if found != MNIST_FILES[name]:
        raise InputError(
            Problem("is not MNIST's file", str(path), f"MD5 {found}", f"MD5 {MNIST_FILES[name]}", "Get it again.")
        )
    dimensions = raw[3]
    shape = tuple(int.from_bytes(raw[4 + 4 * k : 8 + 4 * k], "big") for k in range(dimensions))
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def _names(folder: Path, name: str) -> list[Path]:
    return [folder / f"{name}.gz", folder / name, folder / f"{name.replace('-idx', '.idx')}"]

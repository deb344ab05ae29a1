"""Images to learn: scikit-learn's scanned digits, and from four IDX files MNIST and Fashion-MNIST."""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph import limits
from neuromorph.errors import InputError, Problem
from neuromorph.numpy_files import DEFLATE

#: a dimension may be so long where another one is 0
_SIDE = 1 << 16
#: of an IDX file: images, rows, columns
MOST_DIMENSIONS = 3
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
    listing = "; ".join(f"{file} (MD5 {md5})" for file, md5 in MNIST_FILES.items())
    fix = (
        "Get MNIST's four IDX files (from its authors' page or a mirror such as OpenML or Hugging Face) "
        f"and name their folder with --data. Uncompressed they are: {listing}."
    )
    return _four_files("mnist", folder, fix, MNIST_FILES)


def fashion(folder: str | Path | None) -> Images:
    """Fashion-MNIST: ten kinds of clothes, in files like MNIST's (Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747).

    folder : holds the four IDX files, gzipped or not. Raises InputError that says where they come from.
    """
    fix = (
        "Get Fashion-MNIST's four IDX files (Debian's package dataset-fashion-mnist has them, and so has its authors' "
        f"repository) and name their folder with --data: {', '.join(MNIST_FILES)}."
    )
    return _four_files("fashion", folder, fix, {})


def _four_files(task: str, folder: str | Path | None, fix: str, checksums: dict[str, str]) -> Images:
    parts: list[Any] = [_idx(task, folder, name, fix, checksums.get(name)) for name in MNIST_FILES]
    train, train_labels, test, test_labels = parts
    for pixels, labels, name in ((train, train_labels, "train"), (test, test_labels, "t10k")):
        where = f"{folder}/{name}"
        if pixels.ndim != 3 or labels.ndim != 1 or pixels.shape[1:] != train.shape[1:]:
            raise InputError(Problem("images (n x rows x columns) and labels (n) are needed", where, pixels.shape))
        if pixels.shape[0] != labels.size:
            raise InputError(Problem("as many labels as images are needed", where, labels.size))
        if labels.size and not pixels.size:
            raise InputError(Problem("images of no pixels", where, pixels.shape))
        if labels.size == 0 or labels.max() > 9:
            raise InputError(Problem("labels are not ten classes", where, int(labels.max(initial=0)), "0 to 9"))
    return Images(
        task, train.reshape(train.shape[0], -1), train_labels.astype(np.int64),
        test.reshape(test.shape[0], -1), test_labels.astype(np.int64), 255.0,
    )  # fmt: skip


def _idx(task: str, folder: str | Path | None, name: str, fix: str, md5: str | None) -> NDArray[np.uint8]:
    """One IDX file of bytes: two zeros, the code 8, the number of dimensions, each as 32 bits, then the content."""
    path = None if folder is None else next((p for p in _names(Path(folder), name) if p.is_file()), None)
    if path is None:
        what = f"no file {name}[.gz]" if folder is None or Path(folder).is_dir() else "no such folder"
        raise InputError(Problem(what, f"--data {folder}" if folder else f"learn {task}", fix=fix))
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            most = path.stat().st_size * (DEFLATE if packed else 1)
            shape, head, content = _read(file, most, str(path))
    except (OSError, EOFError, zlib.error) as error:
        said = str(error).rstrip(".")
        raise InputError(Problem(f"cannot be unpacked: {said}", str(path), fix="Get it again.")) from None
    found = hashlib.md5(head + content, usedforsecurity=False).hexdigest()
    if md5 is not None and found != md5:
        raise InputError(Problem("is not MNIST's file", str(path), f"MD5 {found}", f"MD5 {md5}", "Get it again."))
    if not shape or len(content) != math.prod(shape):
        size = len(head) + len(content)
        raise InputError(
            Problem("is no IDX file of bytes", str(path), size, "as many bytes as its head says", "Get it again.")
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def _read(file: Any, most: int, where: str) -> tuple[tuple[int, ...], bytes, bytes]:
    """Shape, head and content of an IDX file, a byte more than its head says where there is; no shape where it is none.

    most : bytes that can be in it
    """
    head = file.read(4)
    n = head[3] if head[:3] == b"\0\0\x08" and len(head) > 3 else 0
    if not 1 <= n <= MOST_DIMENSIONS:
        return (), head, b""
    head += file.read(4 * n)
    shape = tuple(int.from_bytes(head[4 + 4 * k : 8 + 4 * k], "big") for k in range(n))
    if math.prod(shape) > most or max(shape) > most + _SIDE:
        return (), head, b""
    limits.need(2 * math.prod(shape), "its images take", where, "Get it again.")
    return shape, head, file.read(math.prod(shape) + 1)


def _names(folder: Path, name: str) -> list[Path]:
    return [folder / f"{name}.gz", folder / name, folder / f"{name.replace('-idx', '.idx')}"]

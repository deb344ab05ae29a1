"""Recordings of event cameras to learn: N-MNIST, as counts of the events of each pixel and polarity.

What a cell is shown is one volley a cycle: as many spikes as the camera's pixel sent events. When within the recording
they came is not used.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import InputError, Problem
from neuromorph.tasks.images import Images

SIDE = 34  # pixels of a recording of N-MNIST, across and down
EVENT = 5  # bytes: x, y, one bit of polarity and 23 of time (us)
#: counts that make a white pixel: with kappa_in = 8 a cell's volley has exactly the recorded number of events
WHITE = 8.0


def nmnist(folder: str | Path | None) -> Images:
    """N-MNIST (Orchard, Jayawant, Cohen & Thakor 2015, doi:10.3389/fnins.2015.00437), uint8[n, 2 x 34 x 34].

    folder : holds Train/ and Test/ with a folder of .bin files for each digit; or recordings NUMBER.bs2 and lists of
    (number, digit) whose names begin with train and test, as slayerPytorch packs a selection.
    Raises InputError that says where they come from.
    """
    parts = [_part(folder, name) for name in ("Train", "Test")]
    counts, labels = zip(*(_counts(part) for part in parts))
    return Images("nmnist", counts[0], labels[0], counts[1], labels[1], WHITE)


def events(file: Path) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Column x, row y, polarity (0 or 1) and time (ms) of every event of one recording; raises InputError."""
    raw = np.frombuffer(file.read_bytes(), np.uint8)
    if raw.size == 0 or raw.size % EVENT:
        raise InputError(
            Problem("is no recording of an event camera", str(file), raw.size, f"a multiple of {EVENT} bytes")
        )
    x, y, high, middle, low = raw.reshape(-1, EVENT).T.astype(np.int64)
    if max(x.max(), y.max()) >= SIDE:
        found = int(x.max()), int(y.max())
        raise InputError(Problem("an event outside the camera", str(file), found, f"0 to {SIDE - 1} across and down"))
    return x, y, high >> 7, ((high & 127) << 16 | middle << 8 | low) / 1000.0


def _counts(part: list[tuple[Path, int]]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Events of each polarity and pixel of every recording, and the digits."""
    found = np.zeros((len(part), 2 * SIDE * SIDE), np.uint8)
    for k, (file, _) in enumerate(part):
        x, y, polarity, _ = events(file)
        total = np.bincount((polarity * SIDE + y) * SIDE + x, minlength=found.shape[1])
        found[k] = np.minimum(total, 255)
    return found, np.array([digit for _, digit in part], np.int64)


def _part(folder: str | Path | None, name: str) -> list[tuple[Path, int]]:
    """The recordings of a half of the data with their digits, in the order of their names."""
    root = None if folder is None else Path(folder)
    if root is not None and (root / name).is_dir():
        found = [(file, digit) for digit in range(10) for file in sorted((root / name / str(digit)).glob("*.bin"))]
    else:
        lists = sorted(root.glob(f"{name.lower()}*.txt")) if root is not None and root.is_dir() else []
        found = [(root / f"{number}.bs2", digit) for file in lists for number, digit in _listed(file)] if root else []
    missing = next((file for file, _ in found if not file.is_file()), None)
    if missing is not None:
        raise InputError(Problem("a recording is missing", str(missing), fix="Unpack the whole archive."))
    if not found:
        fix = "Get N-MNIST from its authors' page (Train.zip and Test.zip, unpacked) and name their folder with --data."
        raise InputError(Problem(f"no recordings of {name}", f"--data {folder}" if folder else "learn nmnist", fix=fix))
    return found


def _listed(file: Path) -> list[tuple[int, int]]:
    """(number, digit) of every line but the first, which names the columns."""
    text = file.read_text(encoding="utf-8", errors="backslashreplace")
    lines = [line.split() for line in text.splitlines()[1:] if line.strip()]
    for line in lines:
        if len(line) != 2 or not re.fullmatch("[0-9]{1,9}", line[0]) or line[1] not in list("0123456789"):
            allowed = "a number and a digit in each line"
            raise InputError(Problem("is no list of recordings", str(file), " ".join(line), allowed))
    return [(int(number), int(digit)) for number, digit in lines]

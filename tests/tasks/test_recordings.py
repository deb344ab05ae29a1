"""Recordings of an event camera, written here event by event."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neuromorph.errors import InputError
from neuromorph.tasks import recordings

SHARED = Path(os.environ.get("NEUROMORPH_SHARED", Path(__file__).parents[3] / "shared"))


def write(file: Path, *events: tuple[int, int, int, int]) -> None:
    """Events (x, y, polarity, time in us), as Orchard et al. store them."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"".join(bytes([x, y]) + (p << 23 | t).to_bytes(3, "big") for x, y, p, t in events))


def test_events_are_read_back(tmp_path: Path) -> None:
    write(tmp_path / "a.bin", (0, 33, 1, 5), (33, 0, 0, 315_000), (7, 8, 1, (1 << 23) - 1))
    x, y, polarity, times = recordings.events(tmp_path / "a.bin")
    assert (x.tolist(), y.tolist(), polarity.tolist()) == ([0, 33, 7], [33, 0, 8], [1, 0, 1])
    np.testing.assert_array_equal(times, [0.005, 315.0, 8388.607])


def test_the_official_folders(tmp_path: Path) -> None:
    write(tmp_path / "Train" / "3" / "00002.bin", (1, 2, 0, 9), (1, 2, 0, 10), (1, 2, 1, 11))
    write(tmp_path / "Train" / "0" / "00001.bin", (33, 33, 1, 9))
    write(tmp_path / "Test" / "9" / "00001.bin", *[(4, 5, 0, t) for t in range(300)])
    found = recordings.nmnist(tmp_path)
    assert (found.train_labels.tolist(), found.test_labels.tolist()) == ([0, 3], [9])
    of_polarity = found.train.reshape(2, 2, 34, 34)
    assert (of_polarity[1, 0, 2, 1], of_polarity[1, 1, 2, 1], of_polarity[0, 1, 33, 33]) == (2, 1, 1)
    assert found.train.sum() == 4
    assert found.test.reshape(2, 34, 34)[0, 5, 4] == 255  # no count is larger


def test_a_selection_with_lists(tmp_path: Path) -> None:
    for number in (1, 2, 70):
        write(tmp_path / f"{number}.bs2", (number % 34, 0, 0, 1))
    (tmp_path / "train1K.txt").write_text("#sample #class\r\n1\t5\r\n2\t0\r\n")
    (tmp_path / "test100.txt").write_text("#sample #class\n70\t9\n")
    found = recordings.nmnist(tmp_path)
    assert (found.train_labels.tolist(), found.test_labels.tolist()) == ([5, 0], [9])
    assert found.test[0, 70 % 34] == 1


def test_the_packed_selection_at_hand(tmp_path: Path) -> None:
    packed = SHARED / "data" / "nmnist" / "nmnist_small.zip"
    if not packed.is_file():
        pytest.skip("N-MNIST is not at hand beside the checkout")
    with zipfile.ZipFile(packed) as file:
        file.extractall(tmp_path)
    found = recordings.nmnist(tmp_path)
    assert (found.train.shape, found.test.shape) == ((1000, 2312), (100, 2312))
    assert np.bincount(found.train_labels, minlength=10).min() > 50
    assert 3000 < found.train.sum(axis=1).mean() < 6000


def test_what_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="learn nmnist: no recordings of Train.*authors' page"):
        recordings.nmnist(None)
    with pytest.raises(InputError, match="no recordings of Train"):
        recordings.nmnist(tmp_path)
    (tmp_path / "a.bin").write_bytes(b"1234567")
    with pytest.raises(InputError, match=r"is no recording of an event camera, found 7 .*a multiple of 5 bytes"):
        recordings.events(tmp_path / "a.bin")
    write(tmp_path / "a.bin", (34, 0, 0, 1))
    with pytest.raises(InputError, match=r"an event outside the camera, found \(34, 0\).*0 to 33"):
        recordings.events(tmp_path / "a.bin")
    (tmp_path / "train.txt").write_text("#sample #class\n1 5\n")
    with pytest.raises(InputError, match=r"1\.bs2: a recording is missing.*Unpack"):
        recordings.nmnist(tmp_path)
    (tmp_path / "train.txt").write_text("#sample #class\n../1 12\n")
    with pytest.raises(InputError, match=r"is no list of recordings, found '?\.\./1 12'?.*a number and a digit"):
        recordings.nmnist(tmp_path)

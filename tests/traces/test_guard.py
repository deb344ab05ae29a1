"""What a damaged or foreign trace is refused for, word by word."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from neuromorph.errors import TraceError
from neuromorph.traces import finish, guard, heaps


@pytest.fixture
def made(tmp_path):
    """An empty HDF5 file."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        yield file


def test_committed_is_a_dataset(made):
    made.create_group("committed")
    made.flush()
    with pytest.raises(TraceError, match=r"^x.h5: committed: not a dataset. Give a trace written by neuromorph"):
        guard.check_content(made, Path("x.h5"))


@pytest.mark.parametrize("whole", [0, 1 << 26])
def test_a_heap_without_end(made, monkeypatch, whole):
    monkeypatch.setattr(heaps, "WHOLE", whole)  # files up to this size are looked through as a whole
    monkeypatch.setattr(heaps, "unsound", lambda file, datasets=(): True)
    made["x"] = np.zeros(3)
    made.flush()
    with pytest.raises(TraceError, match=r"^x.h5: /: a heap without end. Give a trace written by neuromorph"):
        guard.check_content(made, Path("x.h5"))


@pytest.mark.parametrize(("one", "other"), [("x", "report/a/mapping"), ("report/a/mapping", "zero"), ("x", "y")])
def test_a_mapping_shares_with_mappings_alone(made, one, other):
    made[one] = np.zeros(3)
    made[other] = made[one]
    made.flush()
    with pytest.raises(TraceError, match=r"^x.h5: .*: two names for one object"):
        guard.check_content(made, Path("x.h5"))


def test_mappings_may_be_one(made):
    made["report/a/V_m/mapping"] = np.zeros(3)
    made["report/a/I/mapping"] = made["report/a/V_m/mapping"]
    made.flush()
    guard.check_content(made, Path("x.h5"))


def test_a_number_is_no_table(made):
    made["x"] = 3.0
    with pytest.raises(ValueError, match="^/x has no rows$"):
        guard.read(made["x"])


def test_what_grows_belongs_to_a_channel(made):
    made.create_dataset("x", data=np.zeros(3), maxshape=(None,))
    with pytest.raises(ValueError, match="^/x belongs to no channel$"):
        finish._copy_rows(made["x"], made, "y", None, {})

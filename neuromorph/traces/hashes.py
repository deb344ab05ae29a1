"""Hashes of what a trace holds, and where two traces differ first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuromorph.traces.reader import Trace

#: what a run came to; the other groups say how it was made
RECORDED = ("spikes", "report", "weights", "signals", "learning")
BLOCK = 1 << 20  # rows that are read at a time


@dataclass(frozen=True)
class Comparison:
    """One dataset of two traces: `sha256` is that of the first one's bytes, `difference` "" where both are the same."""

    name: str
    rows: int
    sha256: str
    difference: str


def compare(one: str | Path, other: str | Path) -> list[Comparison]:
    """Every dataset that either of two finished traces has recorded, in order of name."""
    with Trace(one) as a, Trace(other) as b, a._reading() as first, b._reading() as second:
        mine, others = dict(_datasets(first)), dict(_datasets(second))
        return [_compared(name, mine.get(name), others.get(name)) for name in sorted(mine.keys() | others.keys())]


def _datasets(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    for group in RECORDED:
        if group in file:
            found: list[str] = []
            file[group].visit(found.append)
            for name in found:
                if isinstance(file[group][name], h5py.Dataset):
                    yield f"{group}/{name}", file[group][name]


def _compared(name: str, a: h5py.Dataset | None, b: h5py.Dataset | None) -> Comparison:
    if a is None or b is None:
        return Comparison(name, 0 if a is None else _rows(a), "", f"only in the {'second' if a is None else 'first'}")
    digest, difference = hashlib.sha256(), ""
    for k in range(0, max(_rows(a), 1), BLOCK):
        mine, others = _block(a, k), _block(b, k)
        digest.update(mine.tobytes())
        if not difference and mine.tobytes() != others.tobytes():
            difference = _first(mine, others, k)
    if not difference and a.shape != b.shape:
        difference = f"{_rows(a)} rows beside {_rows(b)}"
    return Comparison(name, _rows(a), digest.hexdigest(), difference)


def _rows(dataset: h5py.Dataset) -> int:
    return int(dataset.shape[0]) if dataset.shape else 1


def _block(dataset: h5py.Dataset, k: int) -> Any:
    return np.asarray(dataset[k : k + BLOCK] if dataset.shape else dataset[()])


def _first(a: Any, b: Any, k: int) -> str:
    """Where two blocks that begin at row k differ first."""
    n = min(len(a), len(b)) if a.ndim else 0
    if a.shape[1:] == b.shape[1:] and n:
        rows = np.flatnonzero((a[:n] != b[:n]).reshape(n, -1).any(axis=1))
        if rows.size:
            r = int(rows[0])
            return f"row {k + r}: {a[r]!s:.60} beside {b[r]!s:.60} ({rows.size} rows of {n} differ)"
    return f"{len(a)} rows beside {len(b)}" if a.ndim and len(a) != len(b) else "other bits"

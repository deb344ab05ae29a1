"""Tables as text: numbers as Python spells them, so that they read back to the last bit."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import InputError, Problem
from neuromorph.export.files import new_file
from neuromorph.export.tables import COLUMNS, INSTANTS, TEXT, Part, columns, pieces
from neuromorph.traces.stream import Spikes

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: rows that are read before they become arrays
BLOCK = 1 << 18


def write(trace: Trace, path: Path, table: str, part: Part, force: bool) -> int:
    """Write a table; returns the number of its rows."""
    names, rows = columns(trace, table), 0
    found = pieces(trace, table, part)
    with new_file(path, force) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for piece in found:
            cells = [repeat(piece.text[name]) if name in TEXT else _spelled(piece.numbers[name]) for name in names]
            writer.writerows(zip(*cells))
            rows += piece.rows
    return rows


def _spelled(values: NDArray[Any]) -> list[Any]:
    """Numbers as text that reads back as the same ones; csv spells float64 and whole numbers so by itself."""
    return [str(value) for value in values] if values.dtype == np.float32 else values.tolist()


def read(path: Path) -> dict[str, Spikes]:
    """Read a table of spikes; ValueError where it is none, InputError for a line that is wrong."""
    found: dict[str, list[tuple[NDArray[Any], ...]]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        lines = csv.reader(file)
        header = next(lines, [])
        if header not in ([*COLUMNS["spikes"]], [*COLUMNS["spikes"], *INSTANTS]):
            fix = f"Its first line must be {','.join(COLUMNS['spikes'])}, with or without {','.join(INSTANTS)}."
            raise InputError(Problem("is no table of spikes", str(path), ",".join(header)[:80], fix=fix))
        for name, block in _blocks(lines, path, len(header)):
            found.setdefault(name, []).append(block)
    joined = {name: [np.concatenate(parts) for parts in zip(*blocks)] for name, blocks in found.items()}
    return {name: Spikes(*arrays) for name, arrays in joined.items()}


def _blocks(lines: Any, path: Path, width: int) -> Iterator[tuple[str, tuple[NDArray[Any], ...]]]:
    """Population, and the columns that hold numbers, of consecutive rows."""
    kinds = [float, int, int, float][: width - 1]
    columns: list[list[Any]] = [[] for _ in kinds]
    last = None
    for row in lines:
        try:
            if len(row) != width:
                raise ValueError(f"{len(row)} fields")
            numbers = [kind(row[k]) for kind, k in zip(kinds, (0, 2, 3, 4))]
            if not (abs(numbers[0]) < 1e15 and 0 <= numbers[1] < 2**63):
                raise ValueError("a time or neuron out of range")
        except ValueError as error:
            allowed = f"{width} fields: a time in ms, a population, a neuron from 0"
            raise InputError(
                Problem(f"is no spike: {error}", f"{path}:{lines.line_num}", ",".join(row)[:80], allowed)
            ) from error
        if last is not None and (row[1] != last or len(columns[0]) >= BLOCK):
            yield last, _arrays(columns)
            columns = [[] for _ in kinds]
        last = row[1]
        for column, number in zip(columns, numbers):
            column.append(number)
    if last is not None:
        yield last, _arrays(columns)


def _arrays(columns: list[list[Any]]) -> tuple[NDArray[Any], ...]:
    kinds = (np.float64, np.int64, np.int64, np.float64)
    return tuple(np.array(column, kind) for column, kind in zip(columns, kinds))

"""Labelled instants, such as stimuli, and how they are read from a table."""

from __future__ import annotations

import csv
import math
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from neuromorph.analysis.blocks import Floats
from neuromorph.errors import InputError, Problem

HEADER = ("time_ms", "label")


@dataclass(frozen=True)
class Events:
    """Instants (ms) with labels, the window after each (ms) in which responses count, and bins of a PSTH (ms)."""

    times_ms: Floats
    labels: list[str]
    window_ms: tuple[float, float] = (0.0, 100.0)
    bin_ms: float = 5.0

    def within(self, start_ms: float, stop_ms: float) -> Events:
        """Return those whose whole window lies between two times; raises InputError where there is none."""
        first, last = self.times_ms + self.window_ms[0], self.times_ms + self.window_ms[1]
        inside = (first >= start_ms) & (last <= stop_ms)
        if len(inside) and not inside.any():
            span = f"{self.times_ms.min():g} to {self.times_ms.max():g} ms, windows {self.window_ms[0]:+g} to"
            allowed = f"{start_ms:g} to {stop_ms:g} ms, what was simulated of what is asked for"
            said = f"{span} {self.window_ms[1]:+g} ms"
            raise InputError(Problem("no event with its whole window lies in the run", "events", said, allowed))
        labels = [label for label, keep in zip(self.labels, inside) if keep]
        return replace(self, times_ms=self.times_ms[inside], labels=labels)

    @property
    def length_ms(self) -> float:
        """Length of the window (ms)."""
        return self.window_ms[1] - self.window_ms[0]


def read_events(path: str | os.PathLike[str]) -> tuple[Floats, list[str]]:
    """Return (instants in ms, labels) of a CSV file whose first line is `time_ms,label`.

    Raises InputError where the file cannot be read, has other columns, has no row, or a time that is no number.
    """
    where, times, labels = str(path), [], []
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            header = tuple(cell.strip() for cell in next(rows, []))
            if header != HEADER:
                raise InputError(Problem("not a table of events", where, ",".join(header), "time_ms,label"))
            for row in filter(None, rows):
                times.append(_time(row, f"{where}, line {rows.line_num}"))
                labels.append(row[1].strip())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        said = getattr(error, "strerror", None) or error
        raise InputError(Problem(f"the events cannot be read: {said}", where)) from None
    if not times:
        raise InputError(Problem("there are no events in this table", where, fix="Give at least one row."))
    return np.array(times), labels


def _time(row: list[str], where: str) -> float:
    if len(row) != len(HEADER):
        raise InputError(Problem("a row of events has a time and a label", where, ",".join(row), "time_ms,label"))
    try:
        time = float(row[0])
    except ValueError:
        time = math.nan
    if not math.isfinite(time):
        raise InputError(Problem("the time of an event is no number", where, row[0], "a time in ms"))
    return time

"""Write a trace for other programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from neuromorph.analysis.table import interval
from neuromorph.errors import InputError, Problem, suggestion
from neuromorph.export.tables import Part, check_table, others

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: format -> suffix of its files
SUFFIXES = {"csv": ".csv", "parquet": ".parquet", "npz": ".npz", "nwb": ".nwb", "neo": ".nix"}
#: formats whose files hold one table
ONE_TABLE = ("csv", "parquet")


class Exported(NamedTuple):
    """What was written: the file, how many rows of the table (spikes, where it holds all), and what is not in it.

    left_out : tables of the trace that this file does not have
    """

    path: Path
    table: str
    rows: int
    left_out: list[str]


def export(
    trace: Trace,
    path: str | os.PathLike[str],
    to: str | None = None,
    *,
    table: str | None = None,
    populations: Sequence[str] | None = None,
    start_ms: float | None = None,
    stop_ms: float | None = None,
    force: bool = False,
) -> Exported:
    """Write a trace as csv, parquet, npz, nwb or neo (a NIX file); the file is whole or not there.

    csv, parquet and npz are written piece by piece, so that memory does not go with the number of spikes.
    docs/export.md says what is in each.

    Parameters
    ----------
    trace: an open trace.
    path: the file to write.
    to: the format; by default what the suffix of `path` says.
    table: of csv and parquet, which table: spikes (the default), states, weights, signals, learning.
    populations: only these.
    start_ms, stop_ms: only what is in this interval (ms), start included, stop not; by default all.
    force: overwrite an existing file.

    Raises
    ------
    InputError where a package is missing, the format or the table is unknown, the suffix is another format's, the file
    exists or cannot be written, or the interval is empty; TraceError where the trace has nothing of that kind.
    """
    target = Path(path)
    to = _format(target, to)
    if table is not None and to not in ONE_TABLE:
        fix = "Leave the table out: the file has all."
        raise InputError(Problem(f"a file of format {to} is no single table", str(target), table, fix=fix))
    check_table(table or "spikes")
    interval(trace, start_ms, stop_ms)
    part = Part(populations, start_ms, stop_ms)
    part.names(trace)
    table = table or "spikes"
    rows = _writer(to)(trace, target, table, part, force)
    left = others(trace, table) if to in ONE_TABLE else ["learning"] if to in ("nwb", "neo") and trace.learning else []
    return Exported(target, table, rows, left)


def _format(path: Path, to: str | None) -> str:
    """The format of a file, by name or by suffix; InputError where the two say different things."""
    known = {suffix: name for name, suffix in SUFFIXES.items()}
    if to is None:
        if path.suffix.lower() not in known:
            allowed = ", ".join(known)
            raise InputError(Problem("no format has this suffix", str(path), path.suffix, allowed))
        return known[path.suffix.lower()]
    if to not in SUFFIXES:
        raise InputError(Problem(f"unknown format '{to}'", str(path), fix=suggestion(to, SUFFIXES)))
    if path.suffix.lower() != SUFFIXES[to]:
        raise InputError(Problem(f"not the suffix of {to}", str(path), path.suffix, SUFFIXES[to]))
    return to


def _writer(to: str) -> Callable[[Trace, Path, str, Part, bool], int]:
    from importlib import import_module

    name = {"csv": "csv_file", "parquet": "parquet_file", "npz": "npz_file", "nwb": "nwb_file", "neo": "neo_block"}[to]
    writer: Callable[[Trace, Path, str, Part, bool], int] = import_module(f"neuromorph.export.{name}").write
    return writer

"""Go on with a recording: how far it was at a position, and its rows up to there, to be recorded once more."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuromorph.engine.sink import RunDescription
from neuromorph.errors import Problem, TraceError
from neuromorph.traces.finish import BLOCK_BYTES
from neuromorph.traces.reader import Trace
from neuromorph.traces.schema import running_path

#: kind of channel -> its datasets; of spikes see `_spikes`. The first says how many rows there are.
DATASETS = {
    "spikes": ("node_ids",),
    "report": ("mapping/times", "data"),
    "weights": ("times", "values"),
    "signals": ("times", "values"),
}
MOST_NAMED = 3  # channels in a message


@dataclass(frozen=True)
class Position:
    """How far a recording is; `asdict` of it goes into JSON.

    recording : the random name of the recording
    rows : group of each channel -> rows; without the journal, whose rows are counted by curve
    curves : learning curve -> (units, shape of one row, rows)
    described : part of the run's description -> what tells it from others
    latest_ms : instant of the last thing recorded
    """

    recording: str
    rows: dict[str, int]
    curves: dict[str, tuple[str, tuple[int, ...], int]]
    described: dict[str, str]
    latest_ms: float

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Position:
        """Undo `asdict` and JSON; raises TraceError for anything else."""
        try:
            given = {field.name: values[field.name] for field in fields(cls)}
            curves = {str(n): (str(u), tuple(map(_count, s)), _count(k)) for n, (u, s, k) in given["curves"].items()}
            rows = {name: _count(n) for name, n in given["rows"].items() if DATASETS[_kind(name)]}
            described = {str(name): str(text) for name, text in given["described"].items()}
            return cls(str(given["recording"]), rows, curves, described, float(given["latest_ms"]))
        except (LookupError, ValueError, TypeError, AttributeError):
            fix = "Give what TraceWriter.position() returned."
            raise TraceError(Problem("not the position of a recording", "position", values, fix=fix)) from None

    def check_run(self, run: RunDescription, where: Path) -> None:
        """Raise TraceError where a run is another than the one that was recorded."""
        now = described(run)
        other = [name for name, text in now.items() if self.described.get(name) != text]
        if other:
            what = f"goes on with a run that is described otherwise: {', '.join(other)}"
            fix = "Go on with the same network and records, or record the changed run in another file."
            raise TraceError(Problem(what, str(where), fix=fix))

    def lacking(self, trace: Trace) -> str:
        """What a trace does not have of this position, "" where it has all; raises TraceError for another recording."""
        found = recording(trace)
        if found != self.recording:
            fix = "Go on from the checkpoint that was made with it, or move it away."
            raise TraceError(Problem("is another recording", str(trace.path), found, self.recording, fix))
        with trace._reading() as file:
            held = {name: _rows(file, name) for name in self.rows}
        learnt = trace.learning
        held |= {f"/learning/{name}": len(learnt.get(name, ())) for name in self.curves}
        needed = self.rows | {f"/learning/{name}": rows for name, (_, _, rows) in self.curves.items()}
        short = [f"{held[name]} of {n} rows of {name}" for name, n in needed.items() if held[name] < n]
        more = [f"and {len(short) - MOST_NAMED} more"] if len(short) > MOST_NAMED else []
        return ", ".join([*short[:MOST_NAMED], *more])


def described(run: RunDescription) -> dict[str, str]:
    """Part of a description -> what tells it from others; not how long it is to be, and not its provenance."""
    parts = {field.name: getattr(run, field.name) for field in fields(run) if field.name != "provenance"}
    parts["network"] = {name: value for name, value in run.network.items() if name != "run"}
    return {name: _fingerprint(value) for name, value in parts.items()}


def recording(trace: Trace) -> str:
    """The random name of a recording; "" of a foreign one."""
    return str(trace._attributes.get("recording", ""))


def is_recording(path: Path, name: str) -> bool:
    """Whether the file is (an earlier state of) the recording of that name."""
    try:
        with Trace(path) as trace:
            return recording(trace) == name
    except TraceError:
        return False


def source(path: Path, position: Position) -> Path:
    """The file from which the trace `path` goes on: the recording of a killed run, or what a run finished.

    Raises TraceError where there is none, or it is another recording or ends before the position.
    """
    found = [file for file in (running_path(path), path) if file.exists()]
    if not found:
        fix = "Check the name; without the recording, the run has to begin anew."
        raise TraceError(Problem("no recording to go on with", str(path), fix=fix))
    problems = []
    for file in found:
        with Trace(file) as trace:
            lacking = position.lacking(trace)
        if not lacking:
            return file
        fix = "Go on from an older checkpoint, or begin the run anew."
        problems.append(Problem(f"ends before the checkpoint: it has {lacking}", str(file), fix=fix))
    raise TraceError(*problems)


def blocks(file: h5py.File, name: str, rows: int, window_ms: float) -> Iterator[tuple[np.ndarray, ...]]:
    """The first rows of a channel, in the columns that its `Channel` takes."""
    group, kind = file[name], _kind(name)
    width = sum(group[d].dtype.itemsize * int(np.prod(group[d].shape[1:])) for d in DATASETS[kind])
    step = max(1, BLOCK_BYTES // max(1, width))
    for start in range(0, rows, step):
        span = slice(start, min(start + step, rows))
        yield _spikes(group, span, window_ms) if kind == "spikes" else tuple(group[d][span] for d in DATASETS[kind])


def as_json(position: Position) -> dict[str, Any]:
    """Undo `Position.read`."""
    return asdict(position)


def _spikes(group: h5py.Group, span: slice, window_ms: float) -> tuple[np.ndarray, ...]:
    """(base, offset_ms, node_ids), whatever form the spikes have."""
    base = group["base"][span] if "base" in group else np.rint(group["timestamps"][span] / window_ms)
    offset_ms = group["offset_ms"][span] if "offset_ms" in group else np.zeros(len(base))
    return base.astype(np.int64), offset_ms, group["node_ids"][span]


def _kind(name: str) -> str:
    return name.split("/")[1]


def _rows(file: h5py.File, name: str) -> int:
    """How many whole rows a channel has, in a running or a finished file."""
    if name not in file:
        return 0
    group = file[name]
    if "committed" in file:
        return int(file["committed"][int(group.attrs["channel"])])
    return len(group[DATASETS[_kind(name)][0]])


def _count(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError
    return value


def _fingerprint(value: Any) -> str:
    """A short text that stands for a value, whatever the order of its keys."""

    def default(item: Any) -> Any:
        if isinstance(item, np.ndarray):
            return [str(item.dtype), item.shape, hashlib.sha256(item.tobytes()).hexdigest()]
        return item.item() if isinstance(item, np.generic) else getattr(item, "__dict__", None) or str(item)

    return hashlib.sha256(json.dumps(value, sort_keys=True, default=default).encode()).hexdigest()[:16]

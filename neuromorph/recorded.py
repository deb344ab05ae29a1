"""What a trace says of its run: the network, and how it was run, so that it can be run again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuromorph.errors import InputError, Problem

#: makes an entry of `record` of what somebody gave as --record
ReadRecord = Callable[[str], dict[str, Any]]


@dataclass(frozen=True)
class RecordedRun:
    """A run as its trace, and a checkpoint beside it where there is one, describe it.

    head : of the newest checkpoint that can be read; empty where there is none
    """

    path: Path
    network: Any
    seed: int
    resolution: str | float
    precision: str
    status: str
    simulated_ms: float
    folder: Path
    head: dict[str, Any]


def read(trace: str, record: ReadRecord | None = None) -> RecordedRun:
    """Read a trace (also one that was killed); InputError for one that cannot be run again from what it says.

    record : how to read what was given as --record, where the network comes from its file again; by default such
        recordings are left out
    """
    from neuromorph.checkpoints import beside, newest
    from neuromorph.traces.reader import Trace

    path = Path(trace.removesuffix(".part"))
    with Trace(path) as found:
        described, provenance = found.network, found.provenance
        status, simulated = found.status, found.simulated_ms
        learnt = sorted(name for name in found.learning if not name.startswith("rewired_"))
    if not described or not {"seed", "resolution"} <= provenance.keys():
        fix = "Only traces that neuromorph wrote say how they were made."
        raise InputError(Problem("the trace does not say how it was made", str(path), fix=fix))
    if learnt or "minibatch" in provenance:
        fix = "Train again with `neuromorph learn` and the same --seed, or go on with --resume."
        raise InputError(Problem("is the trace of a training run", str(path), fix=fix))
    head = newest(path)[1] if beside(path).exists() else {}
    head = head if "file" in head.get("run", {}) else {}  # one that was saved from Python knows of no file
    folder = Path(head["run"]["file"]).parent if head else Path(provenance.get("folder", "."))
    network = network_of(path, described, head, folder, record)
    precision = str(provenance.get("precision", "float64"))
    return RecordedRun(
        path, network, provenance["seed"], provenance["resolution"], precision, status, simulated, folder, head
    )


def network_of(
    path: Path, described: dict[str, Any], head: dict[str, Any], folder: Path, record: ReadRecord | None = None
) -> Any:
    """The network of a run: as its trace describes it, or from its file where that leaves long arrays out."""
    from neuromorph.graph.files import from_dict, load

    if not _shortened(described):
        return from_dict(described, folder)
    if not head:
        fix = "Run it again from its network file."
        raise InputError(Problem("the trace names long arrays by their hashes alone", str(path), fix=fix))
    about = head["run"]
    network = load(about["file"], about["settings"])
    if record is not None:
        for text in about["records"]:
            network.record(**record(text))
    return network


def _shortened(value: Any) -> bool:
    """Whether an array of a description stands there by its hash alone."""
    if isinstance(value, dict):
        return "sha256" in value or any(map(_shortened, value.values()))
    if isinstance(value, list) and value and not isinstance(value[0], int | float):
        return any(map(_shortened, value))
    return False

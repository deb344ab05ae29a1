"""Where a hook is called from, read from the frames of generated kernels that run as plain Python."""

from __future__ import annotations

from collections.abc import Iterator
from types import FrameType
from typing import Any, NamedTuple

CROSSING, RELEASE = 3, 2  # events of a walk, kernels/exact_cells.py


class Synapse(NamedTuple):
    """The weights of a part, a source's row, a synapse's place, and the instant there (base, offset)."""

    weight: Any
    source: int
    place: int
    base: int
    offset: float


class Cell(NamedTuple):
    """The random stream of a population, the number of a cell of it, and the instant (base, offset)."""

    stream: int
    number: int
    base: int
    offset: float


def synapse(frame: FrameType) -> Synapse:
    """The synapse for which a kernel of kernels/plastic.py calls a hook."""
    seen = frame.f_locals
    kernel = frame.f_code.co_name
    if kernel == "_replay":  # on_post, a delay after the spike
        e = seen["e"]
        at = frame.f_globals["time_seen"](seen["history_base"][e], seen["history_offset"][e], seen["d"], seen["rule_u"])
    elif kernel == "visit":  # on_pre, transmit
        at = seen["tb"], seen["to"]
    else:  # on_signal, rewire
        at = seen["base"], seen["offset"]
    weight = next(f.f_locals["rows_weight"] for f in _outwards(frame) if "rows_weight" in f.f_locals)
    return Synapse(weight, int(seen["i"]), int(seen["j"]), int(at[0]), float(at[1]))


def cell(frame: FrameType) -> Cell | None:
    """The cell whose state a kernel changes by a hook; None where it only looks, ahead of time or for a reading."""
    seen = frame.f_locals
    if frame.f_code.co_name == "walk":
        at = {CROSSING: ("base", "co"), RELEASE: ("ub", "uo")}.get(seen["event"], ("base", "target"))
        return Cell(int(seen["stream"]), int(seen["i"]), int(seen[at[0]]), float(seen[at[1]]))
    where = next((f.f_locals for f in _outwards(frame) if "stream" in f.f_locals and "tick" in f.f_locals), None)
    if where is None:
        return None
    return Cell(int(where["stream"]), int(where["entity"] + seen["i"]), int(where["tick"]), 0.0)


def only_looks(frame: FrameType, arguments: tuple[Any, ...]) -> bool:
    """Whether `advance` is asked what would be: a walk that looks for crossings, or a reading."""
    name = frame.f_code.co_name
    return name.startswith("evaluate") or (name == "walk" and arguments[1] != frame.f_locals["h"])


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    for _ in range(3):
        if frame is not None:
            yield frame
            frame = frame.f_back

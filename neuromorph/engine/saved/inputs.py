"""Saved inputs: where sources, currents and drives are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.engine.exact_drives import ExactDrives
from neuromorph.engine.saved.arrays import Arrays, Saved, damaged, fill, taken, under
from neuromorph.engine.sources import Source

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine


def save(engine: Engine) -> Arrays:
    """Where every input is."""
    out: Arrays = {}
    for name, source in engine.sources.items():
        out |= under(f"sources/{name}", {str(k): source.arrays[k].copy() for k in _changed(source)})
    for current in engine.currents:
        out |= under(f"currents/{current.current.name}", {"value": current.value.copy()})
    if isinstance(engine.drives, ExactDrives):
        arrays = engine.drives.arrays
        return out | under("drives", {name: getattr(arrays, name).copy() for name in (*_DRAWN, "interval")})
    return out | {"drives/since": engine.drives.since()}


#: which event of each driven cell is the next, and when; gaps are drawn again
_DRAWN = ("drawn", "next_base", "next_offset")


def load(engine: Engine, saved: Saved) -> None:
    """Put every input where it was."""
    for name, source in engine.sources.items():
        _put_source(engine, source, saved, f"sources/{name}")
    for current in engine.currents:
        fill(current.value, saved, f"currents/{current.current.name}/value")
        current.seek(engine.now)
    if isinstance(engine.drives, ExactDrives):
        _put_drives(engine, engine.drives, saved)
        return
    since = engine.drives.since()
    fill(since, saved, "drives/since")
    engine.drives.begin_after(since)


def _put_source(engine: Engine, source: Source, saved: Saved, where: str) -> None:
    """Only what kernels change: they follow the rest, which the network has, without looking."""
    model = source.input.model
    for k, array in enumerate(source.arrays):
        if f"{where}/{k}" in saved and (model.changes is None or k in model.changes):
            fill(array, saved, f"{where}/{k}")
    model.seek(source.arrays, source.clock, engine.now)
    if not model.sound(source.arrays, source.clock, engine.now[0]):
        raise damaged("an input is at no place where it can be", where)


def _put_drives(engine: Engine, drives: ExactDrives, saved: Saved) -> None:
    for name in _DRAWN:
        fill(getattr(drives.arrays, name), saved, f"drives/{name}")
    interval = taken(saved, "drives/interval", drives.arrays.interval.shape, "f")
    if not drives.sound(engine.now[0]) or not np.all(interval >= 0.0):
        raise damaged("an input is at no place where it can be", "drives")
    drives.arrays.block[:] = -1
    drives.stretch(interval, engine.now)


def _changed(source: Source) -> list[int]:
    """Which arrays of an input have changed since it was made: the others are made again."""
    made = source.prepared()
    return [k for k, (new, now) in enumerate(zip(made, source.arrays)) if not _same(new, now)]


def _same(a: Any, b: Any) -> bool:
    if a is b or not isinstance(a, np.ndarray):
        return True
    return a.shape == b.shape and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()

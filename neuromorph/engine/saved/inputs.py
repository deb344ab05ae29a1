"""Saved inputs: where sources, currents and drives are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.engine.exact_drives import ExactDrives
from neuromorph.engine.saved.arrays import Arrays, Saved, fill, taken, under
from neuromorph.engine.sources import Source

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine


def save(engine: Engine) -> Arrays:
    """Where every input is."""
    out: Arrays = {}
    for name, source in engine.sources.items():
        out |= under(f"sources/{name}", {str(k): source.arrays[k].copy() for k in _changed(source)})
    for current in engine.currents:
        position = {"value": current.value.copy(), "next": np.int64(current._next)}
        out |= under(f"currents/{current.current.name}", position)
    if isinstance(engine.drives, ExactDrives):
        arrays = engine.drives.arrays
        return out | under("drives", {name: getattr(arrays, name).copy() for name in (*_DRAWN, "interval")})
    return out | {"drives/since": engine.drives.since()}


#: which event of each driven cell is the next, and when; gaps are drawn again
_DRAWN = ("drawn", "next_base", "next_offset")


def load(engine: Engine, saved: Saved) -> None:
    """Put every input where it was."""
    for name, source in engine.sources.items():
        for k, array in enumerate(source.arrays):
            if f"sources/{name}/{k}" in saved:
                fill(array, saved, f"sources/{name}/{k}")
    for current in engine.currents:
        where = f"currents/{current.current.name}"
        fill(current.value, saved, f"{where}/value")
        place = np.zeros((), np.int64)
        fill(place, saved, f"{where}/next")
        current._next = int(place)
    if isinstance(engine.drives, ExactDrives):
        for name in _DRAWN:
            fill(getattr(engine.drives.arrays, name), saved, f"drives/{name}")
        engine.drives.arrays.block[:] = -1
        engine.drives.stretch(taken(saved, "drives/interval", (None,), "f"), engine.now)
        return
    since = engine.drives.since()
    fill(since, saved, "drives/since")
    engine.drives.begin_after(since)


def _changed(source: Source) -> list[int]:
    """Which arrays of an input have changed since it was made: the others are made again."""
    made = source.prepared()
    return [k for k, (new, now) in enumerate(zip(made, source.arrays)) if not _same(new, now)]


def _same(a: Any, b: Any) -> bool:
    if a is b or not isinstance(a, np.ndarray):
        return True
    return a.shape == b.shape and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()

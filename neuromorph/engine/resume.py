"""What a run in minibatches is between two of them, as arrays: to save it, and to go on from there.

Nothing is in flight between two minibatches, and all random numbers are counted by example (kept variables) and by
tick, so that weights, state and clock are all there is: a run that goes on comes to the bytes of one never cut.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.engine.minibatch import BatchWindows
from neuromorph.errors import InputError, Problem

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine


def snapshot(engine: Engine) -> dict[str, Any]:
    """The state of an engine between two minibatches, arrays by name.

    Raises InputError for an engine that runs without them, and in the middle of one.
    """
    windows = _windows(engine)
    if windows.within(engine.now[0]):
        fix = "Let the minibatch end first."
        raise InputError(Problem("in the middle of a minibatch", "checkpoint", engine.time, fix=fix))
    windows.settle()
    saved: dict[str, Any] = {"tick": np.int64(engine.now[0]), "events": np.int64(engine.synaptic_events)}
    saved["end_ms"] = np.array(str(engine._end_ms))
    saved["spikes"] = np.array([engine.spike_counts[name] for name in sorted(engine.spike_counts)])
    for name, cells in engine.cells.items():
        saved[f"state/{name}"] = np.array(list(cells.state))
    for name, parts in engine.plastic.items():
        for k, part in enumerate(parts):
            saved[f"weights/{name}/{k}"] = part.weight.copy()
            saved[f"previous/{name}/{k}"] = part.previous.copy()
    return saved


def restore(engine: Engine, saved: Any) -> None:
    """Put an engine of the same network, which has not run yet, where `snapshot` was taken.

    Raises InputError where the arrays are of another network.
    """
    windows = _windows(engine)
    targets: dict[str, Any] = {f"state/{name}": list(cells.state) for name, cells in engine.cells.items()}
    for name, parts in engine.plastic.items():
        targets |= {f"weights/{name}/{k}": part.weight for k, part in enumerate(parts)}
        targets |= {f"previous/{name}/{k}": part.previous for k, part in enumerate(parts)}
    for name, rows in targets.items():
        found = saved[name].shape if name in saved else None
        if found != np.shape(rows):
            raise InputError(Problem("the checkpoint is of another network", name, found, f"{np.shape(rows)}"))
    for name, rows in targets.items():
        for row, values in zip(rows, saved[name]) if isinstance(rows, list) else [(rows, saved[name])]:
            row[:] = values
    engine.now = (int(saved["tick"]), 0.0)
    engine._end_ms = Fraction(str(saved["end_ms"]))
    engine.synaptic_events = int(saved["events"])
    engine.spike_counts = dict(zip(sorted(engine.spike_counts), saved["spikes"].tolist()))
    windows.begin_at(engine.now[0])


def _windows(engine: Engine) -> BatchWindows:
    if not isinstance(engine.windows, BatchWindows):
        fix = "Learn in minibatches, such as --batch 32."
        raise InputError(Problem("only a run in minibatches can be saved and gone on with", "checkpoint", fix=fix))
    return engine.windows

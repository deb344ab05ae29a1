"""What a run is between two windows, as arrays: to save it, and to go on from there to the bytes of one never cut.

All random numbers are counted, so that clock, cells, synapses and what is in flight are all there is. Arrays are those
of the whole network (engine/saved), whatever number of parts it runs in. Of a run in minibatches nothing is in flight
between two of them.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.engine.agenda import SENT, SIGNAL
from neuromorph.engine.exact_cells import ExactCells
from neuromorph.engine.lazy_cells import LazyCells
from neuromorph.engine.minibatch import BatchWindows
from neuromorph.engine.saved import cells, flight, inputs, plastic
from neuromorph.engine.saved.arrays import Arrays, Saved, damaged, taken
from neuromorph.errors import InputError, Problem

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine


def snapshot(engine: Engine) -> dict[str, Any]:
    """The state of an engine between two windows, arrays by name.

    Raises InputError in the middle of a minibatch.
    """
    if isinstance(engine.windows, BatchWindows):
        return _snapshot_of_minibatches(engine, engine.windows)
    engine._take_spikes()
    out: Arrays = {"base": np.int64(engine.now[0]), "offset": np.float64(engine.now[1])}
    out["events"] = np.int64(engine.synaptic_events)
    out["spikes"] = np.array([engine.spike_counts[name] for name in sorted(engine.spike_counts)], np.int64)
    for name in sorted(engine._weights_set):
        out[f"set/{name}"] = engine.weights(name)
    return out | _agenda(engine) | cells.save(engine) | inputs.save(engine) | plastic.save(engine) | flight.save(engine)


def restore(engine: Engine, saved: Saved) -> None:
    """Put an engine of the same network, which has not run yet, where `snapshot` was taken.

    Raises InputError where the arrays are of another network.
    """
    if isinstance(engine.windows, BatchWindows):
        _restore_minibatches(engine, saved, engine.windows)
        return
    base, offset = taken(saved, "base", (), "i"), taken(saved, "offset", (), "f")
    if not (-1 <= base < 1 << 60 and engine.network.clock.has(offset)):
        raise damaged("no time of a run", "base, offset", (int(base), float(offset)))
    engine.now = int(base), float(offset)
    engine.goes_on = True
    engine._end_ms = Fraction(engine.time)
    engine.synaptic_events = int(taken(saved, "events", ()))
    names = sorted(engine.spike_counts)
    engine.spike_counts = dict(zip(names, taken(saved, "spikes", (len(names),), "i").tolist()))
    for name in (key.removeprefix("set/") for key in saved if key.startswith("set/")):
        engine.set_weights(name, saved[f"set/{name}"])
    for part in (cells, inputs, plastic, flight):
        part.load(engine, saved)
    _put_on_agenda(engine, saved)


def settle(engine: Engine) -> None:
    """Make now the instant of every cell's state, so that other parameters may hold from now on."""
    for population in engine.cells.values():
        if isinstance(population, ExactCells | LazyCells):
            population.settle(*engine.now)


def _agenda(engine: Engine) -> Arrays:
    """Spikes of populations that are on their way as signals; all else that is due follows from the network."""
    names = [s.name for s in engine.network.signals]
    sent = engine.agenda.sent()
    return {
        "agenda/base": np.array([at[0] for at, _, _ in sent], np.int64),
        "agenda/offset": np.array([at[1] for at, _, _ in sent], float),
        "agenda/signal": np.array([names.index(name) for _, name, _ in sent], np.int64),
        "agenda/value": np.array([value for _, _, value in sent], float),
    }


def _put_on_agenda(engine: Engine, saved: Saved) -> None:
    names = [s.name for s in engine.network.signals]
    columns = [taken(saved, f"agenda/{name}", (None,)).tolist() for name in ("base", "offset", "signal", "value")]
    for base, offset, number, value in zip(*columns):
        if not 0 <= number < len(names):
            raise InputError(Problem("the checkpoint is of another network", "agenda/signal", number))
        engine.agenda.push((int(base), float(offset)), SIGNAL, names[int(number)], SENT, value, engine._deliver_signal)


def _snapshot_of_minibatches(engine: Engine, windows: BatchWindows) -> dict[str, Any]:
    if windows.within(engine.now[0]):
        fix = "Let the minibatch end first."
        raise InputError(Problem("in the middle of a minibatch", "checkpoint", engine.time, fix=fix))
    windows.settle()
    saved: dict[str, Any] = {"tick": np.int64(engine.now[0]), "events": np.int64(engine.synaptic_events)}
    saved["end_ms"] = np.array(str(engine._end_ms))
    saved["spikes"] = np.array([engine.spike_counts[name] for name in sorted(engine.spike_counts)])
    for name, population in engine.cells.items():
        saved[f"state/{name}"] = np.array(list(population.state))
    for name, parts in engine.plastic.items():
        for k, part in enumerate(parts):
            saved[f"weights/{name}/{k}"] = part.weight.copy()
            saved[f"previous/{name}/{k}"] = part.previous.copy()
    return saved


def _restore_minibatches(engine: Engine, saved: Any, windows: BatchWindows) -> None:
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
    engine._end_ms = _fraction(str(saved["end_ms"]))
    engine.synaptic_events = int(saved["events"])
    engine.spike_counts = dict(zip(sorted(engine.spike_counts), saved["spikes"].tolist()))
    engine.goes_on = True
    windows.begin_at(engine.now[0])


def _fraction(text: str) -> Fraction:
    """A quotient of whole numbers; what else `Fraction` reads, such as 1e999999999, may take it for ever."""
    if re.fullmatch(r"\d{1,400}(/\d{1,400})?", text) is None or text.endswith("/0"):
        raise InputError(Problem("the checkpoint is of another network", "end_ms", text[:40], "a quotient"))
    return Fraction(text)

"""What else two traces have recorded, side by side: states, weights, signals, learning curves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace


def differences(
    one: Trace, other: Trace, start_ms: float | None = None, stop_ms: float | None = None
) -> list[dict[str, str]]:
    """Return `what` and `difference` of everything but spikes that is not the same in both traces, to the last bit."""
    span = (start_ms, stop_ms)
    found = [
        *_each("state", one.states, other.states, lambda name: _states(one, other, name, span)),
        *_each("weights", one.projections, other.projections, lambda name: _weights(one, other, name, span)),
    ]
    signal, signals = (_within(trace.signals, span) for trace in (one, other))
    found += _each("signal", signal, signals, lambda name: _arrays(signal[name], signals[name]))
    curve, curves = one.learning, other.learning
    found += _each("learning curve", curve, curves, lambda name: _arrays([curve[name]], [curves[name]]))
    return [{"what": what, "difference": difference} for what, difference in found if difference]


def _each(
    kind: str, mine: Iterable[Any], others: Iterable[Any], look: Callable[[Any], str]
) -> Iterator[tuple[str, str]]:
    """(what, difference or "") of each name that either has."""
    mine, others = set(mine), set(others)
    for name in sorted(mine | others):
        shown = f"{kind} {'.'.join(name) if isinstance(name, tuple) else name}"
        if name in mine and name in others:
            yield shown, look(name)
        else:
            yield shown, f"only in the {'first' if name in mine else 'second'}"


def _states(one: Trace, other: Trace, name: tuple[str, str], span: tuple[float | None, float | None]) -> str:
    from neuromorph.traces.stream import state_rows

    none = [trace.state(*name, stop_ms=-np.inf) for trace in (one, other)]
    if none[0].unit != none[1].unit or not np.array_equal(none[0].indices, none[1].indices):
        return "other cells, or another unit"
    return _rows(state_rows(one, *name, *span), state_rows(other, *name, *span))


def _weights(one: Trace, other: Trace, name: str, span: tuple[float | None, float | None]) -> str:
    from neuromorph.traces.stream import weight_rows

    none = [trace.weights(name, stop_ms=-np.inf) for trace in (one, other)]
    same = [np.array_equal(getattr(none[0], end), getattr(none[1], end)) for end in ("source", "target")]
    if none[0].unit != none[1].unit or not all(same):
        return "other synapses, or another unit"
    return _rows(weight_rows(one, name, *span), weight_rows(other, name, *span))


def _rows(mine: Iterator[Any], others: Iterator[Any]) -> str:
    """Where blocks of rows differ first; both are cut at the same rows."""
    while True:
        a, b = next(mine, None), next(others, None)
        if a is None or b is None:
            return "" if a is b else f"{'more' if b is None else 'fewer'} rows in the first"
        many = min(len(a.times), len(b.times))
        unequal = _unequal(a.times[:many], b.times[:many]) | _unequal(a.values[:many], b.values[:many])
        if unequal.any():
            k = int(unequal.argmax())
            if a.times[k] != b.times[k]:
                return f"from {a.times[k]:.15g} ms in the first, {b.times[k]:.15g} ms in the second"
            where = int((a.values[k] != b.values[k]).argmax())
            values = f"{_value(a.values[k, where])} beside {_value(b.values[k, where])}"
            return f"from {a.times[k]:.15g} ms on, first in column {where}: {values}"
        if len(a.times) != len(b.times):
            return f"{'more' if len(a.times) > len(b.times) else 'fewer'} rows in the first"


def _unequal(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    """Which rows differ; nan is the same as nan."""
    apart = (a != b) & ~(np.isnan(a) & np.isnan(b))
    return np.asarray(apart.any(axis=tuple(range(1, apart.ndim))))


def _within(signals: dict[str, Any], span: tuple[float | None, float | None]) -> dict[str, list[NDArray[Any]]]:
    start, stop = (-np.inf if span[0] is None else span[0]), (np.inf if span[1] is None else span[1])
    return {
        name: [times[(times >= start) & (times < stop)], values[(times >= start) & (times < stop)]]
        for name, (times, values) in signals.items()
    }


def _arrays(mine: Iterable[NDArray[Any]], others: Iterable[NDArray[Any]]) -> str:
    """Where two sets of columns of the same name differ first."""
    for a, b in zip(mine, others):
        many = min(len(a), len(b))
        if a.shape[1:] != b.shape[1:]:
            return f"shape {a.shape} beside {b.shape}"
        unequal = _unequal(a[:many], b[:many])
        if unequal.any():
            k = int(unequal.argmax())
            return f"from point {k} on: {_value(a[k])} beside {_value(b[k])}"
        if len(a) != len(b):
            return f"{len(a)} points beside {len(b)}"
    return ""


def _value(value: Any) -> str:
    """To the last bit."""
    return str(value) if np.ndim(value) == 0 else np.array2string(value, threshold=6)

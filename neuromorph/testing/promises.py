"""Promises of a neuron model that the engine relies on without looking: checked here hook by hook."""

from __future__ import annotations

import functools
from collections import namedtuple
from typing import Any

import numpy as np

from neuromorph.testing.report import Failed, NotApplicable

STEPS = (0.03125, 0.7, 5.0)  # ms
R = namedtuple("R", ["seed", "stream", "entity"])


@functools.cache
def _kind(names: tuple[str, ...]) -> Any:
    # one class for each set of names, since every class is a type of its own to the compiler
    return namedtuple("_kind", names)  # type: ignore[misc]


def _tuple(values: dict[str, Any]) -> Any:
    """Values by name as hooks take them, which may hand them on to compiled functions."""
    return _kind(tuple(values) or ("none",))(*(values.values() or (0.0,)))


def kept(model: Any, simulations: list[Any]) -> str:
    """Names of the promises that were checked; raises Failed at the first that is not kept."""
    cells = [cell for simulation in simulations for cell in _cells(model, simulation)]
    found = []
    if any(receptor.into for receptor in model.receptors):
        _into(model, cells)
        found.append("into")
    if model.decay_names and hasattr(model, "advance_by"):
        _decays(model, cells)
        found.append("decays")
    if hasattr(model, "quiet"):
        _quiet(model, cells)
        found.append("quiet")
    if model.rests:
        _rests(model, cells)
        found.append("rests")
    if not found:
        raise NotApplicable("it promises nothing")
    return ", ".join(found)


def _cells(model: Any, simulation: Any) -> list[tuple[Any, Any]]:
    """(state, parameters) of the cells of a finished run, and of the same cells nearer to threshold."""
    names = list(model.variables())
    values = {name: simulation.state("alike", name) for name in names}
    p = _tuple({name: param.default for name, param in model.parameters().items()})
    found = []
    for k in range(len(values[names[0]])):
        state = {name: float(values[name][k]) for name in names}
        found.append((_tuple(state), p))
        if "V_m" in state and hasattr(p, "V_th"):
            found += [(_tuple(state | {"V_m": p.V_th - gap}), p) for gap in (1e-6, 0.5, 5.0)]
    return found


def _into(model: Any, cells: list[tuple[Any, Any]]) -> None:
    names = list(model.variables())
    nothing = {receptor.name: 0.0 for receptor in model.receptors}
    for receptor in (r for r in model.receptors if r.into):
        for s, p in cells:
            arrival = _tuple(nothing | {receptor.name: 0.25})
            after = dict(zip(names, _as_tuple(model.receive(s, arrival, p, False, R(1, 1, 0)))))
            wanted = s._asdict() | {receptor.into: getattr(s, receptor.into) + 0.25}
            wrong = [name for name in names if after[name] != wanted[name]]
            if wrong:
                raise Failed(
                    f"receptor '{receptor.name}' says into='{receptor.into}', and `receive` changes {wrong[0]}"
                )


def _decays(model: Any, cells: list[tuple[Any, Any]]) -> None:
    for s, p in cells:
        for h in STEPS:
            for clamped in (False, True):
                one = _as_tuple(model.advance(s, h, p, clamped))
                other = _as_tuple(model.advance_by(s, h, model.decays(h, p), p, clamped))
                if one != other:
                    raise Failed(f"`advance_by` is not `advance` to the bit: {other} beside {one} for h = {h:g} ms")


def _quiet(model: Any, cells: list[tuple[Any, Any]]) -> None:
    for s, p in cells:
        if model.fires(s, p):
            continue
        quiet, crossing = model.quiet(s, p), model.crossing(s, 1e4, p)
        if quiet > crossing:
            raise Failed(
                f"`quiet` promises {quiet:g} ms without a crossing, and `crossing` finds one after {crossing:g}"
            )


def _rests(model: Any, cells: list[tuple[Any, Any]]) -> None:
    c = _tuple(dict.fromkeys(model.coefficient_names, 1.0))
    nothing = _tuple({receptor.name: 0.0 for receptor in model.receptors})
    names = list(model.variables())
    for s, p in cells:
        after = dict(zip(names, _as_tuple(model.propagate(s, c, p, False))))
        after = dict(zip(names, _as_tuple(model.receive(_tuple(after), nothing, p, False, R(1, 1, 0)))))
        wrong = [name for name in names if after[name] != getattr(s, name) and name != "emit"]
        if wrong:
            raise Failed(f"it says that it rests, and {wrong[0]} changes without arrivals")


def _as_tuple(values: Any) -> tuple[float, ...]:
    return tuple(np.atleast_1d(np.asarray(values, float)).tolist())

"""A debug run: hooks as plain Python, and a stop at the first value that is not finite, with all that led to it."""

from __future__ import annotations

import bdb
import linecache
import math
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.contract_checks import uses
from neuromorph.errors import Problem, RunError
from neuromorph.kernels import frames, rng
from neuromorph.kernels.watch import watching
from neuromorph.learning.contract import HOOKS, LearningRule
from neuromorph.registration import registered_name

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine

RULE_HOOKS = set(HOOKS)
#: hooks of models that return a state; of the others what they return is not looked at
STATE_HOOKS = {"propagate", "advance", "advance_state", "advance_by", "receive", "reset"}
MODEL_HOOKS = STATE_HOOKS | {"fires", "crossing", "quiet", "decays"}


class HookError(RunError):
    """In a debug run a hook raised, returned what it may not, or made a value that is not finite; `call` says which."""

    def __init__(self, call: HookCall, *problems: Problem) -> None:
        super().__init__(*problems)
        self.call = call


@dataclass(frozen=True)
class HookCall:
    """One call of a hook.

    hook, owner : its name, and whose it is (`rule pair_stdp`)
    place : the synapse (`projection[ordinal]`) or the cell (`population[index]`), `detail` more about it
    time : ms, at the synapse or cell
    where : file and line of the hook, or where it raised
    seen : what the hook was given, as {"pre.x": 0.5}
    before, after : {"weight": ...} and states of the synapse, or the variables of the cell; `after` clipped and rounded
        as it is stored, empty where the hook came to nothing
    delivered : what arrives at the target by `transmit`, in the unit of the weight
    """

    hook: str
    owner: str
    place: str
    detail: str
    time: float
    where: tuple[str, int]
    seen: dict[str, float]
    before: dict[str, float]
    after: dict[str, float] = field(default_factory=dict)
    delivered: float | None = None


class Watch:
    """Wraps the hooks of the kernels of a simulation; `listeners` are told of every call of a rule's hook."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.listeners: list[Callable[[HookCall], None]] = []
        self._kept: BaseException | None = None
        self._found: list[HookError] | None = None  # what goes wrong while `_earliest` looks
        self._stopped: tuple[Any, frames.Synapse] | None = None

    @property
    def failed(self) -> bool:
        """Whether a hook that compiled code called has failed."""
        return self._kept is not None

    def keep(self, error: BaseException) -> None:
        """Take an error that compiled code cannot pass on; it is raised after the window."""
        self._kept = self._kept or error

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Kernels made in the block are watched; what hooks raised there comes out at its end."""
        try:
            with watching(self), np.errstate(all="ignore"):
                yield
            self.after_window(self.engine)
        except bdb.BdbQuit:
            raise RunError("the debugger was left") from None

    def after_window(self, engine: Engine) -> None:
        """Raise what was kept."""
        if self._kept is not None:
            error, self._kept = self._kept, None
            raise error

    def bring_up_to(self, now: tuple[int, float]) -> None:
        """Call on_post of every synapse for all that has reached it by an instant."""
        for parts in self.engine.plastic.values():
            for part in parts:
                part.sweep(now)

    def wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The hook with a check of what it does; functions that are no hooks come back as they are."""
        hook = re.sub(r"_\d+$", "", name)
        if hook in RULE_HOOKS:
            return lambda *given: self._rule(hook, function, given, sys._getframe(1))
        if hook in MODEL_HOOKS:
            return lambda *given: self._model(hook, function, given, sys._getframe(1))
        return function

    def _rule(self, hook: str, function: Callable[..., Any], given: tuple[Any, ...], frame: FrameType) -> Any:
        arguments = tuple(_as_floats(a) for a in given)
        if self._found is not None and self._is_behind(frame):
            return _unchanged(hook, function, arguments, self._part(frame)[0])
        try:
            return self._checked(hook, function, arguments, frame)
        except HookError as error:
            if self._found is None:
                raise self._earliest(error, frame) from error.__cause__
            self._found.append(error)
            return _unchanged(hook, function, arguments, self._part(frame)[0])

    def _earliest(self, error: HookError, frame: FrameType) -> HookError:
        """The first error of all synapses, brought up to where one stops: on_post is called when a row is visited."""
        at = frames.synapse(frame)
        self._found, self._stopped = [error], (self._part(frame)[0], at)
        self.bring_up_to((at.base, at.offset))
        first = min(self._found, key=lambda e: e.call.time)
        self._found = self._stopped = None
        return first

    def _is_behind(self, frame: FrameType) -> bool:
        """Whether a synapse was up to date already where another one of its row stopped."""
        assert self._stopped is not None
        (part, stop), at = self._stopped, frames.synapse(frame)
        return part is self._part(frame)[0] and at.source == stop.source and at.place <= stop.place

    def _checked(self, hook: str, function: Callable[..., Any], arguments: tuple[Any, ...], frame: FrameType) -> Any:
        part, projection = self._part(frame)
        states = list(part.plasticity.rule.states()) if hook != "transmit" else []

        def call() -> HookCall:
            return self._synapse_call(hook, function, arguments, frame, part, projection)

        result = _called(function, arguments, call)
        if hook == "rewire":  # says yes or no
            return result
        values = _numbers(result, ["weight" if hook != "transmit" else "what arrives", *states], call)
        bounds = (part.plasticity.w_min, part.plasticity.w_max) if hook != "transmit" else (-math.inf, math.inf)
        stored = [_stored(values[0], *bounds), *values[1:]]
        finite = all(map(math.isfinite, stored))
        if not finite or self.listeners:
            seen = call()
            after = dict(zip(["weight", *states], stored)) if hook != "transmit" else dict(seen.before)
            done = replace(seen, after=after, delivered=None if hook != "transmit" else stored[0])
            _check_finite(done)
            for listener in self.listeners:
                listener(done)
        return result

    def _model(self, hook: str, function: Callable[..., Any], given: tuple[Any, ...], frame: FrameType) -> Any:
        def call() -> HookCall:
            return self._cell_call(hook, function, given, frame)

        with np.errstate(all="ignore"):
            result = _called(function, given, call)
        if hook not in STATE_HOOKS:
            return result
        variables = given[0]._fields
        values = _numbers(result, list(variables), call, tuples=True)
        if not all(map(math.isfinite, values)) and not (hook.startswith("adv") and frames.only_looks(frame, given)):
            _check_finite(replace(call(), after=dict(zip(variables, values))))
        return result

    def _part(self, frame: FrameType) -> tuple[Any, Any]:
        """The plastic part whose kernel a frame runs, and its projection; each part has a module of its own."""
        known = frame.f_globals.get("__part__")
        if known is None:
            weight = frames.synapse(frame).weight
            found = {p.name: p for p in self.engine.network.projections}
            known = next(
                (part, found[name]) for name, parts in self.engine.plastic.items() for part in parts
                if part.weight is weight
            )  # fmt: skip
            frame.f_globals["__part__"] = known
        return known

    def _synapse_call(
        self, hook: str, function: Callable[..., Any], arguments: tuple[Any, ...], frame: FrameType, part: Any, p: Any
    ) -> HookCall:
        at = frames.synapse(frame)
        rows, clock = part.rows, self.engine.clock
        delay = float(rows.delay[0] if rows.delay.size == 1 else rows.delay[at.place])
        delay *= 1.0 if clock.exact else clock.unit
        ordinal = int(rows.origin[at.place])
        detail = f"from {p.source}[{at.source}] to {p.target}[{int(rows.target[at.place])}], delay {delay:g} ms"
        seen = _seen(function, arguments)
        unread = _unread(part.plasticity.rule, hook, function)
        seen = {name: value for name, value in seen.items() if name not in unread}
        before = {"weight": arguments[0]}
        before |= {name: seen[f"syn.{name}"] for name in part.plasticity.rule.states() if f"syn.{name}" in seen}
        owner = f"rule {registered_name(part.plasticity.rule)}"
        time = clock.milliseconds(at.base, at.offset)
        return HookCall(hook, owner, f"{p.name}[{ordinal}]", detail, time, _definition(function), seen, before)

    def _cell_call(self, hook: str, function: Callable[..., Any], given: tuple[Any, ...], frame: FrameType) -> HookCall:
        cell, place, time = frames.cell(frame), "a cell", self.engine.time
        owner = "model"
        if cell is not None:
            found = {rng.stream(f"{p.name}/cell"): p for p in self.engine.network.neurons}[cell.stream]
            place, owner = f"{found.name}[{cell.number}]", f"model {registered_name(found.model)}"
            time = self.engine.clock.milliseconds(cell.base, cell.offset)
        arguments = tuple(_as_floats(a) for a in given)
        before = dict(zip(given[0]._fields, arguments[0])) if hasattr(given[0], "_fields") else {}
        hook = "advance" if hook == "advance_state" else hook
        return HookCall(hook, owner, place, "", time, _definition(function), _seen(function, arguments), before)


def _called(function: Callable[..., Any], arguments: tuple[Any, ...], call: Callable[[], HookCall]) -> Any:
    try:
        return function(*arguments)
    except bdb.BdbQuit:
        raise
    except Exception as error:
        raised = replace(call(), where=_where(error, function))
        raise _error(raised, f"raised {type(error).__name__}: {error}") from error


def _numbers(result: Any, names: list[str], call: Callable[[], HookCall], tuples: bool = False) -> list[float]:
    """What a hook returned, as floats; HookError where that is not a number for each of the names."""
    values = result if isinstance(result, tuple) else (result,)
    tuples = tuples or len(names) > 1
    if isinstance(result, tuple) == tuples and len(values) == len(names):
        try:
            return [float(v) for v in values]
        except (TypeError, ValueError):
            pass
    expected = f"({', '.join(names)}{',' if len(names) == 1 else ''})" if tuples else "one number"
    raise _error(call(), f"returned {result!r}, expected {expected}")


def _unchanged(hook: str, function: Callable[..., Any], arguments: tuple[Any, ...], part: Any) -> Any:
    """What a hook returns that changes nothing."""
    states = part.plasticity.rule.states()
    if hook == "rewire":
        return False
    if not states or hook == "transmit":
        return arguments[0]
    seen = _seen(function, arguments)
    return arguments[0], *(seen[f"syn.{name}"] for name in states)


def _check_finite(call: HookCall) -> None:
    """HookError where a value is not finite that was so before."""
    made = call.after if call.delivered is None else {"what arrives": call.delivered}
    for name, value in made.items():
        if not math.isfinite(value) and math.isfinite(call.before.get(name, 0.0)):
            raise _error(call, f"turned {name} into {value:g}")


def _error(call: HookCall, did: str) -> HookError:
    """The error: what a hook did, where, and all that it saw, a line each."""
    file, line = call.where
    text = linecache.getline(file, line).strip()
    facts = [
        f"{file}, line {line}{': ' if text else ''}{text}",
        *([call.detail] if call.detail else []),
        "before: " + _listed(call.before),
        *(["after: " + _listed(call.after)] if call.after else []),
        "it saw " + _listed({name: value for name, value in call.seen.items() if name != "w"}),
    ]
    what = Problem(f"{call.hook} of {call.owner} {did}, at {call.time:.12g} ms", call.place)
    return HookError(call, what, *map(Problem, facts))


def _listed(values: dict[str, float]) -> str:
    return ", ".join(f"{name} = {value:.9g}" for name, value in values.items())


def _stored(weight: float, low: float, high: float) -> float:
    """A weight as it is stored: clipped to the bounds, as float32."""
    with np.errstate(all="ignore"):
        return float(np.float32(min(max(weight, low), high)))


def _as_floats(argument: Any) -> Any:
    """Python's floats, which refuse to divide by zero, for numpy's, which do not."""
    if hasattr(argument, "_fields"):
        return type(argument)(*map(float, argument))
    return float(argument)


def _seen(function: Callable[..., Any], arguments: tuple[Any, ...]) -> dict[str, float]:
    seen: dict[str, float] = {}
    for name, value in zip(function.__code__.co_varnames, arguments):
        if hasattr(value, "_fields"):
            seen |= {f"{name}.{f}": v for f, v in zip(value._fields, value) if f != "none"}
        elif isinstance(value, float):
            seen[name] = value
    return seen


@lru_cache(maxsize=64)
def _unread(rule: type[LearningRule], hook: str, function: Any) -> set[str]:
    """Variables and counts of the two cells that a hook does not read: some hooks get zeros for those."""
    known = {f"{side}.{name}" for side in ("pre", "post") for name in [*rule.variables(side), "count"]}
    own = {"on_pre": "pre.count", "on_post": "post.count"}
    return known - {f"{use.argument}.{use.attribute}" for use in uses(function)} - {own.get(hook, "")}


def _definition(function: Callable[..., Any]) -> tuple[str, int]:
    return function.__code__.co_filename, function.__code__.co_firstlineno


def _where(error: Exception, function: Callable[..., Any]) -> tuple[str, int]:
    """File and line of the innermost place in the hook's file that an error passed."""
    every = traceback.extract_tb(error.__traceback__)
    own = [f for f in every if f.filename == function.__code__.co_filename]
    return (own[-1].filename, own[-1].lineno or 0) if own else _definition(function)

"""What a learning rule does to one synapse, event by event: the engine's weights, and what each hook saw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neuromorph.errors import InputError, Problem, RunError, suggestion
from neuromorph.graph.network import Network
from neuromorph.learning.contract import LearningRule
from neuromorph.learning.registry import registry as rules
from neuromorph.models.registry import registry as models
from neuromorph.registration import registered_name
from neuromorph.simulate import Simulation
from neuromorph.testing.scripted_cells import scripted_cell

#: which hook an event calls; at equal instants in this order
HOOKS = {"post": "on_post", "pre": "on_pre", "signal": "on_signal"}
#: in exact mode times are multiples of this (ms), so that their sums are exact and what is meant as a tie is one
FINE = 2.0**-30
#: relative difference of compiled and uncompiled weights that rounding explains
CLOSE = 1e-5


@dataclass(frozen=True)
class Row:
    """One event at the synapse.

    time : ms, at the synapse: a postsynaptic spike comes there a delay after it
    event : "pre", "post" or "signal"; `hook` the one that was called, "" where the rule has none for it
    count : spikes of the instant, or the value of the signal
    seen : traces, variables and states that the hook saw (`pre.x`, `syn.e`), and `states` what it made of the states
    before, after : weight, as it is stored; `arrives` what a presynaptic spike delivers by `transmit`
    """

    time: float
    event: str
    hook: str
    count: float
    before: float
    after: float
    seen: dict[str, float] = field(default_factory=dict)
    states: dict[str, float] = field(default_factory=dict)
    arrives: float | None = None

    @property
    def change(self) -> float:
        """What the event added to the weight."""
        return self.after - self.before


@dataclass(frozen=True)
class RuleTrace:
    """What `trace_rule` found: the rows in order, and what they hold for."""

    rule: str
    parameters: dict[str, float]
    resolution: str | float
    delay: float
    bounds: tuple[float, float]
    weight: float
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class _Script:
    """What happens: spikes, (time, value) of signals and the delay in whole numbers of `unit` (ms)."""

    rule: type[LearningRule]
    unit: float
    pre: tuple[int, ...]
    post: tuple[int, ...]
    signals: tuple[tuple[int, float], ...]
    delay: int
    weight: float
    variables: dict[str, dict[str, float]]
    plasticity: dict[str, Any]

    @property
    def exact(self) -> bool:
        """Whether times are continuous, up to `FINE`."""
        return self.unit == FINE

    def instants(self) -> list[tuple[int, list[tuple[str, float]]]]:
        """(time at the synapse, events with their count or value, in the order of the engine), in order."""
        found: dict[int, dict[str, list[float]]] = {}
        for side, times in (("post", [t + self.delay for t in self.post]), ("pre", list(self.pre))):
            for t in times:
                count = found.setdefault(t, {}).setdefault(side, [0.0])
                count[0] += 1.0
        for t, value in self.signals:
            found.setdefault(t, {}).setdefault("signal", []).append(value)
        return [(t, [(kind, x) for kind in HOOKS for x in found[t].get(kind, ())]) for t in sorted(found)]


def trace_rule(
    rule: str | type[LearningRule],
    pre: Sequence[float] = (),
    post: Sequence[float] = (),
    signals: Sequence[tuple[float, float]] = (),
    *,
    weight: float = 0.5,
    delay: float = 1.0,
    resolution: str | float = "exact",
    params: Mapping[str, Any] | None = None,
    w_min: float | None = None,
    w_max: float | None = None,
    variables: Mapping[str, float] | None = None,
) -> RuleTrace:
    """Run one synapse through given spikes and signals, compiled and uncompiled, and return what each event did.

    Parameters
    ----------
    rule : name of a registered rule, or its class
    pre, post : spike times of the two cells (ms, above 0) in any order; equal ones are one event with a count
    signals : (time in ms, value) of events of a signal, as they arrive at the synapse
    weight, w_min, w_max : of the synapse; without a bound that zero is one on the side of `weight`, as in a network
    delay : of the synapse (ms, above 0): dendritic, so that a postsynaptic spike is seen a delay later
    resolution : "exact", or the tick in ms, of which all times must then be multiples
    params : parameters of the rule that are not its defaults
    variables : values of the model variables that it reads (`{"post.V_m": -55.0}`), held throughout

    Returns
    -------
    RuleTrace: weights from compiled kernels; traces and states from the same hooks run uncompiled, whose weights agree.

    Raises
    ------
    InputError for what cannot be run; HookError where a hook fails; RunError where the two ways disagree.
    """
    cls = rule if isinstance(rule, type) else rules.get(rule)
    grid = None if resolution == "exact" else float(resolution)
    held = _variables(cls, variables or {})
    _check(cls, grid, held, {"pre": pre, "post": post, "signals": [t for t, _ in signals], "delay": [delay]})
    unit = grid or FINE
    given = {"params": dict(params or {}), "w_min": w_min, "w_max": w_max}

    def counted(times: Sequence[float]) -> tuple[int, ...]:
        return tuple(round(t / unit) for t in times)

    script = _Script(
        cls, unit, counted(pre), counted(post), tuple((round(t / unit), value) for t, value in signals),
        max(1, round(delay / unit)), weight, held, {k: v for k, v in given.items() if v is not None},
    )  # fmt: skip
    name = registered_name(cls)
    cell = scripted_cell(sorted({n for values in held.values() for n in values}))
    with rules.override({name: cls}), models.override({"scripted_cell": cell}):
        uncompiled, calls, bounds, values = _run(script, name, debug=True)
        compiled, *_ = _run(script, name, debug=False)
    rows = _agreed(_rows(script, calls), compiled, uncompiled)
    return RuleTrace(name, values, resolution, delay, bounds, float(np.float32(weight)), tuple(rows))


def _variables(cls: type[LearningRule], given: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Values of the model variables that a rule reads, by side and the variable's name in the model."""
    read = {f"{side}.{name}": (side, v.name) for side in ("pre", "post") for name, v in cls.variables(side).items()}
    problems = [
        Problem(f"{registered_name(cls)} reads no variable '{name}'", "variables", fix=suggestion(name, read))
        for name in given
        if name not in read
    ]
    problems += [
        Problem(
            f"{registered_name(cls)} reads {name} of its cells' model, and here are no membranes", "variables",
            fix=f"Say what it shall be: --variable {name}=NUMBER; or run a network with --debug.",
        )
        for name in read
        if name not in given
    ]  # fmt: skip
    if problems:
        raise InputError(*problems)
    held: dict[str, dict[str, float]] = {"pre": {}, "post": {}}
    for name, (side, variable) in read.items():
        held[side][variable] = float(given[name])
    return held


def _check(
    cls: type[LearningRule], grid: float | None, held: dict[str, Any], given: Mapping[str, Sequence[float]]
) -> None:
    """InputError for times, a delay or signals that cannot be run."""
    problems = []
    told = grid or 0.0  # a cell is told of its spike a tick before
    first = {"pre": told if held["pre"] else 0.0, "post": told}
    for name, times in given.items():
        low = first.get(name, 0.0)
        for t in times:
            if not low < t < math.inf:
                problems.append(Problem("time out of range", name, t, f"above {low:g} ms"))
            elif grid is not None and abs(t / grid - round(t / grid)) > 1e-6:
                problems.append(Problem("time is not on the grid", name, t, f"multiples of {grid:g} ms, or exact"))
    if not any(len(times) for name, times in given.items() if name != "delay"):
        problems.append(Problem("nothing happens", fix="Give times of spikes: --pre 10,30 --post 12,40."))
    if given["signals"] and "on_signal" not in cls.hooks():
        problems.append(Problem(f"{registered_name(cls)} hears no signal (it has no on_signal)", "signals"))
    if problems:
        raise InputError(*problems)


def _network(script: _Script, rule: str) -> Network:
    """One synapse, `traced`, from cell `pre` to cell `post`, each driven by an input that tells it when to fire."""
    network = Network("trace_rule")
    ahead = _ahead(script)
    for side, spikes in (("pre", script.pre), ("post", script.post)):
        times = [t * script.unit for t in spikes]
        if side == "pre" and not script.variables["pre"]:
            network.add_input("pre", "spike_train", 1, {"times": times})
            continue
        network.add_population(side, "scripted_cell", 1, initial=script.variables[side])
        network.add_input(f"{side}_times", "spike_train", 1, {"times": [t - ahead for t in times]})
        network.connect(f"{side}_times", side, weight=1.0, delay=ahead, receptor="trigger")
    hears = "on_signal" in script.rule.hooks()
    if hears:
        network.add_signal("signal", times=[])
    plasticity = {"rule": rule, **script.plasticity} | ({"signals": ["signal"]} if hears else {})
    if "rewire" in script.rule.hooks():
        plasticity["rewire_every"] = 1e9  # there is one source, and nowhere to go
    delay = script.delay * script.unit
    network.connect(
        "pre", "post", weight=script.weight, delay=delay, receptor="traced", name="traced", plasticity=plasticity
    )
    return network


def _ahead(script: _Script) -> float:
    """How long (ms) before its spike a cell is told of it: a tick, or a power of two."""
    if not script.exact:
        return script.unit
    told = [script.delay, 1.0 / FINE, *(t / 2 for t in script.post)]
    told += [t / 2 for t in script.pre] if script.variables["pre"] else []
    return float(2.0 ** math.floor(math.log2(min(told)))) * FINE


def _run(
    script: _Script, rule: str, debug: bool
) -> tuple[list[float], list[Any], tuple[float, float], dict[str, float]]:
    """The weight after each instant, the calls of hooks, the bounds and the parameters."""
    simulation = Simulation(_network(script, rule), "exact" if script.exact else script.unit, seed=1, debug=debug)
    calls: list[Any] = []
    if simulation.watch is not None:
        simulation.watch.listeners.append(calls.append)
    weights = []
    instants = script.instants()
    # the weight is read between two instants where there is room, which there is not between two ticks
    later = [*(t for t, _ in instants[1:]), instants[-1][0] + round(1.0 / FINE)]
    for (time, events), following in zip(instants, later):
        for event, value in events:
            if event == "signal":
                simulation.run(max(time * script.unit - simulation.time, 0.0))
                simulation.signal("signal", value)
        until = (time + following) / 2 if script.exact else time
        simulation.run(max(until * script.unit - simulation.time, 0.0))
        weights.append(float(simulation.weights("traced")[0]))
    plasticity = next(p.plasticity for p in simulation.network.projections if p.name == "traced")
    assert plasticity is not None
    values = dict(zip(script.rule.parameters(), map(float, plasticity.parameters)))
    return weights, calls, (plasticity.w_min, plasticity.w_max), values


def _rows(script: _Script, calls: Sequence[Any]) -> list[list[Row]]:
    """The rows of each instant, from the calls of hooks in order."""
    waiting = list(calls)
    rows, weight = [], float(np.float32(script.weight))
    for time, events in script.instants():
        mine = []
        for event, count in events:
            row = Row(round(time * script.unit, 8), event, "", count, weight, weight)
            if waiting and waiting[0].hook == HOOKS[event]:
                row = _row(row, waiting.pop(0))
            if event == "pre" and waiting and waiting[0].hook == "transmit":
                row = replace(row, arrives=waiting.pop(0).delivered)
            weight = row.after
            mine.append(row)
        rows.append(mine)
    if waiting:
        call = waiting[0]
        raise RunError(Problem(f"{call.hook} was called at {call.time:.12g} ms, where nothing happens", call.place))
    return rows


def _row(row: Row, call: Any) -> Row:
    seen = {k: v for k, v in call.seen.items() if k.startswith(("pre.", "post.", "syn.")) and not k.endswith(".count")}
    states = {f"syn.{k}": v for k, v in call.after.items() if k != "weight"}
    if abs(call.time - row.time) > 1e-7:
        raise RunError(Problem(f"{call.hook} was called at {call.time:.12g} ms, not at {row.time:.12g} ms", call.place))
    return replace(
        row, hook=call.hook, before=call.before["weight"], after=call.after["weight"], seen=seen, states=states
    )


def _agreed(rows: list[list[Row]], compiled: list[float], uncompiled: list[float]) -> list[Row]:
    """The rows with the weights of compiled kernels after each instant; RunError where the two ways disagree."""
    out: list[Row] = []
    for instant, weight, other in zip(rows, compiled, uncompiled):
        last = instant[-1]
        for found in (last.after, other):
            if not math.isclose(weight, found, rel_tol=CLOSE, abs_tol=1e-12):
                what = f"the weight after {last.time:g} ms is {weight:.9g} compiled and {found:.9g} uncompiled"
                raise RunError(Problem(what, fix="That is a defect of neuromorph or of a compiled helper: report it."))
        out += [*instant[:-1], replace(last, after=weight)]
    return out

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
#: two events that are nearer than this (ms) are at one instant, for rounding may part them
SAME = 1e-9
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
    """What happens: spikes and signals by time (ms), in order, and what there is to read."""

    rule: type[LearningRule]
    pre: tuple[float, ...]
    post: tuple[float, ...]
    signals: tuple[tuple[float, float], ...]
    variables: dict[str, dict[str, float]]
    plasticity: dict[str, Any]
    weight: float
    delay: float
    resolution: str | float

    def events(self) -> list[tuple[float, str, float]]:
        """(time at the synapse, event, count or value), in order."""
        order = list(HOOKS)
        spikes = {"pre": self.pre, "post": tuple(t + self.delay for t in self.post)}
        found = [(t, side, float(n)) for side, times in spikes.items() for t, n in _counted(times)]
        found += [(t, "signal", value) for t, value in self.signals]
        return sorted(found, key=lambda e: (e[0], order.index(e[1])))


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
    given = {"params": dict(params or {}), "w_min": w_min, "w_max": w_max}
    script = _Script(
        cls, tuple(sorted(pre)), tuple(sorted(post)), tuple(sorted(signals)), _variables(cls, variables or {}),
        {k: v for k, v in given.items() if v is not None}, weight, delay, resolution,
    )  # fmt: skip
    _check(script)
    name = registered_name(cls)
    found = sorted({n for held in script.variables.values() for n in held})
    with rules.override({name: cls}), models.override({"scripted_cell": scripted_cell(found)}):
        uncompiled, calls, bounds, values = _run(script, name, debug=True)
        compiled, *_ = _run(script, name, debug=False)
    rows = _checked(_rows(script, calls), compiled, uncompiled)
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


def _check(script: _Script) -> None:
    """InputError for times, a delay or signals that cannot be run."""
    problems = []
    grid = None if script.resolution == "exact" else float(script.resolution)
    first = {"pre": 0.0 if grid is None or not script.variables["pre"] else grid, "post": grid or 0.0, "signals": 0.0}
    given = {"pre": script.pre, "post": script.post, "signals": [t for t, _ in script.signals]}
    for name, times in {**given, "delay": [script.delay]}.items():
        low = first.get(name, 0.0)
        for t in times:
            if not low < t < math.inf:
                problems.append(Problem("time out of range", name, t, f"above {low:g} ms"))
            elif grid is not None and abs(t / grid - round(t / grid)) > 1e-6:
                problems.append(Problem("time is not on the grid", name, t, f"multiples of {grid:g} ms, or exact"))
    if not any(given.values()):
        problems.append(Problem("nothing happens", fix="Give times of spikes: --pre 10,30 --post 12,40."))
    if script.signals and "on_signal" not in script.rule.hooks():
        problems.append(Problem(f"{registered_name(script.rule)} hears no signal (it has no on_signal)", "signals"))
    if problems:
        raise InputError(*problems)


def _network(script: _Script, rule: str) -> Network:
    """One synapse, `traced`, from cell `pre` to cell `post`, each driven by an input that tells it when to fire."""
    network = Network("trace_rule")
    ahead = _ahead(script)
    for side, times in (("pre", script.pre), ("post", script.post)):
        if side == "pre" and not script.variables["pre"]:
            network.add_input("pre", "spike_train", 1, {"times": list(times)})
            continue
        network.add_population(side, "scripted_cell", 1, initial=script.variables[side])
        network.add_input(f"{side}_times", "spike_train", 1, {"times": [t - ahead for t in times]})
        network.connect(f"{side}_times", side, weight=1.0, delay=ahead, receptor="trigger")
    hears = "on_signal" in script.rule.hooks()
    if hears:
        network.add_signal("signal", times=[])
    plasticity = {"rule": rule, **script.plasticity} | ({"signals": ["signal"]} if hears else {})
    network.connect(
        "pre", "post", weight=script.weight, delay=script.delay, receptor="traced", name="traced", plasticity=plasticity
    )
    return network


def _ahead(script: _Script) -> float:
    """How long (ms) before its spike a cell is told of it: a power of two, which times can spare without rounding."""
    if script.resolution != "exact":
        return float(script.resolution)
    told = [script.delay, 1.0, *(t / 2 for t in script.post)]
    told += [t / 2 for t in script.pre] if script.variables["pre"] else []
    return 2.0 ** math.floor(math.log2(min(told)))


def _run(
    script: _Script, rule: str, debug: bool
) -> tuple[list[float], list[Any], tuple[float, float], dict[str, float]]:
    """The weight after each instant, the calls of hooks, the bounds and the parameters."""
    simulation = Simulation(_network(script, rule), script.resolution, seed=1, debug=debug)
    calls: list[Any] = []
    if simulation.watch is not None:
        simulation.watch.listeners.append(calls.append)
    weights = []
    for instant, until in _instants(script):
        for time, event, value in instant:
            if event == "signal":
                simulation.run(max(time - simulation.time, 0.0))
                simulation.signal("signal", value)
        simulation.run(max(until - simulation.time, 0.0))
        weights.append(float(simulation.weights("traced")[0]))
    plasticity = simulation.network.projections[0].plasticity
    for projection in simulation.network.projections:
        plasticity = projection.plasticity or plasticity
    assert plasticity is not None
    values = dict(zip(script.rule.parameters(), map(float, plasticity.parameters)))
    return weights, calls, (plasticity.w_min, plasticity.w_max), values


def _instants(script: _Script) -> list[tuple[list[tuple[float, str, float]], float]]:
    """Events of one instant together, and when (ms) the weight is read after them: before the next ones."""
    groups: list[list[tuple[float, str, float]]] = []
    for event in script.events():
        if groups and event[0] - groups[-1][0][0] <= SAME:
            groups[-1].append(event)
        else:
            groups.append([event])
    times = [group[0][0] for group in groups]
    if script.resolution != "exact":
        return list(zip(groups, times))
    later = [*times[1:], times[-1] + 1.0]
    return [(group, (a + b) / 2) for group, a, b in zip(groups, times, later)]


def _rows(script: _Script, calls: Sequence[Any]) -> list[list[Row]]:
    """The rows of each instant, from the calls of hooks in order."""
    waiting = list(calls)
    rows, weight = [], float(np.float32(script.weight))
    for instant, _ in _instants(script):
        mine = []
        for time, event, count in instant:
            row = Row(time, event, "", count, weight, weight)
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
    if abs(call.time - row.time) > SAME:
        raise RunError(Problem(f"{call.hook} was called at {call.time:.12g} ms, not at {row.time:.12g} ms", call.place))
    return replace(
        row, hook=call.hook, before=call.before["weight"], after=call.after["weight"], seen=seen, states=states
    )


def _checked(rows: list[list[Row]], compiled: list[float], uncompiled: list[float]) -> list[Row]:
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


def _counted(times: Sequence[float]) -> list[tuple[float, int]]:
    values, counts = np.unique(np.asarray(times, float), return_counts=True)
    return list(zip(values.tolist(), counts.tolist()))

"""Why a weight is what it is: every change of one synapse, hook by hook."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from neuromorph.errors import InputError, Problem, RunError
from neuromorph.registration import registered_name
from neuromorph.why.afferents import Afferents, afferents
from neuromorph.why.arrivals import arrivals
from neuromorph.why.recording import Recording
from neuromorph.why.synapses import replay

if TYPE_CHECKING:
    from neuromorph.debugging import HookCall

#: what a replayed weight may differ by from a recorded one, relative: a float32
CLOSE = 1e-6
SEEN = ("pre.", "post.", "syn.", "value")


@dataclass(frozen=True)
class Change:
    """One call of a hook: when (ms, at the synapse), what it saw, and the weight before and after."""

    time_ms: float
    hook: str
    count: float
    seen: dict[str, float]
    before: float
    after: float
    states: dict[str, float] = field(default_factory=dict)

    @property
    def change(self) -> float:
        """What the hook added."""
        return self.after - self.before


@dataclass(frozen=True)
class Ledger:
    """The life of one synapse: from `first` to `last` by `changes`; `checked` recorded weights agree with it."""

    source: str
    target: str
    projection: str
    rule: str
    delay_ms: float
    unit: str
    first: float
    last: float
    until_ms: float
    changes: tuple[Change, ...]
    checked: int


def why_weight(
    recording: Recording, source: str, target: str, until_ms: float | None = None, projection: str | None = None
) -> tuple[Ledger, ...]:
    """Every change of the synapses from one cell to another (one ledger a synapse) up to a time (ms).

    The target neuron and its synapses are run again from what its sources emitted, with hooks as plain Python.
    Raises InputError where there is no plastic synapse between the two, or the time is outside the run.
    """
    (from_population, from_index), (population, index) = recording.cell(source), recording.cell(target)
    recording.neurons(population)
    until = recording.end_ms if until_ms is None else until_ms
    where = f"{recording.path}: {source}-{target}"
    if not 0.0 < until <= recording.end_ms:
        raise InputError(
            Problem("the time is outside the run", where, until, f"above 0, up to {recording.end_ms:g} ms")
        )
    found = afferents(recording, population, index)
    chosen = _between(found, from_population, from_index, projection, where)
    # what was emitted at the very end counts
    calls = replay(recording, arrivals(recording, found, until + recording.clock.unit), until)
    return tuple(_ledger(recording, found, k, calls.get(k, []), until) for k in chosen)


def _between(found: Afferents, population: str, index: int, projection: str | None, where: str) -> list[int]:
    names = np.array([p.source == population for p in found.projections], bool)
    mine = np.flatnonzero(names[found.projection] & (found.source == index)) if names.size else np.zeros(0, int)
    if not mine.size:
        raise InputError(Problem("no synapse between these two", where))
    plastic = [k for k in mine.tolist() if found.plastic[k]]
    if not plastic:
        weight = float(found.weight[mine[0]])
        raise InputError(Problem("the synapse does not learn", where, f"a weight of {weight:g} all along"))
    by_name = {k: found.projections[int(found.projection[k])].name for k in plastic}
    chosen = [k for k in plastic if projection in (None, by_name[k])]
    if not chosen:
        known = ", ".join(sorted(set(by_name.values())))
        raise InputError(Problem("no plastic synapse of that projection between these two", where, projection, known))
    return chosen


def _ledger(recording: Recording, found: Afferents, k: int, calls: list[HookCall], until: float) -> Ledger:
    spec = found.projections[int(found.projection[k])]
    assert spec.plasticity is not None
    receptor = recording.neurons(found.population).model.receptors[int(found.receptor[k])]
    changes = tuple(_change(call) for call in calls if call.hook != "transmit")
    first = float(found.weight[k])
    return Ledger(
        source=recording.name(spec.source, int(found.source[k])),
        target=recording.name(found.population, found.index),
        projection=spec.name,
        rule=registered_name(spec.plasticity.rule),
        delay_ms=float(found.delay_ms[k]),
        unit=receptor.unit,
        first=first,
        last=changes[-1].after if changes else first,
        until_ms=until,
        changes=changes,
        checked=_checked(recording, spec.name, found, k, first, changes, until),
    )


def _change(call: HookCall) -> Change:
    """A call of a hook, with what it saw of traces, variables, states and signals."""
    count = next((v for name, v in call.seen.items() if name.endswith(".count")), 1.0)
    seen = {n: v for n, v in call.seen.items() if n.startswith(SEEN) and not n.endswith(".count")}
    states = {name: v for name, v in call.after.items() if name != "weight"}
    return Change(call.time, call.hook, count, seen, call.before["weight"], call.after["weight"], states)


def _checked(
    recording: Recording,
    projection: str,
    found: Afferents,
    k: int,
    first: float,
    changes: tuple[Change, ...],
    until: float,
) -> int:
    """How many recorded weights the ledger comes to; RunError where it comes to another one."""
    if projection not in recording.trace.projections:
        return 0
    recorded = recording.trace.weights(projection, None, float(np.nextafter(until, np.inf)))
    source, index = int(found.source[k]), found.index
    places = np.flatnonzero((recorded.source == source) & (recorded.target == index))
    parallel = np.flatnonzero((found.projection == found.projection[k]) & (found.source == source))
    if places.size != parallel.size:  # only some synapses were recorded
        return 0
    rank = int(np.searchsorted(np.sort(found.ordinal[parallel]), found.ordinal[k]))
    times = np.array([c.time_ms for c in changes])
    weights = np.array([first, *(c.after for c in changes)])
    values = recorded.values[:, places[rank]]
    expected = weights[np.searchsorted(times, recorded.times, side="right")]
    wrong = np.flatnonzero(~np.isclose(values, expected, rtol=CLOSE, atol=1e-12))
    if wrong.size:
        t = float(recorded.times[wrong[0]])
        what = f"the replay comes to {expected[wrong[0]]:.9g}, the trace has {values[wrong[0]]:.9g}"
        fix = "Weights were set while it ran, or the trace is of other code: `neuromorph verify` compares."
        raise RunError(Problem(what, f"{recording.path}: {projection} at {t:g} ms", fix=fix))
    return int(recorded.times.size)

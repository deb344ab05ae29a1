"""Why a neuron fired: what each arrival did, found by leaving each out in turn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import InputError, Problem, RunError
from neuromorph.why.afferents import afferents
from neuromorph.why.arrivals import Arrivals, arrivals
from neuromorph.why.copies import Copies
from neuromorph.why.recording import JUST_AFTER, Recording

#: arrivals that are left out in turn, at most: the latest ones before the spike
MOST = 1000
#: a spike that comes later by more than this share of tau_m without an arrival was decided by it
LATE = 0.1
#: points at which the membrane is drawn
POINTS = 200
#: ms that a replayed spike may be away from the recorded one: rounding
CLOSE = 1e-9
FAR = 1e9  # mV: a threshold that nothing reaches


@dataclass(frozen=True)
class Cause:
    """One arrival, and what would have been without it.

    source, index : who sent it; `is_input` where that is an input; emitted_ms, delay_ms, arrived_ms
    count : spikes of the instant; weight : of one of them, in `unit` of the receptor
    contribution_mV : by how much it had raised the membrane at the instant of the spike (nan where the model has no
        threshold that could be taken away)
    later_ms : by how much later the spike comes without it (negative: earlier; inf: not within tau_m / 10)
    """

    projection: str
    source: str
    index: int
    name: str
    is_input: bool
    emitted_ms: float
    delay_ms: float
    arrived_ms: float
    count: int
    weight: float
    unit: str
    receptor: str
    contribution_mV: float
    later_ms: float

    @property
    def decisive(self) -> bool:
        """Whether the spike fails, or comes more than tau_m / 10 later, without this arrival."""
        return math.isinf(self.later_ms)


@dataclass(frozen=True, eq=False)
class SpikeCause:
    """Why a neuron fired.

    name : of the neuron; time_ms : of the spike; `replayed_ms` that of the replay, which is the same
    begins_ms : from when on arrivals are left out: the spike before, or where there are too many of them
    causes : arrivals from then on, the one that matters most first
    earlier : how many arrivals there were before that
    V_m, at_ms : membrane (mV) at times (ms) from `begins_ms` to the spike; threshold_mV
    patience_ms : tau_m / 10, how long is waited for the spike
    """

    population: str
    index: int
    name: str
    time_ms: float
    replayed_ms: float
    begins_ms: float
    since: str
    causes: tuple[Cause, ...]
    earlier: int
    at_ms: NDArray[np.float64]
    V_m: NDArray[np.float64]
    threshold_mV: float
    patience_ms: float

    @property
    def decisive(self) -> tuple[Cause, ...]:
        """The causes without which the spike would not have come."""
        return tuple(c for c in self.causes if c.decisive)


def why_spike(recording: Recording, cell: str, at_ms: float, window_ms: float | None = None) -> SpikeCause:
    """Explain the spike of a neuron that is next to `at_ms`.

    Every arrival since the neuron's last spike (of the last `window_ms` at most) is left out in turn: a copy of the
    neuron gets all the others, and is waited for tau_m / 10 longer than the neuron took.

    Raises InputError for a time outside the run or without a spike, and for a trace that lacks the spikes of sources;
    RunError where the replay does not come to the recorded spike.
    """
    population, index = recording.cell(cell)
    neurons = recording.neurons(population)
    own = own_spikes(recording, population, index)
    time = nearest(recording, recording.name(population, index), own, at_ms)
    patience = LATE * _tau_m(neurons, index)
    every = received(recording, population, index, time + patience + 2 * JUST_AFTER)
    begins, since = _beginning(recording, own, time, every, window_ms)
    late = every.chosen(recording.milliseconds(every.at_base, every.at_offset) > begins)
    told = recording.milliseconds(late.at_base, late.at_offset) <= time
    n = int(np.count_nonzero(told))
    weights = np.repeat(late.weight[:, None], n + 1, axis=1)
    weights[np.flatnonzero(told), np.arange(1, n + 1)] = 0.0
    free, parameters = _without_threshold(neurons, index, n + 1)
    copies = Copies(recording, every, begins, np.hstack([weights] * (2 if free else 1)), parameters)
    at, V_m = _membrane(copies, begins, time, n + 1 if free else 0)
    copies.run_until(time if not recording.clock.exact else time + JUST_AFTER)
    raised = np.full(n, np.nan)
    if free:
        now = copies.values("V_m")[n + 1 :]
        raised = now[0] - now[1:]
    copies.run_until(time + patience)
    first = copies.first_spikes()[: n + 1]
    compare(recording, copies, own[own <= time])
    later = np.where(np.isnan(first[1:]), np.inf, first[1:] - time)
    later[later > patience] = np.inf
    places = np.flatnonzero(told).tolist()
    causes = [_cause(recording, late, k, float(r), float(t)) for k, r, t in zip(places, raised, later)]
    causes.sort(key=_importance)
    return SpikeCause(
        population, index, recording.name(population, index), time, float(first[0]), begins, since, tuple(causes),
        every.size - late.size, at, V_m, threshold(neurons, index), patience,
    )  # fmt: skip


def own_spikes(recording: Recording, population: str, index: int) -> NDArray[np.float64]:
    """Times (ms) of a neuron's own spikes."""
    spikes = recording.spikes(population, np.array([index]), math.inf)
    return np.asarray(recording.milliseconds(spikes.base, spikes.offset), float)


def nearest(recording: Recording, name: str, own: NDArray[np.float64], at_ms: float) -> float:
    """The spike next to a time; InputError where the time is outside the run or no spike is within 1 ms."""
    if not 0.0 <= at_ms <= recording.end_ms:
        allowed = f"0 to {recording.end_ms:g} ms"
        raise InputError(Problem("the time is outside the run", f"{recording.path}: {name}", at_ms, allowed))
    if not own.size:
        fix = f"Ask `neuromorph why-not` how close it came: --neuron {name} --from 0 --to {at_ms:g}."
        raise InputError(Problem("the neuron never fired", f"{recording.path}: {name}", fix=fix))
    closest = own[np.argsort(np.abs(own - at_ms), kind="stable")]
    if abs(closest[0] - at_ms) > 1.0:
        some = ", ".join(f"{t:g}" for t in sorted(closest[:3]))
        fix = f"Its spikes next to that are at {some} ms."
        raise InputError(Problem("the neuron did not fire then", f"{recording.path}: {name}", at_ms, fix=fix))
    return float(closest[0])


def received(recording: Recording, population: str, index: int, stop_ms: float) -> Arrivals:
    """All arrivals at a neuron before `stop_ms`, with the weights that they had then."""
    from neuromorph.why.synapses import delivered

    found = arrivals(recording, afferents(recording, population, index), stop_ms)
    return delivered(recording, found, stop_ms) if np.any(found.afferents.plastic) else found


def _beginning(
    recording: Recording, own: NDArray[np.float64], time: float, every: Arrivals, window_ms: float | None
) -> tuple[float, str]:
    """(when copies begin, why then): in a gap between arrivals and spikes, or at a tick."""
    arrived = recording.milliseconds(every.at_base, every.at_offset)
    before = own[own < time]
    last, since = (float(before[-1]), "its spike before") if before.size else (0.0, "the beginning of the run")
    if window_ms is not None and time - window_ms > last:
        last, since = time - window_ms, f"{window_ms:g} ms before"
    mine = arrived[(arrived > last) & (arrived <= time)]
    if mine.size > MOST:
        last, since = float(mine[-MOST - 1]), f"the {MOST:,}th one before the spike"
    if not recording.clock.exact:
        return round(last / recording.clock.unit) * recording.clock.unit, since
    following = arrived[arrived > last]
    end = min(float(following[0]) if following.size else time, time)
    return (last + end) / 2, since


def _tau_m(neurons: Any, index: int) -> float:
    """The membrane's time constant (ms); of a model without one, C_m / g_L, or 10 ms."""
    p = {k: float(v[index] if v.size > 1 else v[0]) for k, v in neurons.parameters.items() if v.size}
    if "tau_m" in p:
        return p["tau_m"]
    return p["C_m"] / p["g_L"] if {"C_m", "g_L"} <= p.keys() and p["g_L"] else 10.0


def _without_threshold(neurons: Any, index: int, n: int) -> tuple[bool, dict[str, NDArray[np.float64]]]:
    """Whether copies can be had that never fire, and the thresholds of n real ones and n of those."""
    own = threshold(neurons, index)
    return (False, {}) if math.isnan(own) else (True, {"V_th": np.repeat([own, FAR], n)})


def _membrane(copies: Copies, begins: float, time: float, copy: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times and membrane of one copy, up to just before the spike."""
    variable = copies.simulation.cells[copies.population].variables[0]
    unit = 0.0 if copies.recording.clock.exact else copies.recording.clock.unit
    end = time - unit
    points = np.linspace(begins, end, POINTS) if end > begins else np.array([begins])
    if unit:
        points = np.unique(np.round(points / unit)) * unit
    values = []
    for point in points:
        copies.run_until(float(point))
        values.append(copies.values(variable)[copy])
    return points, np.array(values)


def threshold(neurons: Any, index: int) -> float:
    """The threshold of a neuron (mV); nan where its model has none of that name."""
    if "V_th" not in neurons.parameters or "V_m" not in neurons.model.variables():
        return math.nan
    value = neurons.parameters["V_th"]
    return float(value[index] if value.size > 1 else value[0])


def compare(recording: Recording, copies: Copies, wanted: NDArray[np.float64]) -> None:
    """RunError where the replay has not come to the spikes (ms) that the trace has up to now."""
    found = copies.spikes(0)
    found = found[found <= (wanted[-1] if wanted.size else copies.begins_ms) + CLOSE]
    n = min(found.size, wanted.size)
    wrong = np.flatnonzero(np.abs(found[:n] - wanted[:n]) > CLOSE)
    if found.size == wanted.size and not wrong.size:
        return
    more = wanted if wanted.size > n else found
    where = float(wanted[wrong[0]] if wrong.size else more[n])
    fix = "Its state or weights were set while it ran, or the trace is of other code: `neuromorph verify` compares."
    what = "the replay does not come to the spikes of the trace"
    raise RunError(Problem(what, f"{recording.path}: {copies.population}", f"a difference at {where:g} ms", fix=fix))


def _cause(recording: Recording, late: Arrivals, k: int, raised: float, later: float) -> Cause:
    found = late.afferents
    synapse = int(late.synapse[k])
    spec = found.projections[int(found.projection[synapse])]
    receptor = recording.neurons(found.population).model.receptors[int(found.receptor[synapse])]
    source = int(found.source[synapse])
    return Cause(
        spec.name, spec.source, source, recording.name(spec.source, source), recording.input(spec.source) is not None,
        float(recording.milliseconds(late.base[k], late.offset[k])), float(found.delay_ms[synapse]),
        float(recording.milliseconds(late.at_base[k], late.at_offset[k])), int(late.count[k]), float(late.weight[k]),
        receptor.unit, receptor.name, raised, later,
    )  # fmt: skip


def _importance(cause: Cause) -> tuple[float, float, float]:
    """What matters most first: how much later the spike would come, then by how much it raised the membrane."""
    raised = 0.0 if math.isnan(cause.contribution_mV) else cause.contribution_mV
    return -cause.later_ms, -raised, cause.arrived_ms

"""Why a neuron did not fire: how close it came, and what would have been enough."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import InputError, Problem
from neuromorph.why.arrivals import Arrivals
from neuromorph.why.copies import Copies
from neuromorph.why.recording import JUST_AFTER, Recording
from neuromorph.why.spike import MOST, compare, own_spikes, received, threshold

#: copies that look for what would have been enough, at a time; and how often they look closer
AT_ONCE, LOOKS = 32, 3
#: factors of weights, and arrivals more, that are tried at most
LARGEST_FACTOR, MOST_MORE = 8.0, 64
#: points at which the membrane is looked at
POINTS = 400


@dataclass(frozen=True, eq=False)
class Silence:
    """Why a neuron did not fire between two times (ms).

    closest_ms, V_m_mV : when its membrane came closest to threshold, and how far; gap_mV what was missing
    factor : by how much excitatory arrivals would have had to be stronger; nan: eight times would not have been enough
    more : how many arrivals like its strongest source's would have been enough at `more_ms`; 0: not even 64 at once
    without : inhibitory arrivals each of which, left out, would have let it fire, by name of their source
    at_ms, V_m : its membrane
    """

    population: str
    index: int
    name: str
    begin_ms: float
    end_ms: float
    arrivals: int
    closest_ms: float
    V_m_mV: float
    gap_mV: float
    threshold_mV: float
    factor: float
    more: int
    more_ms: float
    more_like: str
    without: tuple[tuple[str, float], ...]
    at_ms: NDArray[np.float64]
    V_m: NDArray[np.float64]


def why_not(recording: Recording, cell: str, begin_ms: float, end_ms: float) -> Silence:
    """Say how close a neuron came to a spike between two times, and what would have been enough for one.

    Copies of the neuron from `begin_ms` on get stronger excitation, more arrivals, or all but one inhibitory arrival.
    Raises InputError for times outside the run, where the neuron did fire, and where its model has no threshold.
    """
    population, index = recording.cell(cell)
    neurons, name = recording.neurons(population), recording.name(population, index)
    limit = threshold(neurons, index)
    where = f"{recording.path}: {name}"
    if math.isnan(limit):
        raise InputError(Problem("the model has no threshold V_th that could be missed", where, neurons.model.name))
    _check_times(recording, where, begin_ms, end_ms)
    own = own_spikes(recording, population, index)
    inside = own[(own > begin_ms) & (own <= end_ms)]
    if inside.size:
        fix = f"Ask `neuromorph why spike --neuron {name} --at {inside[0]:g}`, or about another time."
        raise InputError(Problem("the neuron did fire", where, f"a spike at {inside[0]:g} ms", fix=fix))
    every = received(recording, population, index, end_ms + 2 * JUST_AFTER)
    begin_ms = _gap(recording, every, begin_ms)
    late = every.chosen(recording.milliseconds(every.at_base, every.at_offset) > begin_ms)
    excites = _excites(neurons, late)
    inhibits = np.flatnonzero(~excites)[-MOST:]
    plain = Copies(recording, every, begin_ms, late.weight[:, None])
    at, V_m = _membrane(plain, begin_ms, end_ms)
    plain.run_until(end_ms)
    compare(recording, plain, own[own <= end_ms])
    closest = int(np.argmax(V_m))
    factor = _enough_factor(recording, every, late, begin_ms, end_ms, excites)
    more, when, like = _enough_more(recording, every, late, begin_ms, end_ms, excites, float(at[closest]))
    return Silence(
        population, index, name, begin_ms, end_ms, late.size, float(at[closest]), float(V_m[closest]),
        limit - float(V_m[closest]), limit, factor, more, when, like,
        _without(recording, every, late, begin_ms, end_ms, inhibits), at, V_m,
    )  # fmt: skip


def _excites(neurons: Any, late: Arrivals) -> NDArray[np.bool_]:
    """Which arrivals excite: those of positive weight, at receptors that are not for inhibition."""
    inhibitory = [r.sign < 0 or r.name.startswith("inh") for r in neurons.model.receptors]
    return (late.weight > 0.0) & ~np.array(inhibitory, bool)[late.afferents.receptor[late.synapse]]


def _check_times(recording: Recording, where: str, begin_ms: float, end_ms: float) -> None:
    for time in (begin_ms, end_ms):
        if not 0.0 <= time <= recording.end_ms:
            raise InputError(Problem("the time is outside the run", where, time, f"0 to {recording.end_ms:g} ms"))
    if not begin_ms < end_ms:
        raise InputError(Problem("the interval is empty", where, begin_ms, f"below {end_ms:g} ms, its end"))


def _gap(recording: Recording, every: Arrivals, begin_ms: float) -> float:
    """An instant next to a time on which no arrival falls."""
    unit = recording.clock.unit
    if not recording.clock.exact:
        return round(begin_ms / unit) * unit
    arrived = np.unique(recording.milliseconds(every.at_base, every.at_offset))
    place = int(np.searchsorted(arrived, begin_ms))
    if place < arrived.size and arrived[place] == begin_ms:
        following = arrived[place + 1] - begin_ms if place + 1 < arrived.size else np.inf
        return begin_ms + min(JUST_AFTER, float(following) / 2)
    return begin_ms


def _membrane(copies: Copies, begin: float, end: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The membrane at points of the interval; on the grid at every tick, or every few."""
    clock = copies.recording.clock
    if clock.exact:
        points = np.linspace(begin, end, POINTS)
    else:
        ticks = np.arange(round(begin / clock.unit), round(end / clock.unit) + 1)
        points = ticks[:: max(1, ticks.size // 4000)].astype(np.float64) * clock.unit
    values = np.empty(points.size)
    for k, point in enumerate(points):
        copies.run_until(float(point))
        values[k] = copies.values("V_m")[0]
    return points, values


def _fires(recording: Recording, every: Arrivals, begin: float, end: float, weights: NDArray[np.float64]) -> Any:
    """Which copies fire up to the end."""
    copies = Copies(recording, every, begin, weights)
    copies.run_until(end)
    return ~np.isnan(copies.first_spikes()[1:])


def _enough_factor(
    recording: Recording, every: Arrivals, late: Arrivals, begin: float, end: float, excites: NDArray[np.bool_]
) -> float:
    """The smallest factor of excitatory weights with which the neuron fires, to a thousandth."""
    if not np.any(excites):
        return math.nan
    low, high = 1.0, LARGEST_FACTOR
    for _ in range(LOOKS):
        factors = np.linspace(low, high, AT_ONCE + 1)[1:]
        scale = np.where(excites[:, None], np.concatenate([[1.0], factors])[None, :], 1.0)
        fired = np.flatnonzero(_fires(recording, every, begin, end, late.weight[:, None] * scale))
        if not fired.size:
            return math.nan
        low, high = (factors[fired[0] - 1] if fired[0] else low), float(factors[fired[0]])
    return high


def _enough_more(
    recording: Recording,
    every: Arrivals,
    late: Arrivals,
    begin: float,
    end: float,
    excites: NDArray[np.bool_],
    closest: float,
) -> tuple[int, float, str]:
    """(how many arrivals more, when, of which source): copies of the strongest one before the membrane was closest."""
    arrived = recording.milliseconds(late.at_base, late.at_offset)
    mine = np.flatnonzero(excites & (arrived <= closest))
    if not mine.size:
        return 0, math.nan, ""
    strongest = int(mine[np.argmax(late.weight[mine])])
    added = np.arange(1, MOST_MORE + 1)
    weights = np.repeat(late.weight[:, None], MOST_MORE + 1, axis=1)
    weights[strongest, 1:] *= 1.0 + added / late.count[strongest]
    fired = np.flatnonzero(_fires(recording, every, begin, end, weights))
    spec = late.afferents.projections[int(late.afferents.projection[late.synapse[strongest]])]
    like = recording.name(spec.source, int(late.afferents.source[late.synapse[strongest]]))
    return (int(added[fired[0]]) if fired.size else 0), float(arrived[strongest]), like


def _without(
    recording: Recording, every: Arrivals, late: Arrivals, begin: float, end: float, inhibits: NDArray[np.int64]
) -> tuple[tuple[str, float], ...]:
    """(source, time of arrival) of inhibitory arrivals that kept the neuron silent each by itself."""
    if not inhibits.size:
        return ()
    weights = np.repeat(late.weight[:, None], inhibits.size + 1, axis=1)
    weights[inhibits, np.arange(1, inhibits.size + 1)] = 0.0
    found = late.afferents
    out = []
    for k in inhibits[_fires(recording, every, begin, end, weights)]:
        spec = found.projections[int(found.projection[late.synapse[k]])]
        name = recording.name(spec.source, int(found.source[late.synapse[k]]))
        out.append((name, float(recording.milliseconds(late.at_base[k], late.at_offset[k]))))
    return tuple(out)

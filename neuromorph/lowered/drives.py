"""Poisson inputs that only drive one population, cell by cell: their events never need the calendar.

Such an event can reach one synapse alone, so that it is drawn where it arrives. What arrives is the same, bit for bit.
"""

from __future__ import annotations

from collections import Counter

from neuromorph.graph.description import Description, PopulationSpec
from neuromorph.graph.values import Constant
from neuromorph.lowered.clock import Clock
from neuromorph.lowered.compiled import Drive, Neurons
from neuromorph.lowered.connections import Connections
from neuromorph.models.inputs import Poisson

#: larger mean counts per tick go through the calendar
LARGEST_MEAN = 30.0


def silent_inputs(description: Description) -> set[str]:
    """Poisson inputs of one constant rate with one projection, which nobody records or listens to."""
    heard = {r.name for r in description.records if r.kind == "spikes"}
    heard |= {str(s.population) for s in description.signals}
    projections = Counter(p.source for p in description.projections)
    return {
        p.name
        for p in description.populations
        if p.model is Poisson and p.name not in heard and projections[p.name] == 1 and _rate(p) is not None
    }


def _rate(spec: PopulationSpec) -> float | None:
    """The rate that all cells of an input have at all times (Hz); None where they differ."""
    rate = spec.params["rate"]
    return float(rate.value) if isinstance(rate, Constant) and not spec.arrays else None


def drive(spec: PopulationSpec, made: Connections, target: Neurons, clock: Clock) -> Drive | None:
    """The drive that a projection of a silent input is, or None where it is not one-to-one with one delay."""
    delay, rate = made.spec.delay, _rate(spec)
    assert rate is not None
    if made.spec.rule != "one_to_one" or made.receptor is None or not isinstance(delay, Constant):
        return None
    if not clock.exact and rate / 1e3 * clock.unit > LARGEST_MEAN:
        return None
    slot = target.slot0 + made.receptor * target.size
    weight = made.weights((0, made.n))
    return Drive(spec.name, target.name, slot, weight, float(clock.steps(delay.value)), rate / 1e3)

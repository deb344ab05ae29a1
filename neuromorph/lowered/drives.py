"""Poisson inputs that only drive one population, cell by cell: their events never need the calendar.

Such an event can reach one synapse alone, so that it is drawn where it arrives. What arrives is the same, bit for bit.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.graph.description import Description, PopulationSpec
from neuromorph.graph.values import Constant
from neuromorph.lowered.clock import Clock
from neuromorph.lowered.compiled import Drive, Neurons
from neuromorph.models.inputs import Poisson

if TYPE_CHECKING:
    from neuromorph.lowered.compile import Wiring

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


def drive(spec: PopulationSpec, wiring: Wiring, target: Neurons, clock: Clock) -> Drive | None:
    """The drive that a projection of a silent input is, or None where it is not one-to-one with one delay."""
    delay: Any = np.unique(clock.steps(wiring.delay_ms))
    rate = _rate(spec)
    assert rate is not None
    plastic = wiring.spec.plasticity is not None and not wiring.spec.plasticity.frozen
    if wiring.spec.rule != "one_to_one" or plastic or delay.size != 1 or np.any(wiring.receptor != wiring.receptor[0]):
        return None
    if not clock.exact:
        return None
    slot = target.slot0 + int(wiring.receptor[0]) * target.size
    return Drive(spec.name, target.name, slot, wiring.weight, float(delay[0]), rate / 1e3)

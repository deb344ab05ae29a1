"""Which populations are kept by active list on the grid: their cells are visited at ticks with an arrival alone.

That is decided from the description, never by measured activity, and does not depend on what is recorded.
"""

from __future__ import annotations

import numpy as np

from neuromorph.lowered.compiled import CompiledNetwork, Input, Neurons

#: rate at which cells are expected to fire (Hz), about that of cortical cells
EXPECTED_RATE = 4.0
#: arrivals per cell and tick below which a visit to some cells (30 ns each) costs less than a sweep of all (1 ns each)
FEW = 0.05
#: smaller populations are swept: that costs little, and less where they fire more than expected
LEAST = 4096
MOST = 255  # lists are numbered from 1 in 8 bits


def lazy_populations(network: CompiledNetwork) -> list[str]:
    """Names of the populations that an active list keeps, in order of id; none in exact mode or with plasticity."""
    sent = any(s.population is not None for s in network.signals)
    if network.clock.exact or sent or any(p.plasticity is not None for p in network.projections):
        return []
    lazy = [p.name for p in network.neurons if p.size >= LEAST and _silent(p) and expected(network, p) < FEW]
    return lazy[:MOST]


def _silent(p: Neurons) -> bool:
    """Whether the model promises that nothing happens between arrivals, and these are of one kind."""
    receptors = {p.model.receptors[r].name for r in p.live}
    initial = dict(zip(p.model.variables(), p.initial))
    return len(receptors) == 1 and p.model.silent_between_arrivals(p.parameters, initial, receptors)


def expected(network: CompiledNetwork, p: Neurons) -> float:
    """Expected arrivals per cell and tick, in exact mode per cell and window."""
    incoming = [q for q in network.projections if q.target == p.name]
    per_second = sum(q.connections.n * _rate(network.population(q.source)) for q in incoming) / p.size
    return per_second / 1e3 * network.clock.unit


def _rate(source: Neurons | Input) -> float:
    """Rate of a source (Hz): the given one of an input that has one."""
    given = None
    if isinstance(source, Input):
        given = source.parameters.get("rates")
        given = source.parameters.get("rate") if given is None else given
    return EXPECTED_RATE if given is None else float(np.max(given, initial=0.0))

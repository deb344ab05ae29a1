"""The chain of causes of a spike, back to the inputs: why it came, and why each spike that decided it came."""

from __future__ import annotations

from dataclasses import dataclass

from neuromorph.why.recording import Recording
from neuromorph.why.spike import Cause, SpikeCause, why_spike


@dataclass(frozen=True)
class Link:
    """A spike and what it came from: `causes` are pairs of an arrival and, for that of a neuron, the link before."""

    spike: SpikeCause
    causes: tuple[tuple[Cause, Link | None], ...]


def chain(
    recording: Recording, cell: str, at_ms: float, depth: int = 1, most: int = 3, window_ms: float | None = None
) -> Link:
    """Explain a spike, and the spikes of neurons that caused it, `depth` steps back.

    Of each spike the `most` important arrivals are followed; a spike that causes several is explained once.
    """
    known: dict[tuple[str, int, float], SpikeCause] = {}

    def explained(population: str, index: int, name: str, time: float) -> SpikeCause:
        key = (population, index, time)
        if key not in known:
            known[key] = why_spike(recording, name, time, window_ms)
        return known[key]

    def link(spike: SpikeCause, left: int) -> Link:
        followed = []
        for cause in spike.causes[:most]:
            before = None
            if left > 0 and not cause.is_input:
                why = explained(cause.source, cause.index, cause.name, cause.emitted_ms)
                before = link(why, left - 1)
            followed.append((cause, before))
        return Link(spike, tuple(followed))

    return link(why_spike(recording, cell, at_ms, window_ms), depth - 1)

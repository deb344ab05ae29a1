"""What is due at which instant, in order: signals, rewiring, readings."""

from __future__ import annotations

import heapq
from collections.abc import Callable

Instant = tuple[int, float]
#: what comes first at one instant
SIGNAL, REWIRING, READING = range(3)
#: the number of an event that a population has sent: it is on its way, and was not known beforehand
SENT = -1


class Agenda:
    """Actions in order of (instant, kind, name, number), those alike as they came."""

    def __init__(self) -> None:
        self._heap: list[tuple[Instant, int, str, int, int, float, Callable[[str, float], None]]] = []
        self._order = 0

    def push(
        self, at: Instant, kind: int, name: str, number: int, value: float, action: Callable[[str, float], None]
    ) -> None:
        """Have `action(name, value)` called at an instant."""
        self._order += 1
        heapq.heappush(self._heap, (at, kind, name, number, self._order, value, action))

    def before(self, stop: Instant) -> Instant:
        """The first instant at which anything is due, or `stop` where nothing is before then."""
        return min(stop, self._heap[0][0]) if self._heap else stop

    def run(self, now: Instant) -> None:
        """Do everything that is due up to now."""
        while self._heap and self._heap[0][0] <= now:
            _, _, name, _, _, value, action = heapq.heappop(self._heap)
            action(name, value)

    def sent(self) -> list[tuple[Instant, str, float]]:
        """Signals that populations have sent and that are on their way, in order: instant, name, value."""
        return [(e[0], e[2], e[5]) for e in sorted(self._heap, key=lambda e: e[:5]) if e[3] == SENT]

    def forget_sent(self) -> None:
        """Have those never arrive."""
        self._heap = [e for e in self._heap if e[3] != SENT]
        heapq.heapify(self._heap)

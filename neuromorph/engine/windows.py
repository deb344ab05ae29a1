"""One window of a run: emit, deliver, advance the cells, order the spikes, visit the plastic rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.engine.cells import Cells
from neuromorph.engine.learning import Pending
from neuromorph.kernels import calendar as kernels
from neuromorph.lowered.compiled import CompiledNetwork

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine, Instant


class _Windows:
    """What both resolutions share: collecting spikes, learning from them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.pending = Pending()
        self.ring = np.zeros((1, 0))
        network = engine.network
        self._listeners: dict[str, list[Any]] = {}  # by source population
        self._remembering: dict[str, list[tuple[Any, int]]] = {}  # by target population
        for p in network.projections:
            for number, part in enumerate(engine.plastic.get(p.name, [])):
                self._listeners.setdefault(p.source, []).append(part)
                if part.remembers:
                    self._remembering.setdefault(p.target, []).append((part, number))

    def clear(self) -> None:
        """Forget all arrivals to come."""
        self.ring[:] = 0.0
        self.pending.n = 0

    def settle(self) -> None:
        """Bring counts up to now."""

    def _collect(self) -> None:
        """Append the window's spikes to the calendar, population by population in order of id."""
        engine = self.engine
        for emitter in engine.emitters:
            n = emitter.n
            if not n:
                continue
            spec: Any = emitter.neurons if isinstance(emitter, Cells) else emitter.input
            engine.calendar.append(
                spec.first_id, emitter.out_base, emitter.out_offset, emitter.out_index, emitter.out_count, n
            )
            engine.spike_counts[spec.name] += int(emitter.out_count[:n].sum())

    def _learn(self, before: Instant) -> None:
        """Postsynaptic spikes into the histories, then the rows of the presynaptic ones."""
        engine = self.engine
        for name, parts in self._remembering.items():
            cells = engine.cells[name]
            if cells.n:
                for part, number in parts:
                    part.remember(cells, number, before)
        names = [e.neurons.name if isinstance(e, Cells) else e.input.name for e in engine.emitters if e.n]
        listening = [part for name in names for part in self._listeners.get(name, ())]
        for start, end in self._portions() if listening else ():
            for part in listening:
                engine.synaptic_events += part.visit(engine.calendar, start, end, self.ring, self.pending)

    def _portions(self) -> list[tuple[int, int]]:
        """Ranges of the window's spikes that the plastic projections visit in turn."""
        return [(self._first, self.engine.calendar.closed)]

    @property
    def _first(self) -> int:
        return self.engine.calendar.closed - self._spikes

    _spikes = 0


class GridWindows(_Windows):
    """Windows of ticks; arrivals are coalesced per tick in a ring of input rows."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        network = engine.network
        plastic = [r.largest_delay for parts in engine.plastic.values() for r in parts]
        rows = engine.window + 1 + int(max(plastic, default=0.0))
        self.ring = np.zeros((rows, network.n_slots))
        self._delays = [np.unique(r.slice_delay).astype(np.int64)[::-1].copy() for r in network.static]
        self._by_tick, self._by_spike = _shared_inputs(network)
        self._one_tick = False

    def clear(self) -> None:
        """Forget all arrivals to come."""
        super().clear()
        self.engine.drives.clear(self.engine.now[0])

    def boundary(self, now: Instant) -> Instant:
        """Where the window that begins now ends."""
        return now[0] + self.engine.window, 0.0

    def _portions(self) -> list[tuple[int, int]]:
        # plastic arrivals are summed as they are emitted: portions as fine as the order of the sums asks for
        whole = super()._portions()
        if not self._by_tick or (self._one_tick and not self._by_spike):
            return whole
        first, end = whole[0]
        new = np.ones(end - first - 1, bool) if self._by_spike else np.diff(self.engine.calendar.base[first:end]) != 0
        cuts = (first + 1 + np.flatnonzero(new)).tolist()
        return list(zip([first, *cuts], [*cuts, end]))

    def advance(self, now: Instant, stop: Instant) -> None:
        """Run the ticks (now, stop]."""
        engine, first, last = self.engine, now[0] + 1, stop[0]
        self._one_tick = first == last
        for source in engine.sources.values():
            source.emit_grid(first, last)
        for current in engine.currents:
            current.drive_grid(first, last, self.ring)
        engine.synaptic_events += engine.drives.drive(first, last, self.ring)
        for name, n in engine.drives.take_totals():
            engine.spike_counts[name] += n
        calendar = engine.calendar
        for k, rows in enumerate(engine.network.static):
            if rows.synapse.size:
                engine.synaptic_events += kernels.deliver_grid(
                    first, last, self.ring, calendar.bucket_start, calendar.bucket_end, calendar.source,
                    calendar.count, self._delays[k], rows.row, rows.row_start, rows.slice_delay, rows.slice_end,
                    engine.synapse[k],
                )  # fmt: skip
        for cells in engine.cells.values():
            cells.advance(first, last, self.ring)  # type: ignore[attr-defined]
        self._collect()
        self._spikes = calendar.end - calendar.closed
        calendar.close_grid(first, last)
        if self._spikes:
            self._learn(now)
            engine.emitted(self._first, calendar.closed)


def _shared_inputs(network: CompiledNetwork) -> tuple[bool, bool]:
    """Whether plastic projections add to the same inputs of cells, and whether two of one source population do."""
    sources: dict[tuple[str, int], list[str]] = {}
    for p in network.projections:
        made = p.connections
        for receptor in {made.receptor} if made.receptor is not None else set(made.receptors):
            if p.plasticity is not None and made.n:
                sources.setdefault((p.target, receptor), []).append(p.source)
    return any(len(s) > 1 for s in sources.values()), any(len(s) > len(set(s)) for s in sources.values())

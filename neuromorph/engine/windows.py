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
        self.engine.drives.clear(self.engine.now[0])

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


class ExactWindows(_Windows):
    """Windows of continuous time; arrivals are bucketed by cell and each cell is walked through its own."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._pointer = np.zeros(engine.network.n_neurons + 1, np.int64)
        self._make_arrays(1 << 12)

    def _make_arrays(self, capacity: int) -> None:
        self._slot, self._offset = np.zeros(capacity, np.int32), np.zeros(capacity)
        self._weight, self._source = np.zeros(capacity), np.zeros(capacity, np.int64)
        self._synapse = np.zeros(capacity, np.int64)
        self._sorted = np.zeros(capacity), np.zeros(capacity, np.int8), np.zeros(capacity)

    def boundary(self, now: Instant) -> Instant:
        """Where the window that begins now ends."""
        unit = self.engine.clock.unit
        return (now[0] + 1, unit) if now[1] >= unit else (now[0], unit)

    def advance(self, now: Instant, stop: Instant) -> None:
        """Run (now, stop], inside one window."""
        engine = self.engine
        base, high = stop
        low = now[1] if now[0] == base else 0.0
        for source in engine.sources.values():
            source.emit_exact(base, low, high)
        n = self._arrivals(base, low, high)
        network = engine.network
        kernels.bucket_exact(
            n, self._slot, self._offset, self._weight, self._source, self._synapse, network.neuron_of_slot,
            network.receptor_of_slot, self._pointer, *self._sorted,
        )  # fmt: skip
        for cells in engine.cells.values():
            first = cells.neurons.first_neuron
            cells.advance(base, high, self._pointer[first:], *self._sorted)  # type: ignore[attr-defined]
        calendar = engine.calendar
        self._collect()
        self._spikes = calendar.end - calendar.closed
        calendar.close_exact(base)
        if self._spikes:
            self._learn(now)
            engine.emitted(self._first, calendar.closed)

    def _arrivals(self, base: int, low: float, high: float) -> int:
        """List everything that arrives in (low, high]: static, plastic, currents; returns how much."""
        n = 0
        for k, rows in enumerate(self.engine.network.static):
            more = self._expand(k, rows, base, low, high, n)
            if more < 0:
                self._room(n - more)
                more = self._expand(k, rows, base, low, high, n)
            self.engine.synaptic_events += more
            n += more
        if self.pending.n:
            n = self._add(n, *self.pending.take(base, low, high))
        for number, current in enumerate(self.engine.currents):
            for offset, slots, amplitude in current.arrivals(base, high):
                same = np.full(slots.size, number)
                n = self._add(n, slots, np.full(slots.size, offset), amplitude, same, np.arange(slots.size))
        return n

    def _expand(self, k: int, rows: Any, base: int, low: float, high: float, n: int) -> int:
        calendar = self.engine.calendar
        return int(
            kernels.expand_exact(
                base, low, high, self.engine.clock.unit, base - calendar.horizon, calendar.bucket_start,
                calendar.bucket_end, calendar.offset, calendar.source, calendar.count, rows.row, rows.row_start,
                rows.slice_delay, rows.slice_end, rows.delays, self.engine.synapse[k], self._slot[n:],
                self._offset[n:], self._weight[n:], self._source[n:], self._synapse[n:],
            )
        )  # fmt: skip

    def _add(self, n: int, slot: Any, offset: Any, weight: Any, source: Any, synapse: Any) -> int:
        if n + slot.size > self._slot.size:
            self._room(n + slot.size)
        into = slice(n, n + slot.size)
        self._slot[into], self._offset[into], self._weight[into] = slot, offset, weight
        self._source[into], self._synapse[into] = source, synapse
        return n + int(slot.size)

    def _room(self, n: int) -> None:
        kept: list[Any] = [self._slot, self._offset, self._weight, self._source, self._synapse]
        self._make_arrays(2 * n)
        fresh: list[Any] = [self._slot, self._offset, self._weight, self._source, self._synapse]
        for new, old in zip(fresh, kept):
            new[: old.size] = old


def _shared_inputs(network: CompiledNetwork) -> tuple[bool, bool]:
    """Whether plastic projections add to the same inputs of cells, and whether two of one source population do."""
    sources: dict[tuple[str, int], list[str]] = {}
    for p in network.projections:
        made = p.connections
        for receptor in {made.receptor} if made.receptor is not None else set(made.receptors):
            if p.plasticity is not None and made.n:
                sources.setdefault((p.target, receptor), []).append(p.source)
    return any(len(s) > 1 for s in sources.values()), any(len(s) > len(set(s)) for s in sources.values())

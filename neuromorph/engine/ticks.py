"""The loop of static networks on the grid: many ticks in one kernel call, one thread for each part of the network."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.engine.cells import GridCells
from neuromorph.engine.lazy_cells import ActiveLists, LazyCells
from neuromorph.graph.values import support
from neuromorph.kernels import barrier
from neuromorph.kernels.flight import CLASSES, GROUP, NEVER, launch_again
from neuromorph.kernels.grid_cells import Kind
from neuromorph.kernels.ticks import kind_arguments, tick_kernels
from neuromorph.lowered.compiled import CompiledNetwork, Neurons
from neuromorph.lowered.partition import bounds

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine, Instant

#: seconds that a call should take: signals, progress and the recorder wait that long
A_WHILE = 0.05
#: spikes that a window may emit at most, which the buffers must hold
LARGEST_WINDOW = 1 << 19
#: ticks that fit into 32 bits with room to spare; no cell is refractory for longer
LONGEST_EPOCH = 1 << 29
#: cells of a population that are taken through a tick together, at most (SWEEP in kernels/ticks.py)
LARGEST_SWEEP = 512
SOURCE = -1  # the kind of a segment of input spikes


def is_plain(engine: Engine) -> bool:
    """Whether nothing has to happen between the windows of a network on the grid: no plasticity, no signals sent."""
    network = engine.network
    return all(p.plasticity is None for p in network.projections) and not engine.signals_of_populations


class TickLoop:
    """What the kernel `run` needs: tables of populations, drives and kinds, and the spikes in flight of each part."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        network = engine.network
        dtype = np.dtype(engine.precision)
        self.ring = _on_large_pages(network.n_slots, dtype).reshape(1, -1)
        self.parts = network.parts
        self.window = int(min(network.smallest_delay, max(1, LARGEST_WINDOW // max(network.n_ids, 1))))
        self._drives = engine.drives
        cells: list[Any] = list(engine.cells.values())
        if _straight(network) and not any(c.kind.lazy for c in cells):
            for c in cells:
                c.kind = replace(c.kind, straight=tuple(r for r in c.kind.live if c.kind.model.receptors[r].into))
        self._kinds = tuple(dict.fromkeys(c.kind for c in cells))
        blocks = [_Block(kind, [c for c in cells if c.kind == kind], self.ring[0], dtype) for kind in self._kinds]
        self._until = [block.until for block, kind in zip(blocks, self._kinds) if not kind.lazy]
        self._epoch = 0
        self._queued = [s for s in engine.sources.values() if s.input.name not in self._drives.inputs]
        self._lists = ActiveLists(network, [c.neurons for c in cells if isinstance(c, LazyCells)])
        self._segments = [self._segment_table(part) for part in range(self.parts)]
        self._kind_arrays = [a for block in blocks for a in block.arrays]
        kernels = tick_kernels(self._kinds)
        self._run = kernels.run
        for c in cells:
            if c.kind.lazy:
                c.join(self._lists, getattr(kernels, f"evaluate_{self._kinds.index(c.kind)}"))
        sizes = [sum(int(s[3] - s[2]) for s in table) for table in self._segments]
        self._boxes = _Boxes(self.parts, self.window * max([*sizes, 1]))
        self.classes = _classes(network)
        self._flights = [_Flight(self, part) for part in range(self.parts)]
        self._barrier = barrier.barrier()
        self._pool = ThreadPoolExecutor(self.parts) if self.parts > 1 else None
        self._chunk = 1
        self._longest_chunk = min([1 << 20, *(max(1, s.out_base.size // s.input.size) for s in self._queued)])
        self._first_ids = np.array([e.first_id for e in self._everyone()], np.int64)
        self._names = [e.name for e in self._everyone()]

    def _everyone(self) -> list[Any]:
        network = self.engine.network
        return sorted([*network.neurons, *network.inputs], key=lambda p: p.first_id)

    def _segment_table(self, part: int) -> NDArray[np.int64]:
        """One row a population.

        Kind, first id, low, high, size, first slot, column in block, rank, stream, list, ends of its drives.
        """
        column, rank = dict.fromkeys(self._kinds, 0), dict.fromkeys(self._kinds, 0)
        rows = []
        queued = {s.input.name: k for k, s in enumerate(self._queued)}
        driven = self._drives.ranges([p.name for p in self.engine.network.neurons])
        for p in self._everyone():
            if p.name in self.engine.cells:
                cells: Any = self.engine.cells[p.name]
                low, high = bounds(p.size, self.parts)[part : part + 2]
                k = self._kinds.index(cells.kind)
                place = column[cells.kind], rank[cells.kind]
                active = self._lists.number.get(p.name, 0)
                rows.append((k, p.first_id, low, high, p.size, p.slot0, *place, cells.key[1], active, *driven[p.name]))
                column[cells.kind] += p.size
                rank[cells.kind] += 1
            elif p.name in queued and part == 0:
                rows.append((SOURCE, p.first_id, 0, p.size, p.size, 0, 0, queued[p.name], 0, 0, 0, 0))
        return np.array(rows, np.int64).reshape(len(rows), 12)

    def boundary(self, now: Instant, one: bool = False) -> Instant:
        """Where the chunk that begins now ends: as far as one call should go."""
        tick = now[0]
        last = tick + min(self._chunk, self._longest_chunk)
        for current in self.engine.currents:
            change = current.next_change(tick + 1)
            if change is not None:
                last = min(last, max(change - 1, tick + 1))
        return last, 0.0

    def advance(self, now: Instant, stop: Instant) -> None:
        """Run the ticks (now, stop]."""
        first, last = now[0] + 1, stop[0]
        for current in self.engine.currents:  # none changes after the first tick: see `boundary`
            current.drive_grid(first, first, self.ring)
        queue = self._queue(first, last)
        started = perf_counter()
        tick = first
        while tick <= last:
            self._set_epoch(tick)
            self._make_room()
            tick = self._call(tick, last, queue)
            self._count_spikes()
        took = perf_counter() - started
        aim = (last - first + 1) * A_WHILE / max(took, 1e-6)
        self._chunk = int(min(max(aim, 1), 4 * self._chunk))

    def _set_epoch(self, tick: int) -> None:
        """Count the ticks until which cells are refractory anew before they are too many for 32 bits."""
        if tick - self._epoch > LONGEST_EPOCH:
            for until in self._until:
                until[:] = np.maximum(until.astype(np.int64) - (tick - self._epoch), -LONGEST_EPOCH)
            self._epoch = tick

    def _queue(self, first: int, last: int) -> tuple[Any, ...]:
        """The spikes of the inputs that are no drives, and where each one's begin and end."""
        for source in self._queued:
            source.emit_grid(first, last)
        ends = np.cumsum([s.n for s in self._queued], dtype=np.int64)
        places = (
            np.stack([ends - [s.n for s in self._queued], ends], axis=1) if self._queued else np.zeros((0, 2), np.int64)
        )
        none = [np.empty(0, np.int64)]
        arrays = (
            np.concatenate([getattr(s, name)[: s.n] for s in self._queued] + none)
            for name in ("out_base", "out_index", "out_count")
        )
        return (*arrays, places)

    def _call(self, first: int, last: int, queue: tuple[Any, ...]) -> int:
        """Run the kernel on all parts; returns the next tick."""
        engine, calendar = self.engine, self.engine.calendar
        for flight in self._flights:
            flight.progress[2] = calendar.end

        def work(part: int) -> None:
            flight = self._flights[part]
            self._run(
                part, self.parts, first, last, self.window, engine.clock.unit, self._epoch, self._barrier,
                engine.network.seed,
                self._segments[part], self.ring[0], *self._lists.arrays(part), *queue, *self._drives.arrays(part),
                *flight.arrays(engine.synapse[part]), *self._boxes.arrays(), calendar.base, calendar.source,
                calendar.count, *flight.results(), *self._kind_arrays,
            )  # fmt: skip

        if self._pool is None:
            work(0)
        else:
            list(self._pool.map(work, range(self.parts)))
        calendar.end = int(self._flights[0].progress[2])
        for flight in self._flights:
            engine.synaptic_events += int(flight.progress[3])
            flight.progress[3] = 0
        return int(self._flights[0].progress[0])

    def _make_room(self) -> None:
        """See to it that two windows' worth of spikes fit into flight and calendar."""
        needed = 2 * self._boxes.capacity * self.parts
        self.engine.calendar.make_plain_room(needed)
        for flight in self._flights:
            flight.make_room(needed)
        self._boxes.short[:] = 0

    def in_flight(self) -> dict[str, NDArray[np.int64]]:
        """The spikes that have synapses yet to reach, in the order of their emission."""
        every = np.unique(np.concatenate([f.spikes() for f in self._flights], axis=1), axis=1)
        return dict(zip(("tick", "source", "count"), every))

    def put_in_flight(self, tick: NDArray[np.int64], source: NDArray[np.int64], count: NDArray[np.int64]) -> None:
        """Have these spikes under way now, their slices due by now delivered."""
        for flight in self._flights:
            flight.launch(tick, source, count, self.engine.now[0])

    def _count_spikes(self) -> None:
        calendar, counts = self.engine.calendar, self.engine.spike_counts
        new = slice(calendar.closed, calendar.end)
        calendar.closed = calendar.end
        which = np.searchsorted(self._first_ids, calendar.source[new], side="right") - 1
        found = np.bincount(which, weights=calendar.count[new], minlength=len(self._names))
        for name, n in zip(self._names, found):
            counts[name] += int(n)
        for name, n in self._drives.take_totals():
            counts[name] += n

    def signal(self, now: Instant, name: str, value: float) -> None:
        """Nothing listens to a signal here."""

    def settle(self) -> None:
        """Bring counts up to now: they are."""

    def clear(self) -> None:
        """Forget all arrivals to come."""
        cells: list[Any] = list(self.engine.cells.values())
        for c in cells:
            first, size = c.neurons.slot0, c.neurons.size
            for r in c.kind.inputs:
                self.ring[0, first + r * size : first + (r + 1) * size] = 0.0
        for flight in self._flights:
            flight.clear()
        self._drives.clear(self.engine.now[0])


def _classes(network: CompiledNetwork) -> NDArray[np.int64]:
    """The class of each source: inputs (0, so that it does not show which are drives), cells, inhibitory cells."""
    found = np.zeros(network.n_ids, np.int64)
    for p in network.neurons:
        outgoing = [q.connections for q in network.projections if q.source == p.name]
        negative = outgoing and all(support(c.spec.weight)[1] <= 0.0 for c in outgoing)
        found[p.first_id : p.first_id + p.size] = 2 if negative else 1
    return found


def _straight(network: CompiledNetwork) -> bool:
    """Whether all spikes arrive where they may be added to a variable straight away (Receptor.into)."""
    populations = {p.name: p for p in network.neurons}
    reached = {(p.target, r) for p in network.projections for r in p.connections.receptors}
    for d in network.drives:
        driven = populations[d.population]
        reached.add((d.population, (d.slot - driven.slot0) // driven.size))
    return all(populations[name].model.receptors[r].into for name, r in reached)


def _on_large_pages(n: int, dtype: Any) -> NDArray[Any]:
    """n zeros, where they are many on pages of 2 MB, which numpy asks for in arrays of 4 MB and more."""
    page, width = 1 << 21, dtype.itemsize
    if n * width < page // 8:
        return np.zeros(n, dtype)
    held = np.zeros(n + 3 * page // width, dtype)
    first = -held.ctypes.data % page // width
    return held[first : first + n]


class _Block:
    """The arrays of all cells of a kind, of which each population's own become views.

    Variables that arrivals are added to straight away stand among the inputs instead; `until` counts ticks of an epoch.
    """

    def __init__(self, kind: Kind, cells: list[GridCells], inputs: NDArray[Any], dtype: Any) -> None:
        state = np.concatenate([c.state for c in cells], axis=1).astype(dtype)
        until = np.concatenate([c.until for c in cells])
        refractory = np.concatenate([c.refractory for c in cells])
        if not kind.lazy:
            until = np.maximum(until, -LONGEST_EPOCH).astype(np.int32)
            refractory = np.minimum(refractory, LONGEST_EPOCH).astype(np.int32)
        self.until = until
        since = np.concatenate([np.empty(0, np.int64), *(c.since for c in cells if isinstance(c, LazyCells))])
        first = 0
        for c in cells:
            c.state = self._rows(kind, c.neurons, state[:, first : first + c.neurons.size], inputs)
            c.until = until[first : first + c.neurons.size]
            if isinstance(c, LazyCells):
                c.since = since[first : first + c.neurons.size]
            first += c.neurons.size
        own = np.concatenate([c.own for c in cells], axis=1).astype(dtype)
        own_c = np.concatenate([c.own_c for c in cells], axis=1).astype(dtype)
        named: dict[str, Any] = {
            **{f"state_{k}": row for k, row in enumerate(state)},
            **{f"own_{k}": row for k, row in enumerate(own)},
            **{f"own_c_{k}": row for k, row in enumerate(own_c)},
            "until": until,
            "since": since,
            "refractory": refractory,
            "shared": np.array([c.shared for c in cells], dtype),
            "shared_c": np.array([c.shared_c for c in cells], dtype),
        }
        names = (name.removesuffix("_of_0") for name in kind_arguments(kind, 0))
        self.arrays = [named[name] for name in names]

    @staticmethod
    def _rows(kind: Kind, neurons: Neurons, state: NDArray[Any], inputs: NDArray[Any]) -> Any:
        """The rows of a population's state, those among the inputs moved there."""
        if not kind.straight:
            return state
        rows, variables = list(state), list(kind.model.variables())
        for r in kind.straight:
            v = variables.index(kind.model.receptors[r].into)
            first = neurons.slot0 + r * neurons.size
            inputs[first : first + neurons.size] = rows[v]
            rows[v] = inputs[first : first + neurons.size]
        return rows


class _Boxes:
    """Where parts leave the spikes of a window for each other: two sets, so that one meeting a window is enough."""

    def __init__(self, parts: int, capacity: int) -> None:
        self.capacity = capacity
        self._spikes = [np.empty((2, parts, capacity), np.int64) for _ in range(3)]
        self._n = np.zeros((2, parts), np.int64)
        self.short = np.zeros((2, parts), np.int64)

    def arrays(self) -> tuple[Any, ...]:
        """Ticks, sources, counts, numbers, and whether a part is short of room."""
        return (*self._spikes, self._n, self.short)


class _Flight:
    """The spikes in flight to one part, in order of emission, and what is due (kernels/flight.py)."""

    def __init__(self, loop: TickLoop, part: int) -> None:
        self.rows = loop.engine.network.static[part]
        self.progress = np.zeros(5, np.int64)
        lazy = [c.neurons.size for c in loop.engine.cells.values() if isinstance(c, LazyCells)]
        self._fired = np.zeros(max([LARGEST_SWEEP, *lazy]) // 2 * 2 + 2, np.int32)
        self._taken = np.zeros(loop.parts, np.int64)
        self._spikes = [np.full(0, NEVER)] * 8
        self._class = loop.classes
        self._due: list[Any] = []
        self.make_room(1 << 10)

    def make_room(self, n: int) -> None:
        """Have room for at least n spikes more."""
        begin, end = self.progress[[1, 4]]
        if self._spikes[0].size - GROUP - (end - begin) >= n:
            return
        there = np.arange(begin, end) & (self._spikes[0].size - 1)
        there = there[self._spikes[0][there] < NEVER]
        size = 1 << int(2 * (there.size + n) + GROUP).bit_length()
        for k, old in enumerate(self._spikes):
            self._spikes[k] = np.full(size, NEVER)
            self._spikes[k][: there.size] = old[there]
        self._soonest = self._spikes[0].reshape(-1, GROUP).min(axis=1)
        self._due = [np.zeros(CLASSES, np.int64), *(np.zeros((CLASSES, size), np.int64) for _ in range(3))]
        self.progress[[1, 4]] = 0, there.size

    def arrays(self, synapse: Any) -> tuple[Any, ...]:
        """Rows of synapses, spikes in flight, the list of due slices."""
        rows = self.rows
        return (
            rows.row, rows.row_start, rows.slice_delay, rows.slice_end, synapse, self._class, *self._spikes,
            self._soonest, *self._due,
        )  # fmt: skip

    def spikes(self) -> NDArray[np.int64]:
        """(tick, source, count) of what is under way, in rows."""
        begin, end = self.progress[[1, 4]]
        there = np.arange(begin, end) & (self._spikes[0].size - 1)
        there = there[self._spikes[0][there] < NEVER]
        source = np.searchsorted(self.rows.row, self._spikes[2][there]) - 1
        return np.stack([self._spikes[5][there], source, self._spikes[6][there]])

    def launch(self, tick: NDArray[np.int64], source: NDArray[np.int64], count: NDArray[np.int64], now: int) -> None:
        """Have these spikes under way and no others, those of their slices that were due up to `now` delivered."""
        self.clear()
        self.make_room(tick.size)
        rows = self.rows
        self.progress[[1, 4]] = launch_again(
            tick, source, count, now, (*self._spikes, self._soonest), self._class, rows.row, rows.row_start,
            rows.slice_delay, rows.slice_end, tuple(self._due),
        )  # fmt: skip

    def results(self) -> tuple[Any, ...]:
        """Progress, and scratch of the merge and of the cells' kernels."""
        return self.progress, self._taken, self._fired, self._fired.view(np.int64), np.empty((0, 1))

    def clear(self) -> None:
        """Land everything."""
        self._spikes[0][:] = NEVER
        self._soonest[:] = NEVER
        self.progress[[1, 4]] = 0

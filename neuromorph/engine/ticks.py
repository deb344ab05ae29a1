"""The loop of static networks on the grid: many ticks in one kernel call, one thread for each part of the network."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.engine.cells import GridCells
from neuromorph.engine.lazy_cells import ActiveLists, LazyCells
from neuromorph.kernels import barrier
from neuromorph.kernels.grid_cells import Kind, step_arguments
from neuromorph.kernels.ticks import tick_kernels
from neuromorph.lowered.partition import bounds

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine, Instant

#: seconds that a call should take: signals, progress and the recorder wait that long
A_WHILE = 0.05
#: spikes that a window may emit at most, which the buffers must hold
LARGEST_WINDOW = 1 << 19
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
        self.ring = np.zeros((1, network.n_slots))
        self.parts = network.parts
        self.window = int(min(network.smallest_delay, max(1, LARGEST_WINDOW // max(network.n_ids, 1))))
        self._drives = engine.drives
        cells: list[Any] = list(engine.cells.values())
        self._kinds = tuple(dict.fromkeys(c.kind for c in cells))
        dtype = np.dtype(engine.precision)
        blocks = [_Block(kind, [c for c in cells if c.kind == kind], dtype) for kind in self._kinds]
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
        """One row a population: kind, first id, low, high, size, first slot, column in block, rank, stream, list."""
        column, rank = dict.fromkeys(self._kinds, 0), dict.fromkeys(self._kinds, 0)
        rows = []
        queued = {s.input.name: k for k, s in enumerate(self._queued)}
        for p in self._everyone():
            if p.name in self.engine.cells:
                cells: Any = self.engine.cells[p.name]
                low, high = bounds(p.size, self.parts)[part : part + 2]
                k = self._kinds.index(cells.kind)
                place = column[cells.kind], rank[cells.kind]
                active = self._lists.number.get(p.name, 0)
                rows.append((k, p.first_id, low, high, p.size, p.slot0, *place, cells.key[1], active))
                column[cells.kind] += p.size
                rank[cells.kind] += 1
            elif p.name in queued and part == 0:
                rows.append((SOURCE, p.first_id, 0, p.size, p.size, 0, 0, queued[p.name], 0, 0))
        return np.array(rows, np.int64).reshape(len(rows), 10)

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
            self._make_room()
            tick = self._call(tick, last, queue)
            self._count_spikes()
        took = perf_counter() - started
        aim = (last - first + 1) * A_WHILE / max(took, 1e-6)
        self._chunk = int(min(max(aim, 1), 4 * self._chunk))

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
                part, self.parts, first, last, self.window, engine.clock.unit, self._barrier, engine.network.seed,
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
        self.ring[:] = 0.0
        for flight in self._flights:
            flight.clear()
        self._drives.clear(self.engine.now[0])


class _Block:
    """The arrays of all cells of a kind, of which each population's own become views."""

    def __init__(self, kind: Kind, cells: list[GridCells], dtype: Any) -> None:
        state = np.concatenate([c.state for c in cells], axis=1).astype(dtype)
        until = np.concatenate([c.until for c in cells])
        since = np.concatenate([np.empty(0, np.int64), *(c.since for c in cells if isinstance(c, LazyCells))])
        first = 0
        for c in cells:
            c.state = state[:, first : first + c.neurons.size]
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
            "refractory": np.concatenate([c.refractory for c in cells]),
            "shared": np.array([c.shared for c in cells], dtype),
            "shared_c": np.array([c.shared_c for c in cells], dtype),
        }
        self.arrays = [named[name] for name in step_arguments(kind) if name in named]


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
    """The spikes in flight to one part: places, the wheel of ticks, and what is due."""

    def __init__(self, loop: TickLoop, part: int) -> None:
        network = loop.engine.network
        self.part = part
        self.rows = network.static[part]
        horizon = int(self.rows.slice_delay.max(initial=0)) + 1
        self.capacity = 0
        self.progress = np.zeros(4, np.int64)
        self._wheel = np.full(horizon, -1, np.int64), np.full(horizon, -1, np.int64)
        self._fired = np.zeros(2 * (max([p.size for p in network.neurons], default=0) // 2 + 1), np.int32)
        self._places: list[Any] = [np.empty(0, np.int64) for _ in range(9)]
        self.make_room(1 << 10)

    def make_room(self, n: int) -> None:
        """Have at least n free places."""
        if self.progress[1] >= n:
            return
        old, new = self.capacity, 2 * (self.capacity + n)
        free = np.empty(new, np.int64)
        held = int(self.progress[1])
        free[:held] = self._places[0][:held]
        free[held : held + new - old] = np.arange(new - 1, old - 1, -1)
        self.progress[1] = held + new - old
        kept = [np.concatenate([a, np.zeros(new - old, np.int64)]) for a in self._places[1:]]
        self._places = [free, *kept]
        self.capacity = new

    def arrays(self, synapse: Any) -> tuple[Any, ...]:
        """Rows of synapses, places in flight, the wheel, the list of due slices."""
        rows, places = self.rows, self._places
        return (
            rows.row, rows.row_start, rows.slice_delay, rows.slice_end, synapse, *places[:6], *self._wheel, *places[6:],
        )  # fmt: skip

    def results(self) -> tuple[Any, ...]:
        """Progress, and scratch of the cells' kernels."""
        return self.progress, self._fired, self._fired.view(np.int64), np.empty((0, 1))

    def clear(self) -> None:
        """Land everything."""
        for wheel in self._wheel:
            wheel[:] = -1
        self._places[0][:] = np.arange(self.capacity)
        self.progress[1] = self.capacity

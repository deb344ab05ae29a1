"""Exact mode: spans of look-ahead windows in one call of a kernel, or window by window where Python has a say."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.engine.exact_cells import ExactCells
from neuromorph.engine.exact_drives import ExactDrives
from neuromorph.engine.learning import Pending
from neuromorph.engine.structure import shown
from neuromorph.engine.windows import listeners
from neuromorph.kernels import exact, visits
from neuromorph.kernels.exact_cells import Kind, driver, walk_kernels
from neuromorph.kernels.exact_visits import visiting
from neuromorph.lowered.compiled import CompiledNetwork, Neurons

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine, Instant

#: a span of windows grows until it takes so many seconds of wall time: signals and progress are looked at in between
LONG_ENOUGH, TOO_LONG = 0.03, 0.1
#: windows with fewer arrivals a cell than this visit cells instead of dealing arrivals out first
DEALT = 1
_NOTHING = np.empty(0, np.int32), np.empty(0), np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64)


class ExactWindows:
    """Windows of continuous time; arrivals are dealt out to cells and each cell is walked through its own.

    Plastic projections and signals that populations send are looked after in Python, after each window.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        network = engine.network
        self.pending = Pending()
        self._visited, self._remembering = listeners(engine)
        self._stepwise = bool(self._visited or self._remembering or engine.signals_of_populations)
        self._span = 1
        self._marks = np.zeros(exact.MARKS, np.int64)
        kinds = _kinds(network)
        self._driver = driver(kinds)
        self._visiting = visiting(kinds)
        assert isinstance(engine.drives, ExactDrives)
        self.drives = engine.drives
        self._cells = self._make_cells(kinds)
        self._slots = exact.Slots(network.neuron_of_slot, network.receptor_of_slot)
        self._population_of, self._spike_counts = _populations(engine)
        self._streams = np.array([engine.cells[p.name].key[1] for p in network.neurons], np.int64)
        cells = engine.cells.values()  # where any is archived, all write there
        self._archive_width = max(len(c.variables) for c in cells) if any(c._archived for c in cells) else 0
        self._rows_of_part = np.zeros(network.parts + 1, np.int64)
        self._make_batches(1 << 10)
        self._make_spikes(1 << 10)
        self._make_records(1 << 12)
        self._make_own(1 << 13)
        self._make_visits()
        self._inputs = exact.Inputs(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))

    def _make_cells(self, kinds: tuple[Kind, ...]) -> Any:
        network = self.engine.network
        n, populations = network.n_neurons, network.neurons
        width = max((len(p.model.variables()) for p in populations), default=0)
        own = max((len(p.own) for p in populations), default=0)
        parameters = max((len(p.model.parameters()) for p in populations), default=0)
        integers = partial(np.zeros, dtype=np.int64)
        dues = integers(8 * (n // 64 + 1))
        cells = exact.Cells(
            _lines(n, exact.VARIABLES + width), integers(n), integers((n >> int(exact.STRETCH_BITS)) + 1),
            dues.view(np.uint8), dues, np.zeros(n, np.int32), integers(n), integers(n), integers(len(populations)),
            np.zeros((n, own)), np.zeros((len(populations), parameters)),
        )  # fmt: skip
        self._populations = np.zeros((network.parts, len(populations), 7), np.int64)
        for k, p in enumerate(populations):
            mine = self.engine.cells[p.name]
            assert isinstance(mine, ExactCells)
            part = slice(p.first_neuron, p.first_neuron + p.size)
            kind = kinds.index((p.model, p.own))
            mine.place(walk_kernels(kinds[kind]), cells.row[part], cells.wake[part], cells.own[part])
            cells.shared[k, : mine.shared.size] = mine.shared
            self._populations[:, k, :2] = p.first_neuron, p.first_id
            self._populations[:, k, 2], self._populations[:, k, 3] = mine.bounds[:-1], mine.bounds[1:]
            self._populations[:, k, 4:] = kind, p.slot0, p.size
        return cells

    def _make_batches(self, n: int) -> None:
        f, i = (lambda: np.zeros(n + 1)), (lambda: np.zeros(n + 1, np.int64))
        self._batches = exact.Batches(f(), f(), i(), i(), i(), i(), i(), i(), f(), f(), i())

    def _make_own(self, n: int) -> None:
        self._own = exact.Own(
            np.zeros(n),
            np.zeros(n),
            np.zeros(n, np.int64),
            np.zeros(exact.CELLS, np.int64),
            np.zeros(exact.CELLS, np.int64),
            np.zeros(n),
            np.zeros((max((len(p.model.decay_names) for p in self.engine.network.neurons), default=0), n)),
        )

    def _make_records(self, n: int) -> None:
        self._record = np.zeros(n, np.int64)
        self._aside = visits.Aside(np.zeros(n, np.int64), np.zeros(n, np.int64))

    def _make_visits(self) -> None:
        f, i = (lambda: np.zeros(visits.ROOM)), (lambda: np.zeros(visits.ROOM, np.int64))
        variables = self._cells.row.shape[1] - exact.VARIABLES
        self._visits = visits.Visits(i(), i(), f(), f(), f(), f(), np.zeros((variables, visits.ROOM)))

    def _make_spikes(self, n: int) -> None:
        old = getattr(self, "_spikes_of_window", None)
        columns: list[Any] = [np.zeros(n), np.zeros(n, np.int64), np.zeros(n, np.int64)]
        columns.append(np.zeros((n if self._archive_width else 0, self._archive_width)))
        for new, kept in zip(columns, old or ()):
            new[: kept.shape[0]] = kept
        columns += [np.zeros(n, np.int64), np.zeros(n + 1, np.int64)]
        self._spikes_of_window = exact.Spikes(*columns)

    def clear(self) -> None:
        """Forget all arrivals to come."""
        self.pending.n = 0
        self.drives.forget(self.engine.now, self.engine.clock.unit)

    def settle(self) -> None:
        """Count what the drives have emitted."""
        self.drives.count(self.engine.now, self.engine.clock.unit, self.engine.spike_counts)

    def boundary(self, now: Instant, one: bool = False) -> Instant:
        """Where the span of windows that begins now ends."""
        unit = self.engine.clock.unit
        first = now[0] + 1 if now[1] >= unit else now[0]
        changes = [c.next_base() for c in self.engine.currents]
        if self._stepwise or first >= min(changes, default=first + 1):
            return first, unit
        return min(first + self._span, *changes, first + self._span) - 1, unit

    def advance(self, now: Instant, stop: Instant) -> None:
        """Run (now, stop]."""
        engine, started = self.engine, perf_counter()
        unit = engine.clock.unit
        first, low = (now[0] + 1, 0.0) if now[1] >= unit else now
        base, high = stop
        self._emit(stop)
        self._marks[exact.INPUTS] = 0
        self._cells.least[:] = -1  # states may have been set
        if engine.network.parts == 1 and not self._stepwise:
            self._marks[exact.LOOSE] = 0
            self._loose = exact.Loose(*_NOTHING)
            if any(c.next_base() <= base for c in engine.currents):
                self._take_loose(base, low, high)
            self._run(0, first, base, low, high, True)
        else:
            for window in range(first, base + 1):
                self._window(now, window, low if window == first else 0.0, high if window == base else unit)
                now = window, unit
        self._count()
        spent = perf_counter() - started
        if base - first + 1 >= self._span:
            self._span = 2 * self._span if spent < LONG_ENOUGH else self._span
        if spent > TOO_LONG:
            self._span = max(1, self._span // 2)

    def _window(self, now: Instant, base: int, low: float, high: float) -> None:
        """One window, part by part, and what is learnt from its spikes."""
        engine, calendar = self.engine, self.engine.calendar
        self._take_loose(base, low, high)
        for part in range(engine.network.parts):
            self._run(part, base, base, low, high, False)
            self._rows_of_part[part + 1] = self._marks[exact.SPIKES]
        if self._stepwise:
            self._hand_out(base)
        before = calendar.end
        while (need := self._close(base, high)) != exact.DONE:
            self._grow(need)
            before = calendar.end
        if calendar.end > before and self._stepwise:
            self._learn(now, before)
            engine.emitted(before, calendar.closed)

    def _learn(self, now: Instant, first: int) -> None:
        """Postsynaptic spikes into the histories, then the rows of the presynaptic ones."""
        engine = self.engine
        for part, name, number in self._remembering:
            if engine.cells[name].n:
                part.remember(engine.cells[name], number, now)
        emitters: dict[str, Any] = {**engine.cells, **engine.sources}
        emitted = {name for name, emitter in emitters.items() if emitter.n}
        for part, name in self._visited:
            if name in emitted:
                engine.synaptic_events += part.visit(engine.calendar, first, engine.calendar.closed, self.pending)

    def signal(self, now: Instant, name: str, value: float) -> None:
        """Apply an event of a signal to all synapses that listen to it."""
        for part, read in self.engine.listening(name):
            part.signal(now, value, [shown(self.engine, *item) for item in read])

    def _emit(self, stop: Instant) -> None:
        """The spikes of the inputs up to `stop`, in order of (instant, id): nothing that happens can change them."""
        found = []
        for source in self.engine.sources.values():
            source.emit_exact(stop[0], 0.0, stop[1])
            n, first_id = source.n, source.input.first_id
            if n:
                found.append(
                    (source.out_base[:n], source.out_offset[:n], source.out_index[:n] + first_id, source.out_count[:n])
                )
        if not found:
            if self._inputs.base.size:
                self._inputs = exact.Inputs(*(a[:0] for a in self._inputs))
            return
        base, offset, ids, count = (np.concatenate([f[k] for f in found]) for k in range(4))
        order = np.lexsort((ids, offset, base))
        self._inputs = exact.Inputs(base[order], offset[order], ids[order], count[order])

    def _take_loose(self, base: int, low: float, high: float) -> None:
        """What arrives in (low, high] one by one: from plastic synapses and as changes of currents."""
        columns = [self.pending.take(base, low, high)] if self.pending.n else []
        for number, current in enumerate(self.engine.currents):
            for offset, slots, amplitude in current.arrivals(base, high):
                size = slots.size
                columns.append((slots, np.full(size, offset), amplitude, np.full(size, number), np.arange(size)))
        columns = columns or [_NOTHING]
        self._loose = exact.Loose(*(np.concatenate([c[k] for c in columns]) for k in range(5)))
        self._marks[exact.LOOSE] = self._loose.slot.size

    def _run(self, part: int, first: int, stop: int, low: float, high: float, closing: bool) -> None:
        """Windows first..stop of one part; `closing`: close each."""
        engine, marks = self.engine, self._marks
        marks[exact.BASE], marks[exact.PHASE] = first, 0
        marks[exact.DEALT] = DEALT * engine.network.n_neurons if self._visiting else 0
        rows = engine.network.static[part]
        words = engine.synapse[part].view(np.uint32).reshape(-1, 2)  # slot, and the bits of the weight
        static = exact.Rows(rows.row, rows.row_start, rows.slice_delay, rows.slice_end, rows.delays, words)
        loose = self._loose_of(part)
        marks[exact.LOOSE] = loose.slot.size
        while True:
            calendar = self._calendar()
            need = self._driver(
                stop, low if marks[exact.BASE] == first else 0.0, high, engine.clock.unit, engine.calendar.horizon,
                closing, engine.network.seed, self._populations[part], self._streams, marks, calendar, static,
                loose, self._inputs, self._batches, self._slots, self._cells, self._record, self._own,
                self._visits, self._aside, self._spikes_of_window, self.drives.arrays, self._population_of,
                self._spike_counts,
            )  # fmt: skip
            self._settle_calendar(min(int(marks[exact.BASE]), stop))
            if need == exact.DONE:
                return
            self._grow(int(need))

    def _loose_of(self, part: int) -> Any:
        if self.engine.network.parts == 1 or not self._loose.slot.size:
            return self._loose
        neuron = self.engine.network.neuron_of_slot[self._loose.slot]
        mine = np.zeros(neuron.size, bool)
        for zero, _, low, high, *_ in self._populations[part]:
            mine |= (neuron >= zero + low) & (neuron < zero + high)
        return exact.Loose(*(a[mine] for a in self._loose))

    def _calendar(self) -> Any:
        calendar, marks = self.engine.calendar, self._marks
        marks[exact.END], marks[exact.CLOSED], marks[exact.BUCKET] = calendar.end, calendar.closed, calendar._bucket
        return exact.Calendar(
            calendar.base, calendar.offset, calendar.source, calendar.count, calendar.bucket_start, calendar.bucket_end
        )

    def _settle_calendar(self, base: int) -> None:
        calendar, marks = self.engine.calendar, self._marks
        calendar.end = calendar.closed = int(marks[exact.END])
        calendar._bucket = int(marks[exact.BUCKET])
        calendar._oldest = max(0, base - calendar.horizon)

    def _close(self, base: int, high: float) -> int:
        calendar = self._calendar()
        need = exact.close_window(
            base, high, self.engine.clock.unit, self._marks, self._spikes_of_window, self._inputs, calendar,
            self._population_of, self._spike_counts,
        )  # fmt: skip
        self._settle_calendar(base)
        return int(need)

    def _grow(self, need: int) -> None:
        wanted = int(self._marks[exact.NEEDED])
        if need == exact.MORE_BATCHES:
            self._make_batches(2 * wanted)
        elif need == exact.MORE_RECORDS:
            self._make_records(2 * wanted)
        elif need == exact.MORE_SPIKES:
            self._make_spikes(2 * max(wanted, self._spikes_of_window.offset.size))
        elif need == exact.MORE_CALENDAR:
            self.engine.calendar.make_room(wanted)
        elif need == exact.MORE_OWN:
            self._make_own(2 * self._own.time.size)
        else:
            self.drives.grow()

    def _hand_out(self, base: int) -> None:
        """The window's spikes as their populations show them to rules: by part, then in order of cell and time."""
        n = int(self._marks[exact.SPIKES])
        spikes = self._spikes_of_window
        for cells in self.engine.cells.values():
            first, size = cells.neurons.first_id, cells.neurons.size
            mine = np.flatnonzero((spikes.source[:n] >= first) & (spikes.source[:n] < first + size))
            cells.n = mine.size
            cells.rows_of_part = np.searchsorted(mine, self._rows_of_part)
            cells.out_base = np.full(mine.size, base)
            cells.out_offset, cells.out_count = spikes.offset[mine], spikes.count[mine]
            cells.out_index = spikes.source[mine] - first
            if cells._archived:
                cells.archive = np.ascontiguousarray(spikes.archive[mine, : len(cells.variables)])

    def _count(self) -> None:
        engine = self.engine
        engine.synaptic_events += int(self._marks[exact.EVENTS]) + self.drives.take_arrivals()
        self._marks[exact.EVENTS] = 0
        for k in np.flatnonzero(self._spike_counts):
            engine.spike_counts[self._names[k]] += int(self._spike_counts[k])
        self._spike_counts[:] = 0

    @property
    def _names(self) -> list[str]:
        network = self.engine.network
        return [p.name for p in network.neurons] + [p.name for p in network.inputs]


def _lines(n: int, width: int) -> Any:
    """float64[n, at least `width`] of zeros, each row in cache lines of its own."""
    width = 8 * ((width + 7) // 8)
    room = np.zeros(n * width + 8)
    first = -room.ctypes.data % 64 // 8
    return room[first : first + n * width].reshape(n, width)


def _kinds(network: CompiledNetwork) -> tuple[Kind, ...]:
    """The kinds of populations: few networks have more than one."""
    found: dict[Kind, Neurons] = {(p.model, p.own): p for p in network.neurons}
    return tuple(sorted(found, key=lambda kind: (kind[0].name, kind[0].__qualname__, kind[1])))


def _populations(engine: Engine) -> Any:
    """Number of the population of each id, and a count of spikes for each population."""
    network = engine.network
    everyone: list[Any] = [*network.neurons, *network.inputs]
    number = np.zeros(network.n_ids, np.int32)
    for k, p in enumerate(everyone):
        number[p.first_id : p.first_id + p.size] = k
    return number, np.zeros(len(everyone), np.int64)

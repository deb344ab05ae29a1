"""Exact mode by sums: the windows of a network whose cells all have many arrivals (lowered/dense.py)."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.engine.exact_cells import ExactCells
from neuromorph.engine.exact_windows import _NOTHING, ExactWindows
from neuromorph.kernels import dense, dense_drives, exact
from neuromorph.kernels.gaps import BLOCK
from neuromorph.lowered.compiled import Neurons
from neuromorph.lowered.lazy import expected

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine, Instant

#: arrivals that a cell is expected to have in a bin: more bins are more sweeps, fewer are more cells to be walked
PER_BIN = 4.0
MOST_BINS = 64
#: arrivals of drives in a window, at first
ROOM = 1 << 14


class DenseWindows(ExactWindows):
    """Windows of lif_delta cells by sums; where I_stim lifts a cell above threshold they are walked from then on."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        network = engine.network
        self._sums_hold = True
        self._marks = np.zeros(dense_drives.ALL_MARKS, np.int64)
        self._tau = float(network.neurons[0].parameters["tau_m"][0])
        self._constants = np.array([_constants(p) for p in network.neurons])
        self._ranges = self._populations.copy()
        self._ranges[:, :, dense_drives.SLOT] = [p.slot0 for p in network.neurons]
        n, slots = network.n_neurons, network.n_slots
        self._membranes = dense.Membranes(np.zeros(n), np.zeros(n), np.zeros(n))
        arrivals = sum(expected(network, p) * p.size for p in network.neurons) / n
        bins = int(np.clip(arrivals / PER_BIN, 1, MOST_BINS))
        width = slots + 16 - slots % 16 + 8  # an odd number of cache lines: rows of one slot lie in all sets
        self._sums = dense_drives.Sums(
            np.zeros((bins, 2, width)), np.zeros(width, np.uint8), np.zeros(n + 1, np.int64), np.zeros(width, np.int64)
        )
        n_driven = max(sum(d.weight.size for d in network.drives), 1)
        places = np.zeros(n_driven, np.int64), np.zeros(n_driven, np.int64)
        self._driven = dense_drives.Driven(np.zeros(ROOM), *places)
        self._make_dense_buffers()
        self._parts = [self, *(self._another() for _ in range(network.parts - 1))]
        self._pool = ThreadPoolExecutor(network.parts) if network.parts > 1 else None

    def _make_dense_buffers(self) -> None:
        most = max((d.rate * self.engine.clock.unit for d in self.engine.network.drives), default=0.0)
        self._make_chunk(int(2.0 * most) + 64, self._sums.jumps.shape[0])
        self._make_rise()
        self._make_hits()

    def _another(self) -> DenseWindows:
        """The same cells with buffers of its own, for another part: a thread takes it through a window."""
        other = copy.copy(self)
        other._marks = np.zeros_like(self._marks)
        other._sums = self._sums._replace(flagged=np.zeros_like(self._sums.flagged))
        other._driven = self._driven._replace(time=np.zeros(ROOM))
        other._record = np.zeros_like(self._record)
        other._make_batches(self._batches.at.size)
        other._make_spikes(self._spikes_of_window.offset.size)
        other._make_own(self._own.time.size)
        other._make_dense_buffers()
        return other

    def _make_chunk(self, room: int, bins: int) -> None:
        n, calls = dense_drives.CHUNK, dense_drives.CHUNK * BLOCK // 2
        f, i = np.zeros, (lambda n: np.zeros(n, np.int64))
        self._chunk = dense_drives.Chunk(
            i(n), i(n), f(n), i(n), i(n), i(calls), i(calls), f(calls), f(calls), f((n, BLOCK)), f((n, room)),
            f(n * room), i(n * room), f((4, bins, n)),
        )  # fmt: skip

    def _make_rise(self) -> None:
        n = self._batches.at.size
        self._rise = dense.Rise(np.zeros(n), np.zeros(n, np.int64), np.zeros(n, np.int64))

    def _make_hits(self) -> None:
        n, m, k = self._record.size, self._own.time.size, self._batches.at.size
        self._hits = dense.Hits(
            self._record, np.zeros(k, np.int64), np.zeros(self.engine.network.n_neurons + 2, np.int64),
            np.zeros(n, np.int64), np.zeros(n), np.zeros(m), np.zeros(m), np.zeros(m, np.int64), np.zeros(m),
        )  # fmt: skip

    def advance(self, now: Instant, stop: Instant) -> None:
        """Run (now, stop]."""
        populations = zip(self.engine.network.neurons, self._constants)
        if self._sums_hold and any(self._lifted(p, row) for p, row in populations):
            self._sums_hold = False
            for cells in self.engine.cells.values():
                assert isinstance(cells, ExactCells)
                cells.settle(*now)
        super().advance(now, stop)

    def _window(self, now: Instant, base: int, low: float, high: float) -> None:
        """One window, all parts at once: each has its own cells, sums and buffers."""
        if self._pool is None or not self._sums_hold:
            super()._window(now, base, low, high)
            return
        each = [self._pool.submit(w._run, k, base, base, low, high, False) for k, w in enumerate(self._parts)]
        for done in each:
            done.result()
        for other in self._parts[1:]:
            self._take_spikes(other)
        while (need := self._close(base, high)) != exact.DONE:
            self._grow(need)

    def _take_spikes(self, other: DenseWindows) -> None:
        n, more = int(self._marks[exact.SPIKES]), int(other._marks[exact.SPIKES])
        if n + more > self._spikes_of_window.offset.size:
            self._make_spikes(2 * (n + more))
        for mine, others in zip(self._spikes_of_window[:3], other._spikes_of_window):
            mine[n : n + more] = others[:more]
        self._marks[exact.SPIKES] = n + more
        self._marks[exact.EVENTS] += other._marks[exact.EVENTS]
        other._marks[[exact.SPIKES, exact.EVENTS]] = 0

    def _lifted(self, p: Neurons, constants: Any) -> bool:
        """Whether somebody has set I_stim so that a cell rests above threshold, where it fires without an arrival."""
        cells = self.engine.cells[p.name]
        stim = cells.state[cells.variables.index("I_stim")]
        rest = constants[dense.E_L] + (constants[dense.I_E] + stim) * constants[dense.GAIN]
        return bool(np.any(rest >= constants[dense.V_TH]))

    def _run(self, part: int, first: int, stop: int, low: float, high: float, closing: bool) -> None:
        """Windows first..stop of one part; `closing`: close each."""
        if not self._sums_hold:
            super()._run(part, first, stop, low, high, closing)
            return
        engine, marks = self.engine, self._marks
        marks[exact.BASE], marks[exact.PHASE], marks[dense_drives.FRESH] = first, dense.FRAME, 1
        rows = engine.network.static[part]
        synapses = engine.synapse[part]
        words = synapses.view(np.uint32).reshape(-1, 2)  # slot, and the bits of the weight
        static = exact.Rows(rows.row, rows.row_start, rows.slice_delay, rows.slice_end, rows.delays, words)
        pairs = synapses.view(np.int64)
        loose = exact.Loose(*_NOTHING)
        while True:
            need = dense.run(
                stop, low if marks[exact.BASE] == first else 0.0, high, engine.clock.unit, self._tau,
                engine.calendar.horizon, closing, engine.network.seed, self._ranges[part], self._constants, marks,
                self._calendar(), static, pairs, loose, self._inputs, self._batches, self._rise, self._cells,
                self._membranes, self._sums, self.drives.arrays, self._driven, self._chunk, self._hits,
                self._spikes_of_window, self._population_of, self._spike_counts,
            )  # fmt: skip
            self._settle_calendar(min(int(marks[exact.BASE]), stop))
            if need == exact.DONE:
                return
            self._grow(int(need))

    def _grow(self, need: int) -> None:
        if need == exact.MORE_DRIVEN:
            wanted = int(self._marks[exact.NEEDED])
            time = self._driven.time
            self._driven = self._driven._replace(time=np.concatenate([time, np.zeros(wanted - time.size)]))
            return
        if need == exact.MORE_OWN and self._marks[exact.PHASE] == dense.DRAW:
            self._make_chunk(int(self._marks[exact.NEEDED]), self._sums.jumps.shape[0])
            return
        super()._grow(need)
        if need == exact.MORE_BATCHES:
            self._make_rise()
            self._make_hits()
        elif need == exact.MORE_RECORDS:
            self._make_hits()
        elif need == exact.MORE_OWN:
            n = self._own.time.size
            arrivals = {name: np.zeros(n) for name in ("time", "jump", "factor")}
            self._hits = self._hits._replace(**arrivals, source=np.zeros(n, np.int64))


def _constants(p: Neurons) -> list[float]:
    given = {name: float(values[0]) for name, values in p.parameters.items()}
    gain = given["tau_m"] / given["C_m"]
    return [gain, *(given[name] for name in ("E_L", "I_e", "V_th", "V_reset", "t_ref"))]

"""The mutable state of Poisson inputs that drive a population cell by cell, in exact mode."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuromorph.kernels import exact, rng
from neuromorph.kernels.gaps import BLOCK
from neuromorph.lowered.compiled import CompiledNetwork, Drive

NEVER = 1 << 59
#: arrivals at a few cells in one window, at first
ROOM = 1 << 12


class ExactDrives:
    """Where each driven cell's process is; `arrays` is what kernels take."""

    def __init__(self, network: CompiledNetwork) -> None:
        self.network = network
        first_id = {p.name: p.first_id for p in network.inputs}
        number = {p.name: k for k, p in enumerate(network.neurons)}
        self._drives = sorted(network.drives, key=lambda d: (number[d.population], first_id[d.input]))
        sizes = [d.weight.size for d in self._drives]
        first = np.cumsum([0, *sizes])[:-1] if sizes else np.zeros(1, np.int64)
        owner = np.array([number[d.population] for d in self._drives], np.int64)
        n, total = max(len(self._drives), 1), max(sum(sizes), 1)

        def one(values: list[Any], dtype: Any) -> Any:
            return np.array(values or [0], dtype)

        self.arrays = exact.Drives(
            np.searchsorted(owner, np.arange(len(network.neurons) + 1)), first.astype(np.int64),
            one([d.delay for d in self._drives], float),
            one([1.0 / d.rate if d.rate else 0.0 for d in self._drives], float),
            one([_receptor(network, d) for d in self._drives], np.int64),
            one([first_id[d.input] for d in self._drives], np.int64),
            one([rng.stream(f"{d.input}/spikes") for d in self._drives], np.int64),
            np.concatenate([d.weight for d in self._drives] or [np.zeros(1, np.float32)]),
            np.full(total, -1), np.full(total, network.clock.unit), np.full(total, -1), np.full(total, -1),
            np.zeros((total, BLOCK)), np.zeros((3, n, exact.CELLS)), np.zeros(ROOM), np.zeros(ROOM),
            np.zeros(ROOM, np.int64), np.zeros(ROOM, np.int64), np.zeros(exact.CELLS + 1, np.int64),
            np.zeros(1, np.int64),
        )  # fmt: skip
        for k, drive in enumerate(self._drives):
            if not drive.rate:
                mine = slice(int(first[k]), int(first[k]) + sizes[k])
                self.arrays.drawn[mine], self.arrays.next_base[mine] = 0, NEVER

    def weight(self, name: str) -> Any:
        """The weights of the drive of an input, float32[size], as a view."""
        k = next(k for k, d in enumerate(self._drives) if d.input == name)
        first = int(self.arrays.first[k])
        return self.arrays.weight[first : first + self._drives[k].weight.size]

    def grow(self) -> None:
        """Make room for more arrivals at one cell in one window."""
        size = 2 * self.arrays.time.size
        integers = {name: np.zeros(size, np.int64) for name in ("kind", "which")}
        self.arrays = self.arrays._replace(time=np.zeros(size), power=np.zeros(size), **integers)

    def stretch(self, before: Any, now: tuple[int, float]) -> None:
        """Have what is left of each gap, drawn with intervals of `before` (ms), be as long as those of now make it."""
        a, unit = self.arrays, self.network.clock.unit
        for k, drive in enumerate(self._drives):
            old, new = float(before[k]), float(a.interval[k])
            mine = slice(int(a.first[k]), int(a.first[k]) + drive.weight.size)
            if old == new:
                continue
            if not new:
                a.next_base[mine] = NEVER
            elif not old:  # the first gap begins now
                a.drawn[mine], a.next_base[mine], a.next_offset[mine] = -1, *now
            else:
                left = ((a.next_base[mine] - now[0]) * unit + (a.next_offset[mine] - now[1])) * (new / old)
                ahead, offset = self.network.clock.instants(now[1] + left)
                a.next_base[mine], a.next_offset[mine] = now[0] + ahead, offset

    def sound(self, base: int) -> bool:
        """Whether no cell's next event is one of long ago; it arrives up to a delay after it is emitted."""
        a, clock = self.arrays, self.network.clock
        earliest = base - 2 - int(max(a.delay) / clock.unit)
        possible = (a.drawn >= -1) & (a.next_base >= earliest) & clock.has(a.next_offset)
        return not self._drives or bool(possible.all())

    def take_arrivals(self) -> int:
        """How many arrivals there were since the last call."""
        n = int(self.arrays.arrivals[0])
        self.arrays.arrivals[0] = 0
        return n

    def forget(self, now: tuple[int, float], unit: float) -> None:
        """What has been emitted and is on its way never arrives."""
        for k in range(len(self._drives)):
            self._emitted(k, now, unit, True)

    def count(self, now: tuple[int, float], unit: float, counts: dict[str, int]) -> None:
        """Put into `counts` how many events each input has emitted up to now."""
        for k, drive in enumerate(self._drives):
            counts[drive.input] = self._emitted(k, now, unit, False)

    def _emitted(self, k: int, now: tuple[int, float], unit: float, forget: bool) -> int:
        size = self._drives[k].weight.size
        return int(exact.emitted_by(k, size, *now, unit, self.network.seed, self.arrays, forget))


def _receptor(network: CompiledNetwork, drive: Drive) -> int:
    return int(network.receptor_of_slot[drive.slot]) if drive.weight.size else 0

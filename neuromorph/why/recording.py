"""A trace that is asked: the network of its run, and the spikes of any of its cells, recorded or drawn again."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import InputError, Problem, suggestion
from neuromorph.graph.description import Description, PopulationSpec
from neuromorph.lowered.clock import Clock
from neuromorph.lowered.compiled import Input, Neurons

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: spikes that an input draws at a time, at most
ROOM = 1 << 20
COLUMNS = ("base", "offset", "index", "count")
#: seconds that a synaptic event takes, a plastic one in exact mode, and that it takes to build a network
EVENT_S, BUILT_S = 3e-8, 1.0
#: ms after an instant of continuous time at which what happens there has happened
JUST_AFTER = 1e-9


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spikes in order of (instant, cell): base int64[n], offset float64[n] (ms), index int64[n], count int64[n]."""

    base: NDArray[np.int64]
    offset: NDArray[np.float64]
    index: NDArray[np.int64]
    count: NDArray[np.int64]

    def chosen(self, which: Any) -> Spikes:
        """Some of them."""
        return Spikes(self.base[which], self.offset[which], self.index[which], self.count[which])


class Recording:
    """The run of a trace, and what its cells emitted.

    Raises InputError for a trace that does not say how it was made, and TraceError for one that cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        from neuromorph import recorded
        from neuromorph.graph.check import describe
        from neuromorph.lowered.compile import compile_network
        from neuromorph.simulate import read_spikes
        from neuromorph.traces.reader import Trace

        self.run = recorded.read(str(path))
        self.path = Path(path)
        self.description: Description = describe(self.run.network, self.run.resolution, seed=self.run.seed)
        self.trace: Trace = Trace(self.run.path)
        if "branch_of" in self.trace.provenance:
            self.trace.close()
            fix = f"Ask {self.trace.provenance['branch_of']}, or run the changed network from the beginning."
            what = "is the trace of a branch, which begins in the middle of a run"
            raise InputError(Problem(what, str(path), fix=fix))
        resolution = self.description.run.resolution
        assert self.trace.window_ms is not None
        self.clock = Clock(self.trace.window_ms if resolution is None else resolution, resolution is None)
        self.seed = self.description.run.seed
        self.end_ms = self.trace.simulated_ms
        # cells and inputs alone: their parameters and what they begin with are drawn population by population
        bare = replace(self.description, projections=(), signals=(), records=())
        self._compiled = compile_network(bare, resolution, self.seed, 1, read_spikes)
        self._drawn: dict[tuple[str, bytes, float], Spikes] = {}
        self._replayed: dict[str, Spikes] = {}

    def close(self) -> None:
        """Close the file."""
        self.trace.close()

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- who is who ------------------------------------------------------------------------------------------------

    def neurons(self, population: str) -> Neurons:
        """The lowered population; InputError for one that is no population of neurons."""
        names = {p.name: p for p in self._compiled.neurons}
        if population not in names:
            inputs = {p.name for p in self._compiled.inputs}
            what = "is an input: it fires by itself" if population in inputs else "no population of neurons"
            raise InputError(Problem(what, str(self.path), population, fix=suggestion(population, names)))
        return names[population]

    def input(self, population: str) -> Input | None:
        """The lowered input, or None for neurons."""
        return next((p for p in self._compiled.inputs if p.name == population), None)

    def spec(self, population: str) -> PopulationSpec:
        """The population's description."""
        return self.description.population(population)

    def cell(self, text: str) -> tuple[str, int]:
        """The population and index that `exc/12` names; a neuron of a plain graph also goes by its own name.

        Raises InputError where there is none.
        """
        for spec in self.description.populations:
            for index, name in enumerate(spec.node_names or ()):
                if str(name) == text:
                    return spec.name, index
        population, slash, index_text = text.rpartition("/")
        if not slash or not index_text.isdecimal():
            allowed = "POPULATION/INDEX, such as exc/12"
            raise InputError(Problem("not a neuron", str(self.path), text, allowed))
        known = {p.name: p.size for p in self.description.populations if p.kind != "current"}
        if population not in known:
            raise InputError(
                Problem("unknown population", str(self.path), population, fix=suggestion(population, known))
            )
        if int(index_text) >= known[population]:
            allowed = f"0 to {known[population] - 1}" if known[population] else "none: it is empty"
            raise InputError(Problem("no such neuron", f"{self.path}: {population}", int(index_text), allowed))
        return population, int(index_text)

    def name(self, population: str, index: int) -> str:
        """What people call a cell."""
        names = self.spec(population).node_names
        return str(names[index]) if names is not None else f"{population}/{index}"

    # -- spikes ----------------------------------------------------------------------------------------------------

    def is_recorded(self, population: str) -> bool:
        """Whether the trace holds every spike of a population."""
        entries = [r for r in self.description.records if r.kind == "spikes" and r.name == population]
        whole = [r for r in entries if r.indices is None and r.start <= 0.0 and r.stop >= self.end_ms]
        return bool(whole) and population in self.trace.populations

    def run_again(self) -> None:
        """Run the whole network again, and take from it the spikes of every population that the trace lacks."""
        import copy

        from neuromorph.graph.network import Network
        from neuromorph.simulate import Simulation

        lacking = [p.name for p in self._compiled.neurons if not self.is_recorded(p.name)]
        network = Network.from_networkx(copy.deepcopy(self.run.network.graph))
        network.folder = self.run.network.folder
        network.graph.graph["record"] = [{"population": name, "variable": "spikes"} for name in lacking]
        simulation = Simulation(network, self.run.resolution, self.seed, precision=self.run.precision)
        simulation.run_until(self.end_ms)
        simulation.close()
        sink: Any = simulation.sink
        self._replayed = {name: _counted(*sink.instants(name)) for name in lacking}

    def seconds_to_run_again(self) -> float:
        """About how long that takes (s of wall time), by the synaptic events of the run."""
        return float(self.trace.summary()["synaptic_events"] or 0) * EVENT_S + BUILT_S

    def spikes(self, population: str, cells: NDArray[np.int64], stop_ms: float) -> Spikes:
        """The spikes of some cells (ascending indices) before `stop_ms`."""
        if population in self._replayed:
            return _of(self._replayed[population], cells, self.clock, stop_ms)
        if self.is_recorded(population):
            base, offset, ids = self.trace.instants(population, None, stop_ms)
            return _of(_counted(base, offset, ids), cells, self.clock, stop_ms)
        source = self.input(population)
        if source is None:
            raise InputError(
                Problem(
                    "the trace has not all spikes of a population", f"{self.path}: {population}",
                    fix=f"Have the whole network run again, for about {self.seconds_to_run_again():.2g} s: --whole.",
                )
            )  # fmt: skip
        key = (population, cells.tobytes(), stop_ms)
        if key not in self._drawn:
            self._drawn[key] = _drawn_again(source, self.clock, self.seed, cells, stop_ms)
        return self._drawn[key]

    def milliseconds(self, base: Any, offset: Any) -> Any:
        """Instants in ms."""
        return base * self.clock.unit + offset


def _counted(base: Any, offset: Any, ids: Any) -> Spikes:
    """Rows of a trace, one a spike, as instants with a count."""
    order = np.lexsort((ids, offset, base))
    base, offset, ids = base[order], offset[order], ids[order]
    new = np.ones(base.size, bool)
    new[1:] = (np.diff(base) != 0) | (np.diff(offset) != 0) | (np.diff(ids) != 0)
    first = np.flatnonzero(new)
    return Spikes(base[first], offset[first], ids[first], np.diff(np.append(first, base.size)))


def _of(spikes: Spikes, cells: NDArray[np.int64], clock: Clock, stop_ms: float) -> Spikes:
    mine = np.isin(spikes.index, cells) & (spikes.base * clock.unit + spikes.offset < stop_ms)
    return spikes.chosen(mine)


def _drawn_again(source: Input, clock: Clock, seed: int, cells: NDArray[np.int64], stop_ms: float) -> Spikes:
    """What an input emitted: its random numbers are counted, so that it emits the same again."""
    from neuromorph.engine.sources import Source

    window = max(1, min(ROOM // max(source.size, 1), 1 << 12))
    emitting = Source(source, clock, seed, window)
    _only(emitting, source, cells, clock)
    found = []
    stop, offset = clock.instant(stop_ms)
    at = 0 if clock.exact else 1
    while at <= stop:
        last = min(at + window - 1, stop)
        if clock.exact:
            emitting.emit_exact(last, 0.0, offset if last == stop else clock.unit)
        else:
            emitting.emit_grid(at, last)
        n = emitting.n
        rows = Spikes(emitting.out_base, emitting.out_offset, emitting.out_index, emitting.out_count)
        found.append(_of(rows.chosen(slice(0, n)), cells, clock, stop_ms))
        at = last + 1
    every = Spikes(*(np.concatenate([getattr(piece, name) for piece in found]) for name in COLUMNS))  # type: ignore[arg-type]
    return every.chosen(np.lexsort((every.index, every.offset, every.base)))


def _only(emitting: Any, source: Input, cells: NDArray[np.int64], clock: Clock) -> None:
    """Have a Poisson input draw for some cells alone, where each draws for itself (kernels/inputs.py)."""
    from neuromorph.kernels.drives import RARE
    from neuromorph.models.inputs import Poisson

    if source.model is not Poisson:
        return
    mean = emitting.arrays[0]
    if not clock.exact and mean.size == 1 and mean[0, 0] < RARE:
        return  # drawn by block
    each = np.zeros((mean.shape[0], source.size))
    each[:, cells] = np.broadcast_to(mean, each.shape)[:, cells]
    emitting.arrays = (each, *emitting.arrays[1:])

"""The front door from Python: a network description becomes a running simulation."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph._version import __version__
from neuromorph.engine.simulation import Engine
from neuromorph.engine.sink import SpikeSink
from neuromorph.errors import InputError, NeuromorphError, NotFinite, Problem
from neuromorph.hook_failures import HookFailures

if TYPE_CHECKING:
    import networkx as nx

    from neuromorph.debugging import Watch
    from neuromorph.engine.minibatch import Batches
    from neuromorph.graph.network import Network
    from neuromorph.lowered.compile import RecordedSpikes


#: longer arrays of a description stand in a trace by shape and hash alone
LONGEST_ARRAY = 1_000_000
LOOK_AGAIN = "Run again with --debug (in Python: debug=True) to see where that began"


class Simulation(Engine):
    """A network, ready to run.

        simulation = Simulation(network, resolution="exact", seed=1)
        simulation.run(100.0)
        times, indices = simulation.spikes("E")

        with Simulation(network, trace="traces/x.h5") as simulation:
            simulation.run(100.0)

    network : Network, or a networkx graph with `model` on nodes and `weight`, `delay` on edges
    resolution : "exact", or the tick in ms; by default what the network states
    seed : non-negative int64; by default what the network states
    parts : parts by target, each on a thread of its own in static networks on the grid and in exact networks of
        lif_delta cells with many arrivals; results do not depend on it
    trace : path of an HDF5 trace to write (an existing one only with `force`); by default spikes stay in memory
    resume : position of a recording (of its checkpoint) from which the trace goes on, that of a run killed or ended
        early; `put_back` does so with the run
    compression : "zstd" for a trace (extra `compress`); smaller, but other programs need hdf5plugin to read it
    sink : any other recorder
    precision : of the cells' state, "float64", or "float32" for static networks on the grid: half the memory traffic
    batches : how examples learn in minibatches (engine/minibatch.py); by default they learn one after the other
    debug : hooks run as plain Python (slow), and the run stops with a HookError at the first weight or state that is
        not finite, and where a hook raises (docs/debugging.md); in one part and in float64
    memory_check : refuse what cannot fit into the memory that is available, before any of it is allocated
    Raises DescriptionError with every mistake of the description, InputError for what does not fit.
    """

    def __init__(
        self,
        network: Network | nx.Graph,
        resolution: str | float | None = None,
        seed: int | None = None,
        parts: int = 1,
        trace: str | Path | None = None,
        force: bool = False,
        compression: str | None = None,
        sink: SpikeSink | None = None,
        provenance: dict[str, Any] | None = None,
        precision: str = "float64",
        batches: Batches | None = None,
        debug: bool = False,
        resume: dict[str, Any] | None = None,
        memory_check: bool = True,
    ) -> None:
        from neuromorph.graph.check import describe
        from neuromorph.graph.files import to_dict
        from neuromorph.graph.network import Network
        from neuromorph.lowered.compile import compile_network
        from neuromorph.lowered.footprint import check_memory

        self.watch = _watch(self, precision, batches) if debug else None
        self._warned: set[str] = set()  # projections whose weights have been called no numbers
        parts = 1 if debug else parts
        if not isinstance(network, Network):
            network = Network.from_networkx(network)
        description = describe(network, resolution=resolution, seed=seed)
        self.asked_duration = description.run.duration
        if memory_check:
            check_memory(description, parts, in_memory=trace is None and sink is None)
        if trace is not None:
            from neuromorph.traces.writer import TraceWriter

            sink = TraceWriter(trace, force=force, compression=compression, resume=resume)
        compiled = compile_network(description, description.run.resolution, description.run.seed, parts, read_spikes)
        about = {
            "seed": description.run.seed,
            "resolution": description.run.resolution or "exact",
            "precision": precision,
            "neuromorph": __version__,
            "python": platform.python_version(),
            "command": " ".join(sys.argv),
            "folder": str((network.folder or Path()).resolve()),
            **(provenance or {}),
        }
        # what stays in memory needs no description beside it
        self._network = network
        described = {} if sink is None else to_dict(network, embed=True, longest=LONGEST_ARRAY)
        self._failures = HookFailures(self)
        with nullcontext() if self.watch is None else self.watch.watching():
            super().__init__(compiled, sink, described, about, precision, batches)
        self.windows.advance = self._failures.guarded(self.windows.advance)  # type: ignore[method-assign]

    def __enter__(self) -> Simulation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close what nobody closed."""
        if error is None:
            self.close()
        else:
            self._fail(error)

    def run(self, duration: float, callback: Callable[[Engine], None] | None = None) -> None:
        """Simulate `duration` ms more; an exception on the way closes the recording with what had been simulated."""
        self._guarded(partial(super().run, duration), callback)

    def run_until(self, time: float, callback: Callable[[Engine], None] | None = None) -> None:
        """Simulate up to an instant in ms, where a run of that duration from the beginning would end too."""
        self._guarded(partial(super().run_until, time), callback)

    def _guarded(self, run: Callable[..., None], callback: Callable[[Engine], None] | None) -> None:
        try:
            with self._watched():
                run(self._each_window(callback))
                if self.watch is not None:
                    self.watch.bring_up_to(self.now)
        except BaseException as error:
            self._fail(error)
            raise

    def save(self, path: str | Path, about: dict[str, Any] | None = None) -> None:
        """Write a checkpoint of the run as it is now, between two windows; `about` goes into its head.

        A recording on the disk is flushed before, and the head says how far it is: `TraceWriter(resume=...)`.
        """
        from neuromorph import checkpoints
        from neuromorph.engine.resume import snapshot

        arrays = snapshot(self)
        position = self.sink.position() if self._opened and hasattr(self.sink, "position") else None
        checkpoints.write(
            Path(path), self._identity() | {"time_ms": self.time, "position": position, **(about or {})}, arrays
        )

    def restore(self, path: str | Path) -> dict[str, Any]:
        """Put a simulation that has not run yet where `save` was called; returns the head of the checkpoint.

        `run_until` then comes to the bytes of a run that was never cut, with any number of parts.
        Raises InputError for a checkpoint of another network, seed, resolution or precision.
        """
        from neuromorph import checkpoints

        head, arrays = checkpoints.read(path)
        self.put_back(head, arrays, str(path))
        return head

    def put_back(self, head: dict[str, Any], arrays: dict[str, Any], where: str = "") -> None:
        """`restore` from what `checkpoints.read` returned."""
        from neuromorph.engine.resume import restore

        if self.time or self._opened:
            fix = "Make a new simulation of the same network."
            raise InputError(Problem("a simulation that has run cannot be put back", where, self.time, "0 ms", fix))
        for name, value in self._identity().items():
            if head.get(name) != value:
                fix = "Go on with the network, seed, resolution and precision of that run."
                found = "another" if name == "network" else head.get(name)
                allowed = "the one of the checkpoint" if name == "network" else str(value)
                raise InputError(Problem(f"the checkpoint is of another {name}", where, found, allowed, fix))
        restore(self, arrays)

    def branch_from(self, arrays: dict[str, Any], before: Simulation) -> None:
        """Put a simulation where another one, of the same cells and connections, was when `arrays` were taken.

        Raises InputError where its sizes or connections are others, and where weights that learn are to be others.
        """
        from neuromorph.engine.resume import restore

        for old, new in zip(before.network.projections, self.network.projections):
            if new.plasticity is not None and repr(old.connections.spec.weight) != repr(new.connections.spec.weight):
                fix = "Weights that learn go on as they had been learnt; change them with set_weights."
                raise InputError(Problem("cannot be changed on the way", f"projections.{new.name}.weight", fix=fix))
        try:
            restore(self, arrays)
        except InputError as error:
            fix = "Parameters may change on the way, sizes and connections may not."
            raise InputError(*(replace(problem, fix=fix) for problem in error.problems)) from None

    def _identity(self) -> dict[str, Any]:
        """What tells this run from others, whatever is recorded and however long it is."""
        clock = self.clock
        return {
            "network": self._digest, "seed": self.network.seed,
            "resolution": "exact" if clock.exact else clock.unit, "precision": self.precision,
        }  # fmt: skip

    @cached_property
    def _digest(self) -> str:
        """What tells the network from others."""
        from neuromorph.graph.files import to_dict

        described = to_dict(self._network, embed=True, longest=LONGEST_ARRAY)
        text = json.dumps({k: v for k, v in described.items() if k not in ("run", "record")}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def signal(self, name: str, value: float) -> None:
        """Send an event of a signal now; it arrives at once, at the synapses that listen to it."""
        with self._watched():
            super().signal(name, value)

    def weights(self, projection: str) -> NDArray[np.float32]:
        """Weights of a projection's synapses now, in order of ordinal; warns (NotFinite) of any that is no number."""
        found = super().weights(projection)
        self._warn([projection])
        return found

    def close(self, status: str = "complete") -> dict[str, Any]:
        """Finish the recording; returns the summary. Warns (NotFinite) of weights and states that are no numbers."""
        if not self._closed:
            self._warn([*self.plastic, *self.cells])
        return super().close(status)

    @property
    def spoilt(self) -> bool:
        """Whether a weight that learns, or a cell's state, is no number."""
        return any(map(self.not_finite, [*self.plastic, *self.cells]))

    def not_finite(self, name: str) -> str:
        """What is to be said of a projection's weights or a population's states that are no numbers; "" if all are."""
        return self._bad_state(name) if name in self.cells else self._bad_weights(name)

    def _bad_state(self, population: str) -> str:
        cells = self.cells[population]
        for variable, values in zip(cells.variables, cells.state):
            bad = np.flatnonzero(~np.isfinite(values))
            if bad.size:
                found = f"{bad.size} of {len(values)} cells (first: {population}[{bad[0]}])"
                return f"{variable} of population '{population}' is not finite in {found}. {LOOK_AGAIN}"
        return ""

    def _bad_weights(self, projection: str) -> str:
        bad, n = [], 0
        for part in self.plastic.get(projection, ()):
            n += part.weight.size
            if not np.isfinite(part.weight).all():
                bad += [(part.rows.origin[j], j, part.rows) for j in np.flatnonzero(~np.isfinite(part.weight))]
        if not bad:
            return ""
        ordinal, place, rows = min(bad, key=lambda b: b[0])
        found = self._projection(projection)
        source = int(np.searchsorted(rows.row, place, side="right")) - 1
        first = f"{projection}[{ordinal}] from {found.source}[{source}] to {found.target}[{rows.target[place]}]"
        return f"weights of projection '{projection}' are not finite ({len(bad)} of {n}; first: {first}). {LOOK_AGAIN}"

    def _warn(self, projections: list[str]) -> None:
        for name in projections:
            text = "" if name in self._warned else self.not_finite(name)
            if text:
                self._warned.add(name)
                warnings.warn(text, NotFinite, stacklevel=3)

    def _watched(self) -> AbstractContextManager[None]:
        """What hooks raise comes out at its end; kernels made within are those of a debug run, if this is one."""
        return self._failures.watching() if self.watch is None else self.watch.watching()

    def _take_spikes(self) -> None:
        if self._failures.found is None:  # else a window is going wrong
            super()._take_spikes()

    def _each_window(self, callback: Callable[[Engine], None] | None) -> Callable[[Engine], None] | None:
        """What is called after each window: in a debug run, that it stop where a hook has failed."""
        watch = self.watch
        if watch is None or callback is None:
            return callback if watch is None else watch.after_window
        asked = callback

        def both(engine: Engine) -> None:
            watch.after_window(engine)
            asked(engine)

        return both

    def _fail(self, error: BaseException) -> None:
        """Close the recording as failed or interrupted, or remove it where nothing was simulated."""
        if not self._opened or self._closed:
            return
        if not self.time and hasattr(self.sink, "discard"):
            self.sink.discard()
            self._closed = True
            return
        with suppress(NeuromorphError, MemoryError):  # a full disk: the error that is on its way says so
            self.close("failed" if isinstance(error, Exception) else "interrupted")
        if isinstance(error, MemoryError) and not hasattr(error, "__notes__"):
            self._say_what_is_kept(error)

    def _say_what_is_kept(self, error: MemoryError) -> None:
        """Add to an error of no words of ours where the recording is."""
        path = getattr(self.sink, "path", None)
        if path is not None and self._closed:
            error.add_note(f"{path} holds what was simulated, {self.time:.12g} ms.")
        elif path is not None:
            error.add_note(f"{path}.part holds what was recorded; finish it with `neuromorph repair {path}`.")

    def spikes(self, population: str) -> Any:
        """Recorded spikes of a population so far: (times in ms float64[n], indices int64[n]), ordered by time.

        Only for a simulation that records in memory; of a trace, use neuromorph.Trace.
        """
        from neuromorph.engine.memory import MemorySink

        if not isinstance(self.sink, MemorySink) or self.sink.run is None:
            raise InputError(Problem("spikes are not in memory", population, fix="Run first, and without `trace`."))
        self._take_spikes()
        if population not in self.sink.run.populations:
            from neuromorph.errors import suggestion

            fix = suggestion(population, self.sink.run.populations)
            raise InputError(Problem("no spikes recorded of this population", population, fix=fix))
        return self.sink.spike_times(population)


def _watch(simulation: Simulation, precision: str, batches: Any) -> Watch:
    """Who watches the hooks of a debug run; InputError where that cannot be."""
    from neuromorph.debugging import Watch

    if batches is not None:
        fix = "Let examples learn one after the other: leave `batches` out."
        raise InputError(Problem("minibatches cannot be debugged", "debug", fix=fix))
    if precision != "float64":
        raise InputError(Problem("a debug run is in float64", "precision", precision, "float64"))
    return Watch(simulation)


def read_spikes(path: str, population: str) -> RecordedSpikes:
    """The spikes of a population of a trace, of its only one where the name is empty."""
    from neuromorph.lowered.compile import RecordedSpikes
    from neuromorph.traces.reader import Trace

    with Trace(path) as trace:
        if not population:
            names = list(trace.populations)
            if len(names) != 1:
                fix = f"Name one with `population`; it has {', '.join(names)}."
                raise InputError(Problem("the population is not named", path, fix=fix))
            population = names[0]
        if trace.window_ms is None:
            return RecordedSpikes(*trace.spikes(population))
        base, offset, ids = trace.instants(population)
        return RecordedSpikes(base * trace.window_ms + offset, ids, (base, offset, trace.window_ms))

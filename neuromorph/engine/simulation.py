"""The run loop: windows of at most the smallest delay, cut wherever something has to be read or signalled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.engine import structure
from neuromorph.engine.agenda import READING, SENT, SIGNAL, Agenda, Instant
from neuromorph.engine.calendar import Calendar
from neuromorph.engine.cells import Cells, GridCells
from neuromorph.engine.currents import CurrentState
from neuromorph.engine.dense_windows import DenseWindows
from neuromorph.engine.drives import DriveTable
from neuromorph.engine.exact_cells import ExactCells
from neuromorph.engine.exact_drives import ExactDrives
from neuromorph.engine.exact_windows import ExactWindows
from neuromorph.engine.lazy_cells import LazyCells
from neuromorph.engine.learning import PlasticPart
from neuromorph.engine.memory import MemorySink
from neuromorph.engine.minibatch import Batches, BatchWindows
from neuromorph.engine.recording import Recorder, post_variables_of
from neuromorph.engine.sink import SpikeSink
from neuromorph.engine.sources import Source
from neuromorph.engine.ticks import TickLoop, is_plain
from neuromorph.engine.windows import GridWindows, longest_window
from neuromorph.errors import InputError, Problem, suggestion
from neuromorph.graph.description import SignalSpec
from neuromorph.lowered.compiled import CompiledNetwork, Projection
from neuromorph.lowered.connections import Connections
from neuromorph.lowered.dense import dense
from neuromorph.lowered.draw import cores
from neuromorph.lowered.lazy import lazy_populations
from neuromorph.lowered.rows import places
from neuromorph.units import quantity

HAND_OVER = 1.0  # seconds of wall time after which the recorder gets the spikes so far, at the latest


class Engine:
    """A compiled network and everything about it that changes.

    `run` advances it; between runs its state, weights and synapses may be read and set. `sink` receives what is
    recorded (memory by default). `precision` is that of the cells' state: "float32" is for static networks on the grid
    (what arrives is summed in float64 all the same). `batches` has examples learn in minibatches.
    Raises InputError for another precision, and for what cannot be run in minibatches.
    """

    def __init__(
        self,
        network: CompiledNetwork,
        sink: SpikeSink | None = None,
        about: dict[str, Any] | None = None,
        provenance: dict[str, Any] | None = None,
        precision: str = "float64",
        batches: Batches | None = None,
    ) -> None:
        self.network = network
        self.precision = precision
        self.clock = clock = network.clock
        self.sink: SpikeSink = sink if sink is not None else MemorySink()
        self.window = longest_window(network)
        horizon = int(np.ceil(network.largest_delay / (clock.unit if clock.exact else 1.0))) + 1
        self.calendar = Calendar(clock, horizon, self.window)
        self.calendar.before_drop = self._take_spikes
        archived = post_variables_of(network)
        kind = ExactCells if clock.exact else GridCells
        lazy = lazy_populations(network)
        self.cells: dict[str, Cells] = {
            p.name: (LazyCells if p.name in lazy else kind)(
                p, clock, network.seed, network.parts, self.window, p.name in archived
            )
            for p in network.neurons
        }
        self.drives: Any = ExactDrives(network) if clock.exact else DriveTable(network)
        silent = {d.input for d in network.drives}
        self.sources = {
            p.name: Source(p, clock, network.seed, self.window) for p in network.inputs if p.name not in silent
        }
        self.plastic = _plastic_parts(network)
        self.synapse = [rows.synapse for rows in network.static]
        self._places: dict[str, list[tuple[Any, Any]]] = {}
        self.signals_of_populations = [s for s in network.signals if s.population is not None]
        self.currents = [CurrentState(c, clock, network.seed) for c in network.currents]
        self.emitters: list[Cells | Source] = sorted([*self.cells.values(), *self.sources.values()], key=_first_id)
        self.windows = _windows(self, batches)
        for current in self.currents:
            current.begin()
            self._restore(current)
        noted = ({"active_lists": ", ".join(lazy)} if lazy else {}) | (batches.noted if batches is not None else {})
        self.recorder = Recorder(network, self.sink, about or {}, {**(provenance or {}), **noted})
        self.now: Instant = clock.instant(0.0)
        self._end_ms = Fraction(0)
        everyone: list[Any] = [*network.neurons, *network.inputs]
        self.spike_counts = dict.fromkeys([p.name for p in everyone], 0)
        self.synaptic_events = 0
        self.agenda = Agenda()
        self._weights_set: set[str] = set()  # static projections whose weights are not those of the network
        #: whether it goes on from a checkpoint, where all that was due has been done
        self.goes_on = False
        self._opened = self._closed = self._stop = False
        self._hand_over = 0.0

    @property
    def time(self) -> float:
        """Simulated time in ms."""
        return self.clock.milliseconds(*self.now)

    def run(self, duration: float, callback: Callable[[Engine], None] | None = None) -> None:
        """Simulate `duration` ms more, over (time, time + duration]; `callback(engine)` every so often."""
        duration = quantity(duration, "ms", "run")
        if not np.isfinite(duration) or duration < 0:
            raise InputError(Problem("duration is not a time", "run", duration, "a number of ms, 0 or above"))
        self._end_ms += Fraction(duration)  # exact: a thousand runs of 0.1 ms end where one of 100 ms does
        self._run_to_end(callback)

    def run_until(self, time: float, callback: Callable[[Engine], None] | None = None) -> None:
        """Simulate up to an instant in ms, where a run of that duration from the beginning would end too."""
        time = quantity(time, "ms", "run")
        if not np.isfinite(time):
            raise InputError(Problem("the end is not a time", "run", time, "a finite number of ms"))
        # on the grid, an end within half a tick of now is now, on either side
        if not (time >= self.time or self.clock.instant(time) >= self.now):
            raise InputError(Problem("the end lies in the past", "run", time, f"{self.time} ms or later"))
        self._end_ms = Fraction(time)
        self._run_to_end(callback)

    def _run_to_end(self, callback: Callable[[Engine], None] | None) -> None:
        self._open()
        end = self.clock.instant(float(self._end_ms))
        self._stop = False
        while self.now < end and not self._stop:
            stop = min(self.windows.boundary(self.now, one=callback is not None), end)
            stop = self.agenda.before(stop)
            self.windows.advance(self.now, stop)
            self.now = stop
            self.agenda.run(self.now)
            if monotonic() > self._hand_over:
                self._take_spikes()
            if callback is not None:
                callback(self)
        self._take_spikes()
        if self._stop:
            self._end_ms = Fraction(self.time)

    def stop(self) -> None:
        """Ask the run to end after the present window (safe from a signal handler)."""
        self._stop = True

    def close(self, status: str = "complete") -> dict[str, Any]:
        """Finish the recording; returns the summary."""
        self.windows.settle()
        summary = {
            "status": status,
            "simulated_ms": self.time,
            "spikes": sum(self.spike_counts[name] for name in self.cells),
            "input_spikes": sum(self.spike_counts[p.name] for p in self.network.inputs),
            "synaptic_events": int(self.synaptic_events),
        }
        if not self._closed:
            self._open()
            self._take_spikes()
            if status == "interrupted":
                self.recorder.read_last_weights(self)
            self.sink.close(summary)
            self._closed = True
        return summary

    def state(self, population: str, variable: str) -> NDArray[np.float64]:
        """Values of a state variable of all cells of a population now (its unit: `neuromorph models show`)."""
        cells = self._cells(population)
        _known(variable, cells.variables, f"variable of {population}")
        return np.array(cells.values(variable, *self.now, np.arange(cells.neurons.size)))

    def set_state(self, population: str, variable: str, values: ArrayLike, indices: ArrayLike | None = None) -> None:
        """Set a state variable of all cells, or of those at `indices`, now."""
        cells = self._cells(population)
        _known(variable, cells.variables, f"variable of {population}")
        where = f"{population}.{variable}"
        chosen = _chosen(indices, cells.neurons.size, where)
        new = _numbers(values, chosen.size, where)
        cells.assign(cells.variables.index(variable), chosen, new, *self.now)

    def weights(self, projection: str) -> NDArray[np.float32]:
        """Weights of a projection's synapses now, in order of ordinal."""
        found = self._projection(projection)
        out = np.empty(found.connections.n, np.float32)
        for values, origin in self._weight_arrays(found):
            out[origin[0]] = values[origin[1]]
        return out

    def set_weights(self, projection: str, values: ArrayLike, ordinals: ArrayLike | None = None) -> None:
        """Set the weights of all synapses of a projection, or of those at `ordinals`, now."""
        found = self._projection(projection)
        new = self.weights(projection)
        where = f"projections.{projection}"
        chosen = _chosen(ordinals, new.size, where)
        new[chosen] = _weights(_numbers(values, chosen.size, where), self._allowed(found, chosen), where)
        self._weights_set.add(projection)
        if found.static:  # the lowered arrays themselves never change
            both = zip(self.synapse, self.network.static)
            self.synapse = [synapse.copy() if synapse is rows.synapse else synapse for synapse, rows in both]
        changes = [part.last_change() for part in self.plastic.get(projection, ())]
        for stored, origin in self._weight_arrays(found):
            stored[origin[1]] = new[origin[0]]
        for part, change in zip(self.plastic.get(projection, ()), changes):
            part.weights_were_set(change)

    def _allowed(self, projection: Projection, chosen: Any) -> tuple[float, float]:
        """Smallest and largest weight that a projection's chosen synapses may have."""
        target = self.network.population(projection.target)
        signs = {target.model.receptors[r].sign for r in _receptors(projection.connections, chosen)}  # type: ignore[union-attr]
        low, high = (0.0 if 1 in signs else -np.inf), (0.0 if -1 in signs else np.inf)
        if projection.plasticity is not None:
            low, high = max(low, projection.plasticity.w_min), min(high, projection.plasticity.w_max)
        return low, high

    def synapses(
        self, projection: str | None = None, source: ArrayLike | None = None, target: ArrayLike | None = None
    ) -> NDArray[Any]:
        """Synapses as a structured array (projection, source, target, weight, delay_ms, receptor).

        `source` and `target` keep only the synapses of those cells (indices in their populations).
        """
        names = [p.name for p in self.network.projections] if projection is None else [projection]
        tables = [structure.table(self, self._projection(n), source, target) for n in names]
        return np.concatenate([np.empty(0, structure.SYNAPSE), *tables])

    def signal(self, name: str, value: float) -> None:
        """Send an event of a signal now; it arrives at once, at the synapses that listen to it."""
        _known(name, [s.name for s in self.network.signals], "signal")
        if not np.isfinite(value):
            raise InputError(Problem("value is not finite", f"signals.{name}", value, "a finite number"))
        self._open()
        self._deliver_signal(name, value)

    def reset(self) -> None:
        """Clear spikes in flight, membranes, traces and refractoriness; keep weights, clock and random counters."""
        for part in (p for parts in self.plastic.values() for p in parts):
            part.reset(self.now)
        for cells in self.cells.values():
            cells.reset(*self.now)
        self.calendar.clear()
        self.windows.clear()
        self.agenda.forget_sent()
        for current in self.currents:
            self._restore(current)

    def _restore(self, current: CurrentState) -> None:
        slots, amplitude = current.present()
        for cells in self.cells.values():
            p = cells.neurons
            names = [r.name for r in p.model.receptors]
            if "current" not in names:
                continue
            first = p.slot0 + names.index("current") * p.size
            mine = (slots >= first) & (slots < first + p.size)
            if np.any(mine):
                held = np.zeros(p.size)
                np.add.at(held, slots[mine] - first, amplitude[mine])
                row = cells.variables.index("I_stim")
                cells.state[row] += held

    def is_to_come(self, at: Instant) -> bool:
        """Whether something due at an instant has not been done yet; a checkpoint has all behind it that was due."""
        return at > self.now if self.goes_on else at >= self.now

    def _open(self) -> None:
        if self._opened:
            return
        self._opened = True
        self.sink.open(self.recorder.description)
        structure.begin(self)
        for k in range(len(self.recorder.states)):
            self._read_next(k, self.recorder.steps(k), self.recorder.read_states, f"state {k:06d}")
        for k in range(len(self.recorder.weights)):
            steps = self.recorder.steps(len(self.recorder.states) + k)
            self._read_next(k, steps, self.recorder.read_weights, f"weight {k:06d}")
        scheduled = isinstance(self.windows, GridWindows | BatchWindows) and not self.signals_of_populations
        if scheduled:
            self.windows.schedule(self.network.signals)  # type: ignore[union-attr]
        for spec in () if scheduled else self.network.signals:
            base, offset = self.clock.instants(spec.times)
            self._send_next(spec, base, offset, iter(range(spec.times.size)))
        self.agenda.run(self.now)

    def _send_next(self, spec: SignalSpec, base: Any, offset: Any, order: Iterator[int]) -> None:
        """Put a signal's next event on the agenda: never all of them, for Python to walk through at its collections."""

        def action(name: str, value: float) -> None:
            self._send_next(spec, base, offset, order)
            self._deliver_signal(name, value)

        for k in order:
            at = self.clock.after(int(base[k]), float(offset[k]), spec.delay)
            if self.is_to_come(at):
                self.agenda.push(at, SIGNAL, spec.name, k, float(spec.values[k]), action)
                return

    def _read_next(self, channel: int, steps: Iterator[float], read: Any, name: str) -> None:
        """Put the next reading of a channel on the agenda."""

        def action(_name: str, _value: float) -> None:
            read(channel, self)
            self._read_next(channel, steps, read, name)

        time = next((t for t in steps if self.is_to_come(self.clock.instant(t))), None)
        if time is not None:
            self.agenda.push(self.clock.instant(time), READING, name, 0, 0.0, action)

    def _deliver_signal(self, name: str, value: float) -> None:
        self.windows.signal(self.now, name, value)
        self.sink.signal(name, self.time, value)

    def listening(self, signal: str) -> Iterator[tuple[PlasticPart, list[tuple[str, str]]]]:
        """Plastic parts that learn at a signal, each with the (population, variable) that its rule reads then."""
        for projection in self.network.projections:
            if projection.plasticity is not None and signal in projection.plasticity.signals:
                for part in self.plastic[projection.name]:
                    if part.learns_at_signal:
                        read = [(projection.source, name) for name in part.pre_variables]
                        yield part, read + [(projection.target, name) for name in part.post_variables]

    def emitted(self, start: int, end: int) -> None:
        """Called for each window with its range of spikes in the calendar: signals that populations send."""
        for spec in self.signals_of_populations:
            population = self.network.population(str(spec.population))
            source = self.calendar.source[start:end]
            mine = np.flatnonzero((source >= population.first_id) & (source < population.first_id + population.size))
            for k in mine + start:
                at = self.clock.after(int(self.calendar.base[k]), float(self.calendar.offset[k]), spec.delay)
                self.agenda.push(at, SIGNAL, spec.name, SENT, float(self.calendar.count[k]), self._deliver_signal)

    def _take_spikes(self) -> None:
        self.recorder.take_spikes(self)
        self._hand_over = monotonic() + HAND_OVER

    def _cells(self, population: str) -> Cells:
        _known(population, self.cells, "population of neurons")
        return self.cells[population]

    def _projection(self, name: str) -> Projection:
        _known(name, [p.name for p in self.network.projections], "projection")
        return {p.name: p for p in self.network.projections}[name]

    def _weight_arrays(self, projection: Projection) -> list[tuple[Any, tuple[Any, Any]]]:
        """Arrays that hold a projection's weights: (array, (ordinals, places in the array)), brought up to date."""
        if projection.plasticity is not None:
            out = []
            self.windows.settle()
            for part in self.plastic[projection.name]:
                part.sweep(self.now)
                out.append((part.weight, (part.rows.origin, slice(None))))
            return out
        if projection.drive >= 0:
            return [(self.drives.weight(projection.source), (slice(None), slice(None)))]
        if projection.name not in self._places:
            self._places[projection.name] = places(self.network, projection, cores())
        found = zip(self.synapse, self._places[projection.name])
        return [(synapse["weight"], which) for synapse, which in found]


def _receptors(made: Connections, chosen: Any) -> set[int]:
    """Receptors of the chosen synapses of a projection."""
    if made.receptor is not None:
        return {made.receptor}
    return set(made.receptors_of(made.weights((0, made.n))[chosen]).tolist())


def _first_id(emitter: Cells | Source) -> int:
    return emitter.neurons.first_id if isinstance(emitter, Cells) else emitter.input.first_id


def _windows(engine: Engine, batches: Batches | None) -> ExactWindows | GridWindows | TickLoop | BatchWindows:
    if batches is not None:
        return BatchWindows(engine, batches, partial(Engine, engine.network))
    if engine.precision not in ("float64", "float32"):
        raise InputError(Problem("unknown precision", "", engine.precision, "float64 or float32"))
    plain = not engine.clock.exact and is_plain(engine)
    if engine.precision == "float32" and not plain:
        fix = "Use float64 in exact mode, where something learns, and where populations send signals."
        raise InputError(Problem("float32 is for static networks on the grid", "precision", engine.precision, fix=fix))
    if engine.clock.exact:
        return DenseWindows(engine) if dense(engine.network) else ExactWindows(engine)
    return TickLoop(engine) if plain else GridWindows(engine)


def _plastic_parts(network: CompiledNetwork) -> dict[str, list[PlasticPart]]:
    parts: dict[str, list[PlasticPart]] = {}
    for number, p in enumerate(network.projections, start=1):
        if p.plasticity is not None:
            pre, post = network.population(p.source), network.population(p.target)
            parts[p.name] = [
                PlasticPart(p.plasticity, rows, network.clock, pre, post.size, number, (network.seed, p.name))
                for rows in p.plasticity.parts
            ]
    return parts


def _chosen(indices: ArrayLike | None, size: int, where: str) -> NDArray[np.int64]:
    """The indices as an array, all of them where None; InputError for one that does not exist."""
    if indices is None:
        return np.arange(size)
    chosen = np.atleast_1d(np.asarray(indices, np.int64))
    outside = chosen[(chosen < 0) | (chosen >= size)]
    if outside.size:
        raise InputError(Problem("no such index", where, int(outside[0]), f"0 to {size - 1}"))
    return chosen


def _numbers(values: ArrayLike, n: int, where: str) -> NDArray[np.float64]:
    """`values` as finite numbers, one or n of them."""
    new = np.asarray(values, float)
    if new.shape not in ((), (1,), (n,)):
        raise InputError(Problem("a wrong number of values", where, new.shape, f"one value, or {n}"))
    bad = np.flatnonzero(~np.isfinite(new))
    if bad.size:
        place = f"{where}[{bad[0]}]" if new.ndim else where
        raise InputError(Problem("value is not finite", place, float(new.flat[bad[0]]), "finite numbers"))
    return new


def _weights(values: NDArray[np.float64], allowed: tuple[float, float], where: str) -> NDArray[np.float64]:
    """`values` as weights: inside the receptor's sign and the projection's bounds, and in the range of float32."""
    low, high = allowed
    largest = float(np.finfo(np.float32).max)
    bad = np.flatnonzero((values < low) | (values > high) | (np.abs(values) > largest))
    if bad.size:
        range_ = f"{max(low, -largest):g} to {min(high, largest):g}"
        raise InputError(Problem("weight out of range", where, float(values.flat[bad[0]]), range_))
    return values


def _known(name: str, names: Any, kind: str) -> None:
    if name not in names:
        raise InputError(Problem(f"unknown {kind}", "", name, fix=suggestion(name, names)))

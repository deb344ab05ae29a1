"""Read a trace: finished, still being written, left by a killed run, or a SONATA spike file of somebody else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import Problem, TraceError, suggestion
from neuromorph.traces import lock
from neuromorph.traces.channels import (
    between,
    channels,
    check_instants,
    checked_ids,
    checked_offsets,
    clock_of,
    is_sorted,
    last_time,
    reports,
    rows_of,
    search,
    size_of,
    values_of,
)
from neuromorph.traces.finish import curves, journal_text
from neuromorph.traces.guard import read
from neuromorph.traces.opening import LONGEST, check_root, is_spikes, open_file, open_recording, open_trace, reading
from neuromorph.traces.schema import escape, final_path, get_attributes, unescape


class State(NamedTuple):
    """A recorded state variable: `values[t, n]` in `unit` at `times[t]` (ms) of cell `indices[n]`."""

    times: NDArray[np.float64]
    values: NDArray[np.float64]
    indices: NDArray[np.int64]
    unit: str


class Weights(NamedTuple):
    """Recorded weights: `values[t, s]` in `unit` at `times[t]` (ms) of the synapse from `source[s]` to `target[s]`."""

    times: NDArray[np.float64]
    values: NDArray[np.float32]
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    unit: str


class Trace:
    """An open trace; nothing is read before it is asked for, and nothing is ever written.

    Where `path` does not exist but a run is recording to it, or was killed while it did, that recording is opened.
    Every reading of a running one sees what its writer has flushed by then. Intervals are start_ms <= time < stop_ms.

    Raises TraceError where the file is missing, damaged, not a trace, or written by a run that cannot be followed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._attributes: dict[str, Any] = {}
        self.path, self._file, self._lock = open_trace(Path(path))
        try:
            with self._reading() as file:
                self._attributes = check_root(file, self.path)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
        if self._lock is not None:
            os.close(self._lock)
        self._file = self._lock = None

    def __enter__(self) -> Trace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # -- the run ---------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether the run that writes this recording is alive."""
        self._follow()
        return self._lock is not None and not lock.is_free(self._lock, lock.ALONE)

    @property
    def status(self) -> str:
        """How the run ended: complete, interrupted, failed; not finished: running, killed; else unknown."""
        running = self.running
        status = str(self._attributes.get("status", "unknown"))
        return "killed" if status == "running" and not running else status

    @property
    def simulated_ms(self) -> float:
        """How far the run got (ms); where that is not known, the instant of the last thing recorded."""
        self._follow()
        if "simulated_ms" in self._attributes:
            return float(self._attributes["simulated_ms"])
        with self._reading() as file:
            last = max((last_time(file, group, name) for group, name in channels(file)), default=0.0)
            if not abs(last) < LONGEST:
                raise ValueError(f"something is recorded at {last:g} ms")
            return last

    @property
    def resolution_ms(self) -> float | None:
        """The step of the grid (ms); None of an exact and of a foreign recording."""
        value = self._attributes.get("resolution_ms", "exact")
        return None if value == "exact" else float(value)

    @property
    def window_ms(self) -> float | None:
        """Length of one base step (ms): an instant is base * window_ms + offset_ms; None of a foreign recording."""
        return self._attributes.get("window_ms")

    @cached_property
    def network(self) -> dict[str, Any]:
        """The description of the network, as in a network file; empty of a foreign recording."""
        with self._reading() as file:
            return dict(json.loads(file["network/json"][()])) if "network/json" in file else {}

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Seed, resolution, versions, command line; empty of a foreign recording."""
        with self._reading() as file:
            found = get_attributes(file["provenance"].attrs) if "provenance" in file else {}
        return {key: value for key, value in found.items() if key != "schema_version"}

    def summary(self) -> dict[str, Any]:
        """What there is in this trace, in text and numbers that go into JSON."""
        counts, sizes, status = self.counts, self.populations, self.status
        known = ("resolution_ms", "window_ms", "neuromorph_version", "synaptic_events")
        return {
            "file": str(self.path),
            "status": status,
            "ended_early": status not in ("complete", "unknown"),
            "simulated_ms": self.simulated_ms,
            **{key: self._attributes.get(key) for key in known},
            "seed": self.provenance.get("seed"),
            "spikes": sum(counts.values()),
            "populations": {name: {"size": sizes[name], "spikes": counts[name]} for name in sizes},
            "states": [list(name) for name in self.states],
            "projections": self.projections,
            "signals": sorted(self.signals),
            "learning": sorted(self.learning),
        }

    # -- spikes ----------------------------------------------------------------------------------------------------

    @cached_property
    def populations(self) -> dict[str, int]:
        """Population -> size; of a foreign recording, one more than the largest id that spiked."""
        with self._reading() as file:
            return {unescape(key): size_of(group) for key, group in file["spikes"].items() if is_spikes(group)}

    @property
    def counts(self) -> dict[str, int]:
        """Population -> number of spikes so far."""
        with self._reading() as file:
            groups = file["spikes"].items()
            return {unescape(key): rows_of(file, group, "node_ids") for key, group in groups if is_spikes(group)}

    def spikes(
        self, population: str, start_ms: float | None = None, stop_ms: float | None = None, *, first: int = 0
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return (times in ms, ids) in order of time.

        `first` leaves out that many spikes from the beginning of the recording: who follows a run gives the number
        seen so far. Raises TraceError for a population that is not in the file.
        """
        with self._reading() as file:
            group = self._find(file, "spikes", population)
            rows = rows_of(file, group, "node_ids")
            clock, unit_ms = clock_of(group)
            ordered = is_sorted(group)
            span = search(clock, rows, start_ms, stop_ms, unit_ms, first) if ordered else slice(0, rows)
            times, ids = np.asarray(read(clock, span) * unit_ms, np.float64), read(group["node_ids"], span)
            ids = checked_ids(times, ids, size_of(group))
            if ordered:
                return times, ids
        order = np.lexsort((ids, times))
        order = order[search(times[order], len(order), start_ms, stop_ms, 1.0, first)]
        return times[order], ids[order]

    def instants(
        self, population: str, start_ms: float | None = None, stop_ms: float | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Return (base, offset_ms, ids): the instants to the last bit, which times in ms lose after hours.

        Raises TraceError for a population that is not in the file, and for a foreign recording.
        """
        if self.window_ms is None:
            fix = "Use spikes(), which gives times in ms."
            raise TraceError(Problem("not recorded by neuromorph: it has times, no instants", str(self.path), fix=fix))
        with self._reading() as file:
            group = self._find(file, "spikes", population)
            rows = rows_of(file, group, "node_ids")  # before the clock: a run that goes on must not add in between
            clock, unit_ms = clock_of(group)
            span = search(clock, rows, start_ms, stop_ms, unit_ms)
            times = read(clock, span)
            ids = checked_ids(times, read(group["node_ids"], span), size_of(group))
            base = read(group["base"], span) if "base" in group else np.rint(times / self.window_ms)
            offset = read(group["offset_ms"], span) if "offset_ms" in group else np.zeros(len(base))
            offset = checked_offsets(offset)
            check_instants(base, offset, self.window_ms, times * unit_ms)
            return base.astype(np.int64), offset, ids

    # -- everything else -------------------------------------------------------------------------------------------

    @property
    def states(self) -> list[tuple[str, str]]:
        """(population, variable) of every recorded state."""
        with self._reading() as file:
            return [(unescape(population), unescape(variable)) for population, variable in reports(file)]

    def state(
        self, population: str, variable: str, start_ms: float | None = None, stop_ms: float | None = None
    ) -> State:
        """Return the values of a recorded variable. Raises TraceError for what was not recorded."""
        if (population, variable) not in self.states:
            known = [f"{p}/{v}" for p, v in self.states]
            raise self._unknown("recorded state", f"{population}/{variable}", known)
        with self._reading() as file:
            group = file["report"][escape(population)][escape(variable)]
            times, span = between(file, group, "mapping/times", start_ms, stop_ms)
            indices = read(group["mapping/node_ids"]).astype(np.int64)
            values = values_of(group["data"], span, len(times), len(indices))
            return State(times, values, indices, str(group.attrs["units"]))

    @property
    def projections(self) -> list[str]:
        """Projections whose weights were recorded."""
        with self._reading() as file:
            return [unescape(key) for key in file.get("weights", ())]

    def weights(self, projection: str, start_ms: float | None = None, stop_ms: float | None = None) -> Weights:
        """Return the recorded weights. Raises TraceError for a projection whose weights were not recorded."""
        with self._reading() as file:
            group = self._find(file, "weights", projection)
            times, span = between(file, group, "times", start_ms, stop_ms)
            source, target = (read(group[name]).astype(np.int64) for name in ("source_node_ids", "target_node_ids"))
            values = values_of(group["values"], span, len(times), len(source))
            if source.shape != target.shape:
                raise ValueError("as many sources as targets are needed")
            return Weights(times, values, source, target, str(group.attrs["units"]))

    @property
    def signals(self) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Signal -> (times in ms, values) of its events."""
        found = {}
        with self._reading() as file:
            for key, group in file.get("signals", {}).items():
                times, span = between(file, group, "times", None, None)
                values = read(group["values"], span)
                if times.ndim != 1 or values.shape != times.shape:
                    raise ValueError(f"signal {key} has no value for each time")
                found[unescape(key)] = (times, values)
        return found

    @property
    def learning(self) -> dict[str, NDArray[np.float64]]:
        """Learning curve -> its values, 1-D or 2-D; the units are in `learning_units`."""
        return {name: values for name, (values, _) in self._curves().items()}

    @property
    def learning_units(self) -> dict[str, str]:
        """Learning curve -> units."""
        return {name: units for name, (_, units) in self._curves().items()}

    # -- inside ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[h5py.File]:
        """The file as it is now; what HDF5 says of a damaged one becomes a TraceError."""
        file = self._open()
        try:
            with reading(self.path):
                yield file
        finally:
            if file is not self._file:
                file.close()

    def _open(self) -> h5py.File:
        self._follow()
        if self._lock is None and self._file is None:
            raise TraceError(Problem("the trace is closed", str(self.path), fix="Open it anew."))
        if self._lock is None:
            return self._file
        with reading(self.path):
            try:
                return open_recording(self.path, not lock.is_free(self._lock, lock.ALONE))
            except OSError:  # gone between the look and the opening?
                self._follow()
                if self._lock is None:
                    return self._file
                raise

    def _follow(self) -> None:
        """Where the recording that was followed has become a finished trace, or a resumed one, go on with that."""
        if self._lock is None:
            return
        try:
            if os.path.samestat(os.stat(self.path), os.fstat(self._lock)):
                return
        except FileNotFoundError:
            pass
        before = self._attributes.get("recording")
        self.close()
        self.path = self.path if self.path.exists() else final_path(self.path)
        self._file, self._lock = open_file(self.path)
        with self._reading() as file:
            self._attributes = check_root(file, self.path)
        if before not in (None, self._attributes.get("recording")):
            fix = "Open the trace anew."
            raise TraceError(Problem("the run that was followed has left no trace here", str(self.path), fix=fix))

    def _find(self, file: h5py.File, parent: str, name: str) -> h5py.Group:
        groups, key = file.get(parent, {}), escape(name)
        if "\0" not in key and key in groups and (parent != "spikes" or is_spikes(groups[key])):
            return groups[key]
        found = {unescape(key): key for key, group in groups.items() if parent != "spikes" or is_spikes(group)}
        if name not in found:
            kind = {"spikes": "population", "weights": "recorded projection"}[parent]
            raise self._unknown(kind, name, list(found))
        return groups[found[name]]

    def _unknown(self, kind: str, name: str, known: list[str]) -> TraceError:
        fix = suggestion(name, known) or "None was recorded."
        return TraceError(Problem(f"no {kind} '{name}' in this trace", str(self.path), fix=fix))

    def _curves(self) -> dict[str, tuple[NDArray[np.float64], str]]:
        with self._reading() as file:
            if "journal" in file:
                return curves(journal_text(file))
            found = file.get("learning", {})
            return {unescape(key): (read(found[key]), str(found[key].attrs["units"])) for key in found}

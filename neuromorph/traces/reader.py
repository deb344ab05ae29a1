"""Read a trace: finished, still being written, left by a killed run, or a SONATA spike file of somebody else."""

from __future__ import annotations

import json
import os
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from neuromorph.errors import Problem, TraceError, suggestion
from neuromorph.traces import lock
from neuromorph.traces.finish import curves, journal_text
from neuromorph.traces.opening import check_root, find, is_spikes, open_file, reading
from neuromorph.traces.schema import escape, get_attributes, unescape
from neuromorph.units import UNITS


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
        self.path = find(Path(path))
        self._file, self._lock = open_file(self.path)
        try:
            with reading(self.path):
                self._attributes = check_root(self._file, self.path)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

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
        return self._lock is not None and not lock.is_free(self._lock, lock.ALONE)

    @property
    def status(self) -> str:
        """How the run ended: complete, interrupted, failed; not finished: running, killed; else unknown."""
        status = str(self._attributes.get("status", "unknown"))
        return "killed" if status == "running" and not self.running else status

    @property
    def simulated_ms(self) -> float:
        """How far the run got (ms); where that is not known, the instant of the last thing recorded."""
        if "simulated_ms" in self._attributes:
            return float(self._attributes["simulated_ms"])
        with reading(self.path):
            return max(self._last_times(), default=0.0)

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
        with reading(self.path):
            return dict(json.loads(self._file["network/json"][()])) if "network/json" in self._file else {}

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Seed, resolution, versions, command line; empty of a foreign recording."""
        with reading(self.path):
            found = get_attributes(self._file["provenance"].attrs) if "provenance" in self._file else {}
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
            "signals": self._names("signals"),
            "learning": sorted(self.learning),
        }

    # -- spikes ----------------------------------------------------------------------------------------------------

    @cached_property
    def populations(self) -> dict[str, int]:
        """Population -> size; of a foreign recording, one more than the largest id that spiked."""
        sizes = {}
        with reading(self.path):
            for key, group in self._file["spikes"].items():
                if is_spikes(group):
                    size = group.attrs.get("size")
                    ids = group["node_ids"][:] if size is None else ()
                    sizes[unescape(key)] = int(size) if size is not None else int(np.max(ids, initial=-1)) + 1
        return sizes

    @property
    def counts(self) -> dict[str, int]:
        """Population -> number of spikes so far."""
        return {name: self._rows(self._group("spikes", name), "node_ids") for name in self.populations}

    def spikes(
        self, population: str, start_ms: float | None = None, stop_ms: float | None = None, *, first: int = 0
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return (times in ms, ids) in order of time.

        `first` leaves out that many spikes from the beginning of the recording: who follows a run gives the number
        seen so far. Raises TraceError for a population that is not in the file.
        """
        group = self._group("spikes", population)
        with reading(self.path):
            clock, unit_ms = self._clock(group)
            rows, order = self._span(group, start_ms, stop_ms, first)
            times = np.asarray(clock[rows] * unit_ms, dtype=np.float64)
            ids = self._fresh(group["node_ids"])[rows].astype(np.int64)
        return (times, ids) if order is None else (times[order], ids[order])

    def instants(
        self, population: str, start_ms: float | None = None, stop_ms: float | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Return (base, offset_ms, ids): the instants to the last bit, which times in ms lose after hours.

        Raises TraceError for a population that is not in the file, and for a foreign recording.
        """
        group = self._group("spikes", population)
        if self.window_ms is None:
            fix = "Use spikes(), which gives times in ms."
            raise TraceError(Problem("not recorded by neuromorph: it has times, no instants", str(self.path), fix=fix))
        with reading(self.path):
            rows, _ = self._span(group, start_ms, stop_ms)
            ids = self._fresh(group["node_ids"])[rows].astype(np.int64)
            if "base" in group:
                base = self._fresh(group["base"])[rows]
            else:
                base = np.rint(self._fresh(group["timestamps"])[rows] / self.window_ms).astype(np.int64)
            offset_ms = self._fresh(group["offset_ms"])[rows] if "offset_ms" in group else np.zeros(len(base))
        return base, offset_ms, ids

    # -- everything else -------------------------------------------------------------------------------------------

    @property
    def states(self) -> list[tuple[str, str]]:
        """(population, variable) of every recorded state."""
        with reading(self.path):
            populations = self._file.get("report", {})
            return [
                (unescape(population), unescape(variable))
                for population in populations
                for variable, group in populations[population].items()
                if isinstance(group, h5py.Group) and "mapping" in group
            ]

    def state(
        self, population: str, variable: str, start_ms: float | None = None, stop_ms: float | None = None
    ) -> State:
        """Return the values of a recorded variable. Raises TraceError for what was not recorded."""
        if (population, variable) not in self.states:
            raise self._unknown("state variable", f"{population}/{variable}", [f"{p}/{v}" for p, v in self.states])
        group = self._file["report"][escape(population)][escape(variable)]
        with reading(self.path):
            times, rows = self._between(group, "mapping/times", start_ms, stop_ms)
            indices = group["mapping/node_ids"][:].astype(np.int64)
            return State(times, self._fresh(group["data"])[rows], indices, str(group.attrs["units"]))

    @property
    def projections(self) -> list[str]:
        """Projections whose weights were recorded."""
        return self._names("weights")

    def weights(self, projection: str, start_ms: float | None = None, stop_ms: float | None = None) -> Weights:
        """Return the recorded weights. Raises TraceError for a projection whose weights were not recorded."""
        group = self._group("weights", projection)
        with reading(self.path):
            times, rows = self._between(group, "times", start_ms, stop_ms)
            source, target = (group[name][:].astype(np.int64) for name in ("source_node_ids", "target_node_ids"))
            return Weights(times, self._fresh(group["values"])[rows], source, target, str(group.attrs["units"]))

    @property
    def signals(self) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Signal -> (times in ms, values) of its events."""
        found = {}
        for name in self._names("signals"):
            group = self._group("signals", name)
            with reading(self.path):
                times, rows = self._between(group, "times", None, None)
                found[name] = (times, self._fresh(group["values"])[rows])
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

    def _names(self, parent: str) -> list[str]:
        with reading(self.path):
            return [unescape(key) for key in self._file.get(parent, ())]

    def _group(self, parent: str, name: str) -> h5py.Group:
        names = list(self.populations) if parent == "spikes" else self._names(parent)
        if name not in names:
            kind = {"spikes": "population", "weights": "recorded projection"}.get(parent, parent)
            raise self._unknown(kind, name, names)
        group = self._file[parent]
        return group[escape(name)] if escape(name) in group else group[name]

    def _unknown(self, kind: str, name: str, known: list[str]) -> TraceError:
        fix = suggestion(name, known) or "None was recorded."
        return TraceError(Problem(f"no {kind} '{name}' in this trace", str(self.path), fix=fix))

    def _rows(self, group: h5py.Group, dataset: str) -> int:
        """How many rows of a channel are whole: of an unfinished one, those that its writer committed."""
        with reading(self.path):
            if "committed" not in self._file:
                return len(group[dataset])
            return int(self._fresh(self._file["committed"])[int(group.attrs["channel"])])

    def _fresh(self, dataset: h5py.Dataset) -> h5py.Dataset:
        if self._lock is not None:
            dataset.refresh()
        return dataset

    def _clock(self, group: h5py.Group) -> tuple[h5py.Dataset, float]:
        """The dataset that holds the times of spikes, and what its unit is in ms."""
        if "timestamps" not in group:
            return self._fresh(group["base"]), float(self.window_ms or 1.0)
        times = self._fresh(group["timestamps"])
        units = times.attrs.get("units", "ms")
        return times, UNITS.get(units.decode() if isinstance(units, bytes) else str(units), ("ms", 1.0))[1]

    def _span(
        self, group: h5py.Group, start_ms: float | None, stop_ms: float | None, first: int = 0
    ) -> tuple[slice, NDArray[np.int64] | None]:
        """Rows of an interval, and the order in which to take them where they are not sorted by time."""
        rows = self._rows(group, "node_ids")
        clock, unit_ms = self._clock(group)
        if _is_sorted(group):
            return _search(clock, rows, start_ms, stop_ms, unit_ms, first), None
        times = clock[:rows] * unit_ms
        order = np.lexsort((group["node_ids"][:rows], times))
        return slice(0, rows), order[_search(times[order], rows, start_ms, stop_ms, 1.0, first)]

    def _between(
        self, group: h5py.Group, name: str, start_ms: float | None, stop_ms: float | None
    ) -> tuple[NDArray[np.float64], slice]:
        """Times of an interval and the rows they are in."""
        rows = self._rows(group, name)
        times = self._fresh(group[name])
        span = _search(times, rows, start_ms, stop_ms)
        return times[span], span

    def _curves(self) -> dict[str, tuple[NDArray[np.float64], str]]:
        with reading(self.path):
            if "journal" in self._file:
                self._fresh(self._file["committed"])
                self._fresh(self._file["journal/text"])
                return curves(journal_text(self._file))
            found = self._file.get("learning", {})
            return {unescape(key): (found[key][:], str(found[key].attrs["units"])) for key in found}

    def _last_times(self) -> Iterator[float]:
        for name, rows in self.counts.items():
            if rows:
                clock, unit_ms = self._clock(self._group("spikes", name))
                sort = _is_sorted(self._group("spikes", name))
                yield float(clock[rows - 1] if sort else np.max(clock[:rows])) * unit_ms
        channels = [(self._file["report"][escape(p)][escape(v)], "mapping/times") for p, v in self.states]
        for kind in ("weights", "signals"):
            channels += [(self._group(kind, name), "times") for name in self._names(kind)]
        for group, name in channels:
            if rows := self._rows(group, name):
                yield float(self._fresh(group[name])[rows - 1])


def _is_sorted(group: h5py.Group) -> bool:
    """Whether spikes are in order of time; others write `sorting` as text."""
    sorting = group.attrs.get("sorting", "none")
    if isinstance(sorting, bytes):
        sorting = sorting.decode()
    return sorting == "by_time" or (not isinstance(sorting, str) and int(sorting) == 2)


def _search(
    times: Any, rows: int, start: float | None, stop: float | None, unit_ms: float = 1.0, first: int = 0
) -> slice:
    """Rows with start <= time < stop, found by bisection: a dataset is read at some 25 places, not as a whole."""

    def place(bound: float) -> int:
        return bisect_left(times, bound, 0, rows, key=lambda time: time * unit_ms)

    low = 0 if start is None else place(start)
    high = rows if stop is None else place(stop)
    low = max(low, first)
    return slice(low, max(low, high))

"""What a window of time shows: spikes one by one, how many in each pixel, or, of very many, the density.

Everything here is read from the trace when it is asked for; nothing but the last window is kept.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromorph.report.page import panels
from neuromorph.report.page.bands import Band, bands, in_order
from neuromorph.report.page.density import Density
from neuromorph.report.server.follow import Follower
from neuromorph.traces.stream import SpikeStream

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: so many spikes of a window are read one by one (all bands together), and so many are drawn so
EXACT, MARKS = 2_000_000, 20_000
CROWDED = 0.1
#: bins of a rate, points of a state
POINTS = 1000

Spikes = tuple[NDArray[np.float64], NDArray[np.int64]]


class Shown(NamedTuple):
    """A strip of the raster: cells low <= id < high of band number `band`, in `height` pixels."""

    band: int
    low: int
    high: int
    height: int


class Windows:
    """Answers for one trace; many threads may ask."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.bands: list[Band] = bands(in_order(trace.populations, trace.network))
        self.lock = threading.Lock()
        self.follower = Follower(trace, self.bands, self.lock)
        self._last: tuple[Any, list[Spikes | None]] | None = None
        self._readings: dict[tuple[str, str], float] = {}  # a ms, of each state

    def status(self) -> dict[str, Any]:
        """How far the run is, and how much of it has been counted."""
        with self.lock:
            counts = self._counts()
            return {
                "status": self.trace.status, "running": self.trace.running, "simulated_ms": self.trace.simulated_ms,
                "spikes": sum(counts), "counted": sum(self.follower.seen), "error": self.follower.error,
            }  # fmt: skip

    def frame(self, start: float, stop: float, width: int, shown: list[Shown]) -> bytes:
        """The raster of a window: a header of JSON with its length before it, and the arrays that it speaks of."""
        with self.lock:
            spikes = self._spikes(start, stop)
            heads, arrays = [], []
            total = sum(len(found[0]) for found in spikes if found)
            for strip in shown:
                found = spikes[strip.band]
                head, data = self._strip(strip, found, start, stop, width, total)
                heads.append({**head, "lengths": [len(part) for part in data]})
                arrays += data
        return _packed({"strips": heads}, arrays)

    def panels(self, start: float, stop: float) -> dict[str, Any]:
        """Rates of all bands and readings of all states in a window."""
        with self.lock:
            spikes = self._spikes(start, stop)
            step = max((stop - start) / POINTS, self.trace.resolution_ms or 0.0)
            about = [density.between(start, stop) for density in self.follower.densities]
            number = sum(len(found[0]) if found else round(guess) for found, guess in zip(spikes, about, strict=True))
            bin_ms = panels.bin_of(stop - start, number, POINTS, step)
            rates = [self._rate(k, found, start, stop, bin_ms) for k, found in enumerate(spikes)]
            states = [self._state(*name, start, stop) for name in self.trace.states[: panels.STATES]]
        return {"bin_ms": bin_ms, "rates": rates, "states": states}

    # -- inside, with the lock held --------------------------------------------------------------------------------

    def _counts(self) -> list[int]:
        """How many spikes of each band there are so far."""
        counts = self.trace.counts
        return [counts[band.name] for band in self.bands]

    def _spikes(self, start: float, stop: float) -> list[Spikes | None]:
        """The spikes of a window, of each band; None of those whose density has to do."""
        counts = self._counts()
        many = False
        if sum(counts) > EXACT:
            many = sum(len(SpikeStream(self.trace, band.name, start, stop)) for band in self.bands) > EXACT
        key = (start, stop, many, counts)
        if self._last is None or self._last[0] != key:
            found: list[Spikes | None] = [None] * len(self.bands)
            if not many:
                found = [self.trace.spikes(band.name, start, stop) for band in self.bands]
            self._last = (key, found)
        return self._last[1]

    def _strip(
        self, strip: Shown, spikes: Spikes | None, start: float, stop: float, width: int, total: int
    ) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        lanes = strip.high - strip.low
        if spikes is None:
            return _dense(self.follower.densities[strip.band], strip, start, stop, width)
        times, ids = spikes
        inside = (ids >= strip.low) & (ids < strip.high)
        times, ids = times[inside], ids[inside]
        if total <= MARKS and len(times) < CROWDED * width * lanes:
            return {"kind": "marks"}, [times, ids.astype(np.uint32)]
        rows = max(1, min(strip.height, lanes))
        counts = _counted(times, (2 * (strip.high - ids) - 1) * rows // (2 * lanes), rows, start, stop, width)
        step = self.trace.resolution_ms or 0.01
        head = {"kind": "image", "rows": rows, "low": strip.low, "high": strip.high, "unit": 1}
        return head | {"step": step, "origin": 0.0, "phase": 0.0}, [counts]

    def _rate(self, k: int, spikes: Spikes | None, start: float, stop: float, bin_ms: float) -> dict[str, Any]:
        """Edges begin at the multiple of the bin before the window, so that bins stay where they are as it moves."""
        first = np.floor(start / bin_ms + 1e-9)
        bins = int(np.ceil((stop - first * bin_ms) / bin_ms - 1e-9))
        if spikes is None:
            density = self.follower.densities[k]
            edges, counts = density.totals(start, stop)
        else:
            index = np.floor(spikes[0] / bin_ms - first + 1e-9).astype(np.int64)
            counts = np.bincount(np.clip(index, 0, bins - 1), minlength=bins)
            edges = (first + np.arange(bins + 1)) * bin_ms
            if bins > 2:  # without those that reach beyond the window, of which only a part has been counted
                begin, end = int(edges[0] < start - 1e-9), bins - int(edges[-1] > stop + 1e-9)
                counts, edges = counts[begin:end], edges[begin : end + 1]
        hz = 1000.0 * counts / (self.bands[k].size * np.diff(edges))
        return {"x": np.repeat(edges, 2)[1:-1].round(6).tolist(), "y": np.repeat(hz, 2).round(4).tolist()}

    def _state(self, population: str, variable: str, start: float, stop: float) -> dict[str, Any]:
        per_ms = self._readings.get((population, variable), 1e3)
        parts = int(np.clip(per_ms * (stop - start) / 100_000, 1, panels.PARTS))
        times, values, _, _, read = panels.envelope(self.trace, population, variable, start, stop, POINTS, parts)
        if read > 1:
            self._readings[population, variable] = read / (stop - start)
        return {"x": times.round(6).tolist(), "y": [_finite(column) for column in values.T]}


def _finite(values: NDArray[np.float64]) -> list[float | None]:
    return [round(float(v), 6) if np.isfinite(v) else None for v in values]


def _counted(
    times: NDArray[np.float64], rows: NDArray[np.int64], height: int, start: float, stop: float, width: int
) -> NDArray[np.uint32]:
    """Spikes in each pixel, row by row."""
    columns = np.minimum((times - start) * (width / (stop - start)) + 1e-6, width - 1).astype(np.int64)
    return np.bincount(rows * width + columns, minlength=height * width).astype(np.uint32)


def _dense(
    density: Density, strip: Shown, start: float, stop: float, width: int
) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    counts, low, high, step = density.window(start, stop, strip.low, strip.high, width, strip.height)
    head = {"kind": "image", "rows": len(counts), "low": low, "high": high, "unit": density.unit}
    return head | {"step": step, "origin": density.start_ms, "phase": 0.5}, [counts.ravel()]


def _packed(head: dict[str, Any], arrays: list[NDArray[Any]]) -> bytes:
    """The length of the header, the header, filled up with blanks to a multiple of 8, and the arrays one by one."""
    text = json.dumps(head, allow_nan=False).encode()
    text += b" " * (-(len(text) + 4) % 8)
    body = b"".join(part.tobytes() + b"\0" * (-part.nbytes % 8) for part in arrays)
    return len(text).to_bytes(4, "little") + text + body

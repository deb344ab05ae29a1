"""The density of a whole trace, counted bit by bit beside everything else, also while the run is still recorded."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from neuromorph.errors import NeuromorphError
from neuromorph.report.page.bands import Band
from neuromorph.report.page.density import CHUNK, Density

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: bins of time, and how long one is at first where nothing has been simulated yet (ms)
BINS, LEAST_MS = 16384, 1000.0
#: how often it is looked whether a run has gone on (s)
PAUSE = 0.5


class Follower:
    """Counts the spikes of a trace in a thread of its own; `lock` is held while the trace is read.

    densities : of each band
    seen : spikes of each band that have been counted
    error : what went wrong with the file, if anything did
    """

    def __init__(self, trace: Trace, bands: list[Band], lock: threading.Lock) -> None:
        self.lock, self.error = lock, ""
        self._trace, self._bands = trace, bands
        bin_ms = max(trace.simulated_ms, LEAST_MS) * (1 + 1e-9) / BINS
        self.densities = [Density(band.size, band.unit, bin_ms, BINS) for band in bands]
        self.seen = [0] * len(bands)
        self._edges = [0.0] * len(bands)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="neuromorph view: follower", daemon=True)

    def start(self) -> None:
        """Begin to count."""
        self._thread.start()

    def stop(self) -> None:
        """Stop counting."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                with self.lock:
                    running = self._trace.running  # asked first: what comes last is counted too
                    counts, now = self._trace.counts, self._trace.simulated_ms
                behind = any([self._step(k, counts[band.name], now) for k, band in enumerate(self._bands)])
            except NeuromorphError as error:
                self.error = str(error)
                return
            if not behind and not running:
                return
            self._ended.wait(0.0 if behind else PAUSE)

    def _step(self, k: int, count: int, now: float) -> bool:
        """Count some more of the `count` spikes that a band has at `now` ms; whether there may be others."""
        if self.seen[k] >= count or self._ended.is_set():
            return False
        # so many ms hold about one chunk; the last stretch has no end
        self._edges[k] += max(now, 1e-6) * min(CHUNK / count, 1.0)
        stop = self._edges[k] if self._edges[k] < now else None
        with self.lock:
            times, ids = self._trace.spikes(self._bands[k].name, None, stop, first=self.seen[k])
            self.densities[k].add(times, ids)
            self.seen[k] += len(times)
        return stop is not None

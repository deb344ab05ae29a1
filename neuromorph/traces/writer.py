"""Record a run into an HDF5 file that can be followed, that survives a kill and that ends as a SONATA file."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.engine.sink import RunDescription
from neuromorph.errors import InputError, Problem, RunError, TraceError
from neuromorph.traces import lock
from neuromorph.traces.finish import codec, complete, finish, journal_line, settle
from neuromorph.traces.schema import Channel, create, running_path

FLUSH_SECONDS = 1.0
FLUSH_BYTES = 2**23


class TraceWriter:
    """A `SpikeSink` that records into the file `path`.

    While the run goes on the recording is `path` + ".part"; at `close` it becomes `path` in one step.
    What `flush` has returned from survives the end of the process; a flush also happens by itself every second
    of recording and every 8 MiB.

    Parameters
    ----------
    path: where the finished trace shall be.
    force: overwrite a finished trace, and throw away the recording of a killed run, of that name.
    live: other processes can follow the run (`Trace(path)`); costs one copy of the file at the end. Without it
        the file is written once, in its finished form.
    compression: None or "zstd" (needs hdf5plugin, also to read; SONATA tools cannot read it).

    Raises
    ------
    TraceError if the file exists, is being written by another run, or cannot be written; InputError for a
    compression that is unknown or not installed. All of this is checked before anything is written.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, force: bool = False, live: bool = True, compression: str | None = None
    ) -> None:
        self.path = Path(path)
        self.running_path = running_path(self.path)
        self._force, self._live, self._compression = force, live, compression
        codec(compression)
        self._check_path()
        self._file: h5py.File | None = None
        self._lock: int | None = None
        self._channels: dict[tuple[str, str | int], Channel] = {}
        self._window_ms, self._latest_ms = 1.0, 0.0
        self._curves: dict[str, tuple[str, tuple[int, ...]]] = {}
        self._early: list[NDArray[np.uint8]] = []
        self._pending, self._flushed_at = 0, 0.0

    # -- SpikeSink -------------------------------------------------------------------------------------------------

    def open(self, run: RunDescription) -> None:
        """Lay the file out; on failure nothing is left behind. Raises TraceError as the constructor does."""
        self._check_path()
        if self.running_path.exists():  # only a dead one, and only by force
            self.running_path.unlink()
        self._window_ms = run.window_ms
        try:
            self._lock = os.open(self.running_path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            self._create(run)
        except BaseException as error:
            self.discard()
            if isinstance(error, OSError):
                raise self._unwritable(error) from None
            raise
        self._flushed_at = time.monotonic()
        for line in self._early:
            self._add("journal", "", (line,))

    def spikes(
        self, population: str, base: NDArray[np.int64], offset_ms: NDArray[np.float64], index: NDArray[np.int64]
    ) -> None:
        """Record spikes of one population, ordered by (base, offset, index); time = base * window_ms + offset_ms."""
        if len(base) == 0:
            return
        columns = (np.array(base, np.int64), np.array(offset_ms, np.float64), np.array(index, np.uint64))
        self._latest_ms = max(self._latest_ms, columns[0][-1] * self._window_ms + columns[1][-1])
        self._add("spikes", population, columns)

    def state(self, channel: int, time_ms: float, values: NDArray[np.float64]) -> None:
        """Record values of `states[channel]` at one instant."""
        self._add_row("report", channel, time_ms, np.array(values, np.float64))

    def weight(self, channel: int, time_ms: float, values: NDArray[np.float32]) -> None:
        """Record weights of `weights[channel]` at one instant."""
        self._add_row("weights", channel, time_ms, np.array(values, np.float32))

    def signal(self, name: str, time_ms: float, value: float) -> None:
        """Record a third-factor event at its arrival."""
        self._add_row("signals", name, time_ms, np.array(value, np.float64))

    def rewired(self, projection: str, time_ms: float, ordinals: NDArray[np.int64], sources: NDArray[np.int64]) -> None:
        """Record synapses that have grown anew: rows (ms, ordinal, source) of the curve rewired_<projection>."""
        rows = np.column_stack([np.full(len(ordinals), time_ms), ordinals, sources])
        self.learning(f"rewired_{projection}", rows, "ms, ordinal, source")

    def learning(self, name: str, values: ArrayLike, units: str = "1") -> None:
        """Append to the learning curve `name`: a number, a 1-D array of numbers, or rows of a 2-D one.

        May be called before `open` too. Raises InputError where units or the width of a row change.
        """
        array = np.atleast_1d(np.asarray(values, dtype=np.float64))
        kind = (units, array.shape[1:])
        known = self._curves.setdefault(name, kind)
        if kind != known:
            found = f"rows of shape {kind[1]} in {kind[0]}"
            before = f"rows of shape {known[1]} in {known[0]}, as before"
            raise InputError(Problem("a learning curve keeps its units and width", f"learning/{name}", found, before))
        line = np.frombuffer(journal_line(name, array, units), dtype=np.uint8)
        if self._file is None:
            self._early.append(line)
        else:
            self._add("journal", "", (line,))

    def flush(self) -> None:
        """Make everything so far safe against the end of the process. Raises RunError if the disk does not take it."""
        file = self._open_file()
        with self._disk_errors():
            self._reserve(file)
            for channel in self._channels.values():
                channel.write()
            # In this order: a reader, or what a kill leaves, never counts rows that are not there.
            file.flush()
            file["committed"][:] = [channel.rows for channel in self._channels.values()]
            file.flush()
        self._pending, self._flushed_at = 0, time.monotonic()

    def close(self, summary: dict[str, Any]) -> None:
        """Finish the file; `summary` goes into its attributes (status, simulated_ms, ...).

        A run with status "failed" that simulated nothing leaves nothing. Raises RunError if the disk is full and
        TraceError if a file of that name has appeared meanwhile; the recording then stays in `running_path`.
        """
        if summary.get("status") == "failed" and not summary.get("simulated_ms"):
            self.discard()
            return
        file = self._open_file()
        summary = {"status": "complete"} | summary
        try:
            self.flush()
            if self.path.exists() and not self._force:
                fix = f"Move it away, then neuromorph.traces.repair_trace makes {self.running_path} this trace."
                raise TraceError(Problem("the file appeared during the run", str(self.path), fix=fix))
            with self._disk_errors():
                if self._live or self._compression:
                    finish(file, self.path, summary, self._compression)
                    self.running_path.unlink()
                else:
                    self._finish_in_place(file, summary)
        finally:
            self._release()

    # -- outside a run ---------------------------------------------------------------------------------------------

    def discard(self) -> None:
        """Remove the recording: for a run that failed before anything was simulated."""
        if self._lock is not None:
            self._release()
            self.running_path.unlink(missing_ok=True)

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close what nobody closed, with status "failed" or "interrupted"; leave nothing where nothing was recorded."""
        if self._file is None:
            return
        if not any(channel.rows for channel in self._channels.values()) and not self._pending:
            self.discard()
            return
        status = "interrupted" if kind is KeyboardInterrupt else "failed"
        try:
            self.close({"status": status, "simulated_ms": self._latest_ms})
        except RunError:
            if error is None:
                raise

    # -- inside ----------------------------------------------------------------------------------------------------

    def _check_path(self) -> None:
        """Raise TraceError where this path cannot become a trace."""
        where, part = str(self.path), self.running_path
        if self.path.is_dir():
            raise TraceError(Problem("is a folder, not a file", where, fix="Give the name of a file in it."))
        if self.path.exists() and not self._force:
            fix = "Choose another name, or overwrite it with force=True (--force)."
            raise TraceError(Problem("the file exists already", where, fix=fix))
        try:
            with tempfile.TemporaryFile(dir=self.path.parent):
                pass
            if not part.exists():
                return
            if lock.writer_lives(part):
                fix = "Choose another name, or wait for the end of that run."
                raise TraceError(Problem("another run is recording here, or somebody has it open", str(part), fix=fix))
        except OSError as error:
            raise self._unwritable(error) from None
        if not self._force:
            fix = "Finish it with neuromorph.traces.repair_trace, or overwrite it with force=True (--force)."
            raise TraceError(Problem("holds the recording of a run that was killed", str(part), fix=fix))

    def _create(self, run: RunDescription) -> None:
        assert self._lock is not None
        if not self._live:
            # HDF5's own lock keeps everybody out; ours would keep HDF5 out.
            self._file = h5py.File(self.running_path, "w")
            self._channels = create(self._file, run)
            self._file.flush()
            return
        lock.hold(self._lock, lock.ALONE)
        self._file = h5py.File(self.running_path, "w", libver="latest", locking=False)
        self._channels = create(self._file, run)
        self._file.swmr_mode = True
        lock.hold(self._lock, lock.FOLLOWED)

    def _reserve(self, file: h5py.File) -> None:
        """Ask for the disk's room before HDF5 does, which a failed write leaves unable to close the file."""
        growth = sum(channel.growth for channel in self._channels.values())
        size = os.path.getsize(self.running_path)
        missing = file.id.get_filesize() + growth - size
        if self._lock is None or missing <= 0 or not hasattr(os, "posix_fallocate"):
            return
        try:
            os.posix_fallocate(self._lock, size, missing)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise

    def _finish_in_place(self, file: h5py.File, summary: dict[str, Any]) -> None:
        complete(file, file["journal/text"][:].tobytes(), summary)
        file.flush()
        end = file.id.get_filesize()
        file.close()
        os.truncate(self.running_path, end)  # gives back what was reserved
        settle(self.running_path, self.path)

    def _add_row(self, kind: str, key: str | int, time_ms: float, values: np.ndarray) -> None:
        self._latest_ms = max(self._latest_ms, time_ms)
        self._add(kind, key, (np.array([time_ms], np.float64), values[None]))

    def _add(self, kind: str, key: str | int, columns: tuple[np.ndarray, ...]) -> None:
        self._open_file()
        self._pending += self._channels[kind, key].add(*columns)
        if self._pending >= FLUSH_BYTES or time.monotonic() - self._flushed_at >= FLUSH_SECONDS:
            self.flush()

    def _open_file(self) -> h5py.File:
        if self._file is None:
            fix = "Call open(run) first and close(summary) last."
            raise RunError(Problem("the recording is not open", str(self.path), fix=fix))
        return self._file

    def _release(self) -> None:
        with suppress(OSError, RuntimeError):  # closing after a full disk may fail too: nothing more to lose
            if self._file is not None:
                self._file.close()
        self._file = None
        if self._lock is not None:
            os.close(self._lock)
        self._lock = None

    def _unwritable(self, error: OSError) -> TraceError:
        fix = "Choose a folder that exists and that you may write to."
        return TraceError(Problem(f"cannot be written: {error.strerror or error}", str(self.path), fix=fix))

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError) as error:  # HDF5 raises either
            said = getattr(error, "strerror", None) or error
            fix = f"What was flushed before is in {self.running_path}: make room, then neuromorph.traces.repair_trace."
            raise RunError(Problem(f"recording failed: {said}", str(self.path), fix=fix)) from error

"""Record a run into an HDF5 file that can be followed, that survives a kill and that ends as a SONATA file."""

from __future__ import annotations

import errno
import os
import re
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromorph.engine.sink import RunDescription
from neuromorph.errors import InputError, Problem, RunError, TraceError, TraceWarning
from neuromorph.traces import lock
from neuromorph.traces.finish import codec, finish, give_up, journal_line, settle
from neuromorph.traces.reader import Trace
from neuromorph.traces.resume import Position, as_json, blocks, described, is_recording, source
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
    compression: None or "zstd" (needs hdf5plugin, also to read; SONATA tools cannot read it).
    resume: a `position` of the writer whose recording this one goes on with, killed, finished or repaired. `open`
        wants the same run, and copies the recording up to there; what came later goes, to be recorded once more.
        The copy takes the place of the recording in one step, and `close` replaces a trace finished before.

    Raises
    ------
    TraceError if the file exists, is being written by another run, or cannot be written, and where `resume` is of
    another recording or has more rows; InputError for a compression that is unknown or not installed. All of this is
    checked before anything is written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        force: bool = False,
        compression: str | None = None,
        resume: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = Path(path)
        self.running_path = running_path(self.path)
        self._force, self._compression = force, compression
        codec(compression)
        self._resume = None if resume is None else Position.read(resume)
        self._file: h5py.File | None = None
        self._lock: int | None = None
        self._at, self._size = self.running_path, 0  # name of the open file, and how long it has been
        self._kept = self.running_path  # where that is which was flushed
        self._begun = False  # with what an earlier writer has left: not ours to remove
        self._lost = False  # the file has no name any more
        self._channels: dict[tuple[str, str | int], Channel] = {}
        self._window_ms, self._latest_ms = 1.0, 0.0
        self._curves: dict[str, tuple[str, tuple[int, ...], int]] = {}
        self._described: dict[str, str] = {}
        self._early: list[NDArray[np.uint8]] = []
        self._pending, self._flushed_at = 0, 0.0
        self._check_path()

    # -- SpikeSink -------------------------------------------------------------------------------------------------

    def open(self, run: RunDescription) -> None:
        """Lay the file out; on failure nothing is left behind. Raises TraceError as the constructor does."""
        self._window_ms = run.window_ms
        self._described = described(run)
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
        *known, rows = self._curves.get(name, (*kind, 0))
        if kind != tuple(known):
            found = f"rows of shape {kind[1]} in {kind[0]}"
            before = f"rows of shape {known[1]} in {known[0]}, as before"
            raise InputError(Problem("a learning curve keeps its units and width", f"learning/{name}", found, before))
        self._curves[name] = (*kind, rows + len(array))
        line = np.frombuffer(journal_line(name, array, units), dtype=np.uint8)
        if self._file is None:
            self._early.append(line)
        else:
            self._add("journal", "", (line,))

    def flush(self) -> None:
        """Make everything so far safe against the end of the process. Raises RunError if the disk does not take it."""
        file = self._open_file()
        with self._disk_errors():
            size = self._looked_after()
            self._reserve(file, size)
            try:
                self._write(file)
            except BaseException:
                give_up(file)
                self._release()
                raise
            self._size = self._file_size()
        self._pending, self._flushed_at = 0, time.monotonic()

    def _write(self, file: h5py.File) -> None:
        for channel in self._channels.values():
            channel.write()
        # In this order: a reader, or what a kill leaves, never counts rows that are not there.
        file.flush()
        file["committed"][:] = [channel.rows for channel in self._channels.values()]
        file.flush()

    def position(self) -> dict[str, Any]:
        """How far the recording is, in numbers and text that go into JSON: another writer can go on from here.

        Flushes, and waits until the disk has all of it. Raises RunError where it does not take it.
        """
        file = self._open_file()
        self.flush()
        with self._disk_errors():
            assert self._lock is not None
            os.fsync(self._lock)
        rows = {channel.name: channel.rows for (kind, _), channel in self._channels.items() if kind != "journal"}
        recording = str(file.attrs["recording"])
        return as_json(Position(recording, rows, dict(self._curves), self._described, float(self._latest_ms)))

    def close(self, summary: dict[str, Any]) -> None:
        """Finish the file; `summary` goes into its attributes (status, simulated_ms, ...).

        A run with status "failed" that simulated nothing leaves nothing. Raises RunError if the disk is full, and if
        a file of that name has appeared meanwhile; the recording then stays in `running_path`.
        """
        if summary.get("status") == "failed" and not summary.get("simulated_ms"):
            self.discard()
            return
        file = self._open_file()
        summary = {"status": "complete"} | summary
        try:
            self.flush()
            if self.path.exists() and not self._may_replace():
                fix = f"Move it away; then `neuromorph repair {self.path}` makes {self.running_path} this trace."
                raise RunError(Problem("the file appeared during the run", str(self.path), fix=fix))
            with self._disk_errors():
                finish(file, self.path, summary, self._compression)
                self._unlink()
        finally:
            self._release()

    # -- outside a run ---------------------------------------------------------------------------------------------

    def discard(self) -> None:
        """Remove the recording, unless it goes on with another: for a run that failed before it simulated anything."""
        if self._lock is not None and not self._begun:
            self._unlink()
        self._release()

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
        try:
            with tempfile.TemporaryFile(dir=self.path.parent):
                pass
            if part.exists() and lock.writer_lives(part):
                raise self._busy()
        except OSError as error:
            raise self._unwritable(error) from None
        if self._resume is not None:
            source(self.path, self._resume)
        if self.path.exists() and not self._may_replace():
            fix = "Choose another name, or overwrite it with force=True (--force)."
            raise TraceError(Problem("the file exists already", where, fix=fix))
        if part.exists() and self._resume is None and not self._force:
            fix = (
                f"Go on with it (`neuromorph resume {where}`), finish it (`neuromorph repair {where}`), or overwrite it"
            )
            fix += " with force=True (--force)."
            raise TraceError(Problem("holds the recording of a run that was killed", str(part), fix=fix))

    def _create(self, run: RunDescription) -> None:
        """Make the file, where nobody looks for it as long as it lacks what was recorded before."""
        if self._resume is None:
            self._check_path()
            self._claim(self.running_path, clear=self._force)
            self._lay_out(self.running_path, run)
            self._show()
            return
        aside = self.running_path.with_name(self.running_path.name + ".resuming")
        self._claim(aside, clear=True)
        self._check_path()
        self._resume.check_run(run, self.path)
        with Trace(source(self.path, self._resume)) as trace, trace._reading() as before:
            self._kept = trace.path
            instants = [*trace.provenance.get("resumed_ms", []), self._resume.latest_ms]
            self._lay_out(aside, replace(run, provenance=trace.provenance | {"resumed_ms": instants}))
            self._record_again(before, trace.learning)
        self._show()
        settle(aside, self.running_path)
        self._at, self._kept, self._begun = self.running_path, self.running_path, True

    def _claim(self, path: Path, clear: bool) -> None:
        try:
            self._lock = lock.claim(path, clear)
        except BlockingIOError:
            raise self._busy() from None
        self._at, self._size, self._lost = path, 0, False

    def _lay_out(self, path: Path, run: RunDescription) -> None:
        # What can be followed survives a kill too: HDF5 writes nothing before that to which it refers.
        self._file = h5py.File(path, "w", libver="latest", locking=False)
        self._channels = create(self._file, run, self._resume.recording if self._resume else "")
        self._file.flush()

    def _record_again(self, before: h5py.File, curves: Mapping[str, ArrayLike]) -> None:
        assert self._resume is not None
        for (kind, key), channel in self._channels.items():
            if kind != "journal":
                for columns in blocks(before, channel.name, self._resume.rows[channel.name], self._window_ms):
                    self._add(kind, key, columns)
        for name, (units, _, rows) in self._resume.curves.items():
            self.learning(name, np.asarray(curves[name])[:rows], units)
        self._latest_ms = self._resume.latest_ms
        self.flush()

    def _show(self) -> None:
        """Let others follow."""
        assert self._file is not None
        assert self._lock is not None
        self._file.swmr_mode = True
        lock.hold(self._lock, lock.FOLLOWED)

    def _may_replace(self) -> bool:
        """Whether the trace may go once this one is finished: by force, or where it is the beginning of this one."""
        return self._force or (self._resume is not None and is_recording(self.path, self._resume.recording))

    def _looked_after(self) -> int:
        """The size of the file; RunError where another program has cut it short, a warning where its name is gone."""
        assert self._lock is not None
        size = self._file_size()
        if size < self._size:
            what = f"another program has cut it short, from {self._size} to {size} bytes: the recording is lost"
            raise RunError(Problem(what, str(self._at), fix="Keep others from it, and run again."))
        if not self._lost and not lock.is_at(self._lock, self._at):
            self._lost = True
            text = f"{self._at} has been moved, removed or replaced; the run goes on, and ends in {self.path}, but"
            warnings.warn(f"{text} a kill would lose what is not in a file of that name", TraceWarning, stacklevel=2)
        return size

    def _file_size(self) -> int:
        assert self._lock is not None
        return os.fstat(self._lock).st_size

    def _unlink(self) -> None:
        """Remove the file, unless its name is another's by now."""
        assert self._lock is not None
        if lock.is_at(self._lock, self._at):
            self._at.unlink()

    def _reserve(self, file: h5py.File, size: int) -> None:
        """Ask for the disk's room before HDF5 does, which a failed write leaves unable to close the file."""
        growth = sum(channel.growth for channel in self._channels.values())
        missing = file.id.get_filesize() + growth - size
        if missing <= 0 or not hasattr(os, "posix_fallocate"):
            return
        assert self._lock is not None
        try:
            os.posix_fallocate(self._lock, size, missing)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise

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

    def _busy(self) -> TraceError:
        fix = "Choose another name, or wait for the end of that run."
        what = "another run is recording here, or somebody has it open"
        return TraceError(Problem(what, str(self.running_path), fix=fix))

    def _unwritable(self, error: OSError) -> TraceError:
        fix = "Choose a folder that exists and that you may write to."
        return TraceError(Problem(f"cannot be written: {error.strerror or error}", str(self.path), fix=fix))

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError) as error:  # HDF5 raises either
            system = re.search(r"error message = '([^']*)'", str(error))  # HDF5 says it among addresses and flags
            said = system[1] if system else getattr(error, "strerror", None) or error
            denied = getattr(error, "errno", None) in (errno.EACCES, errno.EPERM, errno.EROFS)
            remedy = f"see to it that {self.path.parent}/ can be written" if denied else "make room"
            again = f"`neuromorph repair {self.path}`" if self._kept == self._at else "try again"
            fix = f"What was flushed before is in {self._kept}: {remedy}, then {again}."
            raise RunError(Problem(f"recording failed: {said}", str(self.path), fix=fix)) from error

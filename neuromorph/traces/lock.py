"""Tell a run that is still writing from one that was killed: the kernel drops a process's locks with the process.

HDF5 itself cannot tell: it marks the file while it is open for writing, and a killed writer leaves the mark.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

#: held while a file is laid out: nobody else may open it
ALONE = fcntl.LOCK_EX
#: held from then on, while a run can be followed: HDF5's own readers take a shared lock too
FOLLOWED = fcntl.LOCK_SH


def hold(descriptor: int, how: int) -> None:
    """Take the lock, or change it to the other kind, until the descriptor is closed."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks: the run is safe, only nobody can see that it lives
        return


def is_free(descriptor: int, how: int) -> bool:
    """Whether the lock could be had now: True where no other process is in the way, or locks do not work."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return True


def writer_lives(path: Path) -> bool:
    """Whether a process that writes the unfinished file `path` is alive (or somebody else has it open)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return not is_free(descriptor, ALONE)
    finally:
        os.close(descriptor)


def is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file is (still) the one of that name."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def claim(path: Path, clear: bool) -> int:
    """Create a file and lock it against everybody; `clear`: in place of what a dead writer has left.

    Raises BlockingIOError where another process has the file, or makes it at the same time.
    """
    if clear:
        with suppress(FileNotFoundError):
            _clear(path)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
    except FileExistsError:
        raise BlockingIOError(errno.EWOULDBLOCK, "another process has made it", str(path)) from None
    try:
        hold(descriptor, ALONE)
    except BlockingIOError:  # another process takes it for what a dead writer has left
        os.close(descriptor)
        raise
    return descriptor


def _clear(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        hold(descriptor, ALONE)
        if is_at(descriptor, path):
            path.unlink()
    finally:
        os.close(descriptor)

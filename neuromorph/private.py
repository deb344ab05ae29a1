"""Folders whose files are run as code: nobody else may write there."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from neuromorph.errors import InputError, Problem

_ROOT = 0


def private_folder(folder: Path) -> Path:
    """Make a folder (and those above it) for this user alone, if there is none, and return it.

    Raises InputError where it, or the one above it, belongs to somebody else or may be written by others; OSError
    where it cannot be made.
    """
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    for place in (folder.parent, folder):
        found = place.stat()
        # in a folder such as /tmp nobody can rename or remove what is not theirs
        kept = place == folder.parent and found.st_mode & stat.S_ISVTX
        others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not kept
        if found.st_uid not in (os.geteuid(), _ROOT) or others:
            whose = "others may write there" if others else f"it belongs to another user (number {found.st_uid})"
            what = f"compiled kernels are run as code, and {whose}"
            fix = f"Run: chmod go-w {place}, or set NEUROMORPH_CACHE_DIR to a folder of your own."
            raise InputError(Problem(what, str(place), fix=fix))
    return folder

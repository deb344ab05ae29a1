"""Spikes out of exported files."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

from neuromorph.errors import InputError, NeuromorphError, Problem
from neuromorph.traces.stream import Spikes

#: suffix -> the module that reads such files
MODULES = {".csv": "csv_file", ".parquet": "parquet_file", ".npz": "npz_file", ".nwb": "nwb_file", ".nix": "neo_block"}


def read_spikes(path: str | os.PathLike[str]) -> dict[str, Spikes]:
    """Return population -> (times in ms, ids, base, offset_ms) of an exported file, or of a trace.

    Times are the trace's, to the bit; base and offset_ms are None but of exact runs. Spikes come in order of time,
    those of one time in the order of the trace (nwb and nix: of cells).

    Raises InputError where the file is missing, damaged, of another kind or of a newer neuromorph, or a package is
    missing.
    """
    file = Path(path)
    if file.suffix in (".h5", ".part"):
        return _of_trace(file)
    if file.suffix not in MODULES:
        allowed = ", ".join([*MODULES, ".h5"])
        raise InputError(Problem("spikes are not read from such a file", str(file), file.suffix, allowed))
    if not file.is_file():
        fix = "Look at how it is spelt, and at the folder." if not file.exists() else ""
        raise InputError(Problem("no such file" if not file.exists() else "is no file", str(file), fix=fix))
    try:
        if file.suffix in (".nwb", ".nix"):
            _check_content_alone(file)
        found: dict[str, Spikes] = import_module(f"neuromorph.export.{MODULES[file.suffix]}").read(file)
    except (NeuromorphError, MemoryError):
        raise
    except Exception as error:  # whatever pyarrow, h5py, pynwb and neo say of a damaged file
        said = " ".join(str(error).split())[:200]
        fix = "Export it again, with `neuromorph export`."
        raise InputError(Problem(f"is no whole export of spikes: {said}", str(file), fix=fix)) from error
    return found


def _check_content_alone(file: Path) -> None:
    from neuromorph.traces.strangers import check_content_alone

    check_content_alone(file)


def _of_trace(file: Path) -> dict[str, Spikes]:
    from neuromorph.traces.reader import Trace

    found = {}
    with Trace(file) as trace:
        for name in trace.populations:
            found[name] = Spikes(*trace.spikes(name))
            if trace.window_ms is not None and trace.resolution_ms is None:
                base, offset_ms, _ = trace.instants(name)
                found[name] = found[name]._replace(base=base, offset_ms=offset_ms)
    return found

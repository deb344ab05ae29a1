"""Finish what a killed run has left."""

from __future__ import annotations

import os
from pathlib import Path

from neuromorph.errors import Problem, TraceError
from neuromorph.traces import lock
from neuromorph.traces.finish import finish
from neuromorph.traces.reader import Trace
from neuromorph.traces.schema import final_path, running_path


def repair_trace(path: str | os.PathLike[str], *, force: bool = False, compression: str | None = None) -> Path:
    """Make the recording of a killed run a finished trace with the status "killed", and return its path.

    Everything that was flushed is kept; the unfinished file goes once the finished one is in place.

    Parameters
    ----------
    path: the trace that the run should have written, or its recording (`path` + ".part").
    force: overwrite a trace that is there already.
    compression: None or "zstd", as for `TraceWriter`.

    Raises
    ------
    TraceError where there is no such recording, its run is alive, or a trace is there already.
    """
    final = final_path(Path(path))
    part = running_path(final)
    if not part.exists():
        fix = f"{final} is finished." if final.exists() else "Check the name."
        raise TraceError(Problem("no recording of a killed run", str(part), fix=fix))
    if lock.writer_lives(part):
        raise TraceError(Problem("its run is alive, or somebody has it open", str(part), fix="Wait for its end."))
    if final.exists() and not force:
        fix = "Move it away, or overwrite it with force=True (--force)."
        raise TraceError(Problem("the file exists already", str(final), fix=fix))
    with Trace(part) as trace, trace._reading() as file:
        finish(file, final, {"status": "killed", "simulated_ms": trace.simulated_ms}, compression)
    part.unlink()
    return final

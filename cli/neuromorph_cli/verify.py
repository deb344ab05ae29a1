"""neuromorph verify TRACE."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click

from neuromorph.errors import InputError, Problem
from neuromorph_cli import options, recorded, text
from neuromorph_cli.interrupts import Interrupted, Interrupts
from neuromorph_cli.progress import Progress

_ENDED = {"killed": "was killed", "running": "is still running"}


@click.command()
@click.argument("trace", type=click.Path(), metavar="TRACE")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="As in `neuromorph run`.")
@options.plugin
@options.json
@options.quiet
def verify(trace: str, as_json: bool, quiet: bool, **given: Any) -> int:
    """Run a recorded run again, and compare everything that was recorded, byte for byte.

    The exit code is 0 where all is the same, 1 where anything differs (docs/determinism.md says what may make it so).

    \b
    Example:
      neuromorph verify traces/brunel.h5 --threads 2
    """
    from neuromorph.traces.hashes import compare

    options.load_plugins(given["plugins"])
    run = recorded.read(trace)
    if run.status not in ("complete", "interrupted"):
        fix = "Go on with `neuromorph resume`, or run it again."
        raise InputError(Problem(f"a run that {_ENDED.get(run.status, 'failed')} cannot be verified", trace, fix=fix))
    interrupts = Interrupts.of_command()
    with tempfile.TemporaryDirectory(dir=run.path.parent, prefix=".verify-") as folder:
        again = Path(folder) / "again.h5"
        with Progress(not quiet) as progress:
            progress.wait(f"{run.path}: running it again")
            _run_again(run, again, given["threads"], interrupts)
        if interrupts.code:
            raise Interrupted(interrupts.code)
        found = compare(run.path, again)
    different = [line for line in found if line.difference]
    if as_json:
        lines = [{"name": c.name, "rows": c.rows, "sha256": c.sha256, "difference": c.difference} for c in found]
        click.echo(json.dumps({"same": not different, "channels": lines}))
    elif not quiet:
        rows = [(c.name, c.rows, c.sha256[:16], c.difference or "the same") for c in found]
        text.columns(("recorded", "rows", "sha256", "run again"), rows)
    for line in different if quiet else ():
        click.echo(f"neuromorph: {run.path}: {line.name} differs: {line.difference}", err=True)
    return int(bool(different))


def _run_again(run: recorded.RecordedRun, again: Path, threads: int, interrupts: Interrupts) -> None:
    from neuromorph.simulate import Simulation

    with Simulation(
        run.network, run.resolution, run.seed, parts=threads, precision=run.precision, trace=again
    ) as simulation:
        interrupts.running = simulation
        simulation.run_until(run.simulated_ms, lambda _: interrupts.check())
        simulation.close("interrupted" if run.status == "interrupted" else "complete")

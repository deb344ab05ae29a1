"""neuromorph resume TRACE."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from neuromorph.errors import InputError, Problem
from neuromorph_cli import checkpoints, options, recorded
from neuromorph_cli.running import carry_out


@click.command()
@click.argument("trace", type=click.Path(), metavar="TRACE")
@click.option("--duration", metavar="MS", help="Another end: simulated time in ms from the run's beginning.")
@click.option(
    "--threads", type=click.IntRange(min=1), default=1, show_default=True,
    help="May be another number than before; results do not depend on it.",
)  # fmt: skip
@checkpoints.option
@options.plugin
@options.json
@options.quiet
def resume(trace: str, **given: Any) -> int:
    """Go on with a run from its newest checkpoint; the finished trace is that of a run that was never cut.

    The run may have been killed, or ended early. Give --plugin again if it was given before: code is never loaded
    because a file says so.

    \b
    Example:
      neuromorph run examples/brunel.toml -o long.h5 --checkpoint-every 60s
      neuromorph resume long.h5
    """
    from neuromorph.checkpoints import newest
    from neuromorph.simulate import Simulation
    from neuromorph.traces.resume import Position, source

    options.load_plugins(given["plugins"])
    duration = options.duration(given["duration"])
    path = Path(trace.removesuffix(".part"))
    newest(path)  # where there is none, the trace does not matter
    run = recorded.read(trace)
    if run.status == "complete" and duration is None:
        fix = "Nothing is left to do. Say with --duration how far it shall go on, or see `neuromorph branch`."
        raise InputError(Problem("the run is complete", str(run.path), fix=fix))

    # after a power cut the disk may have the checkpoint and not the recording up to it
    file, head, arrays = newest(path, lambda head: source(path, Position.read(head["position"])))

    def made() -> Any:
        simulation = Simulation(
            run.network, head["resolution"], head["seed"], parts=given["threads"], precision=head["precision"],
            trace=run.path, resume=head["position"],
        )  # fmt: skip
        simulation.put_back(head, arrays, str(file))
        return simulation

    end = head.get("run", {}).get("end_ms") if duration is None else duration
    if end is None:
        fix = "Say it with --duration: simulated time in ms from the run's beginning."
        raise InputError(Problem("the checkpoint does not say where the run ends", str(file), fix=fix))
    about = {"run": {"file": str(run.folder / run.path.name), "settings": [], "records": [], **head.get("run", {})}}
    return carry_out(run.network.name or run.path.stem, run.path, made, lambda _: end, given, about)

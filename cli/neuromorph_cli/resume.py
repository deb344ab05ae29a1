"""neuromorph resume TRACE."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from neuromorph_cli import checkpoints, options
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

    options.load_plugins(given["plugins"])
    duration = options.duration(given["duration"])
    path = Path(trace.removesuffix(".part"))
    _check_unfinished(path, duration)
    file, head, arrays = newest(path)
    network = network_of(path, head)
    about = {"run": dict(head["run"])}

    def made() -> Any:
        from neuromorph.simulate import Simulation
        from neuromorph.traces.writer import TraceWriter

        simulation = Simulation(
            network, head["resolution"], head["seed"], parts=given["threads"], precision=head["precision"],
            sink=TraceWriter(path, resume=head["position"]), provenance={"resumed_from_ms": head["time_ms"]},
        )  # fmt: skip
        simulation.put_back(head, arrays, str(file))
        return simulation

    end = head["run"]["end_ms"] if duration is None else duration
    return carry_out(network.name or path.stem, path, made, lambda _: end, given, about)


def _check_unfinished(path: Path, duration: float | None) -> None:
    """Refuse a run that came to its end, unless it is to go on beyond that."""
    from neuromorph.errors import InputError, Problem
    from neuromorph.traces.reader import Trace

    if not path.exists():
        return
    with Trace(path) as trace:
        if trace.status == "complete" and duration is None:
            fix = "Nothing is left to do. Say with --duration how far it shall go on, or see `neuromorph branch`."
            raise InputError(Problem("the run is complete", str(path), fix=fix))


def network_of(path: Path, head: dict[str, Any]) -> Any:
    """The network of a run: as its trace describes it, or from its file where that leaves long arrays out."""
    from neuromorph.graph.files import from_dict, load
    from neuromorph.traces.reader import Trace

    about = head["run"]
    with Trace(path) as trace:
        described = trace.network
    if not _shortened(described):
        return from_dict(described, Path(about["file"]).parent)
    network = load(about["file"], about["settings"])
    for text in about["records"]:
        network.record(**options.record(text))
    return network


def _shortened(value: Any) -> bool:
    """Whether an array of a description stands there by its hash alone."""
    if isinstance(value, dict):
        return "sha256" in value or any(map(_shortened, value.values()))
    return isinstance(value, list) and any(map(_shortened, value)) if not _numbers(value) else False


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], int | float)

"""neuromorph branch TRACE --at MS --set PATH=VALUE."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from neuromorph.errors import InputError, Problem
from neuromorph_cli import checkpoints, options, recorded
from neuromorph_cli.running import carry_out


@click.command()
@click.argument("trace", type=click.Path(), metavar="TRACE")
@options.output("Trace to write, from --at on; traces/NAME-branch.h5 by default.")
@click.option("--at", required=True, metavar="MS", help='Simulated time of the change, in ms or text such as "1 s".')
@click.option("--duration", metavar="MS", help="Its end, in ms from the run's beginning; by default that of the run.")
@click.option(
    "--set", "settings", multiple=True, metavar="PATH=VALUE",
    help="Change a value of the network, such as populations.E.params.tau_m=15 or projections.E_I.weight=2.",
)  # fmt: skip
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="As in `neuromorph run`.")
@checkpoints.option
@options.plugin
@options.json
@options.quiet
@options.force
def branch(trace: str, output: str | None, **given: Any) -> int:
    """Go on from an instant of a recorded run with a change: what would have become of it?

    The state at --at is that of the recorded run: from its last checkpoint before then, or run once more from the
    beginning. Parameters, static weights, signals and inputs may change, sizes and connections may not; weights that
    learn are those that had been learnt. Without --set it goes on as the run did.

    \b
    Example:
      neuromorph branch long.h5 --at "500 ms" \\
          --set populations.E.params.I_e=30 -o other.h5
    """
    options.load_plugins(given["plugins"])
    at = options.duration(given["at"]) or 0.0
    duration = options.duration(given["duration"])
    run = recorded.read(trace)
    end = duration if duration is not None else run.head.get("run", {}).get("end_ms", run.simulated_ms)
    if not 0 <= at <= end:
        raise InputError(Problem("the instant lies outside the run", "--at", given["at"], f"0 to {end:g} ms"))
    changed = _changed(run, given["settings"])
    about = {"run": {"file": str(run.folder / run.path.name), "settings": [], "records": [], "plugins": []}}
    name = f"{run.network.name or run.path.stem}-branch"
    with options.trace_file(output, name) as path:
        return carry_out(name, path, lambda: _branched(run, at, changed, path, given), lambda _: end, given, about)


def _changed(run: recorded.RecordedRun, settings: tuple[str, ...]) -> Any:
    """The network with the changes in it."""
    from neuromorph.graph.files import from_dict, to_dict
    from neuromorph.graph.settings import apply_settings

    return from_dict(apply_settings(to_dict(run.network), settings), run.folder) if settings else run.network


def _branched(run: recorded.RecordedRun, at: float, changed: Any, path: Path, given: dict[str, Any]) -> Any:
    from neuromorph.engine.resume import settle, snapshot
    from neuromorph.simulate import Simulation

    before = _at(run, at, given["threads"])
    if given["settings"]:
        settle(before)
    arrays = snapshot(before)
    about = {"branch_of": str(run.path), "branched_at_ms": at, "changes": list(given["settings"])}
    simulation = Simulation(
        changed, run.resolution, run.seed, parts=given["threads"], precision=run.precision, trace=path,
        force=given["force"], provenance=about,
    )  # fmt: skip
    simulation.branch_from(arrays, before)
    return simulation


def _at(run: recorded.RecordedRun, at: float, threads: int) -> Any:
    """The recorded run, unrecorded, at an instant."""
    from neuromorph.checkpoints import beside, previous, read
    from neuromorph.engine.memory import Unheard
    from neuromorph.simulate import Simulation

    simulation = Simulation(
        run.network, run.resolution, run.seed, parts=threads, precision=run.precision, sink=Unheard()
    )
    for file in (beside(run.path), previous(beside(run.path))):
        if file.exists():
            head, arrays = read(file)
            if head["time_ms"] <= at:
                simulation.put_back(head, arrays, str(file))
                break
    simulation.run_until(at)
    return simulation

"""neuromorph run NETWORK.toml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from neuromorph_cli import checkpoints, options
from neuromorph_cli.running import carry_out


@click.command()
@click.argument("network", type=click.Path(), metavar="NETWORK")
@options.output("Trace to write; traces/NAME.h5 by default.")
@click.option("--duration", metavar="MS", help='Simulated time in ms, or text such as "1 s".')
@click.option("--resolution", metavar="MS", help='Tick in ms, or "exact".')
@options.seed
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Parts by target, each on a thread where nothing learns (grid); results do not depend on it.",
)
@click.option(
    "--precision",
    type=click.Choice(["float64", "float32"]),
    default="float64",
    show_default=True,
    help="Of the cells' state; float32 is for static networks on the grid.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="PATH=VALUE",
    help="Change a value of the network file, such as populations.E.size=100 or projections.E_I.weight=2.",
)  # fmt: skip
@click.option(
    "--record", "records", multiple=True, metavar="WHAT",
    help="Record more: E.V_m@0.1 (every 0.1 ms), E[0:10].V_m (some cells), noise.spikes, E_I.weight@100.",
)  # fmt: skip
@click.option(
    "--debug", is_flag=True,
    help="Run hooks uncompiled and stop at the first weight or state that is not finite; slow (docs/debugging.md).",
)  # fmt: skip
@checkpoints.option
@click.option("--no-memory-check", is_flag=True, help="Go ahead with what does not seem to fit into memory.")
@options.plugin
@options.json
@options.quiet
@options.force
def run(network: str, output: str | None, **given: Any) -> int:
    """Run a network file (TOML, node-link JSON or GraphML) and record it in a trace.

    \b
    Example:
      neuromorph run examples/brunel.toml --duration "500 ms" \\
          --set populations.E.params.tau_m=15 --record "E[0:5].V_m@0.1"
    """
    options.load_plugins(given["plugins"])
    if given["debug"] and not given["quiet"]:
        click.echo("neuromorph: --debug: hooks run uncompiled, many times slower, on one thread", err=True)
    described = _read(network, given)
    name = described.name or Path(network).stem
    about = {"run": {"file": str(Path(network).resolve()), "plugins": list(given["plugins"])}}
    about["run"] |= {"settings": list(given["settings"]), "records": list(given["records"])}
    with options.trace_file(output, name) as path:
        return carry_out(
            name, path, lambda: _simulation(described, given, path, given["force"]),
            lambda s: s.asked_duration if given["duration"] is None else given["duration"], given, about,
        )  # fmt: skip


def _read(path: str, given: dict[str, Any]) -> Any:
    """The network with what the options change in it; their texts in `given` become values."""
    from neuromorph.errors import InputError, Problem
    from neuromorph.graph.files import load

    given["resolution"] = options.resolution(given["resolution"])
    given["duration"] = options.duration(given["duration"])
    entries = [options.record(entry) for entry in given["records"]]
    network = load(path, given["settings"])
    stated = network.graph.graph.get("run")
    if given["duration"] is None and not (isinstance(stated, Mapping) and "duration" in stated):
        fix = "Give --duration, or write duration into the [run] table of the network file."
        raise InputError(Problem("no duration", path, fix=fix))
    given["first_record"] = len(network.graph.graph.get("record") or [])
    for entry in entries:
        network.record(**entry)
    return network


def _simulation(network: Any, given: dict[str, Any], path: Path, force: bool) -> Any:
    from neuromorph.simulate import Simulation

    with options.recorded(given["records"], given["first_record"]):
        return Simulation(
            network, given["resolution"], given["seed"], parts=given["threads"], trace=path, force=force,
            precision=given["precision"], debug=given["debug"], memory_check=not given["no_memory_check"],
        )  # fmt: skip

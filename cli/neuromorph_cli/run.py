"""neuromorph run NETWORK.toml."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from neuromorph_cli import options
from neuromorph_cli.progress import Rate, bar, interruptible, number, table


@click.command()
@click.argument("network", type=click.Path(), metavar="NETWORK")
@options.output("Trace to write; traces/NAME.h5 by default.")
@click.option("--duration", metavar="MS", help='Simulated time in ms, or text such as "1 s".')
@click.option("--resolution", metavar="MS", help='Tick in ms, or "exact".')
@options.seed
@click.option("--set", "settings", multiple=True, metavar="PATH=VALUE", help="Change a value of the network file.")
@click.option("--record", "records", multiple=True, metavar="WHAT", help="E.V_m@0.1, E[0:10].V_m, E_E.weight@100.")
@options.plugin
@options.json
@options.quiet
@options.force
def run(network: str, output: str | None, as_json: bool, quiet: bool, force: bool, **given: Any) -> int:
    """Run a network file and record it in a trace.

    \b
    Example:
      neuromorph run examples/brunel.toml --duration "500 ms" --set populations.E.params.tau_m=15
    """
    from neuromorph.simulate import Simulation

    options.load_plugins(given["plugins"])
    described = _read(network, given["settings"], given["records"])
    path = Path(output) if output else options.free_path(described.name or Path(network).stem)
    started = time.perf_counter()
    simulation = Simulation(described, given["resolution"], given["seed"], trace=path, force=force)
    duration = _duration(given["duration"], simulation.asked_duration)
    built = time.perf_counter()
    with interruptible(simulation.stop) as code, bar(not quiet) as tell:
        _simulate(simulation, duration, tell)
        summary = simulation.close("interrupted" if code() else "complete")
        exit_code = code()
    wall = time.perf_counter() - built
    report = {
        "simulated_ms": summary["simulated_ms"], "wall_s": wall, "build_s": built - started,
        "spikes": summary["spikes"], "input_spikes": summary["input_spikes"],
        "synaptic_events": summary["synaptic_events"], "status": summary["status"], "trace": str(path),
    }  # fmt: skip
    if as_json:
        click.echo(json.dumps(report))
    elif not quiet:
        _summary(report)
    return exit_code


def _read(path: str, settings: tuple[str, ...], records: tuple[str, ...]) -> Any:
    from neuromorph.graph.files import from_dict, to_dict
    from neuromorph.graph.network import Network
    from neuromorph.graph.settings import apply_settings

    network = Network.load(path)
    if settings:
        folder = network.folder
        network = from_dict(apply_settings(to_dict(network), settings))
        network.folder = folder
    for text in records:
        network.record(**options.record(text))
    return network


def _duration(given: str | None, stated: float | None) -> float:
    from neuromorph.errors import InputError, Problem
    from neuromorph.units import quantity

    if given is not None:
        duration = quantity(given, "ms", "--duration")
        if not 0 <= duration < float("inf"):
            raise InputError(Problem("duration out of range", "--duration", duration, "0 ms or above"))
        return duration
    if stated is None:
        fix = "Give --duration, or write duration into the [run] table of the network file."
        raise InputError(Problem("no duration", "run", fix=fix))
    return stated


def _simulate(simulation: Any, duration: float, tell: Any) -> None:
    began = time.perf_counter()

    def show() -> None:
        rate = simulation.synaptic_events / max(time.perf_counter() - began, 1e-9)
        tell(f"{simulation.time:.0f} of {duration:.0f} ms", simulation.time / duration, f"{rate / 1e6:.1f} M events/s")

    simulation.run(duration, callback=lambda _engine, every=Rate(show): every())


def _summary(report: dict[str, Any]) -> None:
    rate = report["synaptic_events"] / max(report["wall_s"], 1e-9)
    early = " (ended early)" if report["status"] != "complete" else ""
    table([
        ("simulated", f"{report['simulated_ms']:g} ms{early}"),
        ("wall time", f"{report['wall_s']:.2f} s, {report['build_s']:.2f} s to build"),
        ("spikes", f"{number(report['spikes'])}, {number(report['input_spikes'])} of inputs"),
        ("synaptic events", f"{number(report['synaptic_events'])}, {rate / 1e6:.1f} M/s"),
        ("trace", report["trace"]),
    ])  # fmt: skip

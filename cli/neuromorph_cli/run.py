"""neuromorph run NETWORK.toml."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from neuromorph_cli import options, text
from neuromorph_cli.interrupts import Interrupts
from neuromorph_cli.progress import Progress

RATES = 8  # populations in the summary; `neuromorph analyze` shows all


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
@options.plugin
@options.json
@options.quiet
@options.force
def run(network: str, output: str | None, as_json: bool, quiet: bool, force: bool, **given: Any) -> int:
    """Run a network file (TOML, node-link JSON or GraphML) and record it in a trace.

    \b
    Example:
      neuromorph run examples/brunel.toml --duration "500 ms" \\
          --set populations.E.params.tau_m=15 --record "E[0:5].V_m@0.1"
    """
    options.load_plugins(given["plugins"])
    if given["debug"] and not quiet:
        click.echo("neuromorph: --debug: hooks run uncompiled, many times slower, on one thread", err=True)
    described = _read(network, given)
    name = described.name or Path(network).stem
    interrupts = Interrupts.of_command()
    with options.trace_file(output, name) as path, Progress(not (quiet or given["debug"])) as progress:
        progress.wait(f"{name}: building the network")
        started = time.perf_counter()
        with _simulation(described, given, path, force) as simulation:
            interrupts.running = simulation
            built = time.perf_counter()
            duration = given["duration"] if given["duration"] is not None else simulation.asked_duration
            simulation.run(duration, _watch(name, duration, interrupts, progress))
            summary = simulation.close("interrupted" if interrupts.code else "complete")
        report = _report(simulation, summary, path, built - started, time.perf_counter() - built)
    if as_json:
        click.echo(json.dumps(report))
    elif not quiet:
        _print(name, simulation, report)
    if interrupts.code and not quiet:
        ended = f"{text.milliseconds(simulation.time)} of {text.milliseconds(duration)}"
        click.echo(f"neuromorph: ended early, at {ended}; {path} holds what was simulated", err=True)
    return interrupts.code or int(simulation.spoilt)


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
            precision=given["precision"], debug=given["debug"],
        )  # fmt: skip


def _watch(name: str, duration: float, interrupts: Interrupts, progress: Progress) -> Callable[[Any], None]:
    """What is done after each window of the simulation."""
    began = time.perf_counter()

    def watch(engine: Any) -> None:
        interrupts.check()
        if progress.due():
            rate = text.rate(engine.synaptic_events, time.perf_counter() - began)
            detail = f"{text.count(engine.time)} of {text.count(duration)} ms, {rate} events/s"
            progress.show(name, engine.time / duration, detail)

    progress.wait(f"{name}: loading kernels")
    return watch


def _report(simulation: Any, summary: dict[str, Any], path: Path, build_s: float, wall_s: float) -> dict[str, Any]:
    sizes = {p.name: p.size for p in simulation.network.neurons}
    cell_s = {name: size * summary["simulated_ms"] / 1e3 for name, size in sizes.items()}
    counts = simulation.spike_counts
    return {
        "simulated_ms": summary["simulated_ms"], "wall_s": wall_s, "build_s": build_s,
        "spikes": summary["spikes"], "input_spikes": summary["input_spikes"],
        "synaptic_events": summary["synaptic_events"],
        "mean_rate_hz": {name: counts[name] / cell_s[name] if cell_s[name] else None for name in sizes},
        "status": summary["status"], "trace": str(path),
    }  # fmt: skip


def _print(name: str, simulation: Any, report: dict[str, Any]) -> None:
    clock = simulation.clock
    wall, events = report["wall_s"], report["synaptic_events"]
    rates = [(k, f"{text.significant(v)} Hz") for k, v in report["mean_rate_hz"].items() if v is not None]
    more = [f"and {len(rates) - RATES} more (neuromorph analyze)"] if len(rates) > RATES else []
    resolution = "exact times" if clock.exact else f"steps of {clock.unit:g} ms"
    text.facts(name, [
        ("simulated", f"{text.milliseconds(report['simulated_ms'])}, {resolution}, seed {simulation.network.seed}"),
        ("wall time", f"{text.seconds(wall)}, and {text.seconds(report['build_s'])} to build"),
        ("spikes", f"{text.count(report['spikes'])}, and {text.count(report['input_spikes'])} of inputs"),
        ("synaptic events", f"{text.count(events)} ({text.rate(events, wall)}/s)"),
        ("mean rates", ", ".join([*(f"{k} {rate}" for k, rate in rates[:RATES]), *more]) or "-"),
        ("trace", report["trace"]),
    ])  # fmt: skip

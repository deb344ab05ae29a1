"""Carry out a run: progress, signals, checkpoints, and what is said at its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM
from typing import Any

import click

from neuromorph_cli import text
from neuromorph_cli.checkpoints import Checkpoints
from neuromorph_cli.interrupts import CODES, Interrupts
from neuromorph_cli.progress import Progress

RATES = 8  # populations in the summary; `neuromorph analyze` shows all


def carry_out(
    name: str,
    path: Path,
    make: Callable[[], Any],
    end: Callable[[Any], float],
    given: dict[str, Any],
    about: dict[str, Any],
) -> int:
    """Make a simulation, run it until `end` of it (ms) and say how it went; returns the exit code.

    given : options (as_json, quiet, debug, every). about : see Checkpoints
    """
    interrupts = Interrupts.of_command()
    quiet = given["quiet"]
    with (
        Progress(not (quiet or given.get("debug"))) as progress,
        Checkpoints(path, given["every"], about) as checkpoints,
    ):
        progress.wait(f"{name}: building the network")
        started = time.perf_counter()
        with make() as simulation:
            interrupts.running = simulation
            built = time.perf_counter()
            stop = end(simulation)
            about["run"]["end_ms"] = stop
            checkpoints.begin(simulation.time)
            watch = _watch(name, stop, simulation.time, interrupts, progress, checkpoints)
            while (piece := min(stop, checkpoints.next_ms)) < stop and not interrupts.code:
                simulation.run_until(piece, watch)
                if not interrupts.code:
                    checkpoints.save(simulation)
            if not interrupts.code:
                simulation.run_until(stop, watch)
            if interrupts.code == CODES[SIGTERM] or (interrupts.code and given["every"]):
                checkpoints.save(simulation)
            summary = simulation.close("interrupted" if interrupts.code else "complete")
        report = _report(simulation, summary, path, built - started, time.perf_counter() - built)
    if given["as_json"]:
        click.echo(json.dumps(report))
    elif not quiet:
        _print(name, simulation, report)
    if interrupts.code and not quiet:
        ended = f"{text.milliseconds(simulation.time)} of {text.milliseconds(stop)}"
        more = f"; go on with: neuromorph resume {path}" if checkpoints.saved else ""
        click.echo(f"neuromorph: ended early, at {ended}; {path} holds what was simulated{more}", err=True)
    return interrupts.code or int(simulation.spoilt)


def _watch(
    name: str, stop: float, start: float, interrupts: Interrupts, progress: Progress, checkpoints: Checkpoints
) -> Callable[[Any], None]:
    """What is done after each window of the simulation."""
    began, before = time.perf_counter(), -1

    def watch(engine: Any) -> None:
        nonlocal before
        before = engine.synaptic_events if before < 0 else before
        interrupts.check()
        checkpoints.check(engine)
        if progress.due():
            rate = text.rate(engine.synaptic_events - before, time.perf_counter() - began)
            detail = f"{text.count(engine.time)} of {text.count(stop)} ms, {rate} events/s"
            progress.show(name, (engine.time - start) / (stop - start), detail)

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

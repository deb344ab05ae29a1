"""neuromorph info TRACE."""

from __future__ import annotations

import json as json_text
import shlex
from typing import Any

import click

from neuromorph_cli import options, text


@click.command()
@click.argument("trace", type=click.Path(), metavar="TRACE")
@options.json
def info(trace: str, as_json: bool) -> None:
    """Say what a trace holds: how it was made, what was recorded, whether it ended early.

    Also of a run that is still going on, or was killed.

    \b
    Example:
      neuromorph info traces/brunel.h5
    """
    from neuromorph.traces.reader import Trace

    with Trace(trace) as opened:
        summary = {**opened.summary(), "command": opened.provenance.get("command")}
        curves = {name: values.tolist() for name, values in opened.learning.items() if values.ndim == 1}
    if as_json:
        click.echo(json_text.dumps(summary, default=str))
    else:
        _print(summary, curves)


def _print(summary: dict[str, Any], curves: dict[str, list[float]]) -> None:
    from neuromorph.checkpoints import beside

    step = summary["resolution_ms"]
    grid = "exact times" if step in (None, "exact") else f"steps of {step:g} ms"
    early = " (ended early)" if summary["ended_early"] else ""
    made = {"made by": summary["command"], "with neuromorph": summary["neuromorph_version"], "seed": summary["seed"]}
    rows = [
        ("status", summary["status"] + early),
        ("simulated", f"{text.milliseconds(summary['simulated_ms'])}, {grid}"),
        *((name, str(value)) for name, value in made.items() if value is not None),
        ("spikes recorded", text.count(summary["spikes"])),
    ]
    if summary["synaptic_events"] is not None:
        rows.append(("synaptic events", text.count(summary["synaptic_events"])))
    recorded = {
        "states": [".".join(name) for name in summary["states"]],
        "weights": summary["projections"],
        "signals": summary["signals"],
    }
    rows += [(name, ", ".join(found)) for name, found in recorded.items() if found]
    rows += [(name, _curve(values)) for name, values in curves.items()]
    if summary["status"] == "killed":
        # quoted, since it is there to be copied into a shell, and a file may be called anything
        rows.append(("to finish it", f"neuromorph repair {shlex.quote(summary['file'])}"))
        trace = summary["file"].removesuffix(".part")
        if beside(trace).exists() and " learn " not in f"{summary['command']} ":  # learn has checkpoints of its own
            rows.append(("to go on", f"neuromorph resume {shlex.quote(trace)}"))
    text.facts(summary["file"], rows)
    if summary["populations"]:
        click.echo()
        populations = summary["populations"].items()
        text.columns(["population", "size", "spikes"], [[k, p["size"], p["spikes"]] for k, p in populations])


def _curve(values: list[float]) -> str:
    """A learning curve in short: its first and last few values."""
    shown = [f"{value:g}" for value in values]
    return ", ".join(shown if len(shown) <= 12 else [*shown[:4], "...", *shown[-4:]])

"""neuromorph repair TRACE."""

from __future__ import annotations

import json as json_text

import click

from neuromorph_cli import options, text


@click.command()
@click.argument("trace", type=click.Path(), metavar="TRACE")
@click.option("--compression", type=click.Choice(["zstd"]), help="Of the finished trace (extra `compress`).")
@options.json
@options.quiet
@options.force
def repair(trace: str, compression: str | None, as_json: bool, quiet: bool, force: bool) -> None:
    """Make the recording of a killed run a finished trace; all that was flushed is kept.

    TRACE is what the run should have written, or the recording TRACE.part that it has left.

    \b
    Example:
      neuromorph repair traces/brunel.h5
    """
    from neuromorph.traces.reader import Trace
    from neuromorph.traces.repair import repair_trace

    path = repair_trace(trace, force=force, compression=compression)
    with Trace(path) as opened:
        summary = opened.summary()
    if as_json:
        click.echo(json_text.dumps(summary, default=str))
    elif not quiet:
        facts = [("simulated", text.milliseconds(summary["simulated_ms"])), ("spikes", text.count(summary["spikes"]))]
        text.facts(str(path), [("status", f"{summary['status']} (ended early)"), *facts])

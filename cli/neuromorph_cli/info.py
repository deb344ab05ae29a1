"""neuromorph info TRACE."""

from __future__ import annotations

import json as json_text

import click

from neuromorph_cli import options
from neuromorph_cli.progress import table


@click.command()
@click.argument("trace", type=click.Path(), metavar="TRACE")
@options.json
def info(trace: str, as_json: bool) -> None:
    """Say what a trace holds: how it was made, what was recorded, whether it ended early.

    \b
    Example:
      neuromorph info traces/brunel.h5
    """
    from neuromorph.traces.reader import Trace

    with Trace(trace) as opened:
        summary = opened.summary()
    if as_json:
        click.echo(json_text.dumps(summary, default=str))
        return
    rows = []
    for key, value in summary.items():
        if isinstance(value, dict):
            rows.append((key, ""))
            rows.extend((f"  {name}", str(item)) for name, item in value.items())
        else:
            rows.append((key, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)))
    table(rows)

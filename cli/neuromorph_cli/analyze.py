"""neuromorph analyze TRACE."""

from __future__ import annotations

import json as json_text
from typing import Any

import click

from neuromorph_cli import options


@click.command()
@click.argument("trace", type=click.Path(), metavar="TRACE")
@click.option("--start", type=float, metavar="MS", help="Leave out spikes before this time.")
@click.option("--stop", type=float, metavar="MS", help="Leave out spikes after this time.")
@options.json
def analyze(trace: str, start: float | None, stop: float | None, as_json: bool) -> None:
    """Rates, irregularity and counts of each population in a trace.

    \b
    Example:
      neuromorph analyze traces/brunel.h5 --start 200 --json
    """
    from neuromorph.analysis.table import summarize
    from neuromorph.traces.reader import Trace

    with Trace(trace) as opened:
        rows = summarize(opened, start_ms=start, stop_ms=stop)
    if as_json:
        click.echo(json_text.dumps({"trace": trace, "populations": rows}))
        return
    _print(rows)


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None)
    for name in rows[0] if rows else ["population"]:
        table.add_column(name, justify="left" if name == "population" else "right")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console().print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)

"""neuromorph analyze TRACE."""

from __future__ import annotations

import json as json_text

import click

from neuromorph_cli import options, text

#: column of the table -> how it is headed
HEADS = {
    "population": "population", "size": "size", "spikes": "spikes", "mean_rate_hz": "rate (Hz)",
    "active_fraction": "active", "cv_isi": "CV of intervals", "synchrony": "synchrony",
}  # fmt: skip


@click.command()
@click.argument("trace", type=click.Path(), metavar="TRACE")
@click.option("--start", type=float, metavar="MS", help="Leave out spikes before this time.")
@click.option("--stop", type=float, metavar="MS", help="Leave out spikes from this time on.")
@options.json
def analyze(trace: str, start: float | None, stop: float | None, as_json: bool) -> None:
    """Rates, irregularity and counts of each population in a trace.

    Of each population: its mean rate, the fraction of its cells that spiked at all, the mean coefficient of variation
    of their intervals (1: as irregular as a Poisson process), and synchrony: variance over mean of the spikes in bins
    of 3 ms (1: independent cells).

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
    elif rows:
        text.columns([HEADS.get(name, name) for name in rows[0]], [list(row.values()) for row in rows])
    else:
        click.echo("no spikes of any population were recorded")

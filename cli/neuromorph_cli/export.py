"""neuromorph export TRACE."""

from __future__ import annotations

import json as json_text
from pathlib import Path

import click

from neuromorph_cli import options, text

#: format -> suffix, as in neuromorph.export.writing, which is too heavy to be imported for help
FORMATS = {"csv": ".csv", "parquet": ".parquet", "npz": ".npz", "nwb": ".nwb", "neo": ".nix"}
TABLES = ["spikes", "states", "weights", "signals", "learning"]


@click.command()
@click.argument("trace", type=click.Path(), metavar="TRACE")
@click.option("--to", type=click.Choice(list(FORMATS)), help="Format; by default what the suffix of FILE says.")
@options.output("File to write; by default beside the trace.")
@click.option("--table", type=click.Choice(TABLES), help="Of csv and parquet: which table.  [default: spikes]")
@click.option("--population", "populations", multiple=True, metavar="NAME", help="Only these populations.")
@click.option("--start", "--from", "start_ms", type=float, metavar="MS", help="Leave out what is before.")
@click.option("--stop", "stop_ms", type=float, metavar="MS", help="Leave out what is from this time on.")
@options.force
@options.json
def export(
    trace: str,
    to: str | None,
    output: str | None,
    table: str | None,
    populations: tuple[str, ...],
    start_ms: float | None,
    stop_ms: float | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write a trace for other programs: tables, NWB, a Neo block.

    csv and parquet hold one table; npz all of them; nwb and neo (a NIX file) spikes, states, weights and signals.
    neuromorph.export reads spikes back from each.

    \b
    Example:
      neuromorph export traces/brunel.h5 --to parquet
      neuromorph export traces/brunel.h5 -o v.csv --table states
    """
    from neuromorph.export.writing import export as write
    from neuromorph.traces.reader import Trace

    if output is None:
        if to is None:
            raise click.UsageError("Say what to write: --to FORMAT, or -o FILE.")
        output = str(Path(trace.removesuffix(".part")).with_suffix(FORMATS[to]))
    with Trace(trace) as opened:
        done = write(
            opened, output, to, table=table, populations=list(populations) or None, start_ms=start_ms,
            stop_ms=stop_ms, force=force,
        )  # fmt: skip
        status, end = opened.status, text.milliseconds(opened.simulated_ms)
    if as_json:
        said = {"file": output, "table": done.table, "rows": done.rows, "left_out": done.left_out, "status": status}
        click.echo(json_text.dumps(said))
        return
    what = "spikes" if done.table == "spikes" else f"rows of {done.table}"
    click.echo(f"{output}: {text.count(done.rows)} {what}")
    if status not in ("complete", "unknown"):
        click.echo(f"the run ended early: {status} at {end}", err=True)
    if done.left_out:
        click.echo(f"not in it: {', '.join(done.left_out)}", err=True)

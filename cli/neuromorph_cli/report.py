"""neuromorph report TRACE."""

from __future__ import annotations

import click

from neuromorph_cli import options


@click.command()
@click.argument("trace", type=click.Path(), metavar="TRACE")
@click.option("-o", "--output", required=True, type=click.Path(), metavar="PAGE.html", help="Page to write.")
@click.option("--start", type=float, metavar="MS", help="First time shown.")
@click.option("--stop", type=float, metavar="MS", help="Last time shown.")
@options.force
def report(trace: str, output: str, start: float | None, stop: float | None, force: bool) -> None:
    """Write a page of HTML that shows what a trace holds, and opens offline.

    What was run, the network as a graph, a raster that can be zoomed, rates, recorded states, distributions, weights
    before and after, learning curves. Needs pip install 'neuromorph[report]'.

    \b
    Example:
      neuromorph report traces/brunel.h5 -o report.html
    """
    from neuromorph.report.page.build import report as write
    from neuromorph.traces.reader import Trace

    with Trace(trace) as opened:
        write(opened, output, start_ms=start, stop_ms=stop, force=force)
    click.echo(output)

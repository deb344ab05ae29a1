"""neuromorph plot raster TRACE."""

from __future__ import annotations

import click

from neuromorph_cli import options


@click.group(cls=options.Group)
def plot() -> None:
    """Draw figures from a trace.

    \b
    Example:
      neuromorph plot raster traces/brunel.h5 -o brunel.png
    """


@plot.command()
@click.argument("trace", type=click.Path(), metavar="TRACE")
@click.option(
    "-o", "--output", required=True, type=click.Path(), metavar="FIG.png", help="Figure to write: png, pdf, svg ..."
)
@click.option("--population", "populations", multiple=True, metavar="NAME", help="Only these populations.")
@click.option("--start", type=float, metavar="MS", help="First time drawn.")
@click.option("--stop", type=float, metavar="MS", help="Last time drawn.")
@options.force
def raster(
    trace: str, output: str, populations: tuple[str, ...], start: float | None, stop: float | None, force: bool
) -> None:
    """Spikes over time, with the rate of each population below.

    \b
    Example:
      neuromorph plot raster traces/brunel.h5 -o brunel.png --stop 200
    """
    from neuromorph.report.raster import raster as draw
    from neuromorph.traces.reader import Trace

    with Trace(trace) as opened:
        draw(opened, output, populations=list(populations) or None, start_ms=start, stop_ms=stop, force=force)
    click.echo(output)

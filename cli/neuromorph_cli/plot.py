"""neuromorph plot raster, rates, membrane, weights, learning and graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from neuromorph_cli import options


@click.group(cls=options.Group)
def plot() -> None:
    """Draw figures from a trace.

    \b
    Example:
      neuromorph plot raster traces/brunel.h5 -o brunel.png
      neuromorph plot rates traces/brunel.h5 -o rates.pdf --width 3.4
    """


def figure(width: float) -> Callable[[Any], Any]:
    """What every figure has: the trace, the file, its size."""
    given = [
        click.argument("trace", type=click.Path(), metavar="TRACE"),
        click.option(
            "-o", "--output", required=True, type=click.Path(), metavar="FIG", help="Figure to write: png, svg, pdf ..."
        ),
        click.option("--width", type=float, default=width, show_default=True, metavar="INCHES", help="Of the figure."),
        click.option("--dpi", type=int, default=160, show_default=True, metavar="N", help="Dots per inch."),
        options.force,
    ]
    return lambda command: _decorated(command, given)


def span(command: Any) -> Any:
    """The interval of time that is drawn."""
    given = [
        click.option("--start", "--from", "start_ms", type=float, metavar="MS", help="First time drawn."),
        click.option("--stop", "--to", "stop_ms", type=float, metavar="MS", help="Last time drawn."),
    ]
    return _decorated(command, given)


def population(command: Any) -> Any:
    """The populations that are drawn."""
    return several("--population", "populations", "NAME", "Only these populations.")(command)


def several(flag: str, name: str, metavar: str, text: str, kind: Any = str) -> Callable[[Any], Any]:
    """An option that may be given several times; None where it is not given."""
    return click.option(
        flag, name, multiple=True, type=kind, metavar=metavar, help=text, callback=lambda *given: list(given[2]) or None
    )


def _decorated(command: Any, given: list[Any]) -> Any:
    for decorator in reversed(given):
        command = decorator(command)
    return command


def _draw(module: str, name: str, trace: str, output: str, chosen: dict[str, Any]) -> None:
    from importlib import import_module

    from neuromorph.traces.reader import Trace

    draw = getattr(import_module(f"neuromorph.report.{module}"), name)
    with Trace(trace) as opened:
        draw(opened, output, **chosen)
    click.echo(output)


@plot.command()
@figure(9.0)
@population
@span
def raster(trace: str, output: str, **chosen: Any) -> None:
    """Spikes over time, with the rate of each population below.

    \b
    Example:
      neuromorph plot raster traces/brunel.h5 -o brunel.png --stop 200
    """
    _draw("raster", "raster", trace, output, chosen)


@plot.command()
@figure(7.0)
@population
@span
@click.option("--bin", "bin_ms", type=float, metavar="MS", help="Length of a bin; by default a round one.")
def rates(trace: str, output: str, **chosen: Any) -> None:
    """Rates of populations over time: lines, or a map of many.

    \b
    Example:
      neuromorph plot rates traces/brunel.h5 -o rates.pdf --bin 5
    """
    _draw("rates", "rates", trace, output, chosen)


@plot.command()
@figure(7.0)
@population
@span
@several("--variable", "variables", "NAME", "Only these; by default V_m where it is.")
@several("--cell", "cells", "N", "Index of a cell; by default the first four.", int)
def membrane(trace: str, output: str, **chosen: Any) -> None:
    """Recorded states of cells over time, with spikes and threshold.

    \b
    Example:
      neuromorph plot membrane traces/x.h5 -o v.svg --population E --cell 3
    """
    _draw("membrane", "membrane", trace, output, chosen)


@plot.command()
@figure(7.0)
@several("--projection", "projections", "NAME", "Only these projections.")
@span
@several(
    "--kind",
    "kinds",
    "KIND",
    "From left to right; by default what fits.",
    click.Choice(["distribution", "trajectories", "matrix"]),
)
def weights(trace: str, output: str, **chosen: Any) -> None:
    """Recorded weights: before and after, over time, or a matrix.

    KIND is distribution (of the first and the last reading), trajectories (of single synapses) or matrix (the last
    reading).

    \b
    Example:
      neuromorph plot weights traces/stdp.h5 -o weights.pdf
    """
    _draw("weights", "weights", trace, output, chosen)


@plot.command()
@figure(7.0)
@several("--curve", "curves", "NAME", "Only these curves.")
def learning(trace: str, output: str, **chosen: Any) -> None:
    """Learning curves: errors, alignment, spikes and what else there is.

    \b
    Example:
      neuromorph plot learning traces/digits.h5 -o learning.pdf
    """
    _draw("learning", "learning", trace, output, chosen)


@plot.command()
@figure(7.0)
def graph(trace: str, output: str, **chosen: Any) -> None:
    """Populations and the projections between them.

    \b
    Example:
      neuromorph plot graph traces/brunel.h5 -o network.svg
    """
    _draw("network", "network", trace, output, chosen)

"""neuromorph why spike|weight TRACE, and neuromorph why-not TRACE."""

from __future__ import annotations

import json as json_text
from typing import Any

import click

from neuromorph_cli import explained, options

whole = click.option(
    "--whole", is_flag=True, help="Run the whole network again, where the trace lacks the spikes of a source."
)


@click.group(cls=options.Group)
def why() -> None:
    """Why a neuron fired, and why a weight is what it is.

    Only the neuron that is asked about is run again, from what its sources emitted.

    \b
    Example:
      neuromorph why spike traces/brunel.h5 --neuron E/12 --at 103.2
      neuromorph why weight traces/stdp.h5 --synapse E/3-E/12
    """


@why.command()
@click.argument("trace", type=click.Path(), metavar="TRACE")
@click.option("--neuron", required=True, metavar="NAME", help="The neuron: POPULATION/INDEX.")
@click.option("--at", "at_ms", required=True, type=float, metavar="MS", help="When it fired; the spike next to this.")
@click.option("--depth", type=click.IntRange(min=1), default=1, show_default=True, help="Steps back along the causes.")
@click.option("--most", type=click.IntRange(min=1), default=10, show_default=True, help="Causes that are shown.")
@click.option("--window", "window_ms", type=float, metavar="MS", help="Leave out arrivals of no more than this long.")
@click.option(
    "-o", "--output", type=click.Path(), metavar="FIG", help="Draw the membrane and what arrived: png, pdf, svg."
)
@whole
@options.plugin
@options.force
@options.json
def spike(trace: str, neuron: str, at_ms: float, depth: int, most: int, as_json: bool, **given: Any) -> None:
    """Which arrivals made a neuron fire: each is left out in turn.

    Every arrival since the neuron's last spike is left out in turn, all others are kept. An arrival is decisive if the
    spike then fails, or comes more than tau_m/10 later.

    \b
    Example:
      neuromorph why spike traces/brunel.h5 --neuron E/12 --at 103.2 --depth 3
    """
    from neuromorph.why.chain import chain

    with _opened(trace, given) as recording:
        found = chain(recording, neuron, at_ms, depth, most, given["window_ms"])
    if given["output"] is not None:
        from neuromorph.report.cause import draw_cause

        draw_cause(found.spike, given["output"], force=given["force"])
    click.echo(json_text.dumps(explained.plain(explained.link(found)))) if as_json else explained.spike(found, most)


@why.command()
@click.argument("trace", type=click.Path(), metavar="TRACE")
@click.option("--synapse", required=True, metavar="FROM-TO", help="The synapse: POPULATION/INDEX-POPULATION/INDEX.")
@click.option("--projection", metavar="NAME", help="Only the synapses of this projection.")
@click.option("--until", type=float, metavar="MS", help="Changes up to this time.")
@click.option(
    "--most", type=click.IntRange(min=1), default=20, show_default=True, help="Latest changes that are shown."
)
@whole
@options.plugin
@options.json
def weight(trace: str, synapse: str, as_json: bool, until: float | None, most: int, **given: Any) -> None:
    """Every change of one synapse: when, by which hook, what it saw, before and after.

    \b
    Example:
      neuromorph why weight traces/stdp.h5 --synapse E/3-E/12
    """
    from neuromorph.why.weight import why_weight

    with _opened(trace, given) as recording:
        source, target = explained.ends(recording, synapse)
        found = why_weight(recording, source, target, until, given["projection"])
    if as_json:
        click.echo(json_text.dumps(explained.plain([explained.ledger(one) for one in found])))
    for one in () if as_json else found:
        explained.weight(one, most)


@click.command("why-not")
@click.argument("trace", type=click.Path(), metavar="TRACE")
@click.option("--neuron", required=True, metavar="NAME", help="The neuron: POPULATION/INDEX.")
@click.option("--from", "begin_ms", required=True, type=float, metavar="MS", help="Begin of the silence.")
@click.option("--to", "end_ms", required=True, type=float, metavar="MS", help="End of it.")
@whole
@options.plugin
@options.json
def why_not(trace: str, neuron: str, begin_ms: float, end_ms: float, as_json: bool, **given: Any) -> None:
    """How close a silent neuron came to a spike, and what would have been enough.

    \b
    Example:
      neuromorph why-not traces/brunel.h5 --neuron E/12 --from 100 --to 150
    """
    from neuromorph.why import silence

    with _opened(trace, given) as recording:
        found = silence.why_not(recording, neuron, begin_ms, end_ms)
    click.echo(json_text.dumps(explained.plain(explained.quiet(found)))) if as_json else explained.silence(found)


def _opened(trace: str, given: dict[str, Any]) -> Any:
    """The recording, with plugins loaded, and the whole network run again where that was asked for."""
    options.load_plugins(given["plugins"])
    from neuromorph.why.recording import Recording

    recording = Recording(trace)
    if given["whole"]:
        recording.run_again()
    return recording

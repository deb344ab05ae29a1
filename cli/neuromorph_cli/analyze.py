"""neuromorph analyze TRACE."""

from __future__ import annotations

import json as json_text
from typing import TYPE_CHECKING, Any

import click

from neuromorph_cli import options, text

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: column of the table -> how it is headed
HEADS = {
    "population": "population", "size": "size", "spikes": "spikes", "mean_rate_hz": "rate (Hz)",
    "active_fraction": "active", "cv_isi": "CV of intervals", "synchrony": "synchrony",
}  # fmt: skip


@click.command()
@click.argument("trace", type=click.Path(), metavar="TRACE")
@click.option("--population", "populations", multiple=True, metavar="NAME", help="Everything about this population.")
@click.option("--all", "everything", is_flag=True, help="Everything about all that was recorded.")
@click.option("--from", "start", type=float, metavar="MS", help="Leave out what was before this time.")
@click.option("--to", "stop", type=float, metavar="MS", help="Leave out what was from this time on.")
@click.option("--start", type=float, hidden=True)
@click.option("--stop", type=float, hidden=True)
@click.option("--events", type=click.Path(), metavar="FILE.csv", help="Labelled events, rows of time_ms,label.")
@click.option("--window", type=(float, float), metavar="MS MS", default=(0.0, 100.0), show_default=True,
              help="What counts as response to an event, from it on.")  # fmt: skip
@click.option("--pair", type=(str, str), metavar="A B", help="Cross-correlogram of populations (E) or cells (E/12).")
@click.option("--sample", type=click.IntRange(1), metavar="N", default=200, show_default=True,
              help="How many cells are correlated.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Which cells those are.")
@options.json
def analyze(trace: str, start: float | None, stop: float | None, as_json: bool, **given: Any) -> None:
    """Rates, irregularity and counts of each population in a trace.

    Of each population: its mean rate, the fraction of its cells that spiked at all, the mean coefficient of variation
    of their intervals (1: as irregular as a Poisson process), and synchrony: variance over mean of the spikes in bins
    of 3 ms (1: independent cells).

    With --population, --all or --json also CV2, LV, Fano factors, correlations, dimensionality, bursts, spectrum and
    what else was recorded; with --events selectivity; with --pair alone the cross-correlogram of two. docs/analysis.md
    says what each number is.

    \b
    Example:
      neuromorph analyze traces/brunel.h5 --from 200 --population E
    """
    from neuromorph.analysis.whole import ending
    from neuromorph.traces.reader import Trace

    with Trace(trace) as opened:
        whole = as_json or given["everything"] or given["populations"] or given["events"]
        found = _whole(opened, start, stop, given) if whole else {}
        if given["pair"]:
            from neuromorph.analysis.pairs import pair_correlogram

            a, b = given["pair"]
            found["pair"] = pair_correlogram(opened, a, b, start_ms=start, stop_ms=stop)
        if as_json:
            click.echo(json_text.dumps({"trace": trace, **found}))
            return
        if found:
            from neuromorph_cli.analysis_text import show

            show(found)
        else:
            _table(opened, start, stop)
        _end(ending(opened))


def _whole(opened: Trace, start: float | None, stop: float | None, given: dict[str, Any]) -> dict[str, Any]:
    from neuromorph.analysis.account import Settings
    from neuromorph.analysis.events import Events, read_events
    from neuromorph.analysis.whole import analyze as everything

    events = Events(*read_events(given["events"]), given["window"]) if given["events"] else None
    settings = Settings(sample=given["sample"], seed=given["seed"])
    return everything(opened, given["populations"] or None, start, stop, settings, events)


def _table(opened: Trace, start: float | None, stop: float | None) -> None:
    from neuromorph.analysis.table import summarize

    rows = summarize(opened, start_ms=start, stop_ms=stop)
    if rows:
        text.columns([HEADS.get(name, name) for name in rows[0]], [list(row.values()) for row in rows])
    else:
        click.echo("no spikes of any population were recorded")


def _end(found: dict[str, Any]) -> None:
    """Say so where this is not all of a run."""
    far = text.milliseconds(found["simulated_ms"])
    if found["ended_early"]:
        click.echo()
        text.line(f"this run ended early ({found['status']}), at {far}")
    elif found["status"] == "running":
        click.echo(f"\nthis run goes on; it has come to {far}")

"""neuromorph compare A B."""

from __future__ import annotations

import json as json_text
from typing import Any

import click

from neuromorph_cli import options, text


@click.command()
@click.argument("one", type=click.Path(), metavar="A")
@click.argument("other", type=click.Path(), metavar="B")
@click.option("--from", "start", type=float, metavar="MS", help="Leave out what was before this time.")
@click.option("--to", "stop", type=float, metavar="MS", help="Leave out what was from this time on.")
@options.json
@options.quiet
def compare(one: str, other: str, start: float | None, stop: float | None, as_json: bool, quiet: bool) -> int:
    """Whether two traces recorded the same; if not, the first spike that differs, and how far apart they are.

    Spikes, states, weights, signals and learning curves are compared to the last bit, not how they were made. The exit
    code is 0 where all is the same, 1 where anything differs.

    \b
    Example:
      neuromorph compare traces/brunel.h5 traces/brunel-again.h5
    """
    from neuromorph.analysis.compare import compare as compared
    from neuromorph.traces.reader import Trace

    with Trace(one) as a, Trace(other) as b:
        found = compared(a, b, start, stop)
    if as_json:
        click.echo(json_text.dumps(found))
    elif not quiet:
        _show(one, other, found)
    return int(not found["identical"])


def _show(one: str, other: str, found: dict[str, Any]) -> None:
    for name, status, far in zip((one, other), found["status"], found["simulated_ms"]):
        if status not in ("complete", "unknown"):
            how = "goes on; it has come to" if status == "running" else f"ended early ({status}), at"
            text.line(f"{name} {how} {text.milliseconds(far)}")
    rows = found["populations"]
    if found["identical"]:
        spikes = sum(row["spikes"][0] for row in rows)
        text.line(f"{one} and {other} are identical, with {text.count(spikes)} spikes of {len(rows)} populations")
        return
    text.line(f"{one} and {other} differ")
    if found["first_difference"] is not None:
        text.line(_first(found["first_difference"], one, other))
    for row in found["other_differences"]:
        text.line(f"{row['what']}: {row['difference']}")
    if rows:
        click.echo()
        text.columns(_HEADS, [_row(row) for row in rows])


def _first(difference: dict[str, Any], one: str, other: str) -> str:
    a, b = difference["times_ms"]
    (name, time), (after, later) = (
        ((one, a), (other, b)) if b is None or (a is not None and a <= b) else ((other, b), (one, a))
    )
    then = "never again" if later is None else f"not before {text.milliseconds(later)}"
    cell = f"{difference['population']}/{difference['neuron']}"
    return f"the first difference: {cell} spikes at {text.milliseconds(time)} in {name}, and in {after} {then}"


_HEADS = (
    "population", "spikes A", "B", "differ from (ms)", "rate A (Hz)", "B", "KS rates", "KS intervals", "van Rossum",
    "Victor-Purpura",
)  # fmt: skip


def _row(row: dict[str, Any]) -> list[Any]:
    if row["identical"]:
        return [row["population"], *row["spikes"], "identical", *[None] * 6]
    apart, times = row["distances"], row["first_difference"]["times_ms"]
    first = f"{min(time for time in times if time is not None):,.15g}"
    shown = [apart[name] for name in ("ks_rates", "ks_intervals", "van_rossum", "victor_purpura")]
    return [row["population"], *row["spikes"], first, *apart["mean_rate_hz"], *shown]

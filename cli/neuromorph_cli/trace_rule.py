"""neuromorph trace-rule RULE."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from neuromorph_cli import options, text
from neuromorph_cli.progress import Progress
from neuromorph_cli.registered import names_of
from neuromorph_cli.sketch import sketch


@click.command("trace-rule")
@click.argument("rule", shell_complete=names_of("rules"))
@click.option("--pre", default="", metavar="MS,MS", help="Spikes of the source (ms); equal ones are a count.")
@click.option("--post", default="", metavar="MS,MS", help="Spikes of the target; the synapse sees them a delay later.")
@click.option("--signal", "signals", multiple=True, metavar="MS=VALUE", help="A signal that arrives at the synapse.")
@click.option("--weight", default=0.5, show_default=True, help="Weight at the beginning.")
@click.option("--delay", default=1.0, show_default=True, metavar="MS", help="Delay of the synapse.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter of the rule.")
@click.option("--w-min", type=float, metavar="W", help="Smallest weight; by default the synapse keeps its sign.")
@click.option("--w-max", type=float, metavar="W", help="Largest weight.")
@click.option(
    "--variable", "variables", multiple=True, metavar="NAME=VALUE", help="What the rule reads, as post.V_m=-55."
)
@click.option("--resolution", default="exact", show_default=True, metavar="MS", help='Tick in ms, or "exact".')
@options.plugin
@options.output("Figure to write: png, pdf, svg ...; else the weight is drawn in text.")
@options.json
@options.force
def trace_rule(
    rule: str, plugins: tuple[str, ...], output: str | None, as_json: bool, force: bool, **given: Any
) -> None:
    """What a learning rule does to one synapse, event by event.

    \b
    Example:
      neuromorph trace-rule pair_stdp --pre 10,30 --post 12,40 --set a_plus=0.02
    """
    from neuromorph.testing.trace_rule import trace_rule as trace

    options.load_plugins(plugins)
    if output is not None:
        from neuromorph.report.files import new_file

        new_file(Path(output), force)
    resolution = options.resolution(given["resolution"])
    signals = [(_number(t, "--signal"), _number(v, "--signal")) for t, v in _pairs(given["signals"], "--signal")]
    with Progress(not as_json) as progress:
        progress.wait(f"{rule}: compiling")
        found = trace(
            rule, _times(given["pre"], "--pre"), _times(given["post"], "--post"), signals, weight=given["weight"],
            delay=given["delay"], resolution=resolution or "exact", params=dict(_pairs(given["settings"], "--set")),
            w_min=given["w_min"], w_max=given["w_max"],
            variables={name: _number(v, "--variable") for name, v in _pairs(given["variables"], "--variable")},
        )  # fmt: skip
    if output is not None:
        from neuromorph.report.rule_trace import rule_trace

        rule_trace(Path(output), *_course(found), _marks(found), f"{found.rule}, delay {found.delay:g} ms", force=force)
    if as_json:
        click.echo(json.dumps(_report(found)))
        return
    _print(found)
    click.echo("\n" + (output if output is not None else "\n".join(sketch(*_course(found), _marks(found)))))


def _times(text: str, option: str) -> list[float]:
    return [_number(part, option) for part in text.split(",") if part.strip()]


def _pairs(texts: tuple[str, ...], option: str) -> list[tuple[str, str]]:
    from neuromorph.errors import InputError, Problem

    for one in texts:
        if "=" not in one:
            allowed = "MS=VALUE, such as 50=1.0" if option == "--signal" else "NAME=VALUE"
            raise InputError(Problem("no `=` in it", option, one, allowed))
    return [(name.strip(), value.strip()) for name, _, value in (one.partition("=") for one in texts)]


def _number(text: str, option: str) -> float:
    from neuromorph.errors import InputError, Problem

    try:
        return float(text)
    except ValueError:
        raise InputError(Problem("not a number", option, text, "numbers such as 10 or 12.5")) from None


def _course(found: Any) -> tuple[list[float], list[float]]:
    """The weight from each time on: from 0 ms to a little after the last event."""
    rows, last = found.rows, found.rows[-1].time
    return [0.0, *(row.time for row in rows), 1.05 * last], [found.weight, *(row.after for row in rows), rows[-1].after]


def _marks(found: Any) -> dict[str, list[float]]:
    kinds = [kind for kind in ("post", "pre", "signal") if any(row.event == kind for row in found.rows)]
    return {kind: [row.time for row in found.rows if row.event == kind] for kind in kinds}


def _print(found: Any) -> None:
    low, high = found.bounds
    clock = "exact times" if found.resolution == "exact" else f"steps of {found.resolution:g} ms"
    text.facts(found.rule, [
        ("parameters", ", ".join(f"{name} = {value:g}" for name, value in found.parameters.items()) or "-"),
        ("synapse", f"weight {found.weight:g}, bounds {low:g} to {high:g}, delay {found.delay:g} ms, {clock}"),
    ])  # fmt: skip
    seen = list(dict.fromkeys(name for row in found.rows for name in row.seen))
    arrives = any(row.arrives is not None for row in found.rows)
    names = [
        "time (ms)",
        "event",
        "count",
        "hook",
        *seen,
        "before",
        "after",
        "change",
        *(["arrives"] if arrives else []),
    ]
    click.echo()
    text.columns(names, [[*_cells(row, seen), *([_known(row.arrives)] if arrives else [])] for row in found.rows])


def _cells(row: Any, seen: list[str]) -> list[str]:
    count = f"{row.count:g}" if row.event != "signal" else f"= {row.count:g}"
    values = [_known(row.seen.get(name)) for name in seen]
    values = [f"{v} -> {row.states[n]:.6g}" if n in row.states else v for n, v in zip(seen, values)]
    weights = [f"{row.before:.6g}", f"{row.after:.6g}", f"{row.change:+.6g}" if row.change else "0"]
    return [f"{row.time:.12g}", row.event, count, row.hook or "-", *values, *weights]


def _known(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"


def _report(found: Any) -> dict[str, Any]:
    """The same as plain values; a bound that there is not is null."""
    low, high = (None if abs(bound) == float("inf") else bound for bound in found.bounds)
    rows = [{**vars(row), "change": row.change} for row in found.rows]
    return {**vars(found), "bounds": [low, high], "rows": rows}

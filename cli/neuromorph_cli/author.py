"""neuromorph rules new, rules check, models new, models check: what an author of plugins needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from neuromorph.errors import PluginError
from neuromorph_cli import options


def add_to(group: click.Group, what: str, example: str) -> None:
    """Give the group `rules` or `models` the commands `new` and `check`."""
    group.add_command(_new(what))
    group.add_command(_check(what, example))


def _help(first: str, *examples: str) -> str:
    return "\n".join([first, "", "\b", "Example:", *(f"  {one}" for one in examples)])


def _new(what: str) -> click.Command:
    one = what[:-1]
    first = f"Write an installable package with a {one} to start from: its tests pass at once."
    lines = (f"neuromorph {what} new my_{one}", f"pip install -e ./neuromorph-my-{one} && pytest neuromorph-my-{one}")

    @click.command(name="new", help=_help(first, *lines))
    @click.argument("name")
    @click.option("-o", "--output", type=click.Path(), metavar="DIR", help="Folder; neuromorph-NAME by default.")
    @options.force
    def new(name: str, output: str | None, force: bool) -> None:
        from neuromorph_cli import registered, scaffold

        package = scaffold.named(what, name, registered._registry(what, ()).names())
        folder = Path(output if output is not None else package.distribution)
        for file in scaffold.write(package, folder, force):
            click.echo(str(file))
        click.echo(f"Next: pip install -e {folder} && pytest {folder}; neuromorph {what} check {name}")

    return new


def _check(what: str, example: str) -> click.Command:
    one = what[:-1]
    first = f"Try a {one}, or those of a file: does it keep all that a {one} promises? Exit code 1 where it does not."

    @click.command(
        name="check", help=_help(first, f"neuromorph {what} check {example}", f"neuromorph {what} check my_{one}.py")
    )
    @click.argument("name", metavar="NAME|FILE")
    @click.option("--cost/--no-cost", default=True, show_default=True, help="Measure what it costs too (seconds).")
    @options.plugin
    @options.json
    def check(name: str, cost: bool, plugins: tuple[str, ...], as_json: bool) -> int:
        reports = []
        for title, cls in _subjects(what, name, plugins).items():
            results = []
            for result in _results(what, title, cls, cost, quiet=as_json):
                results.append(result)
            reports.append(_report(title, results))
        if as_json:
            click.echo(json.dumps([report.as_dict() for report in reports]))
        return 0 if all(report.passed for report in reports) else 1

    return check


def _subjects(what: str, name: str, plugins: tuple[str, ...]) -> dict[str, Any]:
    """Classes to check by title, or the error that keeps one from being loaded."""
    from neuromorph.plugin_files import load_file
    from neuromorph_cli import registered

    registry = registered._registry(what, plugins)
    if Path(name).is_file():
        try:
            found = load_file(name)
        except PluginError as error:
            return {name: error}
        return {f"{name}: {key}": cls for key, cls in {**getattr(found, what)}.items()} or {
            name: PluginError(f"{name}: no {what[:-1]} in this file")
        }
    entry = registry.entry(name)
    return {name: entry.error or entry.cls}


def _results(what: str, title: str, cls: Any, cost: bool, quiet: bool) -> Any:
    """Results as they come, each said at once."""
    from neuromorph.testing import kit
    from neuromorph.testing.report import FAILED, Result

    if not quiet:
        click.secho(title, bold=True)
    if isinstance(cls, PluginError):
        results = iter([Result("contract", FAILED, str(cls))])
    else:
        results = (kit.rule_results if what == "rules" else kit.model_results)(cls, cost)
    for result in results:
        if not quiet:
            colour = {"passed": "green", "failed": "red"}.get(result.verdict, "yellow")
            text = f": {result.text}" if result.text else ""
            click.echo(f"  {result.check}: {click.style(result.verdict, fg=colour)}{text}")
        yield result


def _report(title: str, results: list[Any]) -> Any:
    from neuromorph.testing.report import Report

    return Report(title, tuple(results))

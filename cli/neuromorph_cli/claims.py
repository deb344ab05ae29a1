"""neuromorph claims [N]."""

from __future__ import annotations

import ast
import importlib.util
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuromorph_cli import options, text
from neuromorph_cli.interrupts import Interrupted
from neuromorph_cli.progress import Progress

if TYPE_CHECKING:
    from types import ModuleType

PLACE = "examples/claims"


@click.command()
@click.argument("number", type=int, required=False, metavar="[N]")
@click.option("--all", "every", is_flag=True, help="Run all ten, one after the other.")
@click.option("-o", "--output", type=click.Path(), metavar="DIR", help="Folder to draw a figure of each claim into.")
@click.option(
    "--format", "kind", type=click.Choice(["png", "svg"]), default="png", show_default=True, help="Of the figures."
)
@options.seed
@options.json
@options.quiet
@options.force
def claims(number: int | None, every: bool, as_json: bool, quiet: bool, **given: Any) -> int:
    """Run the lecture's ten claims as small experiments; without N, list them.

    Each says what it measured, by which criteria it judges, and whether the claim holds. docs/claims.md has a table.

    \b
    Example:
      neuromorph claims
      neuromorph claims 3
      neuromorph claims --all -o figures --json
    """
    if every and number is not None:
        raise click.UsageError("--all runs every claim: leave out the number.")
    if number is None and not every:
        _list(as_json)
        return 0
    reports: list[dict[str, Any]] = []
    try:
        for file in experiments().values() if every else [_experiment(number)]:
            reports.append(_run(file, not quiet, given))
            if not (as_json or quiet):
                _print(reports[-1])
    except Interrupted as interrupted:
        if not reports:
            raise
        return interrupted.code
    finally:
        if as_json and reports:
            click.echo(json.dumps({"claims": reports} if every else reports[0]))
    return 0


def experiments() -> dict[int, Path]:
    """The file of each claim: beside this package in a checkout, inside it in a wheel."""
    here = Path(__file__).parent
    folder = next((p for p in (here / PLACE, here.parents[1] / PLACE) if p.is_dir()), here)
    return {int(path.stem.split("_")[1]): path for path in sorted(folder.glob("claim_*.py"))}


def title(file: Path) -> str:
    """The first line of an experiment's docstring, without importing it."""
    return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def load(file: Path) -> ModuleType:
    """The experiment: `measure(seed=...)`, `criteria(result)` and `draw(result, axes)`."""
    spec = importlib.util.spec_from_file_location(f"neuromorph_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def verdict(criteria: dict[str, bool]) -> str:
    """holds: every criterion is met; does not hold: none is; partly: some are."""
    met = sum(criteria.values())
    return "holds" if met == len(criteria) else "partly" if met else "does not hold"


def _list(as_json: bool) -> None:
    titles = {number: title(file) for number, file in experiments().items()}
    if as_json:
        click.echo(json.dumps([{"number": number, "claim": claim} for number, claim in titles.items()]))
        return
    rows = [(str(number), claim.partition(": ")[2]) for number, claim in titles.items()]
    text.facts("the ten claims; run one with `neuromorph claims N`", rows)


def _experiment(number: int | None) -> Path:
    from neuromorph.errors import InputError, Problem

    known = experiments()
    if number not in known:
        fix = "List them with: neuromorph claims"
        raise InputError(Problem("no such claim", "claims", number, f"{min(known)} to {max(known)}", fix))
    return known[number]


def _run(file: Path, shown: bool, given: dict[str, Any]) -> dict[str, Any]:
    claim = title(file)
    figure = _figure(file, given)
    with Progress(shown) as progress:
        progress.wait(claim)
        began = time.perf_counter()
        experiment = load(file)
        result = experiment.measure(seed=1 if given["seed"] is None else given["seed"])
        wall_s = time.perf_counter() - began
    met = {text: bool(value) for text, value in experiment.criteria(result).items()}
    plain = {name: _plain(value) for name, value in result.items()}
    if figure is not None:
        _draw(experiment, result, claim, figure)
    return {
        "number": int(file.stem.split("_")[1]), "claim": claim,
        "numbers": {name: value for name, value in plain.items() if not isinstance(value, list)},
        "series": {name: value for name, value in plain.items() if isinstance(value, list)},
        "criteria": met, "verdict": verdict(met), "wall_s": wall_s,
        "figure": None if figure is None else str(figure),
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy as JSON knows them."""
    return value.tolist() if hasattr(value, "tolist") else value


def _figure(file: Path, given: dict[str, Any]) -> Path | None:
    """The figure to draw, if one is asked for and can be drawn; everything that can be wrong with it, beforehand."""
    from neuromorph.errors import InputError, Problem

    if given["output"] is None:
        return None
    if importlib.util.find_spec("matplotlib") is None:
        click.echo("neuromorph: no figures without matplotlib. Run: pip install 'neuromorph[plot]'", err=True)
        return None
    path = Path(given["output"]) / f"{file.stem}.{given['kind']}"
    if path.exists() and not given["force"]:
        fix = "Choose another folder, or overwrite it with --force."
        raise InputError(Problem("the file exists already", str(path), fix=fix))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fix = "Choose a folder that can be made."
        raise InputError(Problem(f"cannot be made: {error.strerror}", str(path.parent), fix=fix)) from None
    return path


def _draw(experiment: ModuleType, result: dict[str, Any], claim: str, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from neuromorph.errors import InputError, Problem

    figure = Figure(figsize=(7.0, 4.5), layout="constrained")
    FigureCanvasAgg(figure)  # neither pyplot nor a window: also on a machine without a screen
    axes = figure.subplots()
    experiment.draw(result, axes)
    axes.set_title(claim, loc="left", fontsize=9, wrap=True)
    axes.spines[["top", "right"]].set_visible(False)
    try:
        figure.savefig(path, dpi=160)
    except OSError as error:
        fix = "Choose a folder that you may write to."
        raise InputError(Problem(f"cannot be written: {error.strerror or error}", str(path), fix=fix)) from None


def _print(report: dict[str, Any]) -> None:
    numbers = [(name.replace("_", " "), text.significant(value)) for name, value in report["numbers"].items()]
    judged = [("met" if met else "NOT met", criterion) for criterion, met in report["criteria"].items()]
    figure = report["figure"] or f"neuromorph claims {report['number']} -o DIR   (needs pip install 'neuromorph[plot]')"
    last = [("verdict", report["verdict"]), ("time", text.seconds(report["wall_s"])), ("figure", figure)]
    text.facts(report["claim"], [*numbers, *judged, *last])

"""neuromorph learn digits|mnist."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import click

from neuromorph.tasks.settings import TOP_DOWN, defaults
from neuromorph_cli import options
from neuromorph_cli.progress import bar, interruptible, number


@click.command()
@click.argument("task", type=click.Choice(["digits", "mnist"]))
@click.option("--top-down", multiple=True, type=click.Choice(TOP_DOWN), help="Top-down weights; digits: fixed and wake.")
@click.option("--data", type=click.Path(file_okay=False), metavar="DIR", help="Folder of MNIST's four IDX files.")
@click.option("--rule", metavar="NAME", help="Rule of the bottom-up synapses; recirculation by default.")
@click.option("--hidden", metavar="N,N", help="Cells of each hidden layer, such as 800,800.")
@click.option("--epochs", type=click.IntRange(1), help="Times that every image is shown.")
@click.option("--passes", type=click.IntRange(1), help="Times that each image is shown in the test.")
@options.seed
@click.option("--export", type=click.Path(dir_okay=False), metavar="FILE", help="Write the network file; don't train.")
@options.output("Trace to write; traces/TASK-TOPDOWN.h5 by default.")
@options.plugin
@options.json
@options.quiet
@options.force
def learn(task: str, output: str | None, as_json: bool, quiet: bool, force: bool, **given: Any) -> int:
    """Train a network of spiking cells to read digits.

    \b
    Example:
      neuromorph learn digits
      neuromorph learn mnist --data mnist/ --top-down mirror --epochs 3
    """
    from neuromorph.tasks.train import Training

    options.load_plugins(given["plugins"])
    kinds = given["top_down"] or (("fixed", "wake") if task == "digits" else ("mirror",))
    _check_one(kinds, output, given["export"])
    images = _images(task, given["data"])
    results = []
    for kind in kinds:
        training = Training(images, _settings(task, kind, given))
        if given["export"]:
            return _export(training, given["export"], force)
        path = Path(output) if output else options.free_path(f"{task}-{kind}")
        with interruptible(training.stop) as code, bar(not quiet) as tell:
            began = time.perf_counter()

            def progress(what: str, done: float, kind: str = kind, began: float = began, tell: Any = tell) -> None:
                tell(f"{kind}: {what}", done, f"{time.perf_counter() - began:.0f} s")

            result = training.run(path, force, progress)
            exit_code = code()
        results.append(result)
        if not (as_json or quiet):
            _summary(result)
        if exit_code:
            break
    if as_json:
        runs = [dataclasses.asdict(r) for r in results]
        click.echo(json.dumps({**runs[0], "runs": runs} if len(runs) > 1 else runs[0]))
    return exit_code


def _check_one(kinds: tuple[str, ...], output: str | None, export: str | None) -> None:
    if len(kinds) > 1 and (output or export):
        raise click.UsageError("-o and --export are for one kind of top-down weights: give --top-down once.")


def _images(task: str, data: str | None) -> Any:
    from neuromorph.tasks import images

    return images.digits() if task == "digits" else images.mnist(data)


def _settings(task: str, kind: str, given: dict[str, Any]) -> Any:
    changes = {k: given[k] for k in ("epochs", "passes", "seed", "rule") if given[k] is not None}
    if given["hidden"]:
        try:
            changes["hidden"] = tuple(int(n) for n in given["hidden"].split(","))
        except ValueError:
            raise click.BadParameter("numbers with commas, such as 800,800", param_hint="--hidden") from None
        if min(changes["hidden"]) < 1:
            raise click.BadParameter("every layer needs a cell", param_hint="--hidden")
    return dataclasses.replace(defaults(task, kind), **changes)


def _export(training: Any, path: str, force: bool) -> int:
    from neuromorph.errors import InputError, Problem

    if Path(path).exists() and not force:
        raise InputError(Problem("the file exists", path, fix="Choose another name, or give --force."))
    training.network.save(path)
    click.echo(path)
    return 0


def _summary(result: Any) -> None:
    early = " (ended early)" if result.status != "complete" else ""
    click.echo(
        f"{result.top_down}: {100 * result.accuracy:.2f} % right, {result.test_errors} errors of {result.test_total} "
        f"test images after {result.epochs} epochs{early}; {result.wall_s:.1f} s, {number(result.spikes)} spikes, "
        f"{number(result.synaptic_events)} synaptic events; {result.trace}"
    )

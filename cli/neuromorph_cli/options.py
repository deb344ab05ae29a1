"""Options that several commands share, and how their text is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from neuromorph.errors import DescriptionError, InputError, Problem, suggestion

plugin = click.option(
    "--plugin", "plugins", multiple=True, type=click.Path(), metavar="FILE", help="A Python file with rules or models."
)
json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
quiet = click.option("--quiet", "-q", is_flag=True, help="No progress and no summary.")
force = click.option("--force", is_flag=True, help="Overwrite an existing file.")
seed = click.option("--seed", type=click.IntRange(0), metavar="N", help="Seed of all random numbers.")
#: E.V_m@0.1, E[0:10].V_m@0.5, E.spikes, E_E.weight@100
_RECORD = re.compile(r"^(?P<name>[^.\[\]@]+)(?:\[(?P<part>[^\]]*)\])?\.(?P<variable>\w+)(?:@(?P<interval>.+))?$")
#: what no name of a file has, and how long it may be
_UNFIT, _LONGEST = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]"), 100
_RECORD_PLACE = re.compile(r"record\[(\d+)\]\S*$")


class Group(click.Group):
    """A group of commands that has a suggestion for a misspelt one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            ctx.fail(f"No such command '{args[0]}'. {suggestion(args[0], known)}")
        return super().resolve_command(ctx, args)


def output(text: str) -> Callable[[Any], Any]:
    """The option -o."""
    return click.option("-o", "--output", type=click.Path(), metavar="FILE", help=text)


def load_plugins(files: Sequence[str]) -> None:
    """Register the rules and models of local files."""
    if files:
        from neuromorph.plugin_files import load_file

        for file in files:
            load_file(file)


def resolution(text: str | None) -> str | float | None:
    """`--resolution`: "exact", or the tick in ms."""
    from neuromorph.units import quantity

    if text is None or text == "exact":
        return text
    allowed = 'a time above 0 ms, such as 0.1 or "0.1 ms", or "exact"'
    try:
        tick = quantity(text, "ms", "--resolution")
    except InputError as error:
        fix = suggestion(text, ["exact"]) if text.isalpha() and text[0] == "e" else error.problems[0].fix
        raise InputError(replace(error.problems[0], allowed=allowed, fix=fix)) from None
    if not 0 < tick < float("inf"):
        raise InputError(Problem("resolution out of range", "--resolution", text, allowed))
    return tick


def duration(text: str | None) -> float | None:
    """`--duration` in ms."""
    from neuromorph.units import quantity

    if text is None:
        return None
    value = quantity(text, "ms", "--duration")
    if not 0 <= value < float("inf"):
        raise InputError(Problem("duration out of range", "--duration", text, "0 ms or above"))
    return value


def record(text: str) -> dict[str, Any]:
    """A record entry from NAME[cells].VARIABLE@INTERVAL."""
    match = _RECORD.match(text)
    if match is None:
        allowed = "NAME.VARIABLE@INTERVAL, such as E.V_m@0.1, E[0:10].spikes or E_I.weight@100"
        raise InputError(Problem("not a recording", "--record", text, allowed))
    variable, interval = match["variable"], match["interval"]
    weight = variable == "weight"
    entry: dict[str, Any] = {"projection" if weight else "population": match["name"], "variable": variable}
    if interval is not None:
        entry["interval"] = float(interval) if _is_number(interval) else interval
    if match["part"] is not None:
        entry["synapses" if weight else "indices"] = _indices(match["part"], text)
    return entry


@contextmanager
def recorded(texts: Sequence[str], first: int) -> Iterator[None]:
    """Say `--record TEXT` in problems of the entries that came from there; `first` is the number of the first one."""

    def placed(problem: Problem) -> Problem:
        match = _RECORD_PLACE.search(problem.where)
        if match is None or not 0 <= int(match[1]) - first < len(texts):
            return problem
        return replace(problem, where=f"--record {texts[int(match[1]) - first]}")

    try:
        yield
    except DescriptionError as error:
        raise DescriptionError(*map(placed, error.problems)) from None


@contextmanager
def trace_file(given: str | None, name: str) -> Iterator[Path]:
    """The trace to write: `given`, else a free name in traces/, which is made and, after a failure, goes if empty."""
    if given is not None:
        yield Path(given)
        return
    folder = Path("traces")
    new = not folder.exists()
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        fix = "Say with -o where the trace shall be."
        raise InputError(Problem(f"cannot be made: {error.strerror}", f"{folder}/", fix=fix)) from None
    try:
        yield _free(folder, name)
    except BaseException:
        with suppress(OSError):
            if new:
                folder.rmdir()
        raise


def _free(folder: Path, name: str) -> Path:
    """NAME.h5, or NAME-2.h5 and so on where that exists; a name comes from a file, and may lead nowhere else."""
    name = _UNFIT.sub("_", name)[:_LONGEST].strip(" .") or "network"
    path, number = folder / f"{name}.h5", 1
    while path.exists() or path.with_name(path.name + ".part").exists():
        number += 1
        path = folder / f"{name}-{number}.h5"
    return path


def _indices(part: str, text: str) -> list[int]:
    try:
        if ":" in part:
            low, high = part.split(":")
            return list(range(int(low), int(high)))
        return [int(k) for k in part.split(",")]
    except ValueError:
        allowed = "first:after_last, or numbers with commas"
        raise InputError(Problem("not indices", f"--record {text}", part, allowed)) from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

"""Options that several commands share, and how their text is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from neuromorph.errors import InputError, Problem

plugin = click.option(
    "--plugin", "plugins", multiple=True, type=click.Path(), metavar="FILE", help="A Python file with rules or models."
)
json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
quiet = click.option("--quiet", "-q", is_flag=True, help="No progress and no summary.")
force = click.option("--force", is_flag=True, help="Overwrite an existing file.")
seed = click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Seed of all random numbers.")
#: E.V_m@0.1, E[0:10].V_m@0.5, E.spikes, E_E.weight@100
_RECORD = re.compile(r"^(?P<name>[^.\[\]@]+)(?:\[(?P<part>[^\]]*)\])?\.(?P<variable>\w+)(?:@(?P<interval>.+))?$")


def output(text: str) -> Callable[[Any], Any]:
    """The option -o."""
    return click.option("-o", "--output", type=click.Path(dir_okay=False), metavar="FILE", help=text)


def load_plugins(files: tuple[str, ...]) -> None:
    """Register the rules and models of local files."""
    if files:
        from neuromorph.plugin_files import load_file

        for file in files:
            load_file(file)


def record(text: str) -> dict[str, Any]:
    """A record entry from NAME[cells].VARIABLE@INTERVAL."""
    match = _RECORD.match(text)
    if match is None:
        raise InputError(
            Problem("not a recording", "--record", text, "NAME.VARIABLE@INTERVAL, such as E.V_m@0.1 or E[0:10].spikes")
        )
    variable, interval = match["variable"], match["interval"]
    weight = variable == "weight"
    entry: dict[str, Any] = {"projection" if weight else "population": match["name"], "variable": variable}
    if interval is not None:
        entry["interval"] = float(interval) if _is_number(interval) else interval
    if match["part"] is not None:
        entry["synapses" if weight else "indices"] = _indices(match["part"], text)
    return entry


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


def free_path(name: str) -> Path:
    """traces/NAME.h5, or traces/NAME-2.h5 and so on where that exists."""
    folder = Path("traces")
    folder.mkdir(exist_ok=True)
    path, number = folder / f"{name}.h5", 1
    while path.exists() or path.with_name(path.name + ".part").exists():
        number += 1
        path = folder / f"{name}-{number}.h5"
    return path

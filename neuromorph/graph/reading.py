"""What is shared while a network is read: its problems, the resolution it is read for, and where its files are."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuromorph import limits
from neuromorph.errors import InputError, Problem, suggestion
from neuromorph.graph.description import Model, PopulationSpec
from neuromorph.graph.network import Network


@dataclass
class Reading:
    """One pass over a network; every part adds to `problems`. `resolution` is in ms, None for exact."""

    network: Network
    resolution: float | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def folder(self) -> Path | None:
        """Where relative file names start."""
        return self.network.folder

    @property
    def settings(self) -> dict[str, Any]:
        """The attributes of the graph itself."""
        settings: dict[str, Any] = self.network.given.graph
        return settings

    def problem(self, what: str, where: str, **fields: Any) -> None:
        """Add one problem."""
        self.problems.append(Problem(what, where, **fields))

    def check_ticks(self, interval: float, what: str, where: str) -> None:
        """A problem where an interval (ms) is no whole number of ticks; `what` falls between them."""
        if self.resolution is None:
            return
        ticks = interval / self.resolution
        if not 0.5 <= ticks < 2.0**53 or abs(ticks - round(ticks)) > 1e-6 * ticks:
            allowed = f"a multiple of the resolution, {self.resolution:g} ms"
            self.problem(f"{what} fall between ticks", where, value=interval, allowed=allowed)

    def fits(self, count: int, what: str, where: str, fix: str) -> bool:
        """Whether there is memory for `count` bytes; a problem where not."""
        try:
            limits.need(count, what, where, fix)
        except InputError as error:
            self.problems += error.problems
            return False
        return True

    def table(self, value: object, where: str) -> Mapping[str, Any]:
        """`value` as a table with text keys; an empty one, and a problem, where it is none."""
        if value is None:
            return {}
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            return value
        self.problem("not a table of names and values", where, value=value)
        return {}

    def unknown_keys(self, table: Mapping[str, Any], known: Collection[str], what: str, where: str) -> None:
        """A problem for every key that is not known."""
        for key in table:
            if key not in known:
                self.problem(f"unknown {what} '{key}'", f"{where}.{key}", fix=suggestion(key, known))


@dataclass
class Cells:
    """A population while it is read; `model`, `size` and `spec` are None where they are wrong."""

    name: str
    where: str
    model: Model | None = None
    size: int | None = None
    spec: PopulationSpec | None = None


@dataclass
class Population:
    """Where a node of the graph is: in which cells, and at which index if it is a single neuron."""

    cells: Cells
    index: int | None = None


Nodes = dict[Hashable, Population]

"""Edges between single neurons, gathered into explicit projections; a million of them in a few seconds.

Edges of one (source population, target population, receptor, plasticity) make one projection; its synapses are in the
order of (source index, target index, delay, weight), so that the order in which a graph was built cannot matter. A
distribution as weight or delay belongs to what edges must share, and is drawn once per synapse.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.graph.connections import DELAY, Draft, delay_problems, read_name, read_receptor, weight_problems
from neuromorph.graph.description import ProjectionSpec
from neuromorph.graph.network import Edge
from neuromorph.graph.plasticity import read_plasticity
from neuromorph.graph.reading import Cells, Population, Reading
from neuromorph.graph.values import Array, Constant, Value, is_numeric, read_number, read_value
from neuromorph.models.contract import CurrentModel

#: attributes that each edge has for itself
_NUMBERS = frozenset({"weight", "delay"})
#: of the same mistake in many edges, so many are reported
_SHOWN = 10


@dataclass
class Group:
    """Edges that become one projection: what they share, then one entry per synapse."""

    source: Cells
    target: Cells
    shared: Mapping[str, Any]
    edges: list[Edge] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    weights: list[Any] = field(default_factory=list)
    delays: list[Any] = field(default_factory=list)


class Gathering:
    """Collects edges with a single neuron at either end, one by one, and reads them in groups."""

    def __init__(self, reading: Reading, place: Callable[[Edge], str]) -> None:
        self.reading = reading
        self.place = place
        self._groups: dict[tuple[Any, ...], Group] = {}
        self._texts: dict[int, str] = {}

    def add(self, edge: Edge, source: Population, target: Population, data: Mapping[str, Any]) -> None:
        """Take one edge; from or to a whole population it is as many synapses as that has cells."""
        weight, delay = data.get("weight", 1.0), data.get("delay")
        group = self._group(source.cells, target.cells, data)
        if source.index is not None and target.index is not None:
            group.edges.append(edge)
            group.sources.append(source.index)
            group.targets.append(target.index)
            group.weights.append(weight)
            group.delays.append(delay)
            if "rule" not in data or data["rule"] in ("all_to_all", "one_to_one"):
                return
        elif data.get("rule", "all_to_all") == "all_to_all":
            self._spread(group, edge, source, target, weight, delay)
            return
        fix = "Give both ends a `size`, which makes them populations."
        self.reading.problem(f"rule '{data['rule']}' with a single neuron", f"{self.place(edge)}.rule", fix=fix)

    def _group(self, source: Cells, target: Cells, data: Mapping[str, Any]) -> Group:
        """The group that an edge belongs to by what edges share; most have numbers only, and share nothing."""
        weight, delay = data.get("weight"), data.get("delay")
        key: tuple[Any, ...] = (source.name, target.name)
        if not (data.keys() <= _NUMBERS) or isinstance(weight, dict) or isinstance(delay, dict):
            plasticity, receptor, name = data.get("plasticity"), data.get("receptor"), data.get("name")
            shared = (
                receptor if receptor is None or isinstance(receptor, str) else repr(receptor),
                plasticity if plasticity is None else self._text(plasticity),
                self._text(weight) if isinstance(weight, dict) else None,
                self._text(delay) if isinstance(delay, dict) else None,
                name if name is None or isinstance(name, str) else repr(name),
            )
            if any(part is not None for part in shared):
                key += shared
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(source, target, data)
        return group

    def _spread(
        self, group: Group, edge: Edge, source: Population, target: Population, weight: Any, delay: Any
    ) -> None:
        """An edge between a single neuron and a population."""
        count = (source if source.index is None else target).cells.size or 0
        group.edges += [edge] * count
        group.sources += range(count) if source.index is None else [source.index] * count
        group.targets += range(count) if target.index is None else [target.index] * count
        for column, value, name in ((group.weights, weight, "weight"), (group.delays, delay, "delay")):
            many = isinstance(value, list | tuple | np.ndarray)
            if many and len(value) != count:
                spot, allowed = f"{self.place(edge)}.{name}", f"{count}, one per synapse"
                self.reading.problem("wrong number of values", spot, value=len(value), allowed=allowed)
                many, value = False, 1.0
            column += value if many else [value] * count

    def drafts(self) -> list[Draft]:
        """The projections, in no particular order."""
        read = [self._read(group) for group in self._groups.values()]
        return [draft for draft in read if draft is not None]

    def _read(self, group: Group) -> Draft | None:
        if not group.edges:
            return None
        reading, shared, where = self.reading, group.shared, self.place(group.edges[0])
        before = len(reading.problems)
        receptor, unit = read_receptor(reading, group.source, group.target, shared.get("receptor"), where)

        def check_weight(value: Value, spot: str) -> None:
            weight_problems(reading, value, receptor, group.target, spot)

        name = read_name(reading, shared.get("name"), where)
        weight = self._column(group, "weight", group.weights, unit, check_weight)
        delay = self._delay(group)
        plastic = read_plasticity(reading, group.source, group.target, shared.get("plasticity"), where, weight, unit)
        if len(reading.problems) > before or weight is None:
            return None
        order, arguments = _order(group, weight, delay), {}
        for end, index in (("sources", group.sources), ("targets", group.targets)):
            arguments[end] = np.array(index, np.int64)[order]
        chosen = receptor.name if receptor else None
        ends = (group.source.name, group.target.name)
        values = (_arranged(weight, order), None if delay is None else _arranged(delay, order))
        return Draft(ProjectionSpec("", *ends, "explicit", arguments, *values, chosen, plastic), name, where)

    def _delay(self, group: Group) -> Value | None:
        if group.source.model is not None and issubclass(group.source.model, CurrentModel):
            for edge, delay in zip(group.edges, group.delays, strict=True):
                if delay is not None:
                    spot = f"{self.place(edge)}.delay"
                    self.reading.problem("a current has no delay", spot, value=delay, fix="Leave `delay` out.")
                    break
            return None
        raw = [DELAY.default if delay is None else delay for delay in group.delays]
        return self._column(group, "delay", raw, "ms", lambda value, spot: delay_problems(self.reading, value, spot))

    def _column(
        self, group: Group, name: str, raw: list[Any], unit: str, check: Callable[[Value, str], None]
    ) -> Value | None:
        """One attribute of all edges of a group: a distribution that they share, or numbers."""
        problems, shared = self.reading.problems, group.shared.get(name)
        if isinstance(shared, dict):
            spot = f"{self.place(group.edges[0])}.{name}"
            value = read_value(shared, unit, spot, problems)
            if isinstance(value, Array):
                self.reading.problem("an array on a single edge", spot, value=shared, allowed="one number")
                return None
            if value is not None:
                check(value, spot)
            return value
        if is_numeric(raw):
            numbers = np.array(raw, np.float64)
        else:
            read = [read_number(x, unit, f"{self.place(e)}.{name}", problems) for x, e in zip(raw, group.edges)]
            if None in read:
                return None
            numbers = np.array(read, np.float64)
        bad = np.flatnonzero(np.isnan(numbers))
        for k in bad[:_SHOWN]:
            self.reading.problem("not a number", f"{self.place(group.edges[k])}.{name}", value=float(numbers[k]))
        if bad.size:
            return None
        self._check_extremes(group, name, numbers, check)
        return Constant(float(numbers[0])) if (numbers == numbers[0]).all() else Array(numbers)

    def _check_extremes(
        self, group: Group, name: str, numbers: NDArray[np.float64], check: Callable[[Value, str], None]
    ) -> None:
        """Every check is of a range, so that it is enough to go inwards from both ends until a number passes."""
        order = np.argsort(numbers, kind="stable")
        seen: set[Edge] = set()
        for outermost in (order[:_SHOWN], order[::-1][:_SHOWN]):
            for k in outermost:
                before, edge = len(self.reading.problems), group.edges[k]
                if edge not in seen:
                    check(Constant(float(numbers[k])), f"{self.place(edge)}.{name}")
                    if len(self.reading.problems) == before:
                        break
                    seen.add(edge)

    def _text(self, value: object) -> str:
        """Content of a table as text; edges often share one object, so it is written once per object."""
        text = self._texts.get(id(value))
        if text is None:
            text = self._texts[id(value)] = json.dumps(value, sort_keys=True, default=repr)
        return text


def _order(group: Group, weight: Value, delay: Value | None) -> NDArray[np.intp]:
    columns = [value.values for value in (weight, delay) if isinstance(value, Array)]
    return np.lexsort((*columns, np.array(group.targets), np.array(group.sources)))


def _arranged(value: Value, order: NDArray[np.intp]) -> Value:
    return Array(value.values[order]) if isinstance(value, Array) else value

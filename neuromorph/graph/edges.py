"""Edges between single neurons, gathered into explicit projections; a million of them in a few seconds.

Edges of one (source population, target population, receptor, plasticity) make one projection; its synapses are in the
order of (source index, target index, delay, weight), so that the order in which a graph was built cannot matter. A
distribution as weight or delay belongs to what edges must share, and is drawn once per synapse.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.graph.connections import DELAY, Draft, delay_problems, read_name, read_receptor, weight_problems
from neuromorph.graph.description import ProjectionSpec
from neuromorph.graph.network import Edge
from neuromorph.graph.plasticity import read_plasticity
from neuromorph.graph.reading import Cells, Nodes, Population, Reading
from neuromorph.graph.values import Array, Constant, Value, plain_numbers, read_number, read_value
from neuromorph.models.contract import CurrentModel

if TYPE_CHECKING:
    import networkx as nx

#: attributes that each edge has for itself
_NUMBERS = frozenset({"weight", "delay"})
#: memory of an edge while edges are gathered: entries of lists and arrays, and two floats
_BYTES = 120
#: of the same mistake in many edges, so many are reported
_SHOWN = 10
#: an edge: (source, target, key, attributes, how many there are, weight or 1, delay or None, number of the target)
Row = tuple[Hashable, Hashable, Any, Mapping[str, Any], int, Any, Any, int]
#: types of a weight and a delay that an edge has for itself
_PLAIN = frozenset({int, float, np.float64, np.float32, np.int64, np.int32})


@dataclass
class Group:
    """Edges that become one projection: what they share, then one entry per synapse, in pieces."""

    source: Cells
    target: Cells
    shared: Mapping[str, Any]
    edges: list[Row] = field(default_factory=list)
    sources: list[NDArray[np.int64]] = field(default_factory=list)
    targets: list[NDArray[np.int64]] = field(default_factory=list)
    weights: list[Any] = field(default_factory=list)
    delays: list[Any] = field(default_factory=list)


class Gathering:
    """Sorts edges out: those with a single neuron at either end are gathered in groups, and read group by group."""

    def __init__(self, reading: Reading, nodes: Nodes, place: Callable[[Edge], str]) -> None:
        self.reading = reading
        self._place = place
        self._groups: dict[tuple[Any, ...], Group] = {}
        self._texts: dict[int, str] = {}
        #: edges between two whole populations, with what these are
        self.between_populations: list[tuple[Row, Cells, Cells]] = []
        populations = list(nodes.values())
        rows, source, target = _rows(reading.network.given, nodes)
        index = np.array([-1 if p.index is None else p.index for p in populations], np.int64)
        single = (index[source] >= 0) & (index[target] >= 0)
        for k in np.flatnonzero(~single).tolist():
            self._add_whole(rows[k], populations[source[k]], populations[target[k]])
        cells = list({id(p.cells): p.cells for p in populations}.values())
        number = {id(one): k for k, one in enumerate(cells)}
        kind = np.array([number[id(p.cells)] for p in populations], np.int64)
        pair = np.where(single, kind[source] * len(cells) + kind[target], -1)
        for one in np.unique(pair[single]).tolist():
            members = np.flatnonzero(pair == one)
            chosen = rows if members.size == len(rows) else [rows[k] for k in members.tolist()]
            ends = cells[one // len(cells)], cells[one % len(cells)]
            self._add_singles(*ends, chosen, index[source[members]], index[target[members]])

    def _add_singles(
        self, source: Cells, target: Cells, rows: list[Row], sources: NDArray[np.int64], targets: NDArray[np.int64]
    ) -> None:
        """Edges between single neurons of two models; no Python but comprehensions where they share nothing."""
        weights, delays = [row[5] for row in rows], [row[6] for row in rows]
        kinds = {*map(type, weights), *map(type, delays)}
        if kinds <= _PLAIN and {row[4] for row in rows} == {2}:  # a weight and a delay, and nothing else
            _append(self._group(source, target, rows[0][3]), rows, sources, targets, weights, delays)
            return
        members: dict[int, tuple[Group, list[int]]] = {}
        for k, row in enumerate(rows):
            group = self._group(source, target, row[3])
            members.setdefault(id(group), (group, []))[1].append(k)
            rule = row[3].get("rule", "all_to_all")
            if rule not in ("all_to_all", "one_to_one"):
                self._wrong_rule(row, rule)
        for group, ks in members.values():
            pieces = ([column[k] for k in ks] for column in (weights, delays))
            _append(group, [rows[k] for k in ks], sources[ks], targets[ks], *pieces)

    def _add_whole(self, row: Row, source: Population, target: Population) -> None:
        """An edge with a whole population at one end or at both."""
        if source.index is None and target.index is None:
            self.between_populations.append((row, source.cells, target.cells))
        elif row[3].get("rule", "all_to_all") == "all_to_all":
            self._spread(self._group(source.cells, target.cells, row[3]), row, source, target)
        else:
            self._wrong_rule(row, row[3]["rule"])

    def _wrong_rule(self, row: Row, rule: object) -> None:
        fix = "Give both ends a `size`, which makes them populations."
        self.reading.problem(f"rule '{rule}' with a single neuron", f"{self.place(row)}.rule", fix=fix)

    def place(self, row: Row) -> str:
        """How messages name an edge."""
        return self._place(row[:3])

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

    def _spread(self, group: Group, row: Row, source: Population, target: Population) -> None:
        """An edge between a single neuron and a population: as many synapses as that has cells."""
        count = (source if source.index is None else target).cells.size or 0
        what, fix = f"an edge to each of {count:,} cells takes", "Connect a population of one cell in its place."
        if not self.reading.fits(_BYTES * count, what, self.place(row), fix):
            return
        columns = []
        for name, value in (("weight", row[5]), ("delay", row[6])):
            many = isinstance(value, list | tuple | np.ndarray)
            if many and len(value) != count:
                spot, allowed = f"{self.place(row)}.{name}", f"{count}, one per synapse"
                self.reading.problem("wrong number of values", spot, value=len(value), allowed=allowed)
                many, value = False, 1.0
            columns.append(list(value) if many else [value] * count)
        every = np.arange(count)
        sources, targets = (every if end.index is None else np.full(count, end.index) for end in (source, target))
        _append(group, [row] * count, sources, targets, *columns)

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
        sources, targets = np.concatenate(group.sources), np.concatenate(group.targets)
        order = _order(sources, targets, group.target.size or 0, weight, delay)
        arguments = {"sources": sources[order], "targets": targets[order]}
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
        numbers = plain_numbers(raw)
        if numbers is None:
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
        before = len(self.reading.problems)
        for k in (numbers.argmin(), numbers.argmax()):
            check(Constant(float(numbers[k])), "")
        if len(self.reading.problems) == before:
            return
        del self.reading.problems[before:]
        order = np.argsort(numbers, kind="stable")
        seen: set[Edge] = set()
        for outermost in (order[:_SHOWN], order[::-1][:_SHOWN]):
            for k in outermost:
                before, row = len(self.reading.problems), group.edges[k]
                if row[:3] not in seen:
                    check(Constant(float(numbers[k])), f"{self.place(row)}.{name}")
                    if len(self.reading.problems) == before:
                        break
                    seen.add(row[:3])

    def _text(self, value: object) -> str:
        """Content of a table as text; edges often share one object, so it is written once per object."""
        text = self._texts.get(id(value))
        if text is None:
            text = self._texts[id(value)] = json.dumps(value, sort_keys=True, default=repr)
        return text


def _rows(graph: nx.Graph, nodes: Nodes) -> tuple[list[Row], NDArray[np.int64], NDArray[np.int64]]:
    """Every edge between nodes that have a model, and the numbers of both its ends among them.

    Each edge is looked at once: what is asked of a dict that lies anywhere in memory is 0.1 to 0.4 microseconds.
    """
    rows: list[Row] = []
    sources, degrees = [], []
    number = {node: k for k, node in enumerate(nodes)}
    many = graph.is_multigraph()
    for u, neighbours in graph.adjacency():
        if u not in number:
            continue  # without a model, reported as such
        before = len(rows)
        if many:
            rows += [
                (u, v, key, data, len(data), data.get("weight", 1.0), data.get("delay"), number.get(v, -1))
                for v, parallel in neighbours.items()
                for key, data in parallel.items()
            ]
        else:
            rows += [
                (u, v, 0, data, len(data), data.get("weight", 1.0), data.get("delay"), number.get(v, -1))
                for v, data in neighbours.items()
            ]
        sources.append(number[u])
        degrees.append(len(rows) - before)
    source = np.repeat(np.array(sources, np.int64), degrees)
    target = np.fromiter((row[7] for row in rows), np.int64, len(rows))
    known = target >= 0
    if not known.all():
        rows = [row for row in rows if row[7] >= 0]
    return rows, source[known], target[known]


def _append(
    group: Group,
    rows: list[Row],
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
    weights: list[Any],
    delays: list[Any],
) -> None:
    group.edges += rows
    group.sources.append(sources)
    group.targets.append(targets)
    group.weights += weights
    group.delays += delays


def _order(
    sources: NDArray[np.int64], targets: NDArray[np.int64], target_size: int, weight: Value, delay: Value | None
) -> NDArray[np.intp]:
    """Synapses by (source, target, delay, weight): by one number for both ends, then whatever shares its ends anew."""
    ends = sources * target_size + targets
    order = np.argsort(ends)
    ends = ends[order]
    equal = np.append(ends[1:] == ends[:-1], False)
    tied = np.flatnonzero(equal | np.roll(equal, 1))
    if tied.size:
        chosen = order[tied]
        columns = [value.values[chosen] for value in (weight, delay) if isinstance(value, Array)]
        order[tied] = chosen[np.lexsort((*columns, ends[tied]))]
    return order


def _arranged(value: Value, order: NDArray[np.intp]) -> Value:
    return Array(value.values[order]) if isinstance(value, Array) else value

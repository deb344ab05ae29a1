"""What a description of a network says of its populations and projections, whoever wrote it.

A description comes out of a file and may hold anything: what is not understood is left out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple


class Node(NamedTuple):
    """A population or an input of `size` cells."""

    name: str
    size: int
    model: str
    is_input: bool


class Edge(NamedTuple):
    """A projection; `sign` of its weights is 1, -1, or 0 where the description does not tell; `facts` are lines."""

    source: str
    target: str
    sign: int
    plastic: bool
    facts: tuple[str, ...]


def wiring(network: Mapping[str, Any]) -> tuple[list[Node], list[Edge]]:
    """Populations and inputs, in the order of the description, and the projections between them."""
    if isinstance(network.get("neurons"), list):
        return _of_neurons(network)
    nodes = [*_nodes(network.get("inputs"), True), *_nodes(network.get("populations"), False)]
    known = {node.name for node in nodes}
    given = network.get("projections")
    edges = [_edge(p) for p in given if isinstance(p, dict)] if isinstance(given, list) else []
    return nodes, [edge for edge in edges if edge.source in known and edge.target in known]


def _nodes(given: Any, is_input: bool) -> list[Node]:
    if not isinstance(given, dict):
        return []
    tables = {str(name): table for name, table in given.items() if isinstance(table, dict)}
    return [
        Node(name, _whole(table.get("size", 1)), str(table.get("model", "")), is_input)
        for name, table in tables.items()
    ]


def _edge(given: dict[str, Any]) -> Edge:
    plasticity = given.get("plasticity")
    rule = plasticity.get("rule", "plastic") if isinstance(plasticity, dict) else plasticity
    shown = {key: given.get(key) for key in ("rule", "indegree", "outdegree", "probability", "weight", "delay")}
    facts = [f"{key} {_short(value)}" for key, value in shown.items() if value is not None]
    if rule:
        facts.append(f"learns by {_short(rule)}")
    source, target = str(given.get("source")), str(given.get("target"))
    return Edge(source, target, _sign(given.get("weight")), bool(rule), tuple(facts))


def _of_neurons(network: Mapping[str, Any]) -> tuple[list[Node], list[Edge]]:
    """Of a graph whose nodes are neurons: one population per model, and how many edges go between them."""
    sizes: Counter[str] = Counter()
    of: dict[str, str] = {}
    for table in network["neurons"]:
        if isinstance(table, dict) and isinstance(table.get("names"), list):
            model = str(table.get("model", ""))
            sizes[model] += len(table["names"])
            of |= {json.dumps(name): model for name in table["names"]}
    pairs: Counter[tuple[str, str]] = Counter()
    edges_given = network.get("edges")
    for table in edges_given if isinstance(edges_given, list) else ():
        ends = [table.get("source"), table.get("target")] if isinstance(table, dict) else [None, None]
        if isinstance(ends[0], list) and isinstance(ends[1], list):
            pairs.update((of.get(json.dumps(a), ""), of.get(json.dumps(b), "")) for a, b in zip(*ends))
    targets = {target for _, target in pairs}
    nodes = [Node(model, size, model, model not in targets) for model, size in sizes.items()]
    edges = [Edge(a, b, 0, False, (f"{n:,} synapses",)) for (a, b), n in pairs.items() if a in sizes and b in sizes]
    return sorted(nodes, key=lambda node: not node.is_input), edges


def _sign(weight: Any) -> int:
    """Of a number, a quantity such as "-5 pA", a list of them, or a distribution."""
    if isinstance(weight, dict):
        found = {_sign(weight[key]) for key in ("low", "high", "mean", "value") if key in weight} - {0}
        return found.pop() if len(found) == 1 else 0
    if isinstance(weight, list):
        return _sign(weight[0]) if weight else 0
    try:
        number = float(str(weight).split()[0])
    except (ValueError, IndexError):
        return 0
    return (number > 0) - (number < 0)


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**63 else 0


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."

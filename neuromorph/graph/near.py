"""Attributes of nodes and edges that mean nothing, but nearly bear the name of one that does.

A graph may carry whatever its owner likes beside what neuromorph reads, so that these are no mistakes; a weight called
`wieght` would be passed over in silence all the same.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from neuromorph.errors import PluginError, Problem
from neuromorph.graph.rules import ARGUMENTS
from neuromorph.models import registry
from neuromorph.models.contract import NeuronModel

if TYPE_CHECKING:
    import networkx as nx

    from neuromorph.graph.network import Network

#: a node or an edge: what messages call it, its attributes, those that are read
Element = tuple[str, Mapping[str, Any], frozenset[str]]
NODE = frozenset({"model", "size", "params", "initial", "positions"})
EDGE = frozenset({"weight", "delay", "receptor", "plasticity", "name", "rule"})
#: of an edge with a rule
RULED = EDGE.union(ARGUMENTS)
#: how alike two names have to be (difflib's ratio)
ALIKE = 0.8
#: nodes and edges that are looked at, different names that are compared, and warnings, at most: 0.1 s
_LOOKED_AT, _COMPARED, _SHOWN = 100_000, 200, 10
_LONG = 40


def near_misses(network: Network) -> list[Problem]:
    """One problem for each attribute that nearly is one of ours, on a node or an edge that lacks that one."""
    return [*_misses(_nodes(network.given)), *_misses(_edges(network.given))][:_SHOWN]


def _nodes(graph: nx.Graph) -> Iterator[Element]:
    keys: dict[str, frozenset[str]] = {}
    for node, data in islice(graph.nodes(data=True), _LOOKED_AT):
        model = str(data.get("model", graph.graph.get("model")))
        if model not in keys:
            keys[model] = _node_keys(model)
        yield f"nodes[{node!r}]", data, keys[model]


def _edges(graph: nx.Graph) -> Iterator[Element]:
    for u, v, data in islice(graph.edges(data=True), _LOOKED_AT):
        if not data.keys() <= EDGE:
            yield f"edges[{u!r}, {v!r}]", data, RULED if "rule" in data else EDGE


def _misses(elements: Iterable[Element]) -> list[Problem]:
    first: dict[tuple[str, str], str] = {}
    counts: Counter[tuple[str, str]] = Counter()
    alike: dict[tuple[str, frozenset[str]], list[str]] = {}
    for where, data, known in elements:
        for name in data:
            if not isinstance(name, str) or name in known:
                continue
            if (name, known) not in alike:
                if len(alike) >= _COMPARED:
                    break
                alike[name, known] = _alike(name, known)
            near = next((one for one in alike[name, known] if one not in data), None)
            if near:
                counts[name, near] += 1
                first.setdefault((name, near), where)
    return [
        Problem(f"attribute '{name}' is not read", where, fix=f"Did you mean '{near}'?{_more(counts[name, near])}")
        for (name, near), where in first.items()
    ]


def _alike(name: str, known: frozenset[str]) -> list[str]:
    """What a name may have been meant for; `weight_sd` is no weight."""
    found = difflib.get_close_matches(name, known, n=3, cutoff=ALIKE) if len(name) < _LONG else []
    return [one for one in found if not name.startswith(f"{one}_")]


def _more(count: int) -> str:
    return f" ({count - 1} more like it)" if count > 1 else ""


def _node_keys(model: str) -> frozenset[str]:
    """What is read of a node of a model; of an unknown one, which is refused, nothing but what all have."""
    try:
        found = registry.get(model)
    except PluginError:
        return NODE
    more = () if issubclass(found, NeuronModel) else (*found.array_parameters, *found.text_parameters)
    return NODE.union(found.parameters(), more)

"""GraphML through networkx: what it cannot hold (tables, lists, node names that are no text) goes as JSON text."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from neuromorph.errors import DescriptionError, Problem

if TYPE_CHECKING:
    import networkx as nx


def encode(value: Any) -> Any:
    """A number, truth value or text as GraphML holds it; what could be taken for JSON, or is no plain text, as JSON."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str) and value.isprintable() and value.strip() == value and not _is_json(value):
        return value
    return json.dumps(value)


def decode(value: Any) -> Any:
    """The value that `encode` made a text of; other values are returned as they are."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return text == ""
    return True


def _encoded(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: encode(value) for key, value in data.items()}


def dumps(settings: Mapping[str, Any], nodes: list[tuple[Any, Any]], edges: list[tuple[Any, Any, Any, Any]]) -> str:
    """GraphML text of a graph's attributes, (name, attributes) of nodes, (source, target, key, attributes) of edges."""
    import networkx as nx

    graph = nx.MultiDiGraph()
    graph.graph.update(_encoded(settings))
    graph.add_nodes_from((str(encode(name)), _encoded(data)) for name, data in nodes)
    graph.add_edges_from((str(encode(u)), str(encode(v)), key, _encoded(data)) for u, v, key, data in edges)
    stream = io.BytesIO()
    nx.write_graphml_xml(graph, stream)
    return stream.getvalue().decode()


def loads(text: str, file: str) -> nx.Graph:
    """The graph of a GraphML text, with node names still encoded; raises DescriptionError where it is none."""
    from xml.etree.ElementTree import ParseError

    import networkx as nx

    try:
        graph = nx.parse_graphml(text, force_multigraph=True)
    except ParseError as error:
        raise DescriptionError(Problem(f"not XML: {error}", f"{file}:{error.position[0]}")) from error
    except (nx.NetworkXError, KeyError, ValueError, IndexError) as error:
        raise DescriptionError(Problem(f"not GraphML: {error}", file)) from error
    for kind, members in (("node_default", graph.nodes), ("edge_default", graph.edges)):
        for key, value in graph.graph.pop(kind, {}).items():
            for member in members:
                members[member].setdefault(key, value)
    tables = [graph.graph, *(data for _, data in graph.nodes(data=True)), *(d for _, _, d in graph.edges(data=True))]
    for table in tables:
        table.update({key: decode(value) for key, value in table.items()})
    return graph

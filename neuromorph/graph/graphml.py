"""GraphML through networkx: what it cannot hold (tables, lists, node names that are no text) goes as JSON text."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from neuromorph import limits
from neuromorph.errors import DescriptionError, Problem

if TYPE_CHECKING:
    import networkx as nx


#: where entities are defined, which can grow without end and stand for other files; GraphML needs none
_DOCTYPE = re.compile(r"<!(DOCTYPE|ENTITY)")


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
        found = json.loads(value)
    except (ValueError, RecursionError):  # no JSON; a number of more than 4,300 digits; lists without end
        return value
    return value if limits.too_deep(found) else found


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
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

    doctype = _DOCTYPE.search(text)
    if doctype is not None:
        where, fix = f"{file}:{text.count(chr(10), 0, doctype.start()) + 1}", "Delete it: GraphML needs none."
        raise DescriptionError(Problem(f"a network file has no {doctype[0]}", where, fix=fix))
    try:
        graph = nx.parse_graphml(text, force_multigraph=True)
    except ParseError as error:
        raise DescriptionError(Problem(f"not XML: {error}", f"{file}:{error.position[0]}")) from error
    except Exception as error:  # networkx lets through whatever comes up, such as AttributeError
        raise DescriptionError(Problem(f"not GraphML: {error}", file)) from error
    for kind, members in (("node_default", graph.nodes), ("edge_default", graph.edges)):
        for key, value in graph.graph.pop(kind, {}).items():
            for member in members:
                members[member].setdefault(key, value)
    tables = [graph.graph, *(data for _, data in graph.nodes(data=True)), *(d for _, _, d in graph.edges(data=True))]
    for table in tables:
        table.update({key: decode(value) for key, value in table.items()})
    return graph

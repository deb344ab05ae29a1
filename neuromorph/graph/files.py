"""Network files in and out: TOML with its arrays beside it in .npz, node-link JSON, GraphML."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from neuromorph import limits
from neuromorph.errors import DescriptionError, InputError, Problem
from neuromorph.graph import graphml, toml
from neuromorph.graph.beside import is_inside, similar
from neuromorph.graph.dicts import from_dict, named, plain_name, plain_values, tables, to_dict
from neuromorph.graph.locate import Origin
from neuromorph.graph.network import Network
from neuromorph.graph.settings import apply_settings
from neuromorph.graph.values import is_numeric

if TYPE_CHECKING:
    import networkx as nx

#: arrays and lists of numbers longer than this are written to the .npz file beside a TOML file
INLINE = 64


def load(path: str | Path, settings: Sequence[str] = ()) -> Network:
    """Read a network file by its suffix: .toml, .json (node-link) or .graphml.

    settings : texts such as "populations.E.size=100", see `apply_settings`
    Raises InputError for a file that cannot be read, and DescriptionError, with file and line, for one that is wrong.
    """
    path = Path(path)
    read = _by_suffix(path, {".toml": _read_toml, ".json": _read_json, ".graphml": _read_graphml})
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(Problem("not a text file in UTF-8", str(path))) from error
    except OSError as error:
        fix = similar(path)
        raise InputError(Problem(f"cannot read the network file: {error.strerror}", str(path), fix=fix)) from error
    network: Network = read(text, path, settings)
    return network


def save(network: Network, path: str | Path) -> None:
    """Write a network file by its suffix; a TOML file puts long arrays in a .npz file of the same name beside it.

    Raises InputError for another suffix, DescriptionError for names and attributes that the format cannot hold.
    """
    path = Path(path)
    write = _by_suffix(path, {".toml": _write_toml, ".json": _write_json, ".graphml": _write_graphml})
    write(network, path)


def _by_suffix(path: Path, known: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    if path.is_dir():
        raise InputError(Problem("is a folder, not a network file", str(path)))
    if path.suffix.lower() not in known:
        raise InputError(Problem("unknown kind of network file", str(path), path.suffix, ", ".join(known)))
    return known[path.suffix.lower()]


def _replace(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            write(file)
        temporary.replace(path)
    except OSError as error:
        raise InputError(Problem(f"cannot write the network file: {error.strerror}", str(path))) from error
    finally:
        with suppress(OSError):  # there is none where its folder is none
            temporary.unlink(missing_ok=True)


def _read_toml(text: str, path: Path, settings: Sequence[str]) -> Network:
    data = apply_settings(toml.loads(text, str(path)), settings)
    return from_dict(data, path.parent, Origin(str(path), text))


def _write_toml(network: Network, path: Path) -> None:
    beside = path.with_suffix(".npz")

    def is_read(file: Path) -> bool:
        """What stands in the .npz that is about to be written again, and what the new file could not reach."""
        return file.resolve() == beside.resolve() or not is_inside(file, path.parent)

    plain = plain_values(network, lambda array: array, is_read, path.parent)
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    text = toml.dumps(_outsourced(tables(network, plain), "", beside.name, arrays))
    if arrays:
        _replace(beside, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]
    _replace(path, lambda file: file.write(text.encode()))


def _outsourced(value: Any, where: str, file: str, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    """Plain tables with long arrays moved to `arrays`, by the place where they were."""
    if isinstance(value, Mapping):
        return {key: _outsourced(item, f"{where}.{key}".lstrip("."), file, arrays) for key, item in value.items()}
    if isinstance(value, np.ndarray) and (value.size <= INLINE or ".attributes" in where):
        return value.tolist()
    long = isinstance(value, list) and len(value) > INLINE and is_numeric(value) and ".attributes" not in where
    if isinstance(value, np.ndarray) or long:
        arrays[where] = np.asarray(value)
        return {"file": file, "array": where}
    if isinstance(value, list):
        return [_outsourced(item, f"{where}[{k}]", file, arrays) for k, item in enumerate(value)]
    return value


def _read_json(text: str, path: Path, settings: Sequence[str]) -> Network:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise DescriptionError(Problem(f"not JSON: {error.msg}", f"{path}:{error.lineno}")) from error
    except (ValueError, RecursionError) as error:  # a whole number of more than 4,300 digits; lists without end
        said = "nested too deeply" if isinstance(error, RecursionError) else str(error).partition(";")[0]
        raise DescriptionError(Problem(f"not JSON: {said}", str(path))) from error
    if limits.too_deep(data):
        allowed = f"at most {limits.DEPTH} levels"
        raise DescriptionError(Problem("tables nested too deeply", str(path), allowed=allowed))
    return _changed(_from_node_link(data, str(path)), path, settings)


def _read_graphml(text: str, path: Path, settings: Sequence[str]) -> Network:
    graph = graphml.loads(text, str(path))
    names = {node: named(graphml.decode(node), str(path)) for node in graph}
    return _changed(_relabelled(graph, names), path, settings)


def _relabelled(graph: nx.Graph, names: Mapping[Any, Any]) -> nx.Graph:
    result = graph.__class__()
    result.graph.update(graph.graph)
    result.add_nodes_from((names[node], data) for node, data in graph.nodes(data=True))
    result.add_edges_from((names[u], names[v], key, data) for u, v, key, data in graph.edges(keys=True, data=True))
    return result


def _changed(graph: nx.Graph, path: Path, settings: Sequence[str]) -> Network:
    network = Network.from_networkx(graph)
    network.folder = path.parent
    return from_dict(apply_settings(to_dict(network), settings), path.parent) if settings else network


def _from_node_link(data: Any, file: str) -> nx.Graph:
    """The graph of node-link tables, as networkx writes them; edges are called `edges` or `links`."""
    import networkx as nx

    shape = Problem("not a node-link graph", file, allowed="an object with the lists `nodes` and `edges`")
    if not isinstance(data, dict):
        raise DescriptionError(shape)
    nodes, edges = data.get("nodes"), data.get("edges", data.get("links"))
    if not isinstance(nodes, list) or not isinstance(edges, list):
        raise DescriptionError(shape)
    if not all(isinstance(row, dict) for row in (*nodes, *edges)):
        raise DescriptionError(shape)
    settings = data.get("graph", {})
    if not isinstance(settings, dict):
        raise DescriptionError(Problem("not a table of names and values", f"{file}: graph", settings))
    graph = nx.MultiDiGraph() if data.get("directed", True) else nx.MultiGraph()
    graph.graph.update(settings)
    try:
        for row in nodes:
            graph.add_nodes_from([(named(row.pop("id"), file), row)])
        for row in edges:
            key = row.pop("key", None)
            key = None if key is None else named(key, file)
            graph.add_edges_from([(named(row.pop("source"), file), named(row.pop("target"), file), key, row)])
    except KeyError as error:
        raise DescriptionError(Problem(f"a node or an edge without {error}", file)) from error
    return graph


def _plain_graph(network: Network, folder: Path) -> tuple[dict[str, Any], list[Any], list[Any]]:
    """Plain attributes of the graph, (name, attributes) of nodes, (source, target, key, attributes) of edges."""
    plain = plain_values(network, lambda array: array.tolist(), lambda file: not is_inside(file, folder), folder)
    nodes = [(plain_name(node), plain(data, f"nodes[{node!r}]")) for node, data in network.graph.nodes(data=True)]
    edges = [
        (plain_name(u), plain_name(v), plain_name(key), plain(data, f"edges[{u!r}, {v!r}, {key!r}]"))
        for u, v, key, data in network.graph.edges(keys=True, data=True)
    ]
    return plain(network.graph.graph, "graph"), nodes, edges


def _write_json(network: Network, path: Path) -> None:
    settings, nodes, edges = _plain_graph(network, path.parent)
    node_rows = [_row(data, {"id": name}, f"nodes[{name!r}]") for name, data in nodes]
    edge_rows = [
        _row(data, {"source": u, "target": v, "key": key}, f"edges[{u!r}, {v!r}, {key!r}]") for u, v, key, data in edges
    ]
    data = {"directed": True, "multigraph": True, "graph": settings, "nodes": node_rows, "edges": edge_rows}
    text = json.dumps(data, indent=1)
    _replace(path, lambda file: file.write(text.encode()))


def _row(data: dict[str, Any], names: dict[str, Any], where: str) -> dict[str, Any]:
    for key in names:
        if key in data:
            fix = "Rename the attribute, or save the network as .toml or .graphml."
            raise DescriptionError(Problem(f"node-link JSON has another use for '{key}'", where, fix=fix))
    return data | names


def _write_graphml(network: Network, path: Path) -> None:
    text = graphml.dumps(*_plain_graph(network, path.parent))
    _replace(path, lambda file: file.write(text.encode()))

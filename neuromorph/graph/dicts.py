"""A network as nested tables of plain values, the same as a TOML file holds, and back."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neuromorph.errors import DescriptionError, PluginError, Problem, suggestion
from neuromorph.graph.beside import beside
from neuromorph.graph.cells import node_key
from neuromorph.graph.check import check
from neuromorph.graph.locate import Origin
from neuromorph.graph.network import Network
from neuromorph.graph.rules import ARGUMENTS
from neuromorph.graph.values import read_array
from neuromorph.models import registry
from neuromorph.models.contract import NeuronModel

_NODE = ("model", "size", "params", "initial", "positions")
_EDGE = ("weight", "delay", "receptor", "plasticity", "name", "rule", *ARGUMENTS)
_GRAPH = ("name", "description", "model")
_SECTIONS = ("run", "signals", "record")
#: of edges between nodes that are not there, so many are reported
_SHOWN = 100
Plain = Callable[[object, str], Any]


def to_dict(network: Network, embed: bool = False, longest: int | None = None) -> dict[str, Any]:
    """Return the network as JSON-able tables with the structure of a network file.

    embed : replace references to files by the arrays they name
    longest : arrays of more numbers than this become {shape, dtype, sha256}, which tells them apart but cannot be run
    Raises DescriptionError for attributes and names that are neither numbers, text, lists, arrays nor tables.
    """

    def write(array: np.ndarray[Any, Any]) -> Any:
        if longest is None or array.size <= longest:
            return array.tolist()
        return {"shape": list(array.shape), "dtype": str(array.dtype), "sha256": _digest(np.ascontiguousarray(array))}

    return tables(network, plain_values(network, write, lambda file: embed))


def plain_values(
    network: Network,
    write_array: Callable[[np.ndarray[Any, Any]], Any],
    embed: Callable[[Path], bool],
    folder: Path | None = None,
) -> Plain:
    """Return the function that makes an attribute's value (found at `where`) plain.

    write_array : what becomes of arrays
    embed : whether a reference to a file gives way to the array it names
    folder : where the result is written, if that is not where the network's file names start
    """

    def plain(value: object, where: str) -> Any:
        if isinstance(value, Mapping) and isinstance(value.get("file"), str):
            if embed((network.folder or Path()) / value["file"]):
                return plain(_embedded(value, where, network.folder), where)
            return {**value, "file": _relative(value["file"], network.folder, folder, where)}
        if isinstance(value, Mapping):
            items = ((str(key), item) for key, item in value.items() if item is not None)
            return {key: plain(item, f"{where}.{key}") for key, item in items}
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            return write_array(value)
        if isinstance(value, np.ndarray | list | tuple):
            return [plain(item, f"{where}[{k}]") for k, item in enumerate(value)]
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, str) and where.endswith(".path"):
            return _relative(value, network.folder, folder, where)
        if isinstance(value, bool | int | float | str):
            return value
        allowed = "number, text, list, array or table"
        raise DescriptionError(Problem("cannot be written", where, value=value, allowed=allowed))

    return plain


def _embedded(value: Mapping[str, Any], where: str, folder: Path | None) -> Any:
    problems: list[Problem] = []
    array = read_array(value, "1", where, problems, folder)
    if array is None:
        raise DescriptionError(*problems)
    return array


def _relative(file: str, old: Path | None, new: Path | None, where: str) -> str:
    """A relative file name, written for another folder, in which or below which it must be."""
    old = (old or Path()).resolve()
    if new is None:
        return file
    beside(new, str(old / file), where)
    if old == new.resolve() or Path(file).is_absolute():
        return file
    return Path(os.path.relpath(old / file, new.resolve())).as_posix()


def tables(network: Network, plain: Plain) -> dict[str, Any]:
    """The sections of a network file, every value made `plain`; sections without content are left out."""
    settings = network.graph.graph
    head = _split({key: x for key, x in settings.items() if key not in _SECTIONS}, _GRAPH, plain, "network")
    data = {"network": head, "run": plain(settings.get("run") or {}, "run")}
    data |= _nodes(network, plain)
    data |= _edges(network, plain)
    data |= {key: plain(settings.get(key) or empty, key) for key, empty in (("signals", {}), ("record", []))}
    return {key: value for key, value in data.items() if value}


def _nodes(network: Network, plain: Plain) -> dict[str, Any]:
    sections: dict[str, Any] = {"populations": {}, "inputs": {}}
    singles: dict[str, tuple[list[Hashable], dict[str, Any]]] = {}
    for node, data in sorted(network.graph.nodes(data=True), key=lambda item: node_key(item[0])):
        table = _split(data, _NODE, plain, f"nodes[{node!r}]")
        if "size" not in data:
            text = json.dumps(table, sort_keys=True, default=repr)
            singles.setdefault(text, ([], table))[0].append(node)
        elif not isinstance(node, str):
            raise DescriptionError(Problem("a population's name must be text", f"nodes[{node!r}]", value=node))
        else:
            model = data.get("model", network.graph.graph.get("model"))
            sections["inputs" if _is_input(model) else "populations"][node] = table
    neurons = [{"names": [plain_name(node) for node in names]} | table for names, table in singles.values()]
    return sections | {"neurons": neurons}


def _is_input(model: object) -> bool:
    try:
        return not issubclass(registry.get(str(model)), NeuronModel)
    except PluginError:
        return False


def _split(data: Mapping[str, Any], known: tuple[str, ...], plain: Plain, where: str) -> dict[str, Any]:
    """Attributes that a file has keys for, and the others under `attributes`."""
    table: dict[str, Any] = {key: plain(data[key], f"{where}.{key}") for key in known if data.get(key) is not None}
    more = {key: value for key, value in data.items() if key not in known}
    return table | ({"attributes": plain(more, where)} if more else {})


def plain_name(node: object) -> Any:
    """A node's name as a file can hold it; tuples become lists."""
    if isinstance(node, np.generic):
        node = node.item()
    if isinstance(node, tuple):
        return [plain_name(part) for part in node]
    if isinstance(node, bool | int | float | str):
        return node
    raise DescriptionError(Problem("a node's name cannot be written", value=node, allowed="number, text or tuple"))


def named(name: Any, where: str = "") -> Hashable:
    """The node that a name in a file means; lists become tuples.

    Raises DescriptionError for what is neither number, text nor a list of such.
    """
    if isinstance(name, list):
        return tuple(named(part, where) for part in name)
    if not isinstance(name, bool | int | float | str):
        raise DescriptionError(Problem("not a name", where, name, "number, text or list"))
    if isinstance(name, int) and abs(name) >= 2**63:  # Python does not even print those of more than 4,300 digits
        raise DescriptionError(Problem("not a name", where, name, "a whole number below 2^63"))
    return name


def _edges(network: Network, plain: Plain) -> dict[str, Any]:
    graph = network.graph
    populations = {node for node, data in graph.nodes(data=True) if "size" in data}
    projections: list[dict[str, Any]] = []
    blocks: dict[str, dict[str, Any]] = {}
    for u, v, data in graph.edges(data=True):
        if u in populations or v in populations:
            place = {"source": plain_name(u), "target": plain_name(v)}
            projections.append(place | _split(data, _EDGE, plain, f"edges[{u!r}, {v!r}]"))
            continue
        columns = {key: value for key in ("weight", "delay") if _is_number(value := data.get(key))}
        shared, text = {}, " ".join(columns)
        if len(columns) < len(data):
            rest = {key: value for key, value in data.items() if key not in columns}
            shared = _split(rest, _EDGE, plain, f"edges[{u!r}, {v!r}]")
            text += json.dumps(shared, sort_keys=True, default=_digest)
        block = blocks.get(text)
        if block is None:
            block = blocks[text] = {"source": [], "target": [], **{key: [] for key in columns}, "": shared}
        for key, value in (("source", plain_name(u)), ("target", plain_name(v)), *columns.items()):
            block[key].append(value)
    projections.sort(key=_projection_key)
    edges = [_finished(block) for _, block in sorted(blocks.items())]
    return {"edges": edges, "projections": projections}


def _projection_key(table: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(table["source"]), str(table["target"]), json.dumps(table, sort_keys=True, default=_digest)


def _is_number(value: object) -> bool:
    return type(value) in (int, float) or isinstance(value, np.integer | np.floating)


def _digest(value: object) -> str:
    return hashlib.sha256(value.tobytes()).hexdigest() if isinstance(value, np.ndarray) else repr(value)


def _finished(block: dict[str, Any]) -> dict[str, Any]:
    """A block of edges in order of its names, columns of one value written once."""
    shared, count = block.pop(""), len(block["source"])
    rows = list(zip(*block.values(), strict=True))
    try:
        rows.sort()
    except TypeError:  # names of several kinds
        rows.sort(key=lambda row: [node_key(named(item)) for item in row])
    arranged: dict[str, Any] = {name: [_bare(row[k]) for row in rows] for k, name in enumerate(block)}
    for name in ("weight", "delay"):
        column = arranged.get(name)
        if column and all(type(value) is type(column[0]) and value == column[0] for value in column):
            arranged[name] = column[0]
        elif isinstance(shared.get(name), list):
            shared[name] = [shared[name]] * count
    return {**arranged, **shared}


def _bare(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def from_dict(data: Mapping[str, Any], folder: Path | None = None, origin: Origin | None = None) -> Network:
    """Return the network of such tables.

    folder : where its file references start
    origin : the file that they came from, for line numbers in messages
    Raises DescriptionError with every unknown or misshapen key, and with what `check` finds beside unknown ones.
    """
    from neuromorph.graph.schema import structure_problems

    problems, right = structure_problems(dict(data))
    network = Network()
    network.folder = folder
    if right is not None:
        try:
            problems += _build(network, right)
        except DescriptionError as error:  # a name that is none
            raise DescriptionError(*(origin.placed(error.problems) if origin else error.problems)) from None
    if problems:
        problems += check(network) if right is not None else []
        raise DescriptionError(*(origin.placed(problems) if origin else problems))
    network.origin = origin
    return network


def _build(network: Network, data: Mapping[str, Any]) -> list[Problem]:
    """Fill a network from tables whose structure is right; returns what is wrong with the names in them."""
    settings, head = network.graph.graph, data.get("network", {})
    settings.update(_joined(head))
    settings.update({key: data[key] for key in _SECTIONS if data.get(key)})
    problems: list[Problem] = []
    for section in ("populations", "inputs"):
        for name, table in data.get(section, {}).items():
            problems += _add_node(network, name, {"size": 1} | _joined(table), f"{section}.{name}")
    for k, table in enumerate(data.get("neurons", [])):
        for name in _resolved(network, table["names"], f"neurons[{k}].names", problems):
            attributes = _joined({key: value for key, value in table.items() if key != "names"})
            problems += _add_node(network, name, attributes, f"neurons[{k}].names")
    for k, table in enumerate(data.get("projections", [])):
        found = _ends(network, table["source"], table["target"], f"projections[{k}]")
        attributes = _joined({key: value for key, value in table.items() if key not in ("source", "target")})
        network.add_edge(named(table["source"]), named(table["target"]), None if found else attributes)
        problems += found
    for k, table in enumerate(data.get("edges", [])):
        problems += _add_block(network, table, f"edges[{k}]")
    return problems


def _joined(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table with what stands under `attributes` beside its other keys."""
    rest = {key: value for key, value in table.items() if key != "attributes"}
    return {**rest, **table.get("attributes", {})}


def _add_node(network: Network, name: Any, attributes: dict[str, Any], where: str) -> list[Problem]:
    if isinstance(name, Mapping):
        return [Problem("not a name", where, name, "number, text or list")]
    if named(name, where) in network.graph:
        return [Problem(f"'{name}' exists already", where, fix="Choose another name.")]
    network.graph.add_nodes_from([(named(name), attributes)])
    return []


def _resolved(network: Network, value: Any, where: str, problems: list[Problem]) -> list[Any]:
    """A list, also where it stands in a file beside."""
    if isinstance(value, list):
        return value
    array = read_array(value, "1", where, problems, network.folder)
    return [] if array is None else array.tolist()


def _ends(network: Network, source: Any, target: Any, where: str) -> list[Problem]:
    """A problem for each end that is not a node."""
    missing = [
        (end, name)
        for end, name in (("source", source), ("target", target))
        if named(name, f"{where}.{end}") not in network.graph
    ]
    known = [str(node) for node in network.graph]
    return [
        Problem(f"unknown population '{name}'", f"{where}.{end}", fix=suggestion(str(name), known))
        for end, name in missing
    ]


def _add_block(network: Network, table: Mapping[str, Any], where: str) -> list[Problem]:
    problems: list[Problem] = []
    columns = {
        key: _resolved(network, table[key], f"{where}.{key}", problems)
        for key in ("source", "target", "weight", "delay")
        if isinstance(table.get(key), list) or (isinstance(table.get(key), Mapping) and "file" in table[key])
    }
    if problems:
        return problems
    sources, targets = columns.pop("source", []), columns.pop("target", [])
    if len(sources) != len(targets):
        return [Problem("source and target differ in length", where, (len(sources), len(targets)))]
    shared = _joined({key: value for key, value in table.items() if key not in ("source", "target", *columns)})
    wrong = [
        Problem("wrong number of values", f"{where}.{key}", len(column), f"{len(sources)}, one per edge")
        for key, column in columns.items()
        if len(column) != len(sources)
    ]
    if wrong:
        return wrong
    rows = zip(*columns.values(), strict=True) if columns else ((),) * len(sources)
    for source, target, row in zip(sources, targets, rows, strict=True):
        u, v = named(source, f"{where}.source"), named(target, f"{where}.target")
        if u in network.graph and v in network.graph:
            network.graph.add_edges_from([(u, v, shared | dict(zip(columns, row, strict=True)))])
        elif len(problems) < _SHOWN:
            problems += _ends(network, source, target, where)
    return problems

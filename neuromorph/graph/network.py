"""A network as people describe it: a networkx.MultiDiGraph whose attributes hold everything."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuromorph.errors import DescriptionError, Problem, suggestion
from neuromorph.graph.collection import no_collection

if TYPE_CHECKING:
    import networkx as nx

    from neuromorph.graph.locate import Origin

Edge = tuple[Hashable, Hashable, Any]


class Network:
    """Populations, inputs and single neurons, and what connects them; a thin wrapper around `graph`.

    Nothing is checked while a network is built, save that names exist and are new: `neuromorph.graph.check` finds
    every other mistake at once. Values are numbers in ms, mV, pA, pF, nS, Hz and um, text with a unit ("20 ms"),
    lists or arrays, distributions or references to files, as docs/design.md lists them.

    graph : a networkx.MultiDiGraph; change it as you like. Of a graph of another kind it is a copy, made when it is
        first asked for: a network can be run without
    folder : where relative file names start; None is the current folder
    """

    def __init__(self, name: str = "") -> None:
        import networkx as nx

        self.given: nx.Graph = nx.MultiDiGraph(name=name) if name else nx.MultiDiGraph()
        self.folder: Path | None = None
        self.origin: Origin | None = None
        self._connected: list[Edge | None] = []

    @classmethod
    def from_networkx(cls, graph: nx.Graph) -> Network:
        """Wrap a networkx graph of any kind; undirected edges go both ways."""
        network = cls()
        network.given = graph
        return network

    @property
    def graph(self) -> nx.MultiDiGraph:
        """The graph that holds everything, to read and to change."""
        import networkx as nx

        if not isinstance(self.given, nx.MultiDiGraph):
            self.given = _directed(self.given)
        return self.given

    @classmethod
    def load(cls, path: str | Path) -> Network:
        """Read a network from a .toml, .json (node-link) or .graphml file; raises DescriptionError or InputError."""
        from neuromorph.graph import files

        return files.load(path)

    def save(self, path: str | Path) -> None:
        """Write the network to a .toml, .json (node-link) or .graphml file."""
        from neuromorph.graph import files

        files.save(self, path)

    @property
    def name(self) -> str:
        """The network's name, "" where it has none."""
        return str(self.given.graph.get("name", ""))

    @property
    def populations(self) -> dict[Hashable, dict[str, Any]]:
        """Attributes of every population and input, by name; single neurons are left out."""
        return {node: data for node, data in self.graph.nodes(data=True) if "size" in data}

    @property
    def projections(self) -> list[tuple[Hashable, Hashable, dict[str, Any]]]:
        """(source, target, attributes) of every edge: those made by `connect` first, in its order, then the others."""
        return [(u, v, self.graph.edges[u, v, key]) for u, v, key in self.edges()]

    def edges(self) -> list[Edge]:
        """The edges in the order of `projections`, as networkx names them."""
        connected = [edge for edge in self._connected if edge is not None and self.graph.has_edge(*edge)]
        known = set(connected)
        return connected + [edge for edge in self.graph.edges(keys=True) if edge not in known]

    def numbers(self) -> dict[Edge, int]:
        """The number by which messages know an edge that `connect` made."""
        return {edge: number for number, edge in enumerate(self._connected) if edge is not None}

    def add_population(
        self,
        name: str,
        model: str,
        size: int,
        params: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        positions: Any = None,
    ) -> str:
        """Add `size` neurons of one model and return the population's name.

        params, initial : values by parameter and by state variable; defaults where absent
        positions : size x d (d at most 3), um
        Raises DescriptionError where the name is taken.
        """
        given = {"params": _copy(params), "initial": _copy(initial), "positions": positions}
        return self._add(name, {"model": model, "size": size} | _present(given))

    def add_input(self, name: str, model: str, size: int = 1, params: Mapping[str, Any] | None = None) -> str:
        """Add an input (spikes) or a current of `size` channels and return its name."""
        return self._add(name, {"model": model, "size": size} | _present({"params": _copy(params)}))

    def add_neuron(self, name: Hashable, model: str | None = None, **params: Any) -> Hashable:
        """Add one neuron, called by any hashable name; its model falls back on `graph.graph["model"]`."""
        self._new(name)
        self.graph.add_node(name, **_present({"model": model, "params": params or None}))
        return name

    def connect(
        self,
        source: Hashable,
        target: Hashable,
        rule: str | None = None,
        weight: Any = 1.0,
        delay: Any = None,
        receptor: str | None = None,
        plasticity: Mapping[str, Any] | str | None = None,
        name: str | None = None,
        **rule_arguments: Any,
    ) -> None:
        """Connect two populations, or two neurons.

        rule : between populations; all_to_all by default. `rule_arguments` are its own, such as `indegree`
        weight : in the receptor's unit
        delay : ms, above 0; 1 ms by default. Currents have none
        receptor : its name; by default the sign of the weight chooses
        plasticity : {rule, params, w_min, w_max, frozen, signals}, or the name of a learning rule
        Raises DescriptionError where source or target does not exist.
        """
        for end in (source, target):
            if end not in self.graph:
                raise DescriptionError(
                    Problem(f"unknown population '{end}'", "connect", fix=suggestion(str(end), map(str, self.graph)))
                )
        plastic = {"rule": plasticity} if isinstance(plasticity, str) else _copy(plasticity)
        given = {"rule": rule, "delay": delay, "receptor": receptor, "plasticity": plastic, "name": name}
        self.add_edge(source, target, {"weight": weight} | _present(given) | rule_arguments)

    def add_edge(self, source: Hashable, target: Hashable, attributes: Mapping[str, Any] | None) -> None:
        """Add an edge with these attributes as they are; None takes a number in messages without an edge."""
        edge = None
        if attributes is not None:
            (key,) = self.graph.add_edges_from([(source, target, dict(attributes))])
            edge = (source, target, key)
        self._connected.append(edge)

    def add_signal(
        self,
        name: str,
        times: Sequence[Any] | None = None,
        values: Sequence[float] | None = None,
        population: str | None = None,
        delay: Any = None,
        **series: Any,
    ) -> None:
        """Declare a third factor: events at `times` with `values` (1 by default), or the spikes of a population.

        delay : ms from the event to its arrival at the synapses; 1 ms by default
        series : start, interval, count, first, last: `count` evenly spaced events, values on a straight line
        """
        signals = self.graph.graph.setdefault("signals", {})
        if name in signals:
            raise DescriptionError(Problem(f"signal '{name}' exists already", f"signals.{name}"))
        given = {"times": times, "values": values, "population": population, "delay": delay}
        signals[name] = _present(given) | series

    def record(
        self,
        population: str | None = None,
        variable: str | None = None,
        interval: Any = None,
        indices: Iterable[int] | None = None,
        projection: str | None = None,
        synapses: Iterable[int] | None = None,
        start: Any = None,
        stop: Any = None,
    ) -> None:
        """Record a state variable, or `spikes`, of a population, or the weights of a projection.

        interval : ms between two readings; 1 ms (states) or 100 ms (weights) by default
        indices, synapses : which; all by default
        start, stop : ms; the whole run by default
        """
        given = {"population": population, "projection": projection, "variable": variable, "interval": interval}
        given |= {"start": start, "stop": stop}
        given |= {
            "indices": None if indices is None else list(indices),
            "synapses": None if synapses is None else list(synapses),
        }
        self.graph.graph.setdefault("record", []).append(_present(given))

    def run_settings(self, **settings: Any) -> None:
        """State `duration` (ms), `resolution` (ms or "exact") and `seed`, as a network file's [run] does."""
        self.graph.graph.setdefault("run", {}).update(settings)

    def _add(self, name: str, attributes: dict[str, Any]) -> str:
        self._new(name)
        self.graph.add_node(name, **attributes)
        return name

    def _new(self, name: Hashable) -> None:
        if name in self.graph:
            raise DescriptionError(
                Problem(f"'{name}' exists already", f"populations.{name}", fix="Choose another name.")
            )


def _directed(graph: nx.Graph) -> nx.MultiDiGraph:
    """A MultiDiGraph with the same nodes and edges; attribute dicts are copied one level deep."""
    import networkx as nx

    result = nx.MultiDiGraph()
    result.graph.update(graph.graph)
    result.add_nodes_from((node, dict(data)) for node, data in graph.nodes(data=True))
    many = graph.is_multigraph()
    # add_edges_from takes 2 microseconds an edge to find out what is known here: every edge and every key is new.
    # In an undirected graph either end lists an edge, so both directions come of this, each with a dict of its own.
    successors, predecessors = result._succ, result._pred
    with no_collection():
        for u, neighbours in graph.adjacency():
            following = successors[u]
            for v, data in neighbours.items():
                parallel = {key: dict(one) for key, one in data.items()} if many else {0: dict(data)}
                following[v] = predecessors[v][u] = parallel
    return result


def _present(attributes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in attributes.items() if value is not None}


def _copy(table: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return dict(table) if isinstance(table, Mapping) else table

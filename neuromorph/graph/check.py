"""Every mistake of a network, found before anything runs and reported together; and what comes of it without one."""

from __future__ import annotations

import warnings

from neuromorph.errors import AttributeWarning, DescriptionError, Problem
from neuromorph.graph.cells import read_nodes
from neuromorph.graph.collection import no_collection
from neuromorph.graph.connections import name_projections, read_projection
from neuromorph.graph.description import Description, ProjectionSpec
from neuromorph.graph.edges import Gathering
from neuromorph.graph.near import near_misses
from neuromorph.graph.network import Edge, Network
from neuromorph.graph.reading import Cells, Nodes, Reading
from neuromorph.graph.rules import Ends, synapse_count
from neuromorph.graph.run import read_records, read_run, read_signals, weight_unit


def check(network: Network, resolution: float | str | None = None) -> list[Problem]:
    """Return every problem of a network, none if it can be run.

    resolution : ms, text with a unit, or "exact"; by default what the network states
    """
    problems = _read(network, resolution, None, None)[1]
    return network.origin.placed(problems) if network.origin else problems


def describe(
    network: Network,
    resolution: float | str | None = None,
    duration: float | str | None = None,
    seed: int | None = None,
) -> Description:
    """Return the network checked, flattened and sorted: what `lowered` reads.

    resolution, duration, seed : in place of what the network states
    Raises DescriptionError with every problem at once.
    """
    description, problems = _read(network, resolution, duration, seed)
    if problems:
        raise DescriptionError(*(network.origin.placed(problems) if network.origin else problems))
    for miss in near_misses(network):
        warnings.warn(str(miss), AttributeWarning, stacklevel=3)
    return description


def _read(
    network: Network, resolution: float | str | None, duration: float | str | None, seed: int | None
) -> tuple[Description, list[Problem]]:
    reading = Reading(network)
    run = read_run(reading, {"resolution": resolution, "duration": duration, "seed": seed})
    nodes = read_nodes(reading)
    cells = {population.cells.name: population.cells for population in nodes.values()}
    with no_collection():
        projections, failed = _read_projections(reading, nodes)
    signals = read_signals(reading, cells)
    weighted = [p for p in projections if p.delay is not None]  # a current has nothing to record
    sizes = {p.name: (_count(p, cells), weight_unit(cells[p.target], p.receptor)) for p in weighted}
    records = read_records(reading, cells, {**dict.fromkeys(failed, (None, "")), **sizes})
    specs = sorted((c.spec for c in cells.values() if c.spec is not None), key=lambda spec: spec.name)
    text = str(reading.settings.get("description", ""))
    description = Description(network.name, text, tuple(specs), projections, signals, records, run)
    return description, reading.problems


def _read_projections(reading: Reading, nodes: Nodes) -> tuple[tuple[ProjectionSpec, ...], list[str]]:
    """Read every edge; returns the projections, and names of those between populations that are wrong.

    In messages, edges made by `connect` are known by their number, the others by their ends.
    """
    connected = reading.network.numbers()

    def place(edge: Edge) -> str:
        number = connected.get(edge)
        return "edges[{!r}, {!r}, {!r}]".format(*edge) if number is None else f"projections[{number}]"

    gathering = Gathering(reading, nodes, place)
    drafts, failed = gathering.drafts(), []
    between = sorted(gathering.between_populations, key=lambda item: connected.get(item[0][:3], len(connected)))
    for (u, v, key, data, *_), s, t in between:
        draft = read_projection(reading, s, t, data, place((u, v, key)))
        if draft is None:
            failed.append(str(data.get("name", f"{s.name}_{t.name}")))
        else:
            drafts.append(draft)
    return name_projections(reading, drafts), failed


def _count(spec: ProjectionSpec, cells: dict[str, Cells]) -> int | None:
    source, target = cells[spec.source], cells[spec.target]
    ends = Ends(source.size or 0, target.size or 0, spec.source == spec.target)
    return synapse_count(spec.rule, spec.arguments, ends)

"""Draw the network of a trace: populations and projections."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.errors import Problem, TraceError
from neuromorph.report.files import new_file, save
from neuromorph.report.style import COLOURS, INK, PALE, new_figure, plain_text, write_title

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes

    from neuromorph.traces.reader import Trace

#: what a projection does to its target -> how it is drawn
SHADES = {"excitatory": COLOURS[0], "inhibitory": COLOURS[1], "mixed or unknown": COLOURS[6]}
DASHES = (0, (4, 2))
#: populations that a page holds
MOST = 200


def network(
    trace: Trace, path: str | os.PathLike[str], *, force: bool = False, width: float = 7.0, dpi: int = 160
) -> Path:
    """Write a figure of populations (discs; inputs are squares) and the projections between them, and return its path.

    The area of a population goes with the logarithm of its size; the colour of a projection says whether its weights
    are positive (excitatory) or negative (inhibitory), a dashed line that they are plastic.

    Parameters
    ----------
    trace: an open trace.
    path: the figure to write; its suffix says which format (png, pdf, svg ...).
    force: overwrite an existing file.
    width: of the figure, in inches.
    dpi: dots per inch.

    Raises
    ------
    InputError where matplotlib is missing, the file exists or cannot be written, or its format or size is wrong;
    TraceError where the trace describes no network, or more populations than a page holds.
    """
    target = new_file(Path(path), force, width, dpi)
    drawn = populations(trace.network)
    if not drawn:
        fix = "Only traces that neuromorph wrote do."
        raise TraceError(Problem("the trace describes no network", str(trace.path), fix=fix))
    if len(drawn) > MOST:
        what = "too many populations for a figure of the network"
        raise TraceError(Problem(what, str(trace.path), len(drawn), f"at most {MOST}"))
    place = positions(drawn)
    height = max(y for _, y in place.values())
    figure = new_figure(width, 1.0 + width * (0.2 + 0.65 * min(max(height, 0.1), 1.0)))
    axes = figure.subplots()
    axes.set(xlim=(-0.12, 1.12), ylim=(-0.15 - 0.1 * height, 1.1 * height + 0.15))
    _draw(axes, drawn, place)
    _legend(axes, drawn)
    cells = sum(size for _, size in drawn.nodes(data="size"))
    write_title(figure, trace, [f"{cells:,} cells and inputs"])
    save(figure, target, dpi)
    return target


def populations(description: Mapping[str, Any]) -> nx.MultiDiGraph:
    """Populations, with `size` and `kind`, and what connects them, with `sign`, `plastic` and `count`.

    Single neurons are gathered by model; parallel projections of one sign and plasticity are one edge.
    """
    import networkx as nx

    graph = nx.MultiDiGraph()
    for section, kind in (("inputs", "input"), ("populations", "cells")):
        for name, table in description.get(section, {}).items():
            graph.add_node(str(name), size=_size(table.get("size", 1)), kind=kind)
    group = _gathered(description, graph)
    edges = [*description.get("projections", ()), *description.get("edges", ())]
    for edge in edges:
        pairs = zip(_ends(edge.get("source")), _ends(edge.get("target")))
        for source, target in dict.fromkeys((group.get(s, s), group.get(t, t)) for s, t in pairs):
            if source in graph and target in graph:
                _connect(graph, source, target, sign(edge), bool(edge.get("plasticity")))
    return graph


def _size(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and value >= 0 else 1


def _gathered(description: Mapping[str, Any], graph: nx.MultiDiGraph) -> dict[str, str]:
    """Add populations of single neurons, called as their model; returns which one each neuron is in."""
    group: dict[str, str] = {}
    fallback = description.get("network", {}).get("model") or "neurons"
    for table in description.get("neurons", ()):
        model = str(table.get("model") or fallback)
        names = _ends(table.get("names"))
        group |= dict.fromkeys(names, model)
        if model not in graph:
            graph.add_node(model, size=0, kind="cells")
        graph.nodes[model]["size"] += len(names)
    return group


def _ends(value: Any) -> list[str]:
    """Names at an end of a projection, or of many edges."""
    return [str(one) for one in value] if isinstance(value, list) else [] if isinstance(value, dict) else [str(value)]


def _connect(graph: nx.MultiDiGraph, source: str, target: str, kind: str, plastic: bool) -> None:
    key = f"{kind} {plastic}"
    if graph.has_edge(source, target, key):
        graph.edges[source, target, key]["count"] += 1
    else:
        graph.add_edge(source, target, key, sign=kind, plastic=plastic, count=1)


def sign(edge: Mapping[str, Any]) -> str:
    """Whether a projection is excitatory or inhibitory, by its weights or those of its distribution.

    Weights around 0, of learning networks, are "mixed or unknown", as are those in a file.
    """
    weight, receptor = edge.get("weight"), str(edge.get("receptor") or "")
    if receptor == "inhibitory":
        return "inhibitory"
    if isinstance(weight, str):
        try:
            weight = float(weight.split()[0])
        except (ValueError, IndexError):
            return "mixed or unknown"
    if isinstance(weight, Mapping):
        weight = _of_distribution(weight)
    if weight is None:
        weight = [1.0]  # the default
    values = np.ravel(np.asarray(weight, dtype=float)) if _is_numbers(weight) else np.zeros(0)
    if values.size and (values >= 0).all() and values.any():
        return "excitatory"
    return "inhibitory" if values.size and (values <= 0).all() and values.any() else "mixed or unknown"


def _of_distribution(table: Mapping[str, Any]) -> list[float]:
    """Numbers of the sign that most draws of a distribution have; none where both signs are usual."""
    kind = table.get("distribution")
    if kind == "lognormal" or (kind == "exponential" and _is_numbers(table.get("mean"))):
        return [float(table.get("mean") or 0.0)] if kind == "exponential" else [1.0]
    bounds = [table[name] for name in ("low", "high") if _is_numbers(table.get(name))]
    if bounds and (min(bounds) >= 0 or (len(bounds) == 2 and max(bounds) <= 0)):
        return [float(bound) for bound in bounds if bound] or [1.0]
    mean, std = table.get("mean"), table.get("std", 0.0)
    if _is_numbers(mean) and _is_numbers(std) and abs(float(mean)) > 2 * float(std):  # type: ignore[arg-type]
        return [float(mean)]  # type: ignore[arg-type]
    return []


def _is_numbers(value: Any) -> bool:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return all(isinstance(one, int | float) for one in value)
    return isinstance(value, int | float)


def positions(graph: nx.MultiDiGraph) -> dict[str, tuple[float, float]]:
    """Where each population is drawn: near those that it is connected to, the largest input on the left.

    A layout by springs, the same every time, turned so that it is widest from left to right; x in 0 to 1.
    """
    import networkx as nx

    if len(graph) == 1:
        return dict.fromkeys(graph, (0.5, 0.0))
    plain = nx.Graph(graph)
    found = nx.spring_layout(plain, pos=nx.circular_layout(plain), k=1.6, iterations=300, seed=1)
    place = np.array([found[name] for name in graph])
    place -= place.mean(axis=0)
    place = place @ np.linalg.svd(place)[2].T
    inputs = [size if graph.nodes[name]["kind"] == "input" else 0 for name, size in graph.nodes(data="size")]
    if any(inputs) and place[np.argmax(inputs), 0] > 0:
        place[:, 0] *= -1
    place = (place - place.min(axis=0)) / np.ptp(place[:, 0])
    return {name: (float(x), float(y)) for name, (x, y) in zip(graph, place)}


def _draw(axes: Axes, graph: nx.MultiDiGraph, place: dict[str, tuple[float, float]]) -> None:
    scale = min(1.0, axes.figure.get_figwidth() / 5)  # type: ignore[union-attr]
    radius = {name: scale * (8.0 + 3.0 * float(np.log10(max(size, 1)))) for name, size in graph.nodes(data="size")}
    for source, target, key, data in graph.edges(keys=True, data=True):
        rank = list(graph[source][target]).index(key)
        style = {"color": SHADES[data["sign"]], "linestyle": DASHES if data["plastic"] else "-"}
        if source == target:
            _loop(axes, place[source], radius[source], rank, style)
        else:
            _arrow(axes, place[source], place[target], radius[source], radius[target], rank, style)
    for name, (x, y) in place.items():
        data = graph.nodes[name]
        shape, face = ("s", "#EFEFEF") if data["kind"] == "input" else ("o", "#FFFFFF")
        axes.plot(x, y, shape, markersize=2 * radius[name], markerfacecolor=face, markeredgecolor=INK, zorder=3)
        halo = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
        axes.annotate(plain_text(name), (x, y), (0, -radius[name] - 3), textcoords="offset points", va="top",
                      fontsize=8, ha="center", color=INK, zorder=4, bbox=halo)  # fmt: skip
        axes.annotate(f"{data['size']:,}", (x, y), ha="center", va="center", color=INK, zorder=4,
                      fontsize=min(7.0, 2.6 * radius[name] / len(f"{data['size']:,}")))  # fmt: skip
    axes.set_axis_off()


def _arrow(axes: Axes, start: Any, end: Any, away: float, off: float, rank: int, style: dict[str, Any]) -> None:
    """An arc from one disc to another, in points `away` from its centre; parallel ones are bent more."""
    from matplotlib.patches import FancyArrowPatch

    axes.add_patch(FancyArrowPatch(
        start, end, arrowstyle="-|>", mutation_scale=9, shrinkA=away, shrinkB=off + 1, linewidth=1.2, zorder=2,
        connectionstyle=f"arc3,rad={0.12 + 0.14 * rank}", **style,
    ))  # fmt: skip


def _loop(axes: Axes, at: Any, radius: float, rank: int, style: dict[str, Any]) -> None:
    """An arc from a disc to itself, above it."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.transforms import Affine2D, ScaledTranslation

    figure = axes.get_figure(root=True)
    assert figure is not None
    start, end = ((radius * np.sin(turn), radius * np.cos(turn)) for turn in (-0.6, 0.6))
    points = Affine2D().scale(1 / 72) + figure.dpi_scale_trans + ScaledTranslation(at[0], at[1], axes.transData)  # type: ignore[arg-type]
    axes.add_patch(FancyArrowPatch(
        start, end, arrowstyle="-|>", mutation_scale=9, shrinkA=0, shrinkB=1, linewidth=1.2, zorder=2,
        connectionstyle=f"arc3,rad={-2.2 - 0.8 * rank}", transform=points, **style,
    ))  # fmt: skip


def _legend(axes: Axes, graph: nx.MultiDiGraph) -> None:
    from matplotlib.lines import Line2D

    edges = [data for *_, data in graph.edges(data=True)]
    entries = [Line2D([], [], color=shade, label=name) for name, shade in SHADES.items()
               if name in {data["sign"] for data in edges}]  # fmt: skip
    if any(data["plastic"] for data in edges):
        entries.append(Line2D([], [], color=PALE, linestyle=DASHES, label="plastic"))
    for kind, shape in (("cells", "o"), ("input", "s")):
        if kind in {of for _, of in graph.nodes(data="kind")}:
            entries.append(Line2D([], [], marker=shape, linestyle="none", markerfacecolor="none", markeredgecolor=INK,
                                  markersize=6, label=kind))  # fmt: skip
    figure = axes.get_figure(root=True)
    assert figure is not None
    columns = max(1, int(figure.get_figwidth() / 1.3))
    figure.legend(handles=entries, frameon=False, fontsize=7.5, loc="outside lower center", ncols=columns)

"""The network drawn as a graph: populations in layers from left to right, projections as arrows.

networkx finds the layers: a projection from what is described earlier to what is described later points forward, and a
population lies one layer beyond the last one that points to it. Where nearly all are connected to all there are no
layers, and they stand on a circle.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from neuromorph.errors import printable
from neuromorph.report.page.wiring import Edge, Node, wiring

MOST = 60
BOX = (128.0, 46.0)
STEP = (206.0, 84.0)
POINTS = 32
Point = tuple[float, float]


def graph(network: Mapping[str, Any]) -> str:
    """The network as an SVG; a sentence where there is nothing to draw, or too much."""
    nodes, edges = wiring(network)
    if not nodes:
        return '<p class="none">The trace holds no description of a network that could be drawn.</p>'
    if len(nodes) > MOST:
        return f'<p class="none">{len(nodes):,} populations and inputs are too many to be drawn as a graph.</p>'
    places = _places(nodes, edges)
    left, top = min(x for x, _ in places.values()) - 96, min(y for _, y in places.values()) - 74
    width = max(x for x, _ in places.values()) + 96 - left
    height = max(y for _, y in places.values()) + 60 - top
    drawn = [_arrow(edge, places) for edge in edges] + [_box(node, places[node.name]) for node in nodes]
    head = f'<svg class="graph" viewBox="{left:.0f} {top:.0f} {width:.0f} {height:.0f}" style="max-width:{width:.0f}px"'
    label = f"{len(nodes)} populations and inputs, {len(edges)} projections"
    return f'{head} role="img" aria-label="{label}">{_MARKERS}{"".join(drawn)}</svg>{_KEY}'


def _places(nodes: list[Node], edges: list[Edge]) -> dict[str, Point]:
    import networkx

    order = {node.name: k for k, node in enumerate(nodes)}
    forward = networkx.DiGraph()
    forward.add_nodes_from(order)
    forward.add_edges_from({(e.source, e.target) for e in edges if order[e.source] < order[e.target]})
    layers = [sorted(layer, key=order.__getitem__) for layer in networkx.topological_generations(forward)]
    inner = [node for node in nodes if not node.is_input]
    among = {(e.source, e.target) for e in edges if e.source != e.target} & {
        (a.name, b.name) for a in inner for b in inner
    }
    if len(inner) > 4 and len(among) > 0.5 * len(inner) * (len(inner) - 1):
        radius = max(150.0, 26.0 * len(nodes))
        circle = networkx.circular_layout(forward, scale=radius)
        return {name: (1.25 * float(x), float(y)) for name, (x, y) in circle.items()}
    layer = {name: k for k, names in enumerate(layers) for name in names}
    for node in nodes:  # an input stands just before what it drives first
        driven = [layer[e.target] for e in edges if e.source == node.name and e.target != node.name]
        if node.is_input and driven:
            layer[node.name] = min(driven) - 1
    networkx.set_node_attributes(forward, layer, "layer")
    rows = max(list(layer.values()).count(k) for k in layer.values())
    found = networkx.multipartite_layout(forward, subset_key="layer", scale=1.0)
    columns = sorted({round(float(x), 6) for x, _ in found.values()})
    heights = sorted({float(y) for _, y in found.values()})
    tall = max(rows - 1, 1) * STEP[1] / max(heights[-1] - heights[0], 1e-9) if rows > 1 else 0.0
    return {
        name: (columns.index(round(float(x), 6)) * STEP[0], float(y) * tall) for name, (x, y) in found.items()
    }  # fmt: skip


def _box(node: Node, place: Point) -> str:
    (x, y), (width, height) = place, BOX
    kind = "input" if node.is_input else "cells"
    name, below = _text(node.name, 17), _text(f"{node.size:,} {node.model}", 21)
    title = html.escape(printable(f"{node.name}: {node.size:,} {node.model}"))
    return (
        f'<g class="node {kind}"><title>{title}</title>'
        f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width}" height="{height}" rx="7"/>'
        f'<text class="name" x="{x:.1f}" y="{y - 3:.1f}">{name}</text>'
        f'<text class="below" x="{x:.1f}" y="{y + 14:.1f}">{below}</text></g>'
    )


def _arrow(edge: Edge, places: dict[str, Point]) -> str:
    start, stop = places[edge.source], places[edge.target]
    points = _loop(start) if edge.source == edge.target else _curve(start, stop)
    kind = {1: "excites", -1: "inhibits", 0: "either"}[edge.sign] + (" plastic" if edge.plastic else "")
    title = html.escape(printable("\n".join([f"{edge.source} \u2192 {edge.target}", *edge.facts])))
    path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    end = "url(#bar)" if edge.sign < 0 else "url(#tip)" if edge.sign > 0 else "url(#point)"
    lines = f'<path class="wide" d="{path}"/><path d="{path}" marker-end="{end}"/>'
    return f'<g class="edge {kind}"><title>{title}</title>{lines}</g>'


def _loop(centre: Point) -> list[Point]:
    from math import cos, pi, sin

    x, y = centre[0] + BOX[0] / 2 - 26, centre[1] - BOX[1] / 2 - 11
    turn = [pi * (0.78 + 1.44 * k / POINTS) for k in range(POINTS + 1)]
    return [(x + 17 * cos(angle), y + 15 * sin(angle)) for angle in turn]


def _curve(start: Point, stop: Point) -> list[Point]:
    """From box to box, bent to the left of its way, so that the way back is another."""
    (x0, y0), (x1, y1) = start, stop
    long = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5 or 1.0
    bend = 14 + max(0.0, long - STEP[0]) * 0.24
    middle = ((x0 + x1) / 2 + bend * 2 * (y1 - y0) / long, (y0 + y1) / 2 - bend * 2 * (x1 - x0) / long)
    steps = [k / (4 * POINTS) for k in range(4 * POINTS + 1)]
    points = [
        tuple((1 - t) ** 2 * a + 2 * t * (1 - t) * m + t * t * b for a, m, b in zip(start, middle, stop)) for t in steps
    ]
    free = [p for p in points if not _inside(p, start, 1.0) and not _inside(p, stop, 4.0)]
    return [(p[0], p[1]) for p in (free or points)[::4] + (free or points)[-1:]]


def _inside(point: tuple[float, ...], centre: Point, room: float) -> bool:
    return all(abs(p - c) <= size / 2 + room for p, c, size in zip(point, centre, BOX))


def _text(text: str, most: int) -> str:
    text = printable(text)
    return html.escape(text if len(text) <= most else text[: most - 1] + "\u2026")


_MARKERS = (
    "<defs>"
    '<marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" orient="auto"'
    ' markerUnits="userSpaceOnUse"><path class="excites" d="M0 0.8 L10 5 L0 9.2 z"/></marker>'
    '<marker id="point" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" orient="auto"'
    ' markerUnits="userSpaceOnUse"><path class="either" d="M0 0.8 L10 5 L0 9.2 z"/></marker>'
    '<marker id="bar" viewBox="0 0 4 12" refX="2" refY="6" markerWidth="4" markerHeight="12" orient="auto"'
    ' markerUnits="userSpaceOnUse"><rect class="inhibits" x="0.5" y="0" width="3" height="12" rx="1"/></marker>'
    "</defs>"
)
_KEY = (
    '<p class="key"><span class="excites">&#9654; excitatory</span><span class="inhibits">&#9612; inhibitory</span>'
    '<span class="either">&#9654; either, or not told</span><span>dashed: plastic</span>'
    "<span>rounded, filled: populations; outlined: inputs</span></p>"
)

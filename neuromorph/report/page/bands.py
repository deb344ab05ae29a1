"""Where each population lies in a raster: strips from the top down, none too thin to be seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from neuromorph.errors import printable
from neuromorph.report.page.wiring import wiring
from neuromorph.report.raster import LEAST_SHARE

#: rows of a density, of all populations together at most
ROWS = 1024
#: strips, at most: more could not be seen
MOST_BANDS = 256


class Band(NamedTuple):
    """A population of `size` cells in the strip from `bottom` to `top` (0 to 1), in the page's colour `colour`."""

    name: str
    size: int
    colour: int
    bottom: float
    top: float

    @property
    def unit(self) -> int:
        """Cells of a row where densities are drawn: a power of two, such that the strip has its share of the rows."""
        rows = max(1, int(ROWS * (self.top - self.bottom)))
        return 1 << (-(-self.size // rows) - 1).bit_length()

    def as_json(self) -> dict[str, Any]:
        """For the page's script; the name without control characters."""
        return {**self._asdict(), "name": printable(self.name), "unit": self.unit}


def left_out(sizes: Mapping[str, int]) -> str:
    """What is said of populations that have no strip; "" where all have one."""
    more = len(sizes) - MOST_BANDS
    return f"{more:,} more populations are not shown." if more > 0 else ""


def in_order(sizes: Mapping[str, int], network: Mapping[str, Any]) -> dict[str, int]:
    """Populations in the order of the network's description, then the others as they are."""
    first = [node.name for node in wiring(network)[0] if node.name in sizes]
    return {name: sizes[name] for name in (*first, *(name for name in sizes if name not in first))}


def bands(sizes: Mapping[str, int]) -> list[Band]:
    """One strip per population, as high as its share of all cells, but at least 5 % before all are fitted in.

    Of the populations after the 256th there are none.
    """
    sizes = dict(list(sizes.items())[:MOST_BANDS])
    total = sum(sizes.values()) or 1
    shares = np.array([max(size / total, LEAST_SHARE) for size in sizes.values()])
    edges = 1.0 - np.concatenate([[0.0], np.cumsum(shares / (shares.sum() or 1.0))])
    return [
        Band(name, max(size, 1), i, float(edges[i + 1]), float(edges[i]))
        for i, (name, size) in enumerate(sizes.items())
    ]

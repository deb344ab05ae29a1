"""Spikes as text that a page carries: blocks of 256 cells, times as differences, byte planes, deflate, base64.

A block's spikes stand together in order of time, so that a page finds a window by bisection and touches only the cells
that it shows; an index within a block is one byte. Differences of times take as many planes of bytes as the largest
needs. Planes that are nearly all zero deflate to nearly nothing.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: cells of a block: an index within it is one byte
CELLS = 256
#: ticks of times that lie on no grid (ms)
FINE_MS = 0.01
#: no time has more ticks than this: they are uint32 in the page
MOST_TICKS = 2**31


class Packed(NamedTuple):
    """The spikes of a population: `text`, and what is needed to read it (`blocks`: number, first tick, spikes)."""

    text: str
    planes: int
    blocks: list[tuple[int, int, int]]

    def as_json(self) -> dict[str, Any]:
        """What the page's script needs beside the text."""
        return {"planes": self.planes, "blocks": self.blocks}


def tick_ms(resolution_ms: float | None, duration_ms: float) -> float:
    """The unit of a page's times (ms): the step of the grid, else 0.01 ms; more where that would be too many."""
    tick = resolution_ms or FINE_MS
    while duration_ms / tick >= MOST_TICKS:
        tick *= 10.0
    return tick


def pack(times: NDArray[np.float64], ids: NDArray[np.int64], start_ms: float, tick: float) -> Packed:
    """Pack spikes, which are in order of time, as ticks since `start_ms`."""
    number = ids // CELLS
    short = np.uint16 if number.max(initial=0) < 2**16 else np.int64  # numpy sorts short ones by their digits
    order = np.argsort(number.astype(short), kind="stable")
    ticks = np.rint((times - start_ms) / tick).astype(np.int64)[order]
    number = number[order]
    begins = np.flatnonzero(np.diff(number, prepend=-1))
    counts = np.diff(begins, append=len(number))
    deltas = np.diff(ticks, prepend=0)
    deltas[begins] = 0
    planes = max(1, (int(deltas.max(initial=0)).bit_length() + 7) // 8)
    raw = deltas.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :planes].T.tobytes()
    raw += (ids[order] % CELLS).astype(np.uint8).tobytes()
    blocks = [(int(n), int(ticks[b]), int(c)) for n, b, c in zip(number[begins], begins, counts, strict=True)]
    return Packed(base64.b64encode(zlib.compress(raw, 6)).decode(), planes, blocks)


def pack_numbers(values: NDArray[Any]) -> str:
    """Whole numbers as text: uint32, byte planes, deflate, base64."""
    planes = np.ascontiguousarray(values, "<u4").reshape(-1, 1).view(np.uint8).T.tobytes()
    return base64.b64encode(zlib.compress(planes, 6)).decode()

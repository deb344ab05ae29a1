"""Saved cells: states, refractoriness, and which lazy ones are to be visited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph.engine.cells import Cells
from neuromorph.engine.exact_cells import ExactCells
from neuromorph.engine.lazy_cells import LazyCells
from neuromorph.engine.saved.arrays import Arrays, Saved, fill, indices, taken, under
from neuromorph.kernels.exact import VARIABLES

if TYPE_CHECKING:
    from neuromorph.engine.simulation import Engine


def save(engine: Engine) -> Arrays:
    """What every population is now."""
    out: Arrays = {}
    for name, cells in engine.cells.items():
        out |= under(f"cells/{name}", _of(cells))
    return out


def load(engine: Engine, saved: Saved) -> None:
    """Put every population where it was."""
    for name, cells in engine.cells.items():
        where = f"cells/{name}"
        if isinstance(cells, ExactCells):
            fill(_rows(cells), saved, f"{where}/rows")
            fill(cells.wake, saved, f"{where}/wake")
            continue
        grid: Any = cells
        state = taken(saved, f"{where}/state", (len(cells.state), cells.neurons.size))
        for row, values in zip(cells.state, state):
            row[:] = values
        fill(grid.until, saved, f"{where}/until")
        if isinstance(cells, LazyCells):
            fill(cells.since, saved, f"{where}/since")
            listed = indices(saved, f"{where}/listed", (None,), cells.neurons.size)
            cells.list_again(listed, bool(taken(saved, f"{where}/every", ())))


def _of(cells: Cells) -> dict[str, Any]:
    if isinstance(cells, ExactCells):
        return {"rows": _rows(cells).copy(), "wake": cells.wake.copy()}
    grid: Any = cells
    out = {"state": np.array(list(cells.state)), "until": grid.until.copy()}
    if isinstance(cells, LazyCells):
        listed, every = cells.listed()
        out |= {"since": cells.since.copy(), "listed": listed, "every": np.int64(every)}
    return out


def _rows(cells: ExactCells) -> Any:
    """A row a cell, without what fills its last cache line."""
    return cells.rows[:, : VARIABLES + len(cells.variables)]

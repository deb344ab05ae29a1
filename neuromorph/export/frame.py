"""A table of a trace as a pandas frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph import limits
from neuromorph.analysis.table import interval
from neuromorph.export.files import package
from neuromorph.export.tables import TEXT, Part, columns, pieces, types

if TYPE_CHECKING:
    import pandas

    from neuromorph.traces.reader import Trace


def to_frame(
    trace: Trace,
    table: str = "spikes",
    populations: Sequence[str] | None = None,
    start_ms: float | None = None,
    stop_ms: float | None = None,
) -> pandas.DataFrame:
    """Return a table of a trace as a pandas frame, a row for each spike, value, weight, event or entry.

    Columns: spikes time_ms, population, neuron (exact runs also base, offset_ms); states time_ms, population, variable,
    unit, neuron, value; weights time_ms, projection, unit, source, target, weight; signals time_ms, signal, value;
    learning curve, unit, entry, column, value. Times are in ms; what is text is categorical.

    Raises InputError where pandas is missing, for a table that there is not or an empty interval, TraceError where
    nothing of that kind was recorded.
    """
    pd = package("pandas", "a frame")
    interval(trace, start_ms, stop_ms)
    found = list(pieces(trace, table, Part(populations, start_ms, stop_ms)))
    rows, names = [piece.rows for piece in found], columns(trace, table)
    limits.need(40 * sum(rows), "the frame takes", str(trace.path), "Take a part of it: give start_ms and stop_ms.")
    kinds, data = types(trace, table), {}
    for name in names:
        if name in TEXT:
            data[name] = _categorical(pd, [piece.text[name] for piece in found], rows)
        else:
            parts = [piece.numbers[name] for piece in found]
            data[name] = np.concatenate(parts) if parts else np.zeros(0, kinds[name])
    return pd.DataFrame(data)


def _categorical(pd: Any, texts: list[str], rows: list[int]) -> Any:
    known = list(dict.fromkeys(texts))
    return pd.Categorical.from_codes(np.repeat([known.index(text) for text in texts], rows), known)

"""Tables in Apache Parquet, for pandas, polars, DuckDB and R."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuromorph import limits
from neuromorph.errors import InputError, Problem
from neuromorph.export.files import about, new_file, package, read_about
from neuromorph.export.tables import COLUMNS, INSTANTS, TEXT, Part, columns, pieces, types
from neuromorph.traces.stream import Spikes

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: key of what the file says of its trace
KEY = b"neuromorph"


def write(trace: Trace, path: Path, table: str, part: Part, force: bool) -> int:
    """Write a table, a row group for each piece; returns the number of its rows."""
    pa, parquet = package("pyarrow", "parquet"), package("pyarrow.parquet", "parquet")
    label, numbers = pa.dictionary(pa.int32(), pa.string()), types(trace, table)
    fields = [(name, label if name in TEXT else pa.from_numpy_dtype(numbers[name])) for name in columns(trace, table)]
    schema = pa.schema(fields, metadata={KEY: json.dumps(about(trace), default=str).encode()})
    found, rows = pieces(trace, table, part), 0
    with new_file(path, force) as aside, parquet.ParquetWriter(aside, schema) as writer:
        for piece in found:
            arrays = [_array(pa, piece.numbers.get(name), piece.text.get(name), piece.rows) for name, _ in fields]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            rows += piece.rows
    return rows


def _array(pa: Any, numbers: Any, text: str | None, rows: int) -> Any:
    if text is None:
        return pa.array(numbers)
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([text]))


def read(path: Path) -> dict[str, Spikes]:
    """Read a table of spikes; what is wrong with the file comes as pyarrow says it, or as InputError."""
    parquet = package("pyarrow.parquet", "parquet")
    with parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
        if schema.names not in ([*COLUMNS["spikes"]], [*COLUMNS["spikes"], *INSTANTS]):
            fix = f"Its columns must be {', '.join(COLUMNS['spikes'])}, with or without {', '.join(INSTANTS)}."
            raise InputError(Problem("is no table of spikes", str(path), ", ".join(schema.names)[:80], fix=fix))
        said = read_about((schema.metadata or {})[KEY].decode(), path)
        what, fix = "the table takes", "Read it piece by piece with pyarrow."
        limits.need(80 * file.metadata.num_rows, what, str(path), fix)
        found = file.read()
    names = found["population"].combine_chunks()
    numbers = {name: found[name].to_numpy() for name in schema.names if name != "population"}
    codes, known = names.indices.to_numpy(), names.dictionary.to_pylist()
    spikes = {}
    for name in dict.fromkeys([*said["populations"], *known]):
        mine = codes == known.index(name) if name in known else np.zeros(len(codes), bool)
        spikes[name] = Spikes(*(column[mine] for column in numbers.values()))
    return spikes

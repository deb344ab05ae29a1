"""The schema that people read is the schema of the files."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import pytest

import neuromorph
from neuromorph.traces import TraceWriter

README = Path(neuromorph.__file__).parents[1] / "traces" / "README.md"


@pytest.mark.skipif(not README.exists(), reason="not in a source tree")
def test_every_dataset_and_attribute_is_in_the_readme(tmp_path, describe, record):
    writer = TraceWriter(tmp_path / "a.h5")
    record(writer, describe(exact=True))
    writer.close({"status": "complete", "simulated_ms": 3.0, "spikes": 4, "input_spikes": 0, "synaptic_events": 9})
    words = set(re.findall(r"[A-Za-z_]+", README.read_text(encoding="utf-8")))
    names: set[str] = set()

    def visit(name: str, item: h5py.HLObject) -> None:
        if name.startswith("provenance"):
            return
        names.update(item.attrs)
        if isinstance(item, h5py.Dataset) and not name.startswith("learning/"):
            names.add(name.rsplit("/", 1)[-1])

    with h5py.File(tmp_path / "a.h5") as file:
        names.update(file.attrs, file)
        file.visititems(visit)
    assert names - words == set()

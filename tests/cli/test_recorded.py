"""The network of a run, read back from its trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuromorph.errors import InputError
from neuromorph_cli import recorded


def test_a_trace_that_leaves_long_arrays_out_is_not_enough() -> None:
    found = {"populations": {"E": {"params": {"tau_m": {"sha256": "0" * 64, "shape": [9], "dtype": "float64"}}}}}
    with pytest.raises(InputError) as error:
        recorded.network_of(Path("x.h5"), found, {}, Path())
    words = "x.h5: the trace names long arrays by their hashes alone. Run it again from its network file."
    assert str(error.value) == words

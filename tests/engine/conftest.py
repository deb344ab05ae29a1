"""A small simulation in both resolutions."""

from __future__ import annotations

import pytest

from engine.small import small
from neuromorph import Simulation


@pytest.fixture(params=["exact", 0.5], ids=["exact", "grid"])
def simulation(request):
    return Simulation(small(), resolution=request.param)

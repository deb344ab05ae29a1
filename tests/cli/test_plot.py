"""neuromorph plot: every figure from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")


@pytest.fixture
def trace(call) -> str:
    """A finished trace of tiny.toml."""
    call(
        "run", "tiny.toml", "-o", "x.h5", "-q", "--duration", "500 ms", "--record", "E.V_m@1", "--record", "E_I.weight"
    )
    return "x.h5"


@pytest.mark.parametrize(
    ("suffix", "arguments"),
    [
        ("png", ["raster", "--width", "4", "--dpi", "80"]),
        ("pdf", ["rates", "--population", "E", "--from", "100", "--to", "300", "--bin", "20"]),
        ("svg", ["membrane", "--population", "E", "--variable", "V_m", "--cell", "1", "--cell", "2", "--stop", "200"]),
        ("pdf", ["weights", "--projection", "E_I", "--kind", "trajectories"]),
        ("svg", ["graph"]),
    ],
)
def test_figures(call, trace, suffix, arguments):
    assert call("plot", arguments[0], trace, "-o", f"f.{suffix}", *arguments[1:]) == (0, f"f.{suffix}\n", "")
    assert Path(f"f.{suffix}").stat().st_size > 2000


def test_what_is_refused(refused, trace):
    assert "no learning curves were recorded" in refused("plot", "learning", trace, "-o", "f.png")
    assert "no state of population 'I' was recorded" in refused(
        "plot", "membrane", trace, "-o", "f.png", "--population", "I"
    )
    assert "the interval is empty" in refused("plot", "rates", trace, "-o", "f.png", "--start", 9, "--stop", 8)
    assert "no recorded projection 'I_E'" in refused("plot", "weights", trace, "-o", "f.png", "--projection", "I_E")
    assert "'matrx' is not one of" in refused("plot", "weights", trace, "-o", "f.png", "--kind", "matrx")
    assert "dots per inch out of range" in refused("plot", "graph", trace, "-o", "f.png", "--dpi", 3)
    assert "no such file" in refused("plot", "graph", "y.h5", "-o", "f.png")

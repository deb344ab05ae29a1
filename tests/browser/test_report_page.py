"""neuromorph report in a real browser: what must be on the page, and that the raster can be moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from neuromorph.traces import Trace
from page_traces import recorded

pytest.importorskip("bokeh", reason="bokeh is not installed")


@pytest.fixture
def trace(tmp_path) -> Iterator[Trace]:
    with Trace(recorded(tmp_path / "a.h5")) as opened:
        yield opened


def pixels(page: Any) -> str:
    """The raster as it is on the screen."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    text: str = page.evaluate("() => document.querySelector('.raster canvas').toDataURL()")
    return text


def window(page: Any) -> list[float]:
    found: list[float] = page.evaluate("() => [neuromorph.time.start, neuromorph.time.stop]")
    return found


def test_everything_is_there(trace, written, visit):
    page = visit(written(trace))
    text = page.inner_text("main")
    for words in ("neuromorph run tiny.toml", "Two populations and noise", "Population rates", "V_m of E", "Signals",
                  "Firing rates", "Inter-spike intervals", "Irregularity", "Weights before and after",
                  "Mean weight over time", "Matrix before", "Matrix after", "test errors", "Alignment"):  # fmt: skip
        assert words in text
    assert page.locator("svg.graph .node").count() == 3
    assert page.locator("svg.graph .edge").count() == 4
    page.evaluate("() => neuromorph.charts.showAll()")
    charts = page.locator(".chart")
    assert charts.count() == page.evaluate("() => neuromorph.charts.documents.length")
    assert all(charts.nth(k).bounding_box()["height"] > 100 for k in range(charts.count()))


def test_the_wheel_zooms_the_raster_and_a_double_click_shows_all(trace, written, visit):
    page = visit(written(trace))
    whole = pixels(page)
    box = page.locator(".raster canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 100)
    page.mouse.wheel(0, -300)
    zoomed = pixels(page)
    assert zoomed != whole
    start, stop = window(page)
    assert 0.0 < start < stop < 100.0
    page.mouse.dblclick(box["x"] + box["width"] * 0.4, box["y"] + 100)
    assert window(page) == [0.0, 100.0]
    page.mouse.move(1, 1)
    assert pixels(page) == whole

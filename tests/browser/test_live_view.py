"""neuromorph view in a real browser: panels share a window of time, and a run is followed while it is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from neuromorph.report.server.serve import View
from neuromorph.traces import Trace, TraceWriter
from page_traces import HOSTILE, description, fill, hostile, recorded

pytest.importorskip("bokeh", reason="bokeh is not installed")


@pytest.fixture
def view(tmp_path) -> Iterator[View]:
    with Trace(recorded(tmp_path / "a.h5")) as trace, View(trace) as served:
        yield served


def settled(page: Any) -> str:
    """The raster when all that was asked for has come."""
    page.wait_for_function("() => neuromorph.raster.of && !neuromorph.raster.questions.busy")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.wait_for_function("() => !neuromorph.raster.questions.busy")
    text: str = page.evaluate("() => document.querySelector('.raster canvas').toDataURL()")
    return text


def span(page: Any) -> list[float]:
    found: list[float] = page.evaluate("() => [neuromorph.time.start, neuromorph.time.stop]")
    return found


def line(page: Any, chart: int) -> dict[str, list[float]]:
    """The points of the first line of a chart."""
    script = """(chart) => {
      const models = modelsOf(neuromorph.charts.figures.get(chart).document);
      const { data } = models.find((one) => (one.tags || []).includes("line 0"));
      return { x: [...data.x ?? data.get("x")], y: [...data.y ?? data.get("y")] };
    }"""
    found: dict[str, list[float]] = page.evaluate(script, chart)
    return found


def test_everything_is_there(view, visit):
    page = visit(view.address)
    settled(page)
    text = page.inner_text("main")
    for words in ("tiny", "complete", "100 ms simulated", "1,200 spikes", "Population rates", "V_m of E", "seed"):
        assert words in text
    assert page.locator("svg.graph .node").count() == 3
    assert page.locator("#follow").is_hidden()
    assert page.locator("#trouble").is_hidden()


def test_a_window_is_shared_by_all_panels(view, visit):
    page = visit(view.address)
    whole = settled(page)
    page.wait_for_function("() => neuromorph.panels.shown > 0")
    before = page.evaluate("() => neuromorph.panels.shown")
    box = page.locator(".raster canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 100)
    page.mouse.wheel(0, -300)
    page.mouse.wheel(0, -300)
    page.mouse.move(1, 1)
    assert settled(page) != whole
    start, stop = span(page)
    assert 0.0 < start < stop < 100.0
    page.wait_for_function("(n) => neuromorph.panels.shown > n && !neuromorph.panels.questions.busy", arg=before)
    state = line(page, 1)
    expected = view.windows.trace.state("E", "V_m", start, stop)
    np.testing.assert_allclose(state["x"], expected.times)
    np.testing.assert_allclose(state["y"], expected.values[:, 0], atol=1e-6)
    assert (
        page.evaluate("() => neuromorph.charts.ranges.map((range) => [range.start, range.end])") == [[start, stop]] * 2
    )


def test_a_run_is_followed_until_somebody_says_stop(tmp_path, visit):
    writer = TraceWriter(tmp_path / "b.h5")
    writer.open(description())
    fill(writer)
    writer.flush()
    with Trace(tmp_path / "b.h5") as trace, View(trace) as served:
        page = visit(served.address)
        first = settled(page)
        assert page.inner_text(".status") == "running"
        writer.spikes("E", np.arange(2000, 2500), np.zeros(500), np.arange(500) % 80)
        writer.flush()
        page.wait_for_function("() => neuromorph.time.stop > 200")
        page.wait_for_function("() => neuromorph.raster.of.stop > 200 && !neuromorph.raster.questions.busy")
        assert settled(page) != first
        assert "1,700 spikes" in page.inner_text("#state")

        page.click("#follow")
        writer.spikes("E", np.arange(3000, 3500), np.zeros(500), np.arange(500) % 80)
        writer.flush()
        page.wait_for_timeout(1500)  # longer than the page waits between two looks
        assert span(page)[1] < 300
        page.click("#follow")
        page.wait_for_function("() => neuromorph.time.stop > 300")

        writer.close({"status": "interrupted", "simulated_ms": 400.0})
        page.wait_for_function("() => document.querySelector('.status').textContent === 'interrupted'")
        assert span(page) == [0.0, 400.0]
        assert page.locator("#follow").is_hidden()
        page.close()  # before the server goes


def test_hostile_names_are_text(tmp_path, visit):
    with Trace(hostile(tmp_path / "h.h5")) as trace, View(trace) as served:
        page = visit(served.address)
        settled(page)
        page.wait_for_function("() => neuromorph.panels.shown > 0")
        assert page.locator("img").count() == 0
        assert HOSTILE in page.inner_text("h1")
        page.close()


def test_a_server_that_has_gone_is_told(view, visit, browser):
    page = browser.new_page()
    page.goto(view.address)
    page.wait_for_function("() => typeof neuromorph !== 'undefined' && neuromorph.ready")
    view.close()
    page.evaluate("() => neuromorph.time.zoom(0.5, 50)")
    page.wait_for_selector("#trouble:not([hidden])")
    assert "The server of this page does not answer" in page.inner_text("#trouble")
    page.close()

"""neuromorph report in a real browser: what must be on the page, and that the raster can be moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from neuromorph.engine.sink import RunDescription
from neuromorph.report.page import build
from neuromorph.traces import Trace, TraceWriter
from page_traces import HOSTILE, NETWORK, description, hostile, recorded

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


def cells(page: Any) -> list[float]:
    found: list[float] = page.evaluate("() => [neuromorph.raster.low, neuromorph.raster.high]")
    return found


def canvas(page: Any) -> dict[str, float]:
    box: dict[str, float] = page.locator(".raster canvas").bounding_box()
    return box


def test_everything_is_there(trace, written, visit):
    page = visit(written(trace))
    text = page.inner_text("main")
    for words in ("neuromorph run tiny.toml", "Two populations and noise", "Population rates", "V_m of E", "Signals",
                  "Firing rates", "Inter-spike intervals", "Irregularity", "Weights before and after",
                  "Mean weight over time", "Matrix before", "Matrix after", "test errors", "Alignment"):  # fmt: skip
        assert words in text
    assert page.locator("svg.graph .node").count() == 3
    assert page.locator("svg.graph .edge").count() == 4
    assert page.locator(".warning").count() == 0
    page.evaluate("() => neuromorph.charts.showAll()")
    charts = page.locator(".chart")
    assert charts.count() == page.evaluate("() => neuromorph.charts.documents.length") == 12
    assert all(charts.nth(k).bounding_box()["height"] > 100 for k in range(charts.count()))


def test_the_page_holds_every_spike(trace, written, visit):
    page = visit(written(trace))
    for k, name in enumerate(("E", "I")):
        found = page.evaluate(
            """(k) => { const one = neuromorph.raster.source.populations[k];
            const { times, ids } = one.marks(one.parts(-1, 1e9, 0, 1e9), 0, 1e9); return [[...times], [...ids]]; }""", k
        )  # fmt: skip
        times, ids = trace.spikes(name)
        order = np.lexsort((found[1], np.round(found[0], 3)))
        expected = np.lexsort((ids, times))
        np.testing.assert_allclose(np.array(found[0])[order], times[expected], atol=1e-9)
        np.testing.assert_array_equal(np.array(found[1])[order], ids[expected])


def test_many_cells_and_long_gaps_come_through(tmp_path, written, visit):
    """Blocks of 256 cells, and differences of time of one to four bytes."""
    ticks = np.array([0, 3, 300, 70_000, 20_000_000, 20_000_001])
    ids = np.array([5, 700, 256, 255, 699, 700])
    writer = TraceWriter(tmp_path / "b.h5")
    writer.open(RunDescription(0.1, 0.1, {"many": 701}))
    writer.spikes("many", ticks, np.zeros(6), ids)
    writer.close({"status": "complete", "simulated_ms": 2_000_001.0})
    with Trace(tmp_path / "b.h5") as trace:
        page = visit(written(trace), "delete Uint8Array.fromBase64")  # as older browsers are
    found = page.evaluate(
        """() => { const one = neuromorph.raster.source.populations[0];
        const { times, ids } = one.marks(one.parts(-1, 1e9, 0, 1e9), 0, 1e9); return [[...times], [...ids]]; }"""
    )
    assert sorted(zip(np.rint(np.array(found[0]) * 10).astype(int), found[1])) == list(zip(ticks, ids))


def test_the_wheel_zooms_the_raster_and_a_double_click_shows_all(trace, written, visit):
    page = visit(written(trace))
    whole = pixels(page)
    box = canvas(page)
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 100)
    page.mouse.wheel(0, -300)
    zoomed = pixels(page)
    assert zoomed != whole
    start, stop = window(page)
    assert 0.0 < start < stop < 100.0
    page.wait_for_function(
        "(stop) => neuromorph.charts.ranges.length && neuromorph.charts.ranges.every((range) => range.end === stop)",
        arg=stop,
    )
    page.mouse.dblclick(box["x"] + box["width"] * 0.4, box["y"] + 100)
    assert window(page) == [0.0, 100.0]
    page.mouse.move(1, 1)
    assert pixels(page) == whole


def test_drag_keys_and_shift(trace, written, visit):
    page = visit(written(trace))
    box = canvas(page)
    page.mouse.move(box["x"] + 500, box["y"] + 100)
    page.keyboard.down("Shift")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Shift")
    assert window(page) == [0.0, 100.0]
    low, high = cells(page)
    assert 0.0 < low < high < 1.0
    page.locator(".raster canvas").press("+")
    page.locator(".raster canvas").press("+")
    zoomed = window(page)
    assert zoomed[1] - zoomed[0] == pytest.approx(64.0)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 140, steps=4)
    page.mouse.up()
    assert window(page)[0] > zoomed[0] + 3
    assert window(page)[1] - window(page)[0] == pytest.approx(64.0)
    assert cells(page)[0] > low
    page.locator(".raster canvas").press("ArrowLeft")
    page.locator(".raster canvas").press("End")
    assert window(page)[1] == 100.0
    page.locator(".raster canvas").press("0")
    assert (window(page), cells(page)) == ([0.0, 100.0], [0.0, 1.0])


def test_a_drag_in_the_rates_moves_the_raster(trace, written, visit):
    page = visit(written(trace))
    page.evaluate("() => neuromorph.time.set(20, 60)")
    page.evaluate("() => neuromorph.charts.showAll()")  # nothing moves any more
    chart = page.locator(".chart").first
    chart.scroll_into_view_if_needed()
    page.wait_for_function("() => neuromorph.charts.ranges[0].start === 20")
    before = pixels(page)
    box = chart.bounding_box()
    page.mouse.move(box["x"] + 700, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 80, steps=4)
    page.mouse.up()
    page.wait_for_function("() => neuromorph.time.start > 22")
    assert pixels(page) != before


def test_the_pointer_tells_the_cell_and_the_time(trace, written, visit):
    page = visit(written(trace))
    page.evaluate("() => neuromorph.time.set(0, 5)")
    pixels(page)
    time, cell, x, y = page.evaluate("""() => {
      const { raster } = neuromorph, frame = raster.frameOf(raster.bands[0]), band = raster.bands[0], { box } = raster;
      const [time, id] = [frame.times[3], frame.ids[3]];
      const level = band.bottom + ((id + 0.5) / band.size) * (band.top - band.bottom);
      return [time, id, box.x + (time / 5) * box.width, box.y + (1 - level) * box.height];
    }""")
    box = canvas(page)
    page.mouse.move(box["x"] + x, box["y"] + y)
    assert page.inner_text(".tip") == f"E {cell} fired at {time:.2f} ms"


def test_light_and_dark(trace, written, visit):
    page = visit(written(trace))
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light, raster = page.evaluate(ground), pixels(page)
    page.click("#theme")
    assert page.evaluate(ground) != light
    assert pixels(page) != raster
    page.click("#theme")
    assert page.evaluate(ground) == light


@pytest.mark.parametrize(("exact", "marks"), [("image", "MARKS = 0"), ("density", "EXACT = 0")])
def test_counts_and_density_show_what_marks_do(trace, written, visit, monkeypatch, exact, marks):
    """The three ways to draw: the same half of the run is empty in each band, whichever it is."""
    read = build.markup.asset
    limits = {"MARKS = 0": ("MARKS = 20000", "MARKS = 0"), "EXACT = 0": ("EXACT = 2000000", "EXACT = 0")}
    old, new = limits[marks]
    assert old in read("spikes.js")
    monkeypatch.setattr(build.markup, "asset", lambda name: read(name).replace(f"const {old};", f"const {new};"))
    page = visit(written(trace))
    pixels(page)
    sums = page.evaluate("""() => neuromorph.raster.frames.map(({ kind, counts, rows }) => {
      const width = counts.length / (rows + 1), halves = [0, 0];
      for (let i = 0; i < rows * width; i++) halves[i % width < width / 2 ? 0 : 1] += counts[i];
      return [kind, ...halves];
    })""")
    assert [kind for kind, *_ in sums] == ["image", "image"]
    # a bin of a density may reach over the middle
    np.testing.assert_allclose(
        [halves for _, *halves in sums], [[800, 0], [0, 400]], atol=4 if exact == "density" else 0
    )
    built = page.evaluate("() => neuromorph.raster.source.populations[0].density !== undefined")
    assert built == (exact == "density")


def test_too_many_spikes_are_shown_as_a_density(trace, written, visit, monkeypatch):
    monkeypatch.setattr(build, "MOST", 100)
    page = visit(written(trace))
    assert "1,200 spikes are too many to be carried one by one" in page.inner_text("main")
    sums = page.evaluate("() => neuromorph.raster.frames.map(({ counts }) => counts.reduce((a, b) => a + b, 0))")
    assert sums == [800, 400]
    whole = pixels(page)
    page.evaluate("() => neuromorph.time.set(10, 30)")
    assert pixels(page) != whole


def test_hostile_names_are_text(tmp_path, written, visit):
    with Trace(hostile(tmp_path / "h.h5")) as trace:
        page = visit(written(trace))
    page.evaluate("() => neuromorph.charts.showAll()")
    assert page.locator("img").count() == 0
    assert HOSTILE in page.inner_text("h1")
    assert page.locator("svg.graph .edge").count() == 1


def test_a_run_that_ended_early_says_so(tmp_path, written, visit):
    with Trace(recorded(tmp_path / "e.h5", {"status": "failed", "simulated_ms": 60.0})) as trace:
        page = visit(written(trace))
    assert page.inner_text(".warning") == "This run failed: it ended early, at 60 ms of simulated time."
    assert page.inner_text(".status") == "failed"


def test_without_spikes_there_are_words(tmp_path, written, visit):
    with Trace(recorded(tmp_path / "n.h5", filled=False, network={}, states=[], weights=[], signals=[])) as trace:
        page = visit(written(trace))
    text = page.inner_text("main")
    for words in (
        "No population fired a spike.",
        "No cell fired.",
        "No states were recorded.",
        "No weights were recorded.",
        "There are no learning curves",
        "The trace holds no description of a network",
    ):
        assert words in text
    assert page.locator("canvas").first.is_visible()


def test_one_cell(tmp_path, written, visit):
    writer = TraceWriter(tmp_path / "o.h5")
    writer.open(description(populations={"one": 1}, states=[], weights=[], signals=[], network=NETWORK))
    writer.spikes("one", np.array([5]), np.zeros(1), np.zeros(1, np.int64))
    writer.close({"status": "complete", "simulated_ms": 1.0})
    with Trace(tmp_path / "o.h5") as trace:
        page = visit(written(trace))
    text = page.inner_text("main")
    assert "No cell fired twice" in text
    assert "No cell fired three times" in text
    assert page.evaluate("() => neuromorph.raster.frames[0].times.length") == 1


def test_the_page_opens_where_the_spikes_are(tmp_path, written, visit):
    with Trace(recorded(tmp_path / "l.h5", {"simulated_ms": 90_000.0})) as trace:
        page = visit(written(trace))
    start, stop = window(page)
    assert 0.0 <= start < 1.0
    assert 100.0 < stop < 120.0
    assert "where the spikes are: 0 or a double click shows all" in page.inner_text("main")
    page.locator(".raster canvas").press("0")
    assert window(page) == [0.0, 90_000.0]

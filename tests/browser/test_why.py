"""A click on a spike: the live view runs the neuron again and says why it came, the page how to ask."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from neuromorph import Network, Simulation
from neuromorph.report.server.serve import View
from neuromorph.traces import Trace
from neuromorph.why.recording import Recording
from neuromorph.why.spike import why_spike
from neuromorph_cli.view import explainer
from page_traces import HOSTILE, hostile, recorded

pytest.importorskip("bokeh", reason="bokeh is not installed")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Any:
    """Two cells in a row: an input makes a fire at about 11 ms, and a makes b fire."""
    path = tmp_path_factory.mktemp("why") / "relay.h5"
    network = Network("relay")
    network.add_input("kick", "spike_train", 1, {"times": [10.0, 10.5, 50.0]})
    network.add_population("a", "lif_exp", 1)
    network.add_population("b", "lif_exp", 1)
    network.connect("kick", "a", weight=2000.0, delay=0.5)
    network.connect("a", "b", weight=6000.0, delay=1.0)
    for name in ("kick", "a", "b"):
        network.record(name, "spikes")
    with Simulation(network, resolution=0.1, trace=path) as simulation:
        simulation.run(80.0)
    return path


def place_of(page: Any, name: str, cell: int, time: float) -> list[float]:
    """Where a spike is drawn."""
    place = """([name, cell, time]) => {
      const raster = neuromorph.raster, { box, low, high, bands } = raster, span = neuromorph.time;
      const band = bands.find((one) => one.name === name);
      const level = band.bottom + ((cell + 0.5) / band.size) * (band.top - band.bottom);
      const x = ((time - span.start) / span.span) * box.width, y = ((high - level) / (high - low)) * box.height;
      return [box.x + x, box.y + y];
    }"""
    found: list[float] = page.evaluate(place, [name, cell, time])
    return found


def click(page: Any, name: str, cell: int, time: float) -> None:
    """Click on a spike of the raster."""
    x, y = place_of(page, name, cell, time)
    page.locator(".raster canvas").click(position={"x": x, "y": y})


def told(page: Any, shown: int) -> str:
    page.wait_for_function("(shown) => neuromorph.why.shown === shown", arg=shown)
    text: str = page.inner_text("#why")
    return text


def test_the_view_says_why(run, visit):
    with Trace(run) as trace, View(trace, explain=explainer(trace)) as served:
        spike = float(trace.spikes("b")[0][0])
        before = float(trace.spikes("a")[0][-1])
        page = visit(served.address)
        page.wait_for_function("() => neuromorph.raster.of && !neuromorph.raster.questions.busy")
        assert page.locator("#why").is_hidden()
        click(page, "b", 0, spike)
        text = told(page, 1)
        with Recording(run) as recording:
            cause = why_spike(recording, "b/0", spike)
        assert f"b/0 fired at {spike:.2f} ms" in text
        assert f"{len(cause.causes)} arrivals since" in text
        assert f"{len(cause.decisive)} of them decisive" in text
        assert page.locator("#why tbody tr").count() == len(cause.causes)
        assert page.locator("#why tr.decisive").count() == len(cause.decisive) > 0
        assert page.locator("#why polyline").get_attribute("points").count(",") == len(cause.at_ms)
        # from there to the spike that decided it, which an input did
        page.locator("#why .decisive .source").first.click()
        text = told(page, 2)
        assert text.startswith("a/0 fired at ")
        assert "kick" in text
        assert page.locator("#why .source").count() == 0
        page.locator("#why h3 button").click()
        assert page.locator("#why").is_hidden()
        assert before < spike


def test_a_drag_asks_nothing_and_an_input_is_no_neuron(run, visit):
    with Trace(run) as trace, View(trace, explain=explainer(trace)) as served:
        page = visit(served.address)
        page.wait_for_function("() => neuromorph.raster.of && !neuromorph.raster.questions.busy")
        box = page.locator(".raster canvas").bounding_box()
        page.mouse.move(box["x"] + 300, box["y"] + 30)
        page.mouse.down()
        page.mouse.move(box["x"] + 260, box["y"] + 30, steps=4)
        page.mouse.up()
        assert page.locator("#why").is_hidden()
        x, y = place_of(page, "kick", 0, 50.0)
        page.locator(".raster canvas").dblclick(position={"x": x, "y": y})
        page.wait_for_timeout(400)
        assert page.locator("#why").is_hidden()
        click(page, "kick", 0, 50.0)
        assert "is an input: it fires by itself" in told(page, 1)


def test_a_view_without_an_answer_says_how_to_ask(run, visit):
    with Trace(run) as trace, View(trace) as served:
        page = visit(served.address)
        page.wait_for_function("() => neuromorph.raster.of && !neuromorph.raster.questions.busy")
        click(page, "kick", 0, 50.0)
        assert "neuromorph why spike relay.h5 --neuron kick/0 --at 50" in told(page, 1)


def test_the_page_says_how_to_ask(run, written, visit):
    with Trace(run) as trace:
        page = visit(written(trace))
        spike = float(trace.spikes("b")[0][0])
    click(page, "b", 0, spike)
    text = told(page, 1)
    assert f"neuromorph why spike relay.h5 --neuron b/0 --at {spike:g}" in text


def test_hostile_names_are_one_word_of_the_command(tmp_path, written, visit):
    with Trace(hostile(tmp_path / "a.h5")) as trace:
        page = visit(written(trace))
    click(page, HOSTILE, 1, 0.1)
    told(page, 1)
    words = shlex.split(page.inner_text("#why code"))
    assert words[:6] == ["neuromorph", "why", "spike", "a.h5", "--neuron", f"{HOSTILE}/1"]
    assert page.locator("#why img").count() == 0


def test_where_spikes_do_not_stand_alone_it_says_so(tmp_path, written, visit, monkeypatch):
    from neuromorph.report.page import build

    monkeypatch.setattr(build, "MOST", 10)
    with Trace(recorded(tmp_path / "a.h5")) as trace:
        page = visit(written(trace))
    page.locator(".raster canvas").click(position={"x": 400, "y": 60})
    page.wait_for_function("() => document.querySelector('.tip').textContent.startsWith('zoom in until')")
    assert page.locator("#why").is_hidden()

"""The page of neuromorph view: the report's raster and panels, fed by the server in place of the page itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from neuromorph.report.page import figures, markup, panels
from neuromorph.report.page.bands import left_out
from neuromorph.report.page.panels import Panel

if TYPE_CHECKING:
    from neuromorph.report.server.windows import Windows

CONTROLS = """<div class="controls"><button id="follow" type="button">stop following</button>
<button id="all" type="button">show all</button><span id="state" role="status"></span></div>
<p class="warning" id="trouble" role="alert" hidden></p>"""


def live_page(windows: Windows, explains: bool) -> tuple[str, str]:
    """The page's text and its content security policy; `explains`: the server can say why a spike came."""
    trace, bands = windows.trace, windows.bands
    summary = trace.summary()
    time = (0.0, max(trace.simulated_ms, 1e-3))
    body = markup.Body()
    body.add(markup.head(trace, summary, live=True))
    body.add(CONTROLS)
    if bands:
        body.raster(left_out(trace.populations))
        nothing = [np.zeros(1, np.int64)] * len(bands)
        body.panels("", [panels.rates(bands, nothing, time[1], time)._replace(note=""), *_states(windows, time)])
    else:
        body.sentence("No population was recorded.")
    body.heading("What was run")
    body.facts(trace, summary)
    data = {
        "raster": {"bands": [band.as_json() for band in bands], "start_ms": 0.0, "stop_ms": time[1]},
        "charts": body.charts,
        "shared": len(bands) <= panels.RATES,
        "trace": trace.path.name,
        "explains": explains,
    }
    text = markup.document(markup.title(trace), body.text(), data, {}, ["live.js"], connect="'self'")
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    return text, found[1] if found else "default-src 'none'"


def _states(windows: Windows, time: tuple[float, float]) -> list[Panel]:
    """A panel for each state, its lines at 0 until the window's readings come."""
    made = []
    for population, variable in windows.trace.states[: panels.STATES]:
        first = windows.trace.state(population, variable, None, 0.0)
        chart = figures.chart("time (ms)", f"{variable} ({first.unit})", time)
        figures.plain_axis(chart)
        cells = first.indices[: panels.CELLS]
        for k in range(len(cells)):
            figures.add_line(chart, time, (0.0, 0.0), k)
        note = f"The first {panels.CELLS} of {len(first.indices)} cells." if len(first.indices) > panels.CELLS else ""
        legend = tuple((k, f"cell {index}") for k, index in enumerate(cells))
        made.append(Panel(f"{variable} of {population}", chart, note, legend))
    return made

"""The page's HTML. All that comes out of a trace is escaped here; the browser is told to run our own scripts alone."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from neuromorph.errors import printable
from neuromorph.report.page import facts, figures
from neuromorph.report.page.graph import graph
from neuromorph.report.page.panels import Panel

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: of our own, in this order
SCRIPTS = ("spikes.js", "raster.js", "gestures.js", "theme.js", "charts.js", "why.js")
#: in the palettes of theme.js and page.css
COLOURS = 10
Legend = tuple[tuple[int, str], ...]
KINDS = {"complete": "good", "running": "going", "unknown": "unknown"}


class Body:
    """The page's sections, and the charts that its script will draw into them."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.charts: list[dict[str, Any]] = []

    def text(self) -> str:
        """All sections."""
        return "\n".join(self._parts)

    def add(self, part: str) -> None:
        """Add HTML that is known to be safe."""
        self._parts.append(part)

    def heading(self, text: str, level: int = 2) -> None:
        """Add a heading."""
        if text:
            self.add(f"<h{level}>{escape(text)}</h{level}>")

    def sentence(self, text: str) -> None:
        """Say why something is not there."""
        if text:
            self.add(f'<p class="none">{escape(text)}</p>')

    def run(self, trace: Trace, summary: dict[str, Any]) -> None:
        """What was run: name, warning, facts and the network."""
        self.add(head(trace, summary))
        self.facts(trace, summary)

    def facts(self, trace: Trace, summary: dict[str, Any]) -> None:
        """How the trace was made, and the network."""
        rows = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.facts(trace, summary))
        self.add(f'<section class="run"><dl>{rows}</dl><div class="network">{graph(trace.network)}</div></section>')

    def table(self, title: str, rows: list[dict[str, Any]], note: str = "") -> None:
        """A table of numbers, the first column of names."""
        self.heading(title)
        if not rows:
            self.sentence("No population was recorded.")
            return
        heads = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
        body = "".join(f"<tr>{''.join(_cell(value) for value in row.values())}</tr>" for row in rows)
        self.add(f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>')
        self.sentence(note)

    def raster(self, note: str) -> None:
        """The place of the raster."""
        self.sentence(note)
        self.add(RASTER)

    def panels(self, title: str, panels: list[Panel], empty: str = "", level: int = 2, legend: Legend = ()) -> None:
        """A heading and charts side by side, or one below the other where they share the raster's time."""
        self.heading(title, level)
        self.add(_legend(legend))
        self.add('<div class="panels">' if title else '<div class="panels stacked">')
        for panel in panels:
            self._panel(panel)
        self.add("</div>")
        if not panels or (empty and not title):
            self.sentence(empty)

    def _panel(self, panel: Panel) -> None:
        note = f'<p class="note">{escape(panel.note)}</p>' if panel.note else ""
        place = ""
        if panel.figure is not None:
            height = int(panel.figure.height)
            place = f'<div class="chart" data-chart="{len(self.charts)}" style="min-height:{height}px"></div>'
            self.charts.append(figures.as_json(panel.figure))
        caption = f"<figcaption>{escape(panel.title)}{_legend(panel.legend)}</figcaption>"
        self.add(f'<figure class="panel">{caption}{place}{note}</figure>')


RASTER = """<div class="raster"><canvas aria-label="spikes of all populations over time" role="img"></canvas>
<div class="tip" hidden></div><p class="loading">reading spikes ...</p></div>
<p class="note">Wheel: zoom in time; with Shift: in cells. Drag: move. Double click: all.
Keys: arrows move, + and - zoom in time, Page Up and Page Down in cells, 0 shows all. Click on a spike: why it came.</p>
<section id="why" aria-live="polite" hidden></section>"""


def _legend(legend: Legend) -> str:
    rows = (f'<span class="c{colour % COLOURS}">{escape(name)}</span>' for colour, name in legend)
    return f'<span class="legend">{"".join(rows)}</span>' if legend else ""


def head(trace: Trace, summary: dict[str, Any], live: bool = False) -> str:
    """The page's title, what the network is, and, where the run ended early, a warning."""
    status = summary["status"]
    kind = KINDS.get(status, "bad")
    warning = "" if live and status == "running" else facts.warning(summary)
    parts = [
        f'<header><h1>{escape(facts.name_of(trace))}</h1><span class="status {kind}">{escape(status)}</span>'
        '<button id="theme" type="button">dark</button></header>',
        f'<p class="lead">{escape(facts.description_of(trace))}</p>' if facts.description_of(trace) else "",
        f'<p class="warning" role="alert">{escape(warning)}</p>' if warning else "",
    ]
    return "".join(parts)


def title(trace: Trace) -> str:
    """What the browser's tab says."""
    return f"{facts.name_of(trace)} \u00b7 neuromorph"


def document(
    title: str, body: str, data: dict[str, Any], texts: dict[str, str], own: list[str], connect: str = "'none'"
) -> str:
    """The whole page: `data` for its scripts, `texts` by id, and `own` scripts beyond those that all pages have."""
    scripts = [figures.script(), *(asset(name) for name in (*SCRIPTS, *own))]
    carried = [f'<script type="application/json" id="data">{safe_json(data)}</script>']
    carried += [f'<script type="text/plain" id="{name}">{text}</script>' for name, text in texts.items()]
    return Template(asset("page.html")).substitute(
        title=escape(title),
        policy=policy(scripts, connect),
        style=asset("page.css"),
        body=body,
        carried="\n".join(carried),
        scripts="\n".join(f"<script>{text}</script>" for text in map(_closed, scripts)),
    )


def policy(scripts: list[str], connect: str) -> str:
    """The page's content security policy: no network, and no script but these."""
    sums = (hashlib.sha256(_closed(text).encode()).digest() for text in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(value).decode()}'" for value in sums)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:;"
        f" font-src data:; connect-src {connect}; base-uri 'none'; form-action 'none'"
    )


def asset(name: str) -> str:
    """A file of this folder."""
    return files("neuromorph.report.page").joinpath(name).read_text(encoding="utf-8")


def escape(text: object) -> str:
    """Text that is shown as it is, whatever it holds."""
    return html.escape(printable(str(text)))


def safe_json(data: object) -> str:
    """JSON that may stand in a script of HTML."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _closed(script: str) -> str:
    """A script that cannot end early."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--").replace("\r\n", "\n")


def _cell(value: Any) -> str:
    if value is None:
        return '<td title="cannot be told from so few spikes">\u2013</td>'
    if isinstance(value, str):
        return f"<th>{escape(value)}</th>"
    return f"<td>{value:,}</td>" if isinstance(value, int) else f"<td>{value:,.4g}</td>"

"""neuromorph report: a trace as one page of HTML."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuromorph.analysis.table import interval
from neuromorph.errors import InputError, Problem
from neuromorph.new_files import check_new, written_aside
from neuromorph.report.page import figures, markup
from neuromorph.report.page.bands import Band, bands, in_order, left_out
from neuromorph.report.page.coding import pack_numbers, tick_ms
from neuromorph.report.page.distributions import distributions, legend
from neuromorph.report.page.gather import MOST, Gathered, gather
from neuromorph.report.page.panels import bin_of, rates, signals, states
from neuromorph.report.page.weights import learning, weights
from neuromorph.traces.stream import SpikeStream

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: of the time, in which all spikes are if the page opens on them alone
SMALL_PART = 0.1
NO_STATES = "No states were recorded. A run records them with, for example, --record 'E[0:5].V_m@0.1'."
NO_WEIGHTS = "No weights were recorded. A run records them with, for example, --record E_E.weight@100."
DENSE = (
    "{:,} spikes are too many to be carried one by one: the raster shows how dense they are. For single ones,"
    " choose an interval (--start, --stop), or use neuromorph view."
)
NO_CURVES = "There are no learning curves: this is no run of neuromorph learn."


def report(
    trace: Trace,
    path: str | os.PathLike[str],
    start_ms: float | None = None,
    stop_ms: float | None = None,
    *,
    force: bool = False,
) -> Path:
    """Write a page that shows what a trace holds between start_ms and stop_ms, and return its path.

    The page is one file that needs no network: what was run, the network as a graph, a table of the populations, a
    raster that can be zoomed, rates, recorded states and signals, distributions, weights and learning curves. Of more
    than 3e7 spikes it carries how dense they are in place of each one.

    Parameters
    ----------
    trace: an open trace.
    path: the page to write, with the suffix .html.
    start_ms, stop_ms: the interval shown (ms); by default the whole run.
    force: overwrite an existing file.

    Raises
    ------
    InputError where bokeh is missing, the file exists or cannot be written, or the interval is empty.
    """
    figures.need_bokeh()
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError(Problem("a page is a file of HTML", str(target), target.suffix, ".html"))
    check_new(target, force)
    start, stop = interval(trace, start_ms, stop_ms)
    text = page(trace, (start, max(stop, start + 1e-3)), None if stop_ms is None else stop)
    with written_aside(target) as aside:
        aside.write_text(text, encoding="utf-8", errors="backslashreplace")
    return target


def page(trace: Trace, time: tuple[float, float], stop_ms: float | None) -> str:
    """The text of the page."""
    places = bands(in_order(trace.populations, trace.network))
    spikes = sum(len(SpikeStream(trace, band.name, time[0], stop_ms)) for band in places)
    dense = spikes > MOST
    bin_ms = bin_of(time[1] - time[0], spikes, step_ms=trace.resolution_ms)
    tick = tick_ms(trace.resolution_ms, time[1] - time[0])
    found = [gather(trace, band, time, stop_ms, bin_ms, tick, dense) for band in places]
    body = markup.Body()
    body.run(trace, trace.summary())
    body.table("Populations", [g.row for g in found], _table_note(found, time))
    _over_time(body, trace, places, found, bin_ms, time, dense)
    shown = distributions(places, [g.sample for g in found])
    body.panels("Distributions", shown, "No population was recorded.", legend=legend(places))
    body.heading("Weights")
    for name, panels in weights(trace):
        body.panels(name, panels, level=3)
    if not trace.projections:
        body.sentence(NO_WEIGHTS)
    body.panels("Learning", learning(trace), NO_CURVES)
    data = {"raster": _raster(places, found, tick, time), "charts": body.charts, "trace": trace.path.name}
    return markup.document(markup.title(trace), body.text(), data, _texts(found), ["page.js"])


def _over_time(
    body: markup.Body, trace: Trace, places: list[Band], found: list[Gathered], bin_ms: float,
    time: tuple[float, float], dense: bool,
) -> None:  # fmt: skip
    body.heading("Activity")
    if not places:
        body.sentence("No population was recorded.")
        return
    spikes = sum(g.spikes for g in found)
    body.raster((DENSE.format(spikes) if dense else "") if spikes else "No population fired a spike.")
    first, last = _opening(found, time)
    if (first, last) != time:
        body.sentence(f"Opened on {first:,.6g} to {last:,.6g} ms, where the spikes are: 0 or a double click shows all.")
    body.sentence(left_out(trace.populations))
    body.panels("", [rates(places, [g.counts for g in found], bin_ms, time)] if bin_ms and spikes else [])
    shown = [*states(trace, places, time)]
    event = signals(trace, time)
    body.panels("", shown + ([event] if event else []), NO_STATES if not shown else "")


def _opening(found: list[Gathered], time: tuple[float, float]) -> tuple[float, float]:
    """The window that the page opens on: everything, or where the spikes are if that is a small part."""
    extents = [g.extent for g in found if g.extent]
    if not extents:
        return time
    first, last = min(a for a, _ in extents), max(b for _, b in extents)
    room = max(0.05 * (last - first), 1e-4 * (time[1] - time[0]), 1.0)
    if last - first + 2 * room > SMALL_PART * (time[1] - time[0]):
        return time
    return max(time[0], first - room), min(time[1], last + room)


def _table_note(found: list[Gathered], time: tuple[float, float]) -> str:
    part = min((g.sample_ms for g in found), default=0.0)
    if part >= time[1] - time[0] - 1e-6:
        return ""
    return f"Active cells, intervals and CV are those of the first {part:,.0f} ms or more: the trace is long."


def _raster(places: list[Band], found: list[Gathered], tick: float, time: tuple[float, float]) -> dict[str, Any]:
    dense = [g.density for g in found]
    return {
        "opening": _opening(found, time),
        "bands": [band.as_json() for band in places],
        "packed": [g.packed and g.packed.as_json() for g in found],
        "densities": [d and {"bin_ms": d.bin_ms, "start_ms": d.start_ms, "bins": d.counts.shape[1]} for d in dense],
        "tick_ms": tick, "start_ms": time[0], "stop_ms": time[1],
    }  # fmt: skip


def _texts(found: list[Gathered]) -> dict[str, str]:
    texts = {f"spikes-{i}": g.packed.text for i, g in enumerate(found) if g.packed}
    return texts | {f"density-{i}": pack_numbers(g.density.counts) for i, g in enumerate(found) if g.density}

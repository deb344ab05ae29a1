"""Draw the spikes of a trace: every neuron over time, and the rate of each population below."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from neuromorph.analysis.table import interval
from neuromorph.report.binned import counts_in_bins, round_bin
from neuromorph.report.files import new_file, save
from neuromorph.report.style import COLOURS, INK, PALE, RULE, new_figure, plain, plain_text, say, write_title
from neuromorph.traces.stream import Spikes, SpikeStream

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neuromorph.traces.reader import Trace

#: Above this many spikes dots would cover each other: how dense they are is drawn instead.
DOTS = 60_000
#: Populations that have a rate of their own below the spikes; more are shown as one.
RATES = 12
LEAST_SHARE = 0.05  # of the height, for a population however small
RASTER_INCHES = 3.6


class Band(NamedTuple):
    """A population as it is drawn: its spikes (how many, and piece by piece), its colour, its strip (0 to 1)."""

    name: str
    size: int
    spikes: int
    chunks: Callable[[], Iterator[Spikes]]
    colour: str
    bottom: float
    top: float

    @property
    def points(self) -> float:
        """Height of the strip in points (1/72 inch)."""
        return RASTER_INCHES * 72 * (self.top - self.bottom)


def raster(
    trace: Trace,
    path: str | os.PathLike[str],
    populations: Sequence[str] | None = None,
    start_ms: float | None = None,
    stop_ms: float | None = None,
    *,
    force: bool = False,
    width: float = 9.0,
    dpi: int = 160,
) -> Path:
    """Write a figure of the spikes with start_ms <= time < stop_ms and return its path.

    Parameters
    ----------
    trace: an open trace.
    path: the figure to write; its suffix says which format (png, pdf, svg ...).
    populations: which ones, from the top down; by default all.
    start_ms, stop_ms: the interval drawn (ms); by default the whole run.
    force: overwrite an existing file.
    width: of the figure, in inches.
    dpi: dots per inch.

    Raises
    ------
    InputError where matplotlib is missing, the file exists or cannot be written, the format is unknown, or the
    interval is empty; TraceError for a population that is not in the trace.
    """
    target = new_file(Path(path), force, width, dpi)
    start, stop = interval(trace, start_ms, stop_ms)
    bands = _bands(trace, populations, start_ms, stop_ms)
    figure = new_figure(width, RASTER_INCHES + 1.8 + 0.18 * min(max(len(bands) - 4, 0), 40))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    _draw_spikes(above, bands, start, stop, int(width * dpi))
    bin_ms = round_bin(stop - start, sum(band.spikes for band in bands), trace.resolution_ms)
    _draw_rates(below, bands, start, stop, bin_ms)
    figure.align_ylabels()
    write_title(figure, trace, [f"{sum(band.spikes for band in bands):,} spikes"])
    save(figure, target, dpi)
    return target


def _bands(trace: Trace, populations: Sequence[str] | None, start: float | None, stop: float | None) -> list[Band]:
    sizes = trace.populations
    names = list(sizes) if populations is None else list(dict.fromkeys(populations))
    streams = {name: SpikeStream(trace, name, start, stop) for name in names}
    total = sum(sizes[name] for name in names) or 1
    shares = np.array([max(sizes[name] / total, LEAST_SHARE) for name in names])
    edges = 1.0 - np.concatenate([[0.0], np.cumsum(shares / (shares.sum() or 1.0))])
    return [
        Band(
            name,
            max(sizes[name], 1),
            len(streams[name]),
            streams[name].pieces,
            COLOURS[i % len(COLOURS)],
            float(edges[i + 1]),
            float(edges[i]),
        )
        for i, name in enumerate(names)
    ]


def _draw_spikes(axes: Axes, bands: list[Band], start: float, stop: float, pixels: int) -> None:
    dense = sum(band.spikes for band in bands) > DOTS
    for band in bands:
        (_draw_density if dense else _draw_dots)(axes, band, start, stop, pixels)
        axes.axhline(band.bottom, color=RULE, linewidth=0.8, zorder=3)
    if not any(band.spikes for band in bands):
        say(axes, "no spikes")
    axes.set(ylim=(0, 1), ylabel="neuron")
    axes.set_yticks(
        [(band.bottom + band.top) / 2 for band in bands], [f"{plain_text(b.name)} ({b.size:,})" for b in bands]
    )
    for label, band in zip(axes.get_yticklabels(), bands, strict=True):
        label.set(color=band.colour, fontsize=float(np.clip(0.7 * band.points, 3.0, 9.0)))
    axes.tick_params(axis="both", length=0, labelbottom=False)
    plain(axes)


def _draw_dots(axes: Axes, band: Band, start: float, stop: float, pixels: int) -> None:
    height = float(np.clip(0.8 * band.points / band.size, 1.2, 14.0))  # most of a neuron's lane
    marker, edge = ("|", 0.9) if height > 2.5 else ("o", 0.0)
    alpha = 0.9 if band.spikes < 8 * pixels else 0.6
    times, ids = (np.concatenate(parts) for parts in list(zip(*band.chunks()))[:2])
    heights = band.bottom + (ids + 0.5) / band.size * (band.top - band.bottom)  # the middle of the neuron's lane
    axes.plot(
        times, heights, linestyle="none", color=band.colour, alpha=alpha,
        marker=marker, markersize=height, markeredgewidth=edge, rasterized=True,
    )  # fmt: skip


def _draw_density(axes: Axes, band: Band, start: float, stop: float, pixels: int) -> None:
    """Spikes per pixel: from a tint where there is one to the full colour in the densest hundredth."""
    from matplotlib.colors import to_rgb

    columns = max(1, int(0.85 * pixels))
    rows = max(1, min(band.size, int(columns * 0.45 * (band.top - band.bottom))))
    counts = np.zeros(rows * columns, np.int64)
    for times, ids, *_ in band.chunks():
        x = np.minimum((times - start) * (columns / (stop - start)), columns - 1).astype(np.int64)
        counts += np.bincount(ids * rows // band.size * columns + x, minlength=rows * columns)
    full = float(np.quantile(counts[counts > 0], 0.99)) if counts.any() else 1.0
    image = np.empty((rows, columns, 4))
    image[..., :3] = to_rgb(band.colour)
    shade = np.minimum(counts / full, 1.0) ** 0.8
    image[..., 3] = np.where(counts > 0, 0.12 + 0.88 * shade, 0.0).reshape(rows, columns)
    extent = (start, stop, band.bottom, band.top)
    axes.imshow(image, extent=extent, origin="lower", aspect="auto", interpolation="antialiased")


def _draw_rates(axes: Axes, bands: list[Band], start: float, stop: float, bin_ms: float) -> None:
    counts = [counts_in_bins(band.chunks(), start, stop, bin_ms) for band in bands]
    sizes, colours = [band.size for band in bands], [band.colour for band in bands]
    if len(bands) > RATES:
        counts, sizes, colours = [np.sum(counts, axis=0)], [sum(sizes)], [INK]
    for count, size, shade in zip(counts, sizes, colours):
        if bin_ms > 0:
            rate, edges = 1000.0 * count / (size * bin_ms), start + np.arange(len(count) + 1) * bin_ms
            axes.stairs(rate, edges, color=shade, linewidth=1.1, baseline=None)
            if len(bands) <= 3:  # more would mix into mud
                axes.stairs(rate, edges, color=shade, fill=True, alpha=0.1, linewidth=0)
    axes.set(xlabel="time (ms)", ylabel="rate (Hz)" if len(bands) <= RATES else "rate of all (Hz)")
    if stop > start:
        axes.set_xlim(start, stop)
    axes.set_ylim(0, None if any(band.spikes for band in bands) else 1)
    axes.set_title(f"bins of {bin_ms:g} ms", loc="right", fontsize=8, color=PALE, pad=3)
    plain(axes, grid=True)

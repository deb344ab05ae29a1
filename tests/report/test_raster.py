"""Figures are there, show where the spikes are, say how the run ended, and overwrite nothing."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest

from neuromorph.analysis.table import interval
from neuromorph.engine.sink import RunDescription
from neuromorph.errors import InputError, TraceError
from neuromorph.report import raster as module
from neuromorph.report.raster import raster
from neuromorph.traces import Trace, TraceWriter

image = pytest.importorskip("matplotlib.image", reason="matplotlib is not installed")


def recorded(path, populations, spikes, **summary):
    """A trace of 100 ms on a grid of 0.1 ms; `spikes` maps population to (ticks, ids)."""
    writer = TraceWriter(path)
    writer.open(RunDescription(0.1, 0.1, populations))
    for name, (ticks, ids) in spikes.items():
        writer.spikes(name, np.asarray(ticks), np.zeros(len(ticks)), np.asarray(ids))
    writer.close({"status": "complete", "simulated_ms": 100.0} | summary)
    return path


@pytest.fixture
def trace(tmp_path):
    """E fires in the first half only, I in the second half only."""
    rng = np.random.default_rng(1)
    early, late = np.sort(rng.integers(0, 500, 800)), np.sort(rng.integers(500, 1000, 400))
    spikes = {"E": (early, rng.integers(0, 80, 800)), "I": (late, rng.integers(0, 20, 400))}
    with Trace(recorded(tmp_path / "a.h5", {"E": 80, "I": 20}, spikes)) as opened:
        yield opened


def ink(path) -> np.ndarray:
    """How far each pixel is from white, float[height, width]."""
    return 1.0 - image.imread(path)[..., :3].min(axis=2)


def colour_share(path, colour: str, columns: slice) -> float:
    """The share of pixels of a hue, however pale, in some columns of the upper part, where the spikes are."""
    from matplotlib.colors import to_rgb

    absorbed = 1.0 - image.imread(path)[..., :3].astype(float)  # blending over white scales this, no more
    height, width, _ = absorbed.shape
    part = absorbed[int(0.08 * height) : int(0.62 * height), int(0.15 * width) : int(0.98 * width)]
    part = part[:, int(columns.start * part.shape[1]) : int(columns.stop * part.shape[1])]
    hue = 1.0 - np.array(to_rgb(colour))
    strength = np.linalg.norm(part, axis=2)
    likeness = part @ (hue / np.linalg.norm(hue)) / np.maximum(strength, 1e-9)
    return float(((strength > 0.15) & (likeness > 0.99)).mean())


LEFT, RIGHT = slice(0.05, 0.45), slice(0.55, 0.95)


def test_figure_has_its_size_and_is_not_blank(trace, tmp_path):
    path = raster(trace, tmp_path / "a.png", width=6.0, dpi=100)
    assert path == tmp_path / "a.png"
    found = ink(path)
    assert found.shape == (540, 600)
    assert 0.01 < (found > 0.2).mean() < 0.5
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["a.h5", "a.png"]


@pytest.mark.parametrize("dots", [0, 10**6], ids=["density", "dots"])
def test_spikes_are_where_they_were(trace, tmp_path, monkeypatch, dots):
    monkeypatch.setattr(module, "DOTS", dots)
    path = raster(trace, tmp_path / "a.png", dpi=100)
    e, i = module.COLOURS[:2]
    assert colour_share(path, e, LEFT) > 0.003
    assert colour_share(path, i, RIGHT) > 0.003
    assert colour_share(path, e, RIGHT) == 0.0
    assert colour_share(path, i, LEFT) == 0.0


def test_neuron_zero_is_at_the_bottom_in_both_ways_of_drawing(tmp_path, monkeypatch):
    ticks = np.arange(0, 1000, 2)
    with Trace(recorded(tmp_path / "a.h5", {"E": 10}, {"E": (ticks, np.zeros(500, dtype=int))})) as opened:
        for dots in (0, 10**6):
            monkeypatch.setattr(module, "DOTS", dots)
            found = ink(raster(opened, tmp_path / f"{dots}.png", dpi=100))
            rows = np.flatnonzero((found[40:355, 150:850] > 0.2).mean(axis=1) > 0.1) + 40
            assert rows.min() > 300  # the raster ends at about 360 of 540


def test_populations_and_interval(trace, tmp_path):
    path = raster(trace, tmp_path / "a.png", populations=["I"], dpi=100)
    assert colour_share(path, module.COLOURS[0], RIGHT) > 0.003  # the first drawn has the first colour
    path = raster(trace, tmp_path / "b.png", start_ms=50.0, stop_ms=75.0, dpi=100)
    assert colour_share(path, module.COLOURS[1], LEFT) > 0.003
    assert colour_share(path, module.COLOURS[0], LEFT) == 0.0
    assert interval(trace, 50.0, 75.0) == (50.0, 75.0)


def words(trace, path, monkeypatch, **options) -> str:
    """All text in a figure."""
    from matplotlib.text import Text

    said = []

    def look(figure, *_):
        figure.canvas.draw()
        said.extend(text.get_text() for text in figure.findobj(Text))

    monkeypatch.setattr(module, "save", look)
    raster(trace, path, **options)
    return "\n".join(said)


def test_what_the_figure_says(trace, tmp_path, monkeypatch):
    text = words(trace, tmp_path / "a.png", monkeypatch)
    for expected in ("a.h5", "time (ms)", "rate (Hz)", "neuron", "E (80)", "I (20)", "bins of 1 ms"):
        assert expected in text.split("\n")
    assert "100 ms \u00b7 complete \u00b7 steps of 0.1 ms \u00b7 1,200 spikes" in text


def test_what_the_figure_says_of_an_early_end_and_of_nothing(tmp_path, monkeypatch):
    path = recorded(tmp_path / "b.h5", {"E": 3}, {}, status="interrupted", simulated_ms=43.0)
    with Trace(path) as opened:
        text = words(opened, tmp_path / "a.png", monkeypatch)
    assert "interrupted at 43 ms \u00b7 steps of 0.1 ms \u00b7 0 spikes" in text
    assert "no spikes" in text


def test_many_populations_share_one_rate(tmp_path, monkeypatch):
    names = {f"p{i}": 1 for i in range(module.RATES + 1)}
    with Trace(recorded(tmp_path / "a.h5", names, {"p3": ([10, 20], [0, 0])})) as opened:
        assert "rate of all (Hz)" in words(opened, tmp_path / "a.png", monkeypatch)


def test_nothing_simulated_is_drawn_all_the_same(tmp_path):
    with Trace(recorded(tmp_path / "a.h5", {"E": 3}, {}, simulated_ms=0.0)) as opened:
        assert (ink(raster(opened, tmp_path / "a.png", dpi=50)) > 0.2).any()


@pytest.mark.parametrize(
    ("duration", "spikes", "bin_ms"), [(1000, 0, 20), (1000, 10**6, 2), (5000, 10**7, 10), (60, 0, 1)]
)
def test_bins_are_round_and_neither_too_many_nor_too_few(duration, spikes, bin_ms):
    assert module.round_bin(duration, spikes) == pytest.approx(bin_ms)


@pytest.mark.parametrize(
    ("duration", "tick", "bin_ms"), [(60, None, 1), (20, 0.1, 0.5), (2, 0.1, 0.1), (60, 0.3, 1.2), (0.05, 0.1, 0.05)]
)
def test_bins_are_whole_ticks(duration, tick, bin_ms):
    assert module.round_bin(duration, 0, tick) == pytest.approx(bin_ms)


def test_pieces_change_nothing(trace, tmp_path, monkeypatch):
    """Spikes are drawn piece by piece, so that memory does not go with their number."""
    from neuromorph.traces import stream

    for dots in (0, 10**6):
        monkeypatch.setattr(module, "DOTS", dots)
        whole = raster(trace, tmp_path / "a.png", dpi=80, force=True).read_bytes()
        read, sizes = stream.read, []

        def measured(data, part, read=read, sizes=sizes):
            sizes.append(part.stop - part.start)
            return read(data, part)

        with monkeypatch.context() as patch:
            patch.setattr(stream, "SPIKES", 7)
            patch.setattr(stream, "read", measured)
            assert raster(trace, tmp_path / "b.png", dpi=80, force=True).read_bytes() == whole
        assert max(sizes) == 7


def test_ten_million_spikes_take_seconds(tmp_path):
    rng = np.random.default_rng(2)
    ticks, ids = np.sort(rng.integers(0, 1000, 10**7)), rng.integers(0, 10**5, 10**7)
    with Trace(recorded(tmp_path / "a.h5", {"E": 10**5}, {"E": (ticks, ids)})) as opened:
        started = time.perf_counter()
        raster(opened, tmp_path / "a.png")
        assert time.perf_counter() - started < 30  # 1 to 2 s on a quiet machine


def test_other_formats(trace, tmp_path):
    assert raster(trace, tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_existing_figure_is_kept(trace, tmp_path):
    path = tmp_path / "a.png"
    path.write_text("mine")
    with pytest.raises(InputError) as caught:
        raster(trace, path)
    fix = "Choose another name, or overwrite it with force=True (--force)."
    assert str(caught.value) == f"{path}: the file exists already. {fix}"
    assert path.read_text() == "mine"
    raster(trace, path, force=True)
    assert (ink(path) > 0.2).any()


@pytest.mark.parametrize(("name", "found"), [("a.xyz", "'.xyz'"), ("a", "''")])
def test_unknown_format(trace, tmp_path, name, found):
    with pytest.raises(InputError, match=rf"unknown format of a figure, found {found} \(allowed: .*png.*svg"):
        raster(trace, tmp_path / name)


def test_folder_that_is_none(trace, tmp_path):
    with pytest.raises(InputError, match=r"b/a.png: .*b is no folder. Choose a folder that exists."):
        raster(trace, tmp_path / "b" / "a.png")


def test_figure_that_cannot_be_written_leaves_nothing(trace, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(
        InputError, match=r"a.png: cannot be written: No space left on device. Make room, or choose a folder that you"
    ):
        raster(trace, tmp_path / "a.png")
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_without_matplotlib(trace, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(InputError, match=r"drawing needs the package matplotlib. pip install 'neuromorph\[plot\]'"):
        raster(trace, tmp_path / "a.png")


def test_unknown_population(trace, tmp_path):
    with pytest.raises(TraceError, match=r"no population 'X' in this trace. Known: E, I."):
        raster(trace, tmp_path / "a.png", populations=["X"])
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_empty_interval(trace, tmp_path):
    with pytest.raises(InputError, match=r"the interval is empty, found 200.0 \(allowed: below 100 ms, the end"):
        raster(trace, tmp_path / "a.png", start_ms=200.0)

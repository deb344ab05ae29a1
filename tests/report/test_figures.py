"""Figures show what the trace holds, or say what is missing."""

from __future__ import annotations

import re

import numpy as np
import pytest

from neuromorph import limits
from neuromorph.engine.sink import RunDescription, StateChannel, WeightChannel
from neuromorph.errors import InputError, TraceError
from neuromorph.report import files, learning, membrane, network, rates, weights
from neuromorph.traces import Trace, TraceWriter
from report.drawn_figures import CELLS, DRAW, NETWORK, drawn, words, write

pytest.importorskip("matplotlib", reason="matplotlib is not installed")


@pytest.fixture
def trace(tmp_path):
    with Trace(write(tmp_path / "a.h5")) as opened:
        yield opened


@pytest.fixture
def bare(tmp_path):
    """A trace of one silent cell and nothing else."""
    writer = TraceWriter(tmp_path / "bare.h5")
    writer.open(RunDescription(0.1, 0.1, {"E": 1}))
    writer.close({"status": "complete", "simulated_ms": 10.0})
    with Trace(tmp_path / "bare.h5") as opened:
        yield opened


@pytest.mark.parametrize("name", DRAW)
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_every_figure_in_every_format(trace, tmp_path, name, suffix):
    draw = getattr(DRAW[name], name)
    path = draw(trace, tmp_path / f"f.{suffix}", width=4.0, dpi=80)
    content = path.read_bytes()
    assert content.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix])
    if suffix == "svg":
        assert b">a.h5</text>" in content  # text is text
        assert re.search(rb'width="288pt"', content)
    if suffix == "pdf":
        assert b"/Subtype /TrueType" in content or b"/Type0" in content
    assert draw(trace, tmp_path / f"g.{suffix}", width=4.0, dpi=80).read_bytes() == content  # the same every time
    with pytest.raises(InputError, match="the file exists already"):
        draw(trace, path)


@pytest.mark.parametrize("name", DRAW)
def test_an_early_end_is_said_in_red(tmp_path, monkeypatch, name):
    with Trace(write(tmp_path / "b.h5", status="failed", simulated_ms=100.0)) as opened:
        figure = drawn(name, opened, monkeypatch)
    (said,) = [text for text in figure.texts if text.get_text().startswith("failed at 100 ms")]
    assert said.get_color() == "#C00000"


def test_facts_go_below_the_name_where_a_figure_is_narrow(trace, monkeypatch):
    wide, narrow = (drawn("rates", trace, monkeypatch, width=width).texts for width in (9.0, 3.0))
    assert wide[1].get_position()[0] == 0.99
    assert narrow[1].get_position()[0] == 0.01
    assert narrow[1].get_position()[1] < narrow[0].get_position()[1] - 0.05


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width": 0.5}, r"width: width of a figure out of range, found 0.5 \(allowed: 1 to 40 inches\)"),
        ({"width": float("nan")}, "width of a figure out of range, found nan"),
        ({"dpi": 9000}, r"dpi: dots per inch out of range, found 9000 \(allowed: 10 to 1200\)"),
    ],
)
def test_sizes_that_no_figure_has(trace, tmp_path, options, words):
    with pytest.raises(InputError, match=words):
        rates.rates(trace, tmp_path / "f.png", **options)


def test_a_figure_larger_than_memory(trace, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "available", lambda: 10**6)
    with pytest.raises(InputError, match="f.png: a figure of this size takes 4.3 MB. 1 MB are available. Draw it sm"):
        rates.rates(trace, tmp_path / "f.png")
    assert not list(tmp_path.glob("*f*.png"))
    assert files.WIDTHS[0] == 1.0


# -- rates ---------------------------------------------------------------------------------------------------------


def test_rates_are_those_of_the_spikes(trace, monkeypatch):
    axes = drawn("rates", trace, monkeypatch, bin_ms=10.0).axes[0]
    e, i = [patch.get_data() for patch in axes.patches]
    times = trace.spikes("E")[0]
    np.testing.assert_allclose(e.values, np.histogram(times + 1e-9, np.arange(0, 101, 10))[0] * 1000 / (20 * 10))
    assert e.values[:5].min() > 0 == e.values[5:].max() == i.values.max()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (ms)", "rate (Hz)")
    said = words(axes.figure)
    assert "100 ms \u00b7 complete \u00b7 steps of 0.1 ms \u00b7 245 spikes \u00b7 bins of 10 ms" in said
    assert {"E", "I"} < set(said)


def test_rates_of_a_population_in_an_interval(trace, monkeypatch):
    figure = drawn("rates", trace, monkeypatch, populations=["E"], start_ms=20.0, stop_ms=60.0, bin_ms=20.0)
    assert figure.axes[0].get_xlim() == (20.0, 60.0)
    assert figure.axes[0].patches[0].get_data().values.tolist() == [250.0, 125.0]
    assert figure.axes[0].get_ylabel() == "rate of E (Hz)"


def test_many_populations_are_rows_of_a_map(tmp_path, monkeypatch):
    names = [f"p{k:02}" for k in range(rates.LINES + 1)]
    writer = TraceWriter(tmp_path / "m.h5")
    writer.open(RunDescription(0.1, 0.1, dict.fromkeys(names, 2)))
    writer.spikes("p03", np.array([155, 156]), np.zeros(2), np.array([0, 1]))
    writer.close({"status": "complete", "simulated_ms": 100.0})
    with Trace(tmp_path / "m.h5") as opened:
        figure = drawn("rates", opened, monkeypatch, bin_ms=10.0)
    image = figure.axes[0].images[0].get_array()
    assert image.shape == (9, 10)
    assert np.argwhere(np.asarray(image)).tolist() == [[3, 1]]
    assert image[3, 1] == 100.0
    assert "rate (Hz)" in words(figure)


def test_spikes_after_the_last_whole_bin_are_told(trace, monkeypatch):
    said = words(drawn("rates", trace, monkeypatch, bin_ms=40.0, stop_ms=50.0))
    assert any("50 of them after the last whole bin" in text for text in said)
    said = words(drawn("rates", trace, monkeypatch, populations=["I"]))
    assert "no spikes" in said
    said = words(drawn("rates", trace, monkeypatch, bin_ms=1.0, stop_ms=1.5))
    assert "no spike in a whole bin: draw a shorter interval" in said
    assert any("3 spikes \u00b7 3 of them after the last whole bin" in text for text in said)


def test_bins_that_cannot_be_drawn(trace, tmp_path):
    for bin_ms in (0.0, 200.0, float("nan"), 1e-4):
        with pytest.raises(
            InputError, match=r"a bin of this length cannot be drawn, found .* \(allowed: 0.001 to 100 ms"
        ):
            rates.rates(trace, tmp_path / "f.png", bin_ms=bin_ms)
    with pytest.raises(TraceError, match="no population 'F' in this trace. Known: E, I."):
        rates.rates(trace, tmp_path / "f.png", populations=["F"])
    with pytest.raises(InputError, match="the interval is empty, found 200"):
        rates.rates(trace, tmp_path / "f.png", start_ms=200.0)


# -- membrane ------------------------------------------------------------------------------------------------------


def test_membranes_with_spikes_and_threshold(trace, monkeypatch):
    figure = drawn("membrane", trace, monkeypatch)
    assert len(figure.axes) == 3
    times, ids = trace.spikes("E")
    for axes, cell, values in zip(figure.axes, CELLS, trace.state("E", "V_m").values.T):
        line, level = axes.lines
        np.testing.assert_array_equal(line.get_ydata(), values)
        assert list(level.get_ydata()) == [-50.0, -50.0]
        marks = [segment[0][0] for segment in axes.collections[0].get_segments()]
        np.testing.assert_array_equal(marks, times[ids == cell])
        assert axes.get_ylabel() == "V_m (mV)"
        assert f"E/{cell}" in [text.get_text() for text in axes.texts]
    assert figure.axes[-1].get_xlabel() == "time (ms)"


def test_other_variables_and_cells(trace, monkeypatch):
    figure = drawn("membrane", trace, monkeypatch, variables=["I_ex"], cells=[7], start_ms=10.0, stop_ms=20.0)
    (axes,) = figure.axes
    assert axes.get_ylabel() == "I_ex (pA)"
    assert len(axes.lines) == 1  # no threshold of a current
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), np.arange(10.0, 20.0))
    assert axes.get_xlim() == (10.0, 20.0)
    figure = drawn("membrane", trace, monkeypatch, variables=["V_m", "I_ex"], cells=[7, 2])
    assert [axes.get_ylabel() for axes in figure.axes] == ["V_m (mV)"] * 2 + ["I_ex (pA)"] * 2
    shades = [axes.lines[0].get_color() for axes in figure.axes]
    assert shades[:2] == shades[2:]  # a cell keeps its colour
    assert shades[0] != shades[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"populations": ["I"]}, "no state of population 'I' was recorded. Known: E."),
        ({"variables": ["Vm"]}, "no state of variable 'Vm' was recorded. Did you mean 'V_m'?"),
        ({"cells": [1]}, r"V_m of this cell of E was not recorded, found 1 \(allowed: 0, 2, 7\)"),
        ({"start_ms": 10.2, "stop_ms": 10.8}, "E.V_m was not read in this interval. Choose a longer interval."),
        ({"start_ms": 500.0}, "the interval is empty, found 500"),
    ],
)
def test_membranes_that_were_not_recorded(trace, tmp_path, options, words):
    with pytest.raises(InputError, match=words.replace("?", r"\?")):
        membrane.membrane(trace, tmp_path / "f.png", **options)
    assert not (tmp_path / "f.png").exists()


def test_variables_of_other_populations(tmp_path):
    run = RunDescription(0.1, 0.1, {"A": 1, "B": 50}, states=[
        StateChannel("A", "V_m", "mV", np.array([0]), 1.0), StateChannel("B", "w", "pA", np.arange(50), 1.0),
    ])  # fmt: skip
    writer = TraceWriter(tmp_path / "b.h5")
    writer.open(run)
    for channel, count in ((0, 1), (1, 50)):
        writer.state(channel, 0.0, np.zeros(count))
    writer.close({"status": "complete", "simulated_ms": 10.0})
    with Trace(tmp_path / "b.h5") as opened:
        fix = r"none of these variables was recorded of these populations. Recorded were A.V_m, B.w"
        with pytest.raises(TraceError, match=fix):
            membrane.membrane(opened, tmp_path / "f.png", ["A"], variables=["w"])
        with pytest.raises(
            InputError, match=r"too many rows for a figure, found 41 \(allowed: at most 40\). Name cells"
        ):
            membrane.membrane(opened, tmp_path / "f.png", ["B"], cells=range(41))
        assert membrane.membrane(opened, tmp_path / "f.png").exists()


def test_thresholds_that_a_description_gives():
    assert membrane.threshold(NETWORK, "E") == -50.0
    assert membrane.threshold(NETWORK, "I") == 0.0
    for params in ({}, {"V_th": [1.0, 2.0]}, {"V_th": "20 pigs"}, {"V_th": {"distribution": "normal"}}):
        assert np.isnan(membrane.threshold({"populations": {"E": {"params": params}}}, "E"))


def test_thin_lines_keep_their_extremes():
    times, values = np.arange(100_003.0), np.zeros(100_003)
    values[[17, 54_321, 100_001]] = 1.0, -2.0, 3.0
    x, y = membrane.thinned(times, values, 1000)
    assert len(x) <= 1001
    assert (np.diff(x) >= 0).all()
    assert {(17.0, 1.0), (54_321.0, -2.0), (100_001.0, 3.0)} <= set(zip(x, y))
    assert membrane.thinned(times, values, 200_000)[0] is times


# -- weights -------------------------------------------------------------------------------------------------------


def test_weights_before_and_after_and_over_time(trace, monkeypatch):
    figure = drawn("weights", trace, monkeypatch)
    left, right = figure.axes
    counts = [patch.get_data() for patch in left.patches]
    values = trace.weights("E_E").values
    for data, reading in zip(counts, (values[0], values[-1]), strict=True):
        np.testing.assert_array_equal(data.values, np.histogram(reading.astype(float), data.edges)[0])
        assert data.values.sum() == 20
    assert (left.get_xlabel(), left.get_ylabel()) == ("weight (pA)", "synapses")
    assert len(right.lines) == 21
    np.testing.assert_array_equal(right.lines[5].get_ydata(), values[:, 5])
    np.testing.assert_allclose(right.lines[-1].get_ydata(), values.mean(axis=1))
    assert {"at 0 ms", "at 100 ms", "E_E", "all synapses; mean of all in orange"} <= set(words(figure))


def test_a_matrix_where_there_are_two_readings(tmp_path, monkeypatch):
    with Trace(write(tmp_path / "b.h5", weight_times=(0.0, 100.0))) as opened:
        figure = drawn("weights", opened, monkeypatch)
        image = np.asarray(figure.axes[1].images[0].get_array())
        found = opened.weights("E_E")
        np.testing.assert_array_equal(image[found.target, found.source], found.values[-1])
        assert image.shape == (5, 4)
        figure = drawn("weights", opened, monkeypatch, kinds=["trajectories"], stop_ms=50.0)
        assert figure.axes[0].lines[0].get_xdata().tolist() == [0.0]


def test_weights_that_are_no_numbers_are_told(tmp_path, monkeypatch):
    writer = TraceWriter(tmp_path / "b.h5")
    channel = WeightChannel("E_E", "E", "E", "1", np.array([0, 1]), np.array([1, 0]), 1.0)
    empty = WeightChannel("none", "E", "E", "1", np.zeros(0, int), np.zeros(0, int), 1.0)
    writer.open(RunDescription(0.1, 0.1, {"E": 2}, weights=[channel, empty]))
    writer.weight(0, 0.0, np.array([np.nan, 0.5], np.float32))
    writer.weight(1, 0.0, np.zeros(0, np.float32))
    writer.close({"status": "complete", "simulated_ms": 10.0})
    with Trace(tmp_path / "b.h5") as opened:
        figure = drawn("weights", opened, monkeypatch, projections=["E_E"], kinds=["distribution", "trajectories"])
        assert "1 not finite" in words(figure)
        assert figure.axes[0].get_xlabel() == "weight"
        assert figure.axes[1].lines[-1].get_ydata().tolist() == [0.5]
        with pytest.raises(InputError, match="the projection none has no synapses. Name other projections"):
            weights.weights(opened, tmp_path / "f.png", ["none"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"projections": ["E_I"]}, "no recorded projection 'E_I' in this trace. Did you mean 'E_E'?"),
        ({"start_ms": 60.0, "stop_ms": 70.0}, "weights of E_E were not read in this interval. Choose an interval with"),
        ({"kinds": ["matrx"]}, "kinds: unknown kind of figure 'matrx'. Did you mean 'matrix'?"),
    ],
)
def test_weights_that_cannot_be_drawn(trace, tmp_path, options, words):
    with pytest.raises(InputError, match=words.replace("?", r"\?")):
        weights.weights(trace, tmp_path / "f.png", **options)


def test_too_much_for_a_figure(trace, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "LARGEST", 4)
    words = r"the matrix of E_E is too large to be drawn, found '5 x 4' \(allowed: at most 4 sources and targets\)"
    with pytest.raises(InputError, match=words):
        weights.weights(trace, tmp_path / "f.png", kinds=["matrix"])
    monkeypatch.setattr(weights, "MOST", 0)
    with pytest.raises(
        InputError, match=r"too many projections for a figure, found 1 \(allowed: at most 0\). Name some"
    ):
        weights.weights(trace, tmp_path / "f.png")
    monkeypatch.setattr(learning, "MOST", 2)
    with pytest.raises(InputError, match=r"too many curves for a figure, found 3 \(allowed: at most 2\). Name some"):
        learning.learning(trace, tmp_path / "f.png")
    monkeypatch.setattr(network, "MOST", 2)
    with pytest.raises(TraceError, match="too many populations for a figure of the network, found 3"):
        network.network(trace, tmp_path / "f.png")


# -- learning curves -----------------------------------------------------------------------------------------------


def test_learning_curves(trace, monkeypatch):
    figure = drawn("learning", trace, monkeypatch)
    panels = {axes.get_ylabel(): axes for axes in figure.axes}
    assert set(panels) == {"alignment", "rates (Hz)", "test errors"}
    assert panels["test errors"].lines[0].get_ydata().tolist() == [10.0, 9.0, 8.0, 7.0, 6.0]
    assert panels["test errors"].lines[0].get_xdata().tolist() == [1, 2, 3, 4, 5]
    assert len(panels["rates (Hz)"].lines) == 2
    (axes,) = drawn("learning", trace, monkeypatch, curves=["rates"]).axes
    assert axes.get_xlabel() == "entry"
    with pytest.raises(TraceError, match="no learning curve 'rate' in this trace. Did you mean 'rates'?"):
        learning.learning(trace, trace.path.with_name("f.png"), ["rate"])


def test_curves_of_many_columns_are_maps_and_what_is_no_number_is_told(tmp_path, monkeypatch):
    writer = TraceWriter(tmp_path / "b.h5")
    writer.open(RunDescription(0.1, 0.1, {"_E": 1, "$x$": 1}))
    for entry in range(3):
        writer.learning("wide", [[entry + column for column in range(20)]], "Hz")
        writer.learning("lost", float("nan"), "1")
    writer.close({"status": "complete", "simulated_ms": 1.0})
    with Trace(tmp_path / "b.h5") as opened:
        figure = drawn("learning", opened, monkeypatch)
        np.testing.assert_array_equal(np.asarray(figure.axes[1].images[0].get_array()), opened.learning["wide"].T)
        assert {"wide (Hz)", "column", "no finite numbers"} <= set(words(figure))
        assert {"_E", r"\$x\$"} <= set(words(drawn("rates", opened, monkeypatch)))  # names are no formulas


def test_states_that_are_no_numbers_are_told(tmp_path, monkeypatch):
    writer = TraceWriter(tmp_path / "b.h5")
    channel = StateChannel("E", "V_m", "mV", np.array([0, 1]), 1.0)
    writer.open(RunDescription(0.1, 0.1, {"E": 2}, states=[channel]))
    for time, value in enumerate((1.0, float("nan"), float("inf"))):
        writer.state(0, float(time), np.array([value, float("nan")]))
    writer.close({"status": "complete", "simulated_ms": 3.0})
    with Trace(tmp_path / "b.h5") as opened:
        assert {"2 of 3 not finite", "3 of 3 not finite"} <= set(words(drawn("membrane", opened, monkeypatch)))


def test_curves_of_several_projections_share_a_panel():
    names = ["alignment_b_a", "alignment_c_b", "errors", "errors_by_passes"]
    assert learning._groups(names, ["b_a", "c_b", "a_b"]) == {
        "alignment": {"b_a": "alignment_b_a", "c_b": "alignment_c_b"},
        "errors": {"errors": "errors"},
        "errors_by_passes": {"errors_by_passes": "errors_by_passes"},
    }
    many = [f"p{k}" for k in range(11)]
    assert list(learning._groups([f"alignment_{p}" for p in many], many)) == [f"alignment_{p}" for p in many]


# -- the network ---------------------------------------------------------------------------------------------------


def test_the_network_is_drawn(trace, monkeypatch):
    figure = drawn("network", trace, monkeypatch)
    axes = figure.axes[0]
    assert {"noise", "E", "I", "20", "5"} <= set(words(figure))
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    assert legend == {"excitatory", "inhibitory", "plastic", "cells", "input"}
    dashes = [patch.get_linestyle() for patch in axes.patches]
    assert len(dashes) == 4
    assert sum(style not in ("-", "solid") for style in dashes) == 1
    sizes = {line.get_markersize() for line in axes.lines}
    assert len(sizes) == 2  # of 20 and of 5


# -- nothing to draw -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "membrane",
            'bare.h5: no states were recorded. Run it again with [[record]] population = "E", variable = "V_m"',
        ),
        ("weights", 'bare.h5: no weights were recorded. Run it again with [[record]] projection = "E_E"'),
        ("learning", "bare.h5: no learning curves were recorded. `neuromorph learn` writes them"),
        ("network", "bare.h5: the trace describes no network. Only traces that neuromorph wrote do."),
    ],
)
def test_what_was_not_recorded_is_told(bare, tmp_path, name, words):
    with pytest.raises(TraceError) as caught:
        getattr(DRAW[name], name)(bare, tmp_path / "f.png")
    assert words in str(caught.value)
    assert not (tmp_path / "f.png").exists()


def test_one_silent_cell(bare, monkeypatch):
    assert "no spikes" in words(drawn("rates", bare, monkeypatch))


def test_nothing_simulated(tmp_path, monkeypatch):
    with Trace(write(tmp_path / "b.h5", simulated_ms=0.0)) as opened:
        for name in DRAW:
            if name != "membrane":
                assert words(drawn(name, opened, monkeypatch))

"""A small trace, and the figures that commands would have written of it."""

from __future__ import annotations

import numpy as np

from neuromorph.engine.sink import RunDescription, StateChannel, WeightChannel
from neuromorph.report import learning, membrane, network, rates, weights
from neuromorph.traces import TraceWriter

DRAW = {module.__name__.rpartition(".")[2]: module for module in (rates, membrane, weights, learning, network)}
NETWORK = {
    "network": {"name": "tiny"},
    "populations": {
        "E": {"model": "lif_exp", "size": 20, "params": {"V_th": "-50 mV"}},
        "I": {"model": "adex", "size": 5, "params": {"V_peak": 0.0}},
    },
    "inputs": {"noise": {"model": "poisson", "size": 20}},
    "projections": [
        {"source": "noise", "target": "E", "weight": 1.0},
        {"source": "E", "target": "E", "weight": 0.5, "plasticity": {"rule": "pair_stdp"}},
        {"source": "E", "target": "I", "weight": "2 pA"},
        {"source": "I", "target": "E", "weight": {"distribution": "normal", "mean": -4.0, "std": 0.5}},
    ],
}
CELLS = np.array([0, 2, 7])


def write(path, network=NETWORK, weight_times=(0.0, 50.0, 100.0), **summary):
    """E fires in the first 50 ms of 100, I not at all; three cells of E, four sources times five targets of weights."""
    source, target = np.repeat(np.arange(4), 5), np.tile(np.arange(5), 4)
    run = RunDescription(
        0.1, 0.1, {"E": 20, "I": 5},
        states=[StateChannel("E", "V_m", "mV", CELLS, 1.0), StateChannel("E", "I_ex", "pA", CELLS, 1.0)],
        weights=[WeightChannel("E_E", "E", "E", "pA", source, target, 50.0)], network=network,
    )  # fmt: skip
    writer = TraceWriter(path)
    writer.open(run)
    ticks = np.arange(10, 500, 2)
    writer.spikes("E", ticks, np.zeros(len(ticks)), np.arange(len(ticks)) % 20)
    for k in range(101):
        writer.state(0, float(k), np.array([-65.0, -60.0, -55.0]) + np.sin(k))
        writer.state(1, float(k), np.array([1.0, 2.0, 3.0]))
    for time in weight_times:
        writer.weight(0, time, np.arange(20, dtype=np.float32) * (1 + time / 100))
    for entry in range(5):
        writer.learning("test_errors", 10.0 - entry, "1")
        writer.learning("alignment_E_E", 0.1 * entry, "1")
        writer.learning("rates", [[1.0 * entry, 2.0]], "Hz")
    writer.close({"status": "complete", "simulated_ms": 100.0} | summary)
    return path


def drawn(name, trace, monkeypatch, **options):
    """The figure that a command would have written."""
    found = []
    with monkeypatch.context() as patch:
        patch.setattr(DRAW[name], "save", lambda figure, *_: (figure.canvas.draw(), found.append(figure)))
        getattr(DRAW[name], name)(trace, trace.path.with_name("f.png"), **options)
    return found[0]


def words(figure) -> list[str]:
    """All text in a figure that is seen."""
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_visible() and text.get_text()]

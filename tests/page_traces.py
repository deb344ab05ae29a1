"""Traces that pages and views are tested with, with something of everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neuromorph.engine.sink import RunDescription, StateChannel, WeightChannel
from neuromorph.traces import TraceWriter

NETWORK = {
    "network": {"name": "tiny", "description": "Two populations and noise"},
    "inputs": {"noise": {"model": "poisson", "size": 80, "params": {"rate": "20 Hz"}}},
    "populations": {"E": {"model": "lif_exp", "size": 80}, "I": {"model": "lif_exp", "size": 20}},
    "projections": [
        {"source": "noise", "target": "E", "weight": "20 pA", "delay": "1 ms", "rule": "one_to_one"},
        {"source": "E", "target": "E", "name": "E_E", "weight": 5.0, "plasticity": {"rule": "pair_stdp"}},
        {"source": "E", "target": "I", "weight": {"distribution": "uniform", "low": 1.0, "high": 2.0}},
        {"source": "I", "target": "E", "weight": -10.0},
    ],
}


def description(**changes: Any) -> RunDescription:
    """A run on a grid of 0.1 ms."""
    values: dict[str, Any] = {
        "resolution_ms": 0.1,
        "window_ms": 0.1,
        "populations": {"E": 80, "I": 20},
        "states": [StateChannel("E", "V_m", "mV", np.array([0, 3]), 0.5)],
        "weights": [WeightChannel("E_E", "E", "E", "pA", np.repeat(np.arange(8), 8), np.tile(np.arange(8), 8), 20.0)],
        "signals": ["reward"],
        "network": NETWORK,
        "provenance": {"seed": 7, "command": "neuromorph run tiny.toml", "python": "3.11"},
    }
    return RunDescription(**(values | changes))


def fill(writer: TraceWriter, seed: int = 1) -> None:
    """100 ms: E fires in the first half only, I in the second half only."""
    rng = np.random.default_rng(seed)
    for name, low, high, n, size in (("E", 0, 500, 800, 80), ("I", 500, 1000, 400, 20)):
        ticks = np.sort(rng.integers(low, high, n))
        writer.spikes(name, ticks, np.zeros(n), rng.integers(0, size, n))
    for k in range(200):
        writer.state(0, k * 0.5, np.array([-60.0 + 5 * np.sin(k / 9), -65.0 + k / 40]))
    for k in range(5):
        writer.weight(0, 20.0 * k, rng.normal(5.0, 0.1 + 0.5 * k, 64).astype(np.float32))
    for k in range(4):
        writer.signal("reward", 20.0 * k + 5, float(k % 2))
        writer.learning("test_errors", float(90 - 10 * k))
        writer.learning("alignment_h2_h1", 0.2 * k)


def recorded(path: Path, summary: dict[str, Any] | None = None, filled: bool = True, **changes: Any) -> Path:
    """A finished trace."""
    writer = TraceWriter(path)
    writer.open(description(**changes))
    if filled:
        fill(writer)
    writer.close({"status": "complete", "simulated_ms": 100.0} | (summary or {}))
    return path


HOSTILE = "</script><img src=x onerror=alert(1)>"


def hostile(path: Path) -> Path:
    """A trace whose every name is HTML with a script, or a formula."""
    formula = "$$\\frac{1}{2}$$"
    network = {
        "network": {"name": HOSTILE, "description": f"{formula} {HOSTILE}"},
        "populations": {HOSTILE: {"model": HOSTILE, "size": 3}},
        "projections": [{"source": HOSTILE, "target": HOSTILE, "weight": HOSTILE, "rule": HOSTILE}],
    }
    run = description(
        populations={HOSTILE: 3, formula: 2},
        states=[StateChannel(HOSTILE, f"V{HOSTILE}", formula, np.arange(2), 1.0)],
        weights=[], signals=[HOSTILE], network=network,
        provenance={"seed": HOSTILE, "command": HOSTILE, "python": HOSTILE, HOSTILE: HOSTILE},
    )  # fmt: skip
    writer = TraceWriter(path)
    writer.open(run)
    for name, size in run.populations.items():
        writer.spikes(name, np.arange(9), np.zeros(9), np.arange(9) % size)
    writer.state(0, 0.0, np.array([0.0, 1.0]))
    writer.state(0, 1.0, np.array([1.0, np.nan]))
    writer.signal(HOSTILE, 0.5, 1.0)
    writer.learning(HOSTILE, [1.0, 2.0], HOSTILE)
    writer.close({"status": "complete", "simulated_ms": 2.0})
    return path

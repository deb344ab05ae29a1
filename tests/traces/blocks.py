"""A run that records something of everything: block k is a function of k alone."""

from __future__ import annotations

import numpy as np

from neuromorph.engine.sink import RunDescription, StateChannel, WeightChannel


def description(exact):
    return RunDescription(
        None if exact else 0.1,
        0.1,
        {"E": 50, "I/2": 7, "quiet": 2},
        states=[StateChannel("E", "V_m", "mV", np.arange(3), 1.0), StateChannel("E", "V_m", "mV", np.arange(1), 1.0)],
        weights=[WeightChannel("E_E", "E", "E", "mV", np.array([0, 1]), np.array([2, 3]), 1.0)],
        signals=["reward"],
        network={"network": {"name": "tiny"}},
        provenance={"seed": 1, "command": "run"},
    )


def record(writer, k, exact):
    rng = np.random.default_rng(k)
    for name, most in (("E", 3000), ("I/2", 20)):
        base = np.sort(rng.integers(100 * k, 100 * (k + 1), rng.integers(0, most)))
        offset = np.sort(rng.uniform(0.0, 0.1, len(base))) if exact else np.zeros(len(base))
        order = np.lexsort((offset, base))
        writer.spikes(name, base[order], offset[order], rng.integers(0, 7, len(base)))
    writer.state(0, 10.0 * k, rng.normal(size=3))
    if k % 2:
        writer.state(1, 10.0 * k, rng.normal(size=1))
        writer.weight(0, 10.0 * k, rng.normal(size=2).astype(np.float32))
        writer.signal("reward", 10.0 * k + 0.3, float(rng.normal()))
        writer.rewired("E_E", 10.0 * k, np.array([1, 5]), np.array([3, 4]))
    writer.learning("error", rng.normal(size=k % 3), "1")

"""Causes of spikes of random networks, each arrival left out in the oracle: the same margins and ranking.

A few spikes; 1,000 with NEUROMORPH_LONG=1 (docs/why.md).
"""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import pytest

import oracle
import random_networks as series
from comparison import for_oracle, record_everything
from neuromorph import Simulation
from neuromorph.why.recording import Recording
from neuromorph.why.spike import LATE, SpikeCause, why_spike

EACH = 500 if os.environ.get("NEUROMORPH_LONG") else 10  # spikes, of each resolution
A_NETWORK = 5  # spikes of one network, at most
DURATION = 60.0  # ms
NEVER = 1e9  # mV


def static_network(number: int, how: Any) -> Any:
    """A network of the series whose cells have a threshold, without plasticity."""
    network = series.network(number, how)
    for _, _, data in network.projections:
        data.pop("plasticity", None)
    network.graph.graph.pop("record", None)
    network.graph.graph.pop("signals", None)
    return network


class Alone:
    """One cell of a network as the oracle sees it: every synapse is an input of its own."""

    def __init__(self, described: dict[str, Any], spikes: list[Any], population: str, index: int) -> None:
        p = described["populations"][population]
        self.population = population
        self.described = {
            "resolution": described["resolution"], "seed": described["seed"], "signals": {}, "probes": [],
            "populations": {population: {
                "model": p["model"], "size": 1,
                "params": {k: v[index] for k, v in p["params"].items()},
                "initial": {k: v[index] for k, v in p["initial"].items()},
            }},
            "currents": [(t, q, 0, x) for t, q, i, x in described["currents"] if (q, i) == (population, index)],
        }  # fmt: skip
        self.synapses: list[dict[str, Any]] = []
        for name, projection in described["projections"].items():
            columns = zip(*(projection[k] for k in ("sources", "targets", "weights", "delays")))
            for source, target, weight, delay in columns:
                if (projection["target"], target) != (population, index):
                    continue
                if projection["source"] in described["inputs"]:
                    mine = [(t, n) for t, i, n in described["inputs"][projection["source"]]["spikes"] if i == source]
                else:
                    mine = [(t, n) for t, q, i, n in spikes if (q, i) == (projection["source"], source)]
                self.synapses.append({
                    "projection": name, "source": source, "weight": weight, "delay": delay,
                    "receptor": projection["receptor"], "spikes": mine,
                })  # fmt: skip

    def run(self, duration: float, without: tuple[int, int] | None = None, probe: Any = None, **params: float) -> Any:
        """The oracle's run without spike number `without[1]` of synapse `without[0]`."""
        cell = dict(self.described["populations"][self.population])
        cell["params"] = cell["params"] | params
        inputs, projections = {}, {}
        for k, synapse in enumerate(self.synapses):
            kept = [s for j, s in enumerate(synapse["spikes"]) if (k, j) != without]
            inputs[f"s{k}"] = {"size": 1, "spikes": [(t, 0, n) for t, n in kept], "registers": {}}
            projections[f"s{k}"] = {
                "source": f"s{k}", "target": self.population, "receptor": synapse["receptor"], "sources": [0],
                "targets": [0], "weights": [synapse["weight"]], "delays": [synapse["delay"]], "matrix": False,
                "plasticity": None,
            }  # fmt: skip
        return oracle.simulate({
            **self.described, "duration": duration, "populations": {self.population: cell}, "inputs": inputs,
            "projections": projections, "probes": [] if probe is None else [probe],
        })  # fmt: skip


def emissions(alone: Alone, unit: float) -> dict[tuple[str, int, float, float, float], tuple[int, int]]:
    """(projection, source, emitted in ms, delay, weight) -> (synapse, number of its spike)."""
    found = {}
    for k, s in enumerate(alone.synapses):
        for j, (t, _) in enumerate(s["spikes"]):
            emitted = t * unit if isinstance(t, int) else t
            found[s["projection"], s["source"], *map(rounded, (emitted, s["delay"], s["weight"]))] = (k, j)
    return found


def rounded(value: float) -> float:
    return round(value, 4)


def key_of(c: Any) -> Any:
    return c.projection, c.index, *map(rounded, (c.emitted_ms, c.delay_ms, c.weight))


def first_after(result: Any, begins: float, unit: float) -> float:
    return next((t for t, *_ in result["spikes"] if t > begins + 1e-9), math.inf)


def check(cause: SpikeCause, alone: Alone, clock: Any, model: str) -> int:
    """Compare one explained spike with the oracle; returns how many arrivals something hung on rounding for."""
    unit = clock.unit
    probe: Any = cause.time_ms if clock.exact else round(cause.time_ms / unit)
    end = cause.time_ms + cause.patience_ms + (0.0 if clock.exact else unit / 4)
    plain = alone.run(end)
    assert first_after(plain, cause.begins_ms, unit) == pytest.approx(cause.time_ms, abs=1e-9)
    has_threshold = not math.isnan(cause.threshold_mV)
    grazed = 0
    known = emissions(alone, unit)
    for c in cause.causes:
        left_out = alone.run(end, known[key_of(c)])
        if left_out["grazes"]:
            grazed += 1
            continue
        later = first_after(left_out, cause.begins_ms, unit) - cause.time_ms
        if later > cause.patience_ms + 1e-9:
            later = math.inf
        assert c.later_ms == pytest.approx(later, abs=1e-6), (c, later)
        assert c.decisive == math.isinf(later)
    if has_threshold and not grazed and cause.begins_ms == 0.0:
        free = {"V_th": NEVER}
        whole = alone.run(end, None, probe, **free)["probes"][0]["state"][alone.population]["V_m"][0]
        for c in cause.causes[:4]:
            less = alone.run(end, known[key_of(c)], probe, **free)["probes"][0]["state"][alone.population]["V_m"][0]
            assert c.contribution_mV == pytest.approx(whole - less, abs=1e-6)
    return grazed


@pytest.mark.parametrize("mode", ["exact", "grid"])
def test_margins_and_ranking_are_those_of_leaving_out_in_the_oracle(mode: str, tmp_path: Any) -> None:
    random = np.random.default_rng(8)
    done = arrivals = grazed = decisive = number = 0
    while done < EACH:
        number += 1
        if series.KINDS[number % 4] == "rhythmic":
            continue
        how = mode if mode == "exact" else series.tick(number)
        network = static_network(number, how)
        path = tmp_path / f"{number}.h5"
        with Simulation(network, how, 7, trace=path) as simulation:  # its inputs are not recorded
            simulation.run(DURATION)
        record_everything(network)
        simulation = Simulation(network, how, 7)
        simulation.run(DURATION)
        described = for_oracle(simulation, DURATION, network)
        found = oracle.simulate(described)
        if found["grazes"] or not found["spikes"]:
            continue
        cells = {name: p["model"] for name, p in described["populations"].items()}
        spikes = found["spikes"] if mode == "exact" else [
            (int(t), q, i, n) for t, q, i, n in found["spike_ticks"]]  # fmt: skip
        with Recording(path) as recording:
            for k in random.permutation(len(found["spikes"]))[:A_NETWORK]:
                time, population, index, _ = found["spikes"][k]
                if time > DURATION - 8.0:
                    continue
                cause = why_spike(recording, f"{population}/{index}", time)
                alone = Alone(described, spikes, population, index)
                grazed += check(cause, alone, recording.clock, cells[population])
                ranks = [(-c.later_ms, -c.contribution_mV) for c in cause.causes]
                assert ranks == sorted(ranks)
                done, arrivals = done + 1, arrivals + len(cause.causes)
                decisive += len(cause.decisive)
    print(f"{mode}: {done} spikes, {arrivals} arrivals, {decisive} decisive, {grazed} hung on rounding")
    assert arrivals > 5 * done
    assert decisive > 0
    assert grazed < 0.05 * arrivals
    assert LATE == 0.1

"""The recipes of docs/rule_library.md do what they are said to do."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.learning.registry import registry as rules
from neuromorph.models.registry import registry as models

PAGE = Path(__file__).parents[2] / "docs" / "rule_library.md"


def blocks(title):
    """Code of one recipe by language."""
    section = PAGE.read_text().split(f"### {title}\n")[1].split("\n### ")[0]
    return dict(re.findall(r"```(\w+)\n(.*?)```", section, re.S))


def written(title, language, folder):
    path = folder / f"{re.sub('[^a-z]', '_', title.lower())}.{language.removesuffix('thon')}"
    path.write_text(blocks(title)[language])
    return path


def defined(title, folder, monkeypatch):
    """The module of a recipe's Python block."""
    path = written(title, "python", folder)
    monkeypatch.syspath_prepend(folder)
    return importlib.import_module(path.stem)


def test_scaling_beside_stdp(tmp_path, monkeypatch):
    module = defined("Scaling beside another rule", tmp_path, monkeypatch)
    network = Network.load(written("Scaling beside another rule", "toml", tmp_path))
    with rules.override({"scaled_stdp": module.ScaledSTDP}, "recipe"):
        simulation = Simulation(network, seed=1)
        simulation.run(40_000.0)
    times, cells = simulation.spikes("cell")
    rates = np.bincount(cells[times > 20_000.0], minlength=10) / 20.0
    assert rates == pytest.approx(np.full(10, 10.0), rel=0.15)
    assert np.ptp(simulation.weights("noise_cell")) > 1.0  # and STDP has told synapses apart


@pytest.mark.parametrize("resolution", ["exact", 0.1])
def test_a_threshold_that_keeps_the_rate(resolution, tmp_path, monkeypatch):
    module = defined("Intrinsic excitability", tmp_path, monkeypatch)
    with models.override({"homeostatic": module.Homeostatic}, "recipe"):
        network = Network("homeostatic")
        network.add_population("cell", "homeostatic", 3)
        network.add_input("noise", "poisson", 3, {"rate": [2000.0, 4000.0, 8000.0]})
        network.connect("noise", "cell", "one_to_one", weight=0.5, delay=1.0)
        simulation = Simulation(network, resolution=resolution, seed=1)
        simulation.run(60_000.0)
    times, cells = simulation.spikes("cell")
    rates = np.bincount(cells[times > 20_000.0], minlength=3) / 40.0
    assert rates == pytest.approx(np.full(3, 10.0), rel=0.03)
    assert np.ptp(simulation.state("cell", "theta")) > 5.0


def test_dopamine_cells_teach_when_they_fire(tmp_path):
    network = Network.load(written("Volume transmission", "toml", tmp_path))
    simulation = Simulation(network, seed=1)
    simulation.run(1999.0)
    assert np.ptp(simulation.weights("learnt")) == 0.0
    simulation.run(2001.0)
    assert simulation.spikes("VTA")[0].size == 2
    assert np.ptp(simulation.weights("learnt")) > 0.01


def test_a_depressing_synapse_recovers(tmp_path):
    network = Network.load(written("Short-term plasticity", "toml", tmp_path))
    simulation, currents, now = Simulation(network, resolution=0.1), [], 0.0
    for time in (101.0, 181.0, 701.0):  # a spike arrives
        simulation.run(time - now)
        currents.append(simulation.state("cell", "I_ex")[0])
        now = time
    first, fifth, last = currents
    assert first == pytest.approx(200.0, rel=1e-3)
    assert fifth < 0.15 * 400.0
    assert fifth < last < first


def test_every_rule_of_the_library_is_on_the_page():
    text = PAGE.read_text()
    shipped = {entry.name for entry in rules.entries() if "neuromorph" in entry.origin}
    cycles = {"recirculation", "mirror", "wake", "wake_clamped", "wake_looks", "wake_sleep"}
    assert shipped
    assert {name for name in shipped - cycles if f"`{name}`" not in text} == set()

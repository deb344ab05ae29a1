"""Every file in examples/ runs and does what its head says."""

from __future__ import annotations

import re
import runpy
import shlex
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from neuromorph import Simulation, Trace
from neuromorph.graph.files import load
from neuromorph_cli.main import main

EXAMPLES = Path(__file__).parents[2] / "examples"
NETWORKS = sorted(path.name for path in EXAMPLES.glob("*.toml"))
#: spikes at least, and what makes the run short; tests/numerics/test_literature.py has the networks whole
SHORT = {
    "brunel.toml": (500, ["--duration", "50 ms"]),
    "cuba.toml": (1000, ["--duration", "100 ms"]),
    "derivative_stdp.toml": (500, ["--duration", "100 ms"]),
    "stdp.toml": (10, ["--duration", "1 s"]),
}
SMALL_BRUNEL = ["populations.E", "populations.I", "inputs.external_E", "inputs.external_I"]
for place, size in zip(SMALL_BRUNEL, (1000, 250, 1000, 250)):
    SHORT["brunel.toml"][1].extend(["--set", f"{place}.size={size}"])


@pytest.mark.parametrize("name", NETWORKS)
def test_network_files_run_from_any_folder(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    least, options = SHORT[name]
    assert main(["run", str(EXAMPLES / name), *options]) == 0
    network = load(EXAMPLES / name)
    with Trace(tmp_path / "traces" / f"{network.name}.h5") as trace:
        assert trace.status == "complete"
        assert sum(trace.counts.values()) > least


def test_the_readme_has_a_paragraph_and_a_command_for_each_example():
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    files = sorted(path.name for path in EXAMPLES.iterdir() if path.suffix in (".toml", ".py"))
    assert sorted(re.findall(r"^\*\*(.+?)\*\*:", text, re.M)) == files
    commands = re.findall(r"^    ((?:neuromorph|python) (?:.*\\\n)*.*)", text, re.M)
    for name in files:
        assert any(f"examples/{name}" in command for command in commands)
    for command in commands:
        words = shlex.split(command.replace("\\\n", " "))
        assert (EXAMPLES.parent / next(word for word in words if word.startswith("examples/"))).exists()
        if words[0] == "neuromorph":  # every setting is one that the file has
            settings = [value for option, value in zip(words, words[1:]) if option == "--set"]
            load(EXAMPLES.parent / words[2], settings)


def test_weights_of_the_stdp_example_drift_to_both_bounds():
    simulation = Simulation(load(EXAMPLES / "stdp.toml"))

    def shares() -> tuple[float, float]:
        weights = simulation.weights("plastic") / 140.0
        return float(np.mean(weights < 0.1)), float(np.mean(weights > 0.9))

    assert max(shares()) < 0.2  # uniform at first: a tenth each
    simulation.run(60_000.0)
    low, high = shares()
    assert low > 0.25
    assert high > 0.25
    assert low + high > 0.55
    times, _ = simulation.spikes("neuron")
    # over 16 draws of the initial weights: 30.5, with a standard deviation of 3.5
    assert np.sum(times > 30_000.0) / 30.0 == pytest.approx(30.5, abs=8.0)


def test_weights_of_the_derivative_example_follow_the_steps_of_the_rate():
    simulation = Simulation(load(EXAMPLES / "derivative_stdp.toml"))
    mean, weights = [], []
    for _ in range(3):
        simulation.run(2000.0)
        weights.append(simulation.weights("plastic"))
        mean.append(weights[-1].mean())
    up, down = (np.std(later - earlier) / np.sqrt(1000) for earlier, later in zip(weights, weights[1:]))
    assert 4 * max(up, down) < 0.06
    assert mean[0] == pytest.approx(0.018, abs=4 * weights[0].std() / np.sqrt(1000))
    assert mean[1] - mean[0] == pytest.approx(0.09, abs=4 * up)
    assert mean[2] - mean[1] == pytest.approx(-0.09, abs=4 * down)
    assert np.abs(weights[-1]).max() < 4.0  # far from the bounds, which would bend the result


def test_the_spike_of_the_small_world_example_takes_shortcuts(capsys):
    spread = runpy.run_path(str(EXAMPLES / "small_world.py"))["spread"]
    assert capsys.readouterr().out == ""
    (ring, slow, on_ring), (small, fast, in_small) = spread(0.0), spread(0.05)
    assert on_ring == in_small == 200
    # the wave takes the shortest paths: a step is the delay of 1.5 ms and the time to threshold, the shorter the more
    # neighbours have fired
    for graph, last in ((ring, slow), (small, fast)):
        assert 2.4 < last / nx.eccentricity(graph, 0) < 3.2
    assert fast < slow / 3
    assert nx.average_clustering(small) > 0.8 * nx.average_clustering(ring)


def test_the_small_world_example_prints_its_table(capsys):
    runpy.run_path(str(EXAMPLES / "small_world.py"), run_name="__main__")
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["rewired", "clustering", "mean", "path", "neurons", "reached", "after", "ms"]
    table = np.array([[float(x) for x in row.split()] for row in rows])
    assert table.shape == (5, 5)
    assert np.all(table[:, 3] == 200)
    assert np.all(np.diff(table[:, [1, 2, 4]], axis=0) < 0)  # the more is rewired, the less clustered, the shorter


def test_the_moving_threshold_adapts_to_the_computed_intervals(capsys):
    rows = np.array(runpy.run_path(str(EXAMPLES / "moving_threshold.py"))["main"]())
    assert capsys.readouterr().out.splitlines()[0].split() == [
        "current", "(pA)", "first", "(ms)", "last", "(ms)", "computed", "(ms)"
    ]  # fmt: skip
    _, first, last, computed = rows.T
    np.testing.assert_allclose(last, computed, rtol=0, atol=1e-6)
    assert np.all(last > 1.1 * first)


def test_the_eprop_example_learns_its_sequence(capsys):
    """800 trials bring 83 % right, far above what the readout alone makes of random recurrent cells; a tie is wrong."""
    example = runpy.run_path(str(EXAMPLES / "eprop_sequence.py"))
    assert capsys.readouterr().out == ""
    cues = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    assert example["different"](cues).tolist() == [0, 1, 1, 0]
    right, alone = (example["learn"](800, seed=3, recurrent_learns=learns)[-200:].mean() for learns in (True, False))
    assert right > 0.7
    assert right > alone + 0.2


def test_ablations_tell_what_shared_luck_is_worth(monkeypatch, capsys):
    """Two of the variants: without it there are error spikes where there is no error."""
    pytest.importorskip("sklearn", reason="the extra `learn` is not installed")
    from neuromorph.tasks import images

    few = images.digits()
    few = replace(few, train=few.train[:340], train_labels=few.train_labels[:340])
    monkeypatch.setattr(images, "digits", lambda: few)
    example = runpy.run_path(str(EXAMPLES / "ablations.py"))
    chosen = "kappa 2, no cap", "no luck shared by the two counts"
    assert set(chosen) < set(example["VARIANTS"])
    for name in set(example["VARIANTS"]) - set(chosen):
        del example["VARIANTS"][name]
    example["main"](epochs=1)
    lines = capsys.readouterr().out.splitlines()
    with_luck, without = (re.findall(r"[0-9.]+", line[34:]) for line in lines)
    assert float(without[2]) > float(with_luck[2])

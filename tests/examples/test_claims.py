"""The ten claims at a tiny size: every experiment runs, returns what it promises, and the exact ones are held to it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neuromorph_cli.claims as claims
from neuromorph_cli.main import main

ROOT = Path(__file__).parents[2]
#: what makes each experiment short, and numbers that it must have
SMALL: dict[int, tuple[dict[str, Any], tuple[str, ...]]] = {
    1: ({"hidden": 20, "seeds": 1, "size": 0.1}, ("true_labels_nothing_test_errors_percent",)),
    2: ({"cells": 400}, ("largest_error_rectified_percent", "largest_error_sigmoid_percent")),
    3: ({"cycles": 40}, ("slope_read_error_against_true", "largest_error_of_activity")),
    4: ({"cells": 1500}, ("pair_stdp_change_over_prediction", "stdp_derivative_change_over_prediction")),
    5: ({"cells": 16, "examples": 8}, ("change_by_replacing_percent_of_spread", "worst_cosine")),
    6: (
        {"hidden": 20, "train": 60, "before": 20, "examples": 20, "passes": 2},
        ("reconstruction_of_hidden1_after", "small_nudges_cosine_with_gradient_image_hidden1"),
    ),
    7: ({"hidden": 20, "epochs": 1, "test_images": 20}, ("alignment_readout_after", "fit_to_pseudo_inverse_after")),
    8: ({"hidden": 20, "epochs": 1, "seeds": 1}, ("fixed_errors_percent_at_the_end",)),
    9: ({"hidden": 20, "epochs": 1, "seeds": 1}, ("backprop_errors_percent_at_the_end",)),
    10: (
        {"hidden": 20, "epochs": 1, "seeds": 1, "unsupervised": 1, "depth": 3, "kicked": 4},
        ("rectified_gradient_factor_by_layer", "pretrained_errors_percent_after_1_epoch"),
    ),
}
LEARNING = {1, 6, 7, 8, 9, 10}


@pytest.fixture(scope="module")
def results() -> dict[int, tuple[Any, dict[str, Any]]]:
    """Experiments that have run, by number."""
    return {}


def run(number: int, results: dict[int, tuple[Any, dict[str, Any]]]) -> tuple[Any, dict[str, Any]]:
    """The module and the result of an experiment at its tiny size."""
    if number in LEARNING:
        pytest.importorskip("sklearn", reason="the extra `learn` is not installed")
    if number not in results:
        experiment = claims.load(claims.experiments()[number])
        results[number] = experiment, experiment.measure(seed=1, **SMALL[number][0])
    return results[number]


@pytest.mark.parametrize("number", SMALL)
def test_every_experiment_returns_finite_numbers_and_draws_them(number, results):
    experiment, result = run(number, results)
    assert set(SMALL[number][1]) <= set(result)
    assert any(np.ndim(value) > 0 for value in result.values())
    for name, value in result.items():
        assert np.all(np.isfinite(value)), name
    met = experiment.criteria(result)
    assert met
    assert claims.verdict(met) in ("holds", "partly", "does not hold")
    figure = pytest.importorskip("matplotlib.figure").Figure()
    axes = figure.subplots()
    experiment.draw(result, axes)
    assert axes.has_data()
    assert axes.get_ylabel()


@pytest.mark.parametrize("number", [3, 5])
def test_exact_claims_hold_at_any_size(number, results):
    experiment, result = run(number, results)
    assert all(experiment.criteria(result).values()), result


def test_a_measured_slope_is_the_derivative(results):
    _, result = run(2, results)
    # a change of one spike in 0.8 is binomial: 0.4 / sqrt(400) / 0.1 spikes, of which the largest of 41 is 4 deviations
    assert np.abs(result["measured"] - result["true"])[np.abs(result["z"] - 0.5) < 0.35].max() < 4 * 0.2
    assert result["measured"][result["z"] < -0.1] == pytest.approx(0.0)
    np.testing.assert_allclose(result["measured_sigmoid"], result["true_sigmoid"], atol=0.5)
    assert result["noise_without_a_change_same_u_spikes"] == 0.0


def test_one_axon_tells_both(results):
    _, result = run(3, results)
    assert result["slope_read_error_against_true"] == pytest.approx(1.0, abs=0.01)
    np.testing.assert_allclose(result["read_y"], result["y"], atol=1 / 128)
    assert result["spikes_outside_of_both_volleys"] == 0


def test_stdp_differentiates(results):
    experiment, result = run(4, results)
    lags, window = result["lags_ms"], result["pair_stdp_window"]
    expected = np.sign(lags) * experiment.AMPLITUDE * np.exp(-np.abs(lags) / experiment.TAU)
    np.testing.assert_allclose(window, expected, atol=1e-7)
    for rule in experiment.RULES:
        # the standard error of the classical rule's slope is 0.13 with 1,500 cells: counts of spikes fluctuate
        assert result[f"{rule}_change_over_prediction"] == pytest.approx(1.0, abs=0.35)
        assert result[f"{rule}_moment_over_theory"] == pytest.approx(1.0, abs=0.02)


def test_recirculation_moves_every_level_by_its_derivative(results):
    _, result = run(5, results)
    assert result["change_by_replacing_percent_of_spread"] < 2.0
    assert result["same_with_random_top_down_percent"] > 50.0
    np.testing.assert_allclose(result["slope_by_level"], 1.0, atol=0.05)
    assert result["cosine_by_level"].min() > 0.98


def test_rectified_cells_keep_gradients_that_sigmoid_cells_lose(results):
    _, result = run(10, results)
    assert result["rectified_gradient_factor_by_layer"] > 2 * result["sigmoid_gradient_factor_by_layer"]


def test_verdicts():
    assert claims.verdict({"a": True, "b": True}) == "holds"
    assert claims.verdict({"a": True, "b": False}) == "partly"
    assert claims.verdict({"a": False}) == "does not hold"


def test_each_file_says_which_claim_it_is():
    files = claims.experiments()
    assert list(files) == list(range(1, 11))
    for number, file in files.items():
        assert claims.title(file).startswith(f"Claim {number}: ")
        assert f'main(["claims", "{number}", *sys.argv[1:]])' in file.read_text(encoding="utf-8")


def test_experiments_are_in_the_wheel():
    project = ROOT / "pyproject.toml"
    forced = tomllib.loads(project.read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert forced["force-include"] == {claims.PLACE: f"neuromorph_cli/{claims.PLACE}"}


def test_claims_are_listed(capsys):
    assert main(["claims"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert "neuromorph claims N" in head
    assert [line.split()[0] for line in lines] == [str(n) for n in range(1, 11)]
    assert main(["claims", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["number"] for one in listed] == list(range(1, 11))
    assert listed[2]["claim"].startswith("Claim 3: one axon")


@pytest.fixture
def quick(monkeypatch):
    """Experiments whose measurement is that of the tiny size, whatever seed is asked for."""
    load = claims.load

    def small(file):
        experiment = load(file)
        measure, (changes, _) = experiment.measure, SMALL[int(file.stem.split("_")[1])]
        experiment.measure = lambda seed: measure(seed=seed, **changes)
        return experiment

    monkeypatch.setattr(claims, "load", small)


def test_one_claim_runs_with_its_figure(quick, capsys, tmp_path):
    pytest.importorskip("matplotlib")
    assert main(["claims", "3", "-o", str(tmp_path / "figures"), "-q", "--json", "--seed", "7"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["number"], report["verdict"]) == (3, "holds")
    assert report["numbers"]["slope_read_error_against_true"] == pytest.approx(1.0, abs=0.01)
    assert len(report["series"]["y"]) == 27
    assert all(report["criteria"].values())
    figure = tmp_path / "figures" / "claim_03_one_axon.png"
    assert report["figure"] == str(figure)
    assert figure.read_bytes()[:4] == b"\x89PNG"
    # an existing figure is refused before anything is measured, and overwritten on demand
    again = ["claims", "3", "-o", str(tmp_path / "figures")]
    assert main(again) == 2
    assert f"{figure}: the file exists already. Choose another folder, or overwrite it with --force." in (
        capsys.readouterr().err
    )
    assert main([*again, "--force", "--format", "svg"]) == 0
    out = capsys.readouterr().out
    assert "verdict" in out
    assert "slope read error against true" in out
    assert figure.with_suffix(".svg").read_text(encoding="utf-8").startswith("<?xml")


def test_all_claims_run_one_after_the_other(quick, capsys, monkeypatch):
    two = {n: file for n, file in claims.experiments().items() if n in (2, 3)}
    monkeypatch.setattr(claims, "experiments", lambda: two)
    assert main(["claims", "--all", "--json"]) == 0
    assert [one["number"] for one in json.loads(capsys.readouterr().out)["claims"]] == [2, 3]


def test_an_interruption_keeps_the_claims_that_have_run(quick, capsys, monkeypatch):
    from neuromorph_cli.interrupts import Interrupted

    small, files = claims.load, claims.experiments()

    def once(file):
        if "claim_03" in file.stem:
            raise Interrupted(130)
        return small(file)

    monkeypatch.setattr(claims, "experiments", lambda: {n: files[n] for n in (2, 3)})
    monkeypatch.setattr(claims, "load", once)
    assert main(["claims", "--all", "--json"]) == 130
    assert [one["number"] for one in json.loads(capsys.readouterr().out)["claims"]] == [2]


def test_without_matplotlib_the_numbers_come_all_the_same(quick, capsys, monkeypatch, tmp_path):
    find = claims.importlib.util.find_spec
    monkeypatch.setattr(claims.importlib.util, "find_spec", lambda n: None if n == "matplotlib" else find(n))
    assert main(["claims", "3", "-o", str(tmp_path)]) == 0
    answer = capsys.readouterr()
    assert "no figures without matplotlib. Run: pip install 'neuromorph[plot]'" in answer.err
    assert "verdict" in answer.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["12"], "claims: no such claim, found 12 (allowed: 1 to 10). List them with: neuromorph claims"),
        (["0"], "claims: no such claim, found 0 (allowed: 1 to 10)."),
        (["three"], "'three' is not a valid integer"),
        (["3", "--all"], "--all runs every claim: leave out the number."),
    ],
)
def test_bad_input(arguments, words, capsys):
    assert main(["claims", *arguments]) == 2
    answer = capsys.readouterr()
    assert answer.out == ""
    assert words in answer.err


def test_a_folder_that_cannot_be_made_and_a_figure_that_cannot_be_written(quick, capsys, tmp_path):
    pytest.importorskip("matplotlib")
    (tmp_path / "file").write_text("")
    assert main(["claims", "3", "-o", str(tmp_path / "file" / "below")]) == 2
    assert "cannot be made: Not a directory. Choose a folder that can be made." in capsys.readouterr().err
    (tmp_path / "claim_03_one_axon.png").mkdir()
    assert main(["claims", "3", "-o", str(tmp_path), "--force"]) == 2
    assert "cannot be written: Is a directory. Choose a folder that you may write to." in capsys.readouterr().err

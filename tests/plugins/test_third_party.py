"""Packages as `rules new` and `models new` write them, from wheels in a fresh environment, checked and run there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import neuromorph
import neuromorph_cli
import neuromorph_plugins
from neuromorph import Trace

NAME = "lab_oja"
MODEL = "lab_cell"


def call(*command, folder, **environment):
    """Standard output of a command that must succeed."""
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env={**os.environ, **environment},
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of an environment that holds the author's package, and sees neuromorph where it is installed."""
    folder = tmp_path_factory.mktemp("third_party")
    paths = [str(Path(package.__file__).parents[1]) for package in (neuromorph, neuromorph_cli, neuromorph_plugins)]
    paths += [path for path in sys.path if path and Path(path).is_dir()]
    seen = {"PYTHONPATH": os.pathsep.join(paths)}
    call(sys.executable, "-m", "neuromorph_cli", "rules", "new", NAME, folder=folder, **seen)
    call(sys.executable, "-m", "neuromorph_cli", "models", "new", MODEL, folder=folder, **seen)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    sources = [folder / "neuromorph-lab-oja", folder / "neuromorph-lab-cell"]
    call(*pip, "wheel", "--no-build-isolation", "--no-deps", "--no-index", "-w", "dist", *sources, folder=folder)
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    inside = next((folder / "venv").glob("bin/python")).absolute()
    wheels = sorted((folder / "dist").glob("*.whl"))
    assert len(wheels) == 2
    site = call(inside, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder).strip()
    call(*pip, "install", "--no-deps", "--no-index", "--target", site, *wheels, folder=folder)
    # as if neuromorph were installed here too: no download, and the very code that is tested
    (Path(site) / "neuromorph.pth").write_text("\n".join(dict.fromkeys(paths)))
    return inside


def neuromorph_of(python, *arguments):
    return call(python, "-m", "neuromorph_cli", *arguments, folder=python.parents[2])


def test_it_is_found(python):
    entries = {entry["name"]: entry for entry in json.loads(neuromorph_of(python, "rules", "list", "--json"))}
    where = f"neuromorph-lab-oja 0.1.0 (neuromorph_{NAME}.rule:LabOja)"
    assert entries[NAME] == {"name": NAME, "origin": where, "error": None}
    assert "pair_stdp" in entries


def test_it_passes_the_kit(python):
    (report,) = json.loads(neuromorph_of(python, "rules", "check", NAME, "--no-cost", "--json"))
    assert report["passed"]
    verdicts = {result["check"]: result["verdict"] for result in report["results"]}
    assert {check for check, verdict in verdicts.items() if verdict != "passed"} == set()
    assert verdicts["version"] == "passed"


def test_its_own_tests_pass(python):
    source = python.parents[2] / "neuromorph-lab-oja"
    out = call(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", source, folder=python.parents[2])
    assert "17 passed" in out


def test_a_network_runs_with_it(python):
    folder = python.parents[2]
    example = folder / "neuromorph-lab-oja" / "example.toml"
    out = neuromorph_of(
        python, "run", example, "-o", folder / "x.h5", "--record", "noise_cells.weight@500", "--json", "--quiet"
    )
    assert json.loads(out)["spikes"] > 10
    with Trace(folder / "x.h5") as trace:
        weights = trace.weights("noise_cells").values
    assert (weights[0] == 150.0).all()
    assert (weights[-1] != 150.0).any()


def test_a_model_likewise(python):
    source = python.parents[2] / "neuromorph-lab-cell"
    out = call(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", source, folder=python.parents[2])
    assert "13 passed, 2 skipped" in out
    (report,) = json.loads(neuromorph_of(python, "models", "check", MODEL, "--no-cost", "--json"))
    assert report["passed"]

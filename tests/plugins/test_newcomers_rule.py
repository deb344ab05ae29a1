"""A rule in one file by a newcomer: it learns as it says, and its kernels follow every edit of the file."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import neuromorph
from neuromorph import Network, Simulation
from neuromorph.learning.registry import registry
from neuromorph.plugin_files import load_file

RULE = '''
from neuromorph.learning.contract import LearningRule, Param, Trace

GAIN = 0.5


class Hebb(LearningRule):
    """Grows where the source fired before the target."""

    tau = Param(20.0, "ms", above=0)
    x = Trace("pre", "tau")

    def on_post(w, pre, post, p):
        return w + GAIN * pre.x
'''.lstrip()

#: what a user's program does with it; the source fires at 2, the target at 5 and 9, seen a ms later
PROGRAM = """
import json, sys
from neuromorph import Network, Simulation
from neuromorph.plugin_files import load_file

load_file(sys.argv[1])
network = Network("newcomer")
network.add_population("c", "lif_delta", 1)
network.add_input("i", "spike_train", 2, {"times": [2.0, 4.0, 8.0], "indices": [0, 1, 1]})
network.connect("i", "c", weight=[[1.0], [25.0]], delay=1.0, name="p", plasticity={"rule": "hebb", "w_max": 1e6})
simulation = Simulation(network, resolution=0.5)
simulation.run(12.0)
print(json.dumps([simulation.weights("p").tolist(), simulation.spikes("c")[0].tolist()]))
"""


def expected(gain=0.5, power=1):
    """Weights of the two synapses after the spikes of 5 and 9."""
    first = 1.0 + sum(gain * math.exp(-(t - 2.0) / 20.0) ** power for t in (6.0, 10.0))
    seen = math.exp(-(6.0 - 4.0) / 20.0), math.exp(-(10.0 - 8.0) / 20.0) + math.exp(-(10.0 - 4.0) / 20.0)
    return [pytest.approx(w, abs=1e-5) for w in (first, 25.0 + sum(gain * x**power for x in seen))]


@pytest.fixture
def _clean_registry():
    with registry.override({}):
        yield


@pytest.mark.usefixtures("_clean_registry")
@pytest.mark.parametrize("resolution", ["exact", 0.5], ids=["exact", "grid"])
def test_a_rule_of_one_file_learns_as_computed_by_hand(resolution, tmp_path):
    assert len(RULE.splitlines()) < 15
    file = tmp_path / "hebb.py"
    file.write_text(RULE)
    assert list(load_file(file).rules) == ["hebb"]
    network = Network("newcomer")
    network.add_population("c", "lif_delta", 1)
    network.add_input("i", "spike_train", 2, {"times": [2.0, 4.0, 8.0], "indices": [0, 1, 1]})
    network.connect("i", "c", weight=[[1.0], [25.0]], delay=1.0, name="p", plasticity={"rule": "hebb", "w_max": 1e6})
    simulation = Simulation(network, resolution=resolution)
    simulation.run(12.0)
    assert simulation.weights("p").tolist() == expected()


# -- the cache of compiled kernels, by new processes ------------------------------------------------------------------


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """One cache for the processes of this file: the first fills it."""
    return tmp_path_factory.mktemp("kernels")


def run(file, cache, **environment):
    """What the program prints in a process of its own: (weights, spike times)."""
    paths = [str(Path(neuromorph.__file__).parents[1]), *sys.path]
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", PROGRAM, str(file)],
        env={**os.environ, "NEUROMORPH_CACHE_DIR": str(cache), "PYTHONPATH": os.pathsep.join(paths), **environment},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def file(tmp_path_factory):
    """The newcomer's file, always at one place."""
    path = tmp_path_factory.getbasetemp() / "hebb.py"
    path.write_text(RULE)
    return path


SPIKES = [5.0, 9.0]


def kernels(cache):
    """Compiled kernels and generated modules on disk, with when they were written."""
    return {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.suffix in (".nbi", ".nbc", ".py")}


@pytest.mark.parametrize(
    ("before", "after", "gain", "power"),
    [
        ("", "", 0.5, 1),
        ("GAIN = 0.5", "GAIN = 2.0", 2.0, 1),
        ("GAIN * pre.x", "GAIN * pre.x * pre.x", 0.5, 2),
        ("w + GAIN", "w - GAIN", -0.5, 1),
        ("", "", 0.5, 1),  # noqa: PT014
    ],
    ids=["as written", "constant", "body", "operator", "back again"],
)
def test_an_edit_counts_in_the_next_process(file, cache, before, after, gain, power):
    file.write_text(RULE.replace(before, after) if before else RULE)
    assert run(file, cache) == [expected(gain, power), SPIKES]


def test_an_edited_helper_counts_too(file, cache):
    """A function that a hook calls is compiled too, so it is one of numba's."""
    helper = "from numba import njit\n\n\n@njit\ndef gain(x):\n    return FACTOR * x\n\n\nclass Hebb"
    helped = RULE.replace("class Hebb", helper).replace("GAIN * pre.x", "gain(pre.x)")
    for factor in (0.5, 3.0):
        file.write_text(helped.replace("GAIN = 0.5", f"FACTOR = {factor}"))
        assert run(file, cache) == [expected(factor), SPIKES]


def test_an_edited_helper_in_another_file_counts_too_and_an_unchanged_one_is_not_compiled(file, cache):
    helper = file.with_name("gains_of_hebb.py")
    file.write_text("from gains_of_hebb import gain\n" + RULE.replace("GAIN * pre.x", "gain(pre.x)"))
    for factor in (0.25, 4.0):
        text = "from numba import njit\n\n\n@njit\ndef gain(x):\n    return FACTOR * x\n"
        helper.write_text(f"FACTOR = {factor}\n{text}")
        assert run(file, cache) == [expected(factor), SPIKES]
    before = kernels(cache)
    assert run(file, cache) == [expected(4.0), SPIKES]
    assert kernels(cache) == before


def test_a_second_process_compiles_nothing(file, cache):
    run(file, cache)
    before = kernels(cache)
    assert len(before) > 10
    assert run(file, cache) == [expected(), SPIKES]
    assert kernels(cache) == before


def test_a_damaged_cache_is_mended(file, cache):
    run(file, cache)
    sizes = {path: path.stat().st_size for path in kernels(cache)}
    for path, size in sizes.items():
        with path.open("r+b") as damaged:
            damaged.truncate(size // 2)
    assert run(file, cache) == [expected(), SPIKES]
    mended = [path for path, size in sizes.items() if path.stat().st_size >= 0.9 * size]
    assert len([path for path in mended if path.suffix == ".py"]) >= 2
    assert len([path for path in mended if path.suffix == ".nbi"]) >= 5
    before = kernels(cache)
    assert run(file, cache) == [expected(), SPIKES]
    assert kernels(cache) == before


def test_without_a_compiler_the_spikes_are_the_same(file, cache):
    assert run(file, cache, NUMBA_DISABLE_JIT="1") == [expected(), SPIKES]


def test_random_numbers_without_a_compiler_are_the_same(tmp_path, cache):
    program = """
import json, sys
from neuromorph import Network, Simulation

network = Network("random")
network.add_population("c", "lif_delta", 3, initial={"V_m": {"distribution": "uniform", "low": -65.0, "high": -56.0}})
network.add_input("p", "poisson", 3, {"rate": 900.0})
network.connect("p", "c", "fixed_indegree", indegree=2, weight=6.0, delay=1.0, plasticity="pair_stdp")
network.record("p", "spikes")
network.record("c", "spikes")
out = []
for resolution in ("exact", 0.5):
    simulation = Simulation(network, resolution=resolution)
    simulation.run(12.0)
    out += [a.tolist() for name in ("c", "p") for a in simulation.spikes(name)]
    out += [simulation.weights("p_c").tolist(), simulation.state("c", "V_m").tolist()]
print(json.dumps(out))
"""
    paths = [str(Path(neuromorph.__file__).parents[1]), *sys.path]
    found = []
    for environment in ({}, {"NUMBA_DISABLE_JIT": "1"}):
        env = {**os.environ, "NEUROMORPH_CACHE_DIR": str(cache), "PYTHONPATH": os.pathsep.join(paths), **environment}
        done = subprocess.run(
            [sys.executable, "-W", "error::RuntimeWarning", "-c", program],
            env=env, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout))
    compiled, plain = found
    assert [len(v) for v in compiled] == [len(v) for v in plain]
    assert len(compiled[0]) > 5
    for a, b in zip(compiled, plain):
        assert a == pytest.approx(b, abs=1e-9)

"""Models by equations in new processes: an edited one is written and compiled anew, an unchanged one never is."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import neuromorph

MODEL = '''
from neuromorph import Model, Rule

Lif = Model(
    """
    dv/dt = (E_L - v)/tau_m : mV
    dtheta/dt = (V_th - theta)/tau_theta : mV
    """,
    threshold="v > theta", reset="v = E_L; theta += 6*mV", refractory="1 ms",
    parameters={"tau_m": "10 ms", "E_L": "-70 mV", "V_th": "-65 mV", "tau_theta": "20 ms"},
    receptors={"delta": "v += w"}, initial={"theta": "V_th"}, name="my_lif",
)

Hebb = Rule(
    "my_rule", traces="dx/dt = -x/tau : 1 (pre)", on_post="w += 0.5*x", parameters={"tau": "20 ms"},
)
'''.lstrip()

#: the source fires at 2 and 6; the target at 3 from -70 by 8 to above -65, seen at 4 by the rule
PROGRAM = """
import json, sys
from neuromorph import Network, Simulation
from neuromorph.plugin_files import load_file

load_file(sys.argv[1])
loaded = "sympy" in sys.modules
network = Network("equations")
network.add_population("c", "my_lif", 1)
network.add_input("i", "spike_train", 1, {"times": [2.0, 6.0], "indices": [0, 0]})
network.connect("i", "c", weight=8.0, delay=1.0, name="p", plasticity={"rule": "my_rule", "w_max": 1e6})
simulation = Simulation(network, resolution=sys.argv[2] if sys.argv[2] == "exact" else float(sys.argv[2]))
simulation.run(12.0)
state = [float(simulation.state("c", n)[0]) for n in ("v", "theta")]
print(json.dumps([simulation.weights("p").tolist(), simulation.spikes("c")[0].tolist(), state, loaded]))
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """One cache for the processes of this file: the first fills it."""
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture
def file(tmp_path_factory):
    """The newcomer's file, always at one place."""
    path = tmp_path_factory.getbasetemp() / "my_model.py"
    path.write_text(MODEL)
    return path


def run(file, cache, resolution="0.5", **environment):
    """What the program prints in a process of its own: weights, spike times, state, and whether sympy was needed."""
    paths = [str(Path(neuromorph.__file__).parents[1]), *sys.path]
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", PROGRAM, str(file), resolution],
        env={**os.environ, "NEUROMORPH_CACHE_DIR": str(cache), "PYTHONPATH": os.pathsep.join(paths), **environment},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def expected(jump=6.0, tau=20.0):
    """By hand: at 3 the spike, at 7 the second arrival, whose weight stays below the threshold that has risen."""
    weight = 8.0 + 0.5 * math.exp(-(4.0 - 2.0) / 20.0)
    theta = -65.0 + jump * math.exp(-(12.0 - 3.0) / tau)
    v = -70.0 + weight * math.exp(-(12.0 - 7.0) / 10.0)
    return [pytest.approx([weight], rel=1e-6), [3.0], pytest.approx([v, theta], abs=1e-5)]


def kernels(cache):
    """Compiled kernels and generated modules on disk, with when they were written."""
    return {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.suffix in (".nbi", ".nbc", ".py")}


def test_an_edit_counts_and_nothing_else_is_written_twice(file, cache):
    assert run(file, cache) == [*expected(), True]
    first = kernels(cache)
    assert len([path for path in first if path.name.startswith("neuromorph_equations_")]) == 2
    assert run(file, cache) == [*expected(), False]
    assert kernels(cache) == first
    file.write_text(MODEL.replace("theta += 6*mV", "theta += 7*mV"))
    assert run(file, cache) == [*expected(jump=7.0), True]
    edited = kernels(cache)
    assert {path: edited[path] for path in first} == first
    file.write_text(MODEL.replace('"tau_theta": "20 ms"', '"tau_theta": "30 ms"'))
    assert run(file, cache)[:3] == expected(tau=30.0)
    file.write_text(MODEL)
    assert run(file, cache) == [*expected(), False]


def test_a_damaged_module_is_written_again(file, cache):
    run(file, cache, NUMBA_DISABLE_JIT="1")
    for path in cache.rglob("neuromorph_equations_*.py"):
        path.write_text(path.read_text()[: path.stat().st_size // 2])
    assert run(file, cache, NUMBA_DISABLE_JIT="1") == [*expected(), True]


@pytest.mark.parametrize("resolution", ["0.5", "exact"])
def test_without_a_compiler_all_is_the_same(file, cache, resolution):
    assert run(file, cache, resolution, NUMBA_DISABLE_JIT="1")[:3] == expected()

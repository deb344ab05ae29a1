"""Every case runs, small, and what it reports is right; time is measured elsewhere."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from neuromorph.errors import InputError, RunError
from neuromorph_cli.benchmarks import compare, measure, microcircuit, networks, sizes, statistics
from neuromorph_cli.benchmarks.cases import CASES

#: an interpreter that answers as a peer does: as many spikes as a rate of RATE Hz makes, one second a simulated second
FAKE = """\
#!{python}
import json, sys
import numpy as np
if sys.argv[1] == "-c":
    sys.exit({missing})
request = json.load(sys.stdin)
if {fails}:
    sys.exit("no such synapse")
sizes = [p["size"] for p in request["network"]["populations"]]
random = np.random.default_rng(1)
n = round(sum(sizes) * {rate} * request["duration_ms"] / 1e3)
times = request["warm_ms"] + request["duration_ms"] * random.random(n)
np.savez(request["spikes"], times=times, cells=random.integers(0, sum(sizes), n))
print(json.dumps({{"version": "fake 1", "build_s": 1.0, "wall_s": request["duration_ms"] / 1e3, "cpu_s": None,
    "peak_mb": 1.0, "synapse_bytes": None}}))
"""


@pytest.fixture
def fake(folder):
    """Write an interpreter that stands for the one of a peer."""

    def write(rate: float = 0.4, missing: bool = False, fails: bool = False) -> Path:
        file = folder / "fake_python"
        file.write_text(FAKE.format(python=sys.executable, rate=rate, missing=missing, fails=fails))
        file.chmod(0o755)
        return file

    return write


@pytest.fixture
def here(monkeypatch):
    """Ours runs in this process, which spares a start for each run; peers in one of their own."""
    apart = compare.answered

    def answered(command, request, chosen, where):
        ours = command[-1] == "neuromorph_cli.benchmarks.measure"
        return measure.answer(json.loads(request)) if ours else apart(command, request, chosen, where)

    monkeypatch.setattr(compare, "answered", answered)


def report(call, *arguments):
    """The JSON report of a run that must succeed."""
    answer = call("bench", *arguments, "--json", "--quiet", "--repeats", "1")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def test_without_a_case_the_cases_are_listed(call):
    out = call("bench").out
    for case in CASES.values():
        assert f"  {case.name} " in out
        assert case.text in out
    assert [one["name"] for one in json.loads(call("bench", "--json").out)] == list(CASES)


@pytest.mark.parametrize("resolution", ["0.1", "exact"])
@pytest.mark.parametrize(
    ("case", "scale", "low", "high"),
    [("brunel", 0.02, 10, 150), ("cuba", 0.05, 0, 60), ("sparse", 0.005, 0.1, 0.8), ("stdp", 0.02, 5, 150),
     ("relay", 0.1, 950, 1050), ("microcircuit", 0.001, 0.5, 15)],
)  # fmt: skip
def test_a_network_runs_small(call, here, case, scale, low, high, resolution):
    found = report(call, case, "--peer", "none", "--scale", scale, "--duration", 100, "--resolution", resolution)
    assert (found["case"], found["resolution"], found["threads"]) == (case, resolution, 1)
    assert found["peer"] is found["ratio"] is found["rates_agree"] is None
    ours = found["ours"]
    assert low <= ours["rate_hz"] <= high
    out = networks.synapses(CASES[case].network(scale))
    assert ours["synapses"] == round(sum(out.values()))
    sizes_ = networks.cells(CASES[case].network(scale))
    events = sum(ours["rates"][name]["spikes"] * out[name] / sizes_[name] for name in out)
    assert ours["events_per_s"] == pytest.approx(events / ours["wall_s"])
    assert ours["s_per_simulated_s"] == pytest.approx(ours["wall_s"] / 0.1)
    assert ours["bytes_per_synapse"] >= 8  # a target and a weight at least
    assert ours["build_s"] > 0
    assert ours["peak_mb"] > 10


def test_learning_runs_small(call, here):
    found = report(call, "learn", "--scale", 0.02, "--duration", 20)
    assert found["ours"]["examples"] == 20
    assert found["ours"]["events_per_s"] > 0
    assert found["peer_name"] == "numpy"
    assert found["ratio"] == pytest.approx(found["ours"]["examples_per_s"] / found["peer"]["examples_per_s"])


def test_minibatches_run_small_on_a_thread(call, here):
    found = report(call, "learn", "--scale", 0.02, "--duration", 20, "--batch", 8, "--peer", "none")
    assert found["batch"] == 8
    assert found["ours"]["examples"] == 24  # whole minibatches
    said = call("bench", "learn", "--scale", 0.02, "--duration", 8, "--batch", 8, "--peer", "none", "--repeats", 1).out
    assert said.startswith("learn, steps of 1 ms, 1 thread, minibatches of 8, float64")


def test_recording_runs_small(call, here):
    found = report(call, "record", "--scale", 0.01, "--duration", 100)
    n = 1_000 * 100.0 * 0.1
    assert abs(found["ours"]["spikes"] - n) < 5 * n**0.5
    assert found["ours"]["record_s"] == pytest.approx(found["ours"]["traced_s"] - found["ours"]["plain_s"])
    assert found["ours"]["file_mb"] > 0


def test_start_measures_help_and_a_first_spike(call, monkeypatch):
    from neuromorph_cli.benchmarks import start

    asked = []

    def took(command, **environment):
        asked.append((command[1], Path(environment.get("NEUROMORPH_CACHE_DIR", os.curdir)).exists()))
        return float(len(asked)), "3"

    monkeypatch.setattr(start, "took", took)
    found = start.measure({"rehearsal": False, "resolution": "exact", "seed": 1, "threads": 1, "scale": 0.05})
    assert asked == [("-m", True)] * 5 + [("-c", True)] * 4
    assert (found["help_s"], found["cold_s"], found["warm_s"], found["spikes"]) == (3.0, 6.0, 8.0, 3)
    monkeypatch.undo()
    request = json.dumps({"resolution": 0.1, "seed": 1, "threads": 1, "scale": 0.05})
    seconds, last = start.took([sys.executable, "-c", start.FIRST_SPIKE, request], PYTHONPATH=os.pathsep.join(sys.path))
    assert seconds > 0
    assert int(last) > 0


def test_a_peer_is_run_in_turn_and_compared(call, fake):
    arguments = ["sparse", "--peer", "nest", "--peer-python", fake(0.4), "--scale", "0.02", "--duration", "200"]
    found = report(call, *arguments)
    assert found["peer"]["version"] == "fake 1"
    assert found["peer"]["s_per_simulated_s"] == pytest.approx(1.0)
    assert found["ratio"] == pytest.approx(1.0 / found["ours"]["s_per_simulated_s"])
    assert found["ratio_spread"] == [found["ratio"]] * 2
    assert found["cpu_ratio"] is None
    assert found["rates_agree"] is True
    answer = call("bench", *arguments, "--repeats", "1", "--history", "history.jsonl")
    assert "fake 1" in answer.out
    assert "rates agree (4 standard errors" in answer.out
    line = json.loads(Path("history.jsonl").read_text())
    assert line["case"] == "sparse"
    assert line["ratio"] > 0
    assert "rates" not in line["ours"]


def test_rates_that_differ_end_in_an_error(call, fake, here):
    arguments = ["--scale", "0.02", "--duration", "200", "--repeats", "1", "--quiet"]
    answer = call("bench", "sparse", "--peer", "nest", "--peer-python", fake(4.0), *arguments, "--json")
    assert answer.code == 1
    assert "the mean rates disagree: cells 0." in answer.err
    assert "Hz (tolerance " in answer.err
    assert json.loads(answer.out)["rates_agree"] is False


def test_a_peer_that_fails_is_named_with_its_last_words(call, fake, here):
    answer = call("bench", "cuba", "--peer", "nest", "--peer-python", fake(fails=True), "--scale", "0.02", "--quiet")
    assert answer.code == 1
    assert "bench cuba: on_nest.py failed (no such synapse), found 1" in answer.err


def test_what_cannot_be_run_is_refused(refused, fake):
    absent = fake(missing=True)
    said = refused("bench", "cuba", "--peer", "nest", "--peer-python", absent)
    assert "nest is not installed" in said
    assert "pip install 'neuromorph[bench]'" in said
    assert "bench: no such case, found 'brunell'. Did you mean 'brunel'?" in refused("bench", "brunell")
    said = refused("bench", "microcircuit", "--peer", "brian2")
    assert "microcircuit has no such peer, found 'brian2' (allowed: nest, nest-precise, none)" in said
    assert "cuba has no minibatches, found 8 (allowed: the case learn)" in refused("bench", "cuba", "--batch", 8)
    assert "learn does not run so, found 'exact' (allowed: 1)" in refused("bench", "learn", "--resolution", "exact")
    said = refused("bench", "cuba", "--peer", "nest", "--peer-python", "no_such_python")
    assert "--peer-python: cannot be run: No such file or directory, found 'no_such_python'" in said
    said = refused("bench", "cuba", "--peer", "none", "--threads", "4096")
    assert "--threads: more threads than cores, found 4096 (allowed: 1 to " in said


def test_without_a_peer_that_is_what_it_says(call, fake, here):
    answer = call("bench", "cuba", "--peer-python", fake(missing=True), "--scale", "0.02", "--duration", "20",
                  "--repeats", "1")  # fmt: skip
    assert answer.code == 0
    assert "no peer: none was asked for, or none is installed (pip install 'neuromorph[bench]')" in answer.out


def test_a_history_that_cannot_be_written_is_refused(call, here):
    answer = call("bench", "cuba", "--peer", "none", "--scale", "0.02", "--duration", "20", "--repeats", "1",
                  "--quiet", "--history", "absent/history.jsonl")  # fmt: skip
    assert answer.code == 2
    assert "--history: cannot be written: No such file or directory, found 'absent/history.jsonl'" in answer.err


def test_rates_and_their_errors():
    times, cells = np.array([0.5, 1.5, 2.5, 9.5, 5.5]), np.array([0, 0, 0, 1, 2])
    found = statistics.rates(times, cells, {"a": 2, "b": 3}, 0.0, 10.0)
    assert found["a"]["spikes"] == 4
    assert found["a"]["rate_hz"] == pytest.approx(200.0)
    assert found["a"]["error_hz"] == pytest.approx((10 * np.var([1, 1, 1, 0, 0, 0, 0, 0, 0, 1])) ** 0.5 * 50.0)
    assert found["b"]["rate_hz"] == pytest.approx(100 / 3)


def test_irregularity_of_regular_and_of_poisson_spikes():
    regular = np.tile(np.arange(1.0, 101.0), 3), np.repeat(np.arange(3), 100)
    assert statistics.irregularity(*regular) == pytest.approx(0.0, abs=1e-6)
    random = np.random.default_rng(2)
    poisson = np.cumsum(random.exponential(1.0, (20, 2_000)), axis=1).ravel(), np.repeat(np.arange(20), 2_000)
    assert statistics.irregularity(*poisson) == pytest.approx(1.0, abs=0.02)
    assert statistics.irregularity(np.array([1.0, 2.0]), np.array([0, 0])) is None
    assert statistics.irregularity(np.array([1.0]), np.array([0])) is None


def test_disagreements_count_standard_errors():
    ours = {"E": {"rate_hz": 10.0, "error_hz": 0.3}}
    near, far = ({"E": {"rate_hz": 10.0 + 4 * 0.5 + d, "error_hz": 0.4}} for d in (-0.01, 0.01))
    assert statistics.disagreements(ours, near, 0.0) == []
    assert statistics.disagreements(ours, far, 0.0) == ["E 10.000 against 12.010 Hz (tolerance 2.000)"]
    assert statistics.disagreements(ours, far, 0.01) == []


def test_published_rates_are_met_within_five_per_cent():
    assert CASES["microcircuit"].rates(1.0) == microcircuit.RATES
    assert CASES["microcircuit"].rates(0.5) == {}
    assert CASES["brunel"].rates(1.0) == {}
    measured = {"L23E": {"rate_hz": 0.94, "error_hz": 0.001}}
    assert statistics.unpublished(measured, {"L23E": 0.903}) == []
    measured["L23E"]["rate_hz"] = 0.95
    assert statistics.unpublished(measured, {"L23E": 0.903}) == [
        "L23E 0.950 against 0.903 Hz published (tolerance 0.045)"
    ]


def test_the_microcircuit_is_the_published_one():
    network = microcircuit.microcircuit(1.0)
    assert sum(networks.cells(network).values()) == 77_169
    assert sum(networks.synapses(network).values()) == 298_880_968
    assert microcircuit.current(0.15) == pytest.approx(87.8, abs=0.05)
    by_ends = {(p["source"], p["target"]): p["weight"]["normal"] for p in network["projections"]}
    assert by_ends["L4E", "L23E"][0] == pytest.approx(2 * by_ends["L23E", "L23E"][0])
    assert by_ends["L4I", "L4E"][0] == pytest.approx(-4 * by_ends["L4E", "L4E"][0])
    assert ("L6I", "L5I") not in by_ends


def test_bytes_of_synapses_count_each_array_once():
    shared = np.zeros(10, [("slot", "i4"), ("weight", "f4")])
    network = SimpleNamespace(static=(statics := [shared, shared[2:]]), projections=[SimpleNamespace(plasticity=None)])
    assert sizes.synapse_bytes(network) == 80
    statics.append({"delay": (np.zeros(3),)})
    assert sizes.synapse_bytes(network) == 104


def test_medians_are_of_numbers():
    runs = [{"version": "x", "s_per_simulated_s": s, "cpu_s": None} for s in (3.0, 1.0, 2.0)]
    assert compare.median(runs) == {"version": "x", "s_per_simulated_s": 2.0, "cpu_s": None, "runs": [3.0, 1.0, 2.0]}
    found = compare.ratio([{"s": 1.0}, {"s": 2.0}, {"s": 1.0}], [{"s": 4.0}, {"s": 4.0}, {"s": 3.0}], "s", "ratio")
    assert found == {"ratio": 3.0, "ratio_spread": [2.0, 4.0]}


def test_problems_of_processes_and_plans():
    with pytest.raises(InputError, match="more threads than cores"):
        compare.cores(10_000)
    with pytest.raises(RunError, match=r"\(it said nothing\), found 3"):
        compare.answered([sys.executable, "-c", "raise SystemExit(3)"], "", os.sched_getaffinity(0), "here")


def test_a_kick_and_stdp_are_described():
    network = measure.described(networks.relay(0.1))
    assert network.populations["kick"]["params"] == {"times": [0.5]}
    plastic = [d["plasticity"] for _, _, d in measure.described(networks.stdp(0.02)).projections if "plasticity" in d]
    assert [p["rule"] for p in plastic] == ["pair_stdp"]
    assert plastic[0]["params"]["a_minus"] == pytest.approx(1.05 * plastic[0]["params"]["a_plus"])


def test_warmup_compiles_once(call, monkeypatch):
    from neuromorph_cli import warmup

    monkeypatch.setattr(warmup, "MODELS", {"lif_delta": (100.0, -1.0)})
    monkeypatch.setattr(warmup, "RULES", ("pair_stdp",))
    monkeypatch.setattr(warmup, "KINDS", ("wake",))
    call("warmup", "--quiet")
    # tests beside this one may compile into the same folder
    again = (json.loads(call("warmup", "--json", "--quiet").out) for _ in range(6))
    second = next(found for found in again if found["compiled"] == 0)
    assert [(one["name"], one["resolution"]) for one in second["networks"]] == [
        ("lif_delta", 0.1), ("lif_delta", "exact"), ("pair_stdp", 0.1), ("pair_stdp", "exact"),
        ("learning with wake top-down weights", 1.0),
    ]  # fmt: skip
    outs = [call("warmup").out for _ in range(3)]
    assert "pair_stdp" in outs[0]
    assert any("\n0 kernels compiled in" in out for out in outs)

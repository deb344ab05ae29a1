"""neuromorph run: what it prints, what it records, what its options change."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from neuromorph import Network, Simulation, Trace


def test_json_is_one_object_with_the_figures_of_the_run(call, folder):
    answer = call("run", "tiny.toml", "-o", "x.h5", "--json")
    report = json.loads(answer.out)
    assert answer.code == 0
    assert answer.err == ""
    assert {"simulated_ms", "wall_s", "build_s", "spikes", "synaptic_events", "trace"} <= set(report)
    assert (report["simulated_ms"], report["status"], report["trace"]) == (50.0, "complete", "x.h5")
    assert report["wall_s"] > 0
    assert report["build_s"] > 0
    with Trace("x.h5") as trace:
        counts, sizes = trace.counts, trace.populations
        assert report["spikes"] == sum(counts.values()) > 10
        assert report["mean_rate_hz"] == {name: counts[name] / sizes[name] / 0.05 for name in ("E", "I")}
        assert trace.simulated_ms == 50.0
        assert trace.summary()["synaptic_events"] == report["synaptic_events"]
    # every spike of noise and of E makes one synaptic event, those of the last delay aside
    assert 0 <= report["input_spikes"] + counts["E"] - report["synaptic_events"] < 60
    assert sorted(os.listdir()) == ["tiny.toml", "x.h5"]


def test_the_summary_says_what_was_done_in_words(call):
    answer = call("run", "tiny.toml", "-o", "x.h5", "--set", "inputs.noise.params.rate=200 kHz", "--duration", "1.2 s")
    lines = answer.out.splitlines()
    facts = {line[2:19].strip(): line[19:] for line in lines[1:]}
    assert lines[0] == "tiny"
    assert facts["simulated"] == "1,200 ms, steps of 0.1 ms, seed 3"
    assert facts["wall time"].endswith(" s to build")
    with Trace("x.h5") as trace:
        e, i = trace.counts["E"], trace.counts["I"]
        events = trace.summary()["synaptic_events"]
    assert facts["spikes"].startswith(f"{e + i:,}, and ")
    assert facts["spikes"].endswith(" of inputs")
    assert facts["synaptic events"].startswith(f"{events:,} (")
    assert f"{events:,}".count(",") == 1
    assert facts["mean rates"] == f"E {e / 3.6:.3g} Hz, I {i / 1.2:.3g} Hz"
    assert facts["trace"] == "x.h5"


def test_the_summary_leaves_many_populations_to_analyze(call, folder):
    network = Network("many")
    for k in range(10):
        network.add_population(f"p{k}", "lif_delta", 1)
    network.save("many.toml")
    out = call("run", "many.toml", "--duration", 1).out
    assert "p7 0 Hz, and 2 more (neuromorph analyze)" in out
    assert "p8" not in out


def test_quiet_prints_nothing(call):
    assert call("run", "tiny.toml", "-o", "x.h5", "--quiet") == (0, "", "")
    assert Path("x.h5").exists()


def test_without_o_traces_get_free_names(call, folder):
    assert [json.loads(call("run", "tiny.toml", "--json").out)["trace"] for _ in range(2)] == [
        "traces/tiny.h5",
        "traces/tiny-2.h5",
    ]
    Path("traces/tiny-3.h5.part").touch()
    assert json.loads(call("run", "tiny.toml", "--json").out)["trace"] == "traces/tiny-4.h5"


def test_a_folder_traces_made_for_nothing_goes_again(refused, network):
    refused("run", network(("V_th", "V_thh")))
    Path("traces").mkdir()
    refused("run", "changed.toml")
    assert Path("traces").is_dir()


def test_options_win_over_the_file(call):
    call("run", "tiny.toml", "-o", "x.h5", "-q", "--duration", "0.02 s", "--resolution", "exact", "--seed", 9)
    with Trace("x.h5") as trace:
        assert (trace.simulated_ms, trace.resolution_ms, trace.provenance["seed"]) == (20.0, None, 9)
        times = trace.spikes("E")[0]
    simulation = Simulation(Network.load("tiny.toml"), resolution="exact", seed=9)
    simulation.run(20.0)
    np.testing.assert_array_equal(times, simulation.spikes("E")[0])
    assert len(times)
    call("run", "tiny.toml", "-o", "y.h5", "-q", "--resolution", "200 us", "--duration", "1")
    with Trace("y.h5") as trace:
        assert trace.resolution_ms == 0.2


def test_set_changes_values_of_the_file(call):
    call("run", "tiny.toml", "-o", "x.h5", "-q", "--set", "populations.E.size=2", "--set", "inputs.noise.size=2",
         "--set", "projections.noise_E.weight=0", "--set", "run.seed=5")  # fmt: skip
    with Trace("x.h5") as trace:
        assert trace.populations == {"E": 2, "I": 1}
        assert trace.counts == {"E": 0, "I": 0}
        assert {p["source"]: p["weight"] for p in trace.network["projections"]} == {"noise": 0, "E": 4.0}
        assert trace.provenance["seed"] == 5


def test_record_adds_states_weights_and_spikes(call):
    call("run", "tiny.toml", "-o", "x.h5", "-q", "--record", "E.V_m@0.5", "--record", "I[0].V_m@5 ms",
         "--record", "noise.spikes", "--record", "E_I.weight@25", "--record", "E[1:3].spikes")  # fmt: skip
    with Trace("x.h5") as trace:
        state = trace.state("E", "V_m")
        assert state.values.shape == (101, 3)
        assert np.all(np.diff(state.times) == pytest.approx(0.5))
        assert trace.state("I", "V_m").values.shape == (11, 1)
        assert trace.weights("E_I").values.tolist() == [[4.0, 4.0, 4.0]] * 3
        assert trace.counts["noise"] > 100
        assert set(trace.spikes("E")[1]) == {1, 2}


def test_other_network_files_run_as_well(call):
    Network.load("tiny.toml").save("tiny.json")
    Network.load("tiny.toml").save("tiny.graphml")
    spikes = [json.loads(call("run", f"tiny.{kind}", "--json").out)["spikes"] for kind in ("toml", "json", "graphml")]
    assert spikes[0] == spikes[1] == spikes[2] > 0


def test_the_command_is_in_the_trace(start):
    process = start("run", "tiny.toml", "-o", "x.h5", "--duration", "1", "--json")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0
    assert json.loads(out)["simulated_ms"] == 1.0
    assert err == ""  # standard error is no terminal: nothing to draw on
    with Trace("x.h5") as trace:
        assert trace.provenance["command"].endswith("run tiny.toml -o x.h5 --duration 1 --json")


def test_force_replaces_a_trace_at_the_end_alone(call):
    call("run", "tiny.toml", "-o", "x.h5", "-q", "--duration", 5)
    before = Path("x.h5").read_bytes()
    assert call("run", "tiny.toml", "-o", "x.h5", "-q", "--force", "--set", "populations.E.model=nonsense").code == 2
    assert Path("x.h5").read_bytes() == before
    assert call("run", "tiny.toml", "-o", "x.h5", "-q", "--force", "--duration", 7).code == 0
    with Trace("x.h5") as trace:
        assert trace.simulated_ms == 7.0
    assert sorted(os.listdir()) == ["tiny.toml", "x.h5"]


def test_a_run_that_fails_has_exit_code_1_and_keeps_what_it_had(call, monkeypatch):
    from neuromorph.engine.agenda import Agenda
    from neuromorph.errors import Problem, RunError

    run = Agenda.run

    def fail(agenda, now):
        if now > (200, 0.0):  # ticks
            raise RunError(Problem("the disk is full", "x.h5"))
        run(agenda, now)

    with monkeypatch.context() as patch:
        patch.setattr(Agenda, "run", fail)
        answer = call("run", "tiny.toml", "-o", "x.h5")
    assert answer == (1, "", "neuromorph: x.h5: the disk is full\n")
    with Trace("x.h5") as trace:
        assert trace.status == "failed"
        assert trace.simulated_ms > 20  # one call of the kernel goes on for a while


def test_memory_that_does_not_suffice_is_no_traceback(call):
    longest = "--set", "projections.E_I.delay=1e14"
    answer = call("run", "tiny.toml", *longest, "-o", "x.h5")
    assert answer.code == 2
    assert answer.err.startswith("neuromorph: tiny: the run takes about 16 PB of memory. ")
    assert "the largest parts are windows and calendar 16 PB, " in answer.err
    answer = call("run", "tiny.toml", *longest, "-o", "x.h5", "--no-memory-check")
    assert answer.code == 1
    assert answer.err.startswith("neuromorph: out of memory: Unable to allocate")
    assert os.listdir() == ["tiny.toml"]


def test_warnings_are_a_line_on_standard_error(call):
    options = ["--resolution", "exact", "--set", "projections.noise_E.delay=0.005", "--duration", 1, "--json"]
    answer = call("run", "tiny.toml", "-o", "x.h5", *options)
    assert json.loads(answer.out)["simulated_ms"] == 1.0
    assert answer.err == "neuromorph: warning: the smallest delay, 0.005 ms, makes 2e+05 windows a second.\n"


def test_threads_change_nothing(call):
    spikes = []
    for threads in (1, 2):
        assert call("run", "tiny.toml", "-o", f"{threads}.h5", "-q", "--threads", threads).code == 0
        with Trace(f"{threads}.h5") as trace:
            spikes.append(trace.spikes("E"))
    for one, two in zip(*spikes):
        np.testing.assert_array_equal(one, two)
    assert spikes[0][0].size > 0

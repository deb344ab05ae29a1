"""neuromorph why and why-not."""

from __future__ import annotations

import json

import pytest

from neuromorph import Trace
from neuromorph_cli import explained

STATIC, PLASTIC = "asked.h5", "learnt.h5"


@pytest.fixture
def recorded(call, network):
    """A run of the small network, and one whose drive learns."""
    assert call("run", "tiny.toml", "-o", STATIC, "-q").code == 0
    plastic = 'rule = "all_to_all"\nplasticity = { rule = "pair_stdp", w_max = 8.0 }'
    name = network(('rule = "all_to_all"', plastic))
    assert call("run", name, "-o", PLASTIC, "-q", "--record", "E_I.weight@10").code == 0
    with Trace(PLASTIC) as trace:
        times, ids = trace.spikes("I")
    return f"{times[-1]:.9g}"


def test_why_spike(call, recorded):
    answer = call("why", "spike", STATIC, "--neuron", "I/0", "--at", recorded, "--depth", 2, "--most", 4)
    assert answer.code == 0, answer
    lines = answer.out.splitlines()
    assert lines[0].startswith("I/0 fired at ")
    for words in (
        "as recorded",
        "arrivals since",
        "none alone: without any one, a spike within",
        "raised by (mV)",
        "<- E/",
        "noise/",
    ):
        assert words in answer.out
    found = json.loads(call("why", "spike", STATIC, "--neuron", "I/0", "--at", recorded, "--json").out)
    assert found["time_ms"] == found["replayed_ms"] == pytest.approx(float(recorded))
    assert found["causes"][0]["source"] == "E"
    assert len(found["membrane"]["at_ms"]) == len(found["membrane"]["V_m"])
    deep = json.loads(call("why", "spike", STATIC, "--neuron", "I/0", "--at", recorded, "--json", "--depth", 2).out)
    assert deep["causes"][0]["because"]["name"] == deep["causes"][0]["name"]


def test_how_many_were_decisive():
    assert explained._decisive(0, 2.0) == "none alone: without any one, a spike within 2 ms more (tau_m/10)"
    assert explained._decisive(1200, 0.5) == "1,200 of them: without it, no spike within 0.5 ms more (tau_m/10)"


def test_why_spike_draws(call, recorded, folder):
    command = ("why", "spike", STATIC, "--neuron", "I/0", "--at", recorded, "-o", "why.png")
    assert call(*command).code == 0
    assert (folder / "why.png").stat().st_size > 5_000
    again = call(*command)
    assert (again.code, "why.png: the file exists already" in again.err) == (2, True)
    assert call(*command, "--force").code == 0


def test_why_weight(call, recorded):
    answer = call("why", "weight", PLASTIC, "--synapse", "E/1-I/0", "--most", 3)
    assert answer.code == 0, answer
    for words in ("E/1 to I/0 (E_I, pair_stdp)", "recorded weights agree", "on_pre", "pre.x", "the latest 3 (--most)"):
        assert words in answer.out
    (found,) = json.loads(call("why", "weight", PLASTIC, "--synapse", "E/1-I/0", "--json").out)
    with Trace(PLASTIC) as trace:
        assert found["last"] == pytest.approx(float(trace.weights("E_I").values[-1][1]), rel=1e-6)
    assert found["changes"][-1]["after"] == found["last"]


def test_nothing_has_happened_at_a_synapse(call, recorded):
    answer = call("why", "weight", PLASTIC, "--synapse", "E/1-I/0", "--until", "0.1")
    assert (answer.code, "nothing has happened at this synapse" in answer.out) == (0, True)


def test_why_not(call, recorded):
    end = float(recorded) - 0.1
    with Trace(STATIC) as trace:
        times, _ = trace.spikes("I")
    begin = float(times[-2]) + 0.1
    command = ("why-not", STATIC, "--neuron", "I/0", "--from", begin, "--to", end)
    answer = call(*command)
    assert answer.code == 0, answer
    for words in ("I/0 did not fire from", "below threshold", "excitation", "no inhibitory arrival kept it silent"):
        assert words in answer.out
    found = json.loads(call(*command, "--json").out)
    assert found["gap_mV"] > 0
    assert found["factor"] > 1


def test_the_whole_network_again(call, network):
    name = network(("[inputs.noise]", '[[record]]\npopulation = "I"\nvariable = "spikes"\n[inputs.noise]'))
    assert call("run", name, "-o", "x.h5", "-q").code == 0
    with Trace("x.h5") as trace:
        time = float(trace.spikes("I")[0][-1])
    command = ("why", "spike", "x.h5", "--neuron", "I/0", "--at", time)
    refusal = call(*command)
    assert (refusal.code, "E: the trace has not all spikes of a population" in refusal.err) == (2, True)
    assert call(*command, "--whole").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("why", "spike", STATIC, "--neuron", "I/7", "--at", 1), "no such neuron, found 7"),
        (("why", "spike", STATIC, "--neuron", "I/0", "--at", 1e9), "the time is outside the run"),
        (("why", "spike", "no.h5", "--neuron", "I/0", "--at", 1), "no.h5: no such file"),
        (("why", "weight", PLASTIC, "--synapse", "E"), "not a synapse, found 'E' (allowed: FROM-TO, such as"),
        (("why", "weight", PLASTIC, "--synapse", "E/1-J/0"), "unknown population, found 'J'"),
        (("why", "weight", STATIC, "--synapse", "E/1-I/0"), "the synapse does not learn"),
        (("why-not", STATIC, "--neuron", "I/0", "--from", 9, "--to", 3), "the interval is empty"),
    ],
)  # fmt: skip
def test_refusals(refused, recorded, arguments, words):
    assert words in refused(*arguments)


def test_a_foreign_recording_does_not_say_how_it_was_made(refused, folder):
    import h5py
    import numpy as np

    with h5py.File("foreign.h5", "w") as file:
        file.attrs["magic"], file.attrs["version"] = np.uint32(0x0A7A), np.array([0, 1], np.uint32)
        group = file.create_group("spikes/E")
        group["timestamps"], group["node_ids"] = np.array([1.0, 2.0]), np.array([0, 1], np.uint64)
        group["timestamps"].attrs["units"] = "ms"
    words = "foreign.h5: the trace does not say how it was made"
    assert words in refused("why", "spike", "foreign.h5", "--neuron", "E/0", "--at", 1)

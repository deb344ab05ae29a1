"""neuromorph compare: exit code 0 where two traces are the same, 1 where they differ, 2 for bad input."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def traces(call) -> tuple[str, str, str]:
    """Two runs that are the same, and one of another seed."""
    for name, seed in (("a.h5", 3), ("b.h5", 3), ("c.h5", 4)):
        call("run", "tiny.toml", "-o", name, "-q", "--seed", seed, "--duration", "500 ms")
    return "a.h5", "b.h5", "c.h5"


def test_identical(call, traces):
    answer = call("compare", *traces[:2])
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("a.h5 and b.h5 are identical, with ")
    assert answer.out.endswith(" spikes of 2 populations\n")
    found = call("compare", *traces[:2], "--json")
    assert (found.code, json.loads(found.out)["identical"]) == (0, True)
    assert call("compare", *traces[:2], "-q") == (0, "", "")


def test_different(call, traces):
    answer = call("compare", "a.h5", "c.h5")
    assert (answer.code, answer.err) == (1, "")
    said = answer.out.splitlines()
    assert said[0] == "a.h5 and c.h5 differ"
    found = call("compare", "a.h5", "c.h5", "--json")
    first = json.loads(found.out)["first_difference"]
    assert found.code == 1
    times = [f"{time:,.15g} ms" for time in first["times_ms"]]
    ahead = int(first["times_ms"][1] < first["times_ms"][0])
    names = ["a.h5", "c.h5"]
    assert said[1] == (
        f"the first difference: {first['population']}/{first['neuron']} spikes at {times[ahead]} in {names[ahead]}, "
        f"and in {names[1 - ahead]} not before {times[1 - ahead]}"
    )
    assert said[3].split()[:4] == ["population", "spikes", "A", "B"]
    assert said[4].split()[0] == "E"
    assert call("compare", "a.h5", "c.h5", "-q") == (1, "", "")
    assert call("compare", "a.h5", "c.h5", "--to", 0.1).code == 0


def test_a_longer_run(call, traces):
    call("run", "tiny.toml", "-o", "d.h5", "-q", "--duration", "400 ms")
    out = call("compare", "d.h5", "a.h5").out
    assert " in a.h5, and in d.h5 never again" in out
    assert "simulated: 0 to 400 ms beside 0 to 500 ms" in out
    assert call("compare", "d.h5", "a.h5", "--to", 400).code == 0


def test_a_run_that_ended_early(call, folder):
    import numpy as np

    from neuromorph.engine.sink import RunDescription
    from neuromorph.traces import TraceWriter

    for name, status in (("a.h5", "interrupted"), ("b.h5", "complete")):
        writer = TraceWriter(name)
        writer.open(RunDescription(0.1, 0.1, {"E": 3, "I": 1}))
        writer.spikes("E", np.arange(1, 6), np.zeros(5), np.zeros(5, np.int64))
        writer.close({"status": status, "simulated_ms": 30.0})
    out = call("compare", "a.h5", "b.h5").out.splitlines()
    assert out == [
        "a.h5 ended early (interrupted), at 30 ms",
        "a.h5 and b.h5 are identical, with 5 spikes of 2 populations",
    ]


def test_what_cannot_be_compared(refused, traces):
    assert "no such file" in refused("compare", "a.h5", "nowhere.h5")
    assert "not an HDF5 file" in refused("compare", "tiny.toml", "a.h5")
    assert "the interval is empty" in refused("compare", "a.h5", "b.h5", "--from", 600)

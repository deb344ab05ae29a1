"""The ledger of one synapse: it ends at the recorded weight, and each line is the rule's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.errors import InputError, RunError
from neuromorph.why.recording import Recording
from neuromorph.why.weight import why_weight
from why.recordings import DURATION, network, recorded

MODES = pytest.mark.parametrize("resolution", ["exact", 0.1])


@MODES
@pytest.mark.parametrize("rule", ["pair_stdp", "triplet_stdp", "reward_stdp", "stochastic_release"])
def test_every_synapse_ends_at_the_recorded_weight(tmp_path: Any, resolution: Any, rule: str) -> None:
    more = {"signals": ["reward"]} if rule == "reward_stdp" else {}
    net = network(rule, **more)
    path = tmp_path / "asked.h5"
    with Simulation(net, resolution, 3, trace=path) as simulation:
        simulation.run(DURATION)
        synapses = simulation.synapses("loop")
    changed = 0
    with Recording(path) as recording:
        for synapse in synapses[::9]:
            (found,) = why_weight(recording, f"E/{synapse['source']}", f"E/{synapse['target']}")
            assert np.float32(found.last) == synapse["weight"]
            assert found.checked == 13  # readings of the whole run, 10 ms apart
            assert found.first == pytest.approx(found.changes[0].before if found.changes else found.last)
            for one, following in zip(found.changes, found.changes[1:]):
                assert following.before == one.after
                assert following.time_ms >= one.time_ms
            changed += sum(c.change != 0 for c in found.changes)
    assert changed > 0 or rule == "stochastic_release"


def test_lines_are_those_of_pair_stdp(tmp_path: Any) -> None:
    net = Network("pair")
    net.add_population("cell", "lif_delta", 1, {"V_th": 10.0, "E_L": 0.0, "V_reset": 0.0, "tau_m": 10.0})
    net.add_input("pre", "spike_train", 1, {"times": [10.0, 30.0]})
    net.add_input("kick", "spike_train", 1, {"times": [19.0]})
    params = {"tau_plus": 20.0, "tau_minus": 20.0, "a_plus": 0.5, "a_minus": 0.25}
    plasticity = {"rule": "pair_stdp", "params": params, "w_max": 5.0}
    net.connect("pre", "cell", weight=1.0, delay=1.0, plasticity=plasticity, name="learnt")
    net.connect("kick", "cell", weight=20.0, delay=1.0)
    with Recording(recorded(tmp_path, "exact", net, 50.0)) as recording:
        (found,) = why_weight(recording, "pre/0", "cell/0", projection="learnt")
    # at the synapse: pre at 10 and 30 ms, the spike of 20 ms a delay later
    assert [(c.time_ms, c.hook) for c in found.changes] == [(10.0, "on_pre"), (21.0, "on_post"), (30.0, "on_pre")]
    x, y = math.exp(-11.0 / 20.0), math.exp(-9.0 / 20.0)
    assert [c.change for c in found.changes] == pytest.approx([0.0, 0.5 * x, -0.25 * y], rel=1e-6)
    assert found.changes[1].seen["pre.x"] == pytest.approx(x)
    assert (found.source, found.target, found.rule, found.unit) == ("pre/0", "cell/0", "pair_stdp", "mV")
    assert found.last == pytest.approx(1.0 + 0.5 * x - 0.25 * y, rel=1e-6)


def test_up_to_a_time(tmp_path: Any) -> None:
    with Recording(recorded(tmp_path, 0.1, network("pair_stdp"))) as recording:
        whole, part = (_of_first(recording, until) for until in (None, 60.0))
    assert part.changes == tuple(c for c in whole.changes if c.time_ms <= 60.0)
    assert part.checked < whole.checked


def _of_first(recording: Recording, until: float | None) -> Any:
    weights = recording.trace.weights("loop")
    source, target = int(weights.source[0]), int(weights.target[0])
    return why_weight(recording, f"E/{source}", f"E/{target}", until)[0]


@pytest.mark.parametrize(
    ("source", "target", "more", "words"),
    [
        ("I/0", "I/1", {}, "asked.h5: I/0-I/1: no synapse between these two"),
        ("I/0", "E/1", {}, "the synapse does not learn, found 'a weight of -300 all along'"),
        ("E/0", "noise/1", {}, "is an input: it fires by itself"),
        ("E/0", "E/1", {"until_ms": 1e4}, "the time is outside the run, found 10000.0 .allowed: above 0, up to 120 ms"),
        (
            "E/0",
            "E/1",
            {"projection": "other"},
            "no plastic synapse of that projection between these two, found 'other'",
        ),
    ],
)
def test_what_has_no_ledger(tmp_path: Any, source: str, target: str, more: Any, words: str) -> None:
    with Recording(recorded(tmp_path, 0.1, network("pair_stdp"))) as recording:
        weights = recording.trace.weights("loop")
        if source == "E/0":
            source = f"E/{weights.source[0]}"
            target = f"E/{weights.target[0]}" if target == "E/1" else target
        if source == "I/0" and target == "E/1":
            from neuromorph.why.afferents import afferents

            found = afferents(recording, "E", 1)
            names = [found.projections[k].source for k in found.projection]
            source = f"I/{found.source[names.index('I')]}"
        with pytest.raises(InputError, match=words):
            why_weight(recording, source, target, **more)


def test_weights_that_were_set_are_noticed(tmp_path: Any) -> None:
    path = tmp_path / "set.h5"
    with Simulation(network("pair_stdp"), 0.1, 3, trace=path) as simulation:
        simulation.run(5.0)
        simulation.set_weights("loop", 17.0)
        simulation.run(DURATION - 5.0)
    with Recording(path) as recording, pytest.raises(RunError, match="the replay comes to .*, the trace has 17"):
        _of_first(recording, None)

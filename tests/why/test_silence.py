"""Why a neuron did not fire: how close it came, and that what is called enough is."""

from __future__ import annotations

import math
from typing import Any

import pytest

from neuromorph import Network
from neuromorph.errors import InputError
from neuromorph.why.recording import Recording
from neuromorph.why.silence import why_not
from why.recordings import network, recorded

MODES = pytest.mark.parametrize("resolution", ["exact", 0.125])


def quiet(*more: tuple[str, float, float], **params: Any) -> Network:
    """One cell that two arrivals of 4 mV, 2 ms apart, leave below its threshold of 10 mV."""
    net = Network("quiet")
    net.add_population("cell", "lif_delta", 1, {"tau_m": 16.0, "V_th": 10.0, "E_L": 0.0, "V_reset": 0.0, **params})
    for name, weight, time in (("a", 4.0, 3.0), ("b", 4.0, 5.0), *more):
        net.add_input(name, "spike_train", 1, {"times": [time]})
        net.connect(name, "cell", "one_to_one", weight=weight, delay=1.0)
    return net


@MODES
def test_how_close_it_came_and_what_would_have_been_enough(tmp_path: Any, resolution: Any) -> None:
    with Recording(recorded(tmp_path, resolution, quiet(), 20.0)) as recording:
        found = why_not(recording, "cell/0", 1.0, 15.0)
    peak = 4.0 + 4.0 * math.exp(-2.0 / 16.0)
    spacing = 14.0 / 399 if resolution == "exact" else 0.0  # the membrane is looked at so often
    assert found.closest_ms == pytest.approx(6.0, abs=spacing)
    assert found.V_m_mV == pytest.approx(peak, abs=8.0 * spacing / 16.0 + 1e-9)
    assert found.gap_mV == pytest.approx(10.0 - found.V_m_mV)
    assert found.factor == pytest.approx(10.0 / peak, abs=1e-3)
    assert found.factor >= 10.0 / peak
    assert (found.more, found.more_like, found.more_ms) == (1, "a/0", 4.0)
    assert found.arrivals == 2
    assert found.without == ()


@MODES
def test_the_inhibition_that_kept_it_silent(tmp_path: Any, resolution: Any) -> None:
    net = quiet(("stop", -3.0, 4.0), ("c", 4.0, 6.0), ("weak", -0.25, 1.0))
    with Recording(recorded(tmp_path, resolution, net, 20.0)) as recording:
        found = why_not(recording, "cell/0", 1.0, 15.0)
    assert found.without == (("stop/0", 5.0),)


def test_nothing_would_have_been_enough(tmp_path: Any) -> None:
    with Recording(recorded(tmp_path, 0.125, quiet(V_th=1e4), 20.0)) as recording:
        found = why_not(recording, "cell/0", 1.0, 15.0)
    assert math.isnan(found.factor)
    assert found.more == 0


def test_a_cell_that_nothing_reaches(tmp_path: Any) -> None:
    net = network()
    net.add_population("mute", "lif_exp", 2)
    with Recording(recorded(tmp_path, "exact", net)) as recording:
        found = why_not(recording, "mute/1", 10.0, 50.0)
    assert found.arrivals == 0
    assert found.V_m_mV == pytest.approx(-70.0)
    assert math.isnan(found.factor)
    assert (found.more, found.more_like) == (0, "")


def test_an_interval_that_begins_at_an_arrival(tmp_path: Any) -> None:
    with Recording(recorded(tmp_path, "exact", quiet(), 20.0)) as recording:
        found = why_not(recording, "cell/0", 4.0, 15.0)
        late = why_not(recording, "cell/0", 6.0, 15.0)
    assert (found.arrivals, late.arrivals) == (1, 0)  # one at the very beginning is not among them
    assert found.V_m_mV == pytest.approx(4.0 + 4.0 * math.exp(-2.0 / 16.0), abs=0.05)


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        (10.0, 500.0, r"cell/0: the time is outside the run, found 500.0 .allowed: 0 to 20 ms"),
        (-1.0, 10.0, "the time is outside the run, found -1.0"),
        (8.0, 8.0, r"the interval is empty, found 8.0 .allowed: below 8 ms, its end"),
    ],
)
def test_times_that_are_none(tmp_path: Any, begin: float, end: float, words: str) -> None:
    with Recording(recorded(tmp_path, 0.125, quiet(), 20.0)) as recording, pytest.raises(InputError, match=words):
        why_not(recording, "cell/0", begin, end)


def test_a_neuron_that_did_fire(tmp_path: Any) -> None:
    net = quiet(("c", 9.0, 7.0))
    words = "the neuron did fire, found 'a spike at 8 ms'. Ask `neuromorph why spike --neuron cell/0 --at 8`"
    with Recording(recorded(tmp_path, 0.125, net, 20.0)) as recording, pytest.raises(InputError, match=words):
        why_not(recording, "cell/0", 1.0, 15.0)


def test_a_model_without_a_threshold(tmp_path: Any) -> None:
    net = network()
    net.add_population("cycle", "rhythmic", 1)
    words = "cycle/0: the model has no threshold V_th that could be missed, found 'rhythmic'"
    with Recording(recorded(tmp_path, 0.1, net)) as recording, pytest.raises(InputError, match=words):
        why_not(recording, "cycle/0", 1.0, 15.0)

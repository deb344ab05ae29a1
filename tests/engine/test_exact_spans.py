"""Exact mode in spans of windows: drives, small buffers, parts and the length of a span change nothing."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.engine import exact_drives, exact_windows
from neuromorph.engine import simulation as engine
from neuromorph.engine.calendar import Calendar
from neuromorph.kernels.gaps import BLOCK, fill, gap
from neuromorph.kernels.rng import uniform


def noisy(recorded=False, rates=(3000.0, 1500.0)):
    """Excitation and inhibition by Poisson inputs of each cell's own, recurrence with two delays."""
    net = Network("noisy")
    net.add_population("c", "lif_delta", 12, {"tau_m": 20.0, "E_L": 0.0, "V_th": 8.0, "V_reset": 0.0, "t_ref": 1.0})
    for name, weight, rate in (("ex", 0.6, rates[0]), ("in", -0.3, rates[1])):
        net.add_input(name, "poisson", 12, {"rate": rate})
        net.connect(name, "c", "one_to_one", weight, 1.25)
        if recorded:
            net.record(name, "spikes")
    net.connect("c", "c", "fixed_indegree", 0.8, 1.0, indegree=4, name="near")
    net.connect("c", "c", "fixed_indegree", -0.4, 2.75, indegree=4, name="far")
    net.record("c", "spikes")
    net.record("c", "V_m", 10.0)
    return net


def outcome(net, cuts=(), parts=1, duration=120.0, seed=4):
    simulation = Simulation(net, resolution="exact", seed=seed, parts=parts)
    for begin, end in zip([0.0, *cuts], [*cuts, duration]):
        simulation.run(end - begin)
    spikes = b"".join(a.tobytes() for a in simulation.sink.instants("c"))
    return spikes, simulation.sink.states(0)[1].tobytes(), simulation.close()


def test_gaps_come_two_from_a_call_and_the_same_one_by_one():
    block = np.zeros(BLOCK)
    fill(5, 77, 3, 2, block)
    assert [gap(5, 77, 3, 2 * BLOCK + k) for k in range(BLOCK)] == block.tolist()
    # gap j of an even j is the uniform number of counter j // 2
    assert block[4] == pytest.approx(-np.log(1.0 - uniform(5, 77, 3, BLOCK + 2)), rel=1e-15)
    many = np.concatenate([_filled(b) for b in range(2000)])
    assert many.mean() == pytest.approx(1.0, abs=4.0 / np.sqrt(many.size))
    assert np.corrcoef(many[::2], many[1::2])[0, 1] == pytest.approx(0.0, abs=4.0 / np.sqrt(many.size / 2))


def _filled(block):
    out = np.zeros(BLOCK)
    fill(9, 1, 2, block, out)
    return out


def test_drawn_at_the_cell_or_through_the_calendar():
    drawn, through = (
        Simulation(noisy(), resolution="exact", seed=4),
        Simulation(noisy(True), resolution="exact", seed=4),
    )
    assert len(drawn.network.drives) == 2
    assert not through.network.drives
    assert outcome(noisy()) == outcome(noisy(True))
    spikes, _, summary = outcome(noisy())
    assert len(spikes) > 1000
    assert summary["input_spikes"] == pytest.approx(12 * 4.5 * 120.0, rel=0.05)


def test_an_input_that_never_fires():
    assert outcome(noisy(rates=(3000.0, 0.0))) == outcome(noisy(True, rates=(3000.0, 0.0)))


@pytest.mark.parametrize("cuts", [(0.125, 50.3125, 50.375), (1.0, 2.0, 2.75), (33.34375,)])
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_cuts_and_parts_change_nothing(cuts, parts):
    assert outcome(noisy(), cuts, parts) == outcome(noisy())


def test_small_buffers_change_nothing(monkeypatch):
    expected = outcome(noisy())
    monkeypatch.setattr(engine, "Calendar", functools.partial(Calendar, capacity=16))
    monkeypatch.setattr(exact_drives, "ROOM", 4)
    for name, small in (("_make_batches", 1), ("_make_spikes", 1), ("_make_own", 8)):
        make = getattr(exact_windows.ExactWindows, name)
        monkeypatch.setattr(exact_windows.ExactWindows, name, _smaller(make, small))
    assert outcome(noisy()) == expected


def _smaller(make, small):
    return lambda self, n: make(self, small if n in (1 << 10, 1 << 13) else n)


def test_a_reset_drops_what_is_on_its_way():
    ends = []
    for recorded in (False, True):
        simulation = Simulation(noisy(recorded), resolution="exact", seed=4)
        simulation.run(20.3)
        simulation.reset()
        simulation.run(30.0)
        ends.append((simulation.state("c", "V_m").tobytes(), simulation.close()))
    assert ends[0] == ends[1]


def test_weights_of_a_drive_can_be_read_and_set():
    simulation = Simulation(noisy(), resolution="exact", seed=4)
    assert simulation.weights("ex_c").tolist() == [np.float32(0.6)] * 12
    simulation.set_weights("ex_c", 0.0)
    simulation.set_weights("in_c", 0.0)
    simulation.run(50.0)
    assert simulation.close()["spikes"] == 0

"""clopath and adex_clopath beside NEST's clopath_synapse and aeif_psc_delta_clopath (tests/peers/nest_clopath.py)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from library.same_spikes import add_train, peer
from neuromorph import Network, Simulation
from neuromorph.errors import DescriptionError

NEST = peer("nest_clopath.json")
H = 0.1
RENAMED = {"V_th_rest": "V_T_rest", "V_th_max": "V_T_max"}
OF_RULE = {"A_LTD": "a_LTD", "A_LTP": "a_LTP", "theta_minus": "theta_minus", "theta_plus": "theta_plus"}
NOT_OURS = {*OF_RULE, "delay_u_bars", "A_LTD_const", "u_ref_squared", "t_ref"}


def learnt(given, pre, drives, drive_weight, weight, times, delay=H, **change):
    """Weights after each of the times, one synapse and cell for each pair of trains."""
    params = {ours: given[theirs] for theirs, ours in OF_RULE.items()}
    if not given.get("A_LTD_const", True):
        params["u_ref_squared"] = given["u_ref_squared"]
    network = Network("voltage")
    cell = {RENAMED.get(name, name): value for name, value in given.items() if name not in NOT_OURS}
    network.add_population("post", "adex_clopath", len(pre), cell)
    add_train(network, "pre", pre)
    add_train(network, "drive", drives, -H)
    network.connect("drive", "post", "one_to_one", weight=drive_weight, delay=H)
    # a clock of every tick: its value is the tick
    ticks = round(times[-1] / H) + 5
    network.add_signal("clock", start=H, interval=H, count=ticks, first=H, last=H, delay=H)
    plastic = {"rule": "clopath", "params": params | change, "signals": ["clock"], "w_max": 10.0}
    network.connect("pre", "post", "one_to_one", weight=weight, delay=delay, plasticity=plastic, name="learnt")
    simulation, found = Simulation(network, resolution=H), []
    for before, now in pairwise([0.0, *times]):
        simulation.run(now - before)
        found.append(simulation.weights("learnt").astype(float))
    return np.array(found)


@pytest.mark.parametrize("kind", ["depression", "homeostatic"])
def test_depression_is_nests(kind):
    """u_bar_minus (and u_bar_bar) of a delay before, at 130 presynaptic spikes; membrane and filters are linear."""
    q = NEST["linear"]
    found = learnt(q[kind]["cell"], [q["pre"]], [q["drive"]], 16.0, 0.5, q["times"])[:, 0]
    assert found == pytest.approx(q[kind]["weights"], rel=1e-6)


def test_potentiation_is_nests():
    """The sum over ticks of depolarisation and presynaptic trace, under strong input.

    NEST's potentiation waits for the dendritic delay as well, ours does not: our source spikes one delay earlier, and
    what it delivers takes one longer.
    """
    q = NEST["linear"]
    early = [round(t - H, 1) for t in q["pre"]]
    found = learnt(q["potentiation"]["cell"], [early], [q["drive"]], 16.0, 0.5, q["times"], delay=2 * H)[:, 0]
    assert found == pytest.approx(q["potentiation"]["weights"], rel=1e-6)


def test_pairings_depend_on_frequency_as_in_nest():
    """Five pairs at 10 to 50 Hz (Clopath et al. 2010, fig. 2b): potentiation where the presynaptic spike comes first,
    and where it comes last depression that turns into potentiation; each change within 1.5 % of NEST's.

    The upstroke of a spike takes one step of Runge-Kutta here and an adaptive one there.
    """
    protocols = NEST["pairing"]["protocols"]
    pre, drive = [one["pre"] for one in protocols], [one["drive"] for one in protocols]
    ends = [train[-1] for train in pre]
    found = learnt(NEST["pairing"]["cell"], pre, drive, 80.0, 0.5, sorted(set(ends)))
    read = np.array([found[sorted(set(ends)).index(end), k] for k, end in enumerate(ends)])
    expected = np.array([one["weight"] for one in protocols])
    assert read - 0.5 == pytest.approx(expected - 0.5, rel=0.015, abs=2e-4)
    assert np.all(np.diff(read[:5]) > 0.0)
    assert read[5] < 0.5 < read[9]


@pytest.mark.parametrize("name", ["V_reset", "V_T_rest"])
def test_a_cell_that_could_not_spike_is_refused(name):
    network = Network("wrong")
    network.add_population("post", "adex_clopath", 1, {name: 40.0})
    with pytest.raises(DescriptionError, match=f"{name} must be below V_peak, found {name} = 40 mV and V_peak = 33 mV"):
        Simulation(network, resolution=H)

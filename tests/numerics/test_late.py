"""Far into a run nothing is less exact than at its beginning: instants are a whole number and an offset.

A run is saved, moved by 1e9 ms (all whole numbers that count ticks or windows by the same amount), and gone on with:
all that happens then must happen exactly as long after, to the bit.
"""

from __future__ import annotations

import os
from decimal import Context, Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

from neuromorph import Network, Simulation
from neuromorph.engine.cells import LONG_AGO
from neuromorph.engine.resume import restore, snapshot
from neuromorph.kernels import exact as columns

LATE = 1_000_000_000.0  # ms
#: arrays of a checkpoint that hold whole numbers of ticks or windows
COUNTED = ("base", "until", "since", "tick", "epoch", "recent", "wake", "seen_base", "floor_base", "event_base")
NEVER = 1 << 40  # what lies further away is no instant


def network(plastic):
    """Cells under steady currents that excite and inhibit each other, no two of them alike; nothing is random."""
    net = Network("late")
    net.add_population("E", "lif_exp", 40, {"I_e": np.linspace(380.0, 700.0, 40).tolist()})
    net.add_population("I", "lif_delta", 10, {"I_e": np.linspace(200.0, 330.0, 10).tolist()})
    delays = np.linspace(1.0, 4.0, 1560).tolist()
    learnt = {"plasticity": {"rule": "pair_stdp", "params": {"a_plus": 0.3, "a_minus": 0.2}}} if plastic else {}
    net.connect("E", "E", "all_to_all", weight=6.0, delay=delays, **learnt)
    net.connect("E", "I", "all_to_all", weight=0.4, delay=1.5)
    net.connect("I", "E", "all_to_all", weight=-50.0, delay=1.0)
    return net


def moved(saved, by):
    """The arrays of a checkpoint `by` ticks or windows later."""
    out = {}
    for name, values in saved.items():
        last = name.split("/")[-1].removeprefix("source_").removeprefix("history_").removeprefix("synapse_")
        array = np.array(values)
        if last == "rows":
            for column in (columns.LAST_BASE, columns.UNTIL_BASE):
                array[:, column] += np.where(array[:, column] > LONG_AGO / 2, by, 0)
        elif last in COUNTED and not (last == "until" and array.dtype == np.int32):  # those are counted in epochs
            array = np.where(np.abs(array) < NEVER, array + by, array)
        elif last == "place":
            array += by
        out[name] = array
    return out


def instants(simulation, since):
    """Spikes as (base, offset, index) with base counted from `since`."""
    out = {}
    for name in simulation.cells:
        base, offset, index = simulation.sink.instants(name)
        out[name] = [(base - since).tolist(), offset.tolist(), index.tolist()]
    return out


@pytest.mark.parametrize("plastic", [False, True])
@pytest.mark.parametrize("resolution", ["exact", 0.125])
def test_a_thousand_million_ms_later_everything_is_as_exact(resolution, plastic):
    first = Simulation(network(plastic), resolution, 1)
    first.run(40.0)
    saved = snapshot(first)
    unit = first.clock.unit
    rings = [saved[name].shape[0] for name in ("ring", "arrives", "calendar/bucket_start") if name in saved]
    whole = int(np.lcm.reduce([round(1.0 / unit), *rings]))  # places in rings stay what they are
    by = -(-round(LATE / unit) // whole) * whole
    ends = []
    for ahead in (0, by):
        later = Simulation(network(plastic), resolution, 1)
        restore(later, moved(saved, ahead))
        later.run_until(40.0 + ahead * unit + 100.0)
        weights = later.weights(later.network.projections[0].name).tobytes()
        states = [later.state(name, "V_m").tobytes() for name in later.cells]
        ends.append((instants(later, ahead), weights, states, later.synaptic_events))
    assert ends[0] == ends[1]
    assert len(ends[0][0]["E"][0]) > 100
    assert later.time >= LATE


def test_a_clock_of_spikes():
    """A cell under a steady current fires with one period; its spike times are known in closed form.

    1e9 ms take six minutes (windows of 1 ms), with NEUROMORPH_LONG=1; 1e6 ms by default.
    """
    current, t_ref = 400.0, 12345.0
    end = LATE if os.environ.get("NEUROMORPH_LONG") else 1e6
    net = Network("clock")
    net.add_population("cell", "lif_exp", 1, {"I_e": current, "t_ref": t_ref})
    simulation = Simulation(net, "exact", 1)
    simulation.run(end)
    base, offset, _ = simulation.sink.instants("cell")
    p = {name: Decimal(float(v[0])) for name, v in simulation.network.neurons[0].parameters.items()}
    drive, high = Decimal(current) * p["tau_m"] / p["C_m"], p["V_th"] - p["E_L"]
    with localcontext(Context(prec=40)):
        rise = p["tau_m"] * (drive / (drive - high)).ln()
        again = Decimal(t_ref) + p["tau_m"] * ((drive - (p["V_reset"] - p["E_L"])) / (drive - high)).ln()
    found = [Fraction(int(b)) * Fraction(simulation.clock.unit) + Fraction(float(o)) for b, o in zip(base, offset)]
    assert len(found) == int((Decimal(end) - rise) / again) + 1
    for k in (0, 1, len(found) - 1):
        with localcontext(Context(prec=40)):
            error = Decimal(found[k].numerator) / Decimal(found[k].denominator) - (rise + k * again)
        assert abs(error) < Decimal("1e-9")

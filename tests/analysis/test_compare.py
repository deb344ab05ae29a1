"""Two traces beside each other: the same, or where they part, and how far they are apart."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from analysis.trains import random_trains
from neuromorph.analysis import apart, distances, spikes
from neuromorph.analysis.compare import Difference, compare, first_difference
from neuromorph.errors import InputError, TraceError
from neuromorph.traces import Trace, stream


def compared(one, other, **options):
    with Trace(one) as a, Trace(other) as b:
        found = compare(a, b, **options)
    json.dumps(found, allow_nan=False)
    return found


@pytest.mark.parametrize("exact", [False, True])
def test_the_same(write, exact):
    trains = {"E": random_trains(0), "I": random_trains(1)}
    found = compared(write("a.h5", trains, exact=exact), write("b.h5", trains, exact=exact))
    assert found["identical"]
    assert found["first_difference"] is None
    assert [row["identical"] for row in found["populations"]] == [True, True]
    assert found["populations"][0]["spikes"] == [len(trains["E"][0])] * 2


@pytest.mark.parametrize("block", [2, 1 << 20])
def test_the_first_spike_that_differs(write, monkeypatch, block):
    monkeypatch.setattr(stream, "SPIKES", block)
    times, ids = np.arange(1.0, 11.0), np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
    one = write("a.h5", {"E": (times, ids), "I": (times, ids)})

    def moved(k, to, what=times):
        return np.where(np.arange(10) == k, to, what)

    cases = [
        ({"E": (moved(7, 8.5), ids)}, Difference("E", 2, (8.0, 8.5))),
        ({"E": (moved(7, 7.5), ids)}, Difference("E", 2, (8.0, 7.5))),
        ({"E": (times, moved(7, 3, ids))}, Difference("E", 2, (8.0, None))),
        ({"E": (times[:9], ids[:9])}, Difference("E", 4, (10.0, None))),
        ({"E": (np.append(times, 12.0), np.append(ids, 1))}, Difference("E", 1, (None, 12.0))),
        ({"E": (times[1:], ids[1:])}, Difference("E", 0, (1.0, 6.0))),
        ({"E": ([], [])}, Difference("E", 0, (1.0, None))),
    ]
    for k, (changed, expected) in enumerate(cases):
        other = write(f"b{k}.h5", {"I": (times, ids)} | changed)
        with Trace(one) as a, Trace(other) as b:
            found = first_difference(a, b, "E")
            back = first_difference(b, a, "E")
            assert first_difference(a, b, "I") is None
        assert (found.population, found.neuron) == (expected.population, expected.neuron)
        assert found.times_ms == pytest.approx(expected.times_ms)
        assert back.times_ms == found.times_ms[::-1]
        assert compared(one, other)["first_difference"]["neuron"] == expected.neuron


def test_the_earliest_of_all_populations(write):
    times, ids = np.arange(1.0, 11.0), np.zeros(10, np.int64)
    one = write("a.h5", {"A": (times, ids), "B": (times, ids)})
    other = write("b.h5", {"A": (times + (times > 8), ids), "B": (times + (times > 5), ids)})
    found = compared(one, other)
    assert found["first_difference"]["population"] == "B"
    assert found["first_difference"]["times_ms"] == pytest.approx([6.0, 7.0])
    assert compared(one, other, stop_ms=6.0)["identical"]
    assert not compared(one, other, start_ms=6.0)["identical"]


def test_one_bit_of_an_exact_instant(write):
    times, ids = np.array([1.03, 2.07]), np.array([0, 1])
    one = write("a.h5", {"E": (times, ids)}, exact=True)
    other = write("b.h5", {"E": (times, ids)}, exact=True)
    with h5py.File(other, "r+") as file:
        file["spikes/E/offset_ms"][1] = np.nextafter(file["spikes/E/offset_ms"][1], 1.0)
    with Trace(one) as a, Trace(other) as b:
        found = first_difference(a, b, "E")
    assert (found.neuron, found.times_ms[0]) == (1, pytest.approx(2.07))


def test_a_foreign_recording_by_its_times(write, tmp_path):
    """Whatever the order of ties."""
    times, ids = np.array([1.0, 2.0, 2.0, 2.0, 3.0]), np.array([0, 1, 2, 4, 4])
    one = write("a.h5", {"E": (times, ids)}, {"E": 5}, simulated_ms=3.0)
    with h5py.File(tmp_path / "nest.h5", "w") as file:
        group = file.create_group("spikes/E")
        group["timestamps"], group["node_ids"] = times, np.array([0, 4, 1, 2, 4], np.uint64)
        group.attrs["sorting"] = "by_time"
    for block in (1, 2, 10):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stream, "SPIKES", block)
            assert compared(one, tmp_path / "nest.h5")["identical"]
            assert compared(tmp_path / "nest.h5", tmp_path / "nest.h5")["identical"]


def test_what_is_in_one_alone(write):
    times, ids = np.array([1.0]), np.array([0])
    one = write("a.h5", {"E": (times, ids), "I": (times, ids)}, {"E": 3, "I": 2})
    other = write("b.h5", {"E": (times, ids)}, {"E": 4}, simulated_ms=1500.0)
    found = compared(one, other)
    assert not found["identical"]
    assert found["first_difference"] is None
    assert found["other_differences"] == [
        {"what": "population E", "difference": "3 cells beside 4"},
        {"what": "population I", "difference": "only in the first"},
        {"what": "simulated", "difference": "0 to 2000 ms beside 0 to 1500 ms"},
    ]
    with Trace(one) as a, Trace(other) as b, pytest.raises(TraceError, match="no population 'I' in this trace"):
        first_difference(a, b, "I")
    with pytest.raises(InputError, match="the interval is empty, found 1600.0"):
        compared(one, other, start_ms=1600.0)


@pytest.mark.parametrize("numbers", [60, 1 << 20])
def test_everything_else(recorded, write, monkeypatch, numbers):
    monkeypatch.setattr(stream, "NUMBERS", numbers)
    one = recorded("a.h5")
    assert compared(one, recorded("b.h5"))["identical"]
    for k, (change, what, difference) in enumerate(
        [
            ({"state": 1e-12}, "state E.V_m", "from 150 ms on, first in column 1: -300.0 beside -299.999999999999"),
            ({"weight": 0.5}, "weights E_E", "from 200 ms on, first in column 2: 1.0 beside 1.5"),
            ({"reward": 1.0}, "signal reward", "from point 0 on: 1.0 beside 2.0"),
            ({"curve": 0.25}, "learning curve error", "from point 49 on: 0.1 beside 0.35"),
        ]
    ):
        found = compared(one, recorded(f"c{k}.h5", **change))
        assert not found["identical"]
        assert found["other_differences"] == [{"what": what, "difference": difference}]
    bare = write("d.h5", {"E": ([20.0, 50.0, 80.5, 199.9], [0, 3, 3, 5])}, {"E": 6}, 200.0)
    names = [row["what"] for row in compared(one, bare)["other_differences"]]
    assert names == ["state E.V_m", "weights E_E", "signal reward", "learning curve classes", "learning curve error"]
    with h5py.File(shorter := recorded("e.h5"), "r+") as file:
        for name in ("data", "mapping/times"):
            kept = file[f"report/E/V_m/{name}"][:399]
            units = dict(file[f"report/E/V_m/{name}"].attrs)
            del file[f"report/E/V_m/{name}"]
            file[f"report/E/V_m/{name}"] = kept
            file[f"report/E/V_m/{name}"].attrs.update(units)
        file["learning/error"].attrs["units"] = "1"
        del file["report/E/data"]
    found = compared(one, shorter)["other_differences"]
    assert found == [{"what": "state E.V_m", "difference": "more rows in the first"}]
    found = compared(shorter, one)["other_differences"]
    assert found == [{"what": "state E.V_m", "difference": "fewer rows in the first"}]


def test_distances(write):
    trains = [random_trains(0), random_trains(1)]
    one, other = (write(f"{k}.h5", {"E": train}) for k, train in enumerate(trains))
    found = compared(one, other)["populations"][0]["distances"]
    with Trace(one) as a, Trace(other) as b:
        trains = [trace.spikes("E") for trace in (a, b)]
    rates = [spikes.firing_rates(ids, 20, 2000.0) for _, ids in trains]
    assert found["ks_rates"] == pytest.approx(distances.ks_distance(*rates))
    assert found["mean_rate_hz"] == pytest.approx([of.mean() for of in rates])
    assert found["cv_isi"] == pytest.approx([spikes.mean_cv_isi(*train, 20) for train in trains])
    assert found["synchrony"] == pytest.approx([spikes.synchrony(times, 2000.0) for times, _ in trains])
    gaps = [spikes.interspike_intervals(*train)[0] for train in trains]
    assert found["ks_intervals"] == pytest.approx(distances.ks_distance(*gaps), abs=0.03)  # in bins
    assert found["neurons"] == 18
    cut = [[times[ids == k] for times, ids in trains] for k in range(18)]
    pairs = [apart._common(*(train[: apart.MOST] for train in pair)) for pair in cut]
    assert found["van_rossum"] == pytest.approx(np.mean([distances.van_rossum(*pair, 10.0) for pair in pairs]))
    assert found["victor_purpura"] == pytest.approx(np.mean([distances.victor_purpura(*pair, 0.1) for pair in pairs]))


def test_silent_neurons_have_a_rate_of_0(write):
    """One of 20 at 0.5 Hz beside three of them: a tenth more is above 0."""
    one, other = write("a.h5", {"E": ([10.0], [0])}), write("b.h5", {"E": ([10.0, 20.0, 30.0], [0, 1, 2])})
    found = compared(one, other)["populations"][0]["distances"]
    assert found["ks_rates"] == pytest.approx(0.1)
    assert (found["neurons"], found["ks_intervals"], found["cv_isi"]) == (3, None, [None, None])
    assert compared(other, one)["populations"][0]["distances"]["neurons"] == 3
    low = write("c.h5", {"E": (np.arange(1.0, 21.0), np.arange(20))})
    assert compared(one, low)["populations"][0]["distances"]["ks_rates"] == pytest.approx(0.95)


def test_rates_are_per_time_of_each(write):
    one = write("a.h5", {"E": (np.arange(1.0, 21.0), np.arange(20))}, simulated_ms=1000.0)
    twice = np.concatenate([np.arange(1.0, 21.0), np.arange(1001.0, 1021.0)])
    other = write("b.h5", {"E": (twice, np.tile(np.arange(20), 2))}, simulated_ms=2000.0)
    found = compared(one, other)["populations"][0]["distances"]
    assert found["ks_rates"] == 0.0
    assert found["mean_rate_hz"] == [1.0, 1.0]


def test_signals_between_two_times(recorded):
    one, other = recorded("a.h5"), recorded("b.h5", reward=1.0)  # at 20 ms
    assert compared(one, other, stop_ms=20.0)["identical"]
    assert compared(one, other, start_ms=20.1)["identical"]
    assert not compared(one, other, start_ms=20.0, stop_ms=20.1)["identical"]


def test_other_cells_and_other_synapses(recorded):
    one = recorded("a.h5")
    for k, (name, value, what, of) in enumerate(
        [
            ("report/E/V_m/mapping/node_ids", [0, 4], "state E.V_m", "cells"),
            ("weights/E_E/source_node_ids", [0, 1, 3], "weights E_E", "synapses"),
            ("weights/E_E/target_node_ids", [3, 4, 4], "weights E_E", "synapses"),
        ]
    ):
        with h5py.File(other := recorded(f"b{k}.h5"), "r+") as file:
            file[name][...] = value
        expected = [{"what": what, "difference": f"other {of}, or another unit"}]
        assert compared(one, other)["other_differences"] == expected
        assert compared(other, one)["other_differences"] == expected
    with h5py.File(other, "r+") as file:
        file["report/E/V_m"].attrs["units"] = "V"
    assert {"what": "state E.V_m", "difference": "other cells, or another unit"} in compared(one, other)[
        "other_differences"
    ]


def test_long_trains_are_cut_where_both_are_known():
    one, other = np.arange(apart.MOST) * 1.0, np.arange(0.0, 1000.0, 10.0)
    cut = apart._common(one, other)
    assert (len(cut[0]), cut[1][-1]) == (apart.MOST, 290.0)

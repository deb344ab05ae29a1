from __future__ import annotations

import numpy as np
import pytest

from neuromorph.graph.check import describe
from neuromorph.graph.description import RunSpec


def test_run_defaults_and_what_stands_in_their_place(pair):
    assert describe(pair).run == RunSpec(None, 0.1, 1)
    pair.run_settings(duration="1 s", resolution="100 us", seed=7)
    assert describe(pair).run == RunSpec(1000.0, pytest.approx(0.1), 7)
    assert describe(pair, resolution="exact", duration=5.0, seed=0).run == RunSpec(5.0, None, 0)
    pair.run_settings(resolution="exact")
    assert describe(pair).run.resolution is None
    assert describe(pair, resolution=0.5).run.resolution == 0.5


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"duration": -1}, "run.duration: value out of range, found -1.0 (allowed: at least 0 ms)"),
        ({"duration": float("inf")}, "run.duration: value out of range, found inf"),
        ({"resolution": 0}, 'run.resolution: value out of range, found 0.0 (allowed: above 0 ms or "exact")'),
        (
            {"resolution": "exat"},
            "run.resolution: not a tick, found 'exat' (allowed: a time, or \"exact\"). Did you mean 'exact'?",
        ),
        ({"seed": -1}, "run.seed: not a count, found -1"),
        ({"seed": 2**63}, "run.seed: too large, found 9223372036854775808 (allowed: below 2^63)"),
        ({"sed": 1}, "run.sed: unknown key 'sed'. Did you mean 'seed'?"),
    ],
)
def test_mistakes_in_run(messages, pair, settings, words):
    pair.run_settings(**settings)
    assert words in messages(pair)


def test_signals_are_sorted_by_name_and_time(pair):
    pair.add_signal("b", times=["3 ms", 1.0, 1.0], values=[1.0, 3.0, 2.0], delay="2 ms")
    pair.add_signal("a", start=1.0, interval="2 ms", count=3, first=1.0, last=0.0)
    pair.add_signal("c", population="A")
    pair.add_signal("d", times=[5.0])
    a, b, c, d = describe(pair).signals
    np.testing.assert_array_equal(a.times, [1.0, 3.0, 5.0])
    np.testing.assert_array_equal(a.values, [1.0, 0.5, 0.0])
    np.testing.assert_array_equal(b.times, [1.0, 1.0, 3.0])
    np.testing.assert_array_equal(b.values, [2.0, 3.0, 1.0])
    assert (a.population, a.delay, b.delay) == (None, 1.0, 2.0)
    assert (c.population, c.times.size, c.values.size) == ("A", 0, 0)
    np.testing.assert_array_equal(d.values, [1.0])


@pytest.mark.parametrize(
    ("signal", "words"),
    [
        ({}, "signals.r: a signal is sent in one way, found [] (allowed: one of: times (with values), start"),
        ({"times": [1.0], "population": "A"}, "signals.r: a signal is sent in one way, found ['times', 'population']"),
        ({"times": [1.0], "vals": [1]}, "signals.r.vals: unknown key of a signal 'vals'. Did you mean 'values'?"),
        ({"times": [1.0], "values": [1, 2]}, "signals.r: times and values differ in length, found ((1,), (2,))"),
        ({"times": [1.0, -2.0]}, "signals.r.times[1]: value out of range, found -2.0 (allowed: at least 0 ms)"),
        ({"times": [1.0], "values": [float("inf")]}, "signals.r.values: must be finite"),
        ({"times": 1.0}, "signals.r.times: not a list or array, found 1.0"),
        ({"times": ["1 mV"]}, "signals.r.times[0]: unit 'mV' where ms is meant"),
        ({"times": [1.0], "delay": 0}, "signals.r.delay: value out of range, found 0.0 (allowed: above 0 ms)"),
        ({"times": [1.0], "delay": 0.01}, "signals.r.delay: delay under half a tick, found 0.01"),
        ({"start": 1.0, "count": 2}, "signals.r: a series needs 'interval'. Add `interval`."),
        ({"start": 1.0, "interval": 1.0}, "signals.r: a series needs 'count'. Add `count`."),
        ({"start": 1.0, "interval": 0.0, "count": 1}, "signals.r.interval: value out of range, found 0.0"),
        ({"start": -1.0, "interval": 1.0, "count": 1}, "signals.r.start: value out of range, found -1.0"),
        ({"start": 1.0, "interval": 1.0, "count": 1.5}, "signals.r.count: not a count, found 1.5"),
        ({"population": "AA"}, "signals.r.population: unknown population 'AA'. Did you mean 'A'?"),
        ({"population": "I"}, "signals.r.population: 'I' is a current and emits no spikes"),
    ],
)
def test_mistakes_in_a_signal(messages, pair, signal, words):
    pair.graph.graph["signals"] = {"r": signal}
    assert words in messages(pair)


def test_a_table_of_signals_must_be_one(messages, pair):
    pair.graph.graph["signals"] = ["r"]
    assert "signals: not a table of names and values, found ['r']" in messages(pair)


def shown(description):
    return [(r.kind, r.name, r.variable, r.unit, r.interval, r.indices) for r in description.records]


def test_spikes_of_all_neurons_are_recorded_unless_somebody_asks(pair):
    assert shown(describe(pair)) == [
        ("spikes", "A", "spikes", "", 0.0, None), ("spikes", "B", "spikes", "", 0.0, None)
    ]  # fmt: skip
    pair.record("S", "spikes", indices=[3, 1, 1])
    record = describe(pair).records[-1]  # an input's come beside those of the neurons
    assert [r.name for r in describe(pair).records] == ["A", "B", "S"]
    assert (record.name, record.indices.tolist()) == ("S", [1, 3])


def test_records_carry_units_and_intervals(pair):
    pair.connect("A", "B", weight=2.0)
    pair.record("A", "V_m", "0.5 ms", [2, 0])
    pair.record("A", "I_stim")
    pair.record(projection="A_B", interval=10.0, synapses=[49])
    pair.record("B", "spikes")
    records = describe(pair).records
    assert [(r.kind, r.name, r.variable, r.unit, r.interval) for r in records] == [
        ("spikes", "B", "spikes", "", 0.0),
        ("state", "A", "I_stim", "pA", 1.0),
        ("state", "A", "V_m", "mV", 0.5),
        ("weight", "A_B", "weight", "mV", 10.0),
    ]
    assert records[2].indices.tolist() == [0, 2]
    assert records[3].indices.tolist() == [49]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("x", "record[0]: not a table of names and values, found 'x'"),
        ({}, "record[0]: a record is of one thing, found [] (allowed: population, or projection)"),
        (
            {"population": "A", "projection": "A_B"},
            "record[0]: a record is of one thing, found ['population', 'projection']",
        ),
        (
            {"population": "A", "varable": "V_m"},
            "record[0].varable: unknown key of a record 'varable'. Did you mean 'variable'?",
        ),
        ({"population": "A"}, "record[0].variable: no variable is named. Known: I_stim, V_m, spikes."),
        (
            {"population": "A", "variable": "V"},
            "record[0].variable: unknown variable 'V' of tiny. Known: I_stim, V_m, spikes.",
        ),
        (
            {"population": "S", "variable": "V_m"},
            "record[0].variable: unknown variable 'V_m' of source. Known: spikes.",
        ),
        ({"population": "AA", "variable": "V_m"}, "record[0].population: unknown population 'AA'. Did you mean 'A'?"),
        ({"population": ["A"], "variable": "V_m"}, "record[0].population: unknown population '['A']'"),
        (
            {"population": "AA", "variable": "spikes"},
            "record[0].population: unknown population 'AA'. Did you mean 'A'?",
        ),
        ({"population": "I", "variable": "spikes"}, "record[0].population: 'I' is a current and emits no spikes"),
        (
            {"population": "A", "variable": "spikes", "interval": 1},
            "record[0].interval: a record of spikes takes no 'interval'. Leave `interval` out.",
        ),
        (
            {"population": "A", "variable": "V_m", "synapses": [1]},
            "record[0].synapses: a record of a population takes no 'synapses'",
        ),
        ({"projection": "A_B", "indices": [1]}, "record[0].indices: a record of a projection takes no 'indices'"),
        (
            {"population": "A", "variable": "V_m", "indices": [10]},
            "record[0].indices[0]: index out of range, found 10 (allowed: whole numbers from 0 to 9)",
        ),
        ({"population": "A", "variable": "V_m", "interval": 0}, "record[0].interval: value out of range, found 0.0"),
        (
            {"population": "A", "variable": "V_m", "interval": 0.25},
            "record[0].interval: readings fall between ticks, found 0.25 (allowed: a multiple of the "
            "resolution, 0.1 ms)",
        ),
        ({"projection": "A_C"}, "record[0].projection: unknown projection 'A_C'. Did you mean 'A_B'?"),
        ({"projection": "I_A"}, "record[0].projection: unknown projection 'I_A'"),
        ({"projection": ["A_B"]}, "record[0].projection: unknown projection '['A_B']'"),
        (
            {"projection": "A_B", "variable": "delay"},
            "record[0].variable: unknown variable 'delay' of a projection (allowed: weight)",
        ),
        ({"projection": "A_B", "synapses": [50]}, "record[0].synapses[0]: index out of range, found 50"),
    ],
)
def test_mistakes_in_a_record(messages, pair, record, words):
    pair.connect("A", "B")
    pair.connect("I", "A")
    pair.graph.graph["record"] = [record]
    assert words in messages(pair)


def test_the_list_of_records_must_be_one(messages, pair):
    pair.graph.graph["record"] = {"population": "A"}
    assert "record: not a list of records, found {'population': 'A'}" in messages(pair)


def test_records_start_and_stop(messages, pair):
    pair.graph.graph["record"] = [{"population": "A", "variable": "V_m", "start": "1 s", "stop": 2000.0}]
    state = describe(pair).records[-1]
    assert (state.start, state.stop) == (1000.0, 2000.0)
    pair.graph.graph["record"] = [{"population": "A", "variable": "spikes", "start": 2.0, "stop": 2.0}]
    assert messages(pair) == "record[0].stop: a record stops before it starts, found 2.0 (allowed: above 2 ms)"
    pair.graph.graph["record"] = [{"population": "A", "variable": "spikes", "start": -1.0}]
    assert messages(pair) == "record[0].start: value out of range, found -1.0 (allowed: at least 0 ms)"


def test_nothing_is_recorded_twice(messages, pair):
    pair.record("A", "V_m", 1.0, [0])
    pair.record("A", "V_m", 1.0, [1])
    pair.record("A", "V_m", 2.0)
    assert messages(pair) == "record[1]: recorded twice, found 'A V_m'. Join their indices in one entry."


def test_readings_need_no_ticks_in_exact_mode(messages, pair):
    pair.record("A", "V_m", 0.25)
    assert messages(pair, "exact") == ""


def test_a_wrong_projection_makes_no_second_mistake_of_its_record(messages, pair):
    pair.connect("A", "B", delay=0.0)
    pair.record(projection="A_B")
    assert messages(pair) == "projections[0].delay: value out of range, found 0.0 (allowed: above 0 ms)"

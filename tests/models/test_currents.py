"""Currents: their changes and samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuromorph.models.currents import ACCurrent, DCCurrent, NoiseCurrent

LENGTHS = "`amplitudes` and `times` must both be given and have the same length"


def defaults(model, **changed):
    return {name: param.default for name, param in model.parameters().items()} | changed


def test_a_constant_current_starts_and_stops():
    steps = DCCurrent.steps(defaults(DCCurrent, amplitude=100.0, start=10.0, stop=30.0), 2)
    assert [list(column) for column in steps] == [[10.0, 10.0, 30.0, 30.0], [0, 1, 0, 1], [100.0, 100.0, 0.0, 0.0]]


def test_a_current_without_end_has_no_last_change():
    times, channel, value = DCCurrent.steps(defaults(DCCurrent, amplitude=np.array([1.0, 2.0])), 2)
    assert (list(times), list(channel), list(value)) == ([0.0, 0.0], [0, 1], [1.0, 2.0])


def test_channels_with_times_of_their_own_come_in_order_of_time():
    values = defaults(DCCurrent, amplitude=5.0, start=np.array([20.0, 1.0]), stop=np.array([40.0, 20.0]))
    times, channel, value = DCCurrent.steps(values, 2)
    assert list(zip(times, channel, value, strict=True)) == [
        (1.0, 1, 5.0),
        (20.0, 0, 5.0),
        (20.0, 1, 0.0),
        (40.0, 0, 0.0),
    ]


def test_steps_given_by_hand():
    values = defaults(DCCurrent, times=[0.0, 5.0], amplitudes=[1.0, -2.0])
    assert DCCurrent.validate(values) == []
    assert [list(c) for c in DCCurrent.steps(values, 2)] == [[0, 0, 5, 5], [0, 1, 0, 1], [1, 1, -2, -2]]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"start": 5.0, "stop": 5.0}, "start must be below stop, found start = 5 ms and stop = 5 ms"),
        ({"times": [0.0]}, LENGTHS),
        ({"times": [], "amplitudes": []}, LENGTHS),
        ({"times": [1.0], "amplitudes": [1.0, 2.0]}, LENGTHS),
        ({"times": [2.0, 1.0], "amplitudes": [1.0, 2.0]}, "`times` must ascend, from 0 ms or later"),
        ({"times": [-1.0], "amplitudes": [1.0]}, "`times` must ascend, from 0 ms or later"),
        ({"times": [1.0], "amplitudes": [math.nan]}, "`amplitudes` must be finite"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_constant_current(changed, sentence):
    assert DCCurrent.validate(defaults(DCCurrent)) == []
    assert DCCurrent.validate(defaults(DCCurrent, **changed)) == [sentence]


def test_a_sine_has_its_period_phase_and_offset():
    values = defaults(ACCurrent, amplitude=10.0, frequency=np.array([50.0, 100.0]), phase=90.0, offset=1.0)
    assert ACCurrent.resolutions == ("grid",)
    for tick in (1, 17, 100_000):
        t = tick * 0.1
        expected = [1 + 10 * math.cos(2 * math.pi * f * t / 1e3) for f in (50.0, 100.0)]
        np.testing.assert_allclose(ACCurrent.sample(values, 2, tick, 0.1, (1, 2)), expected, atol=1e-10)
    np.testing.assert_array_equal(ACCurrent.sample(defaults(ACCurrent, offset=3.0), 4, 7, 0.1, (1, 2)), [3.0] * 4)


def test_noise_is_held_for_its_interval():
    values = defaults(NoiseCurrent, mean=5.0, std=2.0, interval=1.0)
    samples = [NoiseCurrent.sample(values, 3, tick, 0.25, (1, 2)) for tick in range(1, 10)]
    assert [s is None for s in samples] == [False, True, True, True, False, True, True, True, False]
    assert len({*samples[0], *samples[4], *samples[8]}) == 9
    again = NoiseCurrent.sample(values, 3, 5, 0.25, (1, 2))
    np.testing.assert_array_equal(again, samples[4])
    assert np.all(NoiseCurrent.sample(values, 3, 5, 0.25, (2, 2)) != samples[4])
    # an interval under a tick is a tick
    assert NoiseCurrent.sample(values, 3, 2, 4.0, (1, 2)) is not None


def test_noise_is_normal_and_independent_between_channels_and_intervals():
    values = defaults(NoiseCurrent, mean=5.0, std=2.0, interval=0.1)
    draws = np.array([NoiseCurrent.sample(values, 100, tick, 0.1, (3, 4)) for tick in range(1, 401)])
    normal = (draws - 5.0) / 2.0
    assert normal.mean() == pytest.approx(0, abs=4 / math.sqrt(normal.size))
    assert normal.var() == pytest.approx(1, abs=4 * math.sqrt(2 / normal.size))
    assert np.mean(np.abs(normal) < 1) == pytest.approx(math.erf(math.sqrt(0.5)), abs=0.01)
    for left, right in ((normal[:-1], normal[1:]), (normal[:, :-1], normal[:, 1:])):
        assert np.mean(left * right) == pytest.approx(0, abs=4 / math.sqrt(left.size))

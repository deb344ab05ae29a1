"""Crossings of models that kernels/crossing.py has no shape for: found, the earliest, and exactly there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cell import parameters, state
from neuromorph import Model

TAU = st.floats(0.5, 40.0)
#: a moving threshold that the potential drives, and a bi-exponential current
ADAPTIVE = Model(
    """
    dv/dt = (E_L - v + R*(I + I_0))/tau_m : mV
    dtheta/dt = (V_th - theta + a*(v - E_L))/tau_theta : mV
    dI/dt = y - I/tau_decay : pA
    dy/dt = -y/tau_rise : pA/ms
    """,
    threshold="v > theta",
    reset="v = V_r; theta += b",
    refractory="t_ref",
    name="adaptive",
    parameters={
        "tau_m": "10 ms", "E_L": "-70 mV", "R": "100 MOhm", "V_th": "-55 mV", "V_r": "-70 mV", "t_ref": "2 ms",
        "tau_theta": "50 ms", "a": "0.1 at least 0", "b": "4 mV", "tau_decay": "5 ms", "tau_rise": "1 ms",
        "I_0": "0 pA",
    },
    receptors={"excitatory": "y += w/tau_rise"},
    initial={"theta": "V_th"},
)  # fmt: skip
#: three currents of different time constants, of either sign
THREE = Model(
    """
    dv/dt = (E_L - v)/tau_m + (a + b + c)/C : mV
    da/dt = -a/tau_a : pA
    db/dt = -b/tau_b : pA
    dc/dt = -c/tau_c : pA
    """,
    threshold="v > V_th",
    reset="v = E_L",
    name="three",
    parameters={
        "tau_m": "10 ms", "E_L": "-70 mV", "C": "250 pF", "V_th": "-55 mV", "tau_a": "1 ms", "tau_b": "5 ms",
        "tau_c": "20 ms",
    },
    receptors={"a": "a += w", "b": "b += w", "c": "c += w"},
)  # fmt: skip
#: no leak: the potential is the integral of a current
INTEGRATOR = Model(
    "dv/dt = (I + I_0)/C : mV\ndI/dt = -I/tau : pA",
    threshold="v > V_th",
    reset="v = V_r",
    name="integrator",
    parameters={"C": "100 pF", "I_0": "0 pA", "tau": "5 ms", "V_th": "10 mV", "V_r": "0 mV"},
    receptors={"spikes": "I += w"},
)  # fmt: skip


def check(model, p, s, gap, horizon=60.0):
    """The crossing is the first time at which `advance` shows the gap closed, whatever the horizon."""
    t = model.crossing(s, horizon, p)
    assert model.crossing(s, math.inf, p) == t or t == math.inf
    times = np.linspace(0.0, min(t, horizon), 400)[1:-1]
    before = [gap(type(s)(*model.advance(s, h, p, False)), p) for h in times]
    assert max(before) < 1e-9
    assert model.quiet(s, p) <= t + 1e-9 or t == math.inf
    if t < math.inf:
        assert gap(type(s)(*model.advance(s, t, p, False)), p) == pytest.approx(0.0, abs=1e-9)
    return t


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_with_a_moving_threshold(data):
    near = data.draw(st.sampled_from([1.0, 1.0 + 1e-9, 3.0]))
    tau = data.draw(TAU)
    p = parameters(
        ADAPTIVE, tau_m=tau, tau_decay=data.draw(st.sampled_from([tau * near, 5.0])), tau_rise=data.draw(TAU),
        tau_theta=data.draw(st.sampled_from([tau * near, 50.0])), I_0=data.draw(st.floats(-50.0, 300.0)),
        a=data.draw(st.sampled_from([0.0, 0.3, 2.0])),
    )  # fmt: skip
    draws = {"v": data.draw(st.floats(-90.0, -60.0)), "y": data.draw(st.floats(-300.0, 600.0))}
    draws |= {"I": data.draw(st.floats(-300.0, 300.0)), "theta": data.draw(st.floats(-58.0, -40.0))}
    check(ADAPTIVE, p, state(ADAPTIVE, p, **draws), lambda s, p: s.v - s.theta)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_of_three_currents(data):
    tau = data.draw(TAU)
    same = st.sampled_from([tau, tau * (1 + 1e-10), 1.3, 7.0])
    p = parameters(THREE, tau_m=tau, tau_a=data.draw(same), tau_b=data.draw(same), tau_c=data.draw(same))
    currents = {name: data.draw(st.floats(-3000.0, 3000.0)) for name in "abc"}
    s = state(THREE, p, v=data.draw(st.floats(-80.0, -55.1)), **currents)
    check(THREE, p, s, lambda s, p: s.v - p.V_th)


@pytest.mark.parametrize(
    ("steady", "decaying", "expected"), [(100.0, 0.0, 10.0), (0.0, 199.0, math.inf), (0.0, 201.0, None)]
)
def test_without_a_leak(steady, decaying, expected):
    """v = (I_0 t + I tau (1 - exp(-t/tau)))/C: 199 pA times 5 ms are just less than the 1000 fC to the threshold."""
    p = parameters(INTEGRATOR, I_0=steady)
    t = check(INTEGRATOR, p, state(INTEGRATOR, p, I=decaying), lambda s, p: s.v - p.V_th)
    closed = -5.0 * math.log(1.0 - 1000.0 / (decaying * 5.0)) if expected is None else expected
    assert t == pytest.approx(closed, rel=1e-12)


def test_a_crossing_between_two_far_extrema():
    """The slow current carries the cell over the threshold long after two fast ones have cancelled each other."""
    p = parameters(THREE, tau_a=0.5, tau_b=0.6, tau_c=200.0, tau_m=40.0)
    s = state(THREE, p, v=-70.0, a=-9000.0, b=7000.0, c=160.0)
    t = check(THREE, p, s, lambda s, p: s.v - p.V_th, horizon=400.0)
    assert 30.0 < t < 400.0

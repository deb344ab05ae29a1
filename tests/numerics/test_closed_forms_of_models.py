"""Models against closed forms, and against an integrator with tight tolerances where there are none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from models.cell import R, arrivals, coefficients, parameters, run_grid, state
from neuromorph.models.adex import AdEx
from neuromorph.models.conductance import LifCondExp
from neuromorph.models.izhikevich import Izhikevich
from neuromorph.models.lif import LifAlpha, LifDelta, LifExp


def integrated(slopes, start, times):
    """Solution at `times` by DOP853: float64[variables, times]."""
    # short steps: the solution between them is interpolated
    tight = {"method": "DOP853", "rtol": 1e-13, "atol": 1e-13, "max_step": 0.05}
    return solve_ivp(slopes, (0.0, times[-1]), start, t_eval=times, **tight).y


TIME_CONSTANTS = [(10.0, 2.0, 5.0), (10.0, 10.0, 10.0), (10.0, 10.0 + 1e-9, 2.0), (3.0, 8.0, 8.0), (0.5, 20.0, 0.1)]


@pytest.mark.parametrize("taus", TIME_CONSTANTS, ids=str)
@pytest.mark.parametrize("model", [LifExp, LifAlpha])
def test_linear_neurons_follow_their_equations(model, taus):
    p = parameters(model, tau_m=taus[0], tau_syn_ex=taus[1], tau_syn_in=taus[2], I_e=80.0)
    alpha = {"y_ex": 200.0, "y_in": -70.0} if model is LifAlpha else {}
    s = state(model, p, V_m=-66.0, I_stim=-20.0, I_ex=150.0, I_in=-90.0, **alpha)

    def slopes(t, v):
        v = type(s)(*v)
        dV = -(v.V_m - p.E_L) / p.tau_m + (v.I_ex + v.I_in + p.I_e + v.I_stim) / p.C_m
        ex, inh = -v.I_ex / p.tau_syn_ex, -v.I_in / p.tau_syn_in
        if model is LifExp:
            return dV, 0.0, ex, inh
        return dV, 0.0, -v.y_ex / p.tau_syn_ex, ex + v.y_ex, -v.y_in / p.tau_syn_in, inh + v.y_in

    times = np.arange(301) * 0.1
    exact = integrated(slopes, s, times).T
    np.testing.assert_allclose([model.advance(s, t, p, False) for t in times], exact, rtol=0, atol=1e-10)
    np.testing.assert_allclose(run_grid(model, p, s, 0.1, 300), exact, rtol=0, atol=1e-10)


@pytest.mark.parametrize("current", [376.0, 400.0, 500.0, 1000.0, 5000.0])
def test_rate_under_constant_current_is_the_closed_form(current):
    p = parameters(LifDelta, I_e=current)
    drive = current * p.tau_m / p.C_m
    interval = p.t_ref + p.tau_m * math.log(drive / (drive - 15.0))  # V_reset = E_L, threshold 15 mV above
    for model in (LifDelta, LifExp, LifAlpha):
        q = parameters(model, I_e=current)
        s = state(model, q)
        assert q.t_ref + model.crossing(s, math.inf, q) == pytest.approx(interval, rel=1e-12)
    # on the grid a spike waits for the end of its tick, so that an interval is whole ticks
    c, s, ticks, free = coefficients(LifDelta, p, 0.1), state(LifDelta, p), [], 0
    for tick in range(1, 3001):
        s = type(s)(*LifDelta.propagate(s, c, p, tick <= free))
        if tick >= free and LifDelta.fires(s, p):
            ticks.append(tick)
            s, free = type(s)(*LifDelta.reset(s, p)), tick + 20
    assert set(np.diff(ticks)) == {20 + math.ceil((interval - p.t_ref) / 0.1 - 1e-9)}


def test_delta_arrivals_relax_with_the_membrane_time_constant():
    p = parameters(LifDelta)
    s = state(LifDelta, p)
    s = type(s)(*LifDelta.receive(s, arrivals(LifDelta, delta=3.0), p, False, R(0, 0, 0)))
    for t in (0.1, 1.0, 10.0, 100.0):
        assert LifDelta.advance(s, t, p, False)[0] == pytest.approx(-70 + 3 * math.exp(-t / 10), abs=1e-13)


@pytest.mark.parametrize(("tau_m", "tau"), [(10.0, 2.0), (10.0, 9.0), (5.0, 20.0)])
def test_the_peak_of_an_alpha_psp(tau_m, tau):
    p = parameters(LifAlpha, tau_m=tau_m, tau_syn_ex=tau)
    s = state(LifAlpha, p)
    s = type(s)(*LifAlpha.receive(s, arrivals(LifAlpha, excitatory=100.0), p, False, R(0, 0, 0)))
    rate = 1 / tau_m - 1 / tau

    def psp(t):  # w e/(tau C_m) times the convolution of t exp(-t/tau) with exp(-t/tau_m)
        return 100 * math.e / (tau * 250) * ((math.exp(-t / tau) * (rate * t - 1) + math.exp(-t / tau_m)) / rate**2)

    times = np.arange(1, 4000) * 0.01
    found = np.array([LifAlpha.advance(s, t, p, False)[0] for t in times]) + 70
    np.testing.assert_allclose(found, [psp(t) for t in times], rtol=0, atol=1e-12)
    assert times[np.argmax(found)] == pytest.approx(peak_time(psp), abs=0.01)


def test_the_peak_of_an_alpha_psp_with_equal_time_constants():
    # V = w e/(tau C_m) t^2/2 exp(-t/tau), whose peak is at 2 tau
    p = parameters(LifAlpha, tau_m=4.0, tau_syn_ex=4.0)
    s = state(LifAlpha, p)
    s = type(s)(*LifAlpha.receive(s, arrivals(LifAlpha, excitatory=100.0), p, False, R(0, 0, 0)))
    peak = 100 * math.e / (4 * 250) * 8**2 / 2 * math.exp(-2)
    before, at, after = (LifAlpha.advance(s, 8.0 + d, p, False)[0] + 70 for d in (-0.1, 0.0, 0.1))
    assert at == pytest.approx(peak, rel=1e-13)
    assert before < at > after


def peak_time(f, low=0.0, high=100.0):
    for _ in range(200):
        third = (high - low) / 3
        low, high = (low, high - third) if f(low + third) > f(high - third) else (low + third, high)
    return low


def conductance():
    p = parameters(LifCondExp, I_e=100.0)
    s = state(LifCondExp, p, g_ex=20.0, g_in=30.0)

    def slopes(t, v):
        g_ex, g_in = 20 * math.exp(-t / p.tau_syn_ex), 30 * math.exp(-t / p.tau_syn_in)
        current = p.I_e - p.g_L * (v[0] - p.E_L) - g_ex * (v[0] - p.E_ex) - g_in * (v[0] - p.E_in)
        return (current / p.C_m,)

    return LifCondExp, p, s, slopes, (s.V_m,), 4.0


def izhikevich():
    p = parameters(Izhikevich, I_e=3.0)
    s = state(Izhikevich, p, V_m=-75.0)

    def slopes(t, v):
        return 0.04 * v[0] ** 2 + 5 * v[0] + 140 - v[1] + 3.0, p.a * (p.b * v[0] - v[1])

    return Izhikevich, p, s, slopes, (s.V_m, s.u), 20.0


def adex():
    p = parameters(AdEx, I_e=500.0)
    s = state(AdEx, p, I_ex=300.0, I_in=-200.0)

    def slopes(t, v):
        current = p.I_e + 300 * math.exp(-t / p.tau_syn_ex) - 200 * math.exp(-t / p.tau_syn_in)
        current += p.g_L * p.Delta_T * math.exp((v[0] - p.V_T) / p.Delta_T) - p.g_L * (v[0] - p.E_L) - v[1]
        return current / p.C_m, (p.a * (v[0] - p.E_L) - v[1]) / p.tau_w

    return AdEx, p, s, slopes, (s.V_m, s.w_ad), 20.0


@pytest.mark.parametrize(
    ("setting", "at_a_tenth"), [(conductance, 2e-5), (izhikevich, 4e-7), (adex, 6e-10)], ids=lambda v: str(v)[:20]
)
def test_the_error_of_a_step_falls_with_its_fourth_power(setting, at_a_tenth):
    model, p, s, slopes, start, duration = setting()
    steps, errors = (0.2, 0.1, 0.05), []
    for h in steps:
        found = run_grid(model, p, s, h, round(duration / h))[:, 0]
        errors.append(np.abs(found - integrated(slopes, start, np.arange(found.size) * h)[0]).max())
    order = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert order == pytest.approx(4.0, abs=0.15)
    assert errors[1] < at_a_tenth

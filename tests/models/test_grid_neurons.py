"""The neurons without closed forms, hook by hook."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.cell import R, arrivals, coefficients, compiled, parameters, run_grid, state
from neuromorph.models.adex import AdEx
from neuromorph.models.conductance import LifCondExp
from neuromorph.models.izhikevich import Izhikevich

MODELS = (LifCondExp, Izhikevich, AdEx)
NO_DRAW = R(0, 0, 0)


def spikes(model, p, h, ticks, **initial):
    """Ticks of the spikes of a cell without arrivals, and the states just before their resets."""
    c, s, found = coefficients(model, p, h), state(model, p, **initial), []
    free = 0
    for tick in range(1, ticks + 1):
        s = type(s)(*model.propagate(s, c, p, tick <= free))
        if tick >= free and model.fires(s, p):
            found.append((tick, s))
            s = type(s)(*model.reset(s, p))
            free = tick + round(getattr(p, "t_ref", 0.0) / h)
    return found


@pytest.mark.parametrize("model", MODELS)
def test_they_run_on_the_grid_only(model):
    assert model.resolutions == ("grid",)


@pytest.mark.parametrize("model", MODELS)
def test_compiled_and_uncompiled_hooks_agree_bit_for_bit(model):
    hooks, p = compiled(model), parameters(model, I_e=250.0 if model is not Izhikevich else 6.0)
    c, s = coefficients(model, p, 0.1), state(model, p, V_m=-57.3, I_stim=1.5)
    x = arrivals(model, current=0.5, **{r.name: 0.3 * (r.sign or 1) for r in model.receptors if r.name != "current"})
    for k in range(50):
        assert hooks.propagate(s, c, p, k > 40) == model.propagate(s, c, p, k > 40)
        s = type(s)(*model.propagate(s, c, p, k > 40))
        assert hooks.receive(s, x, p, False, NO_DRAW) == model.receive(s, x, p, False, NO_DRAW)
        s = type(s)(*model.receive(s, x, p, False, NO_DRAW))
        assert hooks.reset(s, p) == model.reset(s, p)
        assert hooks.fires(s, p) == model.fires(s, p)
        if model.fires(s, p):
            s = type(s)(*model.reset(s, p))


def test_conductances_add_up_and_decay_while_the_membrane_is_clamped():
    p = parameters(LifCondExp)
    s = state(LifCondExp, p)
    x = arrivals(LifCondExp, excitatory=3.0, inhibitory=4.0, current=9.0)
    s = type(s)(*LifCondExp.receive(s, x, p, True, NO_DRAW))
    assert (s.V_m, s.I_stim, s.g_ex, s.g_in) == (-70.0, 9.0, 3.0, 4.0)
    after = type(s)(*LifCondExp.propagate(s, coefficients(LifCondExp, p, 0.1), p, True))
    assert after.V_m == -70.0
    assert after.g_ex == pytest.approx(3 * math.exp(-0.1 / 0.2), rel=1e-15)
    assert after.g_in == pytest.approx(4 * math.exp(-0.1 / 2.0), rel=1e-15)


def test_conductances_pull_towards_their_reversal_potentials():
    p = parameters(LifCondExp, tau_syn_ex=1e9, tau_syn_in=1e9, V_th=10.0)
    for g_ex, g_in in ((10.0, 0.0), (0.0, 10.0), (5.0, 20.0)):
        end = run_grid(LifCondExp, p, state(LifCondExp, p, g_ex=g_ex, g_in=g_in), 0.1, 3000)[-1, 0]
        balance = (p.g_L * p.E_L + g_ex * p.E_ex + g_in * p.E_in) / (p.g_L + g_ex + g_in)
        assert end == pytest.approx(balance, abs=1e-5)


def test_conductance_neuron_resets_and_keeps_its_conductances():
    p = parameters(LifCondExp)
    s = state(LifCondExp, p, V_m=-54.0, g_ex=1.0, g_in=2.0, I_stim=3.0)
    assert LifCondExp.fires(s, p) == 1
    assert LifCondExp.reset(s, p) == (-60.0, 3.0, 1.0, 2.0)


def test_izhikevich_rests_where_the_paper_says():
    # the stable fixed point of the default cell: 0.04 V^2 + (5 - b) V + 140 = 0
    p = parameters(Izhikevich)
    end = run_grid(Izhikevich, p, state(Izhikevich, p), 0.1, 10_000)[-1]
    rest = (-(5 - 0.2) - math.sqrt((5 - 0.2) ** 2 - 4 * 0.04 * 140)) / (2 * 0.04)
    assert rest == pytest.approx(-70.0)
    assert end[0] == pytest.approx(rest, abs=1e-6)
    assert end[1] == pytest.approx(0.2 * rest, abs=1e-6)


def test_izhikevich_fires_regularly_and_adapts():
    found = spikes(Izhikevich, parameters(Izhikevich, I_e=10.0), 0.1, 10_000)
    gaps = np.diff([tick for tick, _ in found]) * 0.1
    assert len(found) == pytest.approx(24, abs=3)
    assert gaps[0] < gaps[-1]
    assert np.ptp(gaps[-5:]) < 0.5
    _, before = found[0]
    assert Izhikevich.reset(before, parameters(Izhikevich)) == (-65.0, before.u + 8.0, 0.0)


def test_adex_adapts_by_b_at_each_spike_and_the_step_of_a_spike_leaves_w_alone():
    # without the cut at V_peak an overshooting stage carries w_ad to 1e5 pA and silences the cell for seconds
    fine, coarse = (spikes(AdEx, parameters(AdEx, I_e=800.0), h, round(300 / h)) for h in (0.01, 0.1))
    assert len(fine) == len(coarse) == 7
    for (tick, s), (coarse_tick, coarse_s) in zip(fine, coarse, strict=True):
        assert coarse_tick * 0.1 == pytest.approx(tick * 0.01, abs=0.5)
        assert coarse_s.w_ad == pytest.approx(s.w_ad, abs=0.5)
    p = parameters(AdEx)
    s = coarse[0][1]
    assert AdEx.reset(s, p) == s._replace(V_m=-60.0, w_ad=s.w_ad + 80.5)


def test_adaptation_goes_on_while_the_membrane_is_clamped():
    p = parameters(AdEx, t_ref=5.0, a=4.0)
    s, c = state(AdEx, p, V_m=p.V_reset, w_ad=100.0), coefficients(AdEx, p, 0.1)
    for _ in range(50):
        s = type(s)(*AdEx.propagate(s, c, p, True))
    assert s.V_m == p.V_reset
    steady = p.a * (p.V_reset - p.E_L)
    assert s.w_ad == pytest.approx(steady + (100.0 - steady) * math.exp(-5.0 / p.tau_w), rel=1e-12)


def test_adex_receives_signed_currents():
    p = parameters(AdEx)
    x = arrivals(AdEx, excitatory=5.0, inhibitory=-3.0, current=2.0)
    assert AdEx.receive(state(AdEx, p), x, p, True, NO_DRAW) == (-70.6, 5.0, -3.0, 0.0, 2.0)


@pytest.mark.parametrize(
    ("model", "changed", "sentence"),
    [
        (LifCondExp, {"V_reset": -40.0}, "V_reset must be below V_th, found V_reset = -40 mV and V_th = -55 mV"),
        (Izhikevich, {"c": 31.0}, "c must be below V_th, found c = 31 mV and V_th = 30 mV"),
        (AdEx, {"V_reset": 1.0}, "V_reset must be below V_peak, found V_reset = 1 mV and V_peak = 0 mV"),
        (AdEx, {"V_peak": -51.0}, "V_T must be below V_peak, found V_T = -50.4 mV and V_peak = -51 mV"),
    ],
)
def test_relations_between_parameters(model, changed, sentence):
    values = parameters(model)._asdict()
    assert model.validate(values) == []
    assert model.validate(values | changed) == [sentence]

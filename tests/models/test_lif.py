"""The linear neurons, hook by hook."""

from __future__ import annotations

import collections
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cell import R, arrivals, coefficients, compiled, parameters, state
from neuromorph.models.lif import LifAlpha, LifDelta, LifExp

MODELS = (LifDelta, LifExp, LifAlpha)
CURRENTS = {LifDelta: (), LifExp: ("I_ex", "I_in"), LifAlpha: ("y_ex", "I_ex", "y_in", "I_in")}
TAU = st.floats(0.1, 50.0)


@st.composite
def cells(draw, models=MODELS):
    """A model, its parameters (equal and nearly equal time constants among them) and a state below threshold."""
    model = draw(st.sampled_from(models))
    changed = {"tau_m": draw(TAU), "I_e": draw(st.floats(-500, 500))}
    if model is not LifDelta:
        equal = draw(st.sampled_from([1.0, 1 + 1e-12, 1 + 1e-6, 0.0]))
        changed["tau_syn_ex"] = changed["tau_m"] * equal if equal else draw(TAU)
        changed["tau_syn_in"] = draw(st.sampled_from([changed["tau_syn_ex"], draw(TAU)]))
    p = parameters(model, **changed)
    variables = {name: draw(st.floats(-500, 500)) for name in CURRENTS[model]}
    return model, p, state(model, p, V_m=draw(st.floats(-90, -55.001)), I_stim=draw(st.floats(-100, 100)), **variables)


def scale(s, p):
    """What rounding errors are measured against: the largest of the terms, per variable about 1e-16 of it."""
    return 100 + sum(abs(v) for v in s[1:]) * (1 + p.tau_m / p.C_m) + abs(p.I_e) * p.tau_m / p.C_m


@settings(max_examples=200, deadline=None)
@given(cells(), st.floats(0.01, 10.0), st.booleans())
def test_a_tick_is_the_closed_form_of_its_length(cell, h, clamped):
    model, p, s = cell
    grid = model.propagate(s, coefficients(model, p, h), p, clamped)
    np.testing.assert_allclose(grid, model.advance(s, h, p, clamped), rtol=0, atol=2e-15 * scale(s, p) * (1 + h))


@settings(max_examples=200, deadline=None)
@given(cells(), st.floats(0.0, 20.0), st.floats(0.0, 20.0), st.booleans())
def test_two_steps_are_one_long_step(cell, first, second, clamped):
    model, p, s = cell
    twice = model.advance(type(s)(*model.advance(s, first, p, clamped)), second, p, clamped)
    once = model.advance(s, first + second, p, clamped)
    np.testing.assert_allclose(twice, once, rtol=1e-12, atol=1e-12 * scale(s, p) / 100)


@pytest.mark.parametrize("model", MODELS)
def test_a_cell_at_rest_stays_there_bit_for_bit(model):
    p = parameters(model, E_L=-70.3, tau_m=11.7)
    s = state(model, p)
    assert s.V_m == -70.3
    assert model.propagate(s, coefficients(model, p, 0.1), p, False) == s
    assert model.advance(s, 0.37, p, False) == s


@pytest.mark.parametrize("model", MODELS)
def test_while_clamped_currents_go_on_and_v_does_not(model):
    p = parameters(model, I_e=300.0)
    s = state(model, p, V_m=p.V_reset, **dict.fromkeys(CURRENTS[model], 40.0))
    free, clamped = model.advance(s, 1.5, p, False), model.advance(s, 1.5, p, True)
    assert clamped[0] == p.V_reset < free[0]
    assert clamped[1:] == free[1:]
    grid = model.propagate(s, coefficients(model, p, 1.5), p, True)
    assert grid[0] == p.V_reset
    if model is not LifDelta:
        assert clamped[-1] != s[-1]


def test_delta_input_is_discarded_while_refractory_and_currents_are_not():
    for model in MODELS:
        p = parameters(model)
        s = state(model, p)
        for refractory in (False, True):
            after = type(s)(*model.receive(s, arrivals(model, current=7.0), p, refractory, R(0, 0, 0)))
            assert after.I_stim == 7.0
    p = parameters(LifDelta)
    s, x = state(LifDelta, p), arrivals(LifDelta, delta=1.5)
    assert LifDelta.receive(s, x, p, False, R(0, 0, 0))[0] == -68.5
    assert LifDelta.receive(s, x, p, True, R(0, 0, 0))[0] == -70.0
    p = parameters(LifExp)
    s, x = state(LifExp, p), arrivals(LifExp, excitatory=5.0, inhibitory=-2.0)
    assert LifExp.receive(s, x, p, True, R(0, 0, 0)) == (-70.0, 0.0, 5.0, -2.0)


def test_an_alpha_arrival_peaks_at_its_weight_after_tau_syn():
    p = parameters(LifAlpha, tau_syn_ex=1.7, tau_syn_in=4.0)
    x = arrivals(LifAlpha, excitatory=80.0, inhibitory=-30.0)
    s = state(LifAlpha, p)
    s = type(s)(*LifAlpha.receive(s, x, p, False, R(0, 0, 0)))
    assert s.I_ex == s.I_in == 0.0
    for tau, index, peak in ((1.7, 3, 80.0), (4.0, 5, -30.0)):
        before, at, after = (LifAlpha.advance(s, tau + d, p, False)[index] for d in (-0.01, 0.0, 0.01))
        assert at == pytest.approx(peak, rel=1e-15)
        assert abs(before) < abs(at) > abs(after)


@pytest.mark.parametrize("model", MODELS)
def test_threshold_is_reached_at_v_th_itself_and_reset_keeps_the_rest(model):
    p = parameters(model)
    assert model.fires(state(model, p, V_m=-55.0), p) == 1
    assert model.fires(state(model, p, V_m=math.nextafter(-55.0, -60.0)), p) == 0
    s = state(model, p, V_m=-50.0, I_stim=3.0, **dict.fromkeys(CURRENTS[model], 2.0))
    assert model.reset(s, p) == s._replace(V_m=p.V_reset)


@settings(max_examples=300, deadline=None)
@given(cells(), st.floats(0.0, 30.0))
def test_the_crossing_is_where_advance_reaches_threshold_whatever_the_horizon(cell, horizon):
    model, p, s = cell
    t = model.crossing(s, math.inf, p)
    assert model.crossing(s, horizon, p) == (t if t <= horizon else math.inf)
    end = t if t < math.inf else 20 * p.tau_m
    potentials = [model.advance(s, h, p, False)[0] for h in end * np.linspace(0, 1, 400) ** 2]
    if t < math.inf:
        assert potentials.pop() == pytest.approx(p.V_th, abs=2e-14 * scale(s, p))
    assert max(potentials) < p.V_th + 2e-14 * scale(s, p)


@pytest.mark.parametrize("model", MODELS)
def test_without_enough_drive_there_is_no_crossing(model):
    p = parameters(model, I_e=374.9)  # the rheobase is 375 pA
    assert model.crossing(state(model, p), math.inf, p) == math.inf
    p = parameters(model, I_e=375.1)
    assert model.crossing(state(model, p), math.inf, p) == pytest.approx(10 * math.log(375.1 / 0.1), rel=1e-9)


@settings(max_examples=100, deadline=None)
@given(cells(), st.floats(0.01, 20.0), st.booleans())
def test_hooks_give_the_same_bits_compiled_and_uncompiled(cell, h, flag):
    model, p, s = cell
    hooks, c, x = COMPILED[model], coefficients(model, p, h), arrivals(model, current=1.1, **ARRIVALS[model])
    assert hooks.propagate(s, c, p, flag) == model.propagate(s, c, p, flag)
    assert hooks.advance(s, h, p, flag) == model.advance(s, h, p, flag)
    assert hooks.crossing(s, h, p) == model.crossing(s, h, p)
    assert hooks.receive(s, x, p, flag, R(1, 2, 3)) == model.receive(s, x, p, flag, R(1, 2, 3))
    assert hooks.fires(s, p) == model.fires(s, p)
    assert hooks.reset(s, p) == model.reset(s, p)


COMPILED = {model: compiled(model) for model in MODELS}
ARRIVALS = {LifDelta: {"delta": 0.3}} | dict.fromkeys((LifExp, LifAlpha), {"excitatory": 0.7, "inhibitory": -0.2})


@pytest.mark.parametrize("model", MODELS)
def test_coefficients_of_arrays_have_the_bits_of_single_cells(model):
    tau_m, tau_syn = np.array([10.0, 20.0, 5.0]), np.array([2.0, 20.0, 5.0 + 1e-9])
    changed = {} if model is LifDelta else {"tau_syn_ex": tau_syn}
    several = model.coefficients(parameters(model, tau_m=tau_m, **changed), 0.1)
    assert len(several) == len(model.coefficient_names)
    for k in range(3):
        single = parameters(model, tau_m=tau_m[k], **{n: v[k] for n, v in changed.items()})
        found = [np.broadcast_to(values, 3)[k] for values in several]
        assert found == list(coefficients(model, single, 0.1))


@pytest.mark.parametrize("model", MODELS)
def test_reset_must_lie_below_threshold(model):
    values = parameters(model)._asdict()
    assert model.validate(values) == []
    sentence = "V_reset must be below V_th, found V_reset = -55 mV and V_th = -55 mV"
    assert model.validate(values | {"V_reset": -55.0}) == [sentence]
    several = {"V_reset": np.array([-70.0, -50.0]), "V_th": np.array([-55.0, -52.0])}
    assert model.validate(values | several) == ["V_reset must be below V_th, found V_reset = -50 mV and V_th = -52 mV"]


@pytest.mark.parametrize("model", [LifDelta, LifExp], ids=lambda model: model.name)
@pytest.mark.parametrize("clamped", [False, True])
def test_advance_by_known_decays_gives_the_same_bits(model, clamped):
    p = collections.namedtuple("P", list(model.parameters()))(
        *(q.default + 0.3 * k for k, q in enumerate(model.parameters().values()))
    )
    s = collections.namedtuple("S", list(model.variables()))(*(-60.0 + 7.3 * k for k in range(len(model.variables()))))
    for h in (0.0, 1e-9, 0.37, 3.0, 80.0):
        decays = model.decays(h, p)
        assert len(decays) == len(model.decay_names)
        assert model.advance_by(s, h, decays, p, clamped) == model.advance(s, h, p, clamped)

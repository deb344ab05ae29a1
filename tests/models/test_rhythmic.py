"""A cycle of the cells that learn, computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.cell import R, arrivals, compiled, parameters, state
from neuromorph.kernels.rng import uniform
from neuromorph.models.rhythmic import Rhythmic, RhythmicReadout

MODELS = (Rhythmic, RhythmicReadout)
CELL = R(11, 22, 5)


def at(model, s, p, r=CELL, **sums):
    return type(s)(*model.receive(s, arrivals(model, **sums), p, False, r))


def nudge(p, z, free, nudged, model=Rhythmic, r=CELL):
    """State after one cycle with basal charge z and the apical charges before and after the latch."""
    s = at(model, state(model, p), p, r, start=1.0)
    for sums in ({"basal": z}, {"release": 1.0}, {"apical": free}, {"latch": 1.0}, {"apical": nudged}, {"nudge": 1.0}):
        s = at(model, s, p, r, **sums)
    return s


def test_a_cycle_by_hand():
    p = parameters(Rhythmic, kappa=4.0, cap=1.0, gamma=8.0, tau_mean=10.0)
    u = uniform(11, 22, 5, 1)
    s = at(Rhythmic, state(Rhythmic, p), p, start=1.0)
    assert (s.gate, s.trials, s.u, s.emit) == (1.0, 1.0, u, 0.0)
    s = at(Rhythmic, s, p, basal=0.5)
    s = at(Rhythmic, s, p, basal=0.2, apical=0.25)
    assert (s.z, s.a, Rhythmic.fires(s, p)) == (pytest.approx(0.7), 0.25, 0)
    s = at(Rhythmic, s, p, release=1.0)
    n_free = math.floor(u + 4 * 0.7)
    assert (s.n_free, s.gate, Rhythmic.fires(s, p)) == (n_free, 0.0, n_free)
    s = type(s)(*Rhythmic.reset(s, p))
    assert (s.emit, s.n_free) == (0.0, n_free)
    s = at(Rhythmic, s, p, basal=9.0)  # the gate is closed
    assert s.z == pytest.approx(0.7)
    s = at(Rhythmic, s, p, latch=1.0)
    assert (s.a_free, s.a, s.n_mean, s.a_mean) == (0.25, 0.0, n_free / 10, 0.025)
    s = at(Rhythmic, s, p, apical=0.27)
    s = at(Rhythmic, s, p, nudge=1.0)
    n_nudged = math.floor(u + 4 * (0.7 + 8 * 0.02))
    assert (s.n_nudged, s.change, s.emit) == (n_nudged, n_nudged - n_free, n_nudged)
    after = at(Rhythmic, s, p, start=1.0)
    assert after[:7] == (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
    assert (after.n_mean, after.trials, after.u) == (s.n_mean, 2.0, uniform(11, 22, 5, 2))


def test_phases_of_one_instant_keep_their_order():
    p = parameters(Rhythmic)
    s = state(Rhythmic, p)._replace(z=0.9, a=5.0, n_free=3.0, change=1.0)
    s = at(Rhythmic, s, p, start=1.0, basal=0.5, apical=0.2, release=1.0, latch=1.0, nudge=1.0)
    u = uniform(11, 22, 5, 1)
    assert (s.z, s.a_free, s.a, s.gate) == (0.5, 0.2, 0.0, 0.0)
    assert s.n_free == math.floor(u + 2.0)
    assert s.n_nudged == math.floor(u + 4 * (0.5 - 0.5))  # 8 * (0 - 0.2) is bounded by 0.5
    assert s.emit == s.n_free + s.n_nudged


@pytest.mark.parametrize("z", [0.1, 0.3, 0.5, 0.8])
def test_the_nudge_is_bounded_and_symmetric(z):
    p = parameters(Rhythmic, kappa=2.0**20, cap=1.0, gamma=8.0)  # so fine that counts show charges
    room = min(z, 1 - z)
    for error in (0.0, 0.01, room / 8, 0.2, 5.0):
        up, down = (nudge(p, z, 0.3, 0.3 + e).change / p.kappa for e in (error, -error))
        assert up == pytest.approx(min(8 * error, room), abs=2e-6)
        assert down == pytest.approx(-up, abs=2e-6)


@pytest.mark.parametrize("z", [-0.4, 0.0, 1.0, 1.7])
def test_silent_and_saturated_cells_are_not_nudged(z):
    p = parameters(Rhythmic)
    assert nudge(p, z, 0.0, 3.0).change == 0.0
    assert nudge(p, z, 0.0, -3.0).change == 0.0


def test_a_cell_without_cap_is_bounded_by_its_own_charge():
    p = parameters(Rhythmic, kappa=2.0**20, cap=math.inf)
    assert nudge(p, 3.0, 0.0, 100.0).change / p.kappa == pytest.approx(3.0, abs=2e-6)
    assert nudge(p, 3.0, 0.0, -100.0).change / p.kappa == pytest.approx(-3.0, abs=2e-6)


@pytest.mark.parametrize("poisson", [0.0, 1.0])
def test_without_error_the_counts_are_equal_whatever_u_is(poisson):
    p, q = parameters(Rhythmic, poisson=poisson), parameters(RhythmicReadout, poisson=poisson, blend=0.0)
    free = []
    for entity in range(300):
        s = nudge(p, 0.37, 0.3, 0.3, r=R(1, 2, entity))
        assert s.change == 0.0
        assert nudge(q, 0.37, 0.3, 0.9, RhythmicReadout, R(1, 2, entity)).change == 0.0
        free.append(s.n_free)
    assert np.std(free) > 0.3


@pytest.mark.parametrize("error", [0.02, -0.02])
def test_counts_move_one_way_with_the_error_since_u_is_shared(error):
    for poisson in (0.0, 1.0):
        p = parameters(Rhythmic, poisson=poisson)
        changes = [nudge(p, 0.4, 0.1, 0.1 + error, r=R(3, 4, k)).change for k in range(400)]
        assert np.all(np.sign(changes) * np.sign(error) >= 0)
        assert np.mean(changes) == pytest.approx(4 * 8 * error, abs=0.1)


def test_counts_are_unbiased():
    p = parameters(Rhythmic)
    counts = [nudge(p, 0.4, 0.0, 0.0, r=R(5, 6, k)).n_free for k in range(4000)]
    assert set(counts) == {1.0, 2.0}
    assert np.mean(counts) == pytest.approx(1.6, abs=4 * 0.5 / math.sqrt(4000))


def test_the_poisson_mode_has_the_poisson_distribution():
    p, n = parameters(Rhythmic, poisson=1.0, kappa=6.0), 6000
    counts = np.array([nudge(p, 0.5, 0.0, 0.0, r=R(7, 8, k)).n_free for k in range(n)])
    expected = np.array([math.exp(-3) * 3.0**k / math.factorial(k) for k in range(9)])
    found = np.bincount(counts.astype(int), minlength=9)[:9]
    chi2 = np.sum((found - n * expected) ** 2 / (n * expected))
    assert chi2 < 26.1  # 0.1 % of chi squared with 8 degrees of freedom
    assert counts.var() == pytest.approx(3.0, rel=0.1)


def test_the_readout_carries_activity_and_error_on_one_axon():
    p = parameters(RhythmicReadout, kappa=2.0**20, blend=0.5)
    s = nudge(p, 0.8, 0.0, 1.0, RhythmicReadout)
    rate = 1 / (1 + math.exp(-0.8))
    assert s.n_free / p.kappa == pytest.approx(rate, abs=2e-6)
    assert s.change / p.kappa == pytest.approx(0.5 * (1 - rate), abs=4e-6)
    assert nudge(p._replace(blend=1.0), 0.8, 0.0, -3.0, RhythmicReadout).n_nudged == 0.0
    assert nudge(p, -800.0, 0.0, 0.0, RhythmicReadout).n_free == 0.0


@pytest.mark.parametrize("model", MODELS)
def test_between_arrivals_nothing_happens(model):
    p = parameters(model)
    s = nudge(p, 0.4, 0.1, 0.3, model)
    assert model.advance(s, 3.0, p, False) == s
    assert model.propagate(s, (), p, False) == s
    assert model.crossing(s, 100.0, p) == math.inf
    assert model.refractory == ""
    assert model.resolutions == ("exact", "grid")


@pytest.mark.parametrize("poisson", [0.0, 1.0])
@pytest.mark.parametrize("model", MODELS)
def test_compiled_and_uncompiled_hooks_agree_bit_for_bit(model, poisson):
    hooks, p, names = compiled(model), parameters(model, poisson=poisson), [r.name for r in model.receptors]
    rng, s = np.random.default_rng(9), state(model, p)
    for _ in range(200):
        sums = {name: float(rng.uniform(-0.5, 0.7) * rng.integers(2)) for name in names}
        x = arrivals(model, **sums)
        assert hooks.receive(s, x, p, False, CELL) == model.receive(s, x, p, False, CELL)
        s = type(s)(*model.receive(s, x, p, False, CELL))
        assert hooks.fires(s, p) == model.fires(s, p)
        assert hooks.reset(s, p) == model.reset(s, p)
    assert s.trials > 20


def test_poisson_is_a_switch():
    values = parameters(Rhythmic)._asdict()
    assert Rhythmic.validate(values) == []
    assert Rhythmic.validate(values | {"poisson": np.array([0.0, 0.5])}) == ["poisson must be 0 or 1"]

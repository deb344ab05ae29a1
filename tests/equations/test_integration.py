"""How models are integrated: what is exact, what is not, of which order, and that it is said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from models.cell import coefficients, parameters, run_grid, state
from neuromorph import Model
from neuromorph.equations.integrators import METHODS
from neuromorph.models.registry import check_model

FIRING = {"threshold": "v > 1000*mV", "reset": "v = 0*mV", "refractory": "2 ms"}


def rate_of_convergence(model, steps, duration, reference, **start):
    """Orders measured between neighbouring steps: log of the ratio of errors over that of the steps."""
    p = parameters(model)
    errors = []
    for n in steps:
        end = run_grid(model, p, state(model, p, **start), duration / n, n)[-1]
        errors.append(np.abs(end - reference).max())
    return np.log2(np.array(errors[:-1]) / errors[1:]), errors


@pytest.mark.parametrize("method", list(METHODS))
def test_each_method_has_its_order(method):
    """A membrane with a conductance and a gate, over 4 ms, against an integrator of order 8."""
    model = Model(
        """
        dv/dt = ((E_L - v) + g*(E - v))/tau : mV
        dg/dt = (sigmoid((v + 60*mV)/(5*mV)) - g)/tau_g : 1
        dI/dt = -I/tau : pA
        """,
        name=f"gated_{method}", method=method, **FIRING,
        parameters={"E_L": "-70 mV", "E": "0 mV", "tau": "4 ms", "tau_g": "2 ms"},
    )  # fmt: skip
    check_model(model, "here")
    assert f"({method}, order {METHODS[method][0]}), one step a tick" in model.integration
    assert "dg/dt" in model.integration or "dv/dt" in model.integration
    assert model.integration.endswith("; I exact")

    def slope(t, y):
        return [(-70 - y[0] - y[1] * y[0]) / 4, (1 / (1 + math.exp(-(y[0] + 60) / 5)) - y[1]) / 2, -y[2] / 4]

    end = solve_ivp(slope, (0, 4), [-65.0, 0.5, 100.0], method="DOP853", rtol=1e-13, atol=1e-13).y[:, -1]
    orders, errors = rate_of_convergence(model, (40, 80, 160), 4.0, end, v=-65.0, g=0.5, I=100.0)
    assert orders == pytest.approx([METHODS[method][0]] * 2, abs=0.1)
    assert errors[0] < 0.5


LINEAR = {
    "E_L": "-70 mV", "R": "100 MOhm", "tau_m": "10 ms", "tau_a": "10 ms", "tau_b": "3 ms", "tau_w": "100 ms",
    "a": "2 nS", "k": "0.3 at least 0",
}  # fmt: skip
#: equations, words of the classification, matrix and constant part for the parameters above
SYSTEMS = {
    "of equal time constants": (
        "dv/dt = (E_L - v + R*I)/tau_m : mV\ndI/dt = y - I/tau_a : pA\ndy/dt = -y/tau_a : pA/ms",
        "exact mode: crossings certified, by kernels/crossing.py",
        [[-0.1, 0.01, 0], [0, -0.1, 1], [0, 0, -0.1]],
        [-7.0, 0, 0],
    ),
    "of a chain": (
        """
        dv/dt = (E_L - v + R*I)/tau_m : mV
        dI/dt = y - I/tau_a : pA
        dy/dt = -y/tau_b : pA/ms
        dtheta/dt = k*(v - E_L)/tau_w - theta/tau_w : mV
        """,
        "exact mode: crossings certified, by isolating the roots of a sum of 5 exponentials",
        [[-0.1, 0.01, 0, 0], [0, -0.1, 1, 0], [0, 0, -1 / 3, 0], [0.003, 0, 0, -0.01]],
        [-7.0, 0, 0, 0.21],
    ),
    "in a circle": (
        "dv/dt = (E_L - v + R*(I - w))/tau_m : mV\ndw/dt = (a*(v - E_L) - w)/tau_w : pA\nI : pA",
        "propagated by a matrix exponential; no exact mode: v and w drive each other, so that they may oscillate",
        [[-0.1, -0.01, 0.01], [0.02, -0.01, 0], [0, 0, 0]],
        [-7.0, 1.4, 0],
    ),
    "without a rest": (
        "dv/dt = R*I/tau_m : mV\ndI/dt = (1*pA - I)/tau_b : pA\nclock : 1",
        "exact mode: crossings certified, by isolating the roots of a sum of 3 exponentials",
        [[0, 0.01, 0], [0, -1 / 3, 0], [0, 0, 0]],
        [0, 1 / 3, 0],
    ),
    "of five in a chain": (
        "dv/dt = (E_L - v + R*I)/tau_m : mV\ndI/dt = (b - I)/tau_a : pA\ndb/dt = (c - b)/tau_b : pA\n"
        "dc/dt = (d - c)/tau_w : pA\ndd/dt = -d/tau_m : pA",
        "no exact mode: a chain of more than 4 variables that drive one another",
        [[-0.1, 0.01, 0, 0, 0], [0, -0.1, 0.1, 0, 0], [0, 0, -1 / 3, 1 / 3, 0], [0, 0, 0, -0.01, 0.01],
         [0, 0, 0, 0, -0.1]],
        [-7.0, 0, 0, 0, 0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("which", list(SYSTEMS))
def test_linear_systems_are_exact(which):
    equations, words, matrix, drive = SYSTEMS[which]
    threshold = FIRING | ({"threshold": "v > theta + 1000*mV"} if "theta" in equations else {})
    model = Model(equations, name=which.replace(" ", "_"), parameters=LINEAR, **threshold)
    check_model(model, "here")
    assert model.integration.startswith("exact on the grid: linear with constant coefficients")
    assert words in model.integration
    n = len(drive)
    for clamped in (False, True):
        flow = np.zeros((n + 1, n + 1))
        flow[:n, :n], flow[:n, n] = matrix, drive
        if clamped:
            flow[0] = 0.0
        p = parameters(model)
        start = dict(zip(model.variables(), (-63.0, 80.0, 12.0, 7.0, 3.0)))
        s = state(model, p, **start)
        for h in (0.1, 3.0, 40.0):
            expected = (expm(flow * h) @ [*s, 1.0])[:n]
            c = coefficients(model, p, h)
            np.testing.assert_allclose(model.propagate(s, c, p, clamped), expected, rtol=1e-12, atol=1e-12)
            if "exact" in model.resolutions:
                np.testing.assert_allclose(model.advance(s, h, p, clamped), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("equations", "threshold", "words"),
    [
        ("dv/dt = -v/tau_m : mV", "", "exact mode: it never fires"),
        ("dv/dt = -v/tau_m : mV", "v > 3*mV", "exact mode: crossings in closed form"),
        ("dv/dt = -v/tau_m : mV", "v > 3*mV and v < 9*mV", "no exact mode: the threshold is not one comparison"),
        ("dv/dt = -v/tau_m : mV", "v**2 > 9*mV**2", "no exact mode: the threshold is not linear in v"),
        ("dv/dt = -v*k/ms : mV", "v > 3*mV", "exact mode"),
        ("dv/dt = -v*b/ms : mV", "v > 3*mV", "no exact mode: the sign of the rate b of v is not known"),
        ("dv/dt = -v/tau_m : mV", "R*1*pA > 3*mV", "no exact mode: the reset leaves the cell at its threshold"),
        ("dv/dt = -abs(v)/tau_m : mV", "v > 3*mV", "grid only, by classical Runge-Kutta (rk4, order 4)"),
        ("dv/dt = -g*v/pF : mV\ndg/dt = -g/tau_m : nS", "v > 3*mV", "dv/dt is not linear in g and v; g exact"),
        ("dv/dt = -v*max(k, 1)/ms : mV", "v > 3*mV", "the coefficients of dv/dt hold a function"),
        ("dv/dt = -v*exp(k)/tau_m : mV", "v > 3*mV", "exact mode: crossings in closed form"),
    ],
)
def test_what_is_said_of_the_integration(equations, threshold, words):
    reset = "v = 0*mV" if threshold else ""
    model = Model(equations, threshold, reset, name="said", parameters={**LINEAR, "b": 1.0})
    check_model(model, "here")
    assert words in model.integration
    assert model.resolutions == (("exact", "grid") if "; exact mode" in model.integration else ("grid",))


def test_a_method_may_be_asked_for_where_equations_are_linear():
    texts = {"equations": "dv/dt = (E_L - v + R*I)/tau_m : mV\nI : pA", "parameters": LINEAR}
    model, exact = (Model(name=f"asked_{m}", method=m, **texts) for m in ("heun", "exact"))
    assert model.integration == "grid only, by Heun's method (heun, order 2), one step a tick: as asked for"
    assert exact.resolutions == ("exact", "grid")
    p = parameters(model)
    end = exact.advance(state(exact, p, v=-60.0, I=50.0), 2.0, p, False)
    orders, _ = rate_of_convergence(model, (20, 40), 2.0, end, v=-60.0, I=50.0)
    assert orders == pytest.approx([2.0], abs=0.05)


def test_while_refractory_the_variable_of_the_threshold_stands_still_and_others_go_on():
    equations = "dv/dt = (E_L - v)/tau_m : mV\ndtheta/dt = -theta/tau_w : mV\ndx/dt = (v - E_L)/tau_a : mV"
    model = Model(equations, "v > theta", "v = E_L; theta += 2*mV", "2 ms", name="still", parameters=LINEAR)
    p = parameters(model)
    s = state(model, p, v=-60.0, theta=5.0)
    v, theta, x = model.advance(s, 3.0, p, True)
    assert v == -60.0
    assert theta == pytest.approx(5.0 * math.exp(-0.03), rel=1e-15)
    assert x == pytest.approx(10.0 * 3.0 / 10.0, rel=1e-15)
    flagged = equations.replace("mV\ndx", "mV (unless refractory)\ndx")
    other = Model(flagged, "v > theta", "v = E_L; theta += 2*mV", "2 ms", name="flagged", parameters=LINEAR)
    assert other.advance(s, 3.0, p, True)[1] == 5.0
    assert other.advance(s, 3.0, p, True)[0] != -60.0


def test_units_that_are_not_coherent_count():
    """x in Hz is 1e-3/ms: each spike of weight 1 adds 1/tau = 50 Hz."""
    model = Model(
        "dx/dt = -x/tau + f/tau : Hz", name="rates", parameters={"tau": "20 ms", "f": "7 Hz"},
        receptors={"spikes": "x += w/tau"},
    )  # fmt: skip
    p = parameters(model)
    s = state(model, p)
    arrival = type("X", (), {"spikes": 1.0})
    assert model.receptors[0].unit == "1"
    assert model.receive(s, arrival, p, False, None) == pytest.approx((50.0,))
    assert model.advance(s, 20.0, p, False) == pytest.approx((7.0 * (1 - math.exp(-1.0)),))


def test_functions_are_those_of_mathematics():
    names = "exp(x/3)", "log(2 + x**2)", "sqrt(abs(x))", "sin(x)", "cos(x)", "tanh(x)", "sigmoid(x)", "x**3", "x**-2"
    names += "clip(x, -1, 1)", "where(x > 0, x, 0)", "int(x > 0 or x < -2)", "min(x, 1, 2)", "(2 + x**2)**1.7"
    names += "exprel(x)", "Piecewise((1, x > 1), (2, x > 0), (3, True))", "(1 if x > 0 else 2)", "pi*e"
    model = Model(
        "\n".join(f"df{k}/dt = ({text})/ms : 1" for k, text in enumerate(names)) + "\nx : 1",
        name="functions", method="euler",
    )  # fmt: skip
    for x in (-3.0, -0.1, 0.25, 2.5):
        known = {"x": x, "sigmoid": lambda y: 1 / (1 + math.exp(-y)), "clip": lambda y, a, b: min(max(y, a), b)}
        known |= {"where": lambda c, a, b: a if c else b, "Piecewise": lambda *ps: next(v for v, c in ps if c)}
        known["exprel"] = lambda y: math.expm1(y) / y
        known |= {n: getattr(math, n) for n in ("exp", "log", "sqrt", "sin", "cos", "tanh", "pi", "e")}
        expected = [float(eval(text, known)) for text in names]
        p = parameters(model)
        found = model.propagate(state(model, p, x=x), coefficients(model, p, 1.0), p, False)
        np.testing.assert_allclose(found[:-1], expected, rtol=1e-14, atol=1e-15)


HODGKIN_HUXLEY = {
    "equations": """
        dv/dt = (g_Na*m**3*h*(E_Na - v) + g_K*n**4*(E_K - v) + g_L*(E_L - v) + I_e)/C_m : mV
        dm/dt = a_m*(1 - m) - b_m*m : 1
        dh/dt = a_h*(1 - h) - b_h*h : 1
        dn/dt = a_n*(1 - n) - b_n*n : 1
        a_m = 1/exprel(-(v + 40*mV)/(10*mV))/ms : 1/ms
        b_m = 4*exp(-(v + 65*mV)/(18*mV))/ms : 1/ms
        a_h = 0.07*exp(-(v + 65*mV)/(20*mV))/ms : 1/ms
        b_h = sigmoid((v + 35*mV)/(10*mV))/ms : 1/ms
        a_n = 0.1/exprel(-(v + 55*mV)/(10*mV))/ms : 1/ms
        b_n = 0.125*exp(-(v + 65*mV)/(80*mV))/ms : 1/ms
    """,
    "threshold": "v > 0*mV and m > 2",
    "parameters": {
        "g_Na": "12 uS", "g_K": "3.6 uS", "g_L": "30 nS", "E_Na": "50 mV", "E_K": "-77 mV", "E_L": "-54.387 mV",
        "C_m": "100 pF", "I_e": "1 nA",
    },
    "initial": {"v": "-65 mV", "m": 0.0529, "h": 0.5961, "n": 0.3177},
}  # fmt: skip


@pytest.mark.parametrize(("method", "within"), [("rk4", 1e-6), ("exponential_euler", 0.1)])
def test_the_action_potential_of_hodgkin_and_huxley(method, within):
    """The squid's axon of 1952 at 6.3 degrees, 100 pF of it, under 1 nA: at 6 ms, after its spike."""
    model = Model(name=f"hodgkin_huxley_{method}", method=method, **HODGKIN_HUXLEY)
    check_model(model, "here")

    def slope(t, y):
        v, m, h, n = y
        current = 12e3 * m**3 * h * (50 - v) + 3.6e3 * n**4 * (-77 - v) + 30 * (-54.387 - v) + 1000
        a_m, a_n = (-x / math.expm1(-x) if x else 1.0 for x in ((v + 40) / 10, (v + 55) / 10))
        b_m, b_n = 4 * math.exp(-(v + 65) / 18), 0.125 * math.exp(-(v + 65) / 80)
        a_h, b_h = 0.07 * math.exp(-(v + 65) / 20), 1 / (1 + math.exp(-(v + 35) / 10))
        return [current / 100, a_m * (1 - m) - b_m * m, a_h * (1 - h) - b_h * h, 0.1 * a_n * (1 - n) - b_n * n]

    p = parameters(model)
    found = run_grid(model, p, state(model, p), 0.01, 600)
    times = np.arange(601) * 0.01
    exact = solve_ivp(slope, (0, 6), found[0], method="DOP853", rtol=1e-11, atol=1e-11, t_eval=times).y.T
    assert exact[:, 0].max() > 30.0
    assert abs(found - exact)[-1, 0] < within
    assert abs(times[found[:, 0].argmax()] - times[exact[:, 0].argmax()]) < 0.05

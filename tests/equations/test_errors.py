"""Whatever is wrong with a model's texts is said: where, what, both units, and how to mend it."""

from __future__ import annotations

import math
import sys

import pytest

from models.cell import arrivals, coefficients, parameters, state
from neuromorph import Model
from neuromorph.equations.algebra import sympy
from neuromorph.errors import PluginError

GOOD = {
    "equations": "dv/dt = (E_L - v + R*I)/tau_m : mV\ndI/dt = -I/tau_syn : pA",
    "threshold": "v > V_th",
    "reset": "v = V_r",
    "refractory": "t_ref",
    "parameters": {
        "tau_m": "10 ms", "E_L": "-70 mV", "R": "100 MOhm", "tau_syn": "2 ms", "V_th": "-55 mV", "V_r": "-70 mV",
        "t_ref": "2 ms",
    },
    "receptors": {"excitatory": "I += w"},
    "name": "bad",
}  # fmt: skip
SECOND = "\ndI/dt = -I/tau_syn : pA"


def message(**changed):
    """What the PluginError says of a good model that is changed."""
    with pytest.raises(PluginError) as error:
        Model(**(GOOD | changed))
    return str(error.value)


@pytest.mark.parametrize(
    ("equation", "words"),
    [
        (
            "dv/dt = (E_L - v + I)/tau_m : mV",
            "bad: dv/dt: `E_L - v` is in mV and `I` in pA: they cannot be added. "
            "Divide `I` by something in nS, or check the units: I in pA.",
        ),
        (
            "dv/dt = E_L - v + R*I : mV",
            "bad: dv/dt: `E_L - v + R*I` is in mV, but dv/dt must be in mV/ms. "
            "Divide `E_L - v + R * I` by something in ms, or check the units: E_L in mV, v in mV, R in GOhm, I in pA.",
        ),
        ("dv/dt = (E_L - v)/tau_m + exp(v)*mV/ms : mV", "`v` is in mV, but the argument of exp must be a pure number."),
        ("dv/dt = (E_L - v)/tau_m + 2 : mV", "`(E_L - v) / tau_m` is in mV/ms and `2` in 1: they cannot be added."),
        ("dv/dt = (E_L - max(v, I))/tau_m : mV", "`v` is in mV and `I` in pA: they cannot be compared by max."),
        ("dv/dt = (E_L - v)/tau_m if v > I else 0 : mV", "`v` is in mV and `I` in pA: they cannot be compared."),
        ("dv/dt = where(v > E_L, v/ms, v) : mV", "`v / ms` is in mV/ms and `v` in mV: they cannot be results of one"),
        ("dv/dt = v**v/ms : mV", "`v` is in mV, but an exponent must be a pure number. Divide by something in mV."),
        ("dv/dt = v**(I/pA)/ms : mV", "`v` is in mV, so its exponent must be a plain number, found 'I / pA'"),
        ("dv/dt = v > E_L : mV", "bad: dv/dt: is a condition where a value is meant, found 'v > E_L'"),
        ("dv/dt = (v > E_L)*mV/ms : mV", "`v > E_L` is a condition, not a value. For 1 or 0 write int(v > E_L)."),
        ("dv/dt = where(v, E_L, v)/ms : mV", "bad: dv/dt: `v` is no condition"),
        ("dv/dt = Piecewise((v, v > E_L))/ms : mV", "Piecewise is not defined everywhere"),
        ("dv/dt = Piecewise(v)/ms : mV", "Piecewise takes pairs (value, condition), found 'Piecewise(v)'"),
        (
            "dv/dt = (E_L - V)/tau_m : mV ",
            "bad: dv/dt: `V` is a unit and no quantity of this name. For the unit",
        ),
        ("dv/dt = (E_L - vv)/tau_m : mV", "bad: dv/dt: unknown name 'vv'"),
        ("dv/dt = (E_l - v)/tau_m : mV", "unknown name 'E_l'. Did you mean 'E_L'?"),
        ("dv/dt = E_L*sin(t)/ms : mV", "unknown name 't'. Equations do not know the time: make it a variable"),
        ("dv/dt = tanhh(1)*mV/ms : mV", "bad: dv/dt, column 1: unknown function 'tanhh'. Did you mean 'tanh'?"),
        ("dv/dt = v*exp(1, 2)/ms : mV", "bad: dv/dt, column 3: exp takes 1 arguments, found 'exp(1, 2)'"),
        ("dv/dt = v*min(1)/ms : mV", "min takes at least 2 arguments"),
        ("dv/dt = (E_L - v/tau_m : mV", "bad: dv/dt: cannot be read at column 1: '(' was never closed"),
        ("dv/dt = (E_L - v) +* 2 : mV", "bad: dv/dt: cannot be read at column 12: invalid syntax"),
        (
            "dv/dt = v^2/ms : mV",
            "bad: dv/dt, column 1: BitXor is not allowed in an expression, found 'v^2/ms'. For",
        ),
        ("dv/dt = v.real/ms : mV", "bad: dv/dt, column 1: Attribute is not allowed in an expression"),
        ("dv/dt = __import__('os') : mV", "unknown function '__import__'"),
        ("dv/dt = (lambda v, k=1, E_L=2, *a, **b:v)(1) : mV", "unknown unit 'v', found 'v)(1) : mV'"),
        ("dv/dt = [v][0]/ms : mV", "Subscript is not allowed in an expression"),
        ("dv/dt = 'v' : mV", "bad: dv/dt, column 1: is no number, found 'v'"),
        ("dv/dt = 1e999*mV/ms : mV", "bad: dv/dt, column 1: is no number, found inf"),
        ("dv/dt = v/0/ms : mV", "bad: dv/dt: division by 0, found 'v / 0'"),
        ("dv/dt = " + "(" * 300 + "v" + ")" * 300 + "/ms : mV", "bad: dv/dt: cannot be read at column 201: too many"),
        ("dv/dt = " + "+".join(["v"] * 300) + " : mV", "bad: dv/dt: is nested more than 100 levels deep"),
        ("dv/dt = " + "+".join(["v"] * 3000) + " : mV", "bad: dv/dt: is longer than 4000 characters"),
        ("dv/dt = (E_L - v)/tau_m : V", "bad: dv/dt: unit 'V' is not canonical. Write mV."),
        ("dv/dt = (E_L - v)/tau_m : volt", "bad: dv/dt: unknown unit 'volt', found 'volt'"),
        ("dv/dt = (E_L - v)/tau_m : (mV)", "bad: dv/dt: unknown flag 'mV' (allowed: \"unless refractory\""),
        ("dv/dt = (E_L - v)/tau_m", "the unit is missing. Write the unit behind it"),
        ("v' = (E_L - v)/tau_m : mV", 'bad: not an equation, found "v\' = (E_L - v)/tau_m : mV"'),
        ("dv/dt = : mV", "bad: not an equation, found 'dv/dt = : mV'"),
        ("dv/dt = 0 : mV\nv = E_L : mV", "bad: 'v' is defined twice. Rename one, or leave it out."),
        ("dv/dt = a/ms : mV\na = b : mV\nb = a : mV", "bad: a, b are defined by each other. Write one of them as an"),
        ("v = E_L : mV\nI = 1*pA : pA", "bad: there is no variable. Write an equation `dv/dt = ... : mV`."),
        ("dv/dt = 0 : mV\ndfires/dt = 0 : 1", "bad: 'fires' is a word of the contract. Rename it."),
        ("dv/dt = 0 : mV\ndlambda/dt = 0 : 1", "bad: 'lambda' is no name of a quantity. Rename it."),
        ("dv/dt = 0 : mV\ndexp/dt = 0 : 1", "bad: 'exp' is a function. Rename it."),
        ("dv/dt = 0 : mV\ndE_L/dt = 0 : mV", "bad: 'E_L' is both a parameter and a variable. Rename one."),
    ],
)
def test_equations(equation, words):
    second = "" if "I" in equation.split("\n")[-1].split("/dt")[0] else SECOND
    assert words in message(equations=equation + ("" if equation.endswith("tau_m") else second))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"threshold": "v"},
            "bad: threshold: is no condition, found 'v' (allowed: a comparison, such as",
        ),
        ({"threshold": "v > I"}, "bad: threshold: `v` is in mV and `I` in pA: they cannot be compared."),
        ({"threshold": "v >> V_th"}, "RShift is not allowed in an expression"),
        (
            {"reset": "v = I"},
            "bad: reset: v = I: `I` is in pA, but what = takes must be in mV. Divide `I` by",
        ),
        ({"reset": "v := 3"}, "bad: reset: not a statement, found 'v := 3' (allowed: NAME = EXPRESSION, or with +="),
        ({"reset": "V_th += 3*mV"}, "bad: reset: 'V_th' is not a variable that can be set. Known: I, v."),
        ({"reset": "v *= 2*mV"}, "`2*mV` is in mV, but what *= takes must be in 1"),
        ({"refractory": "t_rest"}, "bad: refractory: unknown parameter 't_rest'. Did you mean 't_ref'?"),
        ({"refractory": "E_L"}, "bad: refractory: 'E_L' is in mV. Use ms."),
        ({"initial": {"v": "tau_m"}}, "bad: initial v: parameter 'tau_m' is in ms, but v in mV"),
        ({"equations": GOOD["equations"].replace("v", "v_"), "threshold": ""}, "'v_' is no name of a quantity"),
        ({"refractory": "2 times"}, "unknown unit 'times'"),
        ({"receptors": {"excitatory": "v = w"}}, "bad: receptor excitatory: `v = w` is not proportional to w"),
        ({"receptors": {"excitatory": "v += w**2"}}, "`v += w**2` is not proportional to w"),
        ({"receptors": {"excitatory": "v += E_L"}}, "`v += E_L` is not proportional to w"),
        ({"receptors": {"excitatory": "v += w; I += w"}}, "w has another unit in each statement"),
        ({"receptors": {"excitatory": ""}}, "bad: receptor excitatory: does nothing. Write what an arrival changes"),
        ({"receptors": {"in": "I += w"}}, "bad: receptor in: 'in' is no name of a quantity"),
        (
            {"equations": GOOD["equations"] + "\ndw/dt = -w/tau_m : pA"},
            "bad: receptor excitatory: 'w' is also a quantity of the model. Write `weight` for the weight",
        ),
        ({"initial": {"u": 1.0}}, "bad: initial: 'u' is not a variable. Known: I, v."),
        ({"initial": {"v": "3 pA"}}, "bad: initial v: unit 'pA' where mV is meant, found '3 pA'"),
        ({"parameters": {"tau_m": "ten"}}, "bad: parameter tau_m: not a parameter, found 'ten'"),
        ({"parameters": {"tau_m": None}}, "bad: parameter tau_m: not a parameter, found None"),
        ({"parameters": {"tau_m": "10 msec"}}, "bad: parameter tau_m: unknown unit 'msec', found 'msec'. Did you mean"),
        ({"parameters": {"tau_m": "10 ms above"}}, "bad: parameter tau_m: not a range, found 'above'"),
        ({"method": "rk5"}, "bad: method: unknown method 'rk5'. Did you mean 'rk4'?"),
        (
            {"equations": "dv/dt = -v**2/mV/ms : mV" + SECOND, "method": "exact"},
            "bad: method: there is no exact solution: dv/dt is not linear in v. Use rk4, heun, euler",
        ),
        (
            {"equations": "dv/dt = -v**2/mV/ms : mV" + SECOND, "method": "exponential_euler"},
            "bad: method: dv/dt is not linear in v, as exponential_euler needs it. Use rk4, heun or euler.",
        ),
        ({"name": "my lif"}, "name: a model cannot be called so, found 'my lif' (allowed: a name such as \"my_lif\")"),
    ],
)
def test_everything_else(changed, words):
    assert words in message(**changed)


def test_without_sympy_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    sympy.cache_clear()
    try:
        words = message(doc="a text that nobody has seen")
    finally:
        sympy.cache_clear()
    assert words == "equations need sympy, which is not installed. Run `pip install 'neuromorph[equations]'`."


def test_texts_of_any_kind_stand_in_the_module_as_texts():
    """Quotes and backslashes of a description end no string."""
    doc = 'A "quoted" \\n text with """three""" of them"'
    model = Model(**(GOOD | {"doc": doc, "source": doc, "name": "quoted", "receptors": {"a": 'I += w # """ + 1'}}))
    assert model.__doc__.startswith("A \"quoted\" \\n text with '''three''' of them")
    assert model.source == doc
    assert model.receptors[0].doc == '""" + 1'


def test_a_quantity_may_be_called_as_what_the_code_uses():
    names = ("power", "h", "c", "s", "step", "rate_v", "exps", "k1_v", "f", "y")
    texts = [f"d{name}/dt = -{name}/tau : 1" for name in names]
    model = Model("\n".join(texts), name="names", parameters={"tau": "10 ms"}, receptors={"x": "power += w; h += 2*w"})
    p, start = parameters(model), dict(zip(names, range(1, 11)))
    s = state(model, p, **start)
    assert model.advance(s, 10.0, p, False) == pytest.approx([k / math.e for k in range(1, 11)])
    assert model.receive(s, arrivals(model, x=5.0), p, False, None)[:3] == (6.0, 12.0, 3.0)
    assert model.propagate(s, coefficients(model, p, 10.0), p, False) == pytest.approx(
        [k / math.e for k in range(1, 11)]
    )


@pytest.mark.parametrize(
    ("threshold", "fires"),
    [
        ("v > V_th", (0, 1, 1)),
        ("V_th < v", (0, 1, 1)),
        ("v > V_th and I > 0", (0, 0, 0)),
        ("(v if I > 0 else E_L) > V_th", (0, 0, 0)),
        ("(v if I >= 0 else E_L) > V_th", (0, 1, 1)),
    ],
)
def test_a_threshold_that_is_one_comparison_is_reached_at_equality(threshold, fires):
    model = Model(**(GOOD | {"threshold": threshold, "name": "reached"}))
    p = parameters(model)
    assert tuple(model.fires(state(model, p, v=v), p) for v in (-55.1, -55.0, -54.9)) == fires


def test_what_is_added_is_summed_first():
    statements = "v += E_L + V_th; v -= V_th - E_L; v *= 1 + 1"
    model = Model(**(GOOD | {"reset": statements, "name": "summed"}))
    code = model.code.partition("def reset")[2]
    for line in ("v = s.v + (p.E_L + p.V_th)", "v = v - (p.V_th - p.E_L)", "v = v * (1.0 + 1.0)"):
        assert line in code

from __future__ import annotations

import pytest

from neuromorph.errors import PluginError
from neuromorph.models.contract import CurrentModel, InputModel, NeuronModel, Receptor, Variable
from neuromorph.models.registry import check_model
from neuromorph.parameters import Param


class Good(NeuronModel):
    """Uses everything that a neuron model may."""

    name = "good"
    E_L = Param(0.0, "mV")
    t_ref = Param(2.0, "ms", at_least=0)
    V = Variable("mV", "E_L")
    u = Variable("1", 0.5)
    receptors = (Receptor("delta", "mV"),)
    coefficient_names = ("decay",)

    def coefficients(p, h):
        return (0.5,)

    def propagate(s, c, p, clamped):
        return s.V * c.decay, s.u

    def advance(s, h, p, clamped):
        return p.E_L, s.u

    def crossing(s, h, p):
        return h

    @staticmethod
    def receive(s, x, p, refractory, r):
        return s.V + x.delta, s.u

    def fires(s, p):
        return 1 if s.V > p.E_L else 0

    def reset(s, p):
        return p.E_L, s.u


class GoodInput(InputModel):
    name = "good_input"
    rate = Param(1.0, "Hz")
    array_parameters = {"times": ("ms", "spikes")}
    registers = ("n",)

    @staticmethod
    def prepare(params, size, clock, key):
        return ()

    @staticmethod
    def kernel(exact):
        return None

    @staticmethod
    def register(arrays, name):
        return None


class GoodCurrent(CurrentModel):
    name = "good_current"
    resolutions = ("grid",)

    def sample(params, size, tick, unit, key):
        return None


@pytest.mark.parametrize("cls", [Good, GoodInput, GoodCurrent])
def test_models_that_keep_the_contract(cls):
    check_model(cls, "mine.py")


def test_hooks_are_needed_only_in_their_resolution():
    check_model(type("Grid", (Good,), {"resolutions": ("grid",), "advance": None, "crossing": None}), "mine.py")
    exact = {"resolutions": ("exact",), "propagate": None, "coefficients": None, "refractory": ""}
    check_model(type("Exact", (Good,), exact), "mine.py")


def test_a_model_of_one_variable_may_return_a_number():
    alone = {"u": None, "propagate": lambda s, c, p, clamped: s.V, "advance": lambda s, h, p, clamped: s.V * 2}
    alone |= {"receive": lambda s, x, p, refractory, r: s.V, "reset": lambda s, p: p.E_L}
    check_model(type("One", (Good,), alone), "mine.py")


def message(cls):
    with pytest.raises(PluginError) as error:
        check_model(cls, "mine.py")
    return str(error.value)


def test_no_model_at_all():
    assert message(int).startswith("mine.py: int: not a model, found <class 'int'>")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"E_L": Param(2.0, "mV", below=1)}, "mine.py: Bad.E_L: default out of range, found 2.0 (allowed: below 1 mV)"),
        (
            {"resolutions": ("grid", "coarse")},
            "mine.py: Bad.resolutions: unknown resolutions, found ('grid', 'coarse')",
        ),
        ({"resolutions": ()}, "mine.py: Bad.resolutions: unknown resolutions, found ()"),
        ({"V": Variable("mv")}, "mine.py: Bad.V: unit 'mv' is not canonical"),
        (
            {"V": Variable("mV", "E_K")},
            "mine.py: Bad.V: initial value 'E_K' is not a declared parameter. Did you mean 'E_L'?",
        ),
        ({"receptors": ["delta"]}, "mine.py: Bad.receptors: not a tuple of receptors, found ['delta']"),
        ({"receptors": (Receptor("delta", "mV"),) * 2}, "mine.py: Bad.receptors: receptor 'delta' is declared twice"),
        ({"receptors": (Receptor("delta", "mv"),)}, "unit 'mv' of receptor 'delta' is not canonical"),
        ({"receptors": (Receptor("delta", "mV", 2),)}, "sign of receptor 'delta', found 2 (allowed: -1, 0 or 1)"),
        ({"refractory": "t_rest"}, "mine.py: Bad.refractory: refractory 't_rest' is not a declared parameter in ms."),
        ({"refractory": "E_L"}, "refractory 'E_L' is not a declared parameter in ms."),
        ({"fires": None}, "mine.py: Bad.fires: hook is missing (allowed: def fires(s, p))"),
        ({"fires": lambda s: 0}, "mine.py: Bad.fires: wrong arguments of <lambda>"),
        ({"fires": len}, "mine.py: Bad.fires: fires must be a plain function"),
        ({"coefficients": None}, "mine.py: Bad.coefficients: hook is missing (allowed: def coefficients(p, h))"),
        ({"coefficients": lambda h: 1}, "mine.py: Bad.coefficients: wrong arguments"),
        ({"fires": lambda s, p: s.W > p.E_L}, "s.W in <lambda>"),
        ({"fires": lambda s, p: s.V > p.E_K}, "Did you mean 'p.E_L'?"),
        ({"receive": lambda s, x, p, refractory, r: (x.dleta, s.u)}, "Did you mean 'x.delta'?"),
        ({"propagate": lambda s, c, p, clamped: (c.decy, s.u)}, "Did you mean 'c.decay'?"),
        ({"reset": lambda s, p: (s.V, s.u, 0.0)}, "returns 3 values, expected (V, u)"),
        ({"reset": lambda s, p: s.V * 2}, "returns one number, expected (V, u)"),
    ],
)
def test_every_breach_by_a_neuron_model(members, words):
    assert words in message(type("Bad", (Good,), members))


@pytest.mark.parametrize(
    ("base", "members", "words"),
    [
        (GoodInput, {"times": Param(1.0)}, "mine.py: Bad.times: is both a number and an array or text"),
        (GoodInput, {"array_parameters": {"x": ("sec", "")}}, "mine.py: Bad.x: unit 'sec' is not canonical"),
        (InputModel, {"prepare": lambda: 1}, "mine.py: Bad: kernel is missing"),
        (InputModel, {"kernel": lambda: 1}, "mine.py: Bad: prepare is missing"),
        (GoodInput, {"register": None}, "mine.py: Bad: register is missing"),
        (CurrentModel, {}, "mine.py: Bad: steps is missing"),
        (CurrentModel, {"resolutions": ("grid",)}, "mine.py: Bad: steps or sample is missing"),
    ],
)
def test_every_breach_by_an_input(base, members, words):
    assert words in message(type("Bad", (base,), members))

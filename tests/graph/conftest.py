"""Tiny models and rules of our own, so that the tests of descriptions depend on no built-in one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from neuromorph.learning import contract as learning
from neuromorph.learning.registry import registry as rules
from neuromorph.models.contract import CurrentModel, InputModel, NeuronModel, Receptor, Variable
from neuromorph.models.registry import registry as models
from neuromorph.parameters import Param


class Tiny(NeuronModel):
    """A delta neuron."""

    name = "tiny"
    tau_m = Param(10.0, "ms", above=0)
    V_th = Param(20.0, "mV")
    V_reset = Param(0.0, "mV")
    t_ref = Param(0.0, "ms", at_least=0)
    V_m = Variable("mV", "V_reset")
    I_stim = Variable("pA", 0.0)
    receptors = (Receptor("delta", "mV"), Receptor("current", "pA", explicit=True))

    @classmethod
    def validate(cls, parameters):
        return ["V_reset must be below V_th"] if (parameters["V_reset"] >= parameters["V_th"]) is True else []

    def propagate(s, c, p, clamped):
        return s.V_m, s.I_stim

    def advance(s, h, p, clamped):
        return s.V_m, s.I_stim

    def crossing(s, h, p):
        return h

    def receive(s, x, p, refractory, r):
        return s.V_m + x.delta, s.I_stim + x.current

    def fires(s, p):
        return s.V_m >= p.V_th

    def reset(s, p):
        return p.V_reset, s.I_stim


class TinySigned(Tiny):
    """Currents by sign."""

    name = "tiny_signed"
    resolutions = ("grid",)
    receptors = (Receptor("excitatory", "pA", 1), Receptor("inhibitory", "pA", -1))

    def receive(s, x, p, refractory, r):
        return s.V_m + x.excitatory + x.inhibitory, s.I_stim


class TinyConductance(TinySigned):
    """Conductances, never negative."""

    name = "tiny_conductance"
    receptors = (Receptor("excitatory", "nS", 1), Receptor("inhibitory", "nS", 1, explicit=True))


class TinyExact(Tiny):
    """Receptors that must be named; exact mode only."""

    name = "tiny_exact"
    resolutions = ("exact",)
    receptors = (Receptor("basal", "1", explicit=True),)

    def receive(s, x, p, refractory, r):
        return s.V_m + x.basal, s.I_stim


class Source(InputModel):
    """An input with every kind of parameter."""

    name = "source"
    rate = Param(5.0, "Hz", at_least=0)
    array_parameters = {"times": ("ms", "spikes"), "indices": ("1", "cells"), "patterns": ("1", "rows")}
    text_parameters = {"path": "a file", "population": "in it"}
    registers = ("n_free",)

    @classmethod
    def validate(cls, parameters):
        times = parameters.get("times")
        return ["`times` must be above 0 ms"] if times is not None and (times <= 0).any() else []

    @staticmethod
    def prepare(params, size, clock, key):
        return ()

    @staticmethod
    def kernel(exact):
        return None

    @staticmethod
    def register(arrays, name):
        return None


class Step(CurrentModel):
    """A current."""

    name = "step"
    amplitude = Param(0.0, "pA")

    def steps(params, size):
        return ()


class Hebb(learning.LearningRule):
    """A rule of pairs."""

    eta = Param(0.1, at_least=0)
    tau = Param(20.0, "ms", above=0)
    x = learning.Trace("pre", "tau")

    def on_post(w, pre, post, p):
        return w + p.eta * pre.x


class Reward(learning.LearningRule):
    """A rule that reads variables at a signal."""

    n = learning.Variable("pre", "n_free")
    v = learning.Variable("post", "V_m")

    def on_signal(w, pre, post, p, value):
        return w + value * pre.n * post.v


MODELS = {cls.name: cls for cls in (Tiny, TinySigned, TinyConductance, TinyExact, Source, Step)}


@pytest.fixture(autouse=True)
def _tiny():
    with models.override(MODELS), rules.override({"hebb": Hebb, "reward": Reward}):
        yield


@pytest.fixture
def messages():
    """Messages of `check`, as one text."""
    from neuromorph.graph.check import check

    def text(network, resolution=None):
        return "\n".join(str(problem) for problem in check(network, resolution))

    return text


@pytest.fixture
def pair():
    """A network of two populations, an input and a current, in which nothing is wrong."""
    from neuromorph.graph.network import Network

    network = Network("pair")
    network.add_population("A", "tiny", 10)
    network.add_population("B", "tiny", 5)
    network.add_input("S", "source", 10)
    network.add_input("I", "step", 1)
    return network


@pytest.fixture(scope="session")
def plain():
    """Dataclasses and arrays as nested tables and lists, for comparison."""

    def plain(value):
        if isinstance(value, np.ndarray):
            return value.dtype.str, value.tolist()
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return type(value).__name__, {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return [plain(item) for item in value]
        return value

    return plain

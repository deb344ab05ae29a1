"""Rules and models that go wrong at one synapse or cell, at a time that is known."""

from __future__ import annotations

import math

import numba
import numpy as np

from neuromorph import Network
from neuromorph.learning.contract import LearningRule, State, Trace, Variable
from neuromorph.models import contract as models
from neuromorph.parameters import Param

TABLE = np.array([0.0, 1.0])


@numba.njit
def looked_up(k):
    return TABLE[k]  # beyond the table


class Divides(LearningRule):
    """Divides by zero at the weight 0.25."""

    tau = Param(20.0, "ms", above=0)
    x = Trace("pre", "tau")

    def on_pre(w, pre, post, p):
        gap = w - 0.25
        return w + 1e-3 * pre.x / gap  # divides


class Overflows(LearningRule):
    """Too large for a float32 at the third presynaptic spike, where the weight is 0.25."""

    n = State(0.0)

    def on_pre(w, pre, post, p, syn):
        return (w * 1e40 if syn.n >= 2.0 and w < 0.3 else w), syn.n + 1.0


class Runaway(LearningRule):
    """A state that is 1e200 times larger after every postsynaptic spike and signal."""

    tau_e = Param(1e9, "ms", above=0)
    e = State(1.0, "tau_e")
    y = Trace("post", "tau_e")

    def on_post(w, pre, post, p, syn):
        return w, syn.e * 1e200

    def on_signal(w, pre, post, p, value, syn):
        return w + 0.0 * value, (syn.e * 1e200 if w < 0.3 else syn.e)


class Unsure(LearningRule):
    """No number at a signal of value 2."""

    V_m = Variable("post", "V_m")

    def on_signal(w, pre, post, p, value):
        return w + 0.0 * post.V_m + (math.inf - math.inf if value > 1.5 and w < 0.3 else 0.0)


class Misspelt(LearningRule):
    """Raises in on_post."""

    def on_post(w, pre, post, p):
        return w + gian * post.count  # noqa: F821


class TwoValues(LearningRule):
    """Returns two values where one is due."""

    def on_pre(w, pre, post, p):
        new = w if w > 0.3 else (w, w)
        return new  # noqa: RET504


class Forgets(LearningRule):
    """Returns nothing for one weight."""

    def on_pre(w, pre, post, p):
        new = w if w > 0.3 else None
        return new  # noqa: RET504


class Halts(LearningRule):
    """Hands over to the debugger."""

    def on_pre(w, pre, post, p):
        breakpoint()
        return w


class BeyondTable(LearningRule):
    """A compiled helper reads behind the end of an array."""

    def on_pre(w, pre, post, p):
        return w + looked_up(0 if w > 0.3 else 7)


class Square(models.NeuronModel):
    """dv/dt = v^2, which runs away."""

    name = "square"
    refractory = ""
    resolutions = ("grid",)
    v = models.Variable("mV", 0.0)
    receptors = (models.Receptor("delta", "mV"),)

    def propagate(s, c, p, clamped):
        return (s.v * s.v,)

    def receive(s, x, p, refractory, r):
        return (s.v + x.delta,)

    def fires(s, p):
        return 0

    def reset(s, p):
        return (s.v,)


class Jumper(models.NeuronModel):
    """Holds what arrives; fires from 2 on, and then `reset` (or, below -2, `receive`) goes wrong."""

    name = "jumper"
    refractory = ""
    v = models.Variable("mV", 0.0)
    u = models.Variable("1", 1.0)
    receptors = (models.Receptor("delta", "mV"),)

    def propagate(s, c, p, clamped):
        return s.v, s.u

    def advance(s, h, p, clamped):
        return s.v, s.u

    def crossing(s, h, p):
        return math.inf

    def receive(s, x, p, refractory, r):
        return s.v + x.delta, (s.u if s.v + x.delta > -2.0 else math.log(-1.0))

    def fires(s, p):
        return 1 if s.v >= 2.0 else 0

    def reset(s, p):
        return 0.0, s.u + math.inf


RULES = {cls.__name__.lower(): cls for cls in (
    Divides, Overflows, Runaway, Unsure, Misspelt, TwoValues, Forgets, BeyondTable, Halts,
)}  # fmt: skip
MODELS = {cls.name: cls for cls in (Square, Jumper)}


def learner(rule: str, **plasticity) -> Network:
    """Sources i[0], i[1] that spike at 2, 4, 8 and at 3, 5, 9 ms, targets c[0], c[1] at 6 and 12 ms.

    Of the four plastic synapses the last one, from i[1] to c[1], has the weight 0.25, the others 0.5 (p[0] to p[3]).
    """
    network = Network("learner")
    network.add_population("c", "lif_delta", 2)
    network.add_input("i", "spike_train", 2, {"times": [2, 3, 4, 5, 8, 9], "indices": [0, 1, 0, 1, 0, 1]})
    network.add_input("teacher", "spike_train", 1, {"times": [5.0, 11.0]})
    network.connect("teacher", "c", weight=30.0, delay=1.0)
    network.add_signal("r", times=[3.0, 9.0, 13.0], values=[1.0, 1.0, 2.0], delay=1.0)
    more = {"signals": ["r"]} if "on_signal" in RULES[rule].hooks() else {}
    network.connect(
        "i", "c", weight=[[0.5, 0.5], [0.5, 0.25]], delay=1.5, name="p", plasticity={"rule": rule, **more, **plasticity}
    )
    return network


def cells(model: str, weights: list[float]) -> Network:
    """Cells of a model that get an arrival each, of these weights (mV), at 4 ms."""
    network = Network("cells")
    network.add_population("cells", model, len(weights))
    network.add_input("i", "spike_train", 1, {"times": [3.0]})
    network.connect("i", "cells", weight=[weights], delay=1.0)
    return network

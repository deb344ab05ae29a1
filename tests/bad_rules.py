"""Rules that load, and each break one promise: the conformance kit must find which."""

from __future__ import annotations

import os
import random

from neuromorph import LearningRule, Param
from neuromorph.learning.contract import Trace, Variable


class _Bad(LearningRule):
    """dw = eta y at presynaptic spikes. Source: made up for a test."""

    tau = Param(20.0, "ms", above=0, doc="time constant of the trace")
    eta = Param(0.01, at_least=0, at_most=1, doc="learning rate")
    y = Trace("post", "tau")


class Signature(_Bad):
    """dw = eta y at presynaptic spikes. Source: made up for a test."""

    def on_pre(w, pre, post):
        return w


class NoDocstring(_Bad):
    __doc__ = None

    def on_pre(w, pre, post, p):
        return w + p.eta * post.y


class NoEquation(LearningRule):
    """Something happens to the weight at a presynaptic spike (Song, Miller & Abbott 2000, doi:10.1038/78829)."""

    eta = Param(0.01, at_least=0, at_most=1, doc="learning rate")

    def on_pre(w, pre, post, p):
        return w + p.eta


class NoSource(LearningRule):
    """dw = eta y at presynaptic spikes."""

    eta = Param(0.01, at_least=0, at_most=1, doc="learning rate")

    def on_pre(w, pre, post, p):
        return w + p.eta


class NoDocOfParameter(_Bad):
    """dw = eta y at presynaptic spikes. Source: made up for a test."""

    eta = Param(0.01, at_least=0)

    def on_pre(w, pre, post, p):
        return w + p.eta * post.y


class NoRange(_Bad):
    """dw = eta y at presynaptic spikes. Source: made up for a test."""

    eta = Param(0.01, doc="learning rate")

    def on_pre(w, pre, post, p):
        return w + p.eta * post.y


def _step(x):
    return x  # not decorated with numba.njit


class NoKernel(_Bad):
    """dw = eta y at presynaptic spikes. Source: made up for a test."""

    def on_pre(w, pre, post, p):
        return w + _step(p.eta * post.y)


class Idle(_Bad):
    """dw = 0. Source: made up for a test."""

    def on_pre(w, pre, post, p):
        return w


class Overflow(_Bad):
    """dw = eta r, r a linear congruential number that needs more than 64 bits. Source: made up for a test."""

    def on_pre(w, pre, post, p):
        number = int(w * 1e9) * 6364136223846793005 + 1442695040888963407
        return w + p.eta * ((number >> 16) % 1000) / 1000.0


class Dice(_Bad):
    """dw = eta r, r of a generator that the emulator does not know. Source: made up for a test."""

    def on_pre(w, pre, post, p):
        return w + p.eta * random.random()


class DiceAtSignals(LearningRule):
    """dw = eta r n at a signal, r of a generator that the emulator does not know. Source: made up for a test."""

    eta = Param(0.01, at_least=0, at_most=1, doc="learning rate")
    n = Variable("pre", "n_free")

    def on_signal(w, pre, post, p, value):
        return w + p.eta * random.random() * pre.n


class Rounding(LearningRule):
    """dw = eta times the last digits of V_m, which each resolution rounds its way. Source: made up for a test."""

    eta = Param(0.01, at_least=0, at_most=1, doc="learning rate")
    V_m = Variable("post", "V_m")

    def on_post(w, pre, post, p):
        return w + p.eta * (post.V_m * 2.0**44 % 1024.0) / 1024.0


class Division(_Bad):
    """dw = eta y / (1/tau - 1/tau_slow), which has no value for two equal ones. Source: made up for a test."""

    tau_slow = Param(50.0, "ms", above=0, doc="a second time constant")

    def on_pre(w, pre, post, p):
        return w + p.eta * post.y / (1.0 / p.tau - 1.0 / p.tau_slow)


class Orphan(_Bad):
    """dw = eta q at postsynaptic spikes, q a variable that no model has. Source: made up for a test."""

    q = Variable("post", "a_variable_that_no_model_has")

    def on_post(w, pre, post, p):
        return w + p.eta * post.q


def leaves(cls):
    """Ends the process that it is run in."""
    os._exit(3)


def fails(cls):
    """Raises what the kit does not know of."""
    raise NameError("no such luck")

"""Models that load, and each break one promise: the conformance kit must find which."""

from __future__ import annotations

import random

import numpy as np

from neuromorph import NeuronModel, Param
from neuromorph.models.contract import InputModel, Receptor, Variable


class Fine(NeuronModel):
    """A leaky integrate-and-fire neuron on the grid, with which nothing is wrong."""

    equations = "dV_m/dt = -V_m/tau_m"
    source = "made up for a test"
    resolutions = ("grid",)
    receptors = (Receptor("delta", "mV", doc="jump of the potential"),)
    coefficient_names = ("decay",)
    tau_m = Param(10.0, "ms", above=0, doc="membrane time constant")
    V_th = Param(15.0, "mV", above=0, doc="threshold")
    t_ref = Param(2.0, "ms", at_least=0, doc="refractory period")
    V_m = Variable("mV", 0.0, "membrane potential")
    u = Variable("1", 0.0, "something else")

    @staticmethod
    def coefficients(p, h):
        return (np.exp(-h / p.tau_m),)

    @staticmethod
    def propagate(s, c, p, clamped):
        return (s.V_m if clamped else s.V_m * c.decay), s.u

    @staticmethod
    def receive(s, x, p, refractory, r):
        return s.V_m + (0.0 if refractory else x.delta), s.u

    @staticmethod
    def fires(s, p):
        return 1 if s.V_m >= p.V_th else 0

    @staticmethod
    def reset(s, p):
        return 0.0, s.u


class Mute(Fine):
    """Never fires."""

    @staticmethod
    def fires(s, p):
        return 0


class Dice(Fine):
    """Has a noise that the emulator does not know."""

    @staticmethod
    def propagate(s, c, p, clamped):
        return (s.V_m if clamped else s.V_m * c.decay + random.random()), s.u


class Untold(Fine):
    """Says nothing of one of its variables."""

    u = Variable("1", 0.0)


class Sourceless(Fine):
    """Is from nowhere."""

    source = ""


class Overflow(Fine):
    """Counts in numbers of more than 64 bits."""

    @staticmethod
    def reset(s, p):
        return 0.0, float((int(s.u * 1e6 + 1e9) * 6364136223846793005 + 1442695040888963407) % 1000003)


class Runaway(Fine):
    """Has no finite value where V_th is large."""

    @staticmethod
    def reset(s, p):
        return 0.0, np.exp(p.V_th * p.V_th) - np.exp(p.V_th * p.V_th)


class NotInto(Fine):
    """Says that an arrival goes into one variable, and changes two."""

    receptors = (Receptor("delta", "mV", doc="jump of the potential", into="V_m"),)

    @staticmethod
    def receive(s, x, p, refractory, r):
        return s.V_m + x.delta, s.u + x.delta


class NotAtRest(Fine):
    """Says that it rests, and decays."""

    rests = True
    coefficient_names = ("decay", "more")

    @staticmethod
    def coefficients(p, h):
        return np.exp(-h / p.tau_m), np.exp(-h / p.tau_m)

    @staticmethod
    def propagate(s, c, p, clamped):
        return s.V_m * 0.5, s.u


class Silent(InputModel):
    """An input that emits nothing unless it is told to."""

    name = "silent_input"
    equations = "no spikes"
    source = "made up for a test"
    times = None

    @staticmethod
    def prepare(params, size, clock, key):
        from neuromorph.models.inputs import SpikeTrain

        return SpikeTrain.prepare({"times": []}, size, clock, key)

    @staticmethod
    def kernel(exact):
        from neuromorph.models.inputs import SpikeTrain

        return SpikeTrain.kernel(exact)

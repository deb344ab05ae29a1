"""Leaky integrate-and-fire neurons with delta, exponential and alpha-shaped inputs, exact in both resolutions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from neuromorph.kernels.crossing import first_crossing, first_crossing_constant, no_crossing_before
from neuromorph.kernels.elementary import exp, exps, quotient_arrays, quotients
from neuromorph.models.contract import NeuronModel, Receptor, Variable
from neuromorph.parameters import Param

CURRENT = Receptor("current", "pA", explicit=True, doc="change of I_stim")
EXCITATORY = Receptor("excitatory", "pA", sign=1, doc="peak of the excitatory synaptic current", into="I_ex")
INHIBITORY = Receptor("inhibitory", "pA", sign=-1, doc="peak of the inhibitory synaptic current", into="I_in")
_ROTTER_DIESMANN = "Rotter & Diesmann 1999, doi:10.1007/s004220050570"


def not_below(parameters: dict[str, Any], low: str, high: str, unit: str = "mV") -> list[str]:
    """A sentence where parameter `low` is not below parameter `high` in some cell; empty where it is in all."""
    lower, upper = np.broadcast_arrays(np.atleast_1d(parameters[low]), np.atleast_1d(parameters[high]))
    bad = np.flatnonzero(~(lower < upper))
    if bad.size == 0:
        return []
    k = bad[0]
    return [f"{low} must be below {high}, found {low} = {lower[k]:g} {unit} and {high} = {upper[k]:g} {unit}"]


def membrane_coefficients(p: Any, h: ArrayLike) -> tuple[Any, Any]:
    """exp(-h / tau_m), and what a constant current adds over h ms (mV per pA)."""
    a = h / p.tau_m
    return exps(-a), h / p.C_m * quotient_arrays(a, 0.0)[0]


class _Lif(NeuronModel):
    tau_m = Param(10.0, "ms", above=0, doc="membrane time constant")
    C_m = Param(250.0, "pF", above=0, doc="membrane capacitance")
    E_L = Param(-70.0, "mV", doc="resting potential")
    V_th = Param(-55.0, "mV", doc="threshold")
    V_reset = Param(-70.0, "mV", doc="potential after a spike, below V_th")
    t_ref = Param(2.0, "ms", at_least=0, doc="refractory period")
    I_e = Param(0.0, "pA", doc="constant current")
    V_m = Variable("mV", "E_L", "membrane potential")
    I_stim = Variable("pA", 0.0, "sum of the injected currents now")

    @classmethod
    def validate(cls, parameters: dict[str, Any]) -> list[str]:
        """V_reset < V_th."""
        return not_below(parameters, "V_reset", "V_th")

    @staticmethod
    def fires(s, p):
        return 1 if s.V_m >= p.V_th else 0


class LifDelta(_Lif):
    """Leaky integrate-and-fire neuron whose inputs are jumps of the membrane potential (Brunel 2000)."""

    name = "lif_delta"
    equations = """
    dV_m/dt = -(V_m - E_L)/tau_m + (I_e + I_stim)/C_m
    arrival of weight w (mV): V_m += w, discarded while refractory
    V_m >= V_th: spike, V_m = V_reset for t_ref
    """
    source = "Brunel 2000, doi:10.1023/A:1008925309027; " + _ROTTER_DIESMANN
    receptors: ClassVar[tuple[Receptor, ...]] = (Receptor("delta", "mV", doc="jump of the membrane potential"), CURRENT)
    coefficient_names: ClassVar[tuple[str, ...]] = ("decay", "gain")
    decay_names: ClassVar[tuple[str, ...]] = ("decay",)
    closed_crossing = True

    @classmethod
    def silent_between_arrivals(cls, parameters, initial, receptors):
        """The potential at which the membrane rests is below threshold in all cells, and no current changes it."""
        p = parameters
        rest = p["E_L"] + (p["I_e"] + initial["I_stim"]) * (p["tau_m"] / p["C_m"])
        return "current" not in receptors and bool(np.all(rest < p["V_th"]))

    @staticmethod
    def coefficients(p, h):
        return membrane_coefficients(p, h)

    @staticmethod
    def propagate(s, c, p, clamped):
        V_m = p.E_L + (s.V_m - p.E_L) * c.decay + (p.I_e + s.I_stim) * c.gain
        return s.V_m if clamped else V_m, s.I_stim

    @staticmethod
    def advance(s, h, p, clamped):
        rest = p.E_L + (p.I_e + s.I_stim) * (p.tau_m / p.C_m)
        V_m = rest + (s.V_m - rest) * exp(h * (-1.0 / p.tau_m))
        return s.V_m if clamped else V_m, s.I_stim

    @staticmethod
    def decays(h, p):
        return (exp(h * (-1.0 / p.tau_m)),)

    @staticmethod
    def advance_by(s, h, decays, p, clamped):
        rest = p.E_L + (p.I_e + s.I_stim) * (p.tau_m / p.C_m)
        V_m = rest + (s.V_m - rest) * decays[0]
        return s.V_m if clamped else V_m, s.I_stim

    @staticmethod
    def crossing(s, h, p):
        drive = p.E_L + (p.I_e + s.I_stim) * (p.tau_m / p.C_m) - p.V_th
        return first_crossing_constant(s.V_m - p.V_th, drive, p.tau_m, h)

    @staticmethod
    def quiet(s, p):
        drive = p.E_L + (p.I_e + s.I_stim) * (p.tau_m / p.C_m) - p.V_th
        f = s.V_m - p.V_th
        return no_crossing_before(f, drive, p.tau_m, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0)

    @staticmethod
    def receive(s, x, p, refractory, r):
        return s.V_m + (0.0 if refractory else x.delta), s.I_stim + x.current

    @staticmethod
    def reset(s, p):
        return p.V_reset, s.I_stim


class LifExp(_Lif):
    """Leaky integrate-and-fire neuron whose inputs are exponentially decaying currents."""

    name = "lif_exp"
    equations = """
    dV_m/dt = -(V_m - E_L)/tau_m + (I_ex + I_in + I_e + I_stim)/C_m
    dI_ex/dt = -I_ex/tau_syn_ex,  dI_in/dt = -I_in/tau_syn_in
    arrival of weight w (pA): I_ex += w (w >= 0) or I_in += w (w <= 0)
    V_m >= V_th: spike, V_m = V_reset for t_ref
    """
    source = _ROTTER_DIESMANN
    receptors = (EXCITATORY, INHIBITORY, CURRENT)
    coefficient_names = ("decay", "gain", "decay_ex", "decay_in", "response_ex", "response_in")
    decay_names = ("decay", "decay_ex", "decay_in")
    tau_syn_ex = Param(2.0, "ms", above=0, doc="decay of the excitatory current")
    tau_syn_in = Param(2.0, "ms", above=0, doc="decay of the inhibitory current")
    I_ex = Variable("pA", 0.0, "excitatory synaptic current")
    I_in = Variable("pA", 0.0, "inhibitory synaptic current")

    @staticmethod
    def coefficients(p, h):
        decay, gain = membrane_coefficients(p, h)
        a, b, d = h / p.tau_m, h / p.tau_syn_ex, h / p.tau_syn_in
        response_ex, response_in = (h / p.C_m * quotient_arrays(a, x)[0] for x in (b, d))
        return decay, gain, exps(-b), exps(-d), response_ex, response_in

    @staticmethod
    def propagate(s, c, p, clamped):
        V_m = (
            p.E_L
            + (s.V_m - p.E_L) * c.decay
            + (p.I_e + s.I_stim) * c.gain
            + (s.I_ex * c.response_ex + s.I_in * c.response_in)
        )
        return s.V_m if clamped else V_m, s.I_stim, s.I_ex * c.decay_ex, s.I_in * c.decay_in

    @staticmethod
    def advance(s, h, p, clamped):
        # quotients of parameters are loop invariants: the compiler moves them out, but makes no division a product
        a, b, d = h * (1.0 / p.tau_m), h * (1.0 / p.tau_syn_ex), h * (1.0 / p.tau_syn_in)
        decay, decay_ex, decay_in = exp(-a), exp(-b), exp(-d)
        rest = p.E_L + (p.I_e + s.I_stim) * (p.tau_m / p.C_m)
        driven = s.I_ex * quotients(a, decay, b, decay_ex)[0] + s.I_in * quotients(a, decay, d, decay_in)[0]
        V_m = rest + (s.V_m - rest) * decay + driven * (h * (1.0 / p.C_m))
        return s.V_m if clamped else V_m, s.I_stim, s.I_ex * decay_ex, s.I_in * decay_in

    @staticmethod
    def decays(h, p):
        return exp(-(h * (1.0 / p.tau_m))), exp(-(h * (1.0 / p.tau_syn_ex))), exp(-(h * (1.0 / p.tau_syn_in)))

    @staticmethod
    def advance_by(s, h, decays, p, clamped):
        a, b, d = h * (1.0 / p.tau_m), h * (1.0 / p.tau_syn_ex), h * (1.0 / p.tau_syn_in)
        decay, decay_ex, decay_in = decays
        rest = p.E_L + (p.I_e + s.I_stim) * (p.tau_m / p.C_m)
        driven = s.I_ex * quotients(a, decay, b, decay_ex)[0] + s.I_in * quotients(a, decay, d, decay_in)[0]
        V_m = rest + (s.V_m - rest) * decay + driven * (h * (1.0 / p.C_m))
        return s.V_m if clamped else V_m, s.I_stim, s.I_ex * decay_ex, s.I_in * decay_in

    @staticmethod
    def crossing(s, h, p):
        per_C = 1.0 / p.C_m
        drive = p.E_L + (p.I_e + s.I_stim) * (p.tau_m / p.C_m) - p.V_th
        f, ex, inh = s.V_m - p.V_th, s.I_ex * per_C, s.I_in * per_C
        return first_crossing(f, drive, p.tau_m, ex, 0.0, p.tau_syn_ex, inh, 0.0, p.tau_syn_in, h)

    @staticmethod
    def quiet(s, p):
        per_C = 1.0 / p.C_m
        drive = p.E_L + (p.I_e + s.I_stim) * (p.tau_m / p.C_m) - p.V_th
        f, ex, inh = s.V_m - p.V_th, s.I_ex * per_C, s.I_in * per_C
        return no_crossing_before(f, drive, p.tau_m, ex, 0.0, p.tau_syn_ex, inh, 0.0, p.tau_syn_in)

    @staticmethod
    def receive(s, x, p, refractory, r):
        return s.V_m, s.I_stim + x.current, s.I_ex + x.excitatory, s.I_in + x.inhibitory

    @staticmethod
    def reset(s, p):
        return p.V_reset, s.I_stim, s.I_ex, s.I_in


class LifAlpha(_Lif):
    """Leaky integrate-and-fire neuron whose inputs are alpha-shaped currents: the weight is their peak, at tau_syn."""

    name = "lif_alpha"
    equations = """
    dV_m/dt = -(V_m - E_L)/tau_m + (I_ex + I_in + I_e + I_stim)/C_m
    dI_ex/dt = y_ex - I_ex/tau_syn_ex,  dy_ex/dt = -y_ex/tau_syn_ex;  I_in, y_in likewise
    arrival of weight w (pA): y_ex += w e/tau_syn_ex (w >= 0) or y_in += w e/tau_syn_in (w <= 0),
    so that I(t) = w (e t/tau_syn) exp(-t/tau_syn)
    V_m >= V_th: spike, V_m = V_reset for t_ref
    """
    source = _ROTTER_DIESMANN
    receptors = (replace(EXCITATORY, into=""), replace(INHIBITORY, into=""), CURRENT)
    coefficient_names = (
        *("step", "decay", "gain", "decay_ex", "decay_in"),
        *("response_ex", "rise_ex", "response_in", "rise_in"),
    )
    tau_syn_ex = Param(2.0, "ms", above=0, doc="rise time of the excitatory current")
    tau_syn_in = Param(2.0, "ms", above=0, doc="rise time of the inhibitory current")
    y_ex = Variable("1", 0.0, "rate of rise of the excitatory current (pA/ms)")
    I_ex = Variable("pA", 0.0, "excitatory synaptic current")
    y_in = Variable("1", 0.0, "rate of rise of the inhibitory current (pA/ms)")
    I_in = Variable("pA", 0.0, "inhibitory synaptic current")

    @staticmethod
    def coefficients(p, h):
        decay, gain = membrane_coefficients(p, h)
        a, b, d = h / p.tau_m, h / p.tau_syn_ex, h / p.tau_syn_in
        (ex, rise_ex), (inh, rise_in) = quotient_arrays(a, b), quotient_arrays(a, d)
        charge = h / p.C_m
        return h, decay, gain, exps(-b), exps(-d), charge * ex, charge * h * rise_ex, charge * inh, charge * h * rise_in

    @staticmethod
    def propagate(s, c, p, clamped):
        V_m = (
            p.E_L
            + (s.V_m - p.E_L) * c.decay
            + (p.I_e + s.I_stim) * c.gain
            + (s.I_ex * c.response_ex + s.y_ex * c.rise_ex)
            + (s.I_in * c.response_in + s.y_in * c.rise_in)
        )
        I_ex = (s.I_ex + s.y_ex * c.step) * c.decay_ex
        I_in = (s.I_in + s.y_in * c.step) * c.decay_in
        return s.V_m if clamped else V_m, s.I_stim, s.y_ex * c.decay_ex, I_ex, s.y_in * c.decay_in, I_in

    @staticmethod
    def advance(s, h, p, clamped):
        # quotients of parameters are loop invariants: the compiler moves them out, but makes no division a product
        a, b, d = h * (1.0 / p.tau_m), h * (1.0 / p.tau_syn_ex), h * (1.0 / p.tau_syn_in)
        decay, decay_ex, decay_in = exp(-a), exp(-b), exp(-d)
        ex, rise_ex = quotients(a, decay, b, decay_ex)
        inh, rise_in = quotients(a, decay, d, decay_in)
        rest = p.E_L + (p.I_e + s.I_stim) * (p.tau_m / p.C_m)
        driven = (s.I_ex * ex + s.y_ex * h * rise_ex) + (s.I_in * inh + s.y_in * h * rise_in)
        V_m = rest + (s.V_m - rest) * decay + driven * (h * (1.0 / p.C_m))
        I_ex, I_in = (s.I_ex + s.y_ex * h) * decay_ex, (s.I_in + s.y_in * h) * decay_in
        return s.V_m if clamped else V_m, s.I_stim, s.y_ex * decay_ex, I_ex, s.y_in * decay_in, I_in

    @staticmethod
    def crossing(s, h, p):
        per_C = 1.0 / p.C_m
        drive = p.E_L + (p.I_e + s.I_stim) * (p.tau_m / p.C_m) - p.V_th
        ex, rise_ex, inh, rise_in = s.I_ex * per_C, s.y_ex * per_C, s.I_in * per_C, s.y_in * per_C
        f = s.V_m - p.V_th
        return first_crossing(f, drive, p.tau_m, ex, rise_ex, p.tau_syn_ex, inh, rise_in, p.tau_syn_in, h)

    @staticmethod
    def quiet(s, p):
        per_C = 1.0 / p.C_m
        drive = p.E_L + (p.I_e + s.I_stim) * (p.tau_m / p.C_m) - p.V_th
        ex, rise_ex, inh, rise_in = s.I_ex * per_C, s.y_ex * per_C, s.I_in * per_C, s.y_in * per_C
        return no_crossing_before(s.V_m - p.V_th, drive, p.tau_m, ex, rise_ex, p.tau_syn_ex, inh, rise_in, p.tau_syn_in)

    @staticmethod
    def receive(s, x, p, refractory, r):
        y_ex, y_in = s.y_ex + x.excitatory * (math.e / p.tau_syn_ex), s.y_in + x.inhibitory * (math.e / p.tau_syn_in)
        return s.V_m, s.I_stim + x.current, y_ex, s.I_ex, y_in, s.I_in

    @staticmethod
    def reset(s, p):
        return p.V_reset, s.I_stim, s.y_ex, s.I_ex, s.y_in, s.I_in

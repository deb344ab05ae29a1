"""Adaptive exponential integrate-and-fire neuron with exponentially decaying currents, on the grid."""

from __future__ import annotations

from typing import Any

from neuromorph.kernels.elementary import exp, exps
from neuromorph.kernels.jit import kernel
from neuromorph.models.contract import NeuronModel, Variable
from neuromorph.models.lif import CURRENT, EXCITATORY, INHIBITORY, not_below
from neuromorph.parameters import Param


@kernel(forceinline=True)
def _slopes(V_m, w_ad, current, clamped, p):
    # a stage may overshoot the peak by far within the step of a spike: cut there, it does not carry w_ad along
    V = p.V_peak if V_m > p.V_peak else V_m
    spike = p.g_L * p.Delta_T * exp((V - p.V_T) / p.Delta_T)
    slope = (spike - p.g_L * (V - p.E_L) - w_ad + current) / p.C_m
    return 0.0 if clamped else slope, (p.a * (V - p.E_L) - w_ad) / p.tau_w


class AdEx(NeuronModel):
    """Adaptive exponential integrate-and-fire neuron: a smooth onset of the spike and an adaptation current.

    Classical Runge-Kutta, one step per tick, with the exact synaptic currents at its stages and V_m cut at V_peak on
    the right-hand side. While refractory V_m stays at V_reset and w_ad goes on. Global error below V_T, measured over
    20 ms under 500 pA and synaptic currents: of order 4.0, 5e-10 mV at h = 0.1 ms.
    """

    name = "adex"
    equations = """
    C_m dV_m/dt = -g_L (V_m - E_L) + g_L Delta_T exp((V_m - V_T)/Delta_T) - w_ad + I_ex + I_in + I_e + I_stim
    tau_w dw_ad/dt = a (V_m - E_L) - w_ad
    dI_ex/dt = -I_ex/tau_syn_ex,  dI_in/dt = -I_in/tau_syn_in
    arrival of weight w (pA): I_ex += w (w >= 0) or I_in += w (w <= 0)
    V_m >= V_peak: spike, V_m = V_reset for t_ref, w_ad += b
    """
    source = "Brette & Gerstner 2005, doi:10.1152/jn.00686.2005"
    resolutions = ("grid",)
    receptors = (EXCITATORY, INHIBITORY, CURRENT)
    coefficient_names = ("step", "half_ex", "half_in", "decay_ex", "decay_in")
    C_m = Param(281.0, "pF", above=0, doc="membrane capacitance")
    g_L = Param(30.0, "nS", at_least=0, doc="leak conductance")
    E_L = Param(-70.6, "mV", doc="resting potential")
    V_T = Param(-50.4, "mV", doc="threshold of the exponential")
    Delta_T = Param(2.0, "mV", above=0, doc="sharpness of the spike's onset")
    a = Param(4.0, "nS", doc="subthreshold adaptation, any sign")
    b = Param(80.5, "pA", doc="jump of the adaptation at a spike")
    tau_w = Param(144.0, "ms", above=0, doc="adaptation time constant")
    V_reset = Param(-60.0, "mV", doc="potential after a spike, below V_peak")
    V_peak = Param(0.0, "mV", doc="peak of a spike")
    t_ref = Param(0.0, "ms", at_least=0, doc="refractory period")
    I_e = Param(0.0, "pA", doc="constant current")
    tau_syn_ex = Param(2.0, "ms", above=0, doc="decay of the excitatory current")
    tau_syn_in = Param(2.0, "ms", above=0, doc="decay of the inhibitory current")
    V_m = Variable("mV", "E_L", "membrane potential")
    I_ex = Variable("pA", 0.0, "excitatory synaptic current")
    I_in = Variable("pA", 0.0, "inhibitory synaptic current")
    w_ad = Variable("pA", 0.0, "adaptation current")
    I_stim = Variable("pA", 0.0, "sum of the injected currents now")

    @classmethod
    def validate(cls, parameters: dict[str, Any]) -> list[str]:
        """V_reset < V_peak and V_T < V_peak."""
        return not_below(parameters, "V_reset", "V_peak") + not_below(parameters, "V_T", "V_peak")

    @staticmethod
    def coefficients(p, h):
        half_ex, half_in = exps(-0.5 * h / p.tau_syn_ex), exps(-0.5 * h / p.tau_syn_in)
        return h, half_ex, half_in, exps(-h / p.tau_syn_ex), exps(-h / p.tau_syn_in)

    @staticmethod
    def propagate(s, c, p, clamped):
        h = c.step
        steady = p.I_e + s.I_stim
        I_ex, I_in = s.I_ex * c.decay_ex, s.I_in * c.decay_in
        middle = steady + (s.I_ex * c.half_ex + s.I_in * c.half_in)
        k1, l1 = _slopes(s.V_m, s.w_ad, steady + (s.I_ex + s.I_in), clamped, p)
        k2, l2 = _slopes(s.V_m + 0.5 * h * k1, s.w_ad + 0.5 * h * l1, middle, clamped, p)
        k3, l3 = _slopes(s.V_m + 0.5 * h * k2, s.w_ad + 0.5 * h * l2, middle, clamped, p)
        k4, l4 = _slopes(s.V_m + h * k3, s.w_ad + h * l3, steady + (I_ex + I_in), clamped, p)
        V_m = s.V_m + h / 6.0 * (k1 + 2.0 * (k2 + k3) + k4)
        return V_m, I_ex, I_in, s.w_ad + h / 6.0 * (l1 + 2.0 * (l2 + l3) + l4), s.I_stim

    @staticmethod
    def receive(s, x, p, refractory, r):
        return s.V_m, s.I_ex + x.excitatory, s.I_in + x.inhibitory, s.w_ad, s.I_stim + x.current

    @staticmethod
    def fires(s, p):
        return 1 if s.V_m >= p.V_peak else 0

    @staticmethod
    def reset(s, p):
        return p.V_reset, s.I_ex, s.I_in, s.w_ad + p.b, s.I_stim

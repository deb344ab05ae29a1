"""Leaky integrate-and-fire neuron with exponentially decaying conductances, on the grid."""

from __future__ import annotations

from typing import Any

from neuromorph.kernels.elementary import exps
from neuromorph.kernels.jit import kernel
from neuromorph.models.contract import NeuronModel, Receptor, Variable
from neuromorph.models.lif import CURRENT, not_below
from neuromorph.parameters import Param


@kernel(forceinline=True)
def _slope(V_m, g_ex, g_in, I_stim, p):
    current = p.I_e + I_stim - p.g_L * (V_m - p.E_L) - g_ex * (V_m - p.E_ex) - g_in * (V_m - p.E_in)
    return current / p.C_m


class LifCondExp(NeuronModel):
    """Leaky integrate-and-fire neuron whose inputs are exponentially decaying conductances (nS).

    Classical Runge-Kutta, one step per tick, with the exact conductances at its stages. Global error below threshold,
    measured after jumps to 20 and 30 nS: of order 4.0; at h = 0.1 ms 2e-5 mV (tau_syn_ex 0.2 ms) or 2e-8 mV (2 ms).
    """

    name = "lif_cond_exp"
    equations = """
    C_m dV_m/dt = -g_L (V_m - E_L) - g_ex (V_m - E_ex) - g_in (V_m - E_in) + I_e + I_stim
    dg_ex/dt = -g_ex/tau_syn_ex,  dg_in/dt = -g_in/tau_syn_in
    arrival of weight w >= 0 (nS): g_ex += w, or g_in += w
    V_m >= V_th: spike, V_m = V_reset for t_ref
    """
    source = "Meffin, Burkitt & Grayden 2004, doi:10.1023/B:JCNS.0000014108.03012.81"
    resolutions = ("grid",)
    receptors = (
        Receptor("excitatory", "nS", sign=1, doc="jump of the excitatory conductance", into="g_ex"),
        Receptor("inhibitory", "nS", sign=1, explicit=True, doc="jump of the inhibitory conductance", into="g_in"),
        CURRENT,
    )
    coefficient_names = ("step", "half_ex", "half_in", "decay_ex", "decay_in")
    C_m = Param(250.0, "pF", above=0, doc="membrane capacitance")
    g_L = Param(16.6667, "nS", at_least=0, doc="leak conductance")
    E_L = Param(-70.0, "mV", doc="resting potential")
    E_ex = Param(0.0, "mV", doc="excitatory reversal potential")
    E_in = Param(-85.0, "mV", doc="inhibitory reversal potential")
    V_th = Param(-55.0, "mV", doc="threshold")
    V_reset = Param(-60.0, "mV", doc="potential after a spike, below V_th")
    t_ref = Param(2.0, "ms", at_least=0, doc="refractory period")
    tau_syn_ex = Param(0.2, "ms", above=0, doc="decay of the excitatory conductance")
    tau_syn_in = Param(2.0, "ms", above=0, doc="decay of the inhibitory conductance")
    I_e = Param(0.0, "pA", doc="constant current")
    V_m = Variable("mV", "E_L", "membrane potential")
    I_stim = Variable("pA", 0.0, "sum of the injected currents now")
    g_ex = Variable("nS", 0.0, "excitatory conductance")
    g_in = Variable("nS", 0.0, "inhibitory conductance")

    @classmethod
    def validate(cls, parameters: dict[str, Any]) -> list[str]:
        """V_reset < V_th."""
        return not_below(parameters, "V_reset", "V_th")

    @staticmethod
    def coefficients(p, h):
        half_ex, half_in = exps(-0.5 * h / p.tau_syn_ex), exps(-0.5 * h / p.tau_syn_in)
        return h, half_ex, half_in, exps(-h / p.tau_syn_ex), exps(-h / p.tau_syn_in)

    @staticmethod
    def propagate(s, c, p, clamped):
        h = c.step
        half_ex, half_in = s.g_ex * c.half_ex, s.g_in * c.half_in
        g_ex, g_in = s.g_ex * c.decay_ex, s.g_in * c.decay_in
        k1 = _slope(s.V_m, s.g_ex, s.g_in, s.I_stim, p)
        k2 = _slope(s.V_m + 0.5 * h * k1, half_ex, half_in, s.I_stim, p)
        k3 = _slope(s.V_m + 0.5 * h * k2, half_ex, half_in, s.I_stim, p)
        k4 = _slope(s.V_m + h * k3, g_ex, g_in, s.I_stim, p)
        V_m = s.V_m + h / 6.0 * (k1 + 2.0 * (k2 + k3) + k4)
        return s.V_m if clamped else V_m, s.I_stim, g_ex, g_in

    @staticmethod
    def receive(s, x, p, refractory, r):
        return s.V_m, s.I_stim + x.current, s.g_ex + x.excitatory, s.g_in + x.inhibitory

    @staticmethod
    def fires(s, p):
        return 1 if s.V_m >= p.V_th else 0

    @staticmethod
    def reset(s, p):
        return p.V_reset, s.I_stim, s.g_ex, s.g_in

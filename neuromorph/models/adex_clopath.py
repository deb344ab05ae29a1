"""Adaptive exponential neuron with wide spikes, a moving threshold, and low-passed potentials for a rule to read."""

from __future__ import annotations

from typing import Any

from neuromorph.kernels.elementary import exp, exps
from neuromorph.kernels.jit import kernel
from neuromorph.models.contract import NeuronModel, Receptor, Variable
from neuromorph.models.lif import CURRENT, not_below
from neuromorph.parameters import Param


@kernel(forceinline=True)
def _slopes(V_m, w_ad, u_plus, u_minus, u_bar_bar, current, V_T, held, p):
    # a stage may overshoot the peak by far within the step of a spike: cut there, nothing carries it along
    V = p.V_clamp if held else (p.V_peak if V_m > p.V_peak else V_m)
    spike = 0.0 if p.Delta_T == 0.0 else p.g_L * p.Delta_T * exp((V - V_T) / p.Delta_T)
    dV = 0.0 if held else (spike - p.g_L * (V - p.E_L) - w_ad + current) / p.C_m
    dw = 0.0 if held else (p.a * (V - p.E_L) - w_ad) / p.tau_w
    plus, minus = (V - u_plus) / p.tau_u_bar_plus, (V - u_minus) / p.tau_u_bar_minus
    return dV, dw, plus, minus, (u_minus - u_bar_bar) / p.tau_u_bar_bar


class AdExClopath(NeuronModel):
    """adex whose spikes have a width, with the low-passed potentials that rule clopath reads.

    After a spike V_m is held at V_clamp for t_clamp, then set to V_reset; input is discarded meanwhile. Classical
    Runge-Kutta, one step per tick, with z and V_T exact at its stages and V_m cut at V_peak on the right-hand side.
    Delta_T = 0 is the leaky neuron without an upstroke, which spikes at V_T. Differs from NEST's aeif_psc_delta_clopath
    in that an arrival t_clamp after a spike counts, and in that filtered potentials are not delayed (delay_u_bars = 0).
    """

    name = "adex_clopath"
    equations = """
    C_m dV_m/dt = -g_L (V_m - E_L) + g_L Delta_T exp((V_m - V_T)/Delta_T) - w_ad + z + I_e + I_stim
    tau_w dw_ad/dt = a (V_m - E_L) - w_ad,  dz/dt = -z/tau_z,  dV_T/dt = -(V_T - V_T_rest)/tau_V_T
    tau_u_bar_plus du_bar_plus/dt = V_m - u_bar_plus,  tau_u_bar_minus du_bar_minus/dt = V_m - u_bar_minus
    tau_u_bar_bar du_bar_bar/dt = u_bar_minus - u_bar_bar
    arrival of weight w (mV): V_m += w, discarded while held
    V_m >= V_peak: spike, w_ad += b, z = I_sp, V_T = V_T_max; V_m = V_clamp for t_clamp, then V_reset
    """
    source = "Clopath, Buesing, Vasilaki & Gerstner 2010, doi:10.1038/nn.2479"
    resolutions = ("grid",)
    refractory = "t_clamp"
    receptors = (Receptor("delta", "mV", doc="jump of the membrane potential"), CURRENT)
    coefficient_names = ("step", "half_z", "decay_z", "half_T", "decay_T")
    C_m = Param(281.0, "pF", above=0, doc="membrane capacitance")
    g_L = Param(30.0, "nS", at_least=0, doc="leak conductance")
    E_L = Param(-70.6, "mV", doc="resting potential")
    Delta_T = Param(2.0, "mV", at_least=0, doc="sharpness of the spike's onset; 0: none, spikes are at V_T")
    V_T_rest = Param(-50.4, "mV", doc="threshold of the exponential at rest")
    V_T_max = Param(30.4, "mV", doc="threshold of the exponential after a spike")
    tau_V_T = Param(50.0, "ms", above=0, doc="decay of the threshold")
    a = Param(4.0, "nS", doc="subthreshold adaptation, any sign")
    b = Param(80.5, "pA", doc="jump of the adaptation at a spike")
    tau_w = Param(144.0, "ms", above=0, doc="adaptation time constant")
    I_sp = Param(400.0, "pA", doc="depolarising current after a spike")
    tau_z = Param(40.0, "ms", above=0, doc="decay of that current")
    V_peak = Param(33.0, "mV", doc="peak of a spike")
    V_clamp = Param(33.0, "mV", doc="potential during a spike")
    t_clamp = Param(2.0, "ms", at_least=0, doc="width of a spike")
    V_reset = Param(-60.0, "mV", doc="potential after a spike, below V_peak")
    I_e = Param(0.0, "pA", doc="constant current")
    tau_u_bar_plus = Param(7.0, "ms", at_least=0.5, doc="low-pass of the potential for potentiation")
    tau_u_bar_minus = Param(10.0, "ms", at_least=0.5, doc="low-pass of the potential for depression")
    tau_u_bar_bar = Param(500.0, "ms", at_least=0.5, doc="low-pass of u_bar_minus for homeostasis")
    V_m = Variable("mV", "E_L", "membrane potential")
    w_ad = Variable("pA", 0.0, "adaptation current")
    z = Variable("pA", 0.0, "depolarising current after a spike")
    V_T = Variable("mV", "V_T_rest", "threshold of the exponential now")
    u_bar_plus = Variable("mV", "E_L", "low-passed potential for potentiation")
    u_bar_minus = Variable("mV", "E_L", "low-passed potential for depression")
    u_bar_bar = Variable("mV", "E_L", "low-passed u_bar_minus")
    held = Variable("ms", 0.0, "what is left of a spike's width")
    I_stim = Variable("pA", 0.0, "sum of the injected currents now")

    @classmethod
    def validate(cls, parameters: dict[str, Any]) -> list[str]:
        """V_reset < V_peak and V_T_rest < V_peak."""
        return not_below(parameters, "V_reset", "V_peak") + not_below(parameters, "V_T_rest", "V_peak")

    @staticmethod
    def coefficients(p, h):
        half_z, half_T = exps(-0.5 * h / p.tau_z), exps(-0.5 * h / p.tau_V_T)
        return h, half_z, exps(-h / p.tau_z), half_T, exps(-h / p.tau_V_T)

    @staticmethod
    def propagate(s, c, p, clamped):
        h, held = c.step, s.held > 0.0
        steady = p.I_e + s.I_stim
        above = s.V_T - p.V_T_rest
        middle, later = steady + s.z * c.half_z, steady + s.z * c.decay_z
        V_half, V_full = p.V_T_rest + above * c.half_T, p.V_T_rest + above * c.decay_T
        a = 0.5 * h
        y1, y2, y3, y4, y5 = s.V_m, s.w_ad, s.u_bar_plus, s.u_bar_minus, s.u_bar_bar
        k1, l1, m1, n1, o1 = _slopes(y1, y2, y3, y4, y5, steady + s.z, s.V_T, held, p)
        k2, l2, m2, n2, o2 = _slopes(
            y1 + a * k1, y2 + a * l1, y3 + a * m1, y4 + a * n1, y5 + a * o1, middle, V_half, held, p
        )
        k3, l3, m3, n3, o3 = _slopes(
            y1 + a * k2, y2 + a * l2, y3 + a * m2, y4 + a * n2, y5 + a * o2, middle, V_half, held, p
        )
        k4, l4, m4, n4, o4 = _slopes(
            y1 + h * k3, y2 + h * l3, y3 + h * m3, y4 + h * n3, y5 + h * o3, later, V_full, held, p
        )
        over = held and s.held < 1.5 * h
        V_m = p.V_reset if over else y1 + h / 6.0 * (k1 + 2.0 * (k2 + k3) + k4)
        return (
            V_m,
            y2 + h / 6.0 * (l1 + 2.0 * (l2 + l3) + l4),
            s.z * c.decay_z,
            V_full,
            y3 + h / 6.0 * (m1 + 2.0 * (m2 + m3) + m4),
            y4 + h / 6.0 * (n1 + 2.0 * (n2 + n3) + n4),
            y5 + h / 6.0 * (o1 + 2.0 * (o2 + o3) + o4),
            s.held - h if held and not over else 0.0,
            s.I_stim,
        )

    @staticmethod
    def receive(s, x, p, refractory, r):
        V_m = s.V_m + (0.0 if refractory else x.delta)
        return V_m, s.w_ad, s.z, s.V_T, s.u_bar_plus, s.u_bar_minus, s.u_bar_bar, s.held, s.I_stim + x.current

    @staticmethod
    def fires(s, p):
        return 1 if s.V_m >= (s.V_T if p.Delta_T == 0.0 else p.V_peak) else 0

    @staticmethod
    def reset(s, p):
        V_m = p.V_clamp if p.t_clamp > 0.0 else p.V_reset
        return V_m, s.w_ad + p.b, p.I_sp, p.V_T_max, s.u_bar_plus, s.u_bar_minus, s.u_bar_bar, p.t_clamp, s.I_stim

"""A leaky integrate-and-fire neuron that hears of its error: a learning signal beside the membrane potential."""

from __future__ import annotations

from neuromorph.kernels.elementary import exp, exps
from neuromorph.models.contract import Receptor, Variable
from neuromorph.models.lif import LifDelta, membrane_coefficients
from neuromorph.parameters import Param


class LifError(LifDelta):
    """lif_delta with a filter of the spikes of error populations, which rules read and which moves no potential."""

    name = "lif_error"
    equations = """
    dV_m/dt = -(V_m - E_L)/tau_m + (I_e + I_stim)/C_m
    derror/dt = -error/tau_error
    arrival of weight w: V_m += w (mV, discarded while refractory) at receptor delta, error += w at receptor error
    V_m >= V_th: spike, V_m = V_reset for t_ref
    """
    source = "Bellec et al. 2020, doi:10.1038/s41467-020-17236-y; " + LifDelta.source
    receptors = (*LifDelta.receptors, Receptor("error", "1", explicit=True, doc="jump of the learning signal"))
    coefficient_names = (*LifDelta.coefficient_names, "decay_error")
    decay_names = (*LifDelta.decay_names, "decay_error")
    tau_error = Param(10.0, "ms", above=0, doc="decay of the learning signal")
    error = Variable("1", 0.0, "learning signal: filtered spikes of error populations")

    @staticmethod
    def coefficients(p, h):
        return (*membrane_coefficients(p, h), exps(-(h / p.tau_error)))

    @staticmethod
    def propagate(s, c, p, clamped):
        V_m = p.E_L + (s.V_m - p.E_L) * c.decay + (p.I_e + s.I_stim) * c.gain
        return s.V_m if clamped else V_m, s.I_stim, s.error * c.decay_error

    @staticmethod
    def advance(s, h, p, clamped):
        rest = p.E_L + (p.I_e + s.I_stim) * (p.tau_m / p.C_m)
        V_m = rest + (s.V_m - rest) * exp(h * (-1.0 / p.tau_m))
        return s.V_m if clamped else V_m, s.I_stim, s.error * exp(h * (-1.0 / p.tau_error))

    @staticmethod
    def decays(h, p):
        return exp(h * (-1.0 / p.tau_m)), exp(h * (-1.0 / p.tau_error))

    @staticmethod
    def advance_by(s, h, decays, p, clamped):
        rest = p.E_L + (p.I_e + s.I_stim) * (p.tau_m / p.C_m)
        V_m = rest + (s.V_m - rest) * decays[0]
        return s.V_m if clamped else V_m, s.I_stim, s.error * decays[1]

    @staticmethod
    def receive(s, x, p, refractory, r):
        return s.V_m + (0.0 if refractory else x.delta), s.I_stim + x.current, s.error + x.error

    @staticmethod
    def reset(s, p):
        return p.V_reset, s.I_stim, s.error

"""Izhikevich's simple model of spiking neurons, on the grid."""

from __future__ import annotations

from typing import Any

from neuromorph.kernels.jit import kernel
from neuromorph.models.contract import NeuronModel, Receptor, Variable
from neuromorph.models.lif import CURRENT, not_below
from neuromorph.parameters import Param


@kernel(forceinline=True)
def _slopes(V_m, u, current, p):
    return (0.04 * V_m + 5.0) * V_m + 140.0 - u + current, p.a * (p.b * V_m - u)


class Izhikevich(NeuronModel):
    """Quadratic integrate-and-fire neuron with a recovery variable: regular spiking by default.

    Classical Runge-Kutta, one step per tick, without refractoriness. Global error below threshold, measured over 20 ms
    from V_m = -75 mV: of order 4.0, 4e-7 mV at h = 0.1 ms. (The paper's own figures use Euler steps of 0.5 ms.)
    """

    name = "izhikevich"
    equations = """
    dV_m/dt = 0.04 V_m^2 + 5 V_m + 140 - u + I_e + I_stim
    du/dt = a (b V_m - u)
    arrival of weight w (mV): V_m += w
    V_m >= V_th: spike, V_m = c, u += d
    """
    source = "Izhikevich 2003, doi:10.1109/TNN.2003.820440"
    resolutions = ("grid",)
    refractory = ""
    receptors = (Receptor("delta", "mV", doc="jump of the membrane potential"), CURRENT)
    coefficient_names = ("step",)
    a = Param(0.02, "1", doc="rate of recovery (1/ms), any sign")
    b = Param(0.2, "1", doc="sensitivity of the recovery to V_m, any sign")
    c = Param(-65.0, "mV", doc="potential after a spike, below V_th")
    d = Param(8.0, "mV", doc="jump of the recovery at a spike")
    V_th = Param(30.0, "mV", doc="peak of a spike")
    I_e = Param(0.0, "pA", doc="constant current")
    V_m = Variable("mV", -65.0, "membrane potential")
    u = Variable("mV", -13.0, "recovery")
    I_stim = Variable("pA", 0.0, "sum of the injected currents now")

    @classmethod
    def validate(cls, parameters: dict[str, Any]) -> list[str]:
        """c < V_th."""
        return not_below(parameters, "c", "V_th")

    @staticmethod
    def coefficients(p, h):
        return (h,)

    @staticmethod
    def propagate(s, c, p, clamped):
        h = c.step
        current = p.I_e + s.I_stim
        k1, l1 = _slopes(s.V_m, s.u, current, p)
        k2, l2 = _slopes(s.V_m + 0.5 * h * k1, s.u + 0.5 * h * l1, current, p)
        k3, l3 = _slopes(s.V_m + 0.5 * h * k2, s.u + 0.5 * h * l2, current, p)
        k4, l4 = _slopes(s.V_m + h * k3, s.u + h * l3, current, p)
        V_m = s.V_m + h / 6.0 * (k1 + 2.0 * (k2 + k3) + k4)
        return V_m, s.u + h / 6.0 * (l1 + 2.0 * (l2 + l3) + l4), s.I_stim

    @staticmethod
    def receive(s, x, p, refractory, r):
        return s.V_m + x.delta, s.u, s.I_stim + x.current

    @staticmethod
    def fires(s, p):
        return 1 if s.V_m >= p.V_th else 0

    @staticmethod
    def reset(s, p):
        return p.c, s.u + p.d, s.I_stim

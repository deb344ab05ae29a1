"""Inhibitory plasticity that brings the target to a rate of its own."""

from neuromorph.learning.contract import LearningRule, Trace
from neuromorph.parameters import Param


class InhibitorySTDP(LearningRule):
    """w += eta (y - 2 rho_0 tau) at presynaptic spikes, w += eta x at postsynaptic ones.

    Near coincidence strengthens inhibition, whichever spike comes first, and each presynaptic spike alone weakens it,
    so that on average the target comes to fire at rho_0. eta has the sign of the weights: above 0 for conductances,
    below 0 where inhibition is a weight below 0. Vogels, Sprekeler, Zenke, Clopath & Gerstner 2011,
    doi:10.1126/science.1211095.
    """

    name = "inhibitory_stdp"
    tau = Param(20.0, "ms", above=0, doc="time constant of the window, on both sides")
    eta = Param(0.01, doc="change of a pair at dt -> 0, in the unit of the weight, any sign: that of the weights")
    rho_0 = Param(5.0, "Hz", at_least=0, doc="rate at which the target settles")
    x = Trace("pre", "tau")
    y = Trace("post", "tau")

    def on_pre(w, pre, post, p):
        return w + p.eta * (post.y - 2e-3 * p.rho_0 * p.tau)

    def on_post(w, pre, post, p):
        return w + p.eta * pre.x

"""STDP with potentiation by a power of the weight and multiplicative depression."""

from neuromorph.learning.contract import LearningRule, Trace
from neuromorph.parameters import Param


class MorrisonSTDP(LearningRule):
    """A pair changes w by eta w_0^(1 - mu) w^mu exp(-dt / tau_plus) or by -eta alpha w exp(dt / tau_minus).

    dt = t_post - t_pre at the synapse; all pairs count. Fitted to the data of Bi & Poo 1998 by mu = 0.4. No upper bound
    is needed: where potentiation and depression meet, w = w_0 (tau_plus / (alpha tau_minus))^(1 / (1 - mu)) for
    unrelated trains. Morrison, Aertsen & Diesmann 2007, doi:10.1162/neco.2007.19.6.1437; NEST's stdp_pl_synapse_hom.
    """

    name = "morrison_stdp"
    tau_plus = Param(20.0, "ms", above=0, doc="time constant of potentiation")
    tau_minus = Param(20.0, "ms", above=0, doc="time constant of depression")
    eta = Param(0.1, at_least=0, doc="potentiation of a pair at dt -> 0 and w = w_0, in units of w_0")
    alpha = Param(0.11, at_least=0, doc="depression over potentiation at w = w_0")
    mu = Param(0.4, at_least=0, below=1, doc="exponent of potentiation")
    w_0 = Param(1.0, above=0, doc="reference weight, in the unit of the weight")
    x = Trace("pre", "tau_plus")
    y = Trace("post", "tau_minus")

    def on_pre(w, pre, post, p):
        return w - p.eta * p.alpha * w * post.y

    def on_post(w, pre, post, p):
        return w + p.eta * p.w_0 * max(0.0, w / p.w_0) ** p.mu * pre.x

"""STDP whose changes depend on the weight by powers: between additive and multiplicative."""

from neuromorph.learning.contract import LearningRule, Trace
from neuromorph.parameters import Param


class PowerLawSTDP(LearningRule):
    """A pair changes v = w / w_0 by eta (1 - v)^mu_plus exp(-dt/tau_plus) or -eta alpha v^mu_minus exp(dt/tau_minus).

    dt = t_post - t_pre at the synapse; all pairs count. mu_plus = mu_minus = 0 is additive STDP, 1 and 1 the
    multiplicative one, 0 and 1 what van Rossum et al. 2000 have. Weights are meant to lie in [0, w_0]: set the
    projection's w_max to w_0 too, since additive potentiation does not stop there. Guetig, Aharonov, Rotter &
    Sompolinsky 2003, doi:10.1523/JNEUROSCI.23-09-03697.2003; NEST's stdp_synapse.
    """

    name = "power_law_stdp"
    tau_plus = Param(20.0, "ms", above=0, doc="time constant of potentiation")
    tau_minus = Param(20.0, "ms", above=0, doc="time constant of depression")
    eta = Param(0.005, at_least=0, doc="potentiation of a pair at dt -> 0 and w = 0, in units of w_0")
    alpha = Param(1.05, at_least=0, doc="depression over potentiation")
    mu_plus = Param(0.02, at_least=0, at_most=1, doc="exponent of potentiation")
    mu_minus = Param(0.02, at_least=0, at_most=1, doc="exponent of depression")
    w_0 = Param(1.0, above=0, doc="largest weight, in the unit of the weight")
    x = Trace("pre", "tau_plus")
    y = Trace("post", "tau_minus")

    def on_pre(w, pre, post, p):
        return w - p.eta * p.alpha * p.w_0 * max(0.0, w / p.w_0) ** p.mu_minus * post.y

    def on_post(w, pre, post, p):
        return w + p.eta * p.w_0 * max(0.0, 1.0 - w / p.w_0) ** p.mu_plus * pre.x

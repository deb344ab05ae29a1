"""STDP as a filter that takes the derivative of the postsynaptic rate."""

from neuromorph.learning.contract import LearningRule, Trace
from neuromorph.parameters import Param


class STDPDerivative(LearningRule):
    """dw = eta (fast/tau_fast - slow/tau_slow) at presynaptic spikes: presynaptic rate x d(postsynaptic rate)/dt.

    The filter k(s) = exp(-s/tau_fast)/tau_fast - exp(-s/tau_slow)/tau_slow has no area, so a constant rate changes
    nothing on average, and a first moment of tau_fast - tau_slow, so that for rates r_pre and r_post(t) (per ms)
    dw/dt = eta r_pre (tau_slow - tau_fast) dr_post/dt. Hinton's lecture; Xie & Seung 2000, NIPS 12;
    Bengio et al. 2017, doi:10.1162/NECO_a_00934.
    """

    name = "stdp_derivative"
    tau_fast = Param(10.0, "ms", above=0, doc="time constant of the fast trace")
    tau_slow = Param(100.0, "ms", above=0, doc="time constant of the slow trace")
    eta = Param(0.01, doc="learning rate, in the unit of the weight times ms, any sign")
    fast = Trace("post", "tau_fast")
    slow = Trace("post", "tau_slow")

    def on_pre(w, pre, post, p):
        return w + p.eta * (post.fast / p.tau_fast - post.slow / p.tau_slow)

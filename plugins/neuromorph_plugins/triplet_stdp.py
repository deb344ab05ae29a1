"""Triplet STDP: pairs of spikes, and what a third one adds to them."""

from neuromorph.learning.contract import LearningRule, Trace
from neuromorph.parameters import Param


class TripletSTDP(LearningRule):
    """w -= o1 (a2_minus + a3_minus r2) at presynaptic spikes, w += r1 (a2_plus + a3_plus o2) at postsynaptic ones.

    r1, r2 (tau_plus, tau_x) count presynaptic spikes, o1, o2 (tau_minus, tau_y) postsynaptic ones; all are read before
    the spike adds to them; all pairs and triplets count. The defaults are the full all-to-all model as it was fitted to
    visual cortex, for weights that begin at 1. Pfister & Gerstner 2006, doi:10.1523/JNEUROSCI.1425-06.2006.
    """

    name = "triplet_stdp"
    tau_plus = Param(16.8, "ms", above=0, doc="time constant of r1")
    tau_x = Param(101.0, "ms", above=0, doc="time constant of r2")
    tau_minus = Param(33.7, "ms", above=0, doc="time constant of o1")
    tau_y = Param(125.0, "ms", above=0, doc="time constant of o2")
    a2_plus = Param(5e-10, at_least=0, doc="potentiation of a pair at dt -> 0, in the unit of the weight")
    a3_plus = Param(6.2e-3, at_least=0, doc="potentiation of a triplet post-pre-post, in the unit of the weight")
    a2_minus = Param(7e-3, at_least=0, doc="depression of a pair at dt -> 0, in the unit of the weight")
    a3_minus = Param(2.3e-4, at_least=0, doc="depression of a triplet pre-post-pre, in the unit of the weight")
    r1 = Trace("pre", "tau_plus")
    r2 = Trace("pre", "tau_x")
    o1 = Trace("post", "tau_minus")
    o2 = Trace("post", "tau_y")

    def on_pre(w, pre, post, p):
        return w - post.o1 * (p.a2_minus + p.a3_minus * pre.r2)

    def on_post(w, pre, post, p):
        return w + pre.r1 * (p.a2_plus + p.a3_plus * post.o2)

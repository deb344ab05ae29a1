"""Pair-based spike-timing-dependent plasticity."""

from neuromorph.learning.contract import LearningRule, Trace
from neuromorph.parameters import Param


class PairSTDP(LearningRule):
    """A pair of spikes changes the weight by a_plus exp(-dt / tau_plus) or -a_minus exp(dt / tau_minus).

    dt = t_post - t_pre at the synapse; all pairs count. Song, Miller & Abbott 2000, doi:10.1038/78829.
    """

    name = "pair_stdp"
    tau_plus = Param(20.0, "ms", above=0, doc="time constant of potentiation")
    tau_minus = Param(20.0, "ms", above=0, doc="time constant of depression")
    a_plus = Param(0.01, doc="potentiation of a pair at dt -> 0, in the unit of the weight, any sign")
    a_minus = Param(0.0105, doc="depression of a pair at dt -> 0, in the unit of the weight, any sign")
    x = Trace("pre", "tau_plus")
    y = Trace("post", "tau_minus")

    def on_pre(w, pre, post, p):
        return w - p.a_minus * post.y

    def on_post(w, pre, post, p):
        return w + p.a_plus * pre.x

"""Recirculation: presynaptic activity x change of postsynaptic activity."""

from neuromorph.learning.contract import LearningRule, Variable
from neuromorph.parameters import Param


class Recirculation(LearningRule):
    """dw = eta value n_pre(free) (n_post(nudged) - n_post(free)) at the signal that ends a cycle.

    STDP whose kernel is a derivative filter over one cycle: -1 within it, +1 one later. The value of the signal
    scales the rate. Hinton & McClelland 1988, Learning representations by recirculation, NIPS 0 (no DOI).
    """

    name = "recirculation"
    eta = Param(0.01, doc="learning rate, weight per pair of spikes, any sign")
    free = Variable("pre", "n_free")
    change = Variable("post", "change")
    unchanged_when_zero = ("pre.free", "post.change")

    def on_signal(w, pre, post, p, value):
        return w + p.eta * value * pre.free * post.change

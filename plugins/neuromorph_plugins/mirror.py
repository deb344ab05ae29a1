"""Mirrored recirculation for top-down synapses."""

from neuromorph.learning.contract import LearningRule, Variable
from neuromorph.parameters import Param


class Mirror(LearningRule):
    """dw = eta value (n_pre(nudged) - n_pre(free)) n_post(free): the change above x the activity below.

    The mirror image of what recirculation does to the synapse the other way, so the two grow alike.
    Burbank 2015, doi:10.1371/journal.pcbi.1004566; Kolen & Pollack 1994, doi:10.1109/ICNN.1994.374486.
    """

    name = "mirror"
    eta = Param(0.01, doc="learning rate, weight per pair of spikes, any sign")
    change = Variable("pre", "change")
    free = Variable("post", "n_free")
    unchanged_when_zero = ("pre.change", "post.free")

    def on_signal(w, pre, post, p, value):
        return w + p.eta * value * pre.change * post.free

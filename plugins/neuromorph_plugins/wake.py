"""Wake phase: top-down synapses learn to reconstruct the layer below."""

from neuromorph.learning.contract import LearningRule, Variable
from neuromorph.parameters import Param


class Wake(LearningRule):
    """dw = eta value above ((n_post - mean) - (a_post - mean)): the activity above x what it fails to reconstruct.

    a_post is the apical charge of the free cycle, the reconstruction; means run over cycles. `clamped` = 1 takes for the
    activity above the nudged one, which at the top is the target. Hinton, Dayan, Frey & Neal 1995,
    doi:10.1126/science.7761831.
    """

    name = "wake"
    eta = Param(0.001, doc="learning rate, weight per pair of spikes")
    clamped = Param(0.0, at_least=0, at_most=1, doc="1: the activity above is the nudged one")
    free_above = Variable("pre", "n_free")
    nudged_above = Variable("pre", "n_nudged")
    mean_above = Variable("pre", "n_mean")
    free = Variable("post", "n_free")
    mean = Variable("post", "n_mean")
    reconstruction = Variable("post", "a_free")
    mean_reconstruction = Variable("post", "a_mean")

    def on_signal(w, pre, post, p, value):
        above = pre.free_above + p.clamped * (pre.nudged_above - pre.free_above) - pre.mean_above
        missed = (post.free - post.mean) - (post.reconstruction - post.mean_reconstruction)
        return w + p.eta * value * above * missed

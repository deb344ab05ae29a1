"""Wake phase: top-down synapses learn in the free volleys what goes on in the layer below."""

from neuromorph.learning.contract import LearningRule, Variable
from neuromorph.parameters import Param


class Wake(LearningRule):
    """dw = eta value n_pre ((n_post - mean) - (a_post - mean)): the activity above x what it fails to reconstruct.

    a_post is the apical charge of the free cycle, the reconstruction; the means run over cycles, so that only what
    varies is learnt. The activity above need not be centred: the other factor is, so its mean adds nothing.
    Hinton, Dayan, Frey & Neal 1995, doi:10.1126/science.7761831.
    """

    name = "wake"
    eta = Param(1e-5, doc="learning rate, weight per pair of spikes, any sign")
    above = Variable("pre", "n_free")
    free = Variable("post", "n_free")
    mean = Variable("post", "n_mean")
    reconstruction = Variable("post", "a_free")
    mean_reconstruction = Variable("post", "a_mean")
    unchanged_when_zero = ("pre.above",)

    def on_signal(w, pre, post, p, value):
        missed = (post.free - post.mean) - (post.reconstruction - post.mean_reconstruction)
        return w + p.eta * value * pre.above * missed


class WakeClamped(Wake):
    """Wake with the activity above clamped to its target: n_pre is the nudged count, for use at the top."""

    name = "wake_clamped"
    above = Variable("pre", "n_nudged")


class WakeLooks(LearningRule):
    """dw = eta value luck_post (step_pre - luck_post w) where step_pre is not 0, after two looks at the same.

    luck is what chance added to the count below, step what changed above: since chance has no cause, w becomes
    E[luck step] / E[luck^2; step not 0], how the count above answers one more spike below: the bottom-up weight times
    a factor of the cell above. Between two images the step would be full of what they differ in, which hides that for
    many thousands of them.
    A weight mirror: Akrout, Wilson, Humphreys, Lillicrap & Tweed 2019, arXiv:1904.05391.
    """

    name = "wake_looks"
    eta = Param(1e-3, doc="learning rate per squared spike, any sign")
    step = Variable("pre", "n_step")
    luck = Variable("post", "luck_step")
    unchanged_when_zero = ("pre.step", "post.luck")

    def on_signal(w, pre, post, p, value):
        return w if pre.step == 0.0 else w + p.eta * value * post.luck * (pre.step - post.luck * w)

"""Wake-sleep: a cell learns to say by itself what it was made to say."""

from neuromorph.learning.contract import LearningRule, Variable
from neuromorph.parameters import Param


class WakeSleep(LearningRule):
    """dw = eta value n_pre(nudged) (n_post(nudged) - n_post(free)) at the signal that ends a cycle: the delta rule.

    n_free is what the cell's basal charge predicted, n_nudged what it was made to say. Awake, generative cells are made
    to say what recognition found; asleep, recognition cells what was dreamt: one rule, two signals.
    Hinton, Dayan, Frey & Neal 1995, doi:10.1126/science.7761831.
    """

    name = "wake_sleep"
    eta = Param(0.01, doc="learning rate, weight per pair of spikes, any sign")
    said = Variable("pre", "n_nudged")
    missed = Variable("post", "change")
    unchanged_when_zero = ("pre.said", "post.missed")

    def on_signal(w, pre, post, p, value):
        return w + p.eta * value * pre.said * post.missed

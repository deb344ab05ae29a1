"""Event-driven contrastive divergence: symmetric STDP whose sign a global signal sets."""

from neuromorph.learning.contract import LearningRule, State, Trace
from neuromorph.parameters import Param


class ContrastiveDivergence(LearningRule):
    """A pair of spikes changes the weight by eta gate exp(-|dt| / tau), gate being the last value of the signal.

    gate = 1 while the data are shown, -1 while they are reconstructed, 0 while cells settle; 0 before the first signal.
    Neftci, Das, Pedroni, Kreutz-Delgado & Cauwenberghs 2014, doi:10.3389/fnins.2013.00272.
    """

    name = "contrastive_divergence"
    tau = Param(10.0, "ms", above=0, doc="time constant of the window, on both sides")
    eta = Param(0.001, doc="change of a pair at dt -> 0, in the unit of the weight, any sign")
    gate = State(0.0)
    x = Trace("pre", "tau")
    y = Trace("post", "tau")

    def on_pre(w, pre, post, p, syn):
        return w + p.eta * syn.gate * post.y, syn.gate

    def on_post(w, pre, post, p, syn):
        return w + p.eta * syn.gate * pre.x, syn.gate

    def on_signal(w, pre, post, p, value, syn):
        return w, value

"""Oja's rule: Hebbian growth, with a decay that keeps the sum of squared weights where it is."""

from neuromorph.learning.contract import LearningRule, Trace
from neuromorph.parameters import Param


class Oja(LearningRule):
    """At a postsynaptic spike w += eta (x - alpha y w): the mean is eta rho_post (rho_pre - alpha rho_post w).

    x and y (Hz) are the rates of the two cells over the past tau, before the spike: products of a spike with earlier
    ones estimate products of rates without the noise of squares. Where the target's rate is linear, rho_post =
    g w . rho_pre, w turns towards the leading eigenvector of the second moments of the presynaptic rates, and its
    squared norm becomes 1 / (g alpha). Event-driven form of Oja 1982, doi:10.1007/BF00275687.
    """

    name = "oja"
    tau = Param(100.0, "ms", above=0, doc="time over which rates are taken")
    eta = Param(1e-4, above=0, doc="learning rate: weight per spike and Hz of presynaptic rate")
    alpha = Param(1.0, above=0, doc="strength of the decay, in units of 1 / weight")
    x = Trace("pre", "tau")
    y = Trace("post", "tau")

    def on_post(w, pre, post, p):
        return w + p.eta * 1e3 / p.tau * (pre.x - p.alpha * post.y * w)

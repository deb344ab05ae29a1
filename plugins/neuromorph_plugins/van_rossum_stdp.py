"""STDP whose depression is in proportion to the weight, and whose changes are noisy."""

import math

from neuromorph.learning.contract import LearningRule, Random, Trace
from neuromorph.parameters import Param


class VanRossumSTDP(LearningRule):
    """A pair changes w by (c_plus + n w) exp(-dt / tau_plus) or (n - c_minus) w exp(dt / tau_minus).

    dt = t_post - t_pre at the synapse; all pairs count. n is normal with mean 0 and standard deviation sigma, new at
    each spike. Weights settle in one hump around c_plus tau_plus / (c_minus tau_minus) where the trains know nothing of
    each other. Van Rossum, Bi & Turrigiano 2000, doi:10.1523/JNEUROSCI.20-23-08812.2000.
    """

    name = "van_rossum_stdp"
    tau_plus = Param(20.0, "ms", above=0, doc="time constant of potentiation")
    tau_minus = Param(20.0, "ms", above=0, doc="time constant of depression")
    c_plus = Param(1.0, at_least=0, doc="potentiation of a pair at dt -> 0, in the unit of the weight")
    c_minus = Param(0.003, at_least=0, doc="depression of a pair at dt -> 0, in units of the weight at hand")
    sigma = Param(0.015, at_least=0, doc="noise of a change at dt -> 0, in units of the weight at hand")
    x = Trace("pre", "tau_plus")
    y = Trace("post", "tau_minus")
    u = Random()
    v = Random()

    def on_pre(w, pre, post, p, syn):
        n = p.sigma * math.sqrt(-2.0 * math.log(1.0 - syn.u)) * math.cos(2.0 * math.pi * syn.v)
        return w + (n - p.c_minus) * w * post.y

    def on_post(w, pre, post, p, syn):
        n = p.sigma * math.sqrt(-2.0 * math.log(1.0 - syn.u)) * math.cos(2.0 * math.pi * syn.v)
        return w + (p.c_plus + n * w) * pre.x

"""Short-term plasticity: what a spike delivers depends on those before it, and the weight stays."""

from neuromorph.learning.contract import LearningRule, Random, State
from neuromorph.parameters import Param


class TsodyksMarkram(LearningRule):
    """A spike delivers w u x: u <- U + u (1 - U), then x u of the resource x is used up.

    Between spikes du/dt = -u / tau_fac and dx/dt = (1 - x) / tau_rec; at rest u = 0 and x = 1. Spikes of one instant
    release together, once. Tsodyks, Pawelzik & Markram 1998, doi:10.1162/089976698300017502; Maass & Markram 2002,
    doi:10.1016/S0893-6080(01)00144-7, eqs 4 and 5; NEST's tsodyks2_synapse (there set u = U at first).
    """

    name = "tsodyks_markram"
    U = Param(0.5, above=0, at_most=1, doc="utilisation of the resource by the first of a series of spikes")
    tau_rec = Param(800.0, "ms", above=0, doc="recovery from depression")
    tau_fac = Param(1e-3, "ms", above=0, doc="decay of facilitation; far below the intervals for none")
    u = State(0.0, "tau_fac")
    used = State(0.0, "tau_rec")  # 1 - x
    released = State(0.0)

    def on_pre(w, pre, post, p, syn):
        u = p.U + syn.u * (1.0 - p.U)
        released = u * (1.0 - syn.used)
        return w, u, syn.used + released, released

    def transmit(w, p, syn):
        return w * syn.released


class StochasticRelease(LearningRule):
    """A spike delivers r w, where r = 1 with probability p_transmit, else 0, drawn by each synapse for itself.

    Spikes of one instant fare alike. The mean delivered is p_transmit w, its variance p_transmit (1 - p_transmit) w^2.
    Lefort, Tomm, Sarria & Petersen 2009, doi:10.1016/j.neuron.2008.12.020; NEST's bernoulli_synapse.
    """

    name = "stochastic_release"
    p_transmit = Param(0.5, at_least=0, at_most=1, doc="probability that a spike is transmitted")
    u = Random()

    def transmit(w, p, syn):
        return w if syn.u < p.p_transmit else 0.0

"""STDP in which a spike is paired with its nearest neighbours alone, in three ways of choosing them."""

from neuromorph.learning.contract import LearningRule, State, Trace
from neuromorph.parameters import Param


class _Pairs(LearningRule):
    tau_plus = Param(20.0, "ms", above=0, doc="time constant of potentiation")
    tau_minus = Param(20.0, "ms", above=0, doc="time constant of depression")
    a_plus = Param(0.01, doc="potentiation of a pair at dt -> 0, in the unit of the weight, any sign")
    a_minus = Param(0.0105, doc="depression of a pair at dt -> 0, in the unit of the weight, any sign")


class NearestSTDP(_Pairs):
    """A spike is paired with the latest spike of the other side: the symmetric scheme.

    A pair changes the weight by a_plus exp(-dt / tau_plus) or -a_minus exp(dt / tau_minus), dt = t_post - t_pre at the
    synapse. Morrison, Diesmann & Gerstner 2008, doi:10.1007/s00422-008-0233-1, fig. 7A; NEST's stdp_nn_symm_synapse.
    """

    name = "nearest_stdp"
    x = Trace("pre", "tau_plus", nearest=True)
    y = Trace("post", "tau_minus", nearest=True)

    def on_pre(w, pre, post, p):
        return w - p.a_minus * post.y

    def on_post(w, pre, post, p):
        return w + p.a_plus * pre.x


class PreCenteredSTDP(_Pairs):
    """A presynaptic spike is paired with the last postsynaptic spike before it and with the first one after it.

    A pair changes the weight by a_plus exp(-dt / tau_plus) or -a_minus exp(dt / tau_minus), dt = t_post - t_pre at the
    synapse: x sums over the presynaptic spikes since the last postsynaptic one. Morrison, Diesmann & Gerstner 2008,
    doi:10.1007/s00422-008-0233-1, fig. 7B; NEST's stdp_nn_pre_centered_synapse.
    """

    name = "pre_centered_stdp"
    x = State(0.0, "tau_plus")
    y = Trace("post", "tau_minus", nearest=True)

    def on_pre(w, pre, post, p, syn):
        return w - p.a_minus * post.y, syn.x + pre.count

    def on_post(w, pre, post, p, syn):
        return w + p.a_plus * syn.x, 0.0


class RestrictedSTDP(_Pairs):
    """Only immediate neighbours make a pair, and each spike at most one of either kind: the restricted scheme.

    A pair changes the weight by a_plus exp(-dt / tau_plus) or -a_minus exp(dt / tau_minus), dt = t_post - t_pre at the
    synapse. Morrison, Diesmann & Gerstner 2008, doi:10.1007/s00422-008-0233-1, fig. 7C; NEST's stdp_nn_restr_synapse.
    """

    name = "restricted_stdp"
    x = State(0.0, "tau_plus")
    y = State(0.0, "tau_minus")

    def on_pre(w, pre, post, p, syn):
        return w - p.a_minus * syn.y, 1.0, 0.0

    def on_post(w, pre, post, p, syn):
        return w + p.a_plus * syn.x, 0.0, 1.0

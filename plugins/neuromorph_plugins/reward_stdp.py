"""Reward-modulated STDP: pairs of spikes leave an eligibility, dopamine turns it into weight."""

from neuromorph.learning.contract import LearningRule, State, Trace
from neuromorph.parameters import Param


class RewardSTDP(LearningRule):
    """dw/dt = c d: pair STDP jumps the eligibility c of a synapse, a signal the dopamine d; both decay.

    dc/dt = -c/tau_c, + a_plus exp(-dt/tau_plus) or -a_minus exp(dt/tau_minus) for every pair, dt = t_post - t_pre at
    the synapse; dd/dt = -d/tau_d, + value at a signal. Between two events c d decays at 1/tau = 1/tau_c + 1/tau_d, so
    the weight has gained tau (c d after the first - c d before the second): it is brought up to date, without error,
    at spikes and signals (one of value 0 too), and a weight that is read is that of the synapse's last event. Bounds
    hold at events. Izhikevich 2007, doi:10.1093/cercor/bhl152.
    """

    name = "reward_stdp"
    tau_plus = Param(20.0, "ms", above=0, doc="time constant of potentiation")
    tau_minus = Param(20.0, "ms", above=0, doc="time constant of depression")
    a_plus = Param(0.001, doc="eligibility of a pair at dt -> 0, weight per ms and unit of dopamine, any sign")
    a_minus = Param(0.00105, doc="eligibility that a pair at dt -> 0 takes away, in the same unit, any sign")
    tau_c = Param(1000.0, "ms", above=0, doc="time constant of the eligibility")
    tau_d = Param(200.0, "ms", above=0, doc="time constant of the dopamine")
    x = Trace("pre", "tau_plus")
    y = Trace("post", "tau_minus")
    c = State(0.0, "tau_c")
    d = State(0.0, "tau_d")
    rate = State(0.0)  # c d after the last event

    def on_pre(w, pre, post, p, syn):
        c = syn.c - p.a_minus * post.y * pre.count
        return w + (syn.rate - syn.c * syn.d) / (1 / p.tau_c + 1 / p.tau_d), c, syn.d, c * syn.d

    def on_post(w, pre, post, p, syn):
        c = syn.c + p.a_plus * pre.x * post.count
        return w + (syn.rate - syn.c * syn.d) / (1 / p.tau_c + 1 / p.tau_d), c, syn.d, c * syn.d

    def on_signal(w, pre, post, p, value, syn):
        d = syn.d + value
        return w + (syn.rate - syn.c * syn.d) / (1 / p.tau_c + 1 / p.tau_d), syn.c, d, syn.c * d

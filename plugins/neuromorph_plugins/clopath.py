"""Voltage-based STDP: depression by low-passed potential at presynaptic spikes, potentiation by depolarisation."""

from neuromorph.learning.contract import LearningRule, State, Trace, Variable
from neuromorph.parameters import Param


class Clopath(LearningRule):
    """At a spike w -= a_LTD [u_minus - theta_minus]+; dw/dt = a_LTP x [u - theta_plus]+ [u_plus - theta_minus]+.

    u is the target's potential, u_minus and u_plus are its low-passes (variables of model adex_clopath), x the
    presynaptic spikes, low-passed: exp(-t / tau_x) / tau_x. Depression reads what the target had a delay ago. The
    potentiation is summed at a signal, its clock: send one at every tick, of value the tick in ms. It sees u and x of
    the same time (the delay is left out of it), and the weight gets it at the next presynaptic spike: a weight that is
    read is that of the last one. With u_ref_squared above 0 a_LTD grows as u_bar_bar^2 / u_ref_squared, the homeostasis
    of the paper. Grid only. Clopath, Buesing, Vasilaki & Gerstner 2010, doi:10.1038/nn.2479; NEST's clopath_synapse.
    """

    name = "clopath"
    a_LTD = Param(14e-5, at_least=0, doc="depression, in the unit of the weight per mV")
    a_LTP = Param(8e-5, at_least=0, doc="potentiation, in the unit of the weight per mV^2")
    theta_minus = Param(-70.6, "mV", doc="where low-passed potentials begin to matter, unbounded")
    theta_plus = Param(-45.3, "mV", doc="where depolarisation begins to potentiate, unbounded")
    tau_x = Param(15.0, "ms", above=0, doc="low-pass of the presynaptic spikes")
    u_ref_squared = Param(0.0, at_least=0, doc="reference of the homeostasis, mV^2; 0 for none")
    x = Trace("pre", "tau_x")
    u = Variable("post", "V_m")
    u_plus = Variable("post", "u_bar_plus")
    u_minus = Variable("post", "u_bar_minus")
    u_bar_bar = Variable("post", "u_bar_bar")

    gained = State(0.0)  # potentiation since the last presynaptic spike

    def on_pre(w, pre, post, p, syn):
        scale = post.u_bar_bar**2 / p.u_ref_squared if p.u_ref_squared > 0.0 else 1.0
        return w + syn.gained - p.a_LTD * scale * max(0.0, post.u_minus - p.theta_minus), 0.0

    def on_signal(w, pre, post, p, value, syn):
        depolarised = max(0.0, post.u - p.theta_plus) * max(0.0, post.u_plus - p.theta_minus)
        return w, syn.gained + value * p.a_LTP * pre.x / p.tau_x * depolarised

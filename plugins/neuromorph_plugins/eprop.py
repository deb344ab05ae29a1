"""e-prop: eligibility of a synapse x learning signal of its target."""

import numba

from neuromorph.learning.contract import LearningRule, State, Trace, Variable
from neuromorph.parameters import Param


@numba.njit
def _slope(V_m, p):
    """Pseudo-derivative of the spike by the potential, 1/mV: gamma / width at V_th, 0 from `width` away."""
    return p.gamma / p.width * max(0.0, 1.0 - abs(V_m - p.V_th) / p.width)


class EProp(LearningRule):
    """dw = -eta value error e at a signal, de/dt = -e/tau_e, e += psi(V_m) x at signals and postsynaptic spikes.

    x low-passes the presynaptic spikes (tau_m), psi = gamma/width max(0, 1 - |V_m - V_th|/width) is the
    pseudo-derivative of the target, `error` its learning signal, such as the filtered spikes of error populations
    (model lif_error). The signal is the clock of learning: where it comes at every tick, this is the sum over t of
    L(t) times the low-pass of psi(t) x(t). Where it comes more rarely that sum is sampled: between two signals all
    decays and nothing is computed, except that psi at a spike is seen at each one, just before the reset (on_post).

    Neglected: as in e-prop, what a synapse does to the error through the spikes of other cells, and the reset; and the
    delay, which is dendritic here: x counts from the emission, and psi of a spike meets the x of one delay later.
    Delay and clock should be short against tau_m.
    Bellec et al. 2020, doi:10.1038/s41467-020-17236-y, eqs 1 to 5.
    """

    name = "eprop"
    eta = Param(1e-3, doc="learning rate, in mV times the unit of the weight over that of error, any sign")
    tau_m = Param(20.0, "ms", above=0, doc="low-pass of the presynaptic spikes: the target's membrane time constant")
    tau_e = Param(20.0, "ms", above=0, doc="low-pass of the eligibility: by which the task reads spikes")
    V_th = Param(-55.0, "mV", doc="the target's threshold, any value")
    width = Param(15.0, "mV", above=0, doc="distance from threshold at which the pseudo-derivative is 0")
    gamma = Param(0.3, "1", above=0, doc="height of the pseudo-derivative, in units of 1 / width")
    x = Trace("pre", "tau_m")
    V_m = Variable("post", "V_m")
    error = Variable("post", "error")
    e = State(0.0, "tau_e")

    def on_post(w, pre, post, p, syn):
        return w, syn.e + _slope(post.V_m, p) * pre.x

    def on_signal(w, pre, post, p, value, syn):
        e = syn.e + _slope(post.V_m, p) * pre.x
        return w - p.eta * value * post.error * e, e

"""SuperSpike: surrogate gradients online, by an eligibility that is filtered once more."""

import numba

from neuromorph.learning.contract import LearningRule, State, Trace, Variable
from neuromorph.parameters import Param


@numba.njit
def _surrogate(V_m, p):
    """Slope of a fast sigmoid at the potential, 1 at threshold: (1 + beta |V_m - V_th|)^-2."""
    return 1.0 / (1.0 + p.beta * abs(V_m - p.V_th)) ** 2


class SuperSpike(LearningRule):
    """dw = eta value error (alpha * (surrogate(V_m) x)) at a signal, the clock of learning.

    x low-passes the presynaptic spikes as the target's membrane does (tau_m), surrogate = (1 + beta |V_m - V_th|)^-2,
    alpha(t) = exp(-t / tau_decay) - exp(-t / tau_rise), and `error` is the target's learning signal, the filtered
    difference of wanted and actual spikes (model lif_error). The integrals are sums over signals: send one at every
    tick, of value the tick in ms. The delay is dendritic here: x counts from the emission.
    What differs from the paper: error decays with the one exponential of lif_error instead of alpha, membranes take
    delta pulses, and rates are not scaled for each synapse. Zenke & Ganguli 2018, doi:10.1162/neco_a_01086.
    """

    name = "superspike"
    eta = Param(1e-3, doc="learning rate: weight per ms^2 of filtered error and eligibility, any sign")
    tau_m = Param(10.0, "ms", above=0, doc="low-pass of the presynaptic spikes: the target's membrane time constant")
    tau_decay = Param(10.0, "ms", above=0, doc="decay of alpha")
    tau_rise = Param(5.0, "ms", above=0, doc="rise of alpha, below tau_decay")
    V_th = Param(-55.0, "mV", doc="the target's threshold, unbounded")
    beta = Param(1.0, above=0, doc="sharpness of the surrogate, 1/mV")
    x = Trace("pre", "tau_m")
    V_m = Variable("post", "V_m")
    error = Variable("post", "error")
    slow = State(0.0, "tau_decay")
    fast = State(0.0, "tau_rise")

    def on_signal(w, pre, post, p, value, syn):
        e = value * _surrogate(post.V_m, p) * pre.x
        slow, fast = syn.slow + e, syn.fast + e
        return w + p.eta * value * post.error * (slow - fast), slow, fast

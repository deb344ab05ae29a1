"""Synaptic scaling: a cell multiplies its weights until it fires at its goal."""

from neuromorph.learning.contract import LearningRule, State, Trace
from neuromorph.parameters import Param


class SynapticScaling(LearningRule):
    """dw/dt = w (beta (goal - a) + gamma I), dI/dt = goal - a, in steps at a regular signal.

    a (Hz) is the target's rate over the past tau. The value of the signal is the time from one to the next (s): a step
    multiplies the weight, so the ratios of a cell's weights stay. All synapses of a cell agree on I, which each
    carries. Van Rossum, Bi & Turrigiano 2000, doi:10.1523/JNEUROSCI.20-23-08812.2000; Turrigiano et al. 1998,
    doi:10.1038/36103.
    """

    name = "synaptic_scaling"
    tau = Param(100_000.0, "ms", above=0, doc="time over which the target's rate is taken")
    goal = Param(10.0, "Hz", at_least=0, doc="the rate that is sought")
    beta = Param(4e-5, at_least=0, doc="strength of scaling, 1/s per Hz")
    gamma = Param(1e-7, at_least=0, doc="strength of its integral, 1/s^2 per Hz")
    y = Trace("post", "tau")
    integral = State(0.0)

    def on_signal(w, pre, post, p, value, syn):
        missing = p.goal - 1e3 * post.y / p.tau
        integral = syn.integral + value * missing
        return w + value * w * (p.beta * missing + p.gamma * integral), integral

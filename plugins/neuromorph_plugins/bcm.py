"""BCM: potentiation above a threshold of postsynaptic activity, depression below, and the threshold slides."""

from neuromorph.learning.contract import LearningRule, Trace
from neuromorph.parameters import Param


class BCM(LearningRule):
    """dw/dt = eta rho_pre rho_post (rho_post - theta), theta = mean^2 / rho_0, in the mean over spikes.

    At a postsynaptic spike w += eta x y, at a presynaptic one w -= eta theta y. x and y (Hz) are rates over the past
    tau, mean that over the past tau_theta, all before the spike, so that no product holds the square of one spike:
    for independent Poisson trains the mean is that of the equation. Theta moves as the square of the mean rate, the
    power p = 1 of the paper, and must be quicker than the weights. It is the minimal triplet rule with a sliding
    depression (Pfister & Gerstner 2006, doi:10.1523/JNEUROSCI.1425-06.2006). Bienenstock, Cooper & Munro 1982,
    doi:10.1523/JNEUROSCI.02-01-00032.1982.
    """

    name = "bcm"
    tau = Param(20.0, "ms", above=0, doc="time over which rates are taken")
    tau_theta = Param(2000.0, "ms", above=0, doc="time over which the threshold takes the mean rate")
    eta = Param(1e-6, above=0, doc="learning rate: weight per second and Hz^3")
    rho_0 = Param(10.0, "Hz", above=0, doc="rate at which the threshold equals the rate")
    x = Trace("pre", "tau")
    y = Trace("post", "tau")
    mean = Trace("post", "tau_theta")

    def on_pre(w, pre, post, p):
        theta = (1e3 * post.mean / p.tau_theta) ** 2 / p.rho_0
        return w - p.eta * theta * 1e3 * post.y / p.tau

    def on_post(w, pre, post, p):
        return w + p.eta * (1e3 * pre.x / p.tau) * (1e3 * post.y / p.tau)

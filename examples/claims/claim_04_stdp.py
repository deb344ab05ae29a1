"""Claim 4: STDP is a derivative filter: dw goes with presynaptic activity x rate of change of postsynaptic activity.

First the windows: one pair of spikes at each lag, post - pre, changes a weight by k(lag). Then what such a window does
to rates. A pair counts when its later spike comes; with a constant presynaptic rate and a slowly changing r_post(t)

    dw/dt = r_pre sum over lags of k(lag) r_post(t + min(lag, 0)) = r_pre (area of k) r_post + r_pre M dr_post/dt

with M the sum of k(lag) min(lag, 0): a window without area takes the derivative. Two rules: `pair_stdp` with equal
halves, the classical window (+ where the postsynaptic spike comes after the presynaptic one, - before), has
M = A tau_minus^2; `stdp_derivative`, which looks back only, M = eta (tau_slow - tau_fast). Neurons fire as Poisson
teachers tell them, at rates that rise and fall; the changes of the weights are compared with what M predicts: no
constant is fitted.
Xie & Seung 2000, NIPS 12; Bengio et al. 2017, doi:10.1162/NECO_a_00934.
"""

import numpy as np

from neuromorph import Network, Simulation

TAU, AMPLITUDE = 20.0, 1e-3  # ms, mV: of both halves of the classical window
FAST, SLOW, ETA = 10.0, 100.0, 1e-2  # ms, ms, mV ms: of the window that looks back
RULES = {
    "pair_stdp": {"tau_plus": TAU, "tau_minus": TAU, "a_plus": AMPLITUDE, "a_minus": AMPLITUDE},
    "stdp_derivative": {"tau_fast": FAST, "tau_slow": SLOW, "eta": ETA},
}
MOMENT = {"pair_stdp": AMPLITUDE * TAU**2, "stdp_derivative": ETA * (SLOW - FAST)}  # mV ms^2
STEADY, RAMP, STEP = 500.0, 1000.0, 10.0  # ms: constant rate, changing rate, piece of constant rate within it
MEAN_RATE, PRE_RATE = 60.0, 60.0  # Hz


def neurons(net, name, size, teacher, params):
    """Neurons that fire where their teachers do: a spike of 20 mV takes them over threshold."""
    net.add_input(f"{name}_teacher", teacher, size, params)
    net.add_population(name, "lif_delta", size, {"t_ref": 0.0})
    net.connect(f"{name}_teacher", name, "one_to_one", weight=20.0, delay=1.0)


def plastic(net, source, target, rule):
    """Synapses that start at zero and may go either way."""
    learns = {"rule": rule, "params": RULES[rule], "w_min": -5.0, "w_max": 5.0}
    name = f"{target}.{rule}".replace(".", "_")
    net.connect(source, target, "one_to_one", weight=0.0, delay=1.0, plasticity=learns, name=name)


def windows(lags):
    """Change of the weight (mV) by one pair, for each rule and lag: postsynaptic minus presynaptic time, in ms."""
    middle, everyone = 1100.0, np.arange(lags.size)
    net = Network("windows")
    net.add_input("pre", "spike_train", lags.size, {"times": np.full(lags.size, middle), "indices": everyone})
    # the teacher's spike needs 1 ms to the neuron, and the neuron's 1 ms to the synapse
    neurons(net, "post", lags.size, "spike_train", {"times": middle + lags - 2.0, "indices": everyone})
    for rule in RULES:
        plastic(net, "pre", "post", rule)
    simulation = Simulation(net, resolution=0.1)
    simulation.run(2 * middle)
    return {rule: simulation.weights(f"post_{rule}") for rule in RULES}


def ramps(slopes, cells, seed):
    """Mean change of the weights (mV) while the postsynaptic rate rises by `slopes` (Hz / s), after 0.3 s of it."""
    times = np.concatenate([[0.0], STEADY + STEP * np.arange(RAMP / STEP)])
    net = Network("ramps")
    net.add_input("pre", "poisson", cells, {"rate": PRE_RATE})
    for k, slope in enumerate(slopes):
        rates = MEAN_RATE + slope * (np.maximum(times + STEP / 2 - STEADY, 0) - RAMP / 2) / 1e3
        neurons(net, f"post{k}", cells, "poisson", {"rates": rates, "times": times})
        for rule in RULES:
            plastic(net, "pre", f"post{k}", rule)
    simulation = Simulation(net, resolution=0.1, seed=seed)
    simulation.run(STEADY + 300.0)
    names = [[f"post{k}_{rule}" for k in range(len(slopes))] for rule in RULES]
    before = [[simulation.weights(name).mean() for name in row] for row in names]
    simulation.run(RAMP - 300.0)
    after = [[simulation.weights(name).mean() for name in row] for row in names]
    return dict(zip(RULES, np.subtract(after, before)))


def measure(seed=1, cells=6000):
    """Windows by pairs of spikes, and changes of weights by ramps of the rate, beside what M predicts."""
    lags = np.arange(-999.5, 1000.0, 1.0)
    slopes = np.array([-100.0, -50.0, 0.0, 50.0, 100.0])
    window, change = windows(lags), ramps(slopes, cells, seed)
    result = {"lags_ms": lags, "slopes_hz_per_s": slopes}
    for rule in RULES:
        k = window[rule].astype(float)
        predicted = MOMENT[rule] * (PRE_RATE / 1e3) * (slopes / 1e6) * (RAMP - 300.0)
        result |= {
            f"{rule}_area_over_absolute_area": k.sum() / np.abs(k).sum(),
            f"{rule}_moment_over_theory": (k * np.minimum(lags, 0)).sum() / MOMENT[rule],
            f"{rule}_change_over_prediction": np.polyfit(predicted, change[rule], 1)[0],
            f"{rule}_correlation": np.corrcoef(predicted, change[rule])[0, 1],
            f"{rule}_window": k, f"{rule}_change": change[rule], f"{rule}_predicted": predicted,
        }  # fmt: skip
    return result


def criteria(result):
    """What the claim demands."""
    met = {}
    for rule in RULES:
        area, ratio = result[f"{rule}_area_over_absolute_area"], result[f"{rule}_change_over_prediction"]
        met[f"{rule}: window has no area (3 % of its absolute area)"] = abs(area) < 0.03
        met[f"{rule}: M as the rule's equation says, within 2 %"] = abs(result[f"{rule}_moment_over_theory"] - 1) < 0.02
        met[f"{rule}: change over prediction is 1 within 20 %"] = abs(ratio - 1) < 0.2
        met[f"{rule}: change follows the derivative (correlation > 0.95)"] = result[f"{rule}_correlation"] > 0.95
    return met


def draw(result, axes):
    """Change of the weights over the slope of the rate; the windows in small."""
    inset = axes.inset_axes([0.62, 0.12, 0.36, 0.36])
    for rule, colour in zip(RULES, ("C0", "C1")):
        scale = result[f"{rule}_predicted"].max()
        axes.plot(result["slopes_hz_per_s"], result[f"{rule}_change"] / scale, "o", color=colour, label=rule)
        window = result[f"{rule}_window"]
        inset.plot(result["lags_ms"], window / np.abs(window).max(), color=colour)
    axes.plot(result["slopes_hz_per_s"], result["pair_stdp_predicted"] / result["pair_stdp_predicted"].max(), "0.7")
    inset.set(xlim=(-200, 100), xlabel="post - pre (ms)", yticks=[], title="window")
    axes.set(xlabel="slope of the postsynaptic rate (Hz / s)", ylabel="change of the weight / largest predicted")
    axes.legend(frameon=False, loc="upper left")


if __name__ == "__main__":
    import sys

    from neuromorph_cli.main import main

    raise SystemExit(main(["claims", "4", *sys.argv[1:]]))

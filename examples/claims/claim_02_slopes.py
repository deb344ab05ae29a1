"""Claim 2: nobody computes dy/dx: a small change of the input is made and the change of the output is measured.

Cells of two kinds are driven with total input z and then with a little more. What is read are spike counts alone.
 - A rectified cell (`rhythmic`) is nudged within one cycle: both of its counts are rounded by the same random number u.
 - A sigmoid cell (`rhythmic_readout`) is driven in one cycle and a little more in the next, with another u.
The mean change of the count, divided by the change of the input, is compared with the true derivative dy/dz. The third
measurement shows why u is shared: with another u in each cycle the same change of the count drowns in noise.
"""

import numpy as np

from neuromorph import Network, Simulation

KAPPA, SIGMOID_KAPPA, CYCLE = 8.0, 64.0, 10.0  # spikes at the activity 1 (rectified, sigmoid); ms


def network(z, step, sigmoid_z, sigmoid_step):
    """One pacemaker; its delays are the phases of a cycle, and its spikes carry the input as well."""
    net = Network("slopes")
    net.add_input("pacemaker", "spike_train", 1, {"times": [1.0, 1.0 + CYCLE]})
    net.add_input("more", "spike_train", 1, {"times": [1.0 + CYCLE]})
    net.add_population("rectified", "rhythmic", z.size, {"kappa": KAPPA, "cap": 1.0, "gamma": 1.0})
    net.add_population("sigmoid", "rhythmic_readout", sigmoid_z.size, {"kappa": SIGMOID_KAPPA})
    for cells, charge in (("rectified", z), ("sigmoid", sigmoid_z)):
        net.connect("pacemaker", cells, weight=charge, delay=1.0, receptor="basal", name=f"input_{cells}")
        for phase, delay in (("start", 1.0), ("release", 2.0), ("latch", 3.0), ("nudge", 5.0)):
            net.connect("pacemaker", cells, weight=1.0, delay=delay, receptor=phase, name=f"{phase}_{cells}")
    net.connect("pacemaker", "rectified", weight=step, delay=4.0, receptor="apical", name="nudge_by_step")
    net.connect("more", "sigmoid", weight=sigmoid_step, delay=1.0, receptor="basal")
    return net


def measure(seed=1, cells=2000, step=0.1, sigmoid_step=0.4):
    """Slopes of the count (spikes per unit of charge) at each total input z, each the mean over `cells` cells."""
    z, sigmoid_z = np.linspace(-0.5, 1.5, 41), np.linspace(-6.0, 6.0, 31)
    repeated, low = np.repeat(z, cells), np.repeat(sigmoid_z - sigmoid_step / 2, cells)
    simulation = Simulation(network(repeated, step, low, sigmoid_step), resolution=1.0, seed=seed)
    simulation.run(CYCLE - 1)
    free, nudged = simulation.state("rectified", "n_free"), simulation.state("rectified", "n_nudged")
    before = simulation.state("sigmoid", "n_free")
    simulation.run(CYCLE)
    other_u = simulation.state("rectified", "n_nudged")
    after = simulation.state("sigmoid", "n_free")

    def slopes(change, by):
        return change.reshape(-1, cells).mean(axis=1) / by

    sigmoid = 1 / (1 + np.exp(-sigmoid_z))
    true, true_sigmoid = KAPPA * ((z > 0) & (z < 1)), SIGMOID_KAPPA * sigmoid * (1 - sigmoid)
    measured, measured_sigmoid = slopes(nudged - free, step), slopes(after - before, sigmoid_step)
    # the nudge is bounded by the distance to the kinks at 0 and 1, where there is no derivative either
    clear = np.minimum(np.abs(z), np.abs(z - 1)) > step
    inside = np.repeat(clear & (true > 0), cells)
    return {
        "largest_error_rectified_percent": 100 * np.abs(measured - true)[clear].max() / KAPPA,
        "largest_error_sigmoid_percent": 100 * np.abs(measured_sigmoid - true_sigmoid).max() / true_sigmoid.max(),
        "noise_of_one_change_same_u_spikes": (nudged - free)[inside].std(),
        "noise_of_one_change_other_u_spikes": (other_u - free)[inside].std(),
        "mean_change_spikes": (nudged - free)[inside].mean(),
        "noise_without_a_change_same_u_spikes": _still(seed, cells),
        "z": z, "measured": measured, "true": true,
        "sigmoid_z": sigmoid_z, "measured_sigmoid": measured_sigmoid, "true_sigmoid": true_sigmoid,
    }  # fmt: skip


def _still(seed, cells):
    """Standard deviation of the change of the count where nothing was changed."""
    z = np.repeat(np.linspace(-0.5, 1.5, 41), cells)
    simulation = Simulation(network(z, 0.0, z, 0.0), resolution=1.0, seed=seed)
    simulation.run(CYCLE)
    return simulation.state("rectified", "change").std()


def criteria(result):
    """What the claim demands."""
    return {
        "rectified: measured slopes within 5 % of kappa": result["largest_error_rectified_percent"] < 5,
        "sigmoid: measured slopes within 5 % of the steepest": result["largest_error_sigmoid_percent"] < 5,
        "no change of the input: no change of the count": result["noise_without_a_change_same_u_spikes"] == 0,
    }


def draw(result, axes):
    """Measured and true slopes over the total input."""
    axes.plot(result["z"], result["true"], color="0.6", label="true, rectified")
    axes.plot(result["z"], result["measured"], "o", ms=3, label="measured, rectified")
    axes.plot(result["sigmoid_z"], result["true_sigmoid"], color="0.6", ls="--", label="true, sigmoid")
    axes.plot(result["sigmoid_z"], result["measured_sigmoid"], "s", ms=3, label="measured, sigmoid")
    axes.set(xlabel="total input z", ylabel="slope (spikes per unit of input)")
    axes.legend(frameon=False)


if __name__ == "__main__":
    import sys

    from neuromorph_cli.main import main

    raise SystemExit(main(["claims", "2", *sys.argv[1:]]))

"""Claim 3: one axon carries both the activity and its error derivative: y, then y + t (target - y).

Output cells (`rhythmic_readout`) release a volley of N(y) spikes and, once the teacher has told them the target, a
second one of N(y + t (target - y)): kappa = 64 spikes stand for the activity 1, and t is the cell's parameter `blend`.
From the spikes of each axon alone we read back the activity (the first volley) and, as its change, the error: for a
sigmoid cell with cross-entropy, target - y is -dE/dx, the derivative of the error with respect to the total input.
"""

import numpy as np

from neuromorph import Network, Simulation

KAPPA, CYCLE = 64.0, 8.0  # spikes at the activity 1; ms
FREE, NUDGED = 2.0, 4.0  # ms after the pacemaker: when the two volleys leave


def network(y, blend, cycles):
    """Cells of activity y; the target is 0 and 1 in turn."""
    times = 1.0 + CYCLE * np.arange(cycles)
    net = Network("one_axon")
    net.add_input("pacemaker", "spike_train", 1, {"times": times})
    net.add_input("teacher", "spike_train", 1, {"times": times[1::2] + 2.0})
    net.add_population("output", "rhythmic_readout", y.size, {"kappa": KAPPA, "blend": blend})
    net.connect("pacemaker", "output", weight=np.log(y / (1 - y)), delay=1.0, receptor="basal", name="input")
    net.connect("teacher", "output", weight=1.0, delay=2.0, receptor="apical")
    for phase, delay in (("start", 1.0), ("release", FREE), ("latch", 3.0), ("nudge", NUDGED)):
        net.connect("pacemaker", "output", weight=1.0, delay=delay, receptor=phase, name=phase)
    return net


def measure(seed=1, cycles=100):
    """Activity and error of each cell as its spikes tell them: the mean over the cycles with one target."""
    activities, blends = np.linspace(0.1, 0.9, 9), np.array([0.25, 0.5, 1.0])
    y, t = (grid.ravel() for grid in np.meshgrid(activities, blends))
    simulation = Simulation(network(y, t, cycles), resolution=1.0, seed=seed)
    simulation.run(1.0 + CYCLE * cycles)

    times, cells = simulation.spikes("output")
    cycle, within = np.divmod(times - 1.0, CYCLE)
    spikes = np.zeros((2, cycles, y.size))  # volley, cycle, cell
    np.add.at(spikes, ((within == NUDGED).astype(int), cycle.astype(int), cells), 1)
    activity, change = spikes[0] / KAPPA, (spikes[1] - spikes[0]) / KAPPA

    read = np.concatenate([change[target::2].mean(axis=0) for target in (0, 1)])
    true = np.concatenate([t * (target - y) for target in (0, 1)])
    slope, offset = np.polyfit(true, read, 1)
    return {
        "largest_error_of_activity": np.abs(activity.mean(axis=0) - y).max(),
        "largest_error_of_error": np.abs(read - true).max(),
        "slope_read_error_against_true": slope,
        "offset_of_read_error": offset,
        "noise_of_one_cycle": (change[1::2] - true[y.size :]).std(),
        "spikes_outside_of_both_volleys": int(np.sum((within != FREE) & (within != NUDGED))),
        "true_error": true, "read_error": read, "y": y, "read_y": activity.mean(axis=0),
    }  # fmt: skip


def criteria(result):
    """What the claim demands; 1/64 is one spike."""
    slope = result["slope_read_error_against_true"]
    return {
        "activity is read back within half a spike (1/128)": result["largest_error_of_activity"] < 1 / 128,
        "error is read back within half a spike (1/128)": result["largest_error_of_error"] < 1 / 128,
        "change of the volley is proportional to the error, with slope 1 within 1 %": abs(slope - 1) < 0.01,
    }


def draw(result, axes):
    """What the axon tells over what is true."""
    axes.axline((0, 0), slope=1, color="0.7")
    axes.plot(result["y"], result["read_y"], "s", ms=4, label="activity y: first volley")
    axes.plot(result["true_error"], result["read_error"], "o", ms=4, label="error t (target - y): change of the volley")
    axes.set(xlabel="true", ylabel="read from the spikes of one axon / 64")
    axes.legend(frameon=False)


if __name__ == "__main__":
    import sys

    from neuromorph_cli.main import main

    raise SystemExit(main(["claims", "3", *sys.argv[1:]]))

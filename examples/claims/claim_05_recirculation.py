"""Claim 5: recirculation: with a perfect autoencoder top-down input replaces bottom-up input and changes nothing.

Moving the top then moves every level below by its error derivative. Four layers of rectified cells in their linear
range are joined by random rotations U, with the transposes top-down: each level is reconstructed perfectly. A cycle has
two halves.
 1. A volley goes up: the image drives layer 0, that layer 1, and so on (cells fire at their charge times kappa = 1024).
 2. The top is moved by t (target - y), for E = |target - y|^2 / 2, or is not moved. Its second volley goes down:
    every layer starts anew, gets spikes from above instead of those from below, and releases again.
Compared with the second volley of each layer are the first one (nothing must change where the top did not move) and the
true derivative -dE/dy, sent down by the transposes in numpy. Random top-down weights are measured beside it.
Hinton & McClelland 1988, Learning representations by recirculation, NIPS 0.
"""

import numpy as np

from neuromorph import Network, Simulation

LAYERS, KAPPA, PERIOD, BLEND = 4, 1024.0, 12.0, 0.1
MIDDLE = 0.5  # activity about which layers are linear: far from 0 and from the cap, 1
TOP = LAYERS - 1


def network(rotations, down, images, targets, seed):
    """Cycle 2 k shows image k and leaves the top alone, cycle 2 k + 1 shows it again and moves the top."""
    n, cells = images.shape[1], [f"layer{k}" for k in range(LAYERS)]
    order = np.repeat(np.arange(len(images)), 2)
    y = images
    for rotation in rotations:
        y = MIDDLE + (y - MIDDLE) @ rotation
    move = np.zeros((2 * len(images), n))
    move[1::2] = BLEND * (targets - y)

    net = Network("recirculation")

    def volley(name, patterns, order, start):
        patterns = {"patterns": patterns, "order": order, "kappa": KAPPA, "start": start, "interval": PERIOD}
        return net.add_input(name, "pattern_volley", np.shape(patterns["patterns"])[1], patterns)

    volley("image", images, order, 1.0)
    volley("pacemaker", np.full((1, 1), 1 / KAPPA), 0 * order, 1.0)
    for name in cells:
        net.add_population(name, "rhythmic", n, {"kappa": KAPPA, "cap": 1.0, "gamma": 1.0})
    net.record(cells[0], "spikes", indices=[0])  # counts are read as states: keep no millions of spikes

    def phase(receptor, layer, delay, weight=1.0):
        name = f"{receptor}_{layer}_{delay:g}"
        net.connect("pacemaker", cells[layer], weight=weight, delay=delay, receptor=receptor, name=name)

    net.connect("image", cells[0], "one_to_one", weight=1 / KAPPA, delay=1.0, receptor="basal")
    for k in range(LAYERS):
        for begin in (1.0 + k, 2.0 * LAYERS + 1.0 - k)[: 1 if k == TOP else 2]:  # on the way up, and down
            phase("start", k, begin)
            phase("release", k, begin)
    for k, (up, back) in enumerate(zip(rotations, down)):
        ends = cells[k], cells[k + 1]
        net.connect(*ends, weight=(up / KAPPA).ravel(), delay=1.0, receptor="basal", name=f"up{k}")
        net.connect(*ends[::-1], weight=(back / KAPPA).ravel(), delay=1.0, receptor="basal", name=f"down{k}")
        phase("basal", k + 1, 2.0 + k, MIDDLE * (1 - up.sum(axis=0)))  # biases
        phase("basal", k, 2.0 * LAYERS + 1.0 - k, MIDDLE * (1 - back.sum(axis=0)))
    for sign, name in ((1, "raise"), (-1, "lower")):  # the teacher moves the top, just before its second volley
        volley(name, np.maximum(sign * move, 0), np.arange(order.size), 1.0 + LAYERS + 1.0)
        net.connect(name, cells[TOP], "one_to_one", weight=sign / KAPPA, delay=1.0, receptor="apical")
    phase("nudge", TOP, LAYERS + 2.0)
    net.run_settings(resolution=1.0, seed=seed)
    return net, y


def volleys(net, images):
    """Activity of both volleys of every layer in every cycle: array[volley, layer, cycle, cell]."""
    simulation = Simulation(net)
    read = np.zeros((2, LAYERS, 2 * len(images), images.shape[1]))
    for cycle in range(2 * len(images)):
        simulation.run(LAYERS + 2.0)
        for k in range(LAYERS):
            read[0, k, cycle] = simulation.state(f"layer{k}", "n_free")
        simulation.run(PERIOD - LAYERS - 2.0)
        for k in range(LAYERS):
            read[1, k, cycle] = simulation.state(f"layer{k}", "n_nudged" if k == TOP else "n_free")
    return read / KAPPA


def measure(seed=1, cells=32, examples=40):
    """How much replacing changes, and how the levels below move with the top."""
    random = np.random.default_rng(seed)
    rotations = [np.linalg.qr(random.standard_normal((cells, cells)))[0] for _ in range(TOP)]
    images, targets = random.uniform(0.3, 0.7, (2, examples, cells))
    net, top = network(rotations, [r.T for r in rotations], images, targets, seed)
    first, second = volleys(net, images)
    others = [random.standard_normal((cells, cells)) / np.sqrt(cells) for _ in rotations]
    wrong_first, wrong_second = volleys(network(rotations, others, images, targets, seed)[0], images)

    derivative = [BLEND * (targets - top)]
    for rotation in rotations[::-1]:
        derivative.insert(0, derivative[0] @ rotation.T)
    moved = [(second - first)[k, 1::2] for k in range(LAYERS)]
    spread = first.std(axis=2).mean()
    below = range(TOP)
    slope = [np.sum(moved[k] * derivative[k]) / np.sum(derivative[k] ** 2) for k in below]
    cosine = [_cosine(moved[k], derivative[k]) for k in below]

    def replaced(one, other):
        return 100 * np.sqrt(np.mean((other - one)[:TOP, ::2] ** 2)) / spread

    return {
        "change_by_replacing_percent_of_spread": replaced(first, second),
        "same_with_random_top_down_percent": replaced(wrong_first, wrong_second),
        "lowest_level_slope_of_move_against_derivative": slope[0],
        "lowest_level_cosine_of_move_and_derivative": cosine[0],
        "worst_slope_error": max(abs(s - 1) for s in slope),
        "worst_cosine": min(cosine),
        "slope_by_level": np.array(slope), "cosine_by_level": np.array(cosine),
        "derivative": derivative[0].ravel(), "move": moved[0].ravel(),
    }  # fmt: skip


def _cosine(a, b):
    return np.sum(a * b) / np.sqrt(np.sum(a**2) * np.sum(b**2))


def criteria(result):
    """What the claim demands."""
    return {
        "replacing changes less than 2 % of the activity's spread": result["change_by_replacing_percent_of_spread"] < 2,
        "every level moves by its derivative: slope 1 within 5 %": result["worst_slope_error"] < 0.05,
        "every level moves along its derivative: cosine above 0.98": result["worst_cosine"] > 0.98,
    }


def draw(result, axes):
    """The move of the lowest level, three layers below the top, over its error derivative."""
    axes.axline((0, 0), slope=1, color="0.7")
    axes.plot(result["derivative"], result["move"], ".", ms=2)
    axes.set(xlabel="-t dE/dy of layer 0, by back-propagation", ylabel="change of its activity, by spikes")


if __name__ == "__main__":
    import sys

    from neuromorph_cli.main import main

    raise SystemExit(main(["claims", "5", *sys.argv[1:]]))

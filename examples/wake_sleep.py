"""A Helmholtz machine of spiking cells finds the bars that its images are made of: `python examples/wake_sleep.py`.

Hinton, Dayan, Frey & Neal 1995, doi:10.1126/science.7761831; the images are those of Foldiak 1990,
doi:10.1007/BF02331346, but 4 x 4: each of the four horizontal and four vertical bars is there with a probability of
1/8. Every layer has recognition and generative cells, binary ones (rhythmic_readout with kappa = 1). Awake, an image is
recognised from the bottom up, and the generative cells, which are made to say what recognition found, learn to predict
it from the layer above. Asleep, a fantasy is dreamt from the top down, and the recognition cells learn what it came of.
"""

import numpy as np

from neuromorph import Network, Simulation

SIZES = (16, 12)  # cells of each layer: pixels, bars (it is hoped)
RARE = 0.125  # probability of each of the 8 bars
TOP = len(SIZES) - 1
PHASE = 14.0  # ms: a day, or a night
FIRST = 1.0  # ms of the first day's pacemaker spike


def images(number: int, seed: int) -> np.ndarray:
    """Random images, uint8[number, 16]."""
    bars = np.random.default_rng(seed).random((number, 8)) < RARE
    return _drawn(bars[:, :4], bars[:, 4:])


def _drawn(upright: np.ndarray, across: np.ndarray) -> np.ndarray:
    return (upright[:, None, :] | across[:, :, None]).reshape(-1, 16).astype(np.uint8)


def machine(shown: np.ndarray, eta: float = 0.1, seed: int = 1) -> Network:
    """The network that is shown these images, one a day, and dreams at night.

    A layer's cells start and release at the instant at which the volley of their neighbours arrives, so that nothing
    else counts, and are nudged 1 ms later; `said` connects the recognition and the generative cells of a layer.
    """
    days, network = len(shown), Network("wake_sleep")
    cycle = {"kappa": 1.0, "interval": 2 * PHASE}
    network.add_input(
        "image", "pattern_volley", 16, {**cycle, "patterns": shown, "order": np.arange(days), "start": FIRST + 1}
    )
    once = {"patterns": [[1.0]], "kappa": 1.0}
    for name, start in (("day", FIRST), ("night", FIRST + PHASE)):
        network.add_input(name, "pattern_volley", 1, {**once, **cycle, "order": np.zeros(days, int), "start": start})
        series = {"start": start + PHASE - 3, "interval": 2 * PHASE, "count": days, "first": 1.0, "last": 0.0}
        network.add_signal(f"end_of_{name}", **series, delay=1.0)
    ticks = int(FIRST + 2 * PHASE * days)  # a cell that fires all the time
    network.add_input(
        "bias", "pattern_volley", 1, {**once, "order": np.zeros(ticks, int), "start": 1.0, "interval": 1.0}
    )
    for layer, size in enumerate(SIZES):
        for kind in ("recognition", "generation"):
            network.add_population(f"{kind}{layer}", "rhythmic_readout", size, {"kappa": 1.0})
    for layer in range(TOP + 1):
        _phases(network, layer)
        here = f"recognition{layer}", f"generation{layer}"
        for source, target, delay in ((*here, 2 + 3 * (TOP - layer)), (*here[::-1], 1 + 3 * layer)):
            network.connect(
                source, target, "one_to_one", weight=1.0, delay=float(delay), receptor="apical", name=f"said_{source}"
            )
        learns(network, "bias", f"generation{layer}", "recirculation", "end_of_day", eta)
        if layer:
            # what a cell adds to an image is ink
            low = 0.0 if layer == 1 else -np.inf
            learns(network, f"generation{layer}", f"generation{layer - 1}", "wake_sleep", "end_of_day", eta, low)
            learns(network, f"recognition{layer - 1}", f"recognition{layer}", "wake_sleep", "end_of_night", eta)
            learns(network, "bias", f"recognition{layer}", "recirculation", "end_of_night", eta)
    network.connect("image", "recognition0", "one_to_one", weight=1.0, receptor="apical", name="shown")
    network.run_settings(duration=FIRST + 2 * PHASE * days, resolution=1.0, seed=seed)
    return network


def learns(
    network: Network, source: str, target: str, rule: str, signal: str, eta: float, low: float = -np.inf
) -> None:
    """Synapses that begin at nearly zero and stay above `low`."""
    plasticity = {"rule": rule, "params": {"eta": eta}, "signals": [signal], "w_min": low, "w_max": np.inf}
    start = {"distribution": "uniform", "low": max(low, -0.1), "high": 0.1}
    network.connect(source, target, weight=start, receptor="basal", plasticity=plasticity, name=f"{source}_{target}")


def _phases(network: Network, layer: int) -> None:
    """When, in ms after the pacemaker's spike, the cells of a layer start and release, and when they are nudged."""
    recognised, predicted = 2 + layer, TOP + 3 + 2 * (TOP - layer)
    dreamt, traced = 2 + TOP - layer, TOP + 2 + 2 * layer
    for pacemaker, kind, free, nudge in (
        ("day", "recognition", recognised, None if layer else recognised),
        ("day", "generation", predicted, predicted + 1),
        ("night", "generation", dreamt, None),
        ("night", "recognition", traced, traced + 1),
    ):
        for receptor, delay in {"start": free, "release": free, "nudge": nudge}.items():
            if delay is None or (receptor == "release" and kind == "recognition" and layer == 0):
                continue
            target = f"{kind}{layer}"
            network.connect(
                pacemaker, target, delay=float(delay), receptor=receptor, name=f"{pacemaker}_{receptor}_{target}"
            )


def world() -> tuple[np.ndarray, np.ndarray]:
    """Every image there is, and its probability."""
    bars = _codes(8)
    every = _drawn(bars[:, :4], bars[:, 4:])
    found, which = np.unique(every, axis=0, return_inverse=True)
    return found, np.bincount(which.ravel(), np.prod(np.where(bars, RARE, 1.0 - RARE), axis=1))


def _codes(size: int) -> np.ndarray:
    """All states of so many binary cells."""
    return np.array(np.meshgrid(*[[0, 1]] * size)).reshape(size, -1).T


def divergence(weights: dict[str, np.ndarray]) -> float:
    """Kullback-Leibler divergence (bits) from the images to the dreams, summed over all codes."""
    every, probability = world()
    states = [every, *(_codes(size) for size in SIZES[1:])]
    likelihood = _log_likelihood(states[TOP], weights[f"bias_generation{TOP}"][None, :])[:, 0]
    for layer in reversed(range(TOP)):
        down = weights[f"generation{layer + 1}_generation{layer}"].reshape(SIZES[layer + 1], -1)
        given = _log_likelihood(states[layer], states[layer + 1] @ down + weights[f"bias_generation{layer}"])
        likelihood = np.logaddexp.reduce(given + likelihood, axis=1)
    return float(probability @ (np.log(probability) - likelihood) / np.log(2.0))


def _log_likelihood(states: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Of states of binary cells (n x cells) given their charges by code above (m x cells): n x m."""
    return states @ z.T - np.logaddexp(0.0, z).sum(axis=1)


def bars_found(weights: dict[str, np.ndarray]) -> int:
    """How many of the 8 bars are what some cell of the middle layer makes of an image if it fires alone."""
    alone = weights["generation1_generation0"].reshape(-1, 16) + weights["bias_generation0"] > 0.0
    grid = alone.reshape(-1, 4, 4)
    bars = [np.arange(4) == k for k in range(4)]
    upright = [np.broadcast_to(bar, (4, 4)) for bar in bars]
    return sum(any(np.array_equal(one, bar) for one in grid) for bar in upright + [bar.T for bar in upright])


def learn(days: int, seed: int, readings: int = 4) -> list[tuple[float, int]]:
    """Divergence (bits) and number of bars found, at the beginning and after each part of so many days."""
    simulation = Simulation(machine(images(days, seed), seed=seed))
    found = []
    for part in range(readings + 1):
        if part:
            simulation.run(2 * PHASE * (days // readings))
        weights = {p.name: simulation.weights(p.name) for p in simulation.network.projections if p.plasticity}
        found.append((divergence(weights), bars_found(weights)))
    return found


if __name__ == "__main__":
    print("images seen  bits from the dreams to the images  bars found of 8")
    for part, (bits, bars) in enumerate(learn(40_000, seed=1)):
        print(f"{10_000 * part:11d}{bits:36.2f}{bars:17d}")

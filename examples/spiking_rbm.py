"""A Boltzmann machine of noisy integrate-and-fire neurons completes images: `python examples/spiking_rbm.py`.

Event-driven contrastive divergence in a restricted Boltzmann machine, Neftci et al. 2014,
doi:10.3389/fnins.2013.00272. An image is shown to the visible
cells and then taken away, and the network goes on by itself: while it is shown, a pair of spikes makes a synapse
stronger, afterwards weaker; after either change nothing is learnt until the cells have settled. The images are the 30
bars and stripes of 4 x 4 pixels. In the test the four pixels of the diagonal, one of each row and column, are left out,
and their cells' spikes are read: the other pixels say what belongs there.
"""

import numpy as np

from neuromorph import Network, Simulation

SIDE, EACH, HIDDEN = 4, 2, 40  # EACH: visible cells of a pixel
SETTLE, PHASE = 10.0, 50.0  # ms in which nothing is learnt, and of the whole phase
NOISY = {"tau_m": 5.0, "C_m": 5.0, "E_L": 0.0, "V_reset": 0.0, "V_th": 10.0, "t_ref": 3.0}  # 1 pA moves V by 1 mV
NOISE = {"mean": 0.0, "std": 19.0, "interval": 1.0}  # pA: V of a silent cell has a standard deviation of 6 mV
CLAMP = 4.0  # mV by which a shown pixel is driven each ms, up where it is lit and down where it is not


def bars_and_stripes() -> np.ndarray:
    """The 30 images of whole rows or whole columns, uint8[30, 16]."""
    lines = np.array(np.meshgrid(*[[0, 1]] * SIDE), np.uint8).reshape(SIDE, -1).T
    upright = np.repeat(lines[:, None, :], SIDE, axis=1)
    return np.unique(np.concatenate([upright, upright.swapaxes(1, 2)]).reshape(-1, SIDE**2), axis=0)


def machine(shown: np.ndarray, order: np.ndarray, gaps: np.ndarray, eta: float, seed: int = 1) -> Network:
    """The network that is shown shown[order], without the pixels `gaps`, and learns unless eta is 0.

    While it learns, each image is followed by as much time without one.
    """
    network, period = Network("spiking_rbm"), 2 * PHASE if eta else PHASE
    visible = EACH * SIDE**2
    for name, size in (("visible", visible), ("hidden", HIDDEN)):
        network.add_population(name, "lif_delta", size, NOISY)
        network.add_input(f"noise_{name}", "noise_current", size, NOISE)
        network.connect(f"noise_{name}", name, "one_to_one", receptor="current", name=f"noisy_{name}")
    network.record("visible", "spikes")
    network.add_input("bias", "poisson", 4, {"rate": 100.0})
    steps = np.repeat(order, int(PHASE))
    if eta:
        steps = np.stack([steps.reshape(len(order), -1), np.full((len(order), int(PHASE)), len(shown))], axis=1).ravel()
    for name, lit, weight in (("lit", shown, CLAMP), ("dark", 1 - shown, -CLAMP)):  # a volley each ms
        patterns = np.repeat(np.where(np.isin(np.arange(SIDE**2), gaps), 0, lit), EACH, axis=1)
        patterns = np.concatenate([patterns, np.zeros((1, visible))]).astype(np.uint8)
        given = {"patterns": patterns, "order": steps, "kappa": 1.0, "interval": 1.0}
        network.add_input(name, "pattern_volley", visible, given)
        network.connect(name, "visible", "one_to_one", weight=weight, name=f"shows_{name}")
    weights = np.random.default_rng(seed).normal(0.0, 0.3, (visible, HIDDEN))
    rule = {"rule": "contrastive_divergence", "params": {"eta": eta}, "signals": ["gate"], "w_min": -4.0, "w_max": 4.0}
    for source, target, weight in (
        ("visible", "hidden", weights), ("hidden", "visible", weights.T),
        ("bias", "visible", 0.0), ("bias", "hidden", 0.0),
    ):  # fmt: skip
        plasticity = {**rule, "frozen": not eta}
        network.connect(source, target, weight=weight, plasticity=plasticity, name=f"{source}_{target}")
    changes = [SETTLE, PHASE, PHASE + SETTLE, 2 * PHASE] if eta else []
    slower = np.linspace(1.0, 0.1, len(order))[:, None]
    times = (period * np.arange(len(order))[:, None] + changes).ravel()
    network.add_signal("gate", times=times, values=(slower * [1.0, 0.0, -1.0, 0.0][: len(changes)]).ravel())
    network.run_settings(duration=period * len(order), resolution=1.0, seed=seed)
    return network


def train(number: int, eta: float = 0.007, seed: int = 1) -> dict[str, np.ndarray]:
    """Weights by projection after so many images, drawn at random."""
    shown = bars_and_stripes()
    order = np.random.default_rng(seed).integers(len(shown), size=number)
    network = machine(shown, order, np.zeros(0, int), eta, seed)
    simulation = Simulation(network)
    simulation.run(simulation.asked_duration)
    return {p.name: simulation.weights(p.name) for p in simulation.network.projections if p.plasticity}


def completed(weights: dict[str, np.ndarray], passes: int = 5, seed: int = 2) -> float:
    """Fraction of the pixels left out that are read right; a pixel counts as lit if it fires more than in the mean."""
    shown, gaps = bars_and_stripes(), np.arange(SIDE) * (SIDE + 1)
    order = np.tile(np.arange(len(shown)), passes)
    simulation = Simulation(machine(shown, order, gaps, 0.0, seed))
    for name, values in weights.items():
        simulation.set_weights(name, values)
    simulation.run(simulation.asked_duration)
    times, cells = simulation.spikes("visible")
    late = (times - 1.0) % PHASE >= SETTLE
    counts = np.zeros((len(order), SIDE**2))
    np.add.at(counts, (((times - 1.0) // PHASE).astype(int)[late], cells[late] // EACH), 1)
    found = counts[:, gaps]
    return float(np.mean((found > found.mean(axis=0)) == shown[order][:, gaps]))


if __name__ == "__main__":
    print("images seen  pixels left out that are read right")
    for number in (1, 200, 800):
        print(f"{number:11d}{100 * completed(train(number)):40.1f} %")

"""A recurrent network learns temporal XOR by e-prop, all in spikes: `python examples/eprop_sequence.py`.

Two noisy cues follow each other, each one of two, with a pause between them. While the second is on, one of two
readout cells is to fire: the first where the cues are the same, the second where they differ. Every spike of a readout
and of the teacher reaches the cells as an error, the recurrent ones through fixed random weights, and the rule `eprop`
(Bellec et al. 2020, doi:10.1038/s41467-020-17236-y) turns that into weights with what each synapse remembers.
"""

import numpy as np

from neuromorph import Network, Simulation

SLOT = 5  # ms; in a slot each input cell of the cue that is on fires with probability 0.8, and the teacher once
LENGTHS = FIRST, GAP, SECOND, PAUSE = 4, 2, 8, 4  # slots of the first cue, none, the second cue, none
TRIAL = sum(LENGTHS)
CELLS, GROUP = 60, 20  # recurrent cells; input cells of each cue
TAU = 30.0  # ms: membranes and eligibility
TESTED = 200  # trials at the end, without teacher and learning
#: source, target, mean and standard deviation of the initial weights (mV), learning rate
PLASTIC = (
    ("cue", "recurrent", 0.5, 2.5, 0.03),
    ("recurrent", "recurrent", 0.0, 1.0, 0.03),
    ("recurrent", "readout", 0.15, 0.3, 0.007),
)


def slots(cues: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is shown (cue 0 or 1, 2: nothing) and taught (0: same, 1: different, 2: nothing) in each slot."""
    shown, taught = np.full((2, len(cues), len(LENGTHS)), 2)
    shown[:, ::2] = cues
    taught[:-TESTED, 2] = different(cues)[:-TESTED]
    return np.repeat(shown, LENGTHS, axis=1).ravel(), np.repeat(taught, LENGTHS, axis=1).ravel()


def different(cues: np.ndarray) -> np.ndarray:
    """The right answer of each trial: 0 or 1."""
    return cues[:, 0] ^ cues[:, 1]


def answering(slot: np.ndarray) -> np.ndarray:
    """Whether the second cue is on."""
    return (slot % TRIAL >= FIRST + GAP) & (slot % TRIAL < TRIAL - PAUSE)


def network(cues: np.ndarray, seed: int, recurrent_learns: bool) -> Network:
    """Cues and teacher, 60 recurrent cells and two readouts; `clock` is the rate of learning at each ms."""
    random = np.random.default_rng(seed)
    network = Network("eprop_sequence")
    groups = np.repeat(np.eye(3)[:, :2], GROUP, axis=1)
    for name, patterns, order, kappa in zip(("cue", "teacher"), (groups, np.eye(3)[:, :2]), slots(cues), (0.8, 1.0)):
        volleys = {"patterns": patterns, "order": order, "kappa": kappa, "start": 1.0, "interval": SLOT}
        network.add_input(name, "pattern_volley", patterns.shape[1], volleys)
    sizes = {"cue": 2 * GROUP, "recurrent": CELLS, "readout": 2}
    for name in ("recurrent", "readout"):
        network.add_population(name, "lif_error", sizes[name], {"tau_m": TAU})

    ticks = np.arange(1, SLOT * TRIAL * len(cues))
    falling = 1.0 - ticks / (SLOT * TRIAL * (len(cues) - TESTED))
    network.add_signal("clock", times=ticks, values=np.where(answering(ticks // SLOT), falling.clip(0.0), 0.0))
    for source, target, mean, std, eta in PLASTIC:
        rule = {"rule": "eprop", "params": {"eta": eta, "tau_m": TAU, "tau_e": TAU}, "signals": ["clock"]}
        network.connect(
            source, target, "all_to_all", weight=random.normal(mean, std, (sizes[source], sizes[target])), delay=1.0,
            plasticity={**rule, "w_min": -30.0, "w_max": 30.0} if recurrent_learns or target == "readout" else None,
        )  # fmt: skip
    feedback = np.outer([1.0, -1.0], random.normal(0.0, 1.0, CELLS))  # recurrent cells hear which of the two is wrong
    for source, sign in (("readout", 1.0), ("teacher", -1.0)):
        own = {"weight": sign, "delay": 1.0, "receptor": "error", "name": f"{source}_own"}
        network.connect(source, "readout", "one_to_one", **own)
        network.connect(
            source, "recurrent", "all_to_all", **own | {"weight": sign * feedback, "name": f"{source}_down"}
        )
    return network


def learn(trials: int = 1500, seed: int = 1, recurrent_learns: bool = True) -> np.ndarray:
    """Whether each trial, the tested ones last, was answered: the right readout fired more often than the other."""
    cues = np.random.default_rng(seed).integers(0, 2, (trials + TESTED, 2))
    simulation = Simulation(network(cues, seed, recurrent_learns), resolution=1.0, seed=seed)
    simulation.run(SLOT * TRIAL * len(cues))
    times, cells = simulation.spikes("readout")
    slot = (times.astype(int) - 1) // SLOT
    answer = answering(slot)
    counts = np.zeros((len(cues), 2), int)
    np.add.at(counts, (slot[answer] // TRIAL, cells[answer]), 1)
    right = different(cues)[:, None]
    return (np.take_along_axis(counts, right, 1) > np.take_along_axis(counts, 1 - right, 1)).ravel()


if __name__ == "__main__":
    print("learning          right by fifths of 1,500 trials, and of 200 more without teacher (a tie counts as wrong)")
    for recurrent_learns in (True, False):
        right = learn(recurrent_learns=recurrent_learns)
        shares = [np.mean(part) for part in np.array_split(right[:-TESTED], 5)] + [np.mean(right[-TESTED:])]
        print(f"{'all synapses' if recurrent_learns else 'readout alone':16s}", *(f"{100 * s:6.1f} %" for s in shares))

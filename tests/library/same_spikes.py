"""A rule of ours on the spike trains that a peer ran on, and the weights at the same times."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from neuromorph import Network, Simulation

DATA = Path(__file__).parents[1] / "data"


def peer(name: str) -> dict[str, Any]:
    """What a script of tests/peers wrote: trains, parameters and the peer's results."""
    return json.loads((DATA / name).read_text())


def add_train(network: Network, name: str, trains: list[list[float]], shift: float = 0.0) -> None:
    """An input of one cell per train, all of its times shifted."""
    given = {"times": np.concatenate(trains) + shift, "indices": np.repeat(np.arange(len(trains)), [*map(len, trains)])}
    network.add_input(name, "spike_train", len(trains), given)


def network_of(pre: list[list[float]], post: list[list[float]], delay: float, weight: Any, plastic: dict) -> Network:
    """One synapse, called `learnt`, per pair of trains; a strong input makes the targets fire at the given times."""
    network = Network("same spikes")
    network.add_population("post", "lif_delta", len(post), {"t_ref": 0.5, "V_th": 1000.0})
    add_train(network, "pre", pre)
    add_train(network, "drive", post, -1.0)
    network.connect("pre", "post", "one_to_one", weight=weight, delay=delay, plasticity=plastic, name="learnt")
    network.connect("drive", "post", "one_to_one", weight=2000.0, delay=1.0)
    return network


def learnt(network: Network, times: list[float], resolution: Any) -> np.ndarray:
    """Weights after each of the times: float[times, synapses]."""
    simulation = Simulation(network, resolution=resolution)
    found = []
    for before, now in pairwise([0.0, *times]):
        simulation.run(now - before)
        found.append(simulation.weights("learnt").astype(float))
    return np.array(found)

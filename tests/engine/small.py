"""The network on which the front door is tried."""

from __future__ import annotations

from neuromorph import Network


def small():
    """Two populations, a static and a plastic projection, a signal."""
    network = Network("small")
    network.add_population("E", "lif_delta", 3)
    network.add_population("I", "lif_exp", 2)
    network.add_input("noise", "spike_train", 2, {"times": [1.0, 2.0, 6.0], "indices": [0, 1, 0]})
    network.connect("noise", "E", weight=[[15.0, 1.0, 2.0], [3.0, 4.0, 5.0]], delay=1.0, name="drive")
    network.connect("E", "I", weight=100.0, delay=[1.0, 1.5, 2.0, 2.5, 3.0, 3.5], name="learnt", plasticity="pair_stdp")
    network.add_signal("reward", times=[3.0], values=[0.5], delay=1.0)
    return network

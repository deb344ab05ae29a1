"""A reset keeps random counters: a cell that draws goes on drawing new numbers."""

from __future__ import annotations

import numpy as np

from neuromorph import Network, Simulation


def test_rhythmic_cells_draw_anew_after_a_reset() -> None:
    network = Network("rhythm")
    network.add_input("beat", "spike_train", 1, {"times": [1.0, 11.0]})
    network.add_population("cells", "rhythmic", 20)
    network.connect("beat", "cells", "all_to_all", weight=1.0, delay=1.0, receptor="start")
    simulation = Simulation(network, resolution=1.0)
    simulation.run(5.0)
    first = simulation.state("cells", "u")
    simulation.reset()
    assert np.all(simulation.state("cells", "u") == 0.0)
    assert np.all(simulation.state("cells", "trials") == 1.0)
    simulation.run(10.0)
    assert np.all(simulation.state("cells", "u") != first)

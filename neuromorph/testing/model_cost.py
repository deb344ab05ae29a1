"""What a cell of a model costs: nanoseconds per cell and tick of the grid."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

from neuromorph.graph.network import Network
from neuromorph.models import registry as models
from neuromorph.models.contract import NeuronModel
from neuromorph.simulate import Simulation
from neuromorph.testing.networks import rule_name
from neuromorph.testing.report import NotApplicable

SIZE, TICK, CHUNK, ROUNDS = 20_000, 0.1, 20.0, 7


def measure(model: Any, params: dict[str, Any]) -> str:
    """Run cells without arrivals beside those of lif_exp, in turns.

    Raises NotApplicable for what is no model of cells, or has no grid.
    """
    if not issubclass(model, NeuronModel) or "grid" not in model.resolutions:
        raise NotApplicable("cells on the grid are measured")
    with models.registry.override({rule_name(model): model}, "conformance kit"):
        made = {"model": _made(rule_name(model), params), "lif_exp": _made("lif_exp", {})}
    spent: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(ROUNDS + 1):
        for name, simulation in made.items():
            begin = time.process_time()
            simulation.run(CHUNK)
            spent[name].append(time.process_time() - begin)
    visits = SIZE * CHUNK / TICK
    ns = {name: 1e9 * median(times[1:]) / visits for name, times in spent.items()}  # the first one loads kernels
    return f"{ns['model']:.2f} ns per cell and tick (lif_exp {ns['lif_exp']:.2f})"


def _made(name: str, params: dict[str, Any]) -> Simulation:
    net = Network("cost")
    net.add_population("cells", name, SIZE, params)
    return Simulation(net, resolution=TICK, seed=1)

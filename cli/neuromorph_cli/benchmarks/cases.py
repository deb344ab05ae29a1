"""What can be measured, and for how long."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HERE = "neuromorph_cli.benchmarks"
NETWORKS = ("nest", "nest-precise", "brian2")


@dataclass(frozen=True)
class Case:
    """A case: `make(scale)` returns its network as data, or None where `module` measures something else.

    peers : whom it can be compared with, the usual one first
    warm_ms : simulated before anything is timed; duration_ms : timed, by simulator where not the same for all
    rates : published mean rates in Hz, by population, for the network at full scale
    """

    name: str
    text: str
    module: str
    peers: tuple[str, ...] = NETWORKS
    resolutions: tuple[str, ...] = ("0.1", "exact")
    warm_ms: float = 100.0
    duration_ms: float = 1000.0
    durations: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_network(self) -> bool:
        """Whether the case is a network that is simulated, rather than something else that takes time."""
        return "nest" in self.peers

    def network(self, scale: float) -> dict[str, Any]:
        """The network at `scale` as plain data."""
        made: dict[str, Any] = getattr(importlib.import_module(f"{HERE}.{self.module}"), self.name)(scale)
        return made

    def rates(self, scale: float) -> dict[str, float]:
        """Published mean rates (Hz) by population, where there are any for this scale."""
        module = importlib.import_module(f"{HERE}.{self.module}")
        return getattr(module, "RATES", {}) if scale == 1.0 else {}


#: seconds per simulated second of NEST decide how long one can wait for it
CASES = {
    case.name: case
    for case in (
        Case("brunel", "12,500 lif_delta cells, 15.6 M synapses, Poisson drive", "networks",
             durations={"nest": 300.0, "nest-precise": 100.0, "brian2": 300.0}),
        Case("cuba", "4,000 lif_exp cells, 320,000 synapses, no input", "networks", duration_ms=2000.0),
        Case("sparse", "100,000 lif_delta cells, 10 M synapses, 0.4 Hz", "networks",
             durations={"nest": 500.0, "nest-precise": 500.0}),
        Case("stdp", "10,000 lif_delta cells, 10 M synapses, 6.4 M of which learn", "networks",
             durations={"nest": 200.0, "nest-precise": 100.0, "brian2": 200.0}),
        Case("relay", "1,000 lif_delta cells that fire at 1 kHz through 100,000 synapses", "networks",
             duration_ms=500.0),
        Case("microcircuit", "Potjans & Diesmann 2014: 77,169 lif_exp cells, 299 M synapses", "microcircuit",
             ("nest", "nest-precise"), durations={"nest": 300.0, "nest-precise": 100.0}),
        Case("learn", "784-800-800-10 rhythmic cells that learn online, examples a second", "learn",
             ("numpy",), ("1",), warm_ms=1000.0, duration_ms=4000.0),
        Case("record", "10 M spikes to disk", "record", (), duration_ms=1000.0),
        Case("start", "the time to --help, and to cuba's first spike, cold and warm", "start", ()),
    )
}  # fmt: skip

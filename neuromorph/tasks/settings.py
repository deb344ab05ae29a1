"""What a learning run needs to know; the defaults were found as docs/learning.md tells."""

from __future__ import annotations

from dataclasses import dataclass, replace

TOP_DOWN = ("fixed", "wake", "mirror", "transpose")


@dataclass(frozen=True)
class Settings:
    """Settings of a layered network that learns by recirculation. Weights and rates are per spike.

    hidden : cells of each hidden layer; epochs; passes : presentations of each image in a test
    kappa_in, kappa, kappa_readout : spikes per unit of intensity or activity; cap : largest activity; gamma : gain of
    the apical charge; tau_mean : cycles of the running means
    eta, eta_bias : rates of the bottom-up synapses; eta_top_down, eta_top_readout : rates of the top-down synapses
    between hidden layers and from the readout; spread : initial weights are normal with spread sqrt(2 / n) / kappa;
    top_down_std : of the initial top-down weights; readout_bias : initial
    """

    top_down: str = "fixed"
    hidden: tuple[int, ...] = (200, 200)
    epochs: int = 20
    passes: int = 16
    seed: int = 1
    kappa_in: float = 8.0
    kappa: float = 8.0
    kappa_readout: float = 64.0
    cap: float = 1.0
    gamma: float = 0.125
    tau_mean: float = 300.0
    eta: float = 2e-5
    eta_bias: float = 1.6e-4
    eta_top_down: float = 0.0
    eta_top_readout: float = 0.0
    spread: float = 0.5
    top_down_std: float = 0.08
    readout_bias: float = -2.2
    rule: str = "recirculation"


def defaults(task: str, top_down: str) -> Settings:
    """The settings of a task (`digits` or `mnist`) and a kind of top-down weights."""
    settings = Settings(top_down=top_down)
    if top_down in ("mirror", "transpose"):
        settings = replace(settings, top_down_std=0.02, eta_top_down=1.6e-4, eta_top_readout=1.6e-4)
    elif top_down == "wake":
        settings = replace(settings, top_down_std=0.02, eta_top_down=1e-4, eta_top_readout=1e-5)
    if task == "mnist":
        settings = replace(settings, hidden=(800, 800), epochs=3)
    return settings

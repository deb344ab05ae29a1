"""Stacked autoencoders of rhythmic cells: each layer learns to reconstruct the layer below it, one layer at a time.

The source (the image, or the layer trained before) fires at s = its own release; the cells of `echo`, one for each of
the source, take over its counts above a rest, so that they can be moved both ways. One cycle of s + 5 ms, counted from
the pacemaker's spike: `start` at 1; at s + 1 echo and code release; the code's volley brings the reconstruction down
to the echo, latched at s + 2; at s + 3 the source's counts arrive beside it, and the echo is nudged by what the
reconstruction lacks; the code, which latched the echo's free volley, is nudged by its change at s + 4, when the signal
`learn` arrives. Hinton & McClelland 1988, Learning representations by recirculation, NIPS 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.graph.network import Network
from neuromorph.simulate import Simulation
from neuromorph.tasks.images import Images
from neuromorph.tasks.settings import Settings

FIRST = 1.0  # ms of the pacemaker's first spike
UNBOUNDED = {"w_min": -math.inf, "w_max": math.inf}
PORTION = 160.0  # ms of simulated time between reports of progress
READINGS = 1400  # images of an epoch, at least, of which the reconstruction is read (all, if there are fewer)


@dataclass(frozen=True)
class Pretraining:
    """Settings of a stacked autoencoder; weights and rates are per spike, as in Settings.

    epochs : times that each layer is shown every image; rest : activity of the echo of a silent cell
    blend : share of the missing activity by which the echo is nudged; gamma : gain of the code's nudge
    eta, eta_top_down : rates of the synapses onto the code, and of those onto the echo
    std, std_top_down : spread of their initial weights, times sqrt(1 / cells below) or sqrt(1 / cells above)
    """

    epochs: int = 4
    rest: float = 0.5
    blend: float = 1.0
    gamma: float = 0.5
    eta: float = 2e-5
    eta_top_down: float = 2e-4
    std: float = 0.0884
    std_top_down: float = 0.1


@dataclass
class Stack:
    """What pre-training came to: initial weights for layered.training_network, by projection, and the errors.

    errors : by layer, the fraction of the variance of the layer below that is not reconstructed, one an epoch
    """

    weights: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    errors: dict[str, list[float]] = field(default_factory=dict)


def cycle(layer: int) -> float:
    """Length in ms of a cycle in which hidden layer `layer` (1 for the first) learns."""
    return float(layer + 5)


def network(
    images: Images, settings: Settings, pretraining: Pretraining, layer: int, stack: Stack, order: NDArray[np.int64]
) -> Network:
    """The network in which hidden layer `layer` learns to reconstruct the one below, from images.train[order]."""
    net, period, s = Network("autoencoder"), cycle(layer), layer
    pixels = images.train.shape[1]
    image = {"patterns": images.train, "order": order, "kappa": settings.kappa_in, "scale": 1.0 / images.brightest}
    net.add_input("image", "pattern_volley", pixels, {**image, "start": FIRST + 1, "interval": period})
    once = {"patterns": np.ones((1, 1), np.uint8), "order": np.zeros(order.size, np.int64), "kappa": 1.0}
    for name, start in (("pacemaker", FIRST), ("bias", FIRST + 1)):
        net.add_input(name, "pattern_volley", 1, {**once, "start": start, "interval": period})
    below = "image"
    for k in range(1, layer):  # layers that have been trained pass the image on
        name = f"hidden{k}"
        net.add_population(name, "rhythmic", settings.hidden[k - 1], {"kappa": settings.kappa, "cap": settings.cap})
        _phases(net, name, start=1, release=1 + k)
        for source in (below, "bias"):
            weight = stack.weights[f"{source}_{name}"]
            net.connect(source, name, weight=weight, delay=1.0, receptor="basal", name=f"{source}_{name}")
        below = name
    size = pixels if layer == 1 else settings.hidden[layer - 2]
    kappa = settings.kappa_in if layer == 1 else settings.kappa
    _echo(net, pretraining, below, size, kappa, s)
    _code(net, settings, pretraining, below, size, settings.hidden[layer - 1], s)
    net.add_signal("learn", start=FIRST + s + 3, interval=period, count=int(order.size), delay=1.0)
    read = period * max(1, images.train_labels.size // READINGS)
    for variable in ("n_free", "a_free"):  # at the end of a cycle, which is a multiple of its length
        net.record("echo", variable, interval=read, start=read)
    net.run_settings(duration=FIRST + period * order.size, resolution=1.0, seed=settings.seed + 2_000_003 * layer)
    return net


def _phases(net: Network, name: str, **delays: float) -> None:
    for receptor, delay in delays.items():
        net.connect("pacemaker", name, weight=1.0, delay=float(delay), receptor=receptor, name=f"{receptor}_{name}")


def _echo(net: Network, pretraining: Pretraining, below: str, size: int, kappa: float, s: int) -> None:
    """Cells that take over the counts of the layer below, and are nudged by what their reconstruction lacks."""
    rest = pretraining.rest
    params = {"kappa": kappa, "cap": 1.0 + 2.0 * rest, "gamma": pretraining.blend / kappa}
    net.add_population("echo", "rhythmic", size, params)
    _phases(net, "echo", start=1, release=s + 1, latch=s + 2, nudge=s + 3)
    net.connect(below, "echo", "one_to_one", weight=1.0 / kappa, delay=1.0, receptor="basal", name="activity")
    net.connect("bias", "echo", weight=rest, delay=1.0, receptor="basal", name="rest")
    net.connect(below, "echo", "one_to_one", weight=1.0, delay=3.0, receptor="apical", name="data")


def _code(
    net: Network, settings: Settings, pretraining: Pretraining, below: str, size: int, cells: int, s: int
) -> None:
    """The layer that learns, and the loop through the echo."""

    def learns(rule: str, eta: float) -> dict[str, Any]:
        return {"rule": rule, "params": {"eta": eta}, "signals": ["learn"], **UNBOUNDED}

    def normal(std: float, n: int) -> dict[str, Any]:
        return {"distribution": "normal", "mean": 0.0, "std": std / math.sqrt(n)}

    params = {"kappa": settings.kappa, "cap": settings.cap, "gamma": pretraining.gamma}
    net.add_population("code", "rhythmic", cells, params)
    _phases(net, "code", start=1, release=s + 1, latch=s + 2, nudge=s + 4)
    up, down = pretraining.eta, pretraining.eta_top_down
    std, std_down = normal(pretraining.std, size), normal(pretraining.std_top_down, cells)
    for source, target, weight, receptor, rule, eta in (
        (below, "code", std, "basal", "recirculation", up),
        ("bias", "code", 0.0, "basal", "recirculation", settings.kappa * up),
        ("code", "echo", std_down, "apical", "recirculation", down),
        ("bias", "echo", 0.0, "apical", "recirculation", settings.kappa * down),
        ("echo", "code", std_down, "apical", "mirror", down),
    ):
        # what the bias adds to the reconstruction arrives with it
        delay = s + 1.0 if (source, target) == ("bias", "echo") else 1.0
        net.connect(
            source, target, weight=weight, delay=delay, receptor=receptor, plasticity=learns(rule, eta),
            name=f"{source}_{target}",
        )  # fmt: skip


def pretrain(
    images: Images, settings: Settings, pretraining: Pretraining, progress: Callable[[str, float], None] | None = None
) -> Stack:
    """Train the hidden layers of `settings`, each to reconstruct the one below, from the first one up."""
    stack = Stack()
    random = np.random.default_rng([settings.seed, 88])
    n = images.train_labels.size
    for layer, name in enumerate((f"hidden{k + 1}" for k in range(len(settings.hidden))), start=1):
        order = np.concatenate([random.permutation(n) for _ in range(pretraining.epochs)])
        simulation = Simulation(network(images, settings, pretraining, layer, stack, order))
        assert simulation.asked_duration is not None
        while simulation.time < simulation.asked_duration:
            simulation.run(min(PORTION, simulation.asked_duration - simulation.time))
            if progress is not None:
                progress(f"pre-training {name}", simulation.time / simulation.asked_duration)
        below = "image" if layer == 1 else f"hidden{layer - 1}"
        stack.weights[f"{below}_{name}"] = simulation.weights(f"{below}_code")
        stack.weights[f"bias_{name}"] = simulation.weights("bias_code")
        rest = pretraining.rest * (settings.kappa_in if layer == 1 else settings.kappa)
        stack.errors[name] = _errors(simulation, rest, n * cycle(layer))
        simulation.close()
    return stack


def _errors(simulation: Any, rest: float, epoch: float) -> list[float]:
    """Fraction of the variance of the layer below that its reconstruction missed, in each epoch (ms), while learning.

    rest : spikes of the echo of a silent cell
    """
    read = {c.variable: simulation.sink.states(k) for k, c in enumerate(simulation.recorder.states)}
    times, counts = read["n_free"][0], read["n_free"][1] - rest
    missed = np.sum((counts - read["a_free"][1]) ** 2, axis=1)
    number = np.ceil(times / epoch).astype(np.int64)
    spread = np.sum((counts - counts.mean(axis=0)) ** 2, axis=1)
    return [float(missed[number == e].sum() / spread[number == e].sum()) for e in np.unique(number)]

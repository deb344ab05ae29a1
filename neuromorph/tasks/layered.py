"""A layered network of rhythmic cells that learns to classify, described with the public API alone.

One cycle of length 2 h + 4 ms (h hidden layers), counted from the pacemaker's spike: `start` at 1, the image's volley
at 1, hidden layer l releases at 1 + l, the readout at h + 2; what came down is latched at h + 3, where the teacher
nudges the readout; hidden layer l is nudged at 2 h + 4 - l, top first; the signal `learn` arrives at 2 h + 3.
With direct feedback the readout's volleys reach every hidden layer after 1 ms: what came down is latched at h + 3 as
well, all hidden layers are nudged at h + 4, where `learn` arrives, and a cycle takes h + 5 ms.
With two looks at each image a cycle is twice as long: its first half has the free volleys alone.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.graph.network import Network
from neuromorph.tasks.images import Images
from neuromorph.tasks.settings import Settings

FIRST = 1.0  # ms of the pacemaker's first spike
CLASSES = 10
SILENCE = -1e3  # charge that no input outweighs
#: weights by projection
Weights = dict[str, NDArray[np.float32]]


def names(settings: Settings) -> list[str]:
    """Layers from the image to the readout."""
    return ["image", *(f"hidden{k + 1}" for k in range(len(settings.hidden))), "readout"]


def cycle(settings: Settings, training: bool) -> float:
    """Length of a cycle in ms: of all looks at an image, in training."""
    return settings.looks * _look(settings) if training else len(settings.hidden) + 2.0


def _look(settings: Settings) -> float:
    """Length of a look in ms, in training."""
    return _nudge(settings, 1) + 1.0


def _nudge(settings: Settings, layer: int) -> int:
    """Phase (ms) of the last look at which a hidden layer is nudged: the nudged volleys from above arrive."""
    h = len(settings.hidden)
    return h + 4 if settings.top_down == "direct" else 2 * h + 4 - layer


def feedback(settings: Settings) -> list[tuple[str, str]]:
    """Top-down projections as (above, below), from the top."""
    layers = names(settings)[1:]
    above = layers[-1:] * len(layers) if settings.top_down == "direct" else layers[1:]
    return list(zip(above, layers[:-1]))[::-1]


def training_network(
    images: Images, settings: Settings, order: NDArray[np.int64], initial: Weights | None = None
) -> Network:
    """The network that is shown `images.train[order]`, one image a cycle, and learns from each.

    initial : weights to begin with, by bottom-up projection (such as autoencoder.pretrain finds); others are drawn
    """
    network = _cells(images.train, images.brightest, order, settings, training=True)
    period = cycle(settings, training=True)
    told = FIRST + period - _look(settings) + len(settings.hidden) + 2
    teacher = {"patterns": np.eye(CLASSES, dtype=np.uint8), "order": images.train_labels[order], "kappa": 1.0}
    network.add_input("teacher", "pattern_volley", CLASSES, {**teacher, "start": told, "interval": period})
    network.connect("teacher", "readout", "one_to_one", weight=1.0, delay=1.0, receptor="apical")
    network.add_signal(
        "learn",
        start=FIRST + period - 2,
        interval=period,
        count=int(order.size),
        first=1.0 - settings.momentum,
        last=0.0 if settings.schedule == "linear" else 1.0 - settings.momentum,
        delay=1.0,
    )
    _bottom_up(network, settings, images.train.shape[1], None, initial or {})
    _top_down(network, settings, images.train.shape[1], initial or {})
    duration = FIRST + period * order.size
    _record(network, settings, period, duration)
    network.run_settings(duration=duration, resolution=1.0, seed=settings.seed)
    return network


def _record(network: Network, settings: Settings, period: float, duration: float) -> None:
    """All weights at the beginning and at the end, and every spike of the last ten cycles."""
    plastic = [data["name"] for _, _, data in network.projections if "plasticity" in data]
    for name in plastic:
        network.record(projection=name, interval=duration)
    for name in [*names(settings), "bias", "teacher", "pacemaker"]:
        network.record(name, "spikes", start=max(0.0, duration - 10 * period))


def testing_network(pixels: NDArray[np.uint8], brightest: float, settings: Settings, weights: Weights) -> Network:
    """The network with trained weights that is shown each image `settings.passes` times, free cycles only."""
    order = np.repeat(np.arange(pixels.shape[0]), settings.passes)
    network = _cells(pixels, brightest, order, settings, training=False)
    _bottom_up(network, settings, pixels.shape[1], weights, {})
    network.record("readout", "spikes")
    period = cycle(settings, training=False)
    network.run_settings(duration=FIRST + period * order.size, resolution=1.0, seed=settings.seed + 1_000_003)
    return network


def _cells(pixels: Any, brightest: float, order: NDArray[np.int64], settings: Settings, training: bool) -> Network:
    network = Network("layered")
    period = cycle(settings, training)
    looks = settings.looks if training else 1
    each = {"start": FIRST + 1, "interval": period / looks}  # a volley each look
    image = {"patterns": pixels, "order": np.repeat(order, looks), "kappa": settings.kappa_in, "scale": 1.0 / brightest}
    network.add_input("image", "pattern_volley", pixels.shape[1], image | each)
    once = {"patterns": np.ones((1, 1), np.uint8), "order": np.zeros(order.size, np.int64), "kappa": 1.0}
    always = once | {"order": np.zeros(looks * order.size, np.int64)} | each
    network.add_input("bias", "pattern_volley", 1, always)
    network.add_input("pacemaker", "pattern_volley", 1, once | {"start": FIRST, "interval": period})
    hidden = {"kappa": settings.kappa, "cap": settings.cap, "tau_mean": settings.tau_mean}
    hidden |= {"poisson": 1.0} if settings.poisson else {}
    above = {below: above for above, below in feedback(settings)}
    for layer, size in enumerate(settings.hidden, start=1):
        gamma = settings.gamma_top if above[f"hidden{layer}"] == "readout" else settings.gamma
        network.add_population(f"hidden{layer}", "rhythmic", size, hidden | {"gamma": gamma})
    readout = {"kappa": settings.kappa_readout, "tau_mean": settings.tau_mean}
    network.add_population("readout", "rhythmic_readout", CLASSES, readout)
    _phases(network, settings, training)
    if training and settings.dropout:
        _dropout(network, settings, always)
    return network


def _dropout(network: Network, settings: Settings, volley: dict[str, Any]) -> None:
    """Inputs that, by one inhibitory spike, silence each hidden cell for a look with the probability `dropout`.

    Srivastava et al. 2014, JMLR 15:1929. A silenced cell has a charge below 0, so that it is not nudged either.
    """
    for layer, size in enumerate(settings.hidden, start=1):
        name, patterns = f"dropout{layer}", np.full((1, size), settings.dropout)
        network.add_input(name, "pattern_volley", size, volley | {"patterns": patterns})
        network.connect(name, f"hidden{layer}", "one_to_one", weight=SILENCE, delay=1.0, receptor="basal")


def _phases(network: Network, settings: Settings, training: bool) -> None:
    """The pacemaker's projections: their delays are the phases of the cycle."""
    h, looks = len(settings.hidden), settings.looks if training else 1
    last = (looks - 1) * _look(settings)
    for layer, name in enumerate(names(settings)[1:], start=1):
        free = [("start", 1), ("release", 1 + layer)]
        phases = [(r, k * _look(settings) + at, f"_{k + 1}" * (k > 0)) for k in range(looks) for r, at in free]
        if training:
            readout = layer > h
            phases += [("latch", last + h + (2 if readout else 3), "")]
            phases += [("nudge", last + (h + 3 if readout else _nudge(settings, layer)), "")]
        for receptor, delay, look in phases:
            network.connect(
                "pacemaker", name, "all_to_all", weight=1.0, delay=float(delay), receptor=receptor,
                name=f"{receptor}_{name}{look}",
            )  # fmt: skip


def _sizes(settings: Settings, pixels: int) -> list[int]:
    return [pixels, *settings.hidden, CLASSES]


def _std(settings: Settings, k: int, pixels: int) -> float:
    """Spread of the initial weights from layer k to k + 1."""
    kappa = settings.kappa if k else settings.kappa_in
    half = 0.5 if k == len(settings.hidden) else 1.0
    return half * settings.spread * math.sqrt(2.0 / _sizes(settings, pixels)[k]) / kappa


def _eta(settings: Settings, k: int) -> float:
    """Rate of the synapses from layer k to k + 1."""
    return settings.eta_readout if k == len(settings.hidden) else settings.eta


def _bottom_up(network: Network, settings: Settings, pixels: int, weights: Weights | None, initial: Weights) -> None:
    def plasticity(eta: float, w_max: float = math.inf) -> dict[str, Any] | None:
        if weights is not None:
            return None
        return {"rule": settings.rule, "params": {"eta": eta}, "signals": ["learn"], "w_min": -w_max, "w_max": w_max}

    layers = names(settings)
    for k, (below, above) in enumerate(zip(layers, layers[1:])):
        name = f"{below}_{above}"
        kept = 1.0 - settings.dropout if k else 1.0  # in a test all cells fire
        start: Any = {"distribution": "normal", "mean": 0.0, "std": _std(settings, k, pixels)}
        if weights is None and (name in initial or settings.top_down == "transpose" and k > 0):
            start = _shared(settings, k, pixels, initial).ravel()
        network.connect(
            below, above, "all_to_all", weight=start if weights is None else weights[name] * kept, delay=1.0,
            receptor="basal", plasticity=plasticity(_eta(settings, k), settings.w_max), name=name,
        )  # fmt: skip
        bias: Any = initial.get(f"bias_{above}", settings.readout_bias if above == "readout" else 0.0)
        network.connect(
            "bias", above, "all_to_all", weight=bias if weights is None else weights[f"bias_{above}"], delay=1.0,
            receptor="basal", plasticity=plasticity(settings.kappa * _eta(settings, k)), name=f"bias_{above}",
        )  # fmt: skip


def _top_down(network: Network, settings: Settings, pixels: int, initial: Weights) -> None:
    layers = names(settings)
    for above, below in feedback(settings):
        readout = above == "readout"
        std = settings.top_readout_std if readout else settings.top_down_std
        start: Any = {"distribution": "normal", "mean": 0.0, "std": std}
        if settings.top_down == "transpose":
            # mirror keeps what starts as the (scaled) transpose the transpose, up to rounding
            eta = settings.eta_top_readout if readout else settings.eta_top_down
            k = layers.index(below)
            start = _shared(settings, k, pixels, initial).T.ravel() * (eta / _eta(settings, k))
        network.connect(
            above, below, "all_to_all", weight=start, delay=1.0, receptor="apical",
            plasticity=_top_down_rule(settings, readout), name=f"{above}_{below}",
        )  # fmt: skip


def _top_down_rule(settings: Settings, readout: bool) -> dict[str, Any] | None:
    if settings.top_down in ("fixed", "direct"):
        return None
    rule = "mirror"
    if settings.top_down == "wake":
        # at the top the activity above is the nudged one: the target
        rule = "wake_looks" if settings.looks > 1 else "wake_clamped" if readout else "wake"
    eta = settings.eta_top_readout if readout else settings.eta_top_down
    return {
        "rule": rule,
        "params": {"eta": eta},
        "signals": ["learn"],
        "w_min": -settings.w_max,
        "w_max": settings.w_max,
    }


def _shared(settings: Settings, k: int, pixels: int, initial: Weights) -> NDArray[np.float32]:
    """Initial weights from layer k to k + 1 that both directions start from: given ones, or drawn."""
    sizes = _sizes(settings, pixels)
    name = "_".join(names(settings)[k : k + 2])
    if name in initial:
        return initial[name].reshape(sizes[k], sizes[k + 1])
    random = np.random.default_rng([settings.seed, k])
    return (random.standard_normal((sizes[k], sizes[k + 1])) * _std(settings, k, pixels)).astype(np.float32)

"""What a learning run needs to know; the defaults were found as docs/learning.md tells."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from neuromorph.errors import InputError, Problem, suggestion

TOP_DOWN = ("fixed", "direct", "wake", "mirror", "transpose")
SCHEDULES = ("linear", "constant")
RATES = ("eta", "eta_readout", "eta_top_down", "eta_top_readout")


@dataclass(frozen=True)
class Settings:
    """Settings of a layered network that learns by recirculation. Weights and rates are per spike.

    hidden : cells of each hidden layer; epochs; passes : presentations of each image in the last test
    kappa_in, kappa, kappa_readout : spikes per unit of intensity or activity; cap : largest activity
    gamma, gamma_top : gain of the apical charge, of hidden layers that hear the readout in particular
    tau_mean : cycles of the running means
    eta, eta_readout : rates of the bottom-up synapses, of those onto the readout in particular; those of a bias are
    kappa times as high
    eta_top_down, eta_top_readout : rates of the top-down synapses between hidden layers and from the readout
    top_down : kind of top-down weights; `direct` goes from the readout to every hidden layer, the others layer by layer
    looks : at each training image, with counts drawn anew; from two on, `wake` learns from what chance changed between
    the last two (the rule wake_looks), otherwise to reconstruct the layer below (wake and wake_clamped)
    spread : initial weights are normal with spread sqrt(2 / n) / kappa (half of it onto the readout)
    top_down_std, top_readout_std : of the initial top-down weights; readout_bias : initial
    w_max : bound of the size of all weights that learn, but for biases
    schedule : of all rates over the run: linear (to zero at its end) or constant
    momentum : share of its last change that a weight repeats, minibatch by minibatch; rates are as without, being
    multiplied by 1 - momentum
    norm : bound of the root of the sum of squares of the weights onto a hidden cell or the readout, without its bias,
    kept to every 20 minibatches or images (all are scaled down)
    tests : how often an epoch the test images are shown, at its end included
    poisson : hidden cells draw Poisson counts; dropout : probability that one is silenced for a look
    batch : images that are learnt together (1: one after the other); threads : that share them, which changes no result
    """

    top_down: str = "fixed"
    looks: int = 1
    hidden: tuple[int, ...] = (200, 200)
    epochs: int = 8
    passes: int = 8
    seed: int = 1
    kappa_in: float = 8.0
    kappa: float = 8.0
    kappa_readout: float = 64.0
    cap: float = 1.0
    gamma: float = 0.5
    gamma_top: float = 0.125
    tau_mean: float = 300.0
    eta: float = 4e-5
    eta_readout: float = 1e-5
    eta_top_down: float = 0.0
    eta_top_readout: float = 0.0
    spread: float = 0.5
    top_down_std: float = 0.02
    top_readout_std: float = 0.08
    readout_bias: float = -2.2
    poisson: bool = False
    dropout: float = 0.0
    rule: str = "recirculation"
    w_max: float = math.inf
    schedule: str = "linear"
    momentum: float = 0.0
    norm: float = math.inf
    tests: int = 1
    batch: int = 1
    threads: int = 1


def defaults(task: str, top_down: str, batch: int = 1, looks: int | None = None) -> Settings:
    """The settings of a task, a kind of top-down weights, a size of minibatches, and a number of looks.

    looks : at each training image; by default two where `wake` is trained at full size, and one otherwise
    """
    if looks is None:
        looks = 2 if top_down == "wake" and task in ("mnist", "fashion") else 1
    settings = Settings(top_down=top_down, batch=batch, looks=looks)
    if task in ("mnist", "fashion"):
        settings = replace(settings, hidden=(800, 800), epochs=3, eta=8e-6, eta_readout=2e-6)
        task = "mnist"
    elif task == "nmnist":  # some 4,700 spikes an image
        settings = replace(settings, epochs=20, eta=4e-6, eta_readout=4e-6)
    if top_down in ("mirror", "transpose"):
        settings = replace(settings, eta_top_down=2.0 * settings.eta, eta_top_readout=8.0 * settings.eta_readout)
        settings = replace(settings, top_down_std=0.005, top_readout_std=0.02)
    elif top_down == "wake":
        settings = _wake(settings, task)
    # changes of a minibatch add up: the first ones overshoot beyond so many of the full size
    bold = task == "mnist" and (top_down == "mirror" or top_down == "wake" and looks > 1)
    together = 32 if bold else 8
    slower = min(1.0, math.sqrt(together / batch))
    if top_down in ("fixed", "direct"):
        settings = replace(settings, eta_readout=slower * settings.eta_readout)
    return replace(settings, **{name: slower * getattr(settings, name) for name in RATES})


def _wake(settings: Settings, task: str) -> Settings:
    """The settings of `wake`, online."""
    if settings.looks == 1:
        scale = 1.0 if task == "mnist" else 2.0
        return replace(settings, top_readout_std=0.02, eta_top_down=1e-5 * scale, eta_top_readout=1e-7 * scale)
    settings = replace(settings, top_down_std=0.0, top_readout_std=0.0)
    if task == "mnist":
        settings = replace(settings, gamma=0.25, gamma_top=0.5, eta_readout=1e-6)
        return replace(settings, eta_top_down=1e-3, eta_top_readout=3e-4)
    return replace(settings, gamma=0.4, gamma_top=0.8, eta_top_down=6e-3, eta_top_readout=2e-3)


def counted(settings: Settings, kappa: float) -> Settings:
    """The same learning, in units of charge and activity, with `kappa` spikes per unit in image and hidden layers.

    A weight w onto a cell is kappa w in units of activity, and changes by eta n (change of n): eta goes with kappa^-3
    where all three are counts of these layers, with kappa^-2 onto the readout, whose kappa stays.
    """
    f = settings.kappa / kappa
    new = replace(settings, kappa=kappa, kappa_in=settings.kappa_in / f)
    new = replace(new, eta=settings.eta * f**3, eta_readout=settings.eta_readout * f**2)
    if settings.looks > 1 and settings.top_down == "wake":  # what one spike below does above, so large at the top
        return replace(new, gamma=settings.gamma * f, gamma_top=settings.gamma_top / f)
    if settings.top_down == "wake":  # predicts counts below from counts above: the gain turns these into charge
        new = replace(new, gamma=settings.gamma * f, gamma_top=settings.gamma_top * f)
        return replace(new, eta_top_down=settings.eta_top_down * f**2)
    new = replace(new, top_down_std=settings.top_down_std * f)
    if settings.top_down in ("fixed", "direct"):
        return new
    # mirror images of weights onto the readout are of its counts, and large where kappa is small
    new = replace(new, top_readout_std=settings.top_readout_std * f, gamma_top=settings.gamma_top / f)
    return replace(new, eta_top_down=settings.eta_top_down * f**3, eta_top_readout=settings.eta_top_readout * f**2)


_READ: dict[type, Any] = {
    tuple: lambda text: tuple(map(int, text.split(","))), bool: {"true": True, "false": False}.__getitem__,
    int: int, float: float, str: str,
}  # fmt: skip
_ALLOWED = {tuple: "cells such as 800,800", bool: "true or false", int: "a whole number", float: "a number"}


def changed(settings: Settings, given: Iterable[str]) -> Settings:
    """Settings with some changed, each given as "name=value"; sizes of hidden layers as "800,800".

    Raises InputError for an unknown name, for what is not a value of its kind, and as `check` does.
    """
    changes: dict[str, Any] = {}
    kinds = {f.name: type(getattr(settings, f.name)) for f in fields(settings) if f.name not in ("top_down", "looks")}
    for one in given:
        name, _, text = one.partition("=")
        if name not in kinds:
            raise InputError(Problem(f"unknown setting '{name}'", "--set", one, fix=suggestion(name, kinds)))
        try:
            changes[name] = _READ[kinds[name]](text)
        except (ValueError, KeyError):
            allowed = _ALLOWED[kinds[name]]
            raise InputError(Problem("not a value of this setting", f"--set {name}", text, allowed)) from None
    new = replace(settings, **changes)
    check(new)
    return new


def from_file(given: dict[str, Any]) -> Settings:
    """Settings as JSON holds them.

    Raises TypeError or ValueError for what they cannot be, InputError as `check` does.
    """
    settings = Settings(**given)
    settings = replace(settings, hidden=tuple(settings.hidden))
    for one in fields(settings):
        value, kind = getattr(settings, one.name), type(one.default)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not isinstance(value, kind) and not (whole and kind is float) or kind is int and not whole:
            raise TypeError(f"{one.name} is no {kind.__name__}")
    if not settings.hidden or not all(type(n) is int and 0 < n < 2**31 for n in settings.hidden):
        raise ValueError("hidden layers have no sizes")
    check(settings)
    return settings


def check(settings: Settings) -> None:
    """Raise InputError for values out of range, and for those that do not go together."""
    if settings.schedule not in SCHEDULES:
        raise InputError(Problem("no such schedule", "--set schedule", settings.schedule, " or ".join(SCHEDULES)))
    for name in ("epochs", "passes", "batch", "threads", "tests", "looks"):
        if getattr(settings, name) < 1:
            raise InputError(Problem("value out of range", f"--set {name}", getattr(settings, name), "1 or more"))
    if not 0.0 <= settings.momentum < 1.0:
        raise InputError(Problem("value out of range", "--set momentum", settings.momentum, "0 to less than 1"))
    if not settings.norm > 0.0:
        raise InputError(Problem("value out of range", "--set norm", settings.norm, "above 0"))
    if settings.momentum and settings.batch == 1:
        fix = "Give --batch 2 or more, such as 32."
        raise InputError(Problem("momentum goes from one minibatch to the next", "--set momentum", fix=fix))
    if settings.dropout and settings.looks > 1 and settings.top_down == "wake":
        fix = "Leave it out, or look once: --looks 1."
        raise InputError(Problem("cells that are silenced would be taken for luck", "--set dropout", fix=fix))

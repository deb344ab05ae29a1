"""Namedtuples as the generated kernels hand them to the hooks, for tests that call hooks one by one."""

from __future__ import annotations

import functools
from collections import namedtuple
from types import SimpleNamespace
from typing import Any

import numpy as np

from neuromorph.models.contract import NeuronModel

HOOKS = ("propagate", "advance", "crossing", "receive", "fires", "reset")
R = namedtuple("R", ["seed", "stream", "entity"])


@functools.cache
def _tuple(name: str, fields: tuple[str, ...]) -> Any:
    # one class per set of fields, since every class is a type of its own to the compiler
    return namedtuple(name, fields)


def parameters(model: type[NeuronModel], **changed: Any) -> Any:
    """The model's defaults with some changed."""
    values = {name: param.default for name, param in model.parameters().items()} | changed
    return _tuple("P", tuple(values))(**values)


def state(model: type[NeuronModel], p: Any, **changed: float) -> Any:
    """The model's initial state with some variables changed."""
    values = {}
    for name, variable in model.variables().items():
        initial = variable.initial
        values[name] = float(getattr(p, initial) if isinstance(initial, str) else initial)
    return _tuple("S", tuple(values))(**(values | changed))


def arrivals(model: type[NeuronModel], **sums: float) -> Any:
    """Sums of one instant; 0 at the receptors that are not named."""
    values = {receptor.name: 0.0 for receptor in model.receptors} | sums
    return _tuple("X", tuple(values))(**values)


def coefficients(model: type[NeuronModel], p: Any, h: float) -> Any:
    """The model's coefficients for one cell."""
    return _tuple("C", model.coefficient_names)(*(float(c) for c in model.coefficients(p, h)))


def compiled(model: type[NeuronModel]) -> Any:
    """The model's hooks, compiled as the generated kernels compile them."""
    import numba

    from neuromorph.kernels.jit import FLAGS

    return SimpleNamespace(**{h: numba.njit(**FLAGS)(getattr(model, h)) for h in HOOKS if hasattr(model, h)})


def run_grid(model: type[NeuronModel], p: Any, s: Any, h: float, ticks: int) -> np.ndarray:
    """States at the ticks 0..`ticks` without arrivals or spikes: float64[ticks + 1, variables]."""
    c, states = coefficients(model, p, h), [s]
    for _ in range(ticks):
        states.append(type(s)(*model.propagate(states[-1], c, p, False)))
    return np.array(states)

"""Memory that the synapses of a compiled network take."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np


def synapse_bytes(network: Any) -> int:
    """Bytes of all arrays under `static` and under each projection's `plasticity` of a CompiledNetwork.

    Walks dataclasses, tuples, lists and dicts; an array, or one whose memory it is a view of, counts once, structured
    arrays as any other. What only describes a projection (its list of endpoints) is not part of its rows.
    """
    roots = [network.static, *(p.plasticity for p in network.projections)]
    return sum(array.nbytes for array in {id(a): a for a in map(owner, _arrays(roots))}.values())


def owner(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array that holds the memory of a view."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def described_bytes(network: Any) -> int:
    """Bytes of the arrays that list the synapses' endpoints for people, which no kernel reads."""
    arrays = [a for p in network.projections for a in _arrays([dataclasses.replace(p, plasticity=None)])]
    return sum(array.nbytes for array in {id(a): a for a in map(owner, arrays)}.values())


def _arrays(things: Iterable[Any]) -> Iterable[np.ndarray[Any, Any]]:
    for thing in things:
        if isinstance(thing, np.ndarray):
            yield thing
        elif dataclasses.is_dataclass(thing) and not isinstance(thing, type):
            yield from _arrays(getattr(thing, f.name) for f in dataclasses.fields(thing))
        elif isinstance(thing, dict):
            yield from _arrays(thing.values())
        elif isinstance(thing, tuple | list):
            yield from _arrays(thing)

"""Template of the kernel that takes cells of one kind through one tick; every array is one row, so that loops are SIMD.

A kind is a model, whether its parameters differ between cells, and the receptors that anything arrives at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from neuromorph.kernels.codegen import load, render
from neuromorph.kernels.lazy_cells import to_now
from neuromorph.models.contract import NeuronModel


@dataclass(frozen=True)
class Kind:
    """What populations of neurons share that one kernel can advance on the grid.

    own : names of all parameters where any differs between cells, else empty
    live : numbers of the receptors that synapses, drives or currents target
    switches : (parameter, value) for those that choose between ways of working, constants of the kernel
    lazy : cells are visited at ticks with an arrival alone (kernels/lazy_cells.py)
    straight : numbers of the receptors whose arrivals are added to a variable straight away (Receptor.into)
    """

    model: type[NeuronModel]
    own: tuple[str, ...]
    live: tuple[int, ...]
    switches: tuple[tuple[str, float], ...] = ()
    lazy: bool = False
    straight: tuple[int, ...] = ()

    @property
    def inputs(self) -> tuple[int, ...]:
        """Numbers of the receptors whose arrivals are summed up for the cells to take in."""
        return tuple(r for r in self.live if r not in self.straight)


#: ticks between two at which what has all but decayed is put to 0, and what has, in float64 and in float32: arithmetic
#: with denormal numbers, in which a decay never ends, takes 1.2 (lif_exp: 0.62 ns a cell and tick) to 2.3 times as long
RESTS, DECAYED, DECAYED_32 = 1024, 1e-200, 1e-25

IMPORTS = f"""
import collections

import numpy as np

from neuromorph.kernels.jit import kernel

R = collections.namedtuple("R", ["seed", "stream", "entity"])
RESTS, DECAYED, DECAYED_32 = {RESTS}, {DECAYED}, {DECAYED_32}
"""

# The first loop is free of branches and vectorises; the second visits the few cells that fired, sixteen at a time, and
# leaves alone what the hook `reset` does not change, for it is promised that the arrays are disjoint (`pairs` and
# `fired`, which are not, are only read there). 800 rhythmic cells: 1 to 3 microseconds a tick, 5 where half fire.
STEP = """
S_{k} = collections.namedtuple("S_{k}", {variables!r})
X_{k} = collections.namedtuple("X_{k}", {receptors!r})
C_{k} = collections.namedtuple("C_{k}", {coefficients!r})
P_{k} = collections.namedtuple("P_{k}", {parameters!r})


@kernel(disjoint=True, counted=False)
def update_{k}(now, {step_arguments}, entity, seed, stream, fired):
    any_fired = np.int32(0)
    for i in range(until.size):
        clamped = now <= until[i]
        is_refractory = now < until[i]
        p = P_{k}({parameter_values})
        s = S_{k}({state_values})
        {unpack} = propagate_{k}(s, C_{k}({coefficient_values}), p, clamped)
        s = S_{k}({names})
        {unpack} = receive_{k}(s, X_{k}({input_values}), p, is_refractory, R(seed, stream, entity + i))
        s = S_{k}({names})
        {store}
        {clear_inputs}
        count = np.int32(0) if is_refractory else np.int32(fires_{k}(s, p))
        fired[i] = count
        any_fired = np.int32(any_fired | count)
    return any_fired


@kernel(disjoint=True, counted=False)
def rest_{k}({state_arguments}):
    {rest}


@kernel(counted=False)
def step_{k}(tick, now, {step_arguments}, first_id, entity,
           seed, stream, fired, pairs, out_tick, out_source, out_count, archive, n):
    # `now` is the tick as `until` counts them
    if tick % RESTS == 0:
        rest_{k}({state_arguments})
    if update_{k}(now, {step_arguments}, entity, seed, stream, fired) == 0:
        return n
    return emit_{k}(tick, now, {held_arguments}, first_id, fired, pairs, out_tick, out_source, out_count, archive, n)


@kernel(disjoint=True, counted=False)
def emit_{k}(tick, now, {held_arguments}, first_id, fired, pairs, out_tick, out_source, out_count, archive, n):
    cells = until.size
    for some in range(0, cells, 16):
        q = some // 2
        if some + 16 <= cells and (
            pairs[q] | pairs[q + 1] | pairs[q + 2] | pairs[q + 3] | pairs[q + 4] | pairs[q + 5] | pairs[q + 6]
            | pairs[q + 7]
        ) == 0:
            continue
        for i in range(some, min(some + 16, cells)):
            if fired[i] == 0:
                continue
            p = P_{k}({parameter_values})
            s = S_{k}({state_values})
            {archive}
            out_tick[n] = tick
            out_source[n] = first_id + i
            out_count[n] = fired[i]
            n += 1
            {unpack} = reset_{k}(s, p)
            {store}
            until[i] = now + refractory[i]
    return n
"""

# every array of a population, cut to the cells low..high-1, then all ticks of a window
_ADVANCE = """
@kernel(counted=False)
def advance(first, last, low, high, ring, slot0, size, state, until, refractory, shared, own, shared_c, own_c,
            seed, stream, fired, pairs, out_base, out_index, out_count, archive, n):
    until = until[low:high]
    refractory = refractory[low:high]
    {views}
    for tick in range(first, last + 1):
        row = ring[tick % ring.shape[0]]
        {input_views}
        n = step_0(tick, tick, {step_arguments}, low, low, seed, stream, fired, pairs, out_base, out_index, out_count,
                   archive, n)
    return n
"""


def grid_kernels(kind: Kind) -> ModuleType:
    """Module with `advance`, which takes a population of one kind through the ticks of a window."""
    lines = kind_lines(kind, 0)
    return load(IMPORTS + render(STEP + _ADVANCE, lines), hooks(kind, 0), label(kind))


def label(kind: Kind) -> str:
    """What messages call the kernels of a kind."""
    return f"{kind.model.name}, {'own' if kind.own else 'shared'} parameters"


def hooks(kind: Kind, k: int) -> dict[str, Callable[..., Any]]:
    """The hooks of the model under the names that the template calls them by."""
    names = ("advance" if kind.lazy else "propagate", "receive", "fires", "reset")
    return {f"{name}_{k}": getattr(kind.model, name) for name in names}


def step_arguments(kind: Kind) -> list[str]:
    """Names of the arrays that differ by kind, in the order that `step` takes them."""
    return [
        *(f"input_{r}" for r in kind.inputs),
        *(f"state_{v}" for v in range(len(kind.model.variables()))),
        *(f"own_{q}" for q in range(len(kind.own))),
        *(f"own_c_{c}" for c in range(len(kind.model.coefficient_names) if kind.own else 0)),
        "until",
        "refractory",
        *(("since",) if kind.lazy else ()),
        "shared",
        "shared_c",
    ]


def kind_lines(kind: Kind, k: int) -> dict[str, object]:
    """What fills the template for the k-th kind of a module."""
    model = kind.model
    n_variables, receptors = len(model.variables()), [r.name for r in model.receptors]
    names = [f"v{v}" for v in range(n_variables)]
    unpack = ", ".join(names) + ("," if n_variables == 1 else "")
    row = {name: q for q, name in enumerate(kind.own)}
    parameters, coefficients = list(model.parameters()), list(model.coefficient_names)
    # nothing arrives at the other receptors; adding -0.0 changes no number, and LLVM leaves it out (float32, so that it
    # widens no state of that precision)
    constant = {name: repr(value) for name, value in kind.switches}
    shared = [constant.get(p, f"shared[{j}]") for j, p in enumerate(parameters)]
    values = [f"own_{row[p]}[i]" if p in row else shared[j] for j, p in enumerate(parameters)]
    c_values = [f"own_c_{c}[i]" if kind.own else f"shared_c[{c}]" for c in range(len(coefficients))]
    inputs = [f"input_{r}[i]" if r in kind.inputs else "np.float32(-0.0)" for r in range(len(receptors))]
    return {
        "k": k,
        "variables": list(model.variables()),
        "receptors": receptors,
        "coefficients": coefficients,
        "parameters": parameters,
        "step_arguments": ", ".join(step_arguments(kind)),
        "held_arguments": ", ".join(a for a in step_arguments(kind) if not a.startswith("input")),
        "state_arguments": ", ".join(f"state_{v}" for v in range(n_variables)),
        "rest": [line for v in range(n_variables) for line in _rest(f"state_{v}")],
        "names": ", ".join(names),
        "unpack": unpack,
        "to_now": to_now(k, ", ".join(names), unpack),
        "put": [f"out[{v}, j] = s[{v}]" for v in range(n_variables)],
        "state_values": ", ".join(f"state_{v}[i]" for v in range(n_variables)),
        "parameter_values": ", ".join(values),
        "coefficient_values": ", ".join(c_values),
        "input_values": ", ".join(inputs),
        "clear_inputs": [f"input_{r}[i] = 0.0" for r in kind.inputs],
        "store": [f"state_{v}[i] = v{v}" for v in range(n_variables)],
        "archive": ["if archive.shape[0] > 0:"] + [f"    archive[n, {v}] = state_{v}[i]" for v in range(n_variables)],
        "views": [
            *(f"state_{v} = state[{v}, low:high]" for v in range(n_variables)),
            *(f"own_{q} = own[{q}, low:high]" for q in range(len(kind.own))),
            *(f"own_c_{c} = own_c[{c}, low:high]" for c in range(len(coefficients) if kind.own else 0)),
        ],
        "input_views": [f"input_{r} = row[slot0 + {r} * size + low : slot0 + {r} * size + high]" for r in kind.inputs],
    }  # fmt: skip


def _rest(row: str) -> list[str]:
    """Lines that put to 0 what has decayed in one row."""
    return [
        f"least = DECAYED if {row}.itemsize == 8 else DECAYED_32",
        f"for i in range({row}.size):",
        f"    {row}[i] = {row}[i] if abs({row}[i]) >= least else {row}[i] * 0",
    ]

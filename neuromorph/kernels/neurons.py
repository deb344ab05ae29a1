"""Templates of the kernels that advance a population: one for the grid, one for exact mode.

Each is Python source with the model's names filled in; `codegen` injects the hooks. State is float64[variables, n],
parameters are `shared` (one number each) and `own` (one row per parameter that differs between cells).
"""

from __future__ import annotations

from types import ModuleType

from neuromorph.kernels.codegen import load
from neuromorph.models.contract import NeuronModel

_HEAD = """
import collections

import numpy as np

from neuromorph.kernels.jit import kernel

S = collections.namedtuple("S", {variables!r})
X = collections.namedtuple("X", {receptors!r})
C = collections.namedtuple("C", {coefficients!r})
P = collections.namedtuple("P", {parameters!r})
R = collections.namedtuple("R", ["seed", "stream", "entity"])
"""

_GRID = """
@kernel
def advance(first, last, low, high, ring, slot0, size, state, until, refractory, shared, own, shared_c, own_c,
            seed, stream, fired, out_base, out_index, out_count, archive, n):
    # Cells low..high-1 over the ticks first..last; their spikes are appended from row n on; returns the new n.
    {state_views}
    {own_views}
    {own_c_views}
    until_ = until[low:high]
    fired_ = fired[low:high]
    cells = high - low
    for tick in range(first, last + 1):
        row = ring[tick % ring.shape[0]]
        {input_views}
        any_fired = 0
        for i in range(cells):
            clamped = tick <= until_[i]
            is_refractory = tick < until_[i]
            p = P({parameter_values})
            s = S({state_values})
            {unpack} = propagate(s, C({coefficient_values}), p, clamped)
            s = S({names})
            {unpack} = receive(s, X({input_values}), p, is_refractory, R(seed, stream, low + i))
            s = S({names})
            {clear_inputs}
            {store}
            count = fires(s, p) * (1 - is_refractory)
            fired_[i] = count
            any_fired |= count
        if any_fired == 0:
            continue
        for i in range(cells):
            if fired_[i] > 0:
                p = P({parameter_values})
                s = S({state_values})
                if archive.shape[0] > 0:
                    for k in range(archive.shape[1]):
                        archive[n, k] = state[k, low + i]
                out_base[n] = tick
                out_index[n] = low + i
                out_count[n] = fired_[i]
                n += 1
                {unpack} = reset(s, p)
                {store_names}
                until_[i] = tick + refractory[(low + i) % refractory.size]
    return n
"""

def grid_kernels(model: type[NeuronModel], own: tuple[str, ...]) -> ModuleType:
    """Module with `advance` for the grid; `own` names the parameters that differ between cells."""
    return _module(model, own, _GRID, ("propagate", "receive", "fires", "reset"))


def _module(model: type[NeuronModel], own: tuple[str, ...], template: str, hooks: tuple[str, ...]) -> ModuleType:
    functions = {("advance_state" if h == "advance" else h): getattr(model, h) for h in hooks}
    label = f"{model.name}, {'own ' + ', '.join(own) if own else 'shared parameters'}"
    return load(_fill(_HEAD + template, model, own), functions, label)


def _fill(template: str, model: type[NeuronModel], own: tuple[str, ...]) -> str:
    variables = list(model.variables())
    parameters = list(model.parameters())
    receptors = [r.name for r in model.receptors]
    coefficients = list(model.coefficient_names)
    names = [f"v{k}" for k in range(len(variables))]
    row = {name: k for k, name in enumerate(own)}
    values = [f"own_{row[q]}[i]" if q in row else f"shared[{k}]" for k, q in enumerate(parameters)]
    exact_values = [f"own[{row[q]}, i]" if q in row else f"shared[{k}]" for k, q in enumerate(parameters)]
    c_values = [f"own_c_{k}[i]" if own else f"shared_c[{k}]" for k in range(len(coefficients))]
    lines = {
        "variables": variables,
        "receptors": receptors,
        "coefficients": coefficients,
        "parameters": parameters,
        "n_receptors": len(receptors),
        "names": ", ".join(names),
        "unpack": ", ".join(names) + ("," if len(names) == 1 else ""),
        "state_values": ", ".join(f"state_{k}[i]" for k in range(len(names))),
        "parameter_values": ", ".join(values),
        "parameter_values_exact": ", ".join(exact_values),
        "coefficient_values": ", ".join(c_values),
        "input_values": ", ".join(f"input_{k}[i]" for k in range(len(receptors))),
        "exact_inputs": ", ".join(f"x[{k}]" for k in range(len(receptors))),
        "state_views": [f"state_{k} = state[{k}, low:high]" for k in range(len(names))],
        "own_views": [f"own_{k} = own[{k}, low:high]" for k in range(len(own))],
        "own_c_views": [f"own_c_{k} = own_c[{k}, low:high]" for k in range(len(coefficients) if own else 0)],
        "input_views": [
            f"input_{k} = row[slot0 + {k} * size + low : slot0 + {k} * size + high]" for k in range(len(receptors))
        ],
        "clear_inputs": [f"input_{k}[i] = 0.0" for k in range(len(receptors))],
        "store": [f"state_{k}[i] = v{k}" for k in range(len(names))],
        "store_names": [f"state_{k}[i] = v{k}" for k in range(len(names))],
        "load_state": [f"v{k} = state[{k}, i]" for k in range(len(names))],
        "store_exact": [f"state[{k}, i] = v{k}" for k in range(len(names))],
        "given_values": ", ".join(f"values[{k}, k]" for k in range(len(names))),
        "store_out": [f"out[{k}, k] = v{k}" for k in range(len(names))],
        "archive": ["if archive.shape[0] > 0:"] + [f"    archive[n, {k}] = v{k}" for k in range(len(names))],
    }
    return render(template, lines)


def render(template: str, values: dict[str, object]) -> str:
    """Fill `{name}`; a list becomes one line each, indented as its placeholder is."""
    out: list[str] = []
    for line in template.split("\n"):
        stripped = line.strip()
        block = values.get(stripped[1:-1]) if stripped.startswith("{") and stripped.endswith("}") else None
        if isinstance(block, list):
            indent = line[: len(line) - len(line.lstrip())]
            out.extend(indent + item for item in block)
        else:
            for name, value in values.items():
                line = line.replace("{" + name + "!r}", repr(value)).replace("{" + name + "}", str(value))
            out.append(line)
    return "\n".join(out)

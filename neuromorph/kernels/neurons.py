"""Templates of the kernels that advance a population: one for the grid, one for exact mode.

Each is Python source with the model's names filled in; `codegen` injects the hooks. State is float64[variables, n],
parameters are `shared` (one number each) and `own` (one row per parameter that differs between cells).
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

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
    {shared_views}
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

_EXACT = """
from neuromorph.kernels.instants import elapsed, normalise


@kernel
def advance(base, high_offset, unit, low, high, pointer, arrival_offset, arrival_receptor, arrival_weight, state,
            last_base, last_offset, until_base, until_offset, safe_base, safe_offset, refractory, shared, own,
            seed, stream, out_base, out_offset, out_index, out_count, archive, n, limit):
    # Cells low..high-1 up to the instant (base, high_offset); returns (n, next cell): not `high` where `limit` is near.
    # `safe` is an instant before which a cell is known not to cross its threshold by itself: most cells of a window
    # have neither an arrival nor a crossing and cost a few ns.
    ahead = 1.0 + 2.0 * unit
    receptors = {n_receptors}
    x = np.zeros(receptors)
    for i in range(low, high):
        a = pointer[i]
        end = pointer[i + 1]
        fb = safe_base[i]
        fo = safe_offset[i]
        if a == end and (base < fb or (base == fb and high_offset < fo)):
            continue
        start = n
        p = P({parameter_values_exact})
        {load_state}
        tb = last_base[i]
        to = last_offset[i]
        rb = until_base[i]
        ro = until_offset[i]
        full = False
        while True:
            arriving = a < end
            target = arrival_offset[a] if arriving else high_offset
            # own events up to the target: the end of refractoriness and threshold crossings
            while True:
                h = elapsed(tb, to, base, target, unit)
                if rb > tb or (rb == tb and ro > to):
                    if rb < base or (rb == base and ro <= target):
                        s = S({names})
                        {unpack} = advance_state(s, elapsed(tb, to, rb, ro, unit), p, True)
                        tb = rb
                        to = ro
                        continue
                    fb = rb
                    fo = ro
                    break
                if h <= 0.0 or base < fb or (base == fb and target < fo):
                    break
                s = S({names})
                c = crossing(s, h + ahead, p)
                if c == np.inf:
                    fb, fo = normalise(tb, to + h + ahead, unit)
                    break
                cb, co = normalise(tb, to + c, unit)
                if cb > base or (cb == base and (co > target or (arriving and co == target))):
                    fb = cb
                    fo = co
                    break
                if n >= limit:
                    full = True
                    break
                {unpack} = advance_state(s, c, p, False)
                s = S({names})
                {archive}
                out_base[n] = cb
                out_offset[n] = co
                out_index[n] = i
                out_count[n] = 1
                n += 1
                {unpack} = reset(s, p)
                tb = cb
                to = co
                fb = -1
                rb, ro = normalise(cb, co + refractory[i % refractory.size], unit)
            if full or not arriving:
                break
            is_refractory = rb > base or (rb == base and ro > target)
            s = S({names})
            {unpack} = advance_state(s, elapsed(tb, to, base, target, unit), p, is_refractory)
            tb = base
            to = target
            fb = -1
            for k in range(receptors):
                x[k] = 0.0
            while a < end and arrival_offset[a] == target:
                x[arrival_receptor[a]] += arrival_weight[a]
                a += 1
            s = S({names})
            {unpack} = receive(s, X({exact_inputs}), p, is_refractory, R(seed, stream, i))
            s = S({names})
            count = 0 if is_refractory else fires(s, p)
            if count > 0:
                if n >= limit:
                    full = True
                    break
                {archive}
                out_base[n] = base
                out_offset[n] = target
                out_index[n] = i
                out_count[n] = count
                n += 1
                {unpack} = reset(s, p)
                rb, ro = normalise(base, target + refractory[i % refractory.size], unit)
        if full:
            return start, i
        {store_exact}
        last_base[i] = tb
        last_offset[i] = to
        until_base[i] = rb
        until_offset[i] = ro
        safe_base[i] = fb
        safe_offset[i] = fo
    return n, high


@kernel
def evaluate(base, offset, unit, cells, state, last_base, last_offset, until_base, until_offset, shared, own, out):
    # State of the given cells at an instant at or after their last own event; nothing is moved.
    for k in range(cells.size):
        i = cells[k]
        p = P({parameter_values_exact})
        {load_state}
        tb = last_base[i]
        to = last_offset[i]
        rb = until_base[i]
        ro = until_offset[i]
        clamped = rb > tb or (rb == tb and ro > to)
        if clamped and (rb < base or (rb == base and ro <= offset)):
            s = S({names})
            {unpack} = advance_state(s, elapsed(tb, to, rb, ro, unit), p, True)
            tb = rb
            to = ro
            clamped = False
        h = elapsed(tb, to, base, offset, unit)
        if h > 0.0:
            s = S({names})
            {unpack} = advance_state(s, h, p, clamped)
        {store_out}


@kernel
def firing(cells, values, shared, own):
    # Place of the first of these cells that would fire at once with such values of its variables; -1: none.
    for k in range(cells.size):
        i = cells[k]
        if fires(S({given_values}), P({parameter_values_exact})) > 0:
            return k
    return -1
"""


def grid_kernels(
    model: type[NeuronModel], own: tuple[str, ...], switches: dict[str, float] | None = None
) -> ModuleType:
    """Module with `advance` for the grid; `own` names the parameters that differ between cells.

    switches : values of the model's `switches`, where they are shared: constants of the kernel
    """
    return _module(model, own, _GRID, ("propagate", "receive", "fires", "reset"), switches)


def exact_kernels(model: type[NeuronModel], own: tuple[str, ...]) -> ModuleType:
    """Module with `advance`, `evaluate` and `firing` for exact mode."""
    return _module(model, own, _EXACT, ("advance", "crossing", "receive", "fires", "reset"))


def _module(
    model: type[NeuronModel], own: tuple[str, ...], template: str, hooks: tuple[str, ...], switches: Any = None
) -> ModuleType:
    functions = {("advance_state" if h == "advance" else h): getattr(model, h) for h in hooks}
    label = f"{model.name}, {'own ' + ', '.join(own) if own else 'shared parameters'}"
    return load(_fill(_HEAD + template, model, own, switches or {}), functions, label)


def _fill(template: str, model: type[NeuronModel], own: tuple[str, ...], switches: dict[str, float]) -> str:
    variables = list(model.variables())
    parameters = list(model.parameters())
    receptors = [r.name for r in model.receptors]
    coefficients = list(model.coefficient_names)
    names = [f"v{k}" for k in range(len(variables))]
    row = {name: k for k, name in enumerate(own)}
    values = [f"own_{row[q]}[i]" if q in row else f"shared_{k}" for k, q in enumerate(parameters)]
    exact_values = [f"own[{row[q]}, i]" if q in row else f"shared[{k}]" for k, q in enumerate(parameters)]
    c_values = [f"own_c_{k}[i]" if own else f"shared_c_{k}" for k in range(len(coefficients))]
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
        # read once: a store to the state might change them, for all that the compiler knows
        "shared_views": [f"shared_{k} = {switches.get(q, f'shared[{k}]')}" for k, q in enumerate(parameters)]
        + [f"shared_c_{k} = shared_c[{k}]" for k in range(0 if own else len(coefficients))],
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

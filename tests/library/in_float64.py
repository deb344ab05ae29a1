"""One synapse by hand: a rule's own hooks, uncompiled, called at each event in order, the weight kept in float64."""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import SimpleNamespace

from neuromorph.learning import registry


def weights(rule, params, pre, post, signals, delay, weight, bounds, times: Iterable[float]) -> list[float]:
    """Weights after each of `times` (ms). signals: (arrival, value). Traces are sums over all spikes seen before."""
    cls = registry.get(rule)
    p = SimpleNamespace(**{k: q.default for k, q in cls.parameters().items()} | params)
    trains = {"pre": sorted(pre), "post": sorted(t + delay for t in post)}
    state = {name: one.initial for name, one in cls.states().items()}

    def cell(side, now):
        def sum_of(trace):
            seen = [t for t in trains[side] if t < now and now - t < 40.0 * getattr(p, trace.tau)]
            seen = seen[-1:] if getattr(trace, "nearest", False) else seen
            return sum(trace.step * math.exp((t - now) / getattr(p, trace.tau)) for t in seen)

        return SimpleNamespace(count=1, **{name: sum_of(trace) for name, trace in cls.traces(side).items()})

    events = [(t, 0, "on_post", ()) for t in trains["post"]] + [(t, 1, "on_pre", ()) for t in pre]
    events += [(t, 2, "on_signal", (value,)) for t, value in signals] + [(t, 3, "", ()) for t in times]
    found, last = [], 0.0
    for now, _, hook, value in sorted(events):
        if not hook:
            found.append(weight)
            continue
        if not hasattr(cls, hook):
            continue
        for name, one in cls.states().items():
            state[name] *= math.exp((last - now) / getattr(p, one.tau)) if one.tau else 1.0
        syn = (SimpleNamespace(**state),) if state else ()
        result = getattr(cls, hook)(weight, cell("pre", now), cell("post", now), p, *value, *syn)
        weight, *values = result if state else (result,)
        state, last = dict(zip(state, values)), now
        weight = min(max(weight, bounds[0]), bounds[1])
    return found

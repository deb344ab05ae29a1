"""Values and connection rules become numbers: every draw is a function of (seed, name, entity, index)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.graph.description import ProjectionSpec
from neuromorph.graph.values import Array, Constant, Distribution, Value
from neuromorph.kernels import connect, rng

Pairs = tuple[NDArray[np.int32], NDArray[np.int32]]


def values(value: Value, n: int, seed: int, name: str) -> NDArray[np.float64]:
    """Numbers of a Value: float64[1] for a constant, else float64[n]."""
    if isinstance(value, Constant):
        return np.array([value.value])
    if isinstance(value, Array):
        return np.ascontiguousarray(value.values, dtype=float)
    assert isinstance(value, Distribution)
    out = np.empty(n)
    open_ = np.arange(n)
    attempt = 0
    while open_.size:
        drawn = _one_draw(value, open_, attempt, seed, rng.stream(name))
        inside = (drawn >= value.low) & (drawn <= value.high)
        out[open_[inside]] = drawn[inside]
        open_ = open_[~inside]
        attempt += 1
    return out


def _one_draw(value: Distribution, entity: NDArray[np.int64], attempt: int, seed: int, stream: int) -> Any:
    a = value.args
    if value.kind in ("normal", "lognormal"):
        u = 1.0 - rng.uniforms(seed, stream, entity, np.full(entity.size, 2 * attempt))
        v = rng.uniforms(seed, stream, entity, np.full(entity.size, 2 * attempt + 1))
        x = a["mean"] + a["std"] * np.sqrt(-2.0 * np.log(u)) * np.cos(2.0 * np.pi * v)
        return np.exp(x) if value.kind == "lognormal" else x
    u = rng.uniforms(seed, stream, entity, np.full(entity.size, attempt))
    if value.kind == "uniform":
        return a["low"] + (a["high"] - a["low"]) * u
    return -a["mean"] * np.log(1.0 - u)


def pairs(spec: ProjectionSpec, n_source: int, n_target: int, seed: int, positions: Any = None) -> Pairs:
    """Source and target indices of a projection's synapses, int32[n] each, in the order of its rule."""
    a = spec.arguments
    loops = spec.source == spec.target and not a.get("autapses", True)
    stream = rng.stream(f"{spec.name}/connect")
    if spec.rule == "one_to_one":
        both = np.arange(n_source, dtype=np.int32)
        return both, both.copy()
    if spec.rule == "all_to_all":
        return _all_to_all(n_source, n_target, loops)
    if spec.rule == "explicit":
        return np.asarray(a["sources"], np.int32), np.asarray(a["targets"], np.int32)
    if spec.rule == "fixed_indegree":
        return _degree(n_target, n_source, a, a["indegree"], loops, seed, stream)[::-1]
    if spec.rule == "fixed_outdegree":
        return _degree(n_source, n_target, a, a["outdegree"], loops, seed, stream)
    if spec.rule == "fixed_total":
        return _fixed_total(n_source, n_target, a["total"], loops, a["multapses"], seed, stream)
    if spec.rule == "bernoulli":
        draw = (n_source, n_target, float(a["probability"]), loops, seed, stream)
        return _counted(connect.bernoulli, draw)
    origin, end = positions
    gaussian = a["profile"] == "gaussian"
    return _counted(
        connect.by_distance,
        (origin, end, float(a["probability"]), float(a["length_um"]), gaussian, loops, seed, stream),
    )


def _all_to_all(n_source: int, n_target: int, loops: bool) -> Pairs:
    source = np.repeat(np.arange(n_source, dtype=np.int32), n_target)
    target = np.tile(np.arange(n_target, dtype=np.int32), n_source)
    keep = source != target if loops else slice(None)
    return source[keep], target[keep]


def _degree(n_fixed: int, n_free: int, a: dict[str, Any], degree: int, loops: bool, seed: int, stream: int) -> Pairs:
    if degree == 0 or n_fixed == 0:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    partner = connect.fixed_degree(n_fixed, n_free, degree, loops, a["multapses"], seed, stream)
    return np.repeat(np.arange(n_fixed, dtype=np.int32), degree), partner.ravel()


def _counted(rule: Any, arguments: tuple[Any, ...]) -> Pairs:
    """Run a rule twice: once to count, once to store."""
    none = np.empty(0, np.int32)
    n = rule(*arguments, none, none)
    source, target = np.empty(n, np.int32), np.empty(n, np.int32)
    rule(*arguments, source, target)
    return source, target


def _fixed_total(n_source: int, n_target: int, total: int, loops: bool, multapses: bool, seed: int, s: int) -> Pairs:
    found = np.empty(0, np.int64)
    first = 0
    while found.size < total:
        k = np.arange(first, first + 2 * (total - found.size) + 16)
        first = int(k[-1]) + 1
        source = (rng.uniforms(seed, s, np.zeros_like(k), k) * n_source).astype(np.int64)
        target = (rng.uniforms(seed, s, np.ones_like(k), k) * n_target).astype(np.int64)
        pair = source * n_target + target
        if loops:
            pair = pair[source != target]
        found = np.concatenate([found, pair])
        if not multapses:
            _, place = np.unique(found, return_index=True)
            found = found[np.sort(place)]
    found = found[:total]
    return (found // n_target).astype(np.int32), (found % n_target).astype(np.int32)

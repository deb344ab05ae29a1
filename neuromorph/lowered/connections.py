"""The synapses of one projection as its rule makes them: any range of them can be drawn, whenever it is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.graph.description import ProjectionSpec
from neuromorph.graph.values import Array, Constant, Distribution, Value, support
from neuromorph.kernels import connect, rng, rows
from neuromorph.lowered.draw import Which, numbers, ranges, spread
from neuromorph.models.contract import NeuronModel

#: in exact mode a projection may have so many different given delays exactly; more are rounded as drawn ones are
EXACT_DELAYS = 32768
_PIECE = 1 << 20


@dataclass(frozen=True, eq=False)
class Wiring:
    """The synapses of one projection in order of ordinal.

    source, target : int32[n]; weight : float32[n]; delay_ms : float64[1] or float64[n]; receptor : int8[n]
    """

    spec: ProjectionSpec
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    weight: NDArray[np.float32]
    delay_ms: NDArray[np.float64]
    receptor: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Connections:
    """How the synapses of a projection are made.

    side : "source" or "target", the side cell by cell of which ordinals ascend; "list": in no order
    start : int64[cells of that side + 1], ordinals of each cell; int64[2] for a list
    positions : of the two populations, for the rule `distance`
    exact : whether the resolution is exact, where drawn delays have 13 significant bits
    """

    spec: ProjectionSpec
    n_source: int
    n_target: int
    model: type[NeuronModel]
    seed: int
    exact: bool
    positions: tuple[Any, Any]
    side: str
    start: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Number of synapses."""
        return int(self.start[-1])

    def partners(self, first: int, last: int) -> NDArray[np.int32]:
        """The cells to which cells first..last-1 of the counting side are connected, cell by cell."""
        a, spec = self.spec.arguments, self.spec
        if spec.rule == "explicit":
            return np.asarray(a["targets"][self.start[first] : self.start[last]], np.int32)
        if spec.rule == "one_to_one":
            return np.arange(first, last, dtype=np.int32)
        out = np.empty(int(self.start[last] - self.start[first]), np.int32)
        loops = _no_loops(spec)
        if spec.rule == "all_to_all":
            connect.all_others(first, last, self.n_target, loops, out)
        elif spec.rule in ("bernoulli", "distance"):
            _counted(spec, self.n_target, self.seed, self.positions)(first, last, out)
        else:
            degree = np.diff(self.start[first : last + 1]).astype(np.int32)
            n_free = self.n_target if self.side == "source" else self.n_source
            stream = rng.stream(f"{spec.name}/connect")
            connect.partners(first, degree, n_free, loops, not a["multapses"], self.seed, stream, out)
        return out

    def weights(self, which: Which) -> NDArray[np.float32]:
        """Weights of some synapses, by ordinal: float32."""
        return numbers(self.spec.weight, which, self.seed, f"{self.spec.name}/weight").astype(np.float32)

    def delays(self, which: Which) -> NDArray[np.float64]:
        """Delays of some synapses, by ordinal: float64, ms."""
        assert self.spec.delay is not None
        found = numbers(self.spec.delay, which, self.seed, f"{self.spec.name}/delay")
        if self.rounded:
            rows.rounded(found)
        return found

    @cached_property
    def rounded(self) -> bool:
        """Whether delays have 13 significant bits."""
        delay = self.spec.delay
        many = isinstance(delay, Array) and delay.values.size > EXACT_DELAYS
        return self.exact and (
            isinstance(delay, Distribution) or (many and np.unique(delay.values).size > EXACT_DELAYS)  # type: ignore[union-attr]
        )

    @cached_property
    def receptors(self) -> tuple[int, int]:
        """Receptors of weights of at least 0 and of those below."""
        return receptors(self.model, self.spec.receptor)

    @property
    def receptor(self) -> int | None:
        """The receptor of all synapses; None where the sign of each weight decides."""
        positive, negative = self.receptors
        if positive == negative or np.float32(support(self.spec.weight)[0]) >= 0.0:
            return positive
        return negative if isinstance(self.spec.weight, Constant) else None

    def delay_extremes(self, threads: int = 1) -> tuple[float, float]:
        """The smallest and the largest delay in ms; (inf, -inf) without synapses."""
        assert self.spec.delay is not None
        if not self.n or not isinstance(self.spec.delay, Distribution):
            low, high = support(self.spec.delay)
            ends = np.array([low, high])
            if self.rounded:
                rows.rounded(ends)
            return (float(ends[0]), float(ends[1])) if self.n else (np.inf, -np.inf)

        def some(first: int, last: int) -> tuple[float, float]:
            low, high = np.inf, -np.inf
            for a, b in ranges(last - first, 1 << 16):
                low, high = rows.extremes(self.delays((first + a, first + b)), low, high)
            return low, high

        found = spread(some, ranges(self.n, _PIECE), threads)
        return min(low for low, _ in found), max(high for _, high in found)

    def endpoints(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Source and target of all synapses in order of ordinal, int32[n] each."""
        if self.side == "list":
            a = self.spec.arguments
            return np.asarray(a["sources"], np.int32), np.asarray(a["targets"], np.int32)
        cells = self.start.size - 1
        counting = np.repeat(np.arange(cells, dtype=np.int32), np.diff(self.start))
        other = self.partners(0, cells)
        return (counting, other) if self.side == "source" else (other, counting)

    def receptors_of(self, weight: NDArray[np.float32]) -> NDArray[np.int8]:
        """Receptor of each synapse, by its weight."""
        positive, negative = self.receptors
        return np.where(weight < 0, negative, positive).astype(np.int8)

    def draw(self) -> Wiring:
        """All synapses."""
        every = (0, self.n)
        weight = self.weights(every)
        delay = np.empty(0)
        if self.spec.delay is not None:
            constant = isinstance(self.spec.delay, Constant)
            delay = np.array([support(self.spec.delay)[0]]) if constant else self.delays(every)
        return Wiring(self.spec, *self.endpoints(), weight, delay, self.receptors_of(weight))


def receptors(model: type[NeuronModel], name: str | None) -> tuple[int, int]:
    """Receptors of weights of at least 0 and of those below: the named one, or those that the signs choose."""
    names = [r.name for r in model.receptors]
    if name is not None:
        return names.index(name), names.index(name)
    open_ = [(k, r.sign) for k, r in enumerate(model.receptors) if not r.explicit]
    default = next(k for k, sign in open_ if sign >= 0)
    return default, next((k for k, sign in open_ if sign < 0), default)


def connections(
    spec: ProjectionSpec,
    sizes: tuple[int, int],
    model: type[NeuronModel],
    seed: int,
    exact: bool,
    positions: tuple[Any, Any] = (None, None),
    threads: int = 1,
) -> Connections:
    """Count the synapses of a projection's cells, which is all that has to be known to draw any of them."""
    side, degree = _degrees(spec, *sizes, seed, positions, threads)
    start = np.zeros(degree.size + 1, np.int64)
    np.cumsum(degree, out=start[1:])
    return Connections(spec, *sizes, model, seed, exact, positions, side, start)


def _degrees(
    spec: ProjectionSpec, n_source: int, n_target: int, seed: int, positions: tuple[Any, Any], threads: int
) -> tuple[str, NDArray[Any]]:
    a, loops = spec.arguments, _no_loops(spec)
    if spec.rule == "explicit":
        source = np.asarray(a["sources"])
        if source.size and np.any(source[1:] < source[:-1]):
            return "list", np.array([source.size])
        return "source", np.bincount(source, minlength=n_source)
    if spec.rule == "fixed_indegree":
        return "target", np.full(n_target, a["indegree"])
    if spec.rule == "fixed_total":
        return "source", _totals(spec, n_source, n_target - loops, seed, threads)
    if spec.rule in ("bernoulli", "distance"):
        count = _counted(spec, n_target, seed, positions)
        none = np.empty(0, np.int32)
        pieces = ranges(n_source, max(1, _PIECE // max(n_target, 1)))
        found = spread(lambda first, last: count(first, last, none), pieces, threads)
        return "source", np.concatenate([none, *found])
    each = {"one_to_one": 1, "all_to_all": n_target - loops}
    return "source", np.full(n_source, each.get(spec.rule, a.get("outdegree", 0)))


def _no_loops(spec: ProjectionSpec) -> bool:
    return spec.source == spec.target and not spec.arguments.get("autapses", True)


def _totals(spec: ProjectionSpec, n_source: int, allowed: int, seed: int, threads: int) -> NDArray[np.int32]:
    """Synapses of each source of a projection with a fixed total: the sources of all are drawn first."""
    total, stream = spec.arguments["total"], rng.stream(f"{spec.name}/count")
    out = np.zeros(n_source, np.int32)
    if not spec.arguments["multapses"]:
        pairs = n_source * allowed
        fewer = 2 * total <= pairs
        connect.count_distinct(total if fewer else pairs - total, n_source, allowed, seed, stream, out)
        return out if fewer else allowed - out

    def some(first: int, last: int) -> NDArray[np.int32]:
        count = np.zeros(n_source, np.int32)
        connect.count_drawn(first, last, n_source, seed, stream, count)
        return count

    for count in spread(some, ranges(total, 4 * _PIECE), threads):
        out += count
    return out


def _counted(spec: ProjectionSpec, n_target: int, seed: int, positions: tuple[Any, Any]) -> Any:
    """A rule whose numbers are random, as a function (first, last, out) that returns the number of each source."""
    a, loops, stream = spec.arguments, _no_loops(spec), rng.stream(f"{spec.name}/connect")
    probability = float(a["probability"])

    def bernoulli(first: int, last: int, out: NDArray[np.int32]) -> NDArray[np.int32]:
        count = np.empty(last - first, np.int32)
        connect.bernoulli(first, last, n_target, probability, loops, seed, stream, count, out)
        return count

    def distance(first: int, last: int, out: NDArray[np.int32]) -> NDArray[np.int32]:
        count = np.empty(last - first, np.int32)
        how = (probability, float(a["length_um"]), a["profile"] == "gaussian", loops, seed, stream)
        connect.by_distance(first, last, *positions, *how, count, out)
        return count

    return bernoulli if spec.rule == "bernoulli" else distance


def given_delays(value: Value) -> NDArray[np.float64]:
    """The different delays of a constant or an array, ascending."""
    return np.unique(value.values) if isinstance(value, Array) else np.array([support(value)[0]])

"""Inputs that emit spikes: Poisson processes, given trains, trains of a trace file, volleys of patterns."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from neuromorph.models.contract import InputModel
from neuromorph.parameters import Param

NEVER = 1 << 62


def _outside(given: Any, name: str, allowed: str, inside: Any) -> list[str]:
    """A sentence about the first number that is not finite or not `inside`, which compares with 0."""
    values = np.asarray(given)  # as it is: patterns may be large
    bad = np.flatnonzero(~(inside(values, 0) & np.isfinite(values)))
    if not bad.size:
        return []
    return [f"`{name}` must be finite and {allowed}, found {float(values.flat[bad[0]]):g} at position {bad[0]}"]


def _lengths(*arrays: Any) -> str:
    return " and ".join("nothing" if array is None else str(len(array)) for array in arrays)


class Poisson(InputModel):
    r"""Independent Poisson processes, one per cell: P(spike in dt) = rate(t) dt.

    Exact mode draws exponential gaps; on the grid a Poisson count is drawn per tick. `rates` with `times` (ms, the
    first 0) makes the rate stepwise; `rate` is used otherwise.
    """

    name = "poisson"
    equations = "P(n spikes in [t, t + h]) = (rate h)^n exp(-rate h) / n!"
    source = "Devroye 1986, Non-Uniform Random Variate Generation, ch. VI, doi:10.1007/978-1-4613-8643-8"
    array_parameters = {
        "rates": ("Hz", "rate of each step, from the time of the same position in `times`"),
        "times": ("ms", "start of each step, ascending from 0"),
    }
    rate = Param(0.0, "Hz", at_least=0, doc="rate of each cell")
    changes = (4, 5, 6)

    @classmethod
    def validate(cls, parameters: dict[str, Any]) -> list[str]:
        rates, times = parameters.get("rates"), parameters.get("times")
        if rates is None and times is None:
            return []
        if rates is None or times is None or len(rates) != len(times) or len(times) == 0:
            return [f"`rates` and `times` must both be given and have the same length, found {_lengths(rates, times)}"]
        falls = np.flatnonzero(np.diff(times, prepend=-1.0) <= 0)
        if times[0] != 0 or falls.size:
            where = falls[0] if falls.size else 0
            return [f"`times` must ascend from 0 ms, found {times[where]:g} at position {where}"]
        return _outside(rates, "rates", "at least 0 Hz", np.greater_equal)

    @staticmethod
    def prepare(params: dict[str, Any], size: int, clock: Any, key: tuple[int, int]) -> tuple[Any, ...]:
        if params.get("rates") is not None:
            rate = np.asarray(params["rates"], float).reshape(-1, 1) / 1e3
            step_time = np.asarray(params["times"], float)
        else:
            rate, step_time = np.atleast_1d(np.asarray(params["rate"], float)).reshape(1, -1) / 1e3, np.zeros(1)
        keys, sizes = np.array(key, np.int64), np.array([size], np.int64)
        if clock.exact:
            state = np.zeros(size, np.int64), np.zeros(size), np.zeros(size, np.int64)
            return (rate, step_time, keys, sizes, *state)
        return rate * clock.unit, np.rint(step_time / clock.unit).astype(np.int64), keys, sizes

    @staticmethod
    def sound(arrays: tuple[Any, ...], clock: Any, base: int) -> bool:
        if not clock.exact:
            return True
        next_base, next_offset, draws = arrays[4:7]
        return bool(((draws == 0) | ((next_base >= base) & clock.has(next_offset))).all())

    @staticmethod
    def kernel(exact: bool) -> Any:
        from neuromorph.kernels import inputs

        return inputs.poisson_exact if exact else inputs.poisson_grid


class SpikeTrain(InputModel):
    """Spikes given beforehand: `times` (ms, above 0) and the `indices` of the cells; equal ones make a count."""

    name = "spike_train"
    equations = "spike of cell indices[k] at times[k]"
    source = "given by the user"
    array_parameters = {
        "times": ("ms", "spike times, above 0"),
        "indices": ("1", "cell of each spike; left out, every spike is of cell 0"),
    }
    changes = ()

    @classmethod
    def validate(cls, parameters: dict[str, Any]) -> list[str]:
        times, indices = parameters.get("times"), parameters.get("indices")
        times = np.asarray([] if times is None else times, float)
        wrong = _outside(times, "times", "above 0 ms", np.greater)
        if indices is not None and len(indices) != len(times):
            wrong += [f"`times` and `indices` must have the same length, found {_lengths(times, indices)}"]
        return wrong

    @staticmethod
    def prepare(params: dict[str, Any], size: int, clock: Any, key: tuple[int, int]) -> tuple[Any, ...]:
        times = np.asarray(params["times"] if params.get("times") is not None else [], float)
        indices = params.get("indices")
        index = np.zeros(times.size, np.int64) if indices is None else np.asarray(indices, np.int64)
        recorded = params.get("instants")  # of a trace, which is replayed to the last bit
        base, offset = clock.instants(times) if recorded is None else clock.recorded(*recorded)
        order = np.lexsort((index, offset, base))
        base, offset, index = base[order], offset[order], index[order]
        new = np.ones(times.size, bool)
        new[1:] = (np.diff(base) != 0) | (np.diff(offset) != 0) | (np.diff(index) != 0)
        count = np.diff(np.append(np.flatnonzero(new), times.size)).astype(np.int64)
        return base[new], offset[new], index[new], count, np.zeros(1, np.int64), np.array([size], np.int64)

    @staticmethod
    def seek(arrays: tuple[Any, ...], clock: Any, now: tuple[int, float]) -> None:
        base, offset, _, _, position, _ = arrays
        position[0] = np.count_nonzero((base < now[0]) | ((base == now[0]) & (offset <= now[1])))

    @staticmethod
    def due(arrays: tuple[Any, ...], tick: int) -> int:
        ticks, position = arrays[0], int(arrays[4][0])
        return int(ticks[position]) if position < ticks.size else NEVER

    @staticmethod
    def kernel(exact: bool) -> Any:
        from neuromorph.kernels import inputs

        return inputs.train_exact if exact else inputs.train_grid


class SpikeFile(SpikeTrain):
    """Spikes of one population read from a trace or SONATA file."""

    name = "spike_file"
    equations = "spikes as recorded"
    source = "given by the user"
    array_parameters: ClassVar[dict[str, tuple[str, str]]] = {}
    text_parameters = {
        "path": "trace or SONATA spike file, relative to the network file",
        "population": "population inside it; left out, its only one",
    }

    @classmethod
    def validate(cls, parameters: dict[str, Any]) -> list[str]:
        return [] if parameters.get("path") else ["`path` must be given: the file that holds the spikes"]


class PatternVolley(InputModel):
    """One volley a cycle: at start + k interval cell i emits floor(u + kappa scale patterns[order[k], i]) spikes.

    u is uniform in [0, 1), drawn for each cell and cycle, so that counts are random and unbiased.
    """

    name = "pattern_volley"
    equations = "n_i = floor(u + kappa scale patterns[order[k], i]) at t = start + k interval"
    source = "Hinton's lecture, as realised in docs/learning.md"
    array_parameters = {
        "patterns": ("1", "intensities, one row a pattern (n x size)"),
        "order": ("1", "pattern shown in each cycle"),
    }
    registers = ("n_free",)
    in_ticks: ClassVar[dict[str, str]] = {"interval": "volleys"}
    changes = (4,)
    start = Param(1.0, "ms", above=0, doc="time of the first volley")
    interval = Param(7.0, "ms", above=0, doc="length of a cycle")
    kappa = Param(4.0, at_least=0, doc="spikes per unit of intensity")
    scale = Param(1.0, above=0, doc="intensity of a pattern value of 1")

    @classmethod
    def validate(cls, parameters: dict[str, Any]) -> list[str]:
        patterns, order = parameters.get("patterns"), parameters.get("order")
        if patterns is None or np.ndim(patterns) != 2:
            return ["`patterns` must be given, as an array of (number of patterns) x (size)"]
        values = np.asarray(patterns)
        wrong = _outside(values, "patterns", "at least 0", np.greater_equal)
        if order is None:
            return wrong + ["`order` must be given: the pattern of each cycle"]
        steps = np.asarray(order)
        bad = np.flatnonzero((steps < 0) | (steps >= values.shape[0]) | (steps != np.floor(steps)))
        if bad.size:
            last, found = values.shape[0] - 1, f"{float(steps[bad[0]]):g} at position {bad[0]}"
            wrong += [f"`order` must hold whole numbers from 0 to {last}, found {found}"]
        return wrong

    @staticmethod
    def prepare(params: dict[str, Any], size: int, clock: Any, key: tuple[int, int]) -> tuple[Any, ...]:
        def one(name: str) -> float:
            return float(np.atleast_1d(params[name])[0])

        when = np.array([one("start"), one("interval")])
        patterns = np.ascontiguousarray(params["patterns"])
        if patterns.dtype != np.uint8:
            patterns = patterns.astype(np.float64)
        return (
            patterns,
            np.ascontiguousarray(params["order"], np.int64),
            np.array([one("kappa"), one("scale")]),
            np.array(key, np.int64),
            np.zeros(size),
            when if clock.exact else np.rint(when / clock.unit),
            np.zeros(1, np.int64),
        )

    @staticmethod
    def kernel(exact: bool) -> Any:
        from neuromorph.kernels import inputs

        return inputs.volley_exact if exact else inputs.volley_grid

    @staticmethod
    def seek(arrays: tuple[Any, ...], clock: Any, now: tuple[int, float]) -> None:
        _, order, _, _, _, (start, interval), place = arrays
        if clock.exact:  # on the grid a tick says which cycle it begins
            about = int((clock.milliseconds(*now) - start) // interval)
            cycles = range(max(about - 1, 0), max(about + 3, 0))
            place[0] = next((k for k in cycles if clock.after(0, 0.0, start + k * interval) > now), cycles.stop)
            place[0] = min(place[0], order.size)

    @staticmethod
    def sound(arrays: tuple[Any, ...], clock: Any, base: int) -> bool:
        return bool(np.isfinite(arrays[4]).all())

    @staticmethod
    def due(arrays: tuple[Any, ...], tick: int) -> int:
        order, (start, interval) = arrays[1], arrays[5]
        k = max(0, -int((start - tick) // interval))
        return int(start + k * interval) if k < order.size else NEVER

    @staticmethod
    def register(arrays: tuple[Any, ...], name: str) -> Any:
        """The register of an input as float64[size]."""
        return arrays[4]

"""Currents (pA) into cells: constant or stepwise, sinusoidal, white noise held for an interval.

Parameters are numbers or arrays, one value per channel. `steps` gives all changes beforehand; `sample` gives the value
at a tick of the grid.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.kernels import rng
from neuromorph.kernels.elementary import logs, sines_of_turns
from neuromorph.models.contract import CurrentModel
from neuromorph.models.lif import not_below
from neuromorph.parameters import Param


class DCCurrent(CurrentModel):
    """Constant current: `amplitude` over [start, stop), or the steps `amplitudes` from `times` on."""

    name = "dc_current"
    equations = "I = amplitude for start <= t < stop, else 0; or I = amplitudes[k] for times[k] <= t < times[k + 1]"
    source = "piecewise constant by definition"
    array_parameters = {
        "amplitudes": ("pA", "current of each step, from the time of the same position in `times`"),
        "times": ("ms", "start of each step, ascending, at least 0"),
    }
    amplitude = Param(0.0, "pA", doc="current")
    start = Param(0.0, "ms", at_least=0, doc="time at which it begins")
    stop = Param(np.inf, "ms", at_least=0, doc="time at which it ends")

    @classmethod
    def validate(cls, parameters: dict[str, Any]) -> list[str]:
        """start < stop; `times` ascend and go with `amplitudes`."""
        amplitudes, times = parameters.get("amplitudes"), parameters.get("times")
        if amplitudes is None and times is None:
            return not_below(parameters, "start", "stop", "ms")
        if amplitudes is None or times is None or np.shape(amplitudes) != np.shape(times) or np.size(times) == 0:
            return ["`amplitudes` and `times` must both be given and have the same length"]
        if not np.all(np.isfinite(times)) or np.min(times) < 0 or np.any(np.diff(times) <= 0):
            return ["`times` must ascend, from 0 ms or later"]
        return [] if np.all(np.isfinite(amplitudes)) else ["`amplitudes` must be finite"]

    @staticmethod
    def steps(
        parameters: dict[str, Any], size: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
        """Changes of all channels: times (ms), channel, new value (pA), each of the same length, ordered by time."""
        channels = np.arange(size)
        if parameters.get("times") is not None:
            times, values = np.asarray(parameters["times"], float), np.asarray(parameters["amplitudes"], float)
            return np.repeat(times, size), np.tile(channels, times.size), np.repeat(values, size)
        start, stop, amplitude = (
            np.broadcast_to(np.asarray(parameters[name], float), size) for name in ("start", "stop", "amplitude")
        )
        times = np.concatenate((start, stop))
        values = np.concatenate((amplitude, np.zeros(size)))
        order = np.argsort(times, kind="stable")
        order = order[np.isfinite(times[order])]
        return times[order], np.tile(channels, 2)[order], values[order]


class ACCurrent(CurrentModel):
    """Sinusoidal current, on the grid."""

    name = "ac_current"
    equations = "I(t) = offset + amplitude sin(2 pi frequency t + phase)"
    source = "a sine by definition"
    resolutions = ("grid",)
    amplitude = Param(0.0, "pA", doc="amplitude of the sine")
    frequency = Param(0.0, "Hz", at_least=0, doc="frequency")
    phase = Param(0.0, "1", doc="phase at time 0, in degrees, any value")
    offset = Param(0.0, "pA", doc="mean of the current")

    @staticmethod
    def sample(
        parameters: dict[str, Any], size: int, tick: int, unit: float, key: tuple[int, int]
    ) -> NDArray[np.float64] | None:
        """Value of each channel (pA) at the tick, a unit (ms) long."""
        turns = parameters["frequency"] * (tick * unit / 1e3) + np.asarray(parameters["phase"], float) / 360.0
        return np.broadcast_to(parameters["offset"] + parameters["amplitude"] * sines_of_turns(turns), size)


class NoiseCurrent(CurrentModel):
    """Gaussian white noise, a new value per channel at the start of each interval, on the grid.

    It gives a membrane with tau_m much above the interval the standard deviation
    std (tau_m / C_m) sqrt(interval / (2 tau_m)).
    """

    name = "noise_current"
    equations = "I = mean + std normal(k) from tick 1 + k n on, n = interval / dt, k = 0, 1, ..."
    source = "Box & Muller 1958, doi:10.1214/aoms/1177706645"
    resolutions = ("grid",)
    mean = Param(0.0, "pA", doc="mean")
    std = Param(0.0, "pA", at_least=0, doc="standard deviation")
    interval = Param(1.0, "ms", above=0, doc="time for which a value is held, rounded to ticks, at least one")

    @staticmethod
    def sample(
        parameters: dict[str, Any], size: int, tick: int, unit: float, key: tuple[int, int]
    ) -> NDArray[np.float64] | None:
        """Value of each channel (pA) at the tick, a unit (ms) long; None where no channel changes."""
        every = np.maximum(1, np.rint(np.asarray(parameters["interval"], float) / unit).astype(np.int64))
        if np.all((tick - 1) % every):
            return None
        draw = 2 * np.broadcast_to((tick - 1) // every, size)
        seed, stream = key
        channels = np.arange(size)
        u, v = (rng.uniforms(seed, stream, channels, draw + k) for k in (0, 1))
        normal = np.sqrt(-2.0 * logs(1.0 - u)) * sines_of_turns(v + 0.25)
        return parameters["mean"] + parameters["std"] * normal

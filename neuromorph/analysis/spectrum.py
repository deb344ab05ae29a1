"""Power spectra of population activity and of other signals, by Welch's method.

Welch 1967, IEEE Trans. Audio Electroacoust. 15:70, doi:10.1109/TAU.1967.1161901.
"""

from __future__ import annotations

import numpy as np

from neuromorph.analysis.blocks import Bins, Block, Floats, Ints
from neuromorph.analysis.counts import occupied
from neuromorph.errors import InputError, Problem

#: half segments that are held at a time
HALVES = 1 << 9


def power_spectrum(values: Floats, step_ms: float, segment: int) -> tuple[Floats, Floats]:
    """Return (frequencies in Hz, density in the square of the values' unit per Hz), float64[segment // 2 + 1].

    P(f) = 2 / (fs sum w^2) mean over segments of |FFT(w (x - mean x))|^2, one-sided (without the 2 at 0 and at fs / 2),
    with a periodic Hann window w, and segments of `segment` values that overlap by half. As scipy.signal.welch.

    Parameters
    ----------
    values: float64[n], a value each step_ms.
    step_ms: time between two values (ms), above 0.
    segment: values in a segment, an even number of 2 to n; frequencies are 1000 / (segment step_ms) Hz apart.

    Raises InputError for another segment.
    """
    values = np.asarray(values, np.float64)
    _check(segment, len(values))
    half = segment // 2
    pieces = np.lib.stride_tricks.sliding_window_view(values, segment)[::half]
    return _scaled(_periodograms(pieces), len(pieces), segment, step_ms)


class Spectrum:
    """Accumulates the power spectrum of the count of all neurons in `bins`, in segments of `segment` bins.

    Memory goes with the segment; stretches without spikes cost nothing. Raises InputError as `power_spectrum`.
    """

    def __init__(self, bins: Bins, segment: int) -> None:
        _check(segment, bins.count)
        self.bins, self.half, self.segments = bins, segment // 2, bins.count // (segment // 2) - 1
        self._sum = np.zeros(segment // 2 + 1)
        self._open, self._counts = -1, np.zeros(self.half)  # the half that the last spike was in
        self._closed, self._before = -2, np.zeros(self.half)  # the occupied half before it

    def add(self, block: Block) -> Spectrum:
        """Take the next spikes."""
        where, counts = occupied(self.bins, block.times)
        halves = where // self.half
        cuts = np.flatnonzero(np.append(halves[:1] >= 0, halves[1:] != halves[:-1]))
        for first in range(0, len(cuts), HALVES):
            edges = cuts[first : first + HALVES + 1]
            last = edges[HALVES] if len(edges) > HALVES else len(where)
            part = slice(int(edges[0]), int(last))
            self._add_halves(halves[edges[:HALVES]], where[part], counts[part])
        return self

    def _add_halves(self, numbers: Ints, where: Ints, counts: Ints) -> None:
        """Spikes in the halves `numbers`, ascending, the first of which may be the open one."""
        row = np.searchsorted(numbers, where // self.half)
        flat = np.bincount(row * self.half + where % self.half, counts, len(numbers) * self.half)
        values = np.asarray(flat.reshape(len(numbers), self.half), np.float64)
        if numbers[0] == self._open:
            values[0] += self._counts
        elif self._open >= 0:
            numbers, values = np.append(self._open, numbers), np.vstack([self._counts, values])
        self._close(numbers[:-1], values[:-1])
        self._open, self._counts = int(numbers[-1]), values[-1]

    def _close(self, numbers: Ints, values: Floats) -> None:
        """Add the segments that begin or end with these halves, but for that which begins with the last one."""
        if not numbers.size:
            return
        numbers, values = np.append(self._closed, numbers), np.vstack([self._before, values])
        joined = numbers[1:] == numbers[:-1] + 1
        left = np.where(joined[:, None], values[:-1], 0.0)
        self._add_segments(numbers[1:] - 1, np.hstack([left, values[1:]]))
        alone = ~joined & (numbers[:-1] >= 0)
        self._add_segments(
            numbers[:-1][alone], np.hstack([values[:-1][alone], np.zeros((int(alone.sum()), self.half))])
        )
        self._closed, self._before = int(numbers[-1]), values[-1]

    def _add_segments(self, numbers: Ints, values: Floats) -> None:
        values = values[(numbers >= 0) & (numbers < self.segments)]
        if len(values):
            self._sum += _periodograms(values)

    def result(self) -> tuple[Floats, Floats]:
        """Return (frequencies in Hz, density in spikes^2 / Hz) of the count in a bin; takes no more blocks after."""
        self._close(np.array([self._open]), self._counts[None])
        self._close(np.array([self._closed + 2]), np.zeros((1, self.half)))  # what begins with the last one
        self._open, self._counts = -1, np.zeros(self.half)
        return _scaled(self._sum, self.segments, 2 * self.half, self.bins.width_ms)


def _check(segment: int, values: int) -> None:
    if segment % 2 or not 2 <= segment <= values:
        raise InputError(Problem("value out of range", "segment", segment, f"an even number of 2 to {values}"))


def _periodograms(segments: Floats) -> Floats:
    """The sum over segments of |FFT(w (x - mean x))|^2."""
    length = segments.shape[1]
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / length)
    found = np.zeros(length // 2 + 1)
    for first in range(0, len(segments), HALVES):
        some = segments[first : first + HALVES]
        bent = (some - some.mean(axis=1, keepdims=True)) * window
        found += np.square(np.abs(np.fft.rfft(bent, axis=1))).sum(axis=0)
    return found


def _scaled(total: Floats, segments: int, length: int, step_ms: float) -> tuple[Floats, Floats]:
    sampling_hz = 1000.0 / step_ms
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / length)
    density = total / segments / (sampling_hz * np.square(window).sum())
    density[1:-1] *= 2.0
    return np.asarray(np.fft.rfftfreq(length, 1.0 / sampling_hz), np.float64), density

"""Everything there is to say in numbers about the spikes of one population, in two passes through the file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromorph.analysis.blocks import Active, Block
from neuromorph.analysis.bursts import NetworkBursts, NeuronBursts
from neuromorph.analysis.correlation import CountCovariance, PairCorrelogram, participation_ratio
from neuromorph.analysis.counts import EventHistogram, NeuronCounts, PopulationCounts, TimeHistogram, make_bins
from neuromorph.analysis.events import Events
from neuromorph.analysis.intervals import Intervals
from neuromorph.analysis.selectivity import Responses
from neuromorph.analysis.spectrum import Spectrum

if TYPE_CHECKING:
    from neuromorph.traces.reader import Trace

#: where the quantiles of a distribution over neurons are taken
QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


@dataclass(frozen=True)
class Settings:
    """How spikes are counted; times in ms. Bins longer than what was observed become as long as that.

    sample: how many neurons, drawn with `seed` from those that spiked, correlations and dimensionality are taken of.
    """

    synchrony_bin_ms: float = 3.0
    correlation_bin_ms: float = 5.0
    fano_bin_ms: float = 100.0
    rate_bins: int = 100
    lag_ms: float = 50.0
    spectrum_bin_ms: float = 1.0
    segment: int = 1024
    burst_interval_ms: float = 10.0
    network_burst_bin_ms: float = 10.0
    deviations: float = 5.0
    sample: int = 200
    seed: int = 0


def account(
    trace: Trace,
    population: str,
    start_ms: float,
    stop_ms: float,
    settings: Settings = Settings(),
    events: Events | None = None,
) -> dict[str, Any]:
    """Return the statistics of one population between two times, as plain numbers and lists; None for the unknown.

    Memory goes with the neurons that spiked, the sample and the bins, never with the number of spikes. docs/analysis.md
    says what each number is. Raises TraceError for a population that is not in the file.
    """
    from neuromorph.traces.stream import SpikeStream

    stream = SpikeStream(trace, population, *_span(trace, start_ms, stop_ms))
    active = Active.of(stream)
    found = _Measures(active, stream.size, (start_ms, stop_ms), settings, events)
    for block in active.blocks(stream):
        found.add(block)
    return {"population": population, **plain(found.result())}


def _span(trace: Trace, start_ms: float, stop_ms: float) -> tuple[float | None, float | None]:
    """What to ask the file for: the end of the run itself has spikes, too."""
    return (start_ms or None, None if stop_ms >= trace.simulated_ms else stop_ms)


class _Measures:
    """All accumulators of one population."""

    def __init__(
        self, active: Active, size: int, span: tuple[float, float], settings: Settings, events: Events | None
    ) -> None:
        self.active, self.size, self.settings, self.events = active, size, settings, events
        self.start_ms, self.stop_ms = span
        self.duration_ms, many = span[1] - span[0], len(active.ids)
        self.intervals, self.bursts = Intervals(many), NeuronBursts(many, settings.burst_interval_ms)
        self.parts: dict[str, Any] = {}
        if self.duration_ms > 0 and many:
            self._add_bins(many)
        if events is not None:
            self.parts["responses"] = Responses(many, events.times_ms, events.labels, events.window_ms)
            self.parts["psth"] = EventHistogram(
                events.times_ms, -events.window_ms[0], events.window_ms[1], min(events.bin_ms, events.length_ms)
            )

    def _add_bins(self, many: int) -> None:
        chosen = self.settings
        rng = np.random.default_rng(chosen.seed)
        self.sampled = np.sort(rng.permutation(many)[: chosen.sample])
        self.rank = np.full(many, -1)
        self.rank[self.sampled] = np.arange(len(self.sampled))
        correlated = self._bins(chosen.correlation_bin_ms)
        network = self._bins(chosen.network_burst_bin_ms)
        fine = self._bins(chosen.spectrum_bin_ms)
        segment = min(chosen.segment, 2 * (fine.count // 9))  # of a short run: some eight segments
        self.parts |= {
            "fano": NeuronCounts(many, self._bins(chosen.fano_bin_ms)),
            "synchrony": PopulationCounts(self._bins(chosen.synchrony_bin_ms)),
            "rate": TimeHistogram(self._bins(self.duration_ms / chosen.rate_bins)),
            "network": NetworkBursts(network, int(self.active.counts.sum()) / network.count, chosen.deviations),
        }
        if segment >= 2:
            self.parts["spectrum"] = Spectrum(fine, segment)
        self.sampling: dict[str, Any] = {
            "covariance": CountCovariance(len(self.sampled), correlated),
            "pairs": PairCorrelogram(
                len(self.sampled), correlated, min(chosen.lag_ms, correlated.count * correlated.width_ms)
            ),
        }

    def _bins(self, width_ms: float) -> Any:
        return make_bins(self.start_ms, self.stop_ms, min(width_ms, self.duration_ms))

    def add(self, block: Block) -> None:
        """Take the next spikes."""
        for part in (self.intervals, self.bursts, *self.parts.values()):
            part.add(block)
        if "fano" in self.parts:
            rank = self.rank[block.ids]
            mine = rank >= 0
            sampled = Block(block.times[mine], rank[mine])
            for part in self.sampling.values():
                part.add(sampled)

    def result(self) -> dict[str, Any]:
        """Everything in numbers."""
        parts, size = self.parts, self.size
        spikes = int(self.active.counts.sum())
        rates = 1000.0 * self.active.counts / self.duration_ms if self.duration_ms > 0 else np.empty(0)
        found: dict[str, Any] = {
            "size": size,
            "spikes": spikes,
            "mean_rate_hz": 1000.0 * spikes / (size * self.duration_ms) if size and self.duration_ms > 0 else None,
            "active_fraction": len(self.active.ids) / size if size else None,
            "cv_isi": self.intervals.mean_cv(),
            "synchrony": parts["synchrony"].synchrony() if "synchrony" in parts else None,
            "rates_of_active_hz": spread(rates),
            "intervals": self._intervals(),
            "bursts": self._bursts(),
        }
        if "fano" in parts:
            fano = parts["fano"]
            found["fano_factor"] = {"bin_ms": fano.bins.width_ms, **spread(fano.fano())}
            found |= self._together()
            found["rate_over_time"] = {
                "bin_ms": parts["rate"].bins.width_ms,
                "start_ms": self.start_ms,
                "hz": parts["rate"].rate_hz(size),
            }
            found["spectrum"] = self._spectrum()
        if "responses" in parts:
            found |= self._selectivity()
        return found

    def _intervals(self) -> dict[str, Any]:
        of = self.intervals
        shown = np.flatnonzero(of.histogram)
        low, high = (shown[0], shown[-1] + 1) if shown.size else (0, 0)
        return {
            "count": int(of.count.sum()),
            "mean_ms": float(of.mean_ms @ of.count / of.count.sum()) if of.count.any() else None,
            "median_ms": of.median_ms(),
            "cv": spread(of.cv()),
            "cv2": spread(of.cv2()),
            "lv": spread(of.lv()),
            "histogram": {"edges_ms": of.edges_ms[low : high + 1] if high else [], "counts": of.histogram[low:high]},
        }

    def _bursts(self) -> dict[str, Any]:
        of, share = self.bursts, self.bursts.share()
        found: dict[str, Any] = {
            "max_interval_ms": of.max_interval_ms,
            "min_spikes": of.min_spikes,
            "number": int(of.number().sum()),
            "share_of_spikes": float(np.nansum(share * of.total) / of.total.sum()) if of.total.any() else None,
        }
        if "network" in self.parts:
            network = self.parts["network"]
            each = network.result()
            found["network"] = {
                "bin_ms": network.bins.width_ms,
                "threshold_spikes": network.threshold,
                "number": network.number,
                "share_of_spikes": network.spikes / max(int(self.active.counts.sum()), 1),
                "mean_duration_ms": float((each.stop_ms - each.start_ms).mean()) if len(each.start_ms) else None,
                "first_start_ms": each.start_ms[:100],
            }
        return found

    def _together(self) -> dict[str, Any]:
        covariance, pairs = self.sampling["covariance"], self.sampling["pairs"]
        matrix = covariance.covariance()
        upper = covariance.correlation()[np.triu_indices(covariance.size, 1)]
        expected = pairs.expected()
        common = {"bin_ms": covariance.bins.width_ms, "neurons": covariance.size}
        lags = pairs.pairs()
        return {
            "correlation": {**common, "pairs": int(np.isfinite(upper).sum()), **spread(upper)},
            "dimensionality": {
                **common,
                "bins": covariance.bins.count,
                "participation_ratio": participation_ratio(matrix) if np.isfinite(matrix).all() else None,
            },
            "cross_correlogram": {
                **common,
                "lags_ms": np.arange(len(lags)) * covariance.bins.width_ms,
                "pairs": lags,
                "expected": expected,
                "ratio_at_0": float(lags[0] / expected) if expected else None,
            },
        }

    def _spectrum(self) -> dict[str, Any] | None:
        """Of the mean rate of a neuron, in Hz^2 / Hz."""
        if "spectrum" not in self.parts or not self.size:
            return None
        of = self.parts["spectrum"]
        frequencies, density = of.result()
        density = density * (1000.0 / (self.size * of.bins.width_ms)) ** 2
        peak = int(density[1:].argmax()) + 1
        return {
            "bin_ms": of.bins.width_ms, "segment_ms": 2 * of.half * of.bins.width_ms, "segments": of.segments,
            "peak_hz": frequencies[peak] if density[peak] > 0 else None,
            "frequencies_hz": frequencies, "density_hz2_per_hz": density,
        }  # fmt: skip

    def _selectivity(self) -> dict[str, Any]:
        of, around = self.parts["responses"].result(), self.parts["psth"]
        sparse = np.where(np.isfinite(of.sparseness), of.sparseness, -1.0)
        best = np.argsort(-sparse, kind="stable")[:20]
        preferred = np.bincount(of.preferred[of.mean.sum(axis=1) > 0], minlength=len(of.labels))
        return {
            "selectivity": {
                "events": len(around.events_ms),
                "window_ms": list(self.parts["responses"].window_ms),
                "labels": of.labels,
                "neurons_preferring": preferred,
                "sparseness": spread(of.sparseness),
                "explained_variance": spread(of.explained),
                "most_selective": [
                    {"neuron": int(self.active.ids[k]), "label": of.labels[of.preferred[k]],
                     "sparseness": float(of.sparseness[k]), "mean_counts": of.mean[k]}
                    for k in best if sparse[k] >= 0
                ],
            },
            "psth": {
                "start_ms": around.bins.start_ms,
                "bin_ms": around.bins.width_ms,
                "hz": around.rate_hz(self.size),
            },
        }  # fmt: skip


def spread(values: NDArray[Any]) -> dict[str, Any]:
    """Return mean, std (of the population) and quantiles of what is known, and how many those are."""
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    if not known.size:
        return {"number": 0, **dict.fromkeys(["mean", "std", *QUANTILES])}
    quantiles = np.quantile(known, list(QUANTILES.values()))
    return {"number": known.size, "mean": known.mean(), "std": known.std(), **dict(zip(QUANTILES, quantiles))}


def plain(value: Any) -> Any:
    """Return numbers and lists that JSON has, with None for what is no finite number."""
    if isinstance(value, dict):
        return {name: plain(of) for name, of in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(of) for of in (value.tolist() if isinstance(value, np.ndarray) else value)]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value

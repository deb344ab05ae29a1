"""What the oracle (see oracle.py) goes by: ordering rules, learning rules, random numbers; none from the engine."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

GRAZE = 1e-9  # mV, and ms: a closer approach is decided by rounding


@dataclass(frozen=True)
class Rules:
    """Every ordering rule of the contract, as a bool that a test can flip to see whether anybody notices."""

    on_post_first: bool = True  # a synapse at one instant: on_post before on_pre
    on_signal_last: bool = True  # signals after all else of their instant
    traces_strictly_earlier: bool = True  # a trace does not yet hold the spikes of the instant that reads it
    delay_dendritic: bool = True  # a synapse sees a postsynaptic spike one delay after it
    weight_after_on_pre: bool = True  # a spike delivers the weight that its own on_pre leaves
    round_after_every_hook: bool = True  # to float32
    clip_after_every_hook: bool = True  # to the bounds
    signals_by_name: bool = True  # signals of one instant: by (name, source id)
    sum_before_test: bool = True  # simultaneous arrivals are summed, then the threshold is tested once
    sums_in_order: bool = True  # sums ascend in (source, target, delay, projection, ordinal)
    plastic_first: bool = True  # grid: arrivals of plastic projections and static matrices are summed before the others
    emission_first: bool = True  # grid: earlier emissions are summed first
    propagate_first: bool = True  # grid: a cell is propagated to the tick, then the arrivals are added
    end_of_refractoriness_counts: bool = True  # an arrival exactly at t + t_ref is not refractory
    delta_discarded: bool = True  # delta input is lost while refractory
    currents_integrate: bool = True  # currents and conductances are not
    threshold_reached_fires: bool = True  # V >= V_th, not V > V_th
    record_after_reset: bool = True
    record_last: bool = True  # a reading holds everything of its instant
    spikes_by_id: bool = True  # spikes of one instant are listed by global id
    duration_included: bool = True  # a run covers (0, duration]
    rhythmic_in_order: bool = True  # start, charges, release, latch, nudge within one instant

    def flipped(self) -> Iterator[tuple[str, Rules]]:
        """Each rule's name and a copy with only that rule turned round."""
        for field in fields(self):
            yield field.name, replace(self, **{field.name: not getattr(self, field.name)})

    def rank(self, kind: str) -> float:
        """Place of on_post, cell (arrivals, reset, emission with on_pre), signal or probe within one instant."""
        return {
            "on_post": 0.0 if self.on_post_first else 1.5,
            "cell": 1.0,
            "signal": 2.0 if self.on_signal_last else -1.0,
            "probe": 3.0 if self.record_last else -2.0,
        }[kind]

    def seen_at(self, spike: float, delay: float) -> float:
        """When a synapse sees its target's spike."""
        return spike + delay if self.delay_dendritic else spike

    def earlier(self, spike: float, now: float) -> bool:
        """Whether a trace read `now` holds a spike seen at `spike`."""
        return spike < now if self.traces_strictly_earlier else spike <= now

    def refractory(self, now: float, free_at: float) -> bool:
        """Whether input at `now` meets a refractory cell."""
        return now < free_at if self.end_of_refractoriness_counts else now <= free_at

    def reaches(self, v: float, v_th: float) -> bool:
        """The threshold test."""
        return v >= v_th if self.threshold_reached_fires else v > v_th

    def sum_key(self, a: Any, on_grid: bool) -> tuple[Any, ...]:
        """Place of an arrival within the sum of its instant and receptor."""
        key = (a.source, a.target, a.delay, a.projection, a.ordinal)
        if not self.sums_in_order:
            key = tuple(-k for k in key)
        if not on_grid:
            return key
        return (a.early is not self.plastic_first, a.emitted if self.emission_first else 0, *key)


class Watch:
    """The rules in force, and how often the outcome hung on rounding (grazes)."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.grazes = rules, 0

    def near(self, a: float, b: float) -> None:
        """Count a graze where two numbers lie within GRAZE without being equal."""
        self.grazes += 0.0 < abs(a - b) < GRAZE

    def near_threshold(self, v: float, v_th: float, before: float) -> None:
        """Count v (mV) near v_th; equal is a tie that is meant if v before the arrivals was dyadic, so not rounded."""
        self.near(v, v_th)
        self.grazes += v == v_th and not (before * 2.0**20).is_integer()


def philox(counter: tuple[int, ...], key: tuple[int, ...]) -> tuple[int, ...]:
    """Philox4x32-10 on four and two 32-bit words. Salmon et al. 2011, doi:10.1145/2063384.2063405."""
    (a, b, c, d), (k, m) = counter, key
    for _ in range(10):
        high_a, low_a = divmod(0xD2511F53 * a, 1 << 32)
        high_c, low_c = divmod(0xCD9E8D57 * c, 1 << 32)
        a, b, c, d = high_c ^ b ^ k, low_c, high_a ^ d ^ m, low_a
        k, m = (k + 0x9E3779B9) % (1 << 32), (m + 0xBB67AE85) % (1 << 32)
    return a, b, c, d


def uniform(seed: int, stream: str, entity: int, index: int, beyond: int = 0) -> float:
    """Number in [0, 1) that belongs to (seed, name of the stream and how far beyond it, entity, index of the draw)."""
    word = (int.from_bytes(hashlib.sha256(stream.encode()).digest()[:4], "little") + beyond) % (1 << 32)
    high, low, *_ = philox((index % (1 << 32), index >> 32, entity, word), (seed % (1 << 32), seed >> 32))
    return ((high << 32 | low) >> 11) * 2.0**-53


class PairSTDP:
    """on_pre: w - a_minus y, on_post: w + a_plus x. Song, Miller & Abbott 2000, doi:10.1038/78829."""

    defaults = dict(tau_plus=20.0, tau_minus=20.0, a_plus=0.01, a_minus=0.0105)

    def __init__(self, p: SimpleNamespace) -> None:
        self.p, self.traces_pre, self.traces_post = p, {"x": p.tau_plus}, {"y": p.tau_minus}

    def on_pre(self, w: float, pre: Any, post: Any, syn: Any) -> Any:
        return w - self.p.a_minus * post.y

    def on_post(self, w: float, pre: Any, post: Any, syn: Any) -> Any:
        return w + self.p.a_plus * pre.x


class STDPDerivative:
    """on_pre: w + eta (fast/tau_fast - slow/tau_slow), a derivative filter of the postsynaptic spikes."""

    defaults = dict(tau_fast=10.0, tau_slow=100.0, eta=0.01)

    def __init__(self, p: SimpleNamespace) -> None:
        self.p, self.traces_post = p, {"fast": p.tau_fast, "slow": p.tau_slow}

    def on_pre(self, w: float, pre: Any, post: Any, syn: Any) -> Any:
        return w + self.p.eta * (post.fast / self.p.tau_fast - post.slow / self.p.tau_slow)


class Recirculation:
    """on_signal: w + eta value (free count of the source) (change of the target)."""

    defaults: dict[str, float | None] = dict(eta=None)

    def __init__(self, p: SimpleNamespace) -> None:
        self.p = p

    def on_signal(self, w: float, pre: Any, post: Any, syn: Any, value: float) -> Any:
        return w + self.p.eta * value * pre.n_free * post.change


class Mirror(Recirculation):
    """on_signal: w + eta value (change of the source) (free count of the target)."""

    def on_signal(self, w: float, pre: Any, post: Any, syn: Any, value: float) -> Any:
        return w + self.p.eta * value * pre.change * post.n_free


class Wake(Recirculation):
    """on_signal: w + eta value (source's free count) (target's activity - its reconstruction, about their means)."""

    above = "n_free"

    def on_signal(self, w: float, pre: Any, post: Any, syn: Any, value: float) -> Any:
        above = getattr(pre, self.above)
        return w + self.p.eta * value * above * ((post.n_free - post.n_mean) - (post.a_free - post.a_mean))


class WakeClamped(Wake):
    """Wake with the nudged count of the source."""

    above = "n_nudged"


class WakeSleep(Recirculation):
    """on_signal: w + eta value (nudged count of the source) (change of the target)."""

    def on_signal(self, w: float, pre: Any, post: Any, syn: Any, value: float) -> Any:
        return w + self.p.eta * value * pre.n_nudged * post.change


class WakeLooks(Recirculation):
    """on_signal, where the source's count differs by n from the look before: w + eta value luck (n - luck w)."""

    def on_signal(self, w: float, pre: Any, post: Any, syn: Any, value: float) -> Any:
        if pre.n_step == 0.0:
            return w
        return w + self.p.eta * value * post.luck_step * (pre.n_step - post.luck_step * w)


RULES: dict[str, Any] = {
    "pair_stdp": PairSTDP,
    "stdp_derivative": STDPDerivative,
    "recirculation": Recirculation,
    "mirror": Mirror,
    "wake": Wake,
    "wake_clamped": WakeClamped,
    "wake_looks": WakeLooks,
    "wake_sleep": WakeSleep,
}


class Seen(SimpleNamespace):
    """What a hook sees of a cell; what is not there is named."""

    def __getattr__(self, name: str) -> float:
        where = self.__dict__.get("where")
        raise AttributeError(f"{where}: no '{name}' to read (an input needs a register of this name)")


def settings(defaults: dict[str, Any], given: dict[str, Any] | None, index: int, where: str) -> dict[str, Any]:
    """Defaults overlaid by what is given (a number, or a list with one for each cell)."""
    result = dict(defaults)
    for name, value in (given or {}).items():
        if name not in result:
            raise ValueError(f"{where} '{name}' is unknown, known are {', '.join(defaults)}")
        result[name] = float(value if np.ndim(value) == 0 else value[index])
    missing = [name for name, value in result.items() if value is None]
    if missing:
        raise ValueError(f"{where} '{missing[0]}' has no default and is not given")
    return result


def plasticity(d: dict[str, Any] | None, weights: list[float]) -> dict[str, Any]:
    """Fields of the synapses of one projection: the rule (None while frozen) and the bounds."""
    if d is None:
        return {}
    rule = d["rule"]
    if isinstance(rule, str):
        rule = RULES[rule](SimpleNamespace(**settings(RULES[rule].defaults, d.get("params"), 0, f"{rule}: parameter")))
    low, high = d.get("w_min"), d.get("w_max")
    positive, negative = all(w >= 0 for w in weights), all(w <= 0 for w in weights)
    return {
        "early": True,
        "rule": None if d.get("frozen") else rule,
        "low": (0.0 if positive else -math.inf) if low is None else low,
        "high": (0.0 if negative and not positive else math.inf) if high is None else high,
    }

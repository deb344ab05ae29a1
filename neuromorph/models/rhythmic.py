"""Rhythmic cells with a basal and an apical compartment, which carry activity and error on one axon.

Time goes in cycles, whose phases are spikes of a pacemaker at the receptors start, release, latch and nudge. A cell
counts its basal charge z while its gate is open, releases a volley, compares the apical charge a before and after the
latch, and releases a second volley for its charge moved by that difference. The same uniform number u rounds both
counts, so that their difference has no variance where the error is zero.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neuromorph.kernels.elementary import exp
from neuromorph.kernels.jit import kernel
from neuromorph.kernels.rng import poisson_quantile, uniform
from neuromorph.models.contract import NeuronModel, Receptor, Variable
from neuromorph.parameters import Param

_SOURCE = (
    "after Hinton & McClelland 1988, Learning representations by recirculation, NIPS 0; "
    "Burbank 2015, doi:10.1371/journal.pcbi.1004566; Lillicrap et al. 2016, doi:10.1038/ncomms13276"
)


MOST = 2.0**30  # spikes of a volley


@kernel(forceinline=True)
def spike_count(mean, u, poisson):
    """Count with the given mean (1 / cycle) for u in [0, 1): floor(mean + u), or the Poisson quantile at u.

    At most MOST, so that activity that runs away, or a charge that is no number, stays a count until it is noticed.
    """
    mean = mean if mean < MOST else MOST
    return float(poisson_quantile(mean, u)) if poisson > 0.0 else float(math.floor(mean + u))


@kernel(forceinline=True)
def _clip(value, low, high):
    return low if value < low else high if value > high else value


@kernel(forceinline=True)
def _start(s, x, r):
    # a new cycle: charges, gate, trial and the number that rounds its counts
    starts = x.start > 0.0
    keep = 0.0 if starts else 1.0
    trials = s.trials + (1.0 - keep)
    u = uniform(r.seed, r.stream, r.entity, int(trials)) if starts else s.u
    gate = 1.0 if starts else s.gate
    return keep, gate, trials, u, keep * s.z + gate * x.basal, keep * s.a + x.apical


class _Rhythmic(NeuronModel):
    refractory = ""
    rests = True
    switches = ("poisson",)
    source = _SOURCE
    receptors = (
        Receptor("basal", "1", doc="bottom-up charge, counted while the gate is open", gate=("gate", "start")),
        Receptor("apical", "1", explicit=True, doc="top-down charge"),
        Receptor("start", "1", explicit=True, doc="phase: a cycle begins"),
        Receptor("release", "1", explicit=True, doc="phase: the free volley"),
        Receptor("latch", "1", explicit=True, doc="phase: the apical charge is latched"),
        Receptor("nudge", "1", explicit=True, doc="phase: the nudged volley"),
    )
    tau_mean = Param(100.0, "1", at_least=1, doc="cycles of the running means")
    poisson = Param(0.0, "1", at_least=0, at_most=1, doc="1: counts are Poisson, 0: they are rounded at random")
    z = Variable("1", 0.0, "basal charge of this cycle")
    a = Variable("1", 0.0, "apical charge since the start or the latch")
    a_free = Variable("1", 0.0, "apical charge up to the latch")
    gate = Variable("1", 0.0, "1: basal charge is counted")
    n_free = Variable("1", 0.0, "spikes of the free volley")
    n_nudged = Variable("1", 0.0, "spikes of the nudged volley")
    change = Variable("1", 0.0, "n_nudged - n_free")
    n_mean = Variable("1", 0.0, "running mean of n_free", running=True)
    a_mean = Variable("1", 0.0, "running mean of a_free", running=True)
    error_spikes = Variable("1", 0.0, "sum of the sizes of all changes so far", running=True)
    n_step = Variable("1", 0.0, "n_free less that of the cycle before")
    luck_step = Variable("1", 0.0, "what chance added to n_free less what it added in the cycle before")
    trials = Variable("1", 0.0, "cycles begun: the index of the random draw", kept=True)
    u = Variable("1", 0.0, "uniform number of this cycle")
    emit = Variable("1", 0.0, "spikes of this instant")

    @classmethod
    def validate(cls, parameters: dict[str, Any]) -> list[str]:
        """poisson is 0 or 1."""
        return [] if np.all(np.isin(parameters["poisson"], (0, 1))) else ["poisson must be 0 or 1"]

    @staticmethod
    def propagate(s, c, p, clamped):
        return (
            s.z, s.a, s.a_free, s.gate, s.n_free, s.n_nudged, s.change, s.n_mean, s.a_mean, s.error_spikes, s.n_step,
            s.luck_step, s.trials, s.u, s.emit,
        )  # fmt: skip

    @staticmethod
    def advance(s, h, p, clamped):
        return (
            s.z, s.a, s.a_free, s.gate, s.n_free, s.n_nudged, s.change, s.n_mean, s.a_mean, s.error_spikes, s.n_step,
            s.luck_step, s.trials, s.u, s.emit,
        )  # fmt: skip

    @staticmethod
    def crossing(s, h, p):
        return math.inf

    @staticmethod
    def fires(s, p):
        return int(s.emit)

    @staticmethod
    def reset(s, p):
        return (
            s.z, s.a, s.a_free, s.gate, s.n_free, s.n_nudged, s.change, s.n_mean, s.a_mean, s.error_spikes, s.n_step,
            s.luck_step, s.trials, s.u, 0.0,
        )  # fmt: skip


class Rhythmic(_Rhythmic):
    """Rhythmic hidden cell: its nudged count follows its charge, moved by the change of its apical charge.

    The nudge is bounded and symmetric, |z' - z| <= min(z, cap - z): a one-sided clip pushes silent cells up only.
    """

    name = "rhythmic"
    equations = """
    N(z) = floor(u + kappa clip(z, 0, cap)), or the Poisson quantile of kappa clip(z, 0, cap) at u
    start: n_step = -n_free, luck_step = kappa clip(z, 0, cap) - n_free, then
           z = a = a_free = n_free = n_nudged = change = 0, gate = 1, trials += 1, u = uniform [0, 1)
    basal, while gate = 1: z += w;  apical: a += w
    release: n_free = N(z), n_step += n_free, luck_step += n_free - kappa clip(z, 0, cap), n_free spikes, gate = 0
    latch: a_free = a, a = 0, n_mean += (n_free - n_mean)/tau_mean, a_mean += (a_free - a_mean)/tau_mean
    nudge: z' = z + clip(gamma (a - a_free), -m, m), m = min(z, cap - z), where 0 < z < cap, else z
           n_nudged = N(z'), change = n_nudged - n_free, error_spikes += |change|, n_nudged spikes
    """
    kappa = Param(4.0, "1", above=0, doc="spikes per unit of charge")
    cap = Param(1.0, "1", above=0, doc="charge at which the count saturates; inf: never")
    gamma = Param(8.0, "1", at_least=0, doc="gain of the nudge")

    @staticmethod
    def receive(s, x, p, refractory, r):
        keep, gate, trials, u, z, a = _start(s, x, r)
        releases, latches, nudges = x.release > 0.0, x.latch > 0.0, x.nudge > 0.0
        mean = p.kappa * _clip(z, 0.0, p.cap)
        free = spike_count(mean, u, p.poisson) if releases else keep * s.n_free
        n_step = (s.n_step if keep > 0.0 else -s.n_free) + (free if releases else 0.0)
        luck_before = s.n_free - p.kappa * _clip(s.z, 0.0, p.cap)
        luck_step = (s.luck_step if keep > 0.0 else -luck_before) + (free - mean if releases else 0.0)
        gate = 0.0 if releases else gate
        a_free = a if latches else keep * s.a_free
        a = 0.0 if latches else a
        n_mean = s.n_mean + ((free - s.n_mean) / p.tau_mean if latches else 0.0)
        a_mean = s.a_mean + ((a_free - s.a_mean) / p.tau_mean if latches else 0.0)
        room = max(0.0, min(z, p.cap - z))
        moved = z + _clip(p.gamma * (a - a_free), -room, room)
        nudged = spike_count(p.kappa * _clip(moved, 0.0, p.cap), u, p.poisson) if nudges else keep * s.n_nudged
        change = nudged - free if nudges else keep * s.change
        error_spikes = s.error_spikes + (abs(change) if nudges else 0.0)
        emit = (free if releases else 0.0) + (nudged if nudges else 0.0)
        return (
            z, a, a_free, gate, free, nudged, change, n_mean, a_mean, error_spikes, n_step, luck_step, trials, u, emit,
        )  # fmt: skip


class RhythmicReadout(_Rhythmic):
    """Rhythmic output cell: a saturating rate, blended at the nudge with the rate that its teacher sends.

    The axon carries the activity p and, as the change of its count, the error blend (a - p).
    """

    name = "rhythmic_readout"
    equations = """
    N(p) = floor(u + kappa max(p, 0)), or the Poisson quantile of kappa max(p, 0) at u
    start, basal, apical, latch: as rhythmic
    release: n_free = N(p) with p = 1/(1 + exp(-z)), n_step += n_free, n_free spikes, gate = 0 (luck_step is not used)
    nudge: n_nudged = N(p + blend (a - p)), change = n_nudged - n_free, error_spikes += |change|,
           n_nudged spikes
    """
    kappa = Param(64.0, "1", above=0, doc="spikes at the rate 1")
    blend = Param(1.0, "1", at_least=0, at_most=1, doc="share of the target in the nudged rate")

    @staticmethod
    def receive(s, x, p, refractory, r):
        keep, gate, trials, u, z, a = _start(s, x, r)
        releases, latches, nudges = x.release > 0.0, x.latch > 0.0, x.nudge > 0.0
        rate = 1.0 / (1.0 + exp(-z))
        free = spike_count(p.kappa * rate, u, p.poisson) if releases else keep * s.n_free
        n_step = (s.n_step if keep > 0.0 else -s.n_free) + (free if releases else 0.0)
        gate = 0.0 if releases else gate
        a_free = a if latches else keep * s.a_free
        a = 0.0 if latches else a
        n_mean = s.n_mean + ((free - s.n_mean) / p.tau_mean if latches else 0.0)
        a_mean = s.a_mean + ((a_free - s.a_mean) / p.tau_mean if latches else 0.0)
        blended = max(0.0, rate + p.blend * (a - rate))
        nudged = spike_count(p.kappa * blended, u, p.poisson) if nudges else keep * s.n_nudged
        change = nudged - free if nudges else keep * s.change
        error_spikes = s.error_spikes + (abs(change) if nudges else 0.0)
        emit = (free if releases else 0.0) + (nudged if nudges else 0.0)
        return z, a, a_free, gate, free, nudged, change, n_mean, a_mean, error_spikes, n_step, 0.0, trials, u, emit

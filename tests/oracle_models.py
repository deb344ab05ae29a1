"""Neurons of the oracle (see oracle.py), and its search for threshold crossings. Nothing here comes from the engine.

A neuron model is a set of functions on plain dicts: `s` the state of one cell, `p` its parameters, `x` the sums of one
instant by receptor. Units are ms, mV, pA, pF, nS. Equations and defaults: docs/design.md, sections 4 and 5.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from oracle_rules import GRAZE, Watch

State = dict[str, float]
SLOW = 1e-3  # mV/ms: a slower crossing has no time that is defined to 1e-9 ms


class Lif:
    """lif_delta, and what the closed forms share: V relaxes to E_L + (I_e + I_stim) tau_m / C_m."""

    parameters = dict(tau_m=10.0, C_m=250.0, E_L=-70.0, V_th=-55.0, V_reset=-70.0, t_ref=2.0, I_e=0.0)
    zeros: tuple[str, ...] = ("I_stim",)  # variables that begin at zero
    receptors: dict[str, str] = dict(delta="V_m", current="I_stim")  # receptor -> the variable that it drives
    threshold = "V_th"
    exact = True
    synapses: tuple[str, ...] = ()

    def initial(self, p: State) -> State:
        return dict(V_m=p["E_L"], **dict.fromkeys(self.zeros, 0.0))

    def jump(self, receptor: str, x: float, p: State) -> float:
        """What a summed arrival adds to the receptor's variable."""
        return x

    def receive(self, s: State, p: State, x: State, refractory: bool, watch: Watch, draw: Any) -> int:
        """Add the sums of one instant; returns spikes that are emitted whatever V is (none here)."""
        for receptor, total in x.items():
            lost = watch.rules.delta_discarded if receptor == "delta" else not watch.rules.currents_integrate
            if not (refractory and lost):
                s[self.receptors[receptor]] += self.jump(receptor, total, p)
        return 0

    def fires(self, s: State, p: State, watch: Watch) -> bool:
        return watch.rules.reaches(s["V_m"], p[self.threshold])

    def reset(self, s: State, p: State) -> None:
        s["V_m"] = p["V_reset"]

    def advance(self, s: State, p: State, h: float, clamped: bool) -> State:
        """State h ms later without arrivals."""
        tau_m, v, new = p["tau_m"], s["V_m"] - p["E_L"], dict(s)
        v = v * math.exp(-h / tau_m) - math.expm1(-h / tau_m) * (p["I_e"] + s["I_stim"]) * tau_m / p["C_m"]
        for k in self.synapses:
            v += self.synapse(new, k, h, p[f"tau_syn_{k}"], tau_m) / p["C_m"]
        new["V_m"] = p["V_reset"] if clamped else p["E_L"] + v
        return new

    def synapse(self, s: State, k: str, h: float, tau: float, tau_m: float) -> float:
        """Move the current of synapse k on by h; returns the integral of I exp(-(h - t) / tau_m) over it, pA ms."""
        raise NotImplementedError

    def bounds(self, s: State, k: str, tau: float) -> tuple[float, float]:
        """From now on: the most that synapse k's current, and the most that its |dI/dt| can be."""
        raise NotImplementedError

    def slope(self, s: State, p: State) -> float:
        """dV/dt, mV/ms."""
        current = p["I_e"] + s["I_stim"] + sum(s[f"I_{k}"] for k in self.synapses)
        return (p["E_L"] - s["V_m"]) / p["tau_m"] + current / p["C_m"]

    def reach(self, s: State, p: State) -> tuple[float, float]:
        """Without arrivals V never rises above the first (mV) and |d2V/dt2| never above the second (mV/ms2)."""
        tau_m, C_m = p["tau_m"], p["C_m"]
        most = [self.bounds(s, k, p[f"tau_syn_{k}"]) for k in self.synapses]
        current, change = p["I_e"] + s["I_stim"] + sum(m[0] for m in most), sum(m[1] for m in most) / C_m
        V = p["E_L"] + max(s["V_m"] - p["E_L"], current * tau_m / C_m)
        return V, max(abs(self.slope(s, p)), tau_m * change) / tau_m + change


class LifExp(Lif):
    """lif_exp: I_ex and I_in jump by w and decay with tau_syn."""

    parameters = dict(Lif.parameters, tau_syn_ex=2.0, tau_syn_in=2.0)
    zeros: tuple[str, ...] = ("I_ex", "I_in", "I_stim")
    receptors = dict(excitatory="I_ex", inhibitory="I_in", current="I_stim")
    synapses = ("ex", "in")

    def synapse(self, s: State, k: str, h: float, tau: float, tau_m: float) -> float:
        I = s[f"I_{k}"]  # noqa: E741
        s[f"I_{k}"] = I * math.exp(-h / tau)
        # exp(-h/tau) - exp(-h/tau_m) over 1/tau_m - 1/tau, written so that equal constants are no special case
        x = abs(h / tau_m - h / tau)
        return I * h * math.exp(-h / max(tau, tau_m)) * (-math.expm1(-x) / x if x else 1.0)

    def bounds(self, s: State, k: str, tau: float) -> tuple[float, float]:
        return max(s[f"I_{k}"], 0.0), abs(s[f"I_{k}"]) / tau


class LifAlpha(LifExp):
    """lif_alpha: dI/dt = y - I/tau, y jumps by w e/tau, so that the current peaks at w."""

    zeros = ("y_ex", "I_ex", "y_in", "I_in", "I_stim")
    receptors = dict(excitatory="y_ex", inhibitory="y_in", current="I_stim")

    def jump(self, receptor: str, x: float, p: State) -> float:
        tau = {"excitatory": "tau_syn_ex", "inhibitory": "tau_syn_in"}
        return x * math.e / p[tau[receptor]] if receptor in tau else x

    def synapse(self, s: State, k: str, h: float, tau: float, tau_m: float) -> float:
        y = s[f"y_{k}"]
        from_I = LifExp.synapse(self, s, k, h, tau, tau_m)
        s[f"I_{k}"] += y * h * math.exp(-h / tau)
        s[f"y_{k}"] = y * math.exp(-h / tau)
        return from_I + y * h * h * _ramp(h / tau_m - h / tau) * math.exp(-h / max(tau, tau_m))

    def bounds(self, s: State, k: str, tau: float) -> tuple[float, float]:
        y, I = s[f"y_{k}"], s[f"I_{k}"]  # noqa: E741
        return max(I, 0.0) + max(y, 0.0) * tau / math.e, 2.0 * abs(y) + abs(I) / tau


def _ramp(x: float) -> float:
    """Integral over q in (0, 1) of q exp(x q), divided by exp(x) where x > 0 (so that it cannot overflow)."""
    if abs(x) < 0.25:  # here the closed form would cancel
        power, total, n = 1.0, 0.5, 0
        while abs(power) > 1e-18:
            n += 1
            power *= x / n
            total += power / (n + 2)
        return total * math.exp(-max(x, 0.0))
    return (x + math.expm1(-x)) / x**2 if x > 0 else (math.exp(x) * (x - 1.0) + 1.0) / x**2


def _runge_kutta(f: Callable[..., list[float]], y: list[float], h: float) -> list[float]:
    """One classical step; f(share of the step, y)."""
    a = f(0.0, y)
    b = f(0.5, [v + h / 2 * d for v, d in zip(y, a, strict=True)])
    c = f(0.5, [v + h / 2 * d for v, d in zip(y, b, strict=True)])
    d = f(1.0, [v + h * d for v, d in zip(y, c, strict=True)])
    return [v + h / 6 * (i + 2 * j + 2 * k + m) for v, i, j, k, m in zip(y, a, b, c, d, strict=True)]


class LifCondExp(Lif):
    """lif_cond_exp: conductances that decay; one Runge-Kutta step a tick, conductances exact at its stages."""

    parameters = dict(
        C_m=250.0, g_L=16.6667, E_L=-70.0, E_ex=0.0, E_in=-85.0, V_th=-55.0, V_reset=-60.0, t_ref=2.0, I_e=0.0,
        tau_syn_ex=0.2, tau_syn_in=2.0,
    )  # fmt: skip
    zeros = ("g_ex", "g_in", "I_stim")
    receptors = dict(excitatory="g_ex", inhibitory="g_in", current="I_stim")
    exact = False

    def advance(self, s: State, p: State, h: float, clamped: bool) -> State:
        def derivative(share: float, y: list[float]) -> list[float]:
            current = p["I_e"] + s["I_stim"] - p["g_L"] * (y[0] - p["E_L"])
            for k in ("ex", "in"):
                current -= s[f"g_{k}"] * math.exp(-share * h / p[f"tau_syn_{k}"]) * (y[0] - p[f"E_{k}"])
            return [current / p["C_m"]]

        V = p["V_reset"] if clamped else _runge_kutta(derivative, [s["V_m"]], h)[0]
        return dict(s, V_m=V, **{f"g_{k}": s[f"g_{k}"] * math.exp(-h / p[f"tau_syn_{k}"]) for k in ("ex", "in")})


class Izhikevich(Lif):
    """izhikevich: dV/dt = 0.04 V^2 + 5 V + 140 - u + I, du/dt = a (b V - u). No refractoriness."""

    parameters = dict(a=0.02, b=0.2, c=-65.0, d=8.0, V_th=30.0, I_e=0.0)
    exact = False

    def initial(self, p: State) -> State:
        return dict(V_m=-65.0, u=-13.0, I_stim=0.0)

    def advance(self, s: State, p: State, h: float, clamped: bool) -> State:
        def derivative(_share: float, y: list[float]) -> list[float]:
            V, u = y
            return [0.04 * V * V + 5.0 * V + 140.0 - u + p["I_e"] + s["I_stim"], p["a"] * (p["b"] * V - u)]

        V, u = _runge_kutta(derivative, [s["V_m"], s["u"]], h)
        return dict(s, V_m=V, u=u)

    def reset(self, s: State, p: State) -> None:
        s["V_m"] = p["c"]
        s["u"] += p["d"]


class Adex(Lif):
    """adex: exponential integrate-and-fire with the adaptation current w_ad; currents exact at the stages."""

    parameters = dict(
        C_m=281.0, g_L=30.0, E_L=-70.6, V_T=-50.4, Delta_T=2.0, a=4.0, b=80.5, tau_w=144.0, V_reset=-60.0,
        V_peak=0.0, t_ref=0.0, I_e=0.0, tau_syn_ex=2.0, tau_syn_in=2.0,
    )  # fmt: skip
    zeros = ("I_ex", "I_in", "w_ad", "I_stim")
    receptors = LifExp.receptors
    threshold = "V_peak"
    exact = False

    def advance(self, s: State, p: State, h: float, clamped: bool) -> State:
        def derivative(share: float, y: list[float]) -> list[float]:
            V, w = min(y[0], p["V_peak"]), y[1]
            current = p["I_e"] + s["I_stim"] - w - p["g_L"] * (V - p["E_L"])
            current += p["g_L"] * p["Delta_T"] * math.exp((V - p["V_T"]) / p["Delta_T"])
            current += sum(s[f"I_{k}"] * math.exp(-share * h / p[f"tau_syn_{k}"]) for k in ("ex", "in"))
            return [0.0 if clamped else current / p["C_m"], (p["a"] * (V - p["E_L"]) - w) / p["tau_w"]]

        V, w = _runge_kutta(derivative, [p["V_reset"] if clamped else s["V_m"], s["w_ad"]], h)
        decay = {k: math.exp(-h / p[f"tau_syn_{k}"]) for k in ("ex", "in")}
        return dict(s, V_m=V, w_ad=w, I_ex=s["I_ex"] * decay["ex"], I_in=s["I_in"] * decay["in"])

    def reset(self, s: State, p: State) -> None:
        s["V_m"] = p["V_reset"]
        s["w_ad"] += p["b"]


class Rhythmic(Lif):
    """rhythmic: a free and a nudged count a cycle, both from the same u; acts at arrivals only (section 5)."""

    parameters = dict(kappa=4.0, cap=1.0, gamma=8.0, tau_mean=100.0, poisson=0.0)
    names = (
        "z",
        "a",
        "a_free",
        "gate",
        "n_free",
        "n_nudged",
        "change",
        "n_mean",
        "a_mean",
        "error_spikes",
        "n_step",
        "luck_step",
        "trials",
        "u",
    )
    receptors = {name: name for name in ("start", "release", "latch", "nudge", "basal", "apical")}
    threshold = ""

    def initial(self, p: State) -> State:
        return dict.fromkeys(self.names, 0.0)

    def advance(self, s: State, p: State, h: float, clamped: bool) -> State:
        return dict(s)

    def fires(self, s: State, p: State, watch: Watch) -> bool:
        return False

    def reset(self, s: State, p: State) -> None:
        pass

    def receive(self, s: State, p: State, x: State, refractory: bool, watch: Watch, draw: Any) -> int:
        steps = ["start", "charge", "release", "latch", "nudge"]
        emitted = 0
        for step in steps if watch.rules.rhythmic_in_order else steps[::-1]:
            if step == "charge":
                s["z"] += x.get("basal", 0.0) if s["gate"] > 0 else 0.0
                s["a"] += x.get("apical", 0.0)
            elif x.get(step, 0.0) > 0:
                emitted += getattr(self, step)(s, p, watch, draw)
        return emitted

    def start(self, s: State, p: State, watch: Watch, draw: Any) -> int:
        s["n_step"], s["luck_step"] = -s["n_free"], self.expected(s, p) - s["n_free"]
        s.update(dict.fromkeys(("z", "a", "a_free", "n_free", "n_nudged", "change"), 0.0))
        s.update(gate=1.0, trials=s["trials"] + 1.0)
        s["u"] = draw(int(s["trials"]))
        return 0

    def release(self, s: State, p: State, watch: Watch, draw: Any) -> int:
        s["n_free"] = self.count(self.level(s, p), s, p, watch)
        s["n_step"] += s["n_free"]
        s["luck_step"] += s["n_free"] - self.expected(s, p)
        s["gate"] = 0.0
        return int(s["n_free"])

    def latch(self, s: State, p: State, watch: Watch, draw: Any) -> int:
        s["a_free"], s["a"] = s["a"], 0.0
        for mean, value in (("n_mean", "n_free"), ("a_mean", "a_free")):
            s[mean] += (s[value] - s[mean]) / p["tau_mean"]
        return 0

    def nudge(self, s: State, p: State, watch: Watch, draw: Any) -> int:
        s["n_nudged"] = self.count(self.nudged_level(s, p), s, p, watch)
        s["change"] = s["n_nudged"] - s["n_free"]
        s["error_spikes"] += abs(s["change"])
        return int(s["n_nudged"])

    def level(self, s: State, p: State) -> float:
        return s["z"]

    def expected(self, s: State, p: State) -> float:
        """Mean of the free count."""
        return p["kappa"] * max(0.0, min(s["z"], p["cap"]))

    def nudged_level(self, s: State, p: State) -> float:
        z, room = s["z"], min(s["z"], p["cap"] - s["z"])
        return z + max(-room, min(p["gamma"] * (s["a"] - s["a_free"]), room)) if 0.0 < z < p["cap"] else z

    def count(self, level: float, s: State, p: State, watch: Watch) -> float:
        """N(level): floor(u + mean), or the smallest n whose Poisson distribution function exceeds u."""
        mean, u, n = min(p["kappa"] * max(0.0, min(level, p.get("cap", math.inf))), 2.0**30), s["u"], 0
        if not p["poisson"]:
            watch.near(u + mean, round(u + mean))
            return float(math.floor(u + mean))
        if mean > 700.0:
            raise ValueError(f"a Poisson mean of {mean:g} is above 700, where exp(-mean) leaves the floats")
        term = total = math.exp(-mean)
        while u >= total and (term > 1e-18 or n < mean):
            watch.near(u, total)
            n += 1
            term *= mean / n
            total += term
        watch.near(u, total)
        return float(n)


class RhythmicReadout(Rhythmic):
    """rhythmic_readout: the count follows p = 1/(1 + exp(-z)), nudged towards the apical charge since the latch."""

    parameters = dict(kappa=64.0, blend=1.0, tau_mean=100.0, poisson=0.0)

    def expected(self, s: State, p: State) -> float:
        return s["n_free"]  # its luck is not told

    def level(self, s: State, p: State) -> float:
        return 1.0 / (1.0 + math.exp(-s["z"])) if s["z"] > -700.0 else math.exp(s["z"])

    def nudged_level(self, s: State, p: State) -> float:
        level = self.level(s, p)
        return level + p["blend"] * (s["a"] - level)


def first_crossing(
    V: Callable[[float], tuple[float, float]], bend: float, a: float, b: float, V_th: float
) -> tuple[float | None, float | None]:
    """The first time in (a, b] at which V reaches V_th, and the first at which it only grazes it (None: never).

    V(t) gives (V, dV/dt), V below V_th at a. `bend` bounds |d2V/dt2|: V stays below its ends + bend (b - a)^2 / 8.
    An interval that this cannot exclude is halved (left half first), so that no excursion, however short, is missed.
    """
    V_b, slope = V(b)
    above = bend * (b - a) ** 2 / 8
    if max(V(a)[0], V_b) + above < V_th - GRAZE:
        return None, None
    middle = (a + b) / 2
    if above > GRAZE / 10 and a < middle < b:
        found, grazed = first_crossing(V, bend, a, middle, V_th)
        if found is None:
            found, later = first_crossing(V, bend, middle, b, V_th)
            grazed = later if grazed is None else grazed
        return found, grazed
    if V_b < V_th:
        return None, b if V_b > V_th - GRAZE and slope < SLOW else None
    while a < (middle := (a + b) / 2) < b:
        a, b = (a, middle) if V(middle)[0] >= V_th else (middle, b)
    return b, b if V(b)[1] < SLOW else None


MODELS: dict[str, Lif] = {
    "lif_delta": Lif(),
    "lif_exp": LifExp(),
    "lif_alpha": LifAlpha(),
    "lif_cond_exp": LifCondExp(),
    "izhikevich": Izhikevich(),
    "adex": Adex(),
    "rhythmic": Rhythmic(),
    "rhythmic_readout": RhythmicReadout(),
}


class Arrival(NamedTuple):
    """One thing that arrives at a cell; `value` is count * weight, or a change of current (source -1)."""

    receptor: str
    value: float
    early: bool  # of a plastic projection or a static matrix
    emitted: float
    source: int
    target: int
    delay: float
    projection: int
    ordinal: int


@dataclass
class Cell:
    id: int
    population: str
    model: Lif
    p: State
    s: State  # state at instant t, that of the cell's last own event
    draw: Callable[[int], float]
    t: float = 0
    free_at: float = -math.inf  # end of refractoriness
    spiked: float = -math.inf
    unreset: State = field(default_factory=dict)  # state at `spiked`, just before the reset
    version: int = 0  # own events so far: what was foreseen under an older version will not happen
    pending: dict[float, list[Arrival]] = field(default_factory=lambda: defaultdict(list))

    def at(self, t: float) -> State:
        """Exact mode: the state at t >= self.t if nothing arrives; it is not moved."""
        s, start = self.s, self.t
        if start < self.free_at:
            stop = min(t, self.free_at)
            s, start = self.model.advance(s, self.p, stop - start, True), stop
        return self.model.advance(s, self.p, t - start, False) if t > start else dict(s)

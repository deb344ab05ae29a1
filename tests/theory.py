"""Closed forms of the literature that tests compare simulations with. E_L = 0; times in ms, potentials in mV.

Diffusion limit: tau_m dV/dt = mu - V + sigma sqrt(tau_m) xi, as in Brunel 2000, J. Comput. Neurosci. 8:183,
doi:10.1023/A:1008925309027. Input of weight J (mV) and rate r (per ms) adds J r tau_m to mu and J^2 r tau_m to sigma^2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import erfcx
from scipy.stats import poisson


class Cell(NamedTuple):
    """A leaky integrate-and-fire neuron; by default that of Brunel's model A."""

    tau_m: float = 20.0
    V_th: float = 20.0
    V_reset: float = 10.0
    t_ref: float = 2.0


MODEL_A = Cell()


def siegert_rate(mu: float, sigma: float, cell: Cell = MODEL_A) -> float:
    """Rate in Hz: 1/r = t_ref + tau_m sqrt(pi) int exp(u^2) (1 + erf u) du.

    The bounds of u are (V_reset - mu)/sigma and (V_th - mu)/sigma.
    Siegert 1951, Phys. Rev. 81:617, doi:10.1103/PhysRev.81.617; Brunel 2000.
    """
    low, high = (cell.V_reset - mu) / sigma, (cell.V_th - mu) / sigma
    area = quad(lambda u: erfcx(-u), low, high, epsabs=0.0, epsrel=1e-10)[0]
    return 1e3 / (cell.t_ref + cell.tau_m * np.sqrt(np.pi) * area)


def siegert_cv(mu: float, sigma: float, cell: Cell = MODEL_A) -> float:
    """CV of the intervals: CV^2 = 2 pi (r tau_m)^2 int exp(x^2) int_-inf^x exp(y^2) (1 + erf y)^2 dy dx.

    The bounds of x are those of u in `siegert_rate`. Brunel 2000, appendix A.1.
    """
    low, high = (cell.V_reset - mu) / sigma, (cell.V_th - mu) / sigma

    def inner(x: float) -> float:
        # exp(y^2) (1 + erf y) = erfcx(-y); both exponentials in one, since each alone overflows
        return quad(lambda y: erfcx(-y) ** 2 * np.exp(x * x - y * y), min(x, 0.0) - 8.0, x, epsrel=1e-10)[0]

    turns = siegert_rate(mu, sigma, cell) / 1e3 * cell.tau_m
    return float(np.sqrt(2.0 * np.pi * turns**2 * quad(inner, low, high, epsrel=1e-8)[0]))


def brunel_input(rate: float, g: float, eta: float, indegree: int = 1000, J: float = 0.1) -> tuple[float, float]:
    """(mu, sigma) of model A where all neurons fire at `rate` (Hz), external ones at eta V_th / (J indegree tau_m).

    mu = J C tau_m (r_ext + r (1 - g/4)), sigma^2 = J^2 C tau_m (r_ext + r (1 + g^2/4)), C excitatory synapses and C/4
    inhibitory ones. Brunel 2000.
    """
    charge = J * indegree * MODEL_A.tau_m
    external = eta * MODEL_A.V_th / charge
    mu = charge * (external + rate / 1e3 * (1.0 - g / 4.0))
    return mu, float(np.sqrt(J * charge * (external + rate / 1e3 * (1.0 + g * g / 4.0))))


def brunel_rate(g: float, eta: float, indegree: int = 1000, J: float = 0.1) -> float:
    """Self-consistent rate of model A in Hz: r = siegert_rate(mu(r), sigma(r))."""
    return float(brentq(lambda r: siegert_rate(*brunel_input(r, g, eta, indegree, J)) - r, 1e-3, 499.0))


def shot_noise_intervals(
    weights: Sequence[float], rates: Sequence[float], cell: Cell = MODEL_A, tick: float = 0.0, dx: float = 0.02
) -> tuple[float, float]:
    """(mean in ms, CV) of the intervals of a neuron driven by Poisson trains of finite jumps; no diffusion limit.

    The mean T(V) and the second moment S(V) of the time from V to the threshold solve linear equations on a lattice of
    step `dx` (mV), of which the jumps are multiples; both vanish at and above V_th.
    Continuous time: A T = -1, A S = -2 T with A f = -V/tau_m f' + sum_k r_k (f(V + J_k) - f).
    Grid of `tick` ms: T = 1 + Q T, S = 1 + 2 Q T + Q S with Q f = E[f(V exp(-tick/tau_m) + jumps of one tick)].

    weights : jumps (mV), multiples of dx
    rates : of the trains (per ms)
    Helias, Deger, Diesmann & Rotter 2010, Front. Comput. Neurosci. 3:29, doi:10.3389/neuro.10.029.2009, solve the same
    Markov process for its stationary density.
    """
    mu = cell.tau_m * float(np.dot(weights, rates))
    sigma = float(np.sqrt(cell.tau_m * np.dot(np.square(weights), rates)))
    # The threshold lies midway between two points, so that the error falls with dx^2.
    V = cell.V_th - dx * (np.arange(np.ceil((cell.V_th - min(mu, cell.V_reset) + 5.0 * sigma) / dx))[::-1] + 0.5)
    steps = [round(w / dx) for w in weights]
    if tick == 0.0:
        A = _generator(V, dx, cell.tau_m, steps, rates)
        first, second = _at(V, np.linalg.solve(A, np.full(V.size, -1.0)), A, cell.V_reset)
        return _mean_and_cv(cell.t_ref + first, second - first**2)
    Q = _one_tick(V, dx, tick, cell.tau_m, steps, rates)
    T = np.linalg.solve(np.eye(V.size) - Q, np.ones(V.size))
    S = np.linalg.solve(np.eye(V.size) - Q, 2.0 * T - 1.0)  # 1 + 2 Q T = 2 T - 1
    # The tick at which refractoriness ends takes jumps but no decay: the same as coming from V_reset / decay.
    start = cell.V_reset * np.exp(tick / cell.tau_m)
    first, second = np.interp(start, V, T), np.interp(start, V, S)
    return _mean_and_cv(cell.t_ref - tick + first * tick, (second - first**2) * tick**2)


def _at(V: NDArray[np.float64], T: NDArray[np.float64], A: NDArray[np.float64], start: float) -> tuple[float, float]:
    S = np.linalg.solve(A, -2.0 * T)
    return float(np.interp(start, V, T)), float(np.interp(start, V, S))


def _mean_and_cv(mean: float, variance: float) -> tuple[float, float]:
    return float(mean), float(np.sqrt(variance) / mean)


def _jumped(n: int, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows that a jump of `step` lattice points leaves below the threshold, and where it takes them."""
    rows = np.arange(n)
    to = np.maximum(rows + step, 0)
    return rows[to < n], to[to < n]


def _generator(
    V: NDArray[np.float64], dx: float, tau_m: float, steps: Sequence[int], rates: Sequence[float]
) -> NDArray[np.float64]:
    """A of `shot_noise_intervals`: the derivative one-sided and of second order, against the drift."""
    n = V.size
    A = np.zeros((n, n))
    rows = np.arange(n)
    side = np.where(V > 0, -1, 1)
    drift = np.abs(V) / tau_m / (2.0 * dx)
    for points, factor in ((0, -3.0), (1, 4.0), (2, -1.0)):
        np.add.at(A, (rows, np.clip(rows + side * points, 0, n - 1)), factor * drift)
    for step, rate in zip(steps, rates):
        A[rows, rows] -= rate
        A[_jumped(n, step)] += rate
    return A


def _one_tick(
    V: NDArray[np.float64], dx: float, tick: float, tau_m: float, steps: Sequence[int], rates: Sequence[float]
) -> NDArray[np.float64]:
    """Q of `shot_noise_intervals`, with linear interpolation between lattice points."""
    chance = {0: 1.0}
    for step, rate in zip(steps, rates):
        counts = np.arange(poisson.isf(1e-12, rate * tick) + 1)
        added: dict[int, float] = {}
        for total, p in chance.items():
            for k, q in zip(counts, poisson.pmf(counts, rate * tick)):
                added[total + step * int(k)] = added.get(total + step * int(k), 0.0) + p * q
        chance = added
    n = V.size
    place = (V * np.exp(-tick / tau_m) - V[0]) / dx
    below = np.floor(place).astype(int)
    Q = np.zeros((n, n))
    for shift, p in chance.items():
        rows = np.flatnonzero(place + shift < n - 0.5)  # the others reach the threshold
        left = np.clip(below[rows] + shift, 0, n - 2)  # above the last point T is continued, not interpolated to 0
        share = np.maximum(place[rows] + shift - left, 0.0)
        np.add.at(Q, (rows, left), p * (1.0 - share))
        np.add.at(Q, (rows, left + 1), p * share)
    return Q


def membrane_response(model: str, t: NDArray[np.float64], tau_m: float, tau_s: float) -> NDArray[np.float64]:
    """Potential (mV) at t >= 0 ms after an arrival of weight 1 at a neuron at rest, C_m = 1 pF.

    lif_delta: exp(-t/tau_m). lif_exp: K (exp(-t/tau_m) - exp(-t/tau_s)), K = tau_m tau_s / (tau_m - tau_s).
    lif_alpha: (e/tau_s) K (K (exp(-t/tau_m) - exp(-t/tau_s)) - t exp(-t/tau_s)).
    """
    membrane, synapse = np.exp(-t / tau_m), np.exp(-t / tau_s)
    if model == "lif_delta":
        return membrane
    K = tau_m * tau_s / (tau_m - tau_s)
    if model == "lif_exp":
        return K * (membrane - synapse)
    return np.e / tau_s * K * (K * (membrane - synapse) - t * synapse)


def free_moments(model: str, rate: float, tau_m: float, tau_s: float) -> tuple[float, float]:
    """(mean, variance) of the potential under Poisson input (per ms) of weight 1 without threshold: Campbell's theorem.

    mean = r int psp dt, variance = r int psp^2 dt, with psp the `membrane_response`; Campbell 1909, Proc. Camb. Phil.
    Soc. 15:117; Papoulis & Pillai 2002, Probability, Random Variables and Stochastic Processes, ch. 10.
    """
    a, b = 1.0 / tau_s, 1.0 / tau_m
    if model == "lif_delta":
        return rate * tau_m, rate * tau_m / 2.0
    if model == "lif_exp":
        return rate * tau_m * tau_s, rate * (tau_m * tau_s) ** 2 / (2.0 * (tau_m + tau_s))
    peak = np.e * a
    return rate * peak / (a * a * b), rate * peak**2 * (2.0 * a + b) / (4.0 * a**3 * b * (a + b) ** 2)

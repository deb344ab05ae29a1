"""When a membrane driven by decaying currents first reaches its threshold.

With f = V - V_th (mV) and two currents over the capacitance, each (x0 + x1 t) exp(-t / tau) (mV/ms),

    df/dt = (drive - f) / tau_m + p(t) + q(t),    f(t -> inf) = drive (mV).

f is a sum of exponentials whose roots have no closed form. They are isolated by going down a chain of functions, each
simpler than the one before: between two neighbouring roots of (d/dt + mu) g the product exp(mu t) g is monotonic, so
that g has at most one root there. f leads to the net current (d/dt + 1/tau_m) f, that to its slope, and the operator
d/dt + 1/tau, taken twice, leaves a straight line times an exponential. Going back up, every root lies in a bracket
and is polished by Newton's method, kept in the bracket by bisection.

Most crossings need none of this: a bound on the slope gives a time before which there is none, from there one looks on,
and near the crossing such steps become Newton's, from the left.

No step divides by a difference of rates: f is evaluated by difference quotients of exp, and a separator that rounding
has moved by d shifts f there by the order of d^2. Equal and nearly equal time constants are no cases of their own.
"""

from __future__ import annotations

import math

from neuromorph.kernels.elementary import exp, log, quotients
from neuromorph.kernels.jit import kernel

_INF = math.inf
_NONE = (_INF, _INF, _INF, _INF)
# mV below threshold that rounding cannot bridge: nearer than this, the crossing is always computed
_SLACK = 1e-9
# a Newton step below this share of the fastest time constant leaves an error of its square
_CLOSE = 1e-9
# where the crossing is approached by bounds, so many are tried until Newton's step is below this share of the fastest
# time constant, and few more of these until one is below 1e-9 of it
_BOUNDS, _NEAR, _POLISHED, _CLOSER = 12, 1e-7, 4, 1e-2
# exp(-x) is not yet subnormal here, but nothing beside any number that is no product of it
_REACH = 700.0
# a bound for the loop: Newton's method takes about 6 steps, bisection alone at most about 1100
_STEPS = 1200


@kernel(forceinline=True)
def first_crossing(f, drive, tau_m, p0, p1, tau_p, q0, q1, tau_q, horizon):
    """Earliest t >= 0 (ms) with f(t) >= 0, where df/dt = (drive - f)/tau_m + (p0 + p1 t) e^(-t/tau_p) + q likewise.

    inf where there is none, or none up to `horizon`. The value is a function of the other arguments alone, bit for
    bit: the horizon decides whether it is computed and whether it is returned. 0 where f >= 0 already.

    `f`, `drive` in mV; `tau_m`, `tau_p`, `tau_q` in ms, above 0; `p0`, `q0` in mV/ms; `p1`, `q1` in mV/ms^2; all
    float64. The error is that of f, about 1e-15 of the largest of |f|, |drive| and the charges (mV), over the slope
    at the crossing. 2.5 ns where a bound rules the crossing out, 60 ns for each bound that is looked on from (4.6 on
    average up to a crossing within 1.2 ms), 0.75 us where roots are isolated (one core, Zen 4).
    """
    if f >= 0.0:
        return 0.0
    # what the steady part can add, and the charge that can still arrive
    bound = f + max(0.0, drive - f) * min(1.0, horizon / tau_m)
    bound += _charge(p0, p1, tau_p, horizon) + _charge(q0, q1, tau_q, horizon)
    if bound < -_SLACK:
        return _INF
    return _search(f, drive, tau_m, p0, p1, tau_p, q0, q1, tau_q, horizon)


@kernel(forceinline=True)
def no_crossing_before(f, drive, tau_m, p0, p1, tau_p, q0, q1, tau_q):
    """A time (ms) before which `first_crossing` of the same arguments lies nowhere; a few divisions.

    While the currents are at most c (mV/ms), f stays below the membrane that a constant c drives, which rises at most
    by (drive - f)/tau_m + c a ms. Negative currents count for as long as is asked without them, and once more as long.
    """
    left = -_SLACK - f
    steady = (drive - f) * (1.0 / tau_m)
    rising = steady + _greatest(p0, p1, tau_p, _INF) + _greatest(q0, q1, tau_q, _INF)
    if rising <= 0.0:
        return _INF
    if left <= 0.0:
        return 0.0
    alone = left / rising
    rising = steady + _greatest(p0, p1, tau_p, 2.0 * alone) + _greatest(q0, q1, tau_q, 2.0 * alone)
    return min(2.0 * alone, left / rising) if rising > 0.0 else 2.0 * alone


@kernel(forceinline=True)
def _greatest(x0, x1, tau, horizon):
    # at least the greatest of (x0 + x1 t) exp(-t / tau) up to the horizon
    return max(0.0, x0) + min(0.0, x0) * max(0.0, 1.0 - horizon * (1.0 / tau)) + max(0.0, x1) * min(horizon, 0.37 * tau)


@kernel(forceinline=True)
def first_crossing_constant(f, drive, tau_m, horizon):
    """`first_crossing` without currents, in closed form: tau_m ln((drive - f) / drive), inf where drive <= 0."""
    if f >= 0.0:
        return 0.0
    if drive <= 0.0 or f * tau_m + (drive - f) * horizon < -_SLACK * tau_m:
        return _INF
    t = tau_m * log((drive - f) / drive)
    return t if t <= horizon else _INF


@kernel(forceinline=True)
def _charge(x0, x1, tau, horizon):
    # at least the integral of the positive part of (x0 + x1 t) exp(-t / tau) up to the horizon
    return max(0.0, x0) * min(horizon, tau) + max(0.0, x1) * min(0.5 * horizon * horizon, tau * tau)


@kernel(forceinline=True)
def _least(x0, x1, tau, horizon):
    # at most the least of (x0 + x1 t) exp(-t / tau) up to the horizon
    return max(0.0, x0) * max(0.0, 1.0 - horizon / tau) + min(0.0, x0) + min(0.0, x1) * min(horizon, tau)


@kernel
def _search(f, drive, tau_m, p0, p1, tau_p, q0, q1, tau_q, horizon):
    # go on from bound to bound: the first crossing is approached from the left, at last as fast as by Newton's method
    t, value, p0_now, p1_now, q0_now, q1_now = 0.0, f, p0, p1, q0, q1
    near = min(tau_m, min(tau_p, tau_q)) * _NEAR
    for _ in range(_BOUNDS):
        t += no_crossing_before(value, drive, tau_m, p0_now, p1_now, tau_p, q0_now, q1_now, tau_q)
        if t > horizon:
            return _INF
        value, slope, decay_p, decay_q = _membrane((f, drive, tau_m, p0, p1, tau_p, q0, q1, tau_q), t)
        if abs(value) <= near * slope:
            for _ in range(_POLISHED):
                step = value / slope
                t -= step
                if abs(step) <= near * _CLOSER:
                    break
                value, slope, _, _ = _membrane((f, drive, tau_m, p0, p1, tau_p, q0, q1, tau_q), t)
            t = max(t, 0.0)
            return t if t <= horizon else _INF
        p0_now, p1_now, q0_now, q1_now = (p0 + p1 * t) * decay_p, p1 * decay_p, (q0 + q1 * t) * decay_q, q1 * decay_q
    return _isolate(f, drive, tau_m, p0, p1, tau_p, q0, q1, tau_q, horizon)


@kernel
def _isolate(f, drive, tau_m, p0, p1, tau_p, q0, q1, tau_q, horizon):
    least = drive / tau_m + _least(p0, p1, tau_p, horizon) + _least(q0, q1, tau_q, horizon)
    if least > 0.0 and _membrane((f, drive, tau_m, p0, p1, tau_p, q0, q1, tau_q), horizon)[0] < -_SLACK:
        return _INF  # the net current is positive all along, and the horizon comes first
    # the faster current is p from here on, and q is not empty
    if tau_p > tau_q:
        p0, p1, tau_p, q0, q1, tau_q = q0, q1, tau_q, p0, p1, tau_p
    if tau_p == tau_q or (q0 == 0.0 and q1 == 0.0):
        p0, p1, q0, q1, tau_q = 0.0, 0.0, p0 + q0, p1 + q1, tau_p
    rate_p, rate_q = 1.0 / tau_p, 1.0 / tau_q
    delta = rate_p - rate_q
    # a level is (constant, rate, delta, p0, p1, q0, q1): constant + e^(-rate t) ((p0 + p1 t) e^(-delta t) + q0 + q1 t)
    net = (drive / tau_m, rate_q, delta, p0, p1, q0, q1)
    a0, a1, b0, b1 = p1 - rate_p * p0, -rate_p * p1, q1 - rate_q * q0, -rate_q * q1
    slope = (0.0, 0.0, delta, a0, a1, b0, b1)
    bend = (0.0, 0.0, delta, a1, 0.0, delta * b0 + b1, delta * b1)
    line = -b0 / b1 - 2.0 / delta if delta * b1 != 0.0 else -1.0

    scale = (min(tau_m, tau_p) * _CLOSE, tau_q, _REACH * max(tau_m, tau_q))
    extrema = _NONE[1:] + (line if 0.0 < line < scale[2] else _INF,)
    extrema = _roots(net, _roots(slope, _roots(bend, extrema, scale), scale), scale)
    t = _first_root((f, drive, tau_m, p0, p1, tau_p, q0, q1, tau_q), extrema, scale, horizon)
    return t if t <= horizon else _INF


@kernel
def _first_root(membrane, extrema, scale, horizon):
    # first root of f, which starts below 0 and has at most one root between neighbouring extrema
    left = 0.0
    for k in range(5):
        right = extrema[k] if k < 4 else scale[2]
        if right < _INF:
            if left >= horizon:
                return _INF
            if _membrane(membrane, right)[0] >= 0.0:
                return _polish(True, membrane, left, right, True, scale)
            left = right
    return _INF


@kernel
def _roots(level, separators, scale):
    # roots of a level, at most one between neighbouring separators; both ascending, padded with inf in front
    found = _NONE
    left, below = 0.0, _level(level, 0.0)[0] < 0.0
    for k in range(5):
        right = separators[k] if k < 4 else scale[2]
        if right < _INF:
            below_right = _level(level, right)[0] < 0.0
            if below_right != below:
                found = found[1:] + (_polish(False, level + (0.0, 0.0), left, right, below, scale),)
            left, below = right, below_right
    return found


@kernel
def _polish(is_membrane, numbers, left, right, below, scale):
    # root in (left, right] of the membrane or the level with these numbers; `below`: negative at the left
    t = left + min(0.5 * (right - left), scale[1])
    for _ in range(_STEPS):
        value, slope = _membrane(numbers, t)[:2] if is_membrane else _level(numbers[:7], t)
        if (value < 0.0) == below:
            left = t
        else:
            right = t
        newton = t - value / slope if slope != 0.0 else _INF
        if abs(newton - t) <= scale[0]:
            return min(max(newton, left), right)
        t = newton if left < newton < right else 0.5 * (left + right)
        if t <= left or t >= right:
            break
    return right


@kernel(forceinline=True)
def _level(level, t):
    # value and slope of a level
    constant, rate, delta, p0, p1, q0, q1 = level
    fast = exp(-delta * t)
    slow = exp(-rate * t)
    p, q = (p0 + p1 * t) * fast, q0 + q1 * t
    return constant + slow * (p + q), slow * (p1 * fast - (rate + delta) * p + q1 - rate * q)


@kernel(forceinline=True)
def _membrane(membrane, t):
    # f(t), its slope, and how far the currents have decayed
    f, drive, tau_m, p0, p1, tau_p, q0, q1, tau_q = membrane
    a, b, c = t / tau_m, t / tau_p, t / tau_q
    decay, decay_p, decay_q = exp(-a), exp(-b), exp(-c)
    p_first, p_second = quotients(a, decay, b, decay_p)
    q_first, q_second = quotients(a, decay, c, decay_q)
    driven = t * (p0 * p_first + q0 * q_first) + t * t * (p1 * p_second + q1 * q_second)
    value = drive + (f - drive) * decay + driven
    slope = (drive - value) / tau_m + (p0 + p1 * t) * decay_p + (q0 + q1 * t) * decay_q
    return value, slope, decay_p, decay_q

"""Template of the first crossing of a threshold by a cell of any triangular linear system.

f = (left side - right side of the threshold) is a sum of exponentials, constants among them. The functions

    g_0 = f,    g_(k+1) = (d/dt + r_k) g_k

each lose one rate r_k, and the last is a single exponential. Between neighbouring roots of g_(k+1) the product
exp(r_k t) g_k is monotonic, so that g_k has at most one root there: going back up from the last, every root is
bracketed. (kernels/crossing.py does the same by hand for a membrane and two currents.) Every g_k is a linear
combination of the state, which is known in closed form at any time: no step divides by a difference of rates.

Most crossings need none of this: `quiet` gives a time before which there is none, from there one looks on, and near the
crossing such steps become Newton's, from the left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neuromorph.kernels.codegen import load, render

_ROOTS = """
import math

from neuromorph.kernels.jit import kernel

INF = math.inf
LEVELS = {levels}
NONE = ({padding})
# as in kernels/crossing.py: bounds that are looked on from, and how near Newton's method takes over, in fastest rates
BOUNDS, NEAR, POLISHED, CLOSER, CLOSE = 12, 1e-7, 4, 1e-2, 1e-9
REACH, LONGEST = 700.0, 1e9
STEPS = 1200


@kernel
def first_root(y, horizon, p):
    # Earliest t >= 0 (ms) with f >= 0; inf where there is none, or none up to the horizon. The value does not depend on
    # the horizon.
    if net(0, y, p) >= 0.0:
        return 0.0
    rate = rates(p)
    fastest, slowest = 0.0, INF
    for k in range(LEVELS):
        fastest = max(fastest, rate[k])
        slowest = min(slowest, rate[k] if rate[k] > 0.0 else INF)
    fastest = fastest if fastest > 0.0 else 1.0
    t, now = 0.0, y
    for _ in range(BOUNDS):
        t += quiet(now, p)
        if t > horizon or t == INF:
            return INF
        now = after(y, t, p)
        value = net(0, now, p)
        slope = net(1, now, p) - rate[0] * value
        if slope > 0.0 and abs(value) * fastest <= NEAR * slope:
            for _ in range(POLISHED):
                step = value / slope
                t -= step
                if abs(step) * fastest <= NEAR * CLOSER:
                    break
                now = after(y, t, p)
                value = net(0, now, p)
                slope = net(1, now, p) - rate[0] * value
                if slope <= 0.0:
                    break
            t = max(t, 0.0)
            return t if t <= horizon else INF
    reach = LONGEST if {endless} else min(REACH / slowest, LONGEST)
    scale = (CLOSE / fastest, 1.0 / fastest, reach)
    extrema = NONE
    for k in range(LEVELS - 2, 0, -1):
        extrema = roots(k, y, extrema, rate[k], scale, p)
    t = lowest_root(y, extrema, rate[0], scale, horizon, p)
    return t if t <= horizon else INF


@kernel
def lowest_root(y, extrema, rate, scale, horizon, p):
    # of f, which starts below 0 and has at most one root between neighbouring extrema
    left = 0.0
    for j in range(len(NONE) + 1):
        right = extrema[j] if j < len(NONE) else scale[2]
        if right < INF:
            if left >= horizon:
                return INF
            if net(0, after(y, right, p), p) >= 0.0:
                return polish(0, y, left, right, True, rate, scale, p)
            left = right
    return INF


@kernel
def roots(k, y, separators, rate, scale, p):
    # of g_k, at most one between neighbouring separators; both ascending, padded with inf in front
    found = NONE
    left, below = 0.0, net(k, y, p) < 0.0
    for j in range(len(NONE) + 1):
        right = separators[j] if j < len(NONE) else scale[2]
        if right < INF:
            below_right = net(k, after(y, right, p), p) < 0.0
            if below_right != below:
                found = found[1:] + (polish(k, y, left, right, below, rate, scale, p),)
            left, below = right, below_right
    return found


@kernel
def polish(k, y, left, right, below, rate, scale, p):
    # root in (left, right] of g_k; `below`: negative at the left
    t = left + min(0.5 * (right - left), scale[1])
    for _ in range(STEPS):
        now = after(y, t, p)
        value = net(k, now, p)
        slope = net(k + 1, now, p) - rate * value
        if (value < 0.0) == below:
            left = t
        else:
            right = t
        newton = t - value / slope if slope != 0.0 else INF
        if abs(newton - t) <= scale[0]:
            return min(max(newton, left), right)
        t = newton if left < newton < right else 0.5 * (left + right)
        if t <= left or t >= right:
            break
    return right
"""


def first_root(hooks: dict[str, Callable[..., Any]], levels: int, endless: bool, label: str) -> Any:
    """The kernel first_root(y, horizon, p) of a cell.

    hooks : after(y, t, p), the state y (a tuple) t ms later; net(k, y, p), the value of g_k, 0 from `levels` on;
        rates(p), the r_k; quiet(y, p), a time before which f stays below 0
    levels : how many g_k there are
    endless : whether some variable but a constant never decays
    """
    padding = ", ".join(["INF"] * max(levels - 1, 1)) + ","
    text = render(_ROOTS, {"levels": levels, "padding": padding, "endless": endless})
    return load(text, hooks, f"crossings of {label}").first_root

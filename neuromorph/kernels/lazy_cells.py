"""Template of the kernels of lazy populations on the grid: only cells on the active list are visited in a tick.

The state of a cell is that after its last own event, at tick `since`; it is taken from there to the present tick at
once by the hook `advance`, clamped up to `until`. A visit takes about 25 ns: scattered reads, and an exponential.
"""

from __future__ import annotations

LAZY = """
S_{k} = collections.namedtuple("S_{k}", {variables!r})
X_{k} = collections.namedtuple("X_{k}", {receptors!r})
P_{k} = collections.namedtuple("P_{k}", {parameters!r})


@kernel
def evaluate_{k}(tick, unit, chosen, {held_arguments}, out):
    for j in range(chosen.size):
        i = chosen[j]
        p = P_{k}({parameter_values})
        s = S_{k}({state_values})
        {to_now}
        {put}


@kernel
def step_{k}(tick, {step_arguments}, first_id, entity, seed, stream, unit, slot, active, lists, fired,
           out_tick, out_source, out_count, n):
    waiting, touched, first, listed, every = lists
    if every[active] == 1:
        for i in range(until.size):
            enlist(slot + i, lists)
    many = listed[active]
    if many == 0:
        return n
    listed[active] = 0
    start = first[active]
    hot = 0
    for j in range(many):
        i = touched[start + j] - slot
        waiting[slot + i] = active
        p = P_{k}({parameter_values})
        s = S_{k}({state_values})
        {to_now}
        is_refractory = tick < until[i]
        {unpack} = receive_{k}(s, X_{k}({input_values}), p, is_refractory, R(seed, stream, entity + i))
        s = S_{k}({names})
        {store}
        since[i] = tick
        {clear_inputs}
        if fires_{k}(s, p) > 0:
            if is_refractory:
                enlist(slot + i, lists)  # set above threshold by hand: it fires as soon as it may
            else:
                fired[hot] = i
                hot += 1
    if hot > 1:
        fired[:hot].sort()
    for j in range(hot):
        i = fired[j]
        p = P_{k}({parameter_values})
        s = S_{k}({state_values})
        out_tick[n] = tick
        out_source[n] = first_id + i
        out_count[n] = fires_{k}(s, p)
        n += 1
        {unpack} = reset_{k}(s, p)
        {store}
        until[i] = tick + refractory[i]
    return n
"""


def to_now(k: int, names: str, unpack: str) -> list[str]:
    """Lines that take the state s of cell i from its last own event to the present tick."""
    lines = []
    for ticks, clamped in (("min(tick, until[i]) - since[i]", True), ("tick - max(since[i], until[i])", False)):
        lines += [
            f"ticks = {ticks}",
            "if ticks > 0:",
            f"    {unpack} = advance_{k}(s, ticks * unit, p, {clamped})",
            f"    s = S_{k}({names})",
        ]
    return lines

"""Lines of a rule's kernels that learn a whole row at once, in SIMD, from the few most recent spikes of each cell.

kernels/plastic.py replays missed postsynaptic spikes synapse by synapse, through a list: five loads that wait for each
other, and a branch nobody can foresee. Here each cell's RECENT latest spikes lie side by side; every one of them is
tried at every synapse, and kept where it is due. Synapses for which that is not enough (a cell that spiked more often,
a trace older than the table of decays) are `late`, and go the long way. Both ways do the same arithmetic.

Pair STDP at 50 Hz on both sides: 13.5 ns a synaptic event where one by one took 22.9 (one core, EPYC 9004). Of these 10
are eight gathers from what does not fit into L1 (7 ns with two spikes tried, where 10 % of the synapses are late, 12
with four; scalar loads instead of gathers 9), late ones 0.4, the arrivals 2.

For rows with one delay on the grid, of rules without states of the synapse or variables of the postsynaptic cell.
"""

from __future__ import annotations

from neuromorph.kernels.watch import watcher
from neuromorph.learning.contract import LearningRule

#: spikes of a cell that are tried
RECENT = 3
#: base of a spike that never was
NEVER = -(1 << 40)


def learns_rows(rule: type[LearningRule], exact: bool) -> bool:
    """Whether rows of this rule can be learned at once."""
    replays = "on_post" in rule.hooks()
    remembers = replays or ("on_pre" in rule.hooks() and bool(rule.traces("post")))
    if watcher() is not None:  # hooks are tried on spikes that are not due
        return False
    own = rule.states() or rule.randoms() or rule.reads_past() or (replays and rule.variables("post"))
    return remembers and not exact and not own


def append_lines(rule: type[LearningRule], exact: bool) -> list[str]:
    """At a spike of cell t in `append`: those before it move up."""
    if not learns_rows(rule, exact):
        return []
    out = [f"r = t * {RECENT}"]
    for m in range(RECENT - 1, 0, -1):
        out += [f"history.recent[r + {m}] = history.recent[r + {m - 1}]"]
        out += [f"history.recent_count[r + {m}] = history.recent_count[r + {m - 1}]"]
        for k in range(len(rule.traces("post"))):
            out += [f"history.{a}[{k}, r + {m}] = history.{a}[{k}, r + {m - 1}]" for a in ("y_before", "y_after")]
    out += ["history.recent[r] = base[k]", "history.recent_count[r] = count[k]"]
    for k in range(len(rule.traces("post"))):
        out += [f"history.y_before[{k}, r] = y{k}", f"history.y_after[{k}, r] = history.y[{k}, n]"]
    return out


def row_lines(rule: type[LearningRule], exact: bool, one_by_one: list[str]) -> list[str]:
    """In `visit`: the whole row at once, then those that are late; or all of them `one_by_one` (a loop over j)."""
    if not learns_rows(rule, exact):
        return one_by_one
    loop, *body = one_by_one
    return [
        "late = b - a",
        "whole = rows.delay.size == 1 and tb - source.base[i] < rule.decay.shape[1]",
        "if whole:",
        f"    late = learn_row({', '.join(name for name in _arguments(rule).values())})",
        "if late > 0:",
        f"    {loop}",
        "        if not whole or history.late[j - a] != 0:",
        *("        " + line for line in body),
    ]


def _arguments(rule: type[LearningRule]) -> dict[str, str]:
    """Arguments of learn_row, and what visit passes."""
    x, y = len(rule.traces("pre")), len(rule.traces("post"))
    out = {
        "target": "rows.target[a:b]", "weights": "rows.weight[a:b]", "late": "history.late", "now": "tb",
        "seen": "source.seen_base[i]", "own": "source.base[i]", "d": "int(rows.delay[0])", "c": "c",
        **{f"v{k}": f"rule.p[{k}]" for k in range(len(rule.parameters()))},
        "w_min": "rule.w_min", "w_max": "rule.w_max", "recent": "history.recent", "counts": "history.recent_count",
    }  # fmt: skip
    for k in range(x):
        out |= {f"own_x{k}": f"source.x[{k}, i]", f"px{k}": f"px{k}", f"x_decay{k}": f"rule.decay[{k}]"}
    for k in range(y):
        out |= {f"y_before{k}": f"history.y_before[{k}]", f"y_after{k}": f"history.y_after[{k}]"}
        out |= {f"y_decay{k}": f"rule.decay[{x + k}]"}
    return out


def function_lines(rule: type[LearningRule], exact: bool) -> list[str]:
    """The function learn_row: returns how many synapses are late, which keep their weights."""
    if not learns_rows(rule, exact):
        return []
    x, y, last = len(rule.traces("pre")), len(rule.traces("post")), RECENT - 1
    # as numbers: read from an array inside the function they cost a sixth more (13.4 instead of 11.5 ns an event)
    parameters = ", ".join(f"v{k}" for k in range(len(rule.parameters()))) or "0.0"
    tabulated = f"{'x' if x else 'y'}_decay0.size"
    hooks = rule.hooks()
    body = ["t = target[j] * " + str(RECENT), "before = weights[j]", "w = float(before)"]
    body += [f"b{m} = recent[t + {m}]" for m in range(RECENT)]
    # with as many spikes unseen as are tried there may be more, and with all of them ahead nothing is known of before
    body += [f"bad = b{last} > unseen"]
    if "on_post" in hooks:
        for m in reversed(range(RECENT)):
            body += _on_post(rule, m)
    if "on_pre" in hooks:
        body += _on_pre(rule)
        body += [f"bad |= b{last} >= horizon"]
    body += ["weights[j] = before if bad else np.float32(w)", "late[j] = bad", "n += bad"]
    return [
        "@kernel(disjoint=True, counted=False, inner=True)",
        f"def learn_row({', '.join(_arguments(rule))}):",
        f"    p = P({parameters})",
        "    horizon = now - d  # spikes up to here have reached the synapse, those before it count for on_pre",
        "    unseen = seen - d  # spikes after this one have not been learned from",
        *([f"    last = {tabulated} - 1"] if x or y else []),
        "    n = 0",
        "    for j in range(target.size):",
        *("        " + line for line in body),
        "    return n",
    ]


def _bounded(due: str) -> list[str]:
    return ["after = bounded(after, w_min, w_max)", f"w = after if {due} else w"]


def _on_post(rule: type[LearningRule], m: int) -> list[str]:
    x, y = len(rule.traces("pre")), len(rule.traces("post"))
    out = [f"since = within(b{m} + d - own, last)"] if x else []
    out += [f"x{k} = own_x{k} * x_decay{k}[since]" for k in range(x)]
    out += [f"y{k} = y_before{k}[t + {m}]" for k in range(y)]
    pre = [f"x{k}" for k in range(x)] + ["0.0"] * (len(rule.variables("pre")) + 1)
    post = [f"y{k}" for k in range(y)] + [f"float(counts[t + {m}])"]
    out += [f"pre = Pre({', '.join(pre)})", f"post = Post({', '.join(post)})", "after = on_post(w, pre, post, p)"]
    return out + _bounded(f"(b{m} > unseen) & (b{m} <= horizon)")


def _on_pre(rule: type[LearningRule]) -> list[str]:
    x, y = len(rule.traces("pre")), len(rule.traces("post"))
    out = []
    if y:
        # the latest spike that is strictly earlier
        out += [f"since = horizon - b{RECENT - 1}"]
        out += [f"since = horizon - b{m} if b{m} < horizon else since" for m in reversed(range(RECENT - 1))]
    for k in range(y):
        out += [f"y{k} = y_after{k}[t + {RECENT - 1}]"]
        out += [f"y{k} = y_after{k}[t + {m}] if b{m} < horizon else y{k}" for m in reversed(range(RECENT - 1))]
        out += [f"bad |= (since > last) & (y{k} != 0.0)"]
    if y:
        out += ["since = within(since, last)"]
    out += [f"y{k} *= y_decay{k}[since]" for k in range(y)]
    pre = [f"px{k}" for k in range(x)] + ["0.0"] * len(rule.variables("pre")) + ["c"]
    post = [f"y{k}" for k in range(y)] + ["0.0"] * (len(rule.variables("post")) + 1)
    out += [f"pre = Pre({', '.join(pre)})", f"post = Post({', '.join(post)})", "after = on_pre(w, pre, post, p)"]
    return [*out, "w = bounded(after, w_min, w_max)"]

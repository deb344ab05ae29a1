"""What a rule's declarations add to the kernels of kernels/plastic.py, line by line; absent hooks add none."""

from __future__ import annotations

from neuromorph.kernels.recent import append_lines, function_lines, row_lines
from neuromorph.kernels.synapse_lines import call_lines, load_lines, transmit_lines
from neuromorph.kernels.watch import watcher
from neuromorph.learning.contract import LearningRule, Trace

#: the structs of a part's arrays and numbers, as templates name them (kernels/flatten.py)
STRUCTS = {
    "rows": ["row", "target", "slot", "delay", "weight", "low", "dense", "known", "volley", "total"],
    "synapse": ["state", "base", "offset", "ordinal"],
    "source": ["x", "before", "base", "offset", "seen_base", "seen_offset"],
    "history": [
        *("base", "offset", "cell", "count", "prev", "y", "v", "head", "stack"),
        *("floor_y", "floor_base", "floor_offset"),
        *("recent", "recent_count", "y_before", "y_after", "late", "past"),
    ],
    "rule": ["p", "w_min", "w_max", "u", "ms", "decay", "seed", "stream"],
}

#: a signal goes through whole rows of a matrix where more than one in so many of their targets have changed
FEW = 10


#: arrays of the arrivals that are under way in exact mode
PENDING = [f"pending_{name}" for name in ("base", "offset", "slot", "weight", "source", "synapse")]

#: rows of a matrix of which spikes change and remember nothing are only added up
_MATRIX = [
    "if rows.dense:",
    "    width = rows.row[1] - rows.row[0] if n_pre > 0 else 0",
    "    first = slot_of(rows.slot, rows.target, 0) if width > 0 else 0",
    "    more = deliver_matrix(start, end, base, spike_source, spike_count, first_id, n_pre, ring, int(rows.delay[0]),",
    "                          first, rows.weight, width, deaf, rows.known, rows.volley, rows.total)",
    "    return more",
]


def template_lines(rule: type[LearningRule], exact: bool) -> dict[str, object]:
    """What fills the placeholders of the template for one rule: a list is one line each."""
    x, y = rule.traces("pre"), rule.traces("post")
    pre_v, post_v = rule.variables("pre"), rule.variables("post")
    hooks = rule.hooks()
    zero = "0.0"
    lines: dict[str, object] = {
        "structs": ", ".join(STRUCTS),
        "outbox": ", ".join([*PENDING, "pending", "projection"] if exact else ["ring", "deaf"]),
        "visited": "end, pending, events" if exact else "events",
        "at_synapse": "at_synapse_exact" if exact else "at_synapse_grid",
        "inner": "" if exact else ", inner=True",  # on the grid only steps call them
        "variables": "".join(f"{name}, " for name in variable_names(rule)),
        "pre_fields": [*x, *pre_v, "count"],
        "post_fields": [*y, *post_v, "count"],
        "parameters": list(rule.parameters()) or ["none"],
        "states": [*rule.states(), *rule.randoms()] or ["none"],
        "parameter_values": ", ".join(f"rule.p[{k}]" for k in range(len(rule.parameters()))) or zero,
        "offset_at_append": "offset[k]" if exact else zero,
        "y_at_append": _y_at_append(y, len(x), exact),
        "floor_from_event": [f"history.floor_y[{k}, t] = history.y[{k}, e]" for k in range(len(y))],
        "x_at_event": _x_at_event(x, exact),
        "y_before_event": _y_before_event(y, len(x), exact),
        "load_state_at_event": load_lines(rule, "on_post", exact) if "on_post" in hooks else [],
        "pre_values_post_hook": ", ".join([f"x{k}" for k in range(len(x))] + [zero] * (len(pre_v) + 1)),
        "post_values_post_hook": ", ".join(
            [f"y{k}" for k in range(len(y))]
            + [f"history.v[{k}, e]" for k in range(len(post_v))]
            + ["float(history.count[e])"]
        ),
        "call_on_post": call_lines(rule, "on_post") if "on_post" in hooks else ["pass"],
        "room": ["if pending + (b - a) > pending_base.size:", "    return k, pending, events"] if exact else [],
        "matrix": [] if exact or not only_adds(rule) else _MATRIX,
        "x_at_visit": _x_at_visit(x, exact),
        "learn_row": function_lines(rule, exact),
        "recent_at_append": append_lines(rule, exact),
        "row_loop": row_lines(rule, exact, _row_loop(rule, exact)),
        "deposit": _deposit(rule, exact),
        "store_x": [line for k, t in enumerate(x.values()) for line in _store_x(k, t)],
        "sweep_body": (
            [
                "w = float(rows.weight[j])",
                "rows.weight[j] = _replay(w, i, j, base, offset, rows, synapse, source, history, rule)",
            ]
            if "on_post" in hooks
            else ["pass"]
        ),
        "changed_cells": _changed_cells(rule),
        "changed_values": "".join(f"value_{k}, " for k in range(len(post_v) if _promised(rule, "post") else 0)),
        "skip_row": _skip_row(rule),
        "x_at_signal": _x_at_signal(x, exact),
        "signal_loop": _signal_loop(rule, exact) if "on_signal" in hooks else ["pass"],
        "choose_loop": _choose_loop(rule, exact) if "rewire" in hooks else ["pass"],
    }
    return lines | _minibatch_lines(rule, exact)


def only_adds(rule: type[LearningRule]) -> bool:
    """Whether spikes do no more to a synapse than send its weight."""
    return not rule.traces("pre") and not {"on_pre", "on_post", "transmit"} & rule.hooks().keys()


def variable_names(rule: type[LearningRule]) -> list[str]:
    """Arguments of the kernel `signal` that hold the model variables that a rule reads, float64[cells] each."""
    return [f"{side}_{k}" for side in ("pre", "post") for k in range(len(rule.variables(side)))]


def _minibatch_lines(rule: type[LearningRule], exact: bool) -> dict[str, object]:
    """What fills `list_changed` and `signals`, whose variables are stretches of the rows of `results`."""
    names, promised = variable_names(rule), _promised(rule, "post")
    views = {
        side: [f"{v} = results[k, {v}_at : {v}_at + {size}]" for v in names if v.startswith(side)]
        for side, size in (("pre", "source.base.size"), ("post", "history.head.size"))
    }
    every = [
        "m = 0",
        "for t in range(low, high):",
        "    every_changed[k, m] = t - low  # without a branch: 1 ns a cell instead of 4",
        f"    m += int({' and '.join(f'post_{k}[t] != 0.0' for k in promised)})",
        "n_every[k] = m",
    ]
    return {
        "places": "".join(f"{name}_at, " for name in names),
        "pre_views": views["pre"],
        "post_views": views["post"],
        "list_changed": every if promised else ["n_every[k] = -1"],
        "signal_loop_of_batch": _signal_loop(rule, exact, packed=False) if "on_signal" in rule.hooks() else ["pass"],
        "skip_unchanged": ["if n_changed == 0:", "    continue"] if promised else [],
    }


def _decay(trace: Trace, row: int) -> str:
    return f"decay_over(since, rule.decay, {row}, rule.ms, p.{trace.tau})"


def _since(exact: bool, at: tuple[str, str], of: str, index: str, delay: str = "") -> str:
    """Time from instant `of` to `at` in units of delays; a whole number on the grid, where all offsets are 0."""
    join = "_" if "." in of else "."
    base, offset = f"{of}{join}base[{index}]", f"{of}{join}offset[{index}]"
    if exact:
        return f"since = ({at[0]} - {base}) * rule.u + ({at[1]} - {offset}){delay}"
    return f"since = {at[0]} - {base}{delay}"


def _y_at_append(y: dict[str, Trace], first: int, exact: bool) -> list[str]:
    offset = "offset[k]" if exact else "0.0"
    out = []
    for k, trace in enumerate(y.values()):
        out += [
            "if e >= 0:",
            f"    {_since(exact, ('base[k]', offset), 'history', 'e')}",
            f"    y{k} = history.y[{k}, e] * {_decay(trace, k + first)}",
            "else:",
            f"    {_since(exact, ('base[k]', offset), 'history.floor', 't')}",
            f"    y{k} = history.floor_y[{k}, t] * {_decay(trace, k + first)}",
            f"history.y[{k}, n] = {trace.step!r}" + ("" if trace.nearest else f" * count[k] + y{k}"),
        ]
    return out


def _x_at_event(x: dict[str, Trace], exact: bool) -> list[str]:
    if not x:
        return []
    out = [_since(exact, ("history.base[e]", "history.offset[e]"), "source", "i", " + d")]
    return out + [f"x{k} = source.x[{k}, i] * {_decay(t, k)}" for k, t in enumerate(x.values())]


def _y_before_event(y: dict[str, Trace], first: int, exact: bool) -> list[str]:
    if not y:
        return []
    at = "history.base[e]", "history.offset[e]"
    out = [
        "q = history.prev[e]",
        "if q >= 0:",
        f"    {_since(exact, at, 'history', 'q')}",
    ]
    out += [f"    y{k} = history.y[{k}, q] * {_decay(t, k + first)}" for k, t in enumerate(y.values())]
    out += [
        "else:",
        f"    {_since(exact, at, 'history.floor', 't')}",
    ]
    return out + [f"    y{k} = history.floor_y[{k}, t] * {_decay(s, k + first)}" for k, s in enumerate(y.values())]


def _y_at_synapse(y: dict[str, Trace], first: int, exact: bool, at: tuple[str, str] = ("tb", "to")) -> list[str]:
    """Post traces at (tb, to) - d, strictly earlier."""
    if not y:
        return []
    out = [
        "t = rows.target[j]",
        f"e = last_before(history.head[t], history.base, history.offset, history.prev, {at[0]}, {at[1]}, d, rule.u)",
        "if e >= 0:",
        f"    {_since(exact, at, 'history', 'e', ' - d')}",
    ]
    out += [f"    y{k} = history.y[{k}, e] * {_decay(s, k + first)}" for k, s in enumerate(y.values())]
    out += [
        "else:",
        f"    {_since(exact, at, 'history.floor', 't', ' - d')}",
    ]
    return out + [f"    y{k} = history.floor_y[{k}, t] * {_decay(s, k + first)}" for k, s in enumerate(y.values())]


def _x_at_visit(x: dict[str, Trace], exact: bool) -> list[str]:
    if not x:
        return []
    out = [_since(exact, ("tb", "to"), "source", "i")]
    return out + [f"px{k} = source.x[{k}, i] * {_decay(t, k)}" for k, t in enumerate(x.values())]


def _store_x(k: int, trace: Trace) -> list[str]:
    after = repr(trace.step) if trace.nearest else f"px{k} + {trace.step!r} * c"
    return [f"source.before[{k}, i] = px{k}", f"source.x[{k}, i] = {after}"]


def _row_loop(rule: type[LearningRule], exact: bool) -> list[str]:
    hooks, x, y = rule.hooks(), rule.traces("pre"), rule.traces("post")
    body = ["w = float(rows.weight[j])"]
    if "on_post" in hooks:
        body += ["w = _replay(w, i, j, tb, to, rows, synapse, source, history, rule)"]
    if "on_pre" in hooks:
        pre = [f"px{k}" for k in range(len(x))] + ["0.0"] * len(rule.variables("pre")) + ["c"]
        post = [f"y{k}" for k in range(len(y))] + _past(rule) + ["0.0"]
        body += ["d = delay_of(rows.delay, j)", "t = rows.target[j]", *_y_at_synapse(y, len(x), exact)]
        body += load_lines(rule, "on_pre", exact)
        body += [f"pre = Pre({', '.join(pre)})", f"post = Post({', '.join(post)})", *call_lines(rule, "on_pre")]
        body += ["w = bounded(w, rule.w_min, rule.w_max)"]
    if len(body) == 1:
        return []
    return ["for j in range(a, b):", *("    " + line for line in [*body, "rows.weight[j] = w"])]


def _past(rule: type[LearningRule]) -> list[str]:
    """In on_pre: the target's Variables one delay ago, zeros for those that the hook does not read."""
    read = rule.reads_past()
    return [
        f"history.past[{read.index(name)}, (tb - d) % history.past.shape[1], t]" if name in read else "0.0"
        for name in rule.variables("post")
    ]


def _deposit(rule: type[LearningRule], exact: bool) -> list[str]:
    transmit = [f"    {line}" for line in transmit_lines(rule, exact)]
    if "transmit" in rule.hooks() and not exact:
        to = "ring[(tb + int(delay_of(rows.delay, j))) % ring.shape[0], slot_of(rows.slot, rows.target, j)]"
        return ["for j in range(a, b):", *transmit, f"    {to} += c * w"]
    if exact:
        return [
            "for j in range(a, b):",
            *transmit,
            "    at_base, at_offset = normalise(tb, to + delay_of(rows.delay, j), rule.u)",
            "    pending_base[pending] = at_base",
            "    pending_offset[pending] = at_offset",
            "    pending_slot[pending] = slot_of(rows.slot, rows.target, j)",
            "    pending_weight[pending] = c * w",
            "    pending_source[pending] = spike_source[k]",
            "    pending_synapse[pending] = projection + j",
            "    pending += 1",
        ]
    return [
        "deposit_row(ring, tb, c, rows.dense, rows.delay, rows.slot, rows.target, rows.weight, a, b)",
    ]


def _promised(rule: type[LearningRule], side: str) -> list[int]:
    names = list(rule.variables(side))
    return [names.index(q.split(".")[1]) for q in rule.unchanged_when_zero if q.split(".")[0] == side]


def _changed_cells(rule: type[LearningRule]) -> list[str]:
    promised = _promised(rule, "post")
    if not promised:
        return ["low, n_changed, changed = 0, 0, np.empty(0, np.int64)"]
    test = " and ".join(f"post_{k}[t] != 0.0" for k in promised)
    values = [f"value_{k}" for k in range(len(rule.variables("post")))]
    return [
        "low, high = 0, post_0.size",
        "if rows.dense and rows.row.size > 1:",
        "    low, high = rows.low, rows.low + rows.row[1] - rows.row[0]",
        "changed = np.empty(high - low, np.int64)",
        *(f"{value} = np.empty(high - low)" for value in values),
        "n_changed = 0",
        # without a branch, which half of active cells would mislead: 2.5 -> 0.8 us for 800 cells
        "for t in range(low, high):",
        "    changed[n_changed] = t - low",
        *(f"    {value}[n_changed] = post_{k}[t]" for k, value in enumerate(values)),
        f"    n_changed += 1 if {test} else 0",
        "if n_changed == 0:",
        "    return 0",
    ]


def _skip_row(rule: type[LearningRule]) -> list[str]:
    return [line for k in _promised(rule, "pre") for line in (f"if pre_{k}[i] == 0.0:", "    continue")]


def _x_at_signal(x: dict[str, Trace], exact: bool) -> list[str]:
    if not x:
        return []
    out = [
        _since(exact, ("base", "offset"), "source", "i"),
        "now = source.base[i] == base and source.offset[i] == offset",
    ]
    return out + [
        f"x{k} = source.before[{k}, i] if now else source.x[{k}, i] * {_decay(t, k)}" for k, t in enumerate(x.values())
    ]


def _look_lines(rule: type[LearningRule], hook: str, exact: bool) -> list[str]:
    """A hook for synapse j of source i and target t that is called at an instant of both."""
    x, y = rule.traces("pre"), rule.traces("post")
    pre = [f"x{k}" for k in range(len(x))]
    pre += [f"pre_{k}[i]" for k in range(len(rule.variables("pre")))] + ["0.0"]
    post = [f"y{k}" for k in range(len(y))]
    post += [f"post_{k}[t]" for k in range(len(rule.variables("post")))] + ["0.0"]
    at = _y_at_synapse(y, len(x), exact, ("base", "offset"))
    body = ["w = float(rows.weight[j])", *(["d = delay_of(rows.delay, j)"] if y else []), *at]
    body += load_lines(rule, hook, exact)
    return body + [f"pre = Pre({', '.join(pre)})", f"post = Post({', '.join(post)})", *call_lines(rule, hook)]


def _choose_loop(rule: type[LearningRule], exact: bool) -> list[str]:
    look = _look_lines(rule, "rewire", exact)
    return ["for j in range(a, b):", "    t = rows.target[j]", *_indent(look), "    given_up[j] = w"]


def _signal_loop(rule: type[LearningRule], exact: bool, packed: bool = True) -> list[str]:
    y, own = rule.traces("post"), bool(rule.states() or rule.randoms())
    body = _look_lines(rule, "on_signal", exact)
    body += ["rows.weight[j] = bounded(w, rule.w_min, rule.w_max)"]
    every = ["for j in range(a, b):", "    t = rows.target[j]"]
    promised = _promised(rule, "post")
    test = " and ".join(f"post_{k}[t] != 0.0" for k in promised)
    one_by_one = [*every, *([f"    if {test}:"] if promised else [])]
    one_by_one += [("        " if promised else "    ") + line for line in body]
    whole = [] if y or own or watcher() else _whole_row(rule)  # a debug run goes synapse by synapse
    if not promised:
        return ["if rows.dense:", *_indent(whole), "else:", *_indent(one_by_one)] if whole else one_by_one
    few = [
        "for m in range(n_changed):",
        "    t = low + changed[m]",
        "    j = a + changed[m]",
        *_indent(body),
    ]
    many = [f"if rows.dense and b - a >= 64 and n_changed * {FEW} > b - a:", *_indent(whole)] if whole else []
    few = _few_of_row(rule) if whole and packed else few
    return [*many, f"{'elif' if whole else 'if'} rows.dense:", *_indent(few), "else:", *_indent(one_by_one)]


def _few_of_row(rule: type[LearningRule]) -> list[str]:
    """on_signal for the changed synapses of a row of a matrix: what it reads of them lies packed (6 -> 2 ns each)."""
    n_pre, n_post = len(rule.variables("pre")), len(rule.variables("post"))
    pre = [f"x{k}" for k in range(len(rule.traces("pre")))] + [f"pre_{k}[i]" for k in range(n_pre)] + ["0.0"]
    post = [f"value_{k}[m]" for k in range(n_post)] + ["0.0"]
    return [
        "weights = weight[a:b]",
        f"pre = Pre({', '.join(pre)})",
        "for m in range(n_changed):",
        "    t = changed[m]",
        "    w = float(weights[t])",
        f"    post = Post({', '.join(post)})",
        *_indent(call_lines(rule, "on_signal")),
        "    weights[t] = bounded(w, rule.w_min, rule.w_max)",
    ]


def _whole_row(rule: type[LearningRule]) -> list[str]:
    """on_signal for every synapse of a row of a matrix, without branches; what was promised unchanged stays so."""
    n_pre, n_post = len(rule.variables("pre")), len(rule.variables("post"))
    pre = [f"x{k}" for k in range(len(rule.traces("pre")))] + [f"own_{k}" for k in range(n_pre)] + ["0.0"]
    post = [f"row_{k}[m]" for k in range(n_post)] + ["0.0"]
    test = " and ".join(f"row_{k}[m] != 0.0" for k in _promised(rule, "post"))
    return [
        "weights = weight[a:b]",
        *(f"own_{k} = pre_{k}[i]" for k in range(n_pre)),
        *(f"row_{k} = post_{k}[rows.low : rows.low + (b - a)]" for k in range(n_post)),
        f"pre = Pre({', '.join(pre)})",
        "for m in range(weights.size):",
        "    w = float(weights[m])",
        f"    post = Post({', '.join(post)})",
        *_indent(call_lines(rule, "on_signal")),
        "    w = bounded(w, rule.w_min, rule.w_max)",
        f"    weights[m] = w if {test} else weights[m]" if test else "    weights[m] = w",
    ]


def _indent(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]

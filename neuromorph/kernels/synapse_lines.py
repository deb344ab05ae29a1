"""Lines of a rule's kernels around one call of a hook: what it sees of the synapse, the call, and what comes back.

A synapse has States, which decay between hooks, and Randoms, numbers that depend on nothing but (seed, projection,
synapse, hook, instant). An instant is that of the spike or signal which calls the hook; in exact mode the bits of its
offset stand for it.
"""

from __future__ import annotations

from neuromorph.learning.contract import HOOKS, MOST_RANDOMS, LearningRule


def load_lines(rule: type[LearningRule], hook: str, exact: bool) -> list[str]:
    """States decayed to the instant of a hook, which is stored as that of the synapse's latest, and its numbers."""
    states = rule.states()
    base, offset = _instant(hook)
    out = [f"e{k}_ = synapse.state[{k}, j]" for k in range(len(states))]
    if any(s.tau for s in states.values()):
        out += [f"at_base = {base}", f"at_offset = {offset}{' + d' if hook == 'on_post' else ''}"]
        out += ["since = (at_base - synapse.base[j]) * rule.u + (at_offset - synapse.offset[j])"]
        if hook.startswith("on_"):
            out += ["synapse.base[j] = at_base", "synapse.offset[j] = at_offset"]
        out += [f"e{k}_ *= exp(-(since * rule.ms) / p.{s.tau})" for k, s in enumerate(states.values()) if s.tau]
    if not rule.randoms():
        return out
    first = list(HOOKS).index(hook) * MOST_RANDOMS
    out += [f"drawn_at = {f'instant_number({base}, {offset})' if exact else base}"]
    return out + [
        f"u{k}_ = uniform(rule.seed, rule.stream + {first + k}, synapse.ordinal[j], drawn_at)"
        for k in range(len(rule.randoms()))
    ]


def _instant(hook: str) -> tuple[str, str]:
    if hook == "on_post":
        return "history.base[e]", "history.offset[e]"
    return ("tb", "to") if hook in ("on_pre", "transmit") else ("base", "offset")


def call_lines(rule: type[LearningRule], hook: str) -> list[str]:
    """The call of a hook and what becomes of the states that it returns."""
    states = [f"e{k}_" for k in range(len(rule.states()))]
    seen = ", ".join(states + [f"u{k}_" for k in range(len(rule.randoms()))])
    arguments = ", ".join([*HOOKS[hook], *([f"Syn({seen})"] if seen else [])])
    if not states or not hook.startswith("on_"):
        return [f"w = {hook}({arguments})"]
    out = [f"w, {', '.join(states)} = {hook}({arguments})"]
    return out + [f"synapse.state[{k}, j] = {name}" for k, name in enumerate(states)]


def transmit_lines(rule: type[LearningRule], exact: bool) -> list[str]:
    """`w`, what one spike delivers through synapse j: its weight, or what the rule says."""
    if "transmit" not in rule.hooks():
        return ["w = float(rows.weight[j])"]
    return ["w = float(rows.weight[j])", *load_lines(rule, "transmit", exact), *call_lines(rule, "transmit")]

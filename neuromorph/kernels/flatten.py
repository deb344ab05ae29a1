"""From a template in which functions share structs of arrays to one in which each takes the arrays that it uses.

A struct of forty arrays costs numba three hundred values at every call that it is handed to, used or not: half of the
time that a rule took to compile. Templates read `history.base[e]`; what is compiled reads `history_base[e]`.
"""

from __future__ import annotations

import re

_FUNCTION = re.compile(r"^def (\w+)\(((?:[^()]|\n)*)\):", re.M)


def flatten(text: str, structs: dict[str, list[str]]) -> tuple[str, dict[str, list[str]]]:
    """Text with the fields of structs as arguments of their own, and of each function which it takes, in order.

    structs : name of an argument -> fields
    """
    any_struct = "|".join(structs)
    fields = re.compile(rf"\b({any_struct})\.(\w+)")
    starts = [*_FUNCTION.finditer(text)]
    ends = [match.start() for match in starts[1:]] + [len(text)]
    bodies = {match[1]: text[match.end() : end] for match, end in zip(starts, ends)}
    takes = {match[1] for match in starts if set(_names(match[2])) & structs.keys()}
    used = {name: set(fields.findall(bodies[name])) for name in takes}
    call = re.compile(rf"\b({'|'.join(takes)})\(((?:[^()]|\n)*)\)")
    grown = True
    while grown:
        before = sum(map(len, used.values()))
        for name in takes:
            used[name] = used[name].union(*(used[match[1]] for match in call.finditer(bodies[name])))
        grown = sum(map(len, used.values())) > before

    def expanded(match: re.Match[str]) -> str:
        function = match[1]
        arguments: list[str] = []
        for name in _names(match[2]):
            arguments += (
                [f"{name}_{f}" for f in structs[name] if (name, f) in used[function]] if name in structs else [name]
            )
        return f"{function}({', '.join(arguments)})"

    flat = fields.sub(r"\1_\2", call.sub(expanded, text))
    order = [(name, f) for name, every in structs.items() for f in every]
    # sorted: the order of a set differs between processes, and text that differs is compiled anew
    return flat, {name: [f"{s}_{f}" for s, f in order if (s, f) in used[name]] for name in sorted(takes)}


def _names(arguments: str) -> list[str]:
    return [name.strip() for name in arguments.split(",") if name.strip()]

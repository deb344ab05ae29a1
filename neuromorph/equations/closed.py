"""Code of closed forms: the state of a linear flow some time later, from exponentials of its rates.

On the grid the answers are coefficients of the step, in exact mode they are computed from the time that has passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from neuromorph.equations.algebra import sympy, tidy, written
from neuromorph.equations.linear import Flow


@dataclass
class Answers:
    """Names and definitions of what a closed form is made of, in order of definition.

    rates : name -> sympy expression, 1/ms
    decays : name -> name of its rate
    responses : name -> (factors and cascades that it is the sum of): [(gain, [names of rates])]
    """

    flow: Flow
    suffix: str = ""
    rates: dict[str, Any] = field(default_factory=dict)
    responses: dict[str, list[tuple[Any, list[str]]]] = field(default_factory=dict)

    def rate(self, name: str) -> str:
        """The name of a variable's rate; variables of one rate share it. "" for a rate of 0."""
        rate = self.flow.rate(name)
        if rate == 0:
            return ""
        for known, other in self.rates.items():
            if tidy(other - rate) == 0:
                return known
        self.rates[f"rate_{name}"] = rate
        return f"rate_{name}"

    def response(self, name: str, source: str, steady: bool = False) -> str:
        """The name of the answer of one variable to another's value, or to a steady drive of that one."""
        terms = []
        for path in self.flow.paths(name, source):
            gain = sympy().Integer(1)
            for j, i in zip(path, path[1:]):
                gain *= self.flow.matrix[i, j]
            terms.append((tidy(gain), [self.rate(i) for i in path] + ([""] if steady else [])))
        called = f"{name}_by_{'drive_of_' if steady else ''}{source}{self.suffix}"
        self.responses[called] = terms
        return called


def decay_of(rate: str) -> str:
    """The name of the exponential of a rate, decay_v for rate_v."""
    return rate.replace("rate_", "decay_", 1)


def later(
    answers: Answers,
    wanted: Iterable[str],
    old: Callable[[str], str],
    names: Mapping[str, str],
    coefficient: Callable[[str], str],
) -> tuple[list[str], dict[str, str]]:
    """Lines and code of the new value of the wanted variables of a triangular flow.

    old : code of a variable's value now
    names : code of all quantities
    coefficient : code of a decay or a response by name
    """
    flow, found = answers.flow, {}
    lines: list[str] = []
    for i in wanted:
        if flow.is_constant(i):
            found[i] = old(i)
            continue
        rest = flow.rest(i)
        rate = answers.rate(i)
        decay = f" * {coefficient(decay_of(rate))}" if rate else ""
        upstream = [j for j in flow.upstream(i)[1:]]
        if rest is None:
            terms = [f"{old(i)}{decay}"]
            terms += [f"{old(j)} * {coefficient(answers.response(i, j))}" for j in upstream]
            for j in [i, *upstream]:
                steady = flow.steady_drive(j)
                if steady != 0:
                    response = coefficient(answers.response(i, j, steady=True))
                    terms.append(f"({written(steady, names)}) * {response}")
        else:
            terms = [f"{_plus_rest(flow, i, names, lines, answers.suffix)}{_from_rest(old, i, lines, answers)}{decay}"]
            for j in upstream:
                _plus_rest(flow, j, names, lines, answers.suffix)
                terms.append(f"{_from_rest(old, j, lines, answers)} * {coefficient(answers.response(i, j))}")
        found[i] = " + ".join(terms)
    return lines, found


def _plus_rest(flow: Flow, name: str, names: Mapping[str, str], lines: list[str], suffix: str) -> str:
    """`rest_v + `, or nothing where a variable ends at 0; a line defines the rest where none does yet."""
    rest = flow.rest(name)
    if rest == 0:
        return ""
    line = f"rest_{name}{suffix} = {written(rest, names)}"
    if line not in lines:
        lines.append(line)
    return f"rest_{name}{suffix} + "


def _from_rest(old: Callable[[str], str], name: str, lines: list[str], answers: Answers) -> str:
    """Code of how far a variable is from its rest."""
    rest = f"rest_{name}{answers.suffix}"
    return f"({old(name)} - {rest})" if any(line.startswith(f"{rest} = ") for line in lines) else old(name)


def response_code(terms: list[tuple[Any, list[str]]], names: Mapping[str, str], h: str, arrays: bool) -> str:
    """Code of an answer: gains times cascades, for numbers in a hook or (arrays) for all cells at once."""
    return " + ".join(_scaled(gain, _cascade(rates, h, arrays), names, arrays) for gain, rates in terms)


def _scaled(gain: Any, text: str, names: Mapping[str, str], arrays: bool) -> str:
    if gain == 1:
        return text
    shown = written(gain, names, arrays)
    return f"({shown}) * {text}" if gain.is_Add or str(shown).startswith("-") else f"{shown} * {text}"


def _cascade(rates: list[str], h: str, arrays: bool) -> str:
    """The answer of a cascade; those of one rate alone, and of one of two that stands twice, need no kernel."""
    distinct = list(dict.fromkeys(rates))
    n = len(rates)
    if len(distinct) == 1:
        power = " * ".join([h] * (n - 1)) or "1.0"
        text = power if n <= 2 else f"{power} * {1.0 / [1, 1, 2, 6, 24][n - 1]!r}"
        if not distinct[0]:
            return text
        decay = f"exps(-{h} * {distinct[0]})" if arrays else decay_of(distinct[0])
        return f"{text} * {decay}" if n > 1 else decay
    if arrays:
        return f"cascades({h}, {', '.join(r or '0.0' for r in rates)})"
    pairs = ", ".join(f"{r or '0.0'}, {decay_of(r) if r else '1.0'}" for r in rates)
    if n == 3 and len(distinct) == 2:
        twice = next(r for r in distinct if rates.count(r) == 2)
        once = next(r for r in distinct if r != twice)
        ends = ", ".join(f"{h} * {r or '0.0'}, {decay_of(r) if r else '1.0'}" for r in (once, twice))
        return f"{h} * {h} * quotients({ends})[1]"
    return f"cascade{n}({h}, {pairs})"


def advanced(
    flow: Flow,
    clamped: Iterable[str],
    wanted: Iterable[str],
    old: Callable[[str], str],
    names: Mapping[str, str],
    coefficient: Callable[[str], str],
) -> tuple[list[Answers], list[str], dict[str, str]]:
    """Answers, lines and code of new values, those of clamped variables and of what they drive by `clamped`."""
    still, chosen = set(clamped), list(wanted)
    free = Answers(flow)
    lines, found = later(free, chosen, old, names, coefficient)
    driven = [i for i in chosen if i not in still and still & set(flow.upstream(i))]
    held = Answers(flow.held(still), "_held", free.rates)
    more, kept = later(held, driven, old, names, coefficient)
    for i in chosen:
        if i in still:
            found[i] = f"{old(i)} if clamped else {found[i]}"
        elif i in driven:
            found[i] = f"{kept[i]} if clamped else {found[i]}"
    return [free, held], lines + more, found

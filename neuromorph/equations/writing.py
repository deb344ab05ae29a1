"""The module of a model: a class like those of models/, written from its equations, for people to read too.

It runs as fast as what was written by hand. benchmarks/equations.py, 2,000 cells on a busy machine (one core), by
equations and by hand; ns per cell and tick of 0.1 ms: lif_delta 0.75, 0.72; lif_exp 1.2, 0.9; lif_alpha 1.2, 1.6;
lif_cond_exp 2.7, 2.6; izhikevich 2.2, 2.2; adex 15.6, 15.7. Exact mode, ns per arrival, Poisson sources among them:
lif_delta 52, 47; lif_exp 75, 83; lif_alpha 83, 71; a moving threshold and two currents, which nobody wrote by hand, 60.
Reading equations takes 20 to 100 ms, once, and the import of sympy 0.3 s; a text that was seen before 2 to 4 ms.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable
from dataclasses import replace

from neuromorph.equations.algebra import written
from neuromorph.equations.classify import Plan, plan
from neuromorph.equations.closed import Answers, advanced, decay_of, response_code
from neuromorph.equations.coding import IMPORTS
from neuromorph.equations.linear import Flow
from neuromorph.equations.model import class_name
from neuromorph.equations.quantities import declared_unit, source_of
from neuromorph.equations.reading import inside_docstring
from neuromorph.equations.statements import receive_lines, reset_lines, straight_into
from neuromorph.equations.system import System
from neuromorph.equations.thresholds import rate_lines, response_lines, sides

#: names that generated code may use -> where they come from
_SOURCES = {
    **IMPORTS,
    **dict.fromkeys(("exps", "logs", "quotients"), "neuromorph.kernels.elementary"),
    **dict.fromkeys(
        ("cascade2", "cascade3", "cascade4", "cascades", "highest", "lowest"), "neuromorph.kernels.cascade"
    ),
    **dict.fromkeys(
        ("first_crossing", "first_crossing_constant", "no_crossing_before"), "neuromorph.kernels.crossing"
    ),
    "first_root": "neuromorph.kernels.roots", "kernel": "neuromorph.kernels.jit",
    "exponential": "neuromorph.equations.matrix_exponential", "not_below": "neuromorph.models.lif",
    "Param": "neuromorph.parameters",
}  # fmt: skip
_DECLARATIONS = ("NeuronModel", "Receptor", "Variable", "LearningRule", "Trace", "State", "Random")
_SIGNATURES = {
    "coefficients": "p, h", "propagate": "s, c, p, clamped", "advance": "s, h, p, clamped", "decays": "h, p",
    "advance_by": "s, h, decays, p, clamped", "crossing": "s, h, p", "quiet": "s, p",
    "receive": "s, x, p, refractory, r", "fires": "s, p", "reset": "s, p",
}  # fmt: skip


def write_model(system: System) -> str:
    """The text of the module."""
    chosen = plan(system)
    hooks: dict[str, list[str]] = {}
    names: list[str] = []
    functions: list[str] = []
    if chosen.step is not None:
        functions += chosen.step.slopes()
        hooks["propagate"] = chosen.step.propagate()
        pairs = chosen.step.coefficients(lambda answers, h, prefix: _answer_pairs(system, answers, h, prefix))
        rates = [a for answers in chosen.step.answers.values() for a in answers]
        names, hooks["coefficients"] = _coefficients(system, pairs, rates)
    elif chosen.flow is not None:
        names = _linear(system, chosen, chosen.flow, hooks)
        if chosen.crossing is not None:
            functions += chosen.crossing.functions
    hooks |= {"receive": receive_lines(system), "fires": _fires(system), "reset": reset_lines(system)}
    body = _declarations(system, chosen, names) + _validate(system)
    for hook, signature in _SIGNATURES.items():
        if hook in hooks:
            body += ["", "@staticmethod", f"def {hook}({signature}):", *(f"    {x}" for x in hooks[hook])]
    lines = [*functions, "", ""] if functions else []
    lines += [f"class {class_name(system.spec.name)}(NeuronModel):", *(f"    {x}" if x else "" for x in body)]
    return with_imports(f"Neuron model {system.spec.name}", lines)


def with_imports(what: str, lines: Iterable[str], contract: str = "neuromorph.models.contract") -> str:
    """A module of these lines, with the imports that they need; declarations come from one of the two contracts."""
    title = f'"""{what}, written by neuromorph.equations. To change it by hand, copy it to a file of yours."""'
    text = "\n".join(lines)
    words = set(re.findall(r"(?<![.\w])[A-Za-z_]\w*", text))
    modules: dict[str, list[str]] = {}
    sources = _SOURCES | dict.fromkeys(_DECLARATIONS, contract)
    for word in sorted(words & sources.keys()):
        modules.setdefault(sources[word], []).append(word)
    imports = [f"import {m}" for m in ("math",) if "math." in text] + (["import numpy as np"] if "np." in text else [])
    imports += [f"from {m} import {', '.join(names)}" for m, names in sorted(modules.items())]
    return "\n".join([title, "", *imports, "", "", text]) + "\n"


def _declarations(system: System, chosen: Plan, coefficients: list[str]) -> list[str]:
    spec = system.spec
    resolutions = ("exact", "grid") if chosen.crossing is not None else ("grid",)
    period = spec.refractory if spec.refractory in system.parameters else ("t_ref" if spec.refractory else "")
    doc = inside_docstring(spec.doc.strip() or f"Neuron model {spec.name} by equations.")
    lines = [f'"""{doc}', "", *_wrapped(chosen.words), '"""']
    lines += ["", f"name = {spec.name!r}", f"integration = {chosen.words!r}", *_equations(system)]
    if spec.source:
        lines.append(f"source = {spec.source!r}")
    lines += [f"resolutions = {resolutions!r}", f"refractory = {period!r}"]
    if coefficients:
        lines.append(f"coefficient_names = {tuple(coefficients)!r}")
    decays = tuple(c for c in coefficients if c.startswith("decay_"))
    if chosen.crossing is not None and decays:
        lines.append(f"decay_names = {decays!r}")
    if chosen.crossing is not None and chosen.crossing.closed:
        lines.append("closed_crossing = True")
    lines += ["receptors = ("]
    for r in system.receptors:
        sign = 1 if "positive" in r.flags else -1 if "negative" in r.flags else 0
        options = f", sign={sign}" if sign else ""
        options += ", explicit=True" if "explicit" in r.flags else ""
        into = straight_into(system, r)
        options += f", doc={r.doc or r.text!r}" if not r.doc else f", doc={r.doc!r}"
        options += f", into={into!r}" if into else ""
        lines.append(f"    Receptor({r.name!r}, {r.unit!r}{options}),")
    lines.append(")")
    lines += [f"{name} = {source_of(param)}" for name, param in system.parameters.items()]
    for name in system.variables:
        e = system.equations[name]
        doc = f", {e.doc!r}" if e.doc else ""
        lines.append(f"{name} = Variable({_unit(system, name)!r}, {system.initial[name]!r}{doc})")
    return lines


def _unit(system: System, name: str) -> str:
    return declared_unit(system.equations[name].unit, name)


def _wrapped(text: str) -> list[str]:
    words = text[:1].upper() + text[1:] + "."
    return textwrap.wrap(words, 112)


def _equations(system: System) -> list[str]:
    """The model in words of its own, for `models show`."""
    spec = system.spec
    lines = [line.strip() for line in spec.equations.strip().splitlines() if line.strip()]
    lines += [f"arrival at {r.name} of weight {r.weight} ({r.unit}): {r.text}" for r in system.receptors]
    if spec.threshold:
        lines.append(f"{spec.threshold}: spike" + (f", {spec.reset.strip()}" if spec.reset else ""))
    if system.clamped:
        lines.append(f"refractory for {spec.refractory}: {', '.join(system.clamped)} clamped")
    text = inside_docstring("\n".join(lines))
    return ['equations = """', *text.splitlines(), '"""']


def _validate(system: System) -> list[str]:
    """The check that the reset is below the threshold, where both are parameters."""
    both = sides(system.threshold.tree) if system.threshold is not None else None
    if both is None:
        return []
    high, low = (getattr(side, "id", "") for side in both)
    put = [a.value.text for a in system.reset if a.target == high and a.operator == "="]
    if not put or put[-1] not in system.parameters or low not in system.parameters:
        return []
    unit = system.parameters[low].unit
    call = f"return not_below(parameters, {put[-1]!r}, {low!r}, {unit!r})"
    return ["", "@classmethod", "def validate(cls, parameters):", f'    """{put[-1]} < {low}."""', f"    {call}"]


def _fires(system: System) -> list[str]:
    if system.threshold is None:
        return ["return 0"]
    names = system.names()
    lines = system.auxiliary_lines([system.threshold], names)
    condition, both = system.threshold, sides(system.threshold.tree)
    if both is not None:  # reached is enough, as everywhere
        condition = replace(condition, tree=ast.Compare(both[0], [ast.GtE()], [both[1]]))
    return [*lines, f"return 1 if {system.text(condition, names)} else 0"]


def _linear(system: System, chosen: Plan, flow: Flow, hooks: dict[str, list[str]]) -> list[str]:
    """Hooks of a linear model; returns the names of its coefficients."""
    names = system.names()
    if chosen.by_matrix:
        return _by_matrix(system, flow, hooks)

    def hook(coefficient: str) -> tuple[list[Answers], list[str]]:
        answers, lines, found = advanced(
            flow, system.clamped, system.variables, lambda n: f"s.{n}", names, lambda n: f"{coefficient}{n}"
        )
        return answers, [*lines, *_returned(system, found)]

    answers, hooks["propagate"] = hook("c.")
    pairs = _answer_pairs(system, answers, "h", "")
    coefficients, hooks["coefficients"] = _coefficients(system, pairs, answers)
    if chosen.crossing is None:
        return coefficients
    answers, body = hook("")
    rates = rate_lines(answers[0], names)  # those of both answers
    decays = [decay_of(rate) for rate in answers[0].rates]
    exponentials = [f"{decay_of(rate)} = exp(-h * {rate})" for rate in answers[0].rates]
    responses = [line for a in answers for line in response_lines(a, names, "h")]
    hooks["advance"] = [*rates, *exponentials, *responses, *body]
    if decays:
        given = f"{', '.join(decays)}{',' if len(decays) == 1 else ''}"
        hooks["decays"] = [*rates, *exponentials, f"return {given}"]
        hooks["advance_by"] = [*rates, f"{given} = decays", *responses, *body]
    hooks["crossing"], hooks["quiet"] = chosen.crossing.crossing, chosen.crossing.quiet
    return coefficients


def _returned(system: System, found: dict[str, str]) -> list[str]:
    lines, values = [], []
    for n in system.variables:
        if found[n] == f"s.{n}":
            values.append(found[n])
        else:
            lines.append(f"{system.local(n)} = {found[n]}")
            values.append(system.local(n))
    return [*lines, f"return {', '.join(values)}{',' if len(values) == 1 else ''}"]


def _answer_pairs(system: System, answers: list[Answers], h: str, prefix: str) -> list[tuple[str, str]]:
    """(name, code for all cells at once) of the decays and responses of a closed form."""
    names = system.names()
    pairs = {}
    for a in answers:
        for rate in a.rates:
            pairs[f"{prefix}{decay_of(rate)}"] = f"exps(-{h} * {rate})"
        for name, terms in a.responses.items():
            pairs[f"{prefix}{name}"] = response_code(terms, names, h, True)
    return list(pairs.items())


def _coefficients(system: System, pairs: list[tuple[str, str]], answers: list[Answers]) -> tuple[list[str], list[str]]:
    """Names and body of the hook `coefficients`, for what `propagate` reads."""
    names = system.names()
    rates = {rate: written(value, names, arrays=True) for a in answers for rate, value in a.rates.items()}
    lines = [f"{rate} = {text}" for rate, text in rates.items()]
    lines += [f"{name} = {text}" for name, text in pairs]
    found = [name for name, _ in pairs]
    return found, [*lines, f"return {', '.join(found)}{',' if len(found) == 1 else ''}" if found else "return ()"]


def _by_matrix(system: System, flow: Flow, hooks: dict[str, list[str]]) -> list[str]:
    """Hooks of a linear model without closed form: all answers from a matrix exponential, and one for clamped cells."""
    names = system.names()
    moving = [n for n in flow.variables if not flow.is_constant(n)]
    columns = [*moving, *(n for n in flow.variables if flow.is_constant(n)), ""]  # the last is the constant part
    lines: list[str] = []
    coefficients: list[str] = []
    values: dict[str, dict[str, str]] = {}
    for label, now in (("", flow), ("_held", flow.held(system.clamped))):
        if label and not set(system.clamped) & set(moving):
            continue
        rows = [", ".join(_entry(now, i, j, names) for j in columns) for i in columns]
        lines += [f"matrix{label} = exponential([", *(f"    [{row}]," for row in rows), "], h)"]
        values[label] = {}
        for k, i in enumerate(moving):
            terms = []
            for m, j in enumerate(columns):
                coefficients.append(f"{i}_by_{j or 'drive'}{label}")
                lines.append(f"{coefficients[-1]} = matrix{label}[{k}][{m}]")
                terms.append(f"s.{j} * c.{coefficients[-1]}" if j else f"c.{coefficients[-1]}")
            values[label][i] = " + ".join(terms)
    found = {n: f"s.{n}" for n in flow.variables}
    for i in moving:
        found[i] = values[""][i]
        if i in system.clamped:
            found[i] = f"s.{i} if clamped else {found[i]}"
        elif "_held" in values:
            found[i] = f"{values['_held'][i]} if clamped else {found[i]}"
    hooks["propagate"] = _returned(system, found)
    hooks["coefficients"] = [*lines, f"return {', '.join(coefficients)},"]
    return coefficients


def _entry(flow: Flow, i: str, j: str, names: dict[str, str]) -> str:
    """Code of an entry of the matrix, to which the constant part is one column more."""
    found = flow.drive.get(i) if j == "" else flow.matrix.get((i, j))
    return "0.0" if found is None else written(found, names, True)

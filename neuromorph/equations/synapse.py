"""The module of a rule: a class like those of plugins/, written from its equations, for people to read too."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from neuromorph.equations.algebra import algebraic, symbol, tidy
from neuromorph.equations.expressions import Checker, Expression
from neuromorph.equations.model import class_name
from neuromorph.equations.quantities import check_names, declared_unit, source_of, with_ranges
from neuromorph.equations.reading import Equation, inside_docstring, read_equations, read_statements
from neuromorph.equations.rule import RuleSpec
from neuromorph.equations.statements import assigned
from neuromorph.equations.system import Assignment, Quantities, assignments
from neuromorph.equations.writing import with_imports
from neuromorph.errors import PluginError, Problem
from neuromorph.learning.contract import HOOKS, LearningRule
from neuromorph.parameters import Param
from neuromorph.units import Unit, compound_unit

SIDES = ("pre", "post")
_WORDS = ("w", "pre", "post", "p", "syn", "value", "count", "name")
_MS = compound_unit("ms")


class Synapse(Quantities):
    """The quantities of a rule by name: their units, and the code that reads them in a hook."""

    def __init__(self, spec: RuleSpec) -> None:
        where = spec.name
        self.spec, self.auxiliaries = spec, {}
        self.traces = _declared(spec.traces, f"{where}: traces", "derivative")
        self.states = _declared(spec.states, f"{where}: states", "derivative", "constant")
        self.variables = _declared(spec.variables, f"{where}: variables", "constant")
        self.randoms = [name.strip() for name in spec.random.split(",") if name.strip()]
        self.parameters = dict(spec.parameters)
        named = [*self.traces, *self.states, *self.variables, *self.randoms, *self.parameters]
        check_names(named, {*dir(LearningRule), *HOOKS, *_WORDS}, where)
        for name in named:
            if named.count(name) > 1:
                raise PluginError(Problem(f"'{name}' is declared twice", where, fix="Rename one."))
        self.units = {name: compound_unit(param.unit) for name, param in self.parameters.items()}
        for equation in (*self.traces.values(), *self.states.values(), *self.variables.values()):
            self.units[equation.name] = compound_unit(declared_unit(equation.unit, f"{where}: {equation.left}"))
        self.units |= {name: compound_unit("1") for name in self.randoms}
        self.units["w"] = compound_unit(declared_unit(spec.weight, f"{where}: weight"))
        self.taus = {e.name: self._tau(e) for e in (*self.traces.values(), *self.states.values())}
        self.sides = {e.name: _side(e, where) for e in (*self.traces.values(), *self.variables.values())}
        for e in self.states.values():
            _no_flags(e, where)

    def _tau(self, e: Equation) -> str:
        """The parameter tau of a decay -x/tau, "" for none; raises PluginError for any other equation."""
        if e.kind == "constant":
            return ""
        where = f"{self.spec.name}: {e.left}"
        unit = Unit((self.units[e.name] / _MS).powers)
        slope = Checker(self.units).value(e.expression, unit, where, e.left)
        names = {name: symbol(name) for name in self.units}
        x = names[e.name]
        found = algebraic(slope.tree, names, {}).expand()
        rate = -found.diff(x)
        tau = str(tidy(1 / rate)) if rate != 0 else ""
        if (found + rate * x).expand() != 0 or tau not in self.parameters:
            fix = f"Declare a time constant in ms and write d{e.name}/dt = -{e.name}/tau."
            if found.subs(x, 0) != 0:
                fix = f"What decays to another value than 0 is that value plus a state that decays to 0. {fix}"
            allowed = f"-{e.name}/tau, tau a parameter"
            raise PluginError(Problem("cannot be kept by a synapse", where, e.expression, allowed, fix))
        return tau

    def reads(self, hook: str) -> dict[str, str]:
        """Code by name of what a hook may read."""
        found = {"w": "w"} | {name: f"p.{name}" for name in self.parameters}
        found |= {name: f"syn.{name}" for name in (*self.states, *self.randoms)}
        if hook != "transmit":
            found |= {name: f"{self.sides[name]}.{name}" for name in (*self.traces, *self.variables)}
        if hook in ("on_pre", "on_post"):
            found["count"] = f"{hook[3:]}.count"
        if hook == "on_signal":
            found["value"] = "value"
        return found

    def checker(self, hook: str) -> Checker:
        """The checker of a hook's expressions."""
        units = {name: self.units[name] for name in self.reads(hook) if name in self.units}
        if hook in ("on_pre", "on_post"):
            units["count"] = compound_unit("1")
        if hook == "on_signal":
            units["value"] = compound_unit(declared_unit(self.spec.signal, f"{self.spec.name}: signal"))
        return Checker(units)


def _declared(text: str, where: str, *kinds: str) -> dict[str, Equation]:
    found = {e.name: e for e in read_equations(text, where)}
    for e in found.values():
        if e.kind not in kinds:
            allowed = " or ".join("dNAME/dt = -NAME/tau : UNIT" if k == "derivative" else "NAME : UNIT" for k in kinds)
            raise PluginError(Problem("not a declaration of this kind", where, e.left, allowed))
    return found


def _side(e: Equation, where: str) -> str:
    sides = [flag for flag in e.flags if flag in SIDES]
    if len(sides) != 1:
        fix = f"Write (pre) or (post) behind the unit: `{e.left} ... : {e.unit or '1'} (post)`."
        raise PluginError(Problem("whose it is must be said", f"{where}: {e.left}", e.flags, "pre or post", fix))
    for flag in e.flags:
        if flag not in SIDES and not (e.kind == "derivative" and (flag == "nearest" or _step(flag))):
            allowed = "pre, post, nearest, step=NUMBER" if e.kind == "derivative" else "pre or post"
            raise PluginError(Problem(f"unknown flag '{flag}'", f"{where}: {e.left}", allowed=allowed))
    return sides[0]


def _no_flags(e: Equation, where: str) -> None:
    if e.flags:
        raise PluginError(Problem(f"unknown flag '{e.flags[0]}'", f"{where}: {e.left}", allowed="none for a state"))


def _step(flag: str) -> Any:
    return re.fullmatch(r"step\s*=\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)", flag)


def write_rule(spec: RuleSpec) -> str:
    """The text of the module; raises PluginError for the first thing that is wrong."""
    synapse = Synapse(spec)
    if not spec.hooks:
        fix = 'Write on_pre, on_post, on_signal or transmit, such as on_post="w += a*x".'
        raise PluginError(Problem("the rule does nothing", spec.name, fix=fix))
    expressions: list[Expression] = []
    hooks: list[str] = []
    for hook, text in spec.hooks:
        hooks += ["", *_hook(synapse, hook, text, expressions)]
    parameters = with_ranges(synapse.parameters, [e.tree for e in expressions])
    parameters = {k: _above_zero(p, k in synapse.taus.values()) for k, p in parameters.items()}
    body = [*_declarations(synapse, parameters), *hooks]
    lines = [f"class {class_name(spec.name)}(LearningRule):", *(f"    {x}" if x else "" for x in body)]
    return with_imports(f"Rule {spec.name}", lines, "neuromorph.learning.contract")


def _above_zero(param: Param, is_tau: bool) -> Param:
    return replace(param, above=0.0) if is_tau and param.above is None and param.at_least is None else param


def _hook(synapse: Synapse, hook: str, text: str, expressions: list[Expression]) -> list[str]:
    where = f"{synapse.spec.name}: {hook}"
    names, checker = synapse.reads(hook), synapse.checker(hook)
    if hook == "transmit":
        value = checker.value(text.strip(), synapse.units["w"], where, "what a spike delivers")
        expressions.append(value)
        lines = [f"return {synapse.text(value, names)}"]
    else:
        settable = ["w", *synapse.states]
        statements = assignments(read_statements(text, where), settable, checker, where, own=True)
        expressions += [a.value for a in statements]
        lines = assigned(synapse, statements, names)
        lines.append(f"return {', '.join(names[n] for n in settable)}")
        lines = _short(lines, statements, settable)
    arguments = (*HOOKS[hook], *(("syn",) if synapse.states or synapse.randoms else ()))
    return [f"def {hook}({', '.join(arguments)}):", *(f"    {line}" for line in lines)]


def _short(lines: list[str], statements: Iterable[Assignment], settable: list[str]) -> list[str]:
    """`return w + ...` where one statement is all and nothing else is returned."""
    if len(lines) == 2 and len(settable) == 1 and lines[0].startswith("w = "):
        return [f"return {lines[0][4:]}"]
    return lines


def _declarations(synapse: Synapse, parameters: dict[str, Param]) -> list[str]:
    spec = synapse.spec
    doc = inside_docstring(spec.doc.strip() or f"Learning rule {spec.name} by equations.")
    lines = [f'"""{doc}"""', ""]
    lines += [f"name = {spec.name!r}", *_equations(spec)]
    if spec.source:
        lines.append(f"source = {spec.source!r}")
    if spec.unchanged_when_zero:
        lines.append(f"unchanged_when_zero = {spec.unchanged_when_zero!r}")
    lines += [f"{name} = {source_of(param)}" for name, param in parameters.items()]
    for name, e in synapse.traces.items():
        options = "".join(f", step={float(found[1])!r}" for found in map(_step, e.flags) if found)
        options += ", nearest=True" if "nearest" in e.flags else ""
        lines.append(f"{name} = Trace({synapse.sides[name]!r}, {synapse.taus[name]!r}{options})")
    lines += [f"{name} = Variable({synapse.sides[name]!r}, {name!r})" for name in synapse.variables]
    initial = dict(spec.initial)
    for name in initial:
        if name not in synapse.states:
            raise PluginError(Problem(f"'{name}' is not a state", f"{spec.name}: initial", fix=f"{[*synapse.states]}"))
    for name in synapse.states:
        tau = f", {synapse.taus[name]!r}" if synapse.taus[name] else ""
        lines.append(f"{name} = State({float(initial.get(name, 0.0))!r}{tau})")
    return lines + [f"{name} = Random()" for name in synapse.randoms]


def _equations(spec: RuleSpec) -> list[str]:
    """The rule in words of its own, for `rules show`."""
    texts = [("", spec.traces), ("", spec.states), ("", spec.variables), *((f"{h}: ", t) for h, t in spec.hooks)]
    lines = [f"{head}{line.strip()}" for head, text in texts for line in re.split(r"[\n;]", text) if line.strip()]
    text = inside_docstring("\n".join(lines))
    return ['equations = """', *text.splitlines(), '"""']

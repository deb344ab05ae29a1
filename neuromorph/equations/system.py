"""The equations of a neuron model, read and checked: what the classification and the writers of code start from."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from neuromorph.equations.algebra import algebraic, symbol
from neuromorph.equations.coding import IMPORTS, code
from neuromorph.equations.expressions import BOOL, NUMBER, Checker, Expression, parse
from neuromorph.equations.quantities import check_names, declared_unit, parameter, with_ranges
from neuromorph.equations.reading import Equation, Statement, read_equations, read_statements, split_flags
from neuromorph.errors import InputError, PluginError, Problem, suggestion
from neuromorph.models.contract import NeuronModel
from neuromorph.parameters import Param
from neuromorph.units import Unit, compound_unit, quantity

#: names in generated code that a quantity must not hide
_USED = {
    "s",
    "c",
    "p",
    "h",
    "x",
    "r",
    "y",
    "k",
    "clamped",
    "refractory",
    "exp",
    "log",
    "sqrt",
    "step",
    *("pre", "post", "syn", "value", "drive", "f", "shape", "left", "rising"),
}
_USED |= set(IMPORTS) | {
    *("exps", "logs", "quotients", "cascade2", "cascade3", "cascade4", "cascades", "highest", "lowest", "math", "np"),
    *("kernel", "exponential", "first_crossing", "first_crossing_constant", "no_crossing_before", "decays", "matrix"),
}
_WRITTEN = re.compile(r"^rate_|^decay_|^rest_|^half_|^high_|^low_|^d_|^k\d|_by_")
RECEPTOR_FLAGS = ("positive", "negative", "explicit")
HOOKS = (
    *("propagate", "advance", "crossing", "receive", "fires", "reset", "decays", "advance_by", "quiet"),
    *("integration", "code"),
)
_MS = compound_unit("ms")


@dataclass(frozen=True)
class Spec:
    """What somebody wrote: the arguments of `neuromorph.Model`, parameters made into Params."""

    name: str
    equations: str
    threshold: str
    reset: str
    refractory: str
    parameters: tuple[tuple[str, Param], ...]
    receptors: tuple[tuple[str, str], ...]
    initial: tuple[tuple[str, float | str], ...]
    method: str
    doc: str
    source: str


@dataclass(frozen=True)
class Assignment:
    """A checked statement: `value` is the new value of the variable, in the unit in which it is kept."""

    target: str
    operator: str
    value: Expression


@dataclass(frozen=True)
class Arrival:
    """A receptor: its unit, its flags and what an arrival of the weight does."""

    name: str
    unit: str
    flags: tuple[str, ...]
    doc: str
    statements: tuple[Assignment, ...]
    text: str
    weight: str


class Quantities:
    """What the expressions of a model or a rule are over: units, and auxiliaries, each after those that it reads."""

    units: dict[str, Unit]
    auxiliaries: dict[str, Expression]

    def local(self, name: str) -> str:
        """The name under which generated code keeps a quantity in a function of its own."""
        return f"{name}_" if name in _USED or _WRITTEN.search(name) else name

    def text(self, expression: Expression, names: Mapping[str, str], by: float = 1.0) -> str:
        """Code of an expression, divided by the factor of the unit that it is kept in."""
        found = code(expression.tree, names, {k: u for k, u in self.units.items() if k not in self.auxiliaries})
        return found if by == 1.0 else f"({found}) * {1.0 / by!r}"

    def needed(self, expressions: Iterable[Expression]) -> list[str]:
        """Auxiliaries that the expressions read, and those that these read, each after what it reads."""
        names = set().union(*(e.names for e in expressions))
        for name in reversed(self.auxiliaries):
            if name in names:
                names |= self.auxiliaries[name].names
        return [name for name in self.auxiliaries if name in names]

    def auxiliary_lines(self, expressions: Iterable[Expression], names: Mapping[str, str]) -> list[str]:
        """Assignments of the auxiliaries that the expressions need."""
        return [f"{names[a]} = {self.text(self.auxiliaries[a], names)}" for a in self.needed(expressions)]


@dataclass(frozen=True)
class System(Quantities):
    """A model's equations, checked. `order` names the auxiliaries so that each comes after those in it."""

    spec: Spec
    parameters: dict[str, Param]
    equations: dict[str, Equation]
    units: dict[str, Unit]
    slopes: dict[str, Expression]
    auxiliaries: dict[str, Expression]
    threshold: Expression | None
    reset: tuple[Assignment, ...]
    receptors: tuple[Arrival, ...]
    clamped: tuple[str, ...]
    initial: dict[str, float | str]
    symbols: dict[str, Any] = field(default_factory=dict)

    @property
    def variables(self) -> list[str]:
        """State variables in order of writing."""
        return [name for name, e in self.equations.items() if e.kind != "auxiliary"]

    def names(self, **variables: str) -> dict[str, str]:
        """Code of all quantities: p.X, the given code of variables (else s.X), and locals of auxiliaries."""
        found = {name: f"p.{name}" for name in self.parameters}
        found |= {name: variables.get(name, f"s.{name}") for name in self.variables}
        return found | {name: self.local(name) for name in self.auxiliaries}

    def algebra(self, tree: ast.expr, **more: Any) -> Any:
        """An expression in sympy, auxiliaries written out."""
        names = dict(self.symbols)
        for name, auxiliary in self.auxiliaries.items():
            names[name] = algebraic(auxiliary.tree, names, self._kept())
        return algebraic(tree, names | more, self._kept())

    def slope(self, name: str) -> Any:
        """The right-hand side of a variable's equation in sympy, in the unit in which the variable is kept."""
        found, factor = self.algebra(self.slopes[name].tree), self.units[name].factor
        return found if factor == 1.0 else found / factor

    def _kept(self) -> dict[str, Unit]:
        return {name: unit for name, unit in self.units.items() if name not in self.auxiliaries}


def system(spec: Spec) -> System:
    """Read and check a model; raises PluginError for the first thing that is wrong."""
    where = spec.name
    equations = {e.name: e for e in read_equations(spec.equations, where)}
    parameters = dict(spec.parameters)
    period = _period(spec, parameters)
    variables = [n for n, e in equations.items() if e.kind != "auxiliary"]
    if not variables:
        raise PluginError(Problem("there is no variable", where, fix="Write an equation `dv/dt = ... : mV`."))
    taken = {n for n in dir(NeuronModel)} | set(HOOKS)
    check_names([*parameters, *equations], taken, where)
    for name in parameters:
        if name in equations:
            raise PluginError(Problem(f"'{name}' is both a parameter and a variable", where, fix="Rename one."))
    units = {name: compound_unit(param.unit) for name, param in parameters.items()}
    units |= {n: compound_unit(declared_unit(e.unit, f"{where}: {e.left}")) for n, e in equations.items()}
    checker = Checker(units)
    slopes: dict[str, Expression] = {}
    auxiliaries: dict[str, Expression] = {}
    for name, e in equations.items():
        _check_flags(e, where)
        if e.kind == "constant":
            continue
        unit = units[name] / _MS if e.kind == "derivative" else units[name]
        found = checker.value(e.expression, Unit(unit.powers), f"{where}: {e.left}", e.left)
        (slopes if e.kind == "derivative" else auxiliaries)[name] = found
    threshold = checker.condition(spec.threshold, f"{where}: threshold") if spec.threshold else None
    reset = assignments(read_statements(spec.reset, f"{where}: reset"), variables, checker, f"{where}: reset")
    receptors = tuple(_receptor(n, text, variables, units, checker, where) for n, text in spec.receptors)
    trees = [e.tree for e in (*slopes.values(), *auxiliaries.values())]
    parameters = with_ranges(parameters, trees, period)
    return System(
        spec, parameters, equations, units, slopes, _ordered(auxiliaries, where), threshold, reset, receptors,
        clamped=_clamped(equations, threshold, reset, variables) if spec.refractory else (),
        initial=_initial(spec, variables, reset, parameters, units, where), symbols=_symbols(parameters, variables),
    )  # fmt: skip


def _period(spec: Spec, parameters: dict[str, Param]) -> str:
    """The parameter that holds the refractory period, made where the period is given as a quantity."""
    if not spec.refractory:
        return ""
    where = f"{spec.name}: refractory"
    if re.fullmatch(r"[A-Za-z]\w*", spec.refractory):
        if spec.refractory not in parameters:
            fix = suggestion(spec.refractory, parameters)
            raise PluginError(Problem(f"unknown parameter '{spec.refractory}'", where, fix=fix))
        if parameters[spec.refractory].unit != "ms":
            raise PluginError(
                Problem(f"'{spec.refractory}' is in {parameters[spec.refractory].unit}", where, fix="Use ms.")
            )
        return spec.refractory
    parameters["t_ref"] = parameter(spec.refractory, where)
    return "t_ref"


def _check_flags(e: Equation, where: str) -> None:
    for flag in e.flags:
        if flag != "unless refractory" or e.kind != "derivative":
            allowed = '"unless refractory", behind the unit of a derivative'
            raise PluginError(Problem(f"unknown flag '{flag}'", f"{where}: {e.left}", allowed=allowed))


def _ordered(auxiliaries: dict[str, Expression], where: str) -> dict[str, Expression]:
    """Auxiliaries so that each comes after those that it reads; raises PluginError where they go in a circle."""
    found: dict[str, Expression] = {}
    left = dict(auxiliaries)
    while left:
        ready = [name for name, e in left.items() if not e.names & left.keys()]
        if not ready:
            what = f"{', '.join(left)} are defined by each other"
            raise PluginError(Problem(what, where, fix="Write one of them as an equation in time."))
        found |= {name: left.pop(name) for name in ready}
    return found


def assignments(
    statements: list[Statement], variables: Iterable[str], checker: Checker, where: str, own: bool = False
) -> tuple[Assignment, ...]:
    """Check statements: targets are variables, and units fit; with `own` a new name is a value that later ones read."""
    known, found = list(variables), []
    for statement in statements:
        if own and statement.operator == "=" and statement.target not in checker.names:
            value = checker.expression(statement.expression, f"{where}: {statement}")
            unit = value.unit if isinstance(value.unit, Unit) else NUMBER
            checker = Checker({**checker.names, statement.target: Unit(unit.powers)})
            known.append(statement.target)
            found.append(Assignment(statement.target, "=", value))
            continue
        if statement.target not in known:
            fix = suggestion(statement.target, known)
            raise PluginError(Problem(f"'{statement.target}' is not a variable that can be set", where, fix=fix))
        bare = statement.operator in ("*=", "/=")
        unit = NUMBER if bare else Unit(checker.names[statement.target].powers)
        value = checker.value(statement.expression, unit, f"{where}: {statement}", f"what {statement.operator} takes")
        found.append(Assignment(statement.target, statement.operator, value))
    return tuple(found)


def _receptor(
    name: str, text: str, variables: list[str], units: dict[str, Unit], checker: Checker, where: str
) -> Arrival:
    place = f"{where}: receptor {name}"
    check_names([name], (), place)
    body, _, doc = text.partition("#")
    body, flags = split_flags(body.strip(), RECEPTOR_FLAGS)
    statements = read_statements(body, place)
    if not statements:
        raise PluginError(Problem("does nothing", place, fix='Write what an arrival changes, such as "I += w".'))
    used = {n.id for st in statements for n in ast.walk(parse(st.expression, place)) if isinstance(n, ast.Name)}
    weight = "weight" if "weight" in used else "w"
    if weight in units:
        fix = "Write `weight` for the weight of the arrival." if weight == "w" else "Rename it."
        raise PluginError(Problem(f"'{weight}' is also a quantity of the model", place, fix=fix))
    inside = Checker({**units, weight: NUMBER})
    weighed = [inside.expression(st.expression, f"{place}: {st}") for st in statements]
    found = set()
    for st, e in zip(statements, weighed):
        if st.operator not in ("+=", "-=") or not _proportional(e, weight, units):
            what, allowed = f"`{st}` is not proportional to {weight}", "+= or -= of something times the weight"
            raise PluginError(Problem(what, place, allowed=allowed))
        if e.unit != BOOL and st.target in units:
            found.add((Unit(units[st.target].powers) / e.unit).powers)
    if len(found) > 1:
        raise PluginError(Problem(f"{weight} has another unit in each statement", place, body))
    unit = Unit(found.pop()) if found else NUMBER
    full = Checker({**units, weight: unit})
    checked = assignments(statements, variables, full, place)
    return Arrival(name, str(unit), flags, doc.strip(), checked, body, weight)


def _proportional(e: Expression, weight: str, units: dict[str, Unit]) -> bool:
    """Whether it is a multiple of the weight: arrivals of one instant are summed before anybody looks at them."""
    names = {name: symbol(name) for name in [*units, weight]}
    found = algebraic(e.tree, names, {})
    w = names[weight]
    slope = found.diff(w)
    return slope != 0 and w not in slope.free_symbols and found.subs(w, 0).expand() == 0


def _clamped(
    equations: dict[str, Equation], threshold: Expression | None, reset: tuple[Assignment, ...], variables: list[str]
) -> tuple[str, ...]:
    """What stands still while refractory: flagged variables, else those of the threshold that the reset sets."""
    flagged = tuple(n for n, e in equations.items() if "unless refractory" in e.flags)
    if flagged or threshold is None:
        return flagged
    inside = [name for name in variables if name in threshold.names]
    put = [name for name in inside if any(a.target == name and a.operator == "=" for a in reset)]
    return tuple(put or inside[:1])


def _initial(
    spec: Spec,
    variables: list[str],
    reset: tuple[Assignment, ...],
    parameters: dict[str, Param],
    units: dict[str, Unit],
    where: str,
) -> dict[str, float | str]:
    """Initial values: given ones, else what the reset puts a variable to (a parameter or a number), else 0."""
    given = dict(spec.initial)
    for name in given:
        if name not in variables:
            place = f"{where}: initial"
            raise PluginError(Problem(f"'{name}' is not a variable", place, fix=suggestion(name, variables)))
    found: dict[str, float | str] = dict.fromkeys(variables, 0.0)
    for a in reset:
        if a.operator == "=" and a.value.text in parameters:
            found[a.target] = a.value.text
        elif a.operator == "=" and not a.value.names:
            found[a.target] = float(algebraic(a.value.tree, {}, {})) / units[a.target].factor
    for name, value in given.items():
        found[name] = value
        if value in parameters and compound_unit(parameters[str(value)].unit) != units[name]:
            what = f"parameter '{value}' is in {parameters[str(value)].unit}, but {name} in {units[name]}"
            raise PluginError(Problem(what, f"{where}: initial {name}"))
        if isinstance(value, str) and value not in parameters:
            found[name] = _quantity(value, str(units[name]), f"{where}: initial {name}")
    return found


def _quantity(text: str, unit: str, where: str) -> float:
    """An initial value with its unit; what is neither that nor a parameter is refused."""
    try:
        return quantity(text, unit, where)
    except InputError as error:
        raise PluginError(*error.problems) from None


def _symbols(parameters: dict[str, Param], variables: list[str]) -> dict[str, Any]:
    signs = {}
    for name, param in parameters.items():
        positive = (param.above is not None and param.above >= 0) or (param.at_least is not None and param.at_least > 0)
        signs[name] = "positive" if positive else "nonnegative" if param.at_least == 0 else ""
    return {name: symbol(name, signs.get(name, "")) for name in [*parameters, *variables]}

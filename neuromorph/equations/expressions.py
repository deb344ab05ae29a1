"""Expressions: parsed by Python's grammar with a short list of what is allowed, and checked for their units.

Nothing of a text is ever executed here: it becomes a tree, and code is written from the tree.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from neuromorph.errors import PluginError, Problem, suggestion
from neuromorph.units import NO_UNIT, Unit, simple_unit

#: function -> number of arguments (None: two or more)
FUNCTIONS: dict[str, int | None] = {
    "exp": 1, "log": 1, "sqrt": 1, "abs": 1, "sin": 1, "cos": 1, "tanh": 1, "sigmoid": 1, "exprel": 1, "int": 1,
    "min": None, "max": None, "clip": 3, "where": 3, "Piecewise": None,
}  # fmt: skip
CONSTANTS = {"pi": math.pi, "e": math.e}
#: what has no unit of its own: 0 fits everywhere
ANY = "any"
BOOL = "bool"
NUMBER = Unit(NO_UNIT)
_LONGEST, _DEEPEST = 4000, 100
_SYMBOLS = {ast.Add: "+", ast.Sub: "-"}


@dataclass(frozen=True)
class Expression:
    """A checked expression: its tree, its text, its unit (ANY for 0, BOOL for a condition) and the names in it."""

    tree: ast.expr
    text: str
    unit: Any
    names: frozenset[str]


def parse(text: str, where: str) -> ast.expr:
    """The tree of an expression; raises PluginError that shows where it cannot be read or what is not allowed."""
    if len(text) > _LONGEST:
        fix = "Name its parts: `I = ... : pA`."
        raise PluginError(Problem(f"is longer than {_LONGEST} characters", where, text, fix=fix))
    try:
        tree = ast.parse(text.strip().replace("\n", " "), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = getattr(error, "offset", None) or 1
        what = f"cannot be read at column {column}: {getattr(error, 'msg', None) or error or type(error).__name__}"
        raise PluginError(Problem(what, where, text, fix=_marked(text.strip(), column))) from None
    if _depth(tree) > _DEEPEST:
        fix = "Name its parts: `I = ... : pA`."
        raise PluginError(Problem(f"is nested more than {_DEEPEST} levels deep", where, text, fix=fix))
    _allow(tree, text.strip(), where)
    return tree


def _depth(tree: ast.AST) -> int:
    """How deeply a tree is nested, found level by level."""
    depth, level = 0, [tree]
    while level:
        depth, level = depth + 1, [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


def _marked(text: str, column: int) -> str:
    """What stands at the column, for a message."""
    return f"Look at `{text[max(0, column - 1) : column + 11]}`." if column <= len(text) else "Look at its end."


_ALLOWED = (
    *(ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Call, ast.Name, ast.Constant, ast.Load),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UAdd, ast.USub, ast.Not, ast.And, ast.Or),
    *(ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq),
)
_INSTEAD = {ast.BitXor: "For powers write `**`.", ast.Attribute: "Names have no dots here."}


def _allow(tree: ast.expr, text: str, where: str) -> None:
    for node in ast.walk(tree):
        column = getattr(node, "col_offset", 0) + 1
        if isinstance(node, ast.Call):
            _allow_call(node, where, column)
        elif isinstance(node, ast.Tuple) and _in_piecewise(tree, node):
            continue
        elif isinstance(node, ast.Constant) and not _number(node.value):
            if not isinstance(node.value, bool):
                raise PluginError(Problem("is no number", f"{where}, column {column}", node.value))
        elif not isinstance(node, _ALLOWED):
            what = f"{type(node).__name__} is not allowed in an expression"
            fix = _INSTEAD.get(type(node), "Use + - * / **, comparisons, `a if c else b` and functions.")
            raise PluginError(Problem(what, f"{where}, column {column}", text, fix=fix))


def _in_piecewise(tree: ast.expr, node: ast.Tuple) -> bool:
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    return len(node.elts) == 2 and any(node in c.args and getattr(c.func, "id", "") == "Piecewise" for c in calls)


def _number(value: object) -> bool:
    finite = isinstance(value, int | float) and not isinstance(value, bool)
    return finite and abs(value) < 1e300  # type: ignore[arg-type, operator]


def _allow_call(node: ast.Call, where: str, column: int) -> None:
    if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
        name = ast.unparse(node.func)
        raise PluginError(
            Problem(f"unknown function '{name}'", f"{where}, column {column}", fix=suggestion(name, FUNCTIONS))
        )
    wanted = FUNCTIONS[node.func.id]
    least = 1 if node.func.id == "Piecewise" else 2
    wrong = len(node.args) != wanted if wanted is not None else len(node.args) < least
    if wrong or node.keywords:
        what = f"{node.func.id} takes {f'at least {least}' if wanted is None else wanted} arguments"
        raise PluginError(Problem(what, f"{where}, column {column}", ast.unparse(node)))


class Checker:
    """Checks the units of expressions over named quantities.

    names : what may be read, with its unit
    """

    def __init__(self, names: Mapping[str, Unit]) -> None:
        self.names = names

    def expression(self, text: str, where: str) -> Expression:
        """Parse and check a text; raises PluginError with the term, the units and a way out."""
        tree = parse(text, where)
        unit = _Walk(self.names, where).unit(tree)
        names = frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in self.names)
        return Expression(tree, text.strip(), unit, names)

    def value(self, text: str, unit: Unit, where: str, what: str) -> Expression:
        """An expression that must have the given unit; `what` says what it is."""
        found = self.expression(text, where)
        if found.unit == BOOL:
            raise PluginError(Problem("is a condition where a value is meant", where, text, fix="Use where(c, 1, 0)."))
        if found.unit != ANY and found.unit.powers != unit.powers:
            fix = _missing(unit, found.unit, found.tree, self.names)
            raise PluginError(Problem(f"`{text}` is in {found.unit}, but {what} must be in {unit}", where, fix=fix))
        return found

    def condition(self, text: str, where: str) -> Expression:
        """An expression that must be true or false."""
        found = self.expression(text, where)
        if found.unit != BOOL:
            raise PluginError(Problem("is no condition", where, text, 'a comparison, such as "v > V_th"'))
        return found


class _Walk:
    """Units of the parts of one expression."""

    def __init__(self, names: Mapping[str, Unit], where: str) -> None:
        self.names, self.where = names, where

    def unit(self, node: ast.expr) -> Any:
        method = getattr(self, f"_{type(node).__name__.lower()}")
        return method(node)

    def _constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, bool):
            return BOOL
        return ANY if node.value == 0 else NUMBER

    def _name(self, node: ast.Name) -> Any:
        if node.id in self.names:
            return Unit(self.names[node.id].powers)
        unit = simple_unit(node.id)
        if unit is not None:
            return Unit(unit.powers)
        if node.id in CONSTANTS:
            return NUMBER
        fix = suggestion(node.id, self.names)
        if node.id == "t":
            fix = "Equations do not know the time: make it a variable, `dclock/dt = 1 : ms`."
        raise PluginError(Problem(f"unknown name '{node.id}'", self.where, fix=fix))

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not):
            return self._conditions(node.operand)
        return self._value(node.operand)

    def _binop(self, node: ast.BinOp) -> Any:
        if isinstance(node.op, ast.Pow):
            return self._power(node)
        left, right = self._value(node.left), self._value(node.right)
        if isinstance(node.op, ast.Add | ast.Sub):
            verb = "added" if isinstance(node.op, ast.Add) else "subtracted"
            return self._same([node.left, node.right], [left, right], verb)
        if isinstance(node.op, ast.Div) and constant(node.right) == 0:
            raise PluginError(Problem("division by 0", self.where, ast.unparse(node)))
        if ANY in (left, right):
            return ANY
        return left * right if isinstance(node.op, ast.Mult) else left / right

    def _power(self, node: ast.BinOp) -> Any:
        base = self._value(node.left)
        self._bare(node.right, "an exponent")
        if base == ANY or base.bare:
            return base
        exponent = constant(node.right)
        if exponent is None:
            what = f"`{ast.unparse(node.left)}` is in {base}, so its exponent must be a plain number"
            raise PluginError(Problem(what, self.where, ast.unparse(node.right)))
        return Unit((base ** Fraction(exponent).limit_denominator(12)).powers)

    def _call(self, node: ast.Call) -> Any:
        name = node.func.id  # type: ignore[attr-defined]
        if name == "sqrt":
            inside = self._value(node.args[0])
            return inside if inside == ANY else inside ** Fraction(1, 2)
        if name == "abs":
            return self._value(node.args[0])
        if name == "int":
            self._conditions(node.args[0])
            return NUMBER
        if name in ("min", "max", "clip"):
            return self._same(node.args, [self._value(a) for a in node.args], f"compared by {name}")
        if name == "where":
            self._conditions(node.args[0])
            return self._same(node.args[1:], [self._value(a) for a in node.args[1:]], "results of one expression")
        if name == "Piecewise":
            return self._piecewise(node)
        self._bare(node.args[0], f"the argument of {name}")
        return NUMBER

    def _piecewise(self, node: ast.Call) -> Any:
        if not all(isinstance(a, ast.Tuple) for a in node.args):
            raise PluginError(Problem("Piecewise takes pairs (value, condition)", self.where, ast.unparse(node)))
        pairs = [a.elts for a in node.args if isinstance(a, ast.Tuple)]
        for _, condition in pairs:
            self._conditions(condition)
        last = pairs[-1][1]
        if not (isinstance(last, ast.Constant) and last.value is True):
            fix = "End with a pair (value, True), which holds elsewhere."
            raise PluginError(Problem("Piecewise is not defined everywhere", self.where, ast.unparse(node), fix=fix))
        values = [value for value, _ in pairs]
        return self._same(values, [self._value(v) for v in values], "results of one expression")

    def _ifexp(self, node: ast.IfExp) -> Any:
        self._conditions(node.test)
        both = [node.body, node.orelse]
        return self._same(both, [self._value(v) for v in both], "results of one expression")

    def _compare(self, node: ast.Compare) -> Any:
        sides = [node.left, *node.comparators]
        self._same(sides, [self._value(s) for s in sides], "compared")
        return BOOL

    def _boolop(self, node: ast.BoolOp) -> Any:
        return self._conditions(*node.values)

    def _conditions(self, *nodes: ast.expr) -> Any:
        for node in nodes:
            if self.unit(node) != BOOL:
                raise PluginError(Problem(f"`{ast.unparse(node)}` is no condition", self.where))
        return BOOL

    def _value(self, node: ast.expr) -> Any:
        unit = self.unit(node)
        if unit == BOOL:
            what = f"`{ast.unparse(node)}` is a condition, not a value"
            raise PluginError(Problem(what, self.where, fix=f"For 1 or 0 write int({ast.unparse(node)})."))
        return unit

    def _bare(self, node: ast.expr, what: str) -> None:
        unit = self._value(node)
        if unit != ANY and not unit.bare:
            fix = f"Divide by something in {unit}."
            text = f"`{ast.unparse(node)}` is in {unit}, but {what} must be a pure number"
            raise PluginError(Problem(text, self.where, fix=fix))

    def _same(self, nodes: list[ast.expr], units: list[Any], verb: str) -> Any:
        for node in nodes:
            if isinstance(node, ast.Name) and node.id not in self.names and simple_unit(node.id) is not None:
                fix = f"For the unit write 1*{node.id}. {suggestion(node.id, self.names)}"
                raise PluginError(Problem(f"`{node.id}` is a unit and no quantity of this name", self.where, fix=fix))
        known = [(n, u) for n, u in zip(nodes, units) if u != ANY]
        for (first, unit), (second, other) in zip(known, known[1:]):
            if unit.powers != other.powers:
                texts = f"`{ast.unparse(first)}` is in {unit} and `{ast.unparse(second)}` in {other}"
                fix = _missing(unit, other, second, self.names)
                raise PluginError(Problem(f"{texts}: they cannot be {verb}", self.where, fix=fix))
        return known[0][1] if known else ANY


def _missing(wanted: Unit, found: Unit, tree: ast.expr, names: Mapping[str, Unit]) -> str:
    """What a term lacks, and what its parts are."""
    ratio = wanted / found
    inverse = found / wanted
    act = "Divide" if len(str(inverse)) < len(str(ratio)) else "Multiply"
    used = dict.fromkeys(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in names)
    units = ", ".join(f"{name} in {names[name]}" for name in used)
    by = inverse if act == "Divide" else ratio
    return f"{act} `{ast.unparse(tree)}` by something in {by}" + (f", or check the units: {units}." if units else ".")


def constant(node: ast.expr) -> float | None:
    """The value of a plain number or quotient of numbers, signed; None for anything else."""
    if isinstance(node, ast.Constant) and _number(node.value):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = constant(node.operand)
        return None if value is None else -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        top, bottom = constant(node.left), constant(node.right)
        return None if top is None or not bottom else top / bottom
    return None

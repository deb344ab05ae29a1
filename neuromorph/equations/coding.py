"""Checked expressions as Python code, in the order in which they were written, so that nothing is rounded otherwise."""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping

from neuromorph.equations.expressions import CONSTANTS, constant
from neuromorph.units import Unit, simple_unit

#: functions of equations -> where the generated module takes them from
IMPORTS = {
    "exp": "neuromorph.kernels.elementary", "log": "neuromorph.kernels.elementary", "sqrt": "math",
    **dict.fromkeys(
        ("square", "cube", "whole_power", "power", "sigmoid", "tanh", "clip", "sin", "cos", "relative_exp"),
        "neuromorph.kernels.functions",
    ),
}  # fmt: skip


def code(tree: ast.expr, names: Mapping[str, str], units: Mapping[str, Unit]) -> str:
    """Python code of an expression.

    names : code of every quantity that it reads, such as {"v": "s.v"}
    units : unit of each: where a quantity is not kept in coherent units (Hz), its factor is written out
    """
    # a copy, since a transformer changes what it visits
    return ast.unparse(ast.fix_missing_locations(_Writer(names, units).visit(copy.deepcopy(tree))))


class _Writer(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str], units: Mapping[str, Unit]) -> None:
        self.names, self.units = names, units

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.names:
            read = _expression(self.names[node.id])
            factor = self.units[node.id].factor if node.id in self.units else 1.0
            return read if factor == 1.0 else ast.BinOp(ast.Constant(factor), ast.Mult(), read)
        unit = simple_unit(node.id)
        return ast.Constant(unit.factor if unit is not None else CONSTANTS[node.id])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if isinstance(node.op, ast.Pow):
            return self._power(node)
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, ast.Mult | ast.Div) and self._is_one(node.right):
            return left  # a coherent unit: 5/ms is 5
        if isinstance(node.op, ast.Mult) and self._is_one(node.left):
            return right
        return ast.BinOp(left, node.op, right)

    def _is_one(self, node: ast.expr) -> bool:
        if not isinstance(node, ast.Name) or node.id in self.names:
            return False
        unit = simple_unit(node.id)
        return unit is not None and unit.factor == 1.0

    def _power(self, node: ast.BinOp) -> ast.expr:
        base, exponent = self.visit(node.left), constant(node.right)
        if exponent in (2.0, 3.0):
            return _call("square" if exponent == 2.0 else "cube", base)
        if exponent is not None and exponent == int(exponent):
            return _call("whole_power", base, ast.Constant(int(exponent)))
        return _call("sqrt", base) if exponent == 0.5 else _call("power", base, self.visit(node.right))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        name = node.func.id  # type: ignore[attr-defined]
        if name == "int":
            return ast.IfExp(self.visit(node.args[0]), ast.Constant(1.0), ast.Constant(0.0))
        if name == "where":
            condition, then, otherwise = (self.visit(a) for a in node.args)
            return ast.IfExp(condition, then, otherwise)
        if name == "Piecewise":
            pairs = [a.elts for a in node.args]  # type: ignore[attr-defined]
            result = self.visit(pairs[-1][0])
            for value, condition in reversed(pairs[:-1]):
                result = ast.IfExp(self.visit(condition), self.visit(value), result)
            return result
        called = "relative_exp" if name == "exprel" else name
        return _call(called, *(self.visit(a) for a in node.args))

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return node if isinstance(node.value, bool) else ast.Constant(float(node.value))  # type: ignore[arg-type]


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name), list(arguments), [])


def functions_in(text: str) -> set[str]:
    """The functions of IMPORTS that a piece of code calls."""
    calls = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name))
    return {n.func.id for n in calls if n.func.id in IMPORTS}  # type: ignore[attr-defined]

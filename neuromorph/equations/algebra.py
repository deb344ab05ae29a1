"""Expressions in sympy, where terms are collected to find out whether equations are linear, and back as code.

The only file that imports sympy, and only where a function of it is called.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from neuromorph.equations.expressions import CONSTANTS, constant
from neuromorph.errors import PluginError, Problem
from neuromorph.units import Unit, simple_unit

_OPAQUE = "opaque:"
_KNOWN = ("exp_", "log_", "sqrt_")
#: for arrays of cells, where coefficients are made
_OF_ARRAYS = {"exp": "exps", "log": "logs", "sqrt": "np.sqrt"}


@functools.cache
def sympy() -> ModuleType:
    """The module sympy; raises PluginError that says how to install it."""
    try:
        import sympy
    except ImportError:
        fix = "Run `pip install 'neuromorph[equations]'`."
        raise PluginError(Problem("equations need sympy, which is not installed", fix=fix)) from None
    return sympy


def symbol(name: str, sign: str = "") -> Any:
    """A real symbol; `sign` "positive" or "nonnegative" where that is known."""
    return sympy().Symbol(name, real=True, **({sign: True} if sign else {}))


def algebraic(tree: ast.expr, names: Mapping[str, Any], units: Mapping[str, Unit]) -> Any:
    """An expression as sympy's, over the given expressions by name, in coherent units.

    Functions other than exp, log and sqrt are opaque: an equation in which one depends on the state is not linear.
    """
    s = sympy()

    def walk(node: ast.expr) -> Any:
        if isinstance(node, ast.Constant):
            return s.Integer(int(node.value)) if node.value == int(node.value) else s.Float(node.value, 17)  # type: ignore[call-overload, arg-type]
        if isinstance(node, ast.Name):
            if node.id in names:
                factor = units[node.id].factor if node.id in units else 1.0
                return names[node.id] * (1 if factor == 1.0 else s.Float(factor, 17))
            unit = simple_unit(node.id)
            value = unit.factor if unit is not None else CONSTANTS[node.id]
            return s.Integer(1) if value == 1.0 else s.Float(value, 17)
        if isinstance(node, ast.UnaryOp):
            inside = walk(node.operand)
            return -inside if isinstance(node.op, ast.USub) else inside
        if isinstance(node, ast.BinOp):
            return _binary(node, walk(node.left), walk(node.right))
        if isinstance(node, ast.Call) and node.func.id in ("exp", "log", "sqrt"):  # type: ignore[attr-defined]
            return _known(node.func.id)(walk(node.args[0]))  # type: ignore[attr-defined]
        return _opaque(node, walk)

    return walk(tree)


def _known(name: str) -> Any:
    """exp, log or sqrt as a function that sympy does not know, so that it changes nothing about it."""
    signs = {"exp": {"positive": True}, "sqrt": {"nonnegative": True}}
    return sympy().Function(f"{name}_", real=True, **signs.get(name, {}))


def _binary(node: ast.BinOp, left: Any, right: Any) -> Any:
    if isinstance(node.op, ast.Add):
        return left + right
    if isinstance(node.op, ast.Sub):
        return left - right
    if isinstance(node.op, ast.Mult):
        return left * right
    if isinstance(node.op, ast.Div):
        return left / right
    exponent = constant(node.right)
    whole = exponent is not None and exponent == int(exponent) and abs(exponent) <= 16
    return left ** int(exponent) if whole else sympy().Function("power_", real=True)(left, right)  # type: ignore[arg-type]


def _opaque(node: ast.expr, walk: Any) -> Any:
    """A function of which nothing is known but what it depends on; its name holds the tree, for printing."""
    inner = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    functions = {n.func for n in ast.walk(node) if isinstance(n, ast.Call)}
    depends = dict.fromkeys(walk(n) for n in inner if n not in functions)
    free = sorted({a for d in depends for a in d.free_symbols}, key=str)
    return sympy().Function(f"{_OPAQUE}{ast.unparse(node)}", real=True)(*free)


def is_opaque(expression: Any) -> bool:
    """Whether it contains a condition, min, max or the like, of which nothing is known."""
    return any(not str(f.func).startswith(_KNOWN) for f in expression.atoms(sympy().Function))


def tidy(expression: Any) -> Any:
    """The expression with common factors cancelled, as a sum of terms."""
    s = sympy()
    return s.expand(s.cancel(s.together(expression)))


def written(expression: Any, names: Mapping[str, str], arrays: bool = False, opaque: Callable[[str], str] = str) -> str:
    """Python code of an expression; `names` gives the code of every symbol, `opaque` that of an opaque part's text."""
    s = sympy()

    class Printer(s.printing.str.StrPrinter):  # type: ignore[name-defined, misc]
        def _print_Symbol(self, expr: Any) -> str:
            return names[expr.name]

        def _print_Function(self, expr: Any) -> str:
            if str(expr.func).startswith(_OPAQUE):
                return f"({opaque(str(expr.func)[len(_OPAQUE) :])})"
            name = str(expr.func).rstrip("_")
            inside = ", ".join(self._print(a) for a in expr.args)
            return f"{_OF_ARRAYS[name] if arrays else name}({inside})"

        def _print_Float(self, expr: Any) -> str:
            return repr(float(expr))

        def _print_Rational(self, expr: Any) -> str:
            return f"{float(expr.p)!r}/{float(expr.q)!r}"

        def _print_Integer(self, expr: Any) -> str:
            return repr(float(expr.p))

        def _print_Pow(self, expr: Any, rational: bool = False) -> str:
            if expr.exp.is_Integer and expr.exp != -1:
                base = self.parenthesize(expr.base, 100)
                product = "*".join([base] * abs(int(expr.exp)))
                return f"({product})" if expr.exp > 0 else f"1.0/({product})"
            return str(super()._print_Pow(expr, rational))

    return str(Printer({"order": "none"}).doprint(expression))

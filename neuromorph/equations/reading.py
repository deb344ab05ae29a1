"""Texts of equations and statements, taken apart line by line; what stands in an expression is not looked at here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from neuromorph.errors import PluginError, Problem

_NAME = r"[A-Za-z][A-Za-z0-9_]*"
_DERIVATIVE = re.compile(rf"^d({_NAME})\s*/\s*dt\s*=(.*)$", re.S)
_AUXILIARY = re.compile(rf"^({_NAME})\s*=(?!=)(.*)$", re.S)
_CONSTANT = re.compile(rf"^({_NAME})$")
_STATEMENT = re.compile(rf"^({_NAME})\s*(\+=|-=|\*=|/=|=(?!=))(.*)$", re.S)
_FLAGS = re.compile(r"\(([^()]*)\)\s*$")


@dataclass(frozen=True)
class Equation:
    """One line: `dNAME/dt = EXPRESSION : UNIT (FLAGS)  # DOC`, or `NAME = ...`, or `NAME : UNIT`, by its kind.

    kind : "derivative", "auxiliary" or "constant" (a variable that nothing but arrivals and resets change)
    """

    kind: str
    name: str
    expression: str
    unit: str
    flags: tuple[str, ...]
    doc: str

    @property
    def left(self) -> str:
        """The left-hand side as it is written."""
        return f"d{self.name}/dt" if self.kind == "derivative" else self.name


@dataclass(frozen=True)
class Statement:
    """One `TARGET OPERATOR EXPRESSION`, such as `I += w`."""

    target: str
    operator: str
    expression: str

    def __str__(self) -> str:
        return f"{self.target} {self.operator} {self.expression}"


def read_equations(text: str, where: str) -> list[Equation]:
    """The equations of a text: one a line, or parted by semicolons; a line without a unit goes on in the next.

    Raises PluginError for what is no equation, for a unit that is missing and for a name that is defined twice.
    """
    found: list[Equation] = []
    pending, doc = "", ""
    for line in re.split(r"[\n;]", text):
        code, _, comment = line.partition("#")
        doc = comment.strip() or doc
        pending = f"{pending} {code.strip()}".strip()
        if ":" not in pending:
            continue
        found.append(_equation(pending, doc, where))
        pending, doc = "", ""
    if pending:
        fix = f"Write the unit behind it: `{pending} : mV`, or `: 1` for a number."
        raise PluginError(Problem("the unit is missing", f"{where}: {pending}", fix=fix))
    names = [e.name for e in found]
    for name in names:
        if names.count(name) > 1:
            raise PluginError(Problem(f"'{name}' is defined twice", where, fix="Rename one, or leave it out."))
    return found


def _equation(text: str, doc: str, where: str) -> Equation:
    body, _, rest = text.partition(":")
    body, flags = body.strip(), _FLAGS.search(rest)
    unit = (rest[: flags.start()] if flags else rest).strip()
    words = tuple(word.strip() for word in flags[1].split(",")) if flags else ()
    for kind, pattern in (("derivative", _DERIVATIVE), ("auxiliary", _AUXILIARY), ("constant", _CONSTANT)):
        match = pattern.match(body)
        if match:
            expression = match[2].strip() if kind != "constant" else ""
            if kind != "constant" and not expression:
                break
            return Equation(kind, match[1], expression, unit, words, doc)
    allowed = "dNAME/dt = EXPRESSION : UNIT, NAME = EXPRESSION : UNIT, or NAME : UNIT"
    raise PluginError(Problem("not an equation", where, text, allowed))


def read_statements(text: str, where: str) -> list[Statement]:
    """The statements of a text, one a line or parted by semicolons; raises PluginError for what is none."""
    found = []
    for line in re.split(r"[\n;]", text):
        code = line.partition("#")[0].strip()
        if not code:
            continue
        match = _STATEMENT.match(code)
        if match is None or not match[3].strip():
            allowed = "NAME = EXPRESSION, or with +=, -=, *=, /="
            raise PluginError(Problem("not a statement", where, code, allowed))
        found.append(Statement(match[1], match[2], match[3].strip()))
    return found


def inside_docstring(text: str) -> str:
    """A text as it may stand between three quotes."""
    return text.replace("\\", "\\\\").replace('"""', "'''").rstrip('"')


def split_flags(text: str, known: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """A text without the words in brackets at its end, and these, where all of them are known flags."""
    match = _FLAGS.search(text)
    words = tuple(word.strip() for word in match[1].split(",")) if match else ()
    if match and set(words) <= set(known):
        return text[: match.start()].strip(), words
    return text, ()

"""Where the code says that something is wrong: every `raise`, every Problem, every sentence of a `validate`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
FOLDERS = tuple(ROOT / name for name in ("neuromorph", "plugins/neuromorph_plugins", "cli/neuromorph_cli"))


class Site(NamedTuple):
    """One place with words, by its file under the root and its line."""

    file: str
    line: int
    kind: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


Wrap = Callable[[Site, ast.expr], ast.expr]


class Words(ast.NodeTransformer):
    """Hands every place with words, and the expression that makes them, to `wrap`, and puts its answer there.

    `silent` are the `raise` statements that have no words of their own, with the reason.
    """

    def __init__(self, file: str, wrap: Wrap = lambda site, made: made) -> None:
        self.file, self.wrap = file, wrap
        self.sites: list[Site] = []
        self.silent: dict[Site, str] = {}

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        """A raise whose words are in Problems of its own stands for them; of others the exception counts."""
        own = [n for n in ast.walk(node.exc or node) if _problem(n)]
        self.generic_visit(node)
        site = Site(self.file, node.lineno, "raise")
        reason = _silent(node)
        if reason:
            self.silent[site] = reason
        elif not own and node.exc:
            node.exc = self._wrapped("raise", node.exc)
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """A Problem: what is wrong is its first argument."""
        self.generic_visit(node)
        if _problem(node):
            node.args[0] = self._wrapped("problem", node.args[0])
        return node

    def visit_List(self, node: ast.List) -> ast.List:
        """Sentences that a model's `validate` returns: the literal lists of texts with blanks in models/."""
        self.generic_visit(node)
        if "neuromorph/models/" in self.file:
            node.elts = [self._wrapped("sentence", e) if " " in ast.unparse(e) and _text(e) else e for e in node.elts]
        return node

    def _wrapped(self, kind: str, made: ast.expr) -> ast.expr:
        self.sites.append(Site(self.file, made.lineno, kind))
        return ast.fix_missing_locations(ast.copy_location(self.wrap(self.sites[-1], made), made))


def _text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _problem(node: ast.AST) -> bool:
    """Whether a node is `Problem(what, ...)` or `reading.problem(what, ...)`, which adds one."""
    if not isinstance(node, ast.Call) or not node.args or isinstance(node.args[0], ast.Starred):
        return False
    match node.func:
        case ast.Name("Problem"):
            return True
        case ast.Attribute(ast.Name("reading") | ast.Attribute(_, "reading"), "problem"):
            return True
    return False


def _silent(node: ast.Raise) -> str:
    """Why a raise has no words of its own; empty where it has some."""
    match node.exc:
        case None:
            return "raises again what it caught"
        case ast.Call(ast.Name("SystemExit" | "Interrupted")):
            return "leaves with an exit code"
        case ast.Name("NotImplementedError"):
            return "a method that every subclass has"
        case ast.Name(name) if name[0].isupper():
            return "caught by its caller, never shown"
    return ""


def files() -> Iterator[tuple[str, Path]]:
    """Every source file, with its name under the root."""
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*.py")):
            yield str(path.relative_to(ROOT)), path


def read(path: Path, file: str, wrap: Wrap | None = None) -> tuple[ast.Module, Words]:
    """The syntax tree of a file, and what has been found in it."""
    words: Any = Words(file, wrap) if wrap else Words(file)
    return words.visit(ast.parse(path.read_bytes())), words

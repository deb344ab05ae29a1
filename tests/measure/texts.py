"""The literal words of messages, as far as they can be read in the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from measure.sites import Site, read


def literal(node: ast.expr) -> list[str]:
    """The literal pieces of a text: of an f-string, a sum, a choice; of an exception, those of its arguments."""
    match node:
        case ast.Constant(str(text)):
            return [text]
        case ast.JoinedStr(parts):
            return [piece for part in parts if isinstance(part, ast.Constant) for piece in literal(part)]
        case ast.BinOp(left, _, right):
            return literal(left) + literal(right)
        case ast.IfExp(_, one, other):
            return literal(one) + literal(other)
        case ast.Call(_, arguments, _):
            return [piece for argument in arguments for piece in literal(argument)]
    return []


def assigned(function: ast.AST, name: str) -> Iterator[ast.expr]:
    """What a name is set to in a function, alone or with others."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                match target, node.value:
                    case ast.Name(found), value if found == name:
                        yield value
                    case ast.Tuple(targets), ast.Tuple(values):
                        yield from (v for t, v in zip(targets, values) if isinstance(t, ast.Name) and t.id == name)


def messages(path: Path, file: str) -> Iterator[tuple[Site, list[str]]]:
    """Every place with words of a source file, and its literal pieces; a variable counts once for each value."""
    made: list[tuple[Site, ast.expr]] = []

    def note(site: Site, expression: ast.expr) -> ast.expr:
        made.append((site, expression))
        return expression

    tree, _ = read(path, file, note)
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    for site, expression in made:
        if isinstance(expression, ast.Name):
            around = [f for f in functions if any(n is expression for n in ast.walk(f))][-1:]
            for value in assigned(around[0], expression.id) if around else ():
                yield site, literal(value)
        else:
            yield site, literal(expression)


def plain(text: str) -> str:
    """Its words, in lower case, one blank between them."""
    return " ".join(re.findall(r"\w+(?:'\w+)*", text.replace("\\", "").lower()))


def stretches(pieces: list[str]) -> list[str]:
    """Every three words side by side of the pieces; a whole piece where none has three."""
    split = [plain(piece).split() for piece in pieces]
    three = [" ".join(words[k : k + 3]) for words in split for k in range(len(words) - 2)]
    return three or [" ".join(words) for words in split if words]
